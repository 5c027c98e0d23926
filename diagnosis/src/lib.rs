//! Where a connection fails and what is wrong there: the names every part of Dawnwatch uses for it.
//!
//! [`Segment`] is a stretch of the way from a PC to a portal, [`Fault`] a diagnosed cause. Their words are a public
//! contract: they stand in metric labels, in the API, in replay files. [`evidence`] is what a machine saw, [`spot`] judges
//! it where it stands, and [`sentence`] tells people. This crate does no IO, has no clock and no async. Deliberately absent,
//! so far: the engine that weighs the evidence of a whole province over time.

pub mod calendar;
pub mod engine;
pub mod event;
pub mod evidence;
mod faults;
pub mod forecast;
mod path;
pub mod readiness;
pub mod record;
pub mod sentence;
pub mod spot;

pub use faults::Fault;
pub use path::Segment;

/// A word that is not in the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" is no {kind}")]
pub struct UnknownName {
    /// What was looked for: "segment" or "fault".
    pub kind: &'static str,
    /// The word.
    pub word: String,
}
