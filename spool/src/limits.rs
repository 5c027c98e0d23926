//! How much a spool may hold.

use std::time::Duration;

use crate::record::{HEADER_BYTES, MAX_RECORD_BYTES};

/// Bounds of one spool. Beyond any of them the oldest records are dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All of it: memory, chunks as they lie on disk (with what is already acknowledged in them), damaged files. Drops on
    /// disk are by whole chunk: a sixteenth of this up to 1 MiB; of a spool beyond half a gigabyte a 512th, up to 16 MiB.
    pub bytes: u64,
    /// Records whose time is further back than this are dropped, within a thousandth of it. Judged by the clock of the
    /// caller: one that knows its clock to be wrong says that it does not know the time, and nothing is dropped.
    pub age: Duration,
    /// With more than this in memory, or with a thousand records, everything is written to disk.
    pub spill_bytes: u64,
    /// The most in memory when the disk takes nothing.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64_000_000,
            age: Duration::from_secs(7 * 24 * 3600),
            spill_bytes: 1_000_000,
            memory_bytes: 4_000_000,
        }
    }
}

impl Limits {
    /// A chunk is closed before it grows beyond this, unless one record alone is larger.
    pub(crate) fn chunk_bytes(&self) -> u64 {
        let small = (self.bytes / 16).clamp(4096, 1 << 20);
        let large = (self.bytes / 512).min(MAX_RECORD_BYTES as u64);
        small.max(large)
    }

    /// Header and bytes of the largest record that fits.
    pub(crate) fn record_bytes(&self) -> u64 {
        let most = MAX_RECORD_BYTES as u64 + HEADER_BYTES as u64;
        most.min(self.memory_bytes).min(self.bytes)
    }
}
