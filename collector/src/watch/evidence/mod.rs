//! What the diagnosis was told, kept for replay: files of a day each or less, bounded in bytes and age.
//!
//! Written by a thread of its own, some seconds at a time and without syncing: it is for looking back, and a
//! kill may cost the last of them. `dawnwatch-collector export-evidence` reads it, beside a running collector
//! too.

mod blocks;
mod files;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::PathBuf;
use std::time::Duration;

pub(super) use self::files::timestamp;
pub use self::read::export;
pub(super) use self::read::visit;
pub(super) use self::write::{Writer, start};

/// The folder in the data folder.
pub const FOLDER: &str = "evidence";

/// Where evidence is kept, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes of all files; 0 to keep nothing.
    pub bytes: u64,
    /// The oldest that is kept.
    pub age: Duration,
}

/// Why evidence cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}", path = path.display())]
pub struct Unreadable {
    path: PathBuf,
    source: std::io::Error,
}
