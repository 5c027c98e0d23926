//! What was kept comes back, whatever happened to the files meanwhile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;

use diagnosis::record::{Goodbye, Kind, What};

use super::*;
use crate::metrics::own::Own;
use crate::watch::metrics::Metrics;
use diagnosis::record::Record;
use jiff::Timestamp;

const DAY: f64 = 86_400.0;

/// In the morning of a day.
const MORNING: f64 = 1_790_000_000.0;

fn metrics() -> Metrics {
    Own::new(Timestamp::UNIX_EPOCH).unwrap().diagnosis
}

fn bounds(folder: &Path, bytes: u64) -> Bounds {
    Bounds {
        folder: folder.join(FOLDER),
        bytes,
        age: Duration::from_hours(3 * 24),
    }
}

fn record(arrived: f64, agent: &str) -> Record {
    Record {
        arrived,
        what: Some(What {
            t: arrived - 1.0,
            centre: "cong-son".into(),
            agent: agent.into(),
            kind: Kind::Goodbye(Goodbye::Shutdown),
        }),
    }
}

fn keep(bounds: &Bounds, records: Vec<Record>) -> Metrics {
    let metrics = metrics();
    let writer = start(bounds.clone(), metrics.clone());
    writer.keep(records);
    writer.finish();
    metrics
}

fn at(seconds: f64) -> Timestamp {
    files::timestamp(seconds).unwrap()
}

/// Who arrived between.
fn kept(bounds: &Bounds, from: f64, to: f64) -> Vec<String> {
    let mut agents = Vec::new();
    visit(bounds, at(from), at(to), |record| {
        agents.push(record.what.unwrap().agent);
    })
    .unwrap();
    agents
}

#[test]
fn what_was_told_is_exported_by_arrival() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = bounds(folder.path(), 1 << 20);
    let records = vec![
        record(MORNING, "pc-1"),
        record(MORNING + 1.0, "pc-2"),
        record(MORNING + 2.0, "pc-3"),
    ];
    keep(&bounds, records);
    let mut out = Vec::new();
    let count = export(&bounds, at(MORNING + 1.0), at(MORNING + 2.0), &mut out).unwrap();
    assert_eq!(count, 2);
    let text = String::from_utf8(out).unwrap();
    let first = r#"{"t":1790000000.0,"arrived":1790000001.0,"centre":"cong-son","agent":"pc-2","goodbye":"shutdown"}"#;
    assert_eq!(text.lines().next(), Some(first));
    assert_eq!(text.lines().count(), 2);
    assert_eq!(kept(&bounds, 0.0, MORNING), ["pc-1"]);
}

#[test]
fn a_torn_end_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = bounds(folder.path(), 1 << 20);
    keep(&bounds, vec![record(MORNING, "pc-1")]);
    keep(&bounds, vec![record(MORNING + 1.0, "pc-2")]);
    let path = &files::list(&bounds.folder).unwrap()[0].path;
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(kept(&bounds, 0.0, MORNING + DAY), ["pc-1"]);
    keep(&bounds, vec![record(MORNING + 2.0, "pc-3")]);
    assert_eq!(kept(&bounds, 0.0, MORNING + DAY), ["pc-1", "pc-3"]);
    assert_eq!(files::list(&bounds.folder).unwrap().len(), 1);
}

#[test]
fn the_oldest_goes_when_there_is_too_much_or_it_is_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let tight = bounds(folder.path(), 2_000);
    for number in 0..60 {
        keep(
            &tight,
            vec![record(MORNING + f64::from(number), &format!("pc-{number}"))],
        );
    }
    let left = kept(&tight, 0.0, MORNING + DAY);
    assert!((5..30).contains(&left.len()), "{left:?}");
    assert_eq!(left.last().unwrap(), "pc-59");
    let bytes: u64 = files::list(&tight.folder)
        .unwrap()
        .iter()
        .map(|one| one.bytes)
        .sum();
    assert!(bytes <= 2_000, "{bytes}");

    let roomy = bounds(folder.path(), 1 << 20);
    let metrics = keep(&roomy, vec![record(MORNING + 5.0 * DAY, "later")]);
    assert_eq!(kept(&roomy, 0.0, MORNING + 9.0 * DAY), ["later"]);
    assert!((1..200).contains(&metrics.evidence_bytes.get()));
}

#[test]
fn a_disk_that_takes_nothing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = bounds(folder.path(), 1 << 20);
    fs::write(&bounds.folder, "no folder").unwrap();
    let metrics = keep(
        &bounds,
        vec![record(MORNING, "pc-1"), record(MORNING, "pc-2")],
    );
    assert_eq!(metrics.evidence_dropped.get(), 2);
}
