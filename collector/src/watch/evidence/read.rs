//! Reads the journal: for export, and for the diagnosis after a restart.

use std::fs::File;
use std::io::{BufReader, Write};

use diagnosis::record::{Line, Record};
use jiff::Timestamp;

use super::{Bounds, Unreadable, blocks, files};

/// Writes the lines of what arrived from `from` to `to`, both included, in the order of arrival.
///
/// # Errors
/// When the journal cannot be read, or `out` cannot be written.
pub fn export(
    bounds: &Bounds,
    from: Timestamp,
    to: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<u64> {
    let mut count = 0;
    lines(bounds, from, to, |text, _| {
        out.write_all(text)?;
        count += 1;
        Ok::<_, anyhow::Error>(())
    })?;
    out.flush()?;
    Ok(count)
}

/// Shows the records that arrived from `from` to `to`.
///
/// # Errors
/// When the journal cannot be read.
pub(in crate::watch) fn visit(
    bounds: &Bounds,
    from: Timestamp,
    to: Timestamp,
    mut visitor: impl FnMut(Record),
) -> Result<(), Unreadable> {
    lines(bounds, from, to, |_, line| {
        line.records().into_iter().for_each(&mut visitor);
        Ok(())
    })
}

fn lines<E: From<Unreadable>>(
    bounds: &Bounds,
    from: Timestamp,
    to: Timestamp,
    mut visitor: impl FnMut(&[u8], Line) -> Result<(), E>,
) -> Result<(), E> {
    let folder = &bounds.folder;
    let listed = files::list(folder).map_err(|source| Unreadable {
        path: folder.clone(),
        source,
    })?;
    let days = files::day(from)..=files::day(to);
    let span = seconds(from)..=seconds(to);
    for journal in listed.into_iter().filter(|one| days.contains(&one.day)) {
        let failed = |source| Unreadable {
            path: journal.path.clone(),
            source,
        };
        let file = match File::open(&journal.path) {
            Ok(file) => file,
            // It became too old.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error).into()),
        };
        let mut file = BufReader::new(file);
        while let Some((block, _)) = blocks::next(&mut file).map_err(failed)? {
            for text in block.split_inclusive(|byte| *byte == b'\n') {
                // One of a newer version that is no line to this one is left out.
                let Ok(line) = serde_json::from_slice::<Line>(text) else {
                    continue;
                };
                if span.contains(&line.arrived) {
                    visitor(text, line)?;
                }
            }
        }
    }
    Ok(())
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
