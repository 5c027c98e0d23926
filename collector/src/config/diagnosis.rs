//! `[diagnosis]`: what is kept of the evidence.

use std::ops::RangeInclusive;
use std::time::Duration;

use settings::Table;

/// How much evidence is kept: what a province of 65 centres tells in two weeks, about.
const USUAL: Evidence = Evidence {
    bytes: 2_000_000_000,
    age: Duration::from_hours(14 * 24),
};

/// How long it may be kept.
const AGE: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(5 * 366 * 24);

/// How much evidence is kept for replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Bytes; 0 for none.
    pub bytes: u64,
    /// The oldest.
    pub age: Duration,
}

impl Default for Evidence {
    fn default() -> Self {
        USUAL
    }
}

pub(super) fn evidence(root: &Table<'_>) -> Evidence {
    let table = root.table("diagnosis");
    Evidence {
        bytes: table.bytes("evidence_bytes").unwrap_or(USUAL.bytes),
        age: super::duration(&table, "evidence_age", AGE).unwrap_or(USUAL.age),
    }
}
