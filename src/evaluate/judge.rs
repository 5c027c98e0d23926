//! Which message was about which fault, and whether it was right.
//!
//! A fault is *detected* by any message whose scope intersects its own, from its start to a quarter of an hour after
//! its end. Where faults overlap, a message belongs to the one it fits best: the right segment, then the most similar
//! scope, then the later start; so one message may detect two faults, but is counted once. The segment is *right* when
//! it is that of the label and, for a fault of one machine, names the machine. *Finally* is how the incident of the
//! first message that was not taken back stood a quarter of an hour after the fault's end, whatever its stage.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::labels::Label;
use super::said::{History, Said, Verdict};

/// A fault and what was made of it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) label: Label,
    /// When the first message about it came.
    pub(crate) detected: Option<f64>,
    /// What that one said.
    pub(crate) first: Option<Verdict>,
    /// What it said was likeliest after that.
    pub(crate) second: Option<Verdict>,
    /// What is said in the end.
    pub(crate) finally: Option<Verdict>,
    /// How sure that is.
    pub(crate) confidence: f64,
    /// Messages about it.
    pub(crate) messages: u32,
}

impl Judged {
    pub(crate) fn is_first_right(&self) -> bool {
        self.first
            .as_ref()
            .is_some_and(|said| is_right(said, &self.label))
    }

    pub(crate) fn is_finally_right(&self) -> bool {
        self.finally
            .as_ref()
            .is_some_and(|said| is_right(said, &self.label))
    }

    /// Whether one of the two likeliest causes of the first message has the right segment.
    pub(crate) fn is_among_two(&self) -> bool {
        let same = |said: &Verdict| said.segment.as_deref() == Some(&self.label.segment);
        self.is_first_right() || self.second.as_ref().is_some_and(same)
    }

    /// Seconds from its start to the first message.
    pub(crate) fn delay(&self) -> Option<f64> {
        self.detected.map(|at| at - self.label.start)
    }
}

/// The segment and, where it is one machine's fault, the machine.
fn is_right(said: &Verdict, label: &Label) -> bool {
    said.segment.as_deref() == Some(&label.segment)
        && (label.segment != "device" || said.culprit == label.culprit)
}

/// Judges every fault, and returns the messages that were about none beside it.
pub(crate) fn judge(labels: Vec<Label>, history: &History) -> (Vec<Judged>, Vec<Said>) {
    let scopes: Vec<HashSet<&str>> = labels
        .iter()
        .map(|label| label.scope.iter().map(String::as_str).collect())
        .collect();
    // For each fault the messages that detect it, in order of time, and whether they belong to it.
    let mut messages: Vec<Vec<(&Said, bool)>> = vec![Vec::new(); labels.len()];
    let mut unfounded = Vec::new();
    for said in history.notifications() {
        let fits: Vec<(usize, Fit)> = labels
            .iter()
            .zip(&scopes)
            .enumerate()
            .filter_map(|(place, (label, scope))| Some((place, Fit::of(said, label, scope)?)))
            .collect();
        let Some((best, _)) = fits.iter().max_by(|(_, a), (_, b)| a.compare(b)) else {
            unfounded.push(said.clone());
            continue;
        };
        for (place, _) in &fits {
            if let Some(messages) = messages.get_mut(*place) {
                messages.push((said, place == best));
            }
        }
    }
    let judged = labels
        .into_iter()
        .zip(messages)
        .map(|(label, messages)| judged(label, &messages, history))
        .collect();
    (judged, unfounded)
}

fn judged(label: Label, messages: &[(&Said, bool)], history: &History) -> Judged {
    let own: Vec<&Said> = messages
        .iter()
        .filter(|(_, own)| *own)
        .map(|(said, _)| *said)
        .collect();
    // A fault that only messages about others mention is judged by those.
    let about: Vec<&Said> = if own.is_empty() {
        messages.iter().map(|(said, _)| *said).collect()
    } else {
        own.clone()
    };
    let first = about.first();
    let end = label.counts_until();
    let finally = about.iter().find_map(|said| history.stood(&said.id, end));
    Judged {
        detected: messages.first().map(|(said, _)| said.at),
        first: first.map(|said| said.verdict.clone()),
        second: first.and_then(|said| said.alternatives.first().cloned()),
        finally: finally.map(|said| said.verdict.clone()),
        confidence: finally.map_or(0.0, |said| said.confidence),
        messages: u32::try_from(own.len()).unwrap_or(u32::MAX),
        label,
    }
}

/// How well a message fits a fault that it may be about.
struct Fit {
    right: bool,
    /// Share of the centres of either that are in both.
    overlap: f64,
    start: f64,
}

impl Fit {
    /// Nothing where the message cannot be about the fault.
    fn of(said: &Said, label: &Label, scope: &HashSet<&str>) -> Option<Self> {
        if said.at < label.start || said.at > label.counts_until() {
            return None;
        }
        let both = said
            .scope
            .iter()
            .filter(|id| scope.contains(id.as_str()))
            .count();
        let either = said.scope.len() + scope.len() - both;
        (both > 0).then(|| Self {
            right: is_right(&said.verdict, label),
            overlap: share(both, either),
            start: label.start,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.right
            .cmp(&other.right)
            .then(self.overlap.total_cmp(&other.overlap))
            .then(self.start.total_cmp(&other.start))
    }
}

/// One number as a share of another; 0 of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    float(part) / float(whole)
}

/// Counts here are far below what a double holds exactly.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}
