//! How ready each centre is, and who is there to say so.

use std::fmt::Write as _;

use proto::metrics::{self as catalogue, Metric};

use super::page::Content;
use super::text;
use crate::readiness::{Board, STATES, word};

/// Adds the lines of all centres.
pub(super) fn add(content: &mut Content, board: &Board) {
    for (centre, standing) in &board.now().centres {
        for state in STATES {
            let is_so = usize::from(standing.verdict.state == state);
            line(content, &catalogue::READINESS, centre, word(state), is_so);
        }
        let witnesses = &standing.witnesses;
        for (state, number) in [("expected", witnesses.expected), ("awake", witnesses.awake)] {
            line(content, &catalogue::CENTRE_WITNESSES, centre, state, number);
        }
    }
}

fn line(content: &mut Content, metric: &'static Metric, centre: &str, state: &str, value: usize) {
    let mut line = format!("{}{{centre=\"{centre}\"", metric.name);
    for label in metric.labels {
        text::push_label(&mut line, label, state);
    }
    let _ = writeln!(line, "}} {value}");
    content.centre(metric, &line);
}
