//! Printers, routers, switches and UPS: what cannot run an agent is asked, by the scout of its centre.
//!
//! In reading order: `said` (what a device may say of itself, whoever it is), `snmp/` (how it is asked),
//! `printer/`, `network/`, `ups/` (what the answers mean, from the MIBs), `ipp/` (the other language of
//! printers), `ask` (all of it, once), `poll/` (by the plan, again and again), `discovery/` (looking for
//! more). What differs between vendors is a table, never a branch. Deliberately absent: anything that
//! changes a device; no SET is ever sent.

pub(crate) mod ask;
pub(crate) mod discovery;
mod ipp;
mod merge;
mod network;
pub(crate) mod poll;
mod printer;
pub mod said;
pub(crate) mod snmp;
mod system;
mod table;
mod ups;
mod witness;
