//! The lab does what it says. Nothing of the product is judged here: what would a scenario prove on a
//! lab that lies?
//!
//! [`wires`]: the emulator in made-up time, held against its own configuration · [`links`]: the same in
//! real time, beside `ping` · [`hops`]: routes and traces · [`resolvers`], [`portals`]: each manner of the
//! servers, seen from a PC by a client of our own · [`programs`]: ours run in it.

mod hops;
mod links;
mod ping;
mod portals;
mod programs;
mod resolvers;
mod wires;
