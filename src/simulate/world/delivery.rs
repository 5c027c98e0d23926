//! How lines reach the collector: at once while the way there works, otherwise from a buffer after it does again; and the
//! queue that gives everything in the order of arrival.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use diagnosis::record::{Record, What};
use rand::rngs::StdRng;

use super::chance::{between, draw, float};
use super::probes::hundredths;
use crate::simulate::parameters::Parameters;

/// A drain takes no longer, seconds.
const LONGEST_DRAIN: f64 = 60.0;

/// What arrives later, the next first.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: BinaryHeap<Waiting>,
    number: u64,
}

#[derive(Debug)]
struct Waiting {
    record: Record,
    number: u64,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.record.arrived.total_cmp(&self.record.arrived);
        by_time.then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl Outbox {
    pub(crate) fn push(&mut self, arrived: f64, what: Option<What>) {
        self.number += 1;
        let record = Record {
            arrived: hundredths(arrived),
            what,
        };
        self.waiting.push(Waiting {
            record,
            number: self.number,
        });
    }

    /// The next that has arrived by now.
    pub(crate) fn pop(&mut self, now: f64) -> Option<Record> {
        let is_due = self
            .waiting
            .peek()
            .is_some_and(|next| next.record.arrived <= now);
        is_due
            .then(|| self.waiting.pop())
            .flatten()
            .map(|next| next.record)
    }
}

/// What one machine could not deliver yet. It is on its disk and outlives everything.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// In the order it was written.
    lines: Vec<What>,
    /// When the connection is there again.
    connects: Option<f64>,
}

impl Buffer {
    /// Keeps something for later.
    pub(crate) fn keep(&mut self, what: What) {
        self.lines.push(what);
    }

    /// The next connection is made at this time, if it can be.
    pub(crate) fn connect_at(&mut self, t: f64) {
        self.connects = Some(t);
    }

    /// Whether nothing waits, so that what is written goes out at once.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Looks whether the collector can be reached now; after a while it is, and everything goes there, the newest first.
    pub(crate) fn drain(
        &mut self,
        is_reachable: bool,
        now: f64,
        parameters: &Parameters,
        outbox: &mut Outbox,
        rng: &mut StdRng,
    ) {
        if self.lines.is_empty() {
            return;
        }
        if !is_reachable {
            self.connects = None;
            return;
        }
        let connects = *self
            .connects
            .get_or_insert_with(|| now + draw(rng, parameters.reconnect));
        if now < connects {
            return;
        }
        self.connects = None;
        let apart = (LONGEST_DRAIN / float(self.lines.len())).min(0.05);
        let first = now + between(rng, 0.2, 0.8);
        for (number, what) in self.lines.drain(..).rev().enumerate() {
            outbox.push(first + float(number) * apart, Some(what));
        }
    }
}
