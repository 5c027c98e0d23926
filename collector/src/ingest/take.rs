//! One batch into the live view, and into the part of a record: sample by sample, with its true time.
//!
//! Works in one go, without waiting for anything.

use std::cell::RefCell;

use jiff::Timestamp;
use proto::columns::Rounds;
use proto::limits::LIVE_WINDOW;
use proto::stream::{Decoder, Reject, timely};

use super::commit::Entry;
use super::others::Taking;
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
    /// How many were refused, by reason.
    refused: Vec<(Reject, u64)>,
    scratch: Vec<(u32, f64)>,
}

/// What was made of a batch.
pub(super) struct Taken {
    /// What is to be kept of one that is new.
    pub(super) entry: Option<Entry>,
    /// What is counted of that.
    pub(super) figures: Figures,
    /// What it costs its sender.
    pub(super) cost: u32,
}

/// What is counted of a batch that is kept. One that cannot be comes again, and is counted then.
#[derive(Debug, Default)]
pub(super) struct Figures {
    accepted: u64,
    late: u64,
    corrected: u64,
    refused: Vec<(Reject, u64)>,
}

impl Figures {
    pub(super) fn count(&self, own: &Own) {
        own.samples.inc_by(self.accepted);
        own.samples_late.inc_by(self.late);
        own.samples_corrected.inc_by(self.corrected);
        for (reason, samples) in &self.refused {
            let rejected = &own.samples_rejected;
            rejected
                .with_label_values(&[reason.code()])
                .inc_by(*samples);
        }
    }

    /// How many samples were refused.
    pub(super) fn refused(&self) -> u32 {
        let refused: u64 = self.refused.iter().map(|(_, samples)| samples).sum();
        u32::try_from(refused).unwrap_or(u32::MAX)
    }
}

/// What is needed to judge a sample.
pub(super) struct Judge<'a> {
    pub(super) decoder: &'a Decoder,
    /// The device's slot of each accepted series, where it had one left and is what the series is about.
    pub(super) slots: &'a [Option<u16>],
    /// What to add to the agent's times, or why that is not known.
    pub(super) correction: Result<i64, Reject>,
    pub(super) now: Timestamp,
}

impl Sorted {
    /// How many samples were accepted.
    pub(super) fn accepted(&self) -> u64 {
        (self.live.samples() + self.late.samples()) as u64
    }

    /// What is to be counted, where so much was added to the times.
    pub(super) fn figures(&mut self, correction_ms: i64) -> Figures {
        let accepted = self.accepted();
        Figures {
            accepted,
            late: self.late.samples() as u64,
            corrected: if correction_ms == 0 { 0 } else { accepted },
            refused: std::mem::take(&mut self.refused),
        }
    }

    /// Replaces what was there by the samples of `rounds`. Those that may be taken are shown to
    /// `device`, if there is one; those about other devices go to `others`.
    pub(super) fn sort(
        &mut self,
        rounds: &Rounds,
        judge: &Judge<'_>,
        device: Option<&mut Device>,
        mut others: Option<&mut Taking<'_>>,
    ) {
        let mut device = device.map(Device::receiving);
        self.live.clear();
        self.late.clear();
        self.refused.clear();
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
                    self.refuse(reason, round.series.len());
                    continue;
                }
            };
            let late = time_unix_ms < oldest_live;
            self.scratch.clear();
            if let Some(others) = &mut others {
                others.begin_round(time_unix_ms, late);
            }
            for (id, value) in round.samples() {
                let (series, slot) = match judge.place(id, value) {
                    Ok(place) => place,
                    Err(reason) => {
                        self.refuse(reason, 1);
                        continue;
                    }
                };
                let Some(slot) = slot.map(usize::from) else {
                    let others = others.as_mut().ok_or(Reject::TooManySeries);
                    match others.and_then(|others| others.take(series, value)) {
                        Ok(()) => self.scratch.push((series, value)),
                        Err(reason) => self.refuse(reason, 1),
                    }
                    continue;
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

    fn refuse(&mut self, reason: Reject, count: usize) {
        let known = self.refused.iter_mut().find(|(known, _)| *known == reason);
        if let Some((_, samples)) = known {
            *samples += count as u64;
        } else {
            self.refused.push((reason, count as u64));
        }
    }
}

impl Judge<'_> {
    /// The number of a sample's series in the stream's definitions, and its slot.
    fn place(&self, id: u32, value: f64) -> Result<(u32, Option<u16>), Reject> {
        let series = self.decoder.resolve(id, value)?;
        let slot = self.slots.get(series).copied().flatten();
        let number = u32::try_from(series).map_err(|_| Reject::TooManySeries)?;
        Ok((number, slot))
    }
}
