//! What is wrong, in each centre it hits. Of two incidents with the same labels the likelier counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proto::limits::LABEL_BYTES;
use proto::metrics::{self as catalogue, Metric};

use super::page::Content;
use super::text;
use crate::watch::{self, Events};

/// Adds the lines of all that is open, and what service was lost.
pub(super) fn add(content: &mut Content, faults: &Events) {
    let open = faults.open_now();
    let mut active: BTreeMap<(&str, [&str; 3]), f64> = BTreeMap::new();
    for standing in open.values() {
        let incident = &*standing.incident;
        let culprit = incident.culprit.as_deref().unwrap_or_default();
        let labels = [watch::segment_of(incident), &incident.fault, short(culprit)];
        for centre in &incident.scope {
            let confidence = active.entry((centre, labels)).or_insert(0.0);
            *confidence = confidence.max(incident.confidence);
        }
    }
    for ((centre, labels), confidence) in &active {
        line(content, &catalogue::FAULT_ACTIVE, centre, labels, 1.0);
        line(
            content,
            &catalogue::FAULT_CONFIDENCE,
            centre,
            labels,
            *confidence,
        );
    }
    for ((centre, segment), seconds) in faults.lost().iter() {
        line(
            content,
            &catalogue::CENTRE_LOST_SERVICE,
            centre,
            &[segment],
            *seconds,
        );
    }
}

fn line(content: &mut Content, metric: &'static Metric, centre: &str, values: &[&str], value: f64) {
    let mut line = format!("{}{{centre=\"{centre}\"", metric.name);
    for (label, value) in metric.labels.iter().zip(values) {
        text::push_label(&mut line, label, value);
    }
    let _ = writeln!(line, "}} {value}");
    content.centre(metric, &line);
}

/// As much of a name as a label may have.
fn short(name: &str) -> &str {
    let mut end = name.len().min(LABEL_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
