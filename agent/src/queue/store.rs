//! The side of the queue where the disk is: what goes into the spool and what comes out of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use prost::Message as _;
use proto::limits::{LOST_PER_HELLO, MESSAGE_BYTES};
use proto::stream::{Malformed, Measured};
use proto::wire;
use spool::{Fate, Lost, Sequence, Spool, Stats};
use tracing::warn;

use super::front::{Front, Waits, lock};
use crate::clock;
use crate::record::Recorded;

/// A batch gets its sequence and its clock when it is sent.
const SENDABLE_BYTES: usize = MESSAGE_BYTES - 1024;

/// What only one may use at a time, and only where blocking is allowed.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) spool: Spool,
    /// What the disk did not give since the newest stream began.
    pub(super) unreadable: BTreeSet<u64>,
    pub(super) front: Arc<Mutex<Front>>,
}

/// A batch that waits.
#[derive(Debug)]
pub struct Waiting {
    /// Its number in the queue.
    pub sequence: u64,
    /// Names it together with its number.
    pub instance: u64,
    /// How the clocks stood when it was measured.
    pub recorded: Option<wire::Recorded>,
    /// What was measured.
    pub measured: Measured,
    /// The number of the batch that follows.
    pub next: Option<u64>,
}

impl Store {
    /// By the collector's clock, where that is known.
    pub(super) fn now_unix_ms(&self) -> Option<i64> {
        let reference_ms = lock(&self.front).reference.get()?;
        Some(reference_ms.saturating_add_unsigned(clock::now().monotonic_ms))
    }

    /// Moves into the spool what was added; says whether there was anything.
    pub(super) fn take_in(&mut self) -> bool {
        let mut any = false;
        while let Some(recorded) = self.next_added() {
            any = true;
            let time_unix_ms = lock(&self.front).true_time(&recorded);
            let now_unix_ms = self.now_unix_ms();
            let Recorded { bytes, samples, .. } = recorded;
            let appended = self.spool.append(time_unix_ms, samples, bytes, now_unix_ms);
            if let Err(error) = appended {
                warn!(
                    error = crate::chain(&error),
                    samples, "A batch could not be kept."
                );
                self.spool.count_lost(u64::from(samples));
            }
        }
        let (lost_samples, not_in_spool) = {
            let mut front = lock(&self.front);
            let lost_samples = std::mem::take(&mut front.lost_samples);
            (lost_samples, front.not_in_spool())
        };
        if lost_samples > 0 {
            self.spool.count_lost(lost_samples);
        }
        self.spool.note_unrecorded(not_in_spool);
        any
    }

    fn next_added(&self) -> Option<Recorded> {
        let mut front = lock(&self.front);
        let next = front.added.pop_front();
        match &next {
            Some(recorded) => front.added_bytes -= recorded.bytes.len(),
            None => front.is_taken_in = false,
        }
        next
    }

    /// Forgets what the collector has.
    pub(super) fn ack(&mut self, sequences: &[u64]) {
        let oldest = self.spool.oldest_in_memory();
        for sequence in sequences {
            self.spool.ack(Sequence(*sequence));
        }
        if self.spool.oldest_in_memory() != oldest {
            lock(&self.front).progressed();
        }
    }

    /// Says how many samples of what was asked about are lost.
    pub(super) fn settle_lost(
        &mut self,
        asked: &[wire::Batches],
        arrived: &[wire::Batches],
    ) -> Result<u64, spool::Error> {
        self.spool.settle_lost(|lost| {
            let are_in = |ranges: &[wire::Batches]| {
                ranges.iter().any(|range| {
                    range.instance == lost.instance
                        && (range.first..=range.last).contains(&lost.sequence.0)
                })
            };
            match (are_in(arrived), are_in(asked)) {
                (true, _) => Fate::Arrived,
                (false, true) => Fate::Missing,
                (false, false) => Fate::Unknown,
            }
        })
    }

