//! One batch into the live view, and into the part of a record: sample by sample, with its true time.
//!
//! Works in one go, without waiting for anything.

use std::cell::RefCell;

use jiff::Timestamp;
use proto::columns::Rounds;
use proto::limits::LIVE_WINDOW;
use proto::stream::{Decoder, Reject, timely};

use super::commit::Entry;
use crate::latest::Device;
use crate::metrics::own::Own;

/// One batch at hand.
#[derive(Debug, Default)]
pub(super) struct AtHand {
    pub(super) received: Rounds,
    pub(super) sorted: Sorted,
}

thread_local! {
    /// Kept for its memory, which is more than all the rest that a stream needs: streams are many, and
    /// one on each thread has a batch at hand.
    static AT_HAND: RefCell<AtHand> = RefCell::default();
}

impl AtHand {
    /// Works with one that has memory, and something old in it.
    pub(super) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        AT_HAND.with_borrow_mut(work)
    }
}

/// The samples of a batch, apart by what they are good for, with the times the agent gave them.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) live: Rounds,
    pub(super) late: Rounds,
    /// How many were refused.
    pub(super) refused: u64,
    scratch: Vec<(u32, f64)>,
}

/// What was made of a batch.
pub(super) struct Taken {
    /// What is to be kept of one that is new.
    pub(super) entry: Option<Entry>,
    /// Samples that came late.
    pub(super) late: u64,
    /// Samples that were refused.
    pub(super) refused: u32,
    /// What it costs its sender.
    pub(super) cost: u32,
}

/// What is needed to judge a sample.
pub(super) struct Judge<'a> {
    pub(super) decoder: &'a Decoder,
    /// The device's slot of each accepted series, where it had one left.
    pub(super) slots: &'a [Option<u16>],
    /// What to add to the agent's times, or why that is not known.
    pub(super) correction: Result<i64, Reject>,
    pub(super) now: Timestamp,
    /// What is refused of a batch that came before was counted before.
    pub(super) is_new: bool,
    pub(super) own: &'a Own,
}

impl Sorted {
    /// How many samples were accepted.
    pub(super) fn accepted(&self) -> u64 {
        (self.live.samples() + self.late.samples()) as u64
    }

    /// Replaces what was there by the samples of `rounds`. Those that may be taken are shown to
    /// `device`, if there is one.
    pub(super) fn sort(
        &mut self,
        rounds: &Rounds,
        judge: &Judge<'_>,
        mut device: Option<&mut Device>,
    ) {
        self.live.clear();
        self.late.clear();
        self.refused = 0;
        let now_unix_ms = judge.now.as_millisecond();
        let window = i64::try_from(LIVE_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let oldest_live = now_unix_ms.saturating_sub(window);
        for round in rounds.iter() {
            let corrected = judge.correction.and_then(|correction| {
                let time_unix_ms = round.time_unix_ms.saturating_add(correction);
                timely(time_unix_ms, now_unix_ms).map(|()| time_unix_ms)
            });
            let time_unix_ms = match corrected {
                Ok(time_unix_ms) => time_unix_ms,
                Err(reason) => {
                    self.refuse(judge, reason, round.series.len());
                    continue;
                }
            };
            let late = time_unix_ms < oldest_live;
            self.scratch.clear();
            for (id, value) in round.samples() {
                let (series, slot) = match judge.place(id, value) {
                    Ok(place) => place,
                    Err(reason) => {
                        self.refuse(judge, reason, 1);
                        continue;
                    }
                };
                self.scratch.push((series, value));
                match &mut device {
                    Some(device) if late => device.remember(slot, time_unix_ms, value),
                    Some(device) => device.update(slot, time_unix_ms, value),
                    None => {}
                }
            }
            let kept = if late { &mut self.late } else { &mut self.live };
            // It was part of one that fitted. Nothing is kept of a round of which nothing was taken.
            if !self.scratch.is_empty() {
                let _ = kept.push(round.time_unix_ms, self.scratch.iter().copied());
            }
        }
    }

    fn refuse(&mut self, judge: &Judge<'_>, reason: Reject, count: usize) {
        if judge.is_new {
            let rejected = &judge.own.samples_rejected;
            rejected
                .with_label_values(&[reason.code()])
                .inc_by(count as u64);
            self.refused += count as u64;
        }
    }
}

impl Judge<'_> {
    /// The number of a sample's series in the stream's definitions, and its slot.
    fn place(&self, id: u32, value: f64) -> Result<(u32, usize), Reject> {
        let series = self.decoder.resolve(id, value)?;
        let slot = self.slots.get(series).copied().flatten();
        let number = u32::try_from(series).map_err(|_| Reject::TooManySeries)?;
        Ok((number, slot.ok_or(Reject::TooManySeries)?.into()))
    }
}
