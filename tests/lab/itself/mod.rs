//! The lab does what it says: nothing of ours is judged here but the lab.

mod hops;