    /// The next batch that the disk gives. After an error of the disk it is asked no further this time,
    /// and not for that batch again before the next stream. Damage is counted by the spool.
    pub(super) fn after(&mut self, mut sequence: Sequence) -> Option<Found> {
        loop {
            sequence = self.spool.after(sequence)?.sequence;
            if self.unreadable.contains(&sequence.0) {
                continue;
            }
            match self.spool.read(sequence) {
                Ok(Some(record)) => {
                    return Some(Found {
                        sequence,
                        bytes: record.bytes,
                        samples: record.weight,
                        next: self.spool.after(sequence).map(|next| next.sequence.0),
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    if self.unreadable.is_empty() {
                        warn!(
                            error = crate::chain(&error),
                            "What waits on disk cannot be read now; the next stream tries again."
                        );
                    }
                    self.unreadable.insert(sequence.0);
                    return None;
                }
            }
        }
    }
}

/// A batch as it lies in the spool.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) sequence: Sequence,
    bytes: Vec<u8>,
    samples: u32,
    next: Option<u64>,
}

impl Found {
    /// What is in it; `None`, with a word in the log, when no collector would take it.
    pub(super) fn unpack(self) -> Option<Waiting> {
        match decode(&self.bytes) {
            Ok((batch, measured)) => Some(Waiting {
                sequence: self.sequence.0,
                instance: batch.instance,
                recorded: batch.recorded,
                measured,
                next: self.next,
            }),
            Err(error) => {
                let error = crate::chain(&error);
                let samples = self.samples;
                warn!(error, samples, "A waiting batch cannot be sent; dropped.");
                None
            }
        }
    }
}

/// Why a batch in the spool is of no use to any collector.
#[derive(Debug, thiserror::Error)]
enum Useless {
    #[error("larger than any collector takes")]
    TooLarge,
    #[error("not a batch")]
    NoBatch(#[from] prost::DecodeError),
    #[error("not a batch of this version")]
    Malformed(#[from] Malformed),
}

fn decode(bytes: &[u8]) -> Result<(wire::Batch, Measured), Useless> {
    if bytes.len() > SENDABLE_BYTES {
        return Err(Useless::TooLarge);
    }
    let batch = wire::Batch::decode(bytes)?;
    let measured = Measured::unpack(&batch)?;
    Ok((batch, measured))
}

/// In as few ranges as name exactly these, or, where those would be too many, one of each instance:
/// a collector says of which it knows, whatever else is asked for.
pub(super) fn ranges_of(lost: &[Lost]) -> Vec<wire::Batches> {
    let mut exact: Vec<wire::Batches> = Vec::new();
    let mut spans: Vec<wire::Batches> = Vec::new();
    for Lost {
        instance, sequence, ..
    } in lost
    {
        let one = wire::Batches {
            instance: *instance,
            first: sequence.0,
            last: sequence.0,
        };
        match exact.last_mut() {
            Some(last)
                if last.instance == *instance && last.last.checked_add(1) == Some(one.first) =>
            {
                last.last = one.last;
            }
            _ => exact.push(one),
        }
        match spans.iter_mut().find(|span| span.instance == *instance) {
            Some(span) => {
                span.first = span.first.min(one.first);
                span.last = span.last.max(one.last);
            }
            None => spans.push(one),
        }
    }
    let mut ranges = if exact.len() > LOST_PER_HELLO {
        spans
    } else {
        exact
    };
    ranges.truncate(LOST_PER_HELLO);
    ranges
}

/// Of a spool without what is on its way. Its records are a few kilobytes each, so an even share of
/// its bytes is near enough.
pub(super) fn waits(spool: &Spool, stats: &Stats, on_the_way: &BTreeSet<u64>) -> Waits {
    let records = stats.records.saturating_sub(on_the_way.len() as u64);
    let mut oldest = spool.oldest();
    while let Some(entry) = oldest.filter(|entry| on_the_way.contains(&entry.sequence.0)) {
        oldest = spool.after(entry.sequence);
    }
    let bytes = stats
        .bytes
        .saturating_mul(records)
        .checked_div(stats.records);
    Waits {
        records,
        bytes: bytes.unwrap_or_default(),
        oldest_unix_ms: oldest.and_then(|entry| entry.time_unix_ms),
    }
}
