//! What a spool says of itself.

use crate::Disk;

/// The spool at one moment, and its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Records waiting to be acknowledged.
    pub records: u64,
    /// Those of them that a crash would lose.
    pub records_in_memory: u64,
    /// Samples in the waiting records.
    pub samples: u64,
    /// Bytes used in memory and on disk, as [`crate::Limits::bytes`] counts them.
    pub bytes: u64,
    /// Time of the oldest waiting record, in Unix milliseconds.
    pub oldest_time_unix_ms: Option<i64>,
    /// Records dropped since the folder was made: too old, too many, or damaged.
    pub dropped_records: u64,
    /// Samples in the dropped records, and those dropped before they were one.
    pub dropped_samples: u64,
    /// Samples that were in memory when a process was killed, see [`crate::Spool::lost`].
    pub lost_samples: u64,
    /// Chunks (and state files) found damaged or unreadable since open. Records whose own header was damaged are missing
    /// without being in the dropped counts: nobody knows what they were.
    pub corrupt_files: u64,
    /// Bytes of unfinished records cut off at open.
    pub cut_bytes: u64,
    /// How the disk did at the last attempt to write.
    pub disk: Disk,
}
