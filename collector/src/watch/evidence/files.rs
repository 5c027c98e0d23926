//! The files of the journal: `2026-11-24-03.evidence` is the fourth of its day, in UTC.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

const ENDING: &str = ".evidence";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Journal {
    pub(super) day: Date,
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The day of a time.
pub(super) fn day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// A time in seconds, if it is one.
pub(in crate::watch) fn timestamp(seconds: f64) -> Option<Timestamp> {
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}

/// Where a file of this day and number is.
pub(super) fn path(folder: &Path, day: Date, number: u32) -> PathBuf {
    folder.join(format!("{day}-{number:02}{ENDING}"))
}

/// All files, the oldest first; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Journal>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some((day, number)) = name.to_str().and_then(parse) else {
            continue;
        };
        // One that was just removed has no size.
        let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
        let path = entry.path();
        files.push(Journal {
            day,
            number,
            path,
            bytes,
        });
    }
    files.sort();
    Ok(files)
}

fn parse(name: &str) -> Option<(Date, u32)> {
    let (day, number) = name.strip_suffix(ENDING)?.rsplit_once('-')?;
    Some((day.parse().ok()?, number.parse().ok()?))
}
