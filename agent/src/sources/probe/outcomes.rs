//! The outcomes of one probe, as values: 1 for the present one, 0 for each that was before.
//!
//! What never happened has no value: a service that always works has one.

use std::collections::BTreeSet;

/// How it ended since the agent started.
#[derive(Debug)]
pub(super) struct Outcomes<O>(BTreeSet<O>);

impl<O: Copy + Ord> Outcomes<O> {
    /// It did not end yet.
    pub(super) fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// It ended so: what is to be told.
    pub(super) fn with(&mut self, present: O) -> impl Iterator<Item = (O, f64)> {
        self.0.insert(present);
        let value = move |one| f64::from(u8::from(one == present));
        self.0.iter().map(move |one| (*one, value(*one)))
    }
}
