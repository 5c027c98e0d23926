//! What can go wrong, and how the disk is doing.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why an operation of the spool did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has this folder open.
    #[error(
        "the spool {} is in use by another process; stop that one or choose another folder",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder was written by a newer version. It was not touched.
    #[error(
        "{} has spool format {found}, this program knows up to {known}; update the program or choose another folder",
        path.display()
    )]
    NewerVersion {
        /// The file that says so.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format of this program.
        known: u32,
    },
    /// The record is larger than the limits allow. It was not taken.
    #[error("a record of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// Size of the record.
        bytes: u64,
        /// The most a record may have here.
        limit: u64,
    },
    /// The disk did not do what was asked. What was in memory is still there.
    #[error("cannot {action} {}", path.display())]
    Disk {
        /// What was tried: "write", "sync" …
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk {
            action,
            path,
            source,
        }
    }

    /// What this error says about the disk.
    pub(crate) fn disk_state(&self) -> Disk {
        let Self::Disk { source, .. } = self else {
            return Disk::Failing;
        };
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Disk::Full,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Disk::ReadOnly,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Disk::Gone,
            _ => Disk::Failing,
        }
    }
}

/// How the disk did at the last attempt to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// It wrote.
    Good,
    /// No space, or none for this user.
    Full,
    /// Nothing may be written there.
    ReadOnly,
    /// The folder vanished and could not be made anew.
    Gone,
    /// Anything else.
    Failing,
}

impl Disk {
    /// A stable word, fit for a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Full => "full",
            Self::ReadOnly => "read_only",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}
