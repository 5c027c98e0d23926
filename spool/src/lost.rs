//! What a kill took with it, by number, until its receiver has said what of it arrived.
//!
//! A record can reach its receiver before the process is killed, and its acknowledgement never come.
//! Only the receiver knows: so what was in memory is neither counted nor forgotten before it was asked.

use crate::{Error, Sequence, Spool, record::take};

/// More than this is not remembered: the oldest of it is counted as dropped at once.
const MAX_LOST: usize = 4096;

/// A record that was in memory only when its process was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The [`Spool::instance`] that gave it its number.
    pub instance: u64,
    /// Its number; for samples that were not appended yet, the number they would have had.
    pub sequence: Sequence,
    /// Its samples.
    pub samples: u64,
}

/// What its receiver says of a lost record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was received, so it is not lost.
    Arrived,
    /// It is gone.
    Missing,
    /// Nobody was asked about it yet.
    Unknown,
}

impl Lost {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.instance, self.sequence.0, self.samples] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    pub(crate) fn decode(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            instance: u64::from_le_bytes(take(input)?),
            sequence: Sequence(u64::from_le_bytes(take(input)?)),
            samples: u64::from_le_bytes(take(input)?),
        })
    }
}

impl Spool {
    /// What kills took with them and nobody has settled yet, oldest first.
    pub fn lost(&self) -> &[Lost] {
        &self.state.lost
    }

    /// Answers the question of [`Spool::lost`]: what is missing is counted as dropped, durably, and what is unknown stays.
    /// Returns the samples that are missing. After an error nothing is settled, and a later call may succeed.
    pub fn settle_lost(&mut self, fate: impl Fn(&Lost) -> Fate) -> Result<u64, Error> {
        let (mut records, mut samples) = (0, 0_u64);
        let (mut unknown, lost) = (Vec::new(), std::mem::take(&mut self.state.lost));
        for one in &lost {
            match fate(one) {
                Fate::Arrived => {}
                Fate::Missing => {
                    records += 1;
                    samples = samples.saturating_add(one.samples);
                }
                Fate::Unknown => unknown.push(*one),
            }
        }
        let is_settled = unknown.len() < lost.len();
        self.state.lost = unknown;
        if !is_settled {
            return Ok(0);
        }
        let before = (self.state.dropped_records, self.state.dropped_samples);
        self.add_drops(records, samples);
        let saved = self.save_state();
        self.note_failure(&saved);
        if saved.is_err() {
            self.state.lost = lost;
            (self.state.dropped_records, self.state.dropped_samples) = before;
        }
        self.list_memory();
        saved.map(|()| samples)
    }

    /// Counts samples that were dropped before they reached the spool. A kill does not forget the count, and from the next
    /// [`Spool::persist`] on neither does a power cut.
    pub fn count_lost(&mut self, samples: u64) {
        self.add_unsaved_drops(0, samples);
        self.list_memory();
    }

    /// Says how many samples the owner holds that it has not appended yet, so that a kill does not take them uncounted.
    /// [`Spool::append`] takes what it appends off this number.
    pub fn note_unrecorded(&mut self, samples: u64) {
        self.memory_changed |= self.unrecorded != samples;
        self.unrecorded = samples;
        self.list_memory();
    }

    pub(crate) fn add_drops(&mut self, records: u64, samples: u64) {
        let state = &mut self.state;
        state.dropped_records = state.dropped_records.saturating_add(records);
        state.dropped_samples = state.dropped_samples.saturating_add(samples);
        self.state_changed = true;
    }

    /// Drops of what was never on disk: what a record on disk cost is known only together with the state that says it is
    /// done with.
    pub(crate) fn add_unsaved_drops(&mut self, records: u64, samples: u64) {
        self.add_drops(records, samples);
        let unsaved = &mut self.unsaved_drops;
        unsaved.records = unsaved.records.saturating_add(records);
        unsaved.samples = unsaved.samples.saturating_add(samples);
        self.memory_changed = true;
    }

    /// Takes over what a process before this one had in memory, unless it stands on disk or is done with.
    pub(crate) fn find_lost(&mut self, listed: Vec<Lost>) {
        for mut lost in listed {
            let sequence = lost.sequence.0;
            // Below that number, the state knows: also of what was lost before.
            let is_known =
                sequence < self.state.first_in_memory || self.state.done.contains(sequence);
            if let Some(slot) = self.index.get(&sequence) {
                // More than it has was not appended yet when it was listed.
                lost.samples = lost.samples.saturating_sub(u64::from(slot.weight));
                if lost.samples == 0 {
                    continue;
                }
            }
            if !is_known {
                self.state.lost.push(lost);
            }
        }
        let too_many = self.state.lost.len().saturating_sub(MAX_LOST);
        for lost in self.state.lost.drain(..too_many).collect::<Vec<_>>() {
            self.add_drops(1, lost.samples);
        }
    }
}
