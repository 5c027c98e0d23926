//! One batch of a stream: read, dated, shown, and handed over to be kept.

use std::sync::Arc;

use jiff::Timestamp;
use proto::columns::{Lane, Rounds};
use proto::metrics::DEVICE_INFO;
use proto::plan::Kind;
use proto::stream::Reject;
use proto::wire;
use tokio::time::Instant;
use tonic::Status;
use tracing::warn;

use super::commit::Entry;
use super::end::{End, malformed, replaced};
use super::others::Surroundings;
use super::pace::{Pace, cost};
use super::stream::Stream;
use super::take::{AtHand, Figures, Judge, Sorted, Taken};
use crate::clocks::{Boot, Reading};
use crate::journal;
use crate::latest::{self, Device};
use crate::seen::{Claim, Claimed};
use crate::watch;

impl Stream {
    pub(super) async fn batch(&mut self, batch: wire::Batch) -> Result<(), End> {
        let now = Timestamp::now();
        if let Some(planned) = &mut self.planned {
            planned.heard();
        }
        if self.refused && !self.shared.parts.keeper.is_failing() {
            let status = Status::unavailable("what was not kept can be kept now: send it again");
            return Err(End("not_kept", Some(status)));
        }
        let (instance, sequence, asks) = (batch.instance, batch.sequence, batch.wants_ack);
        if instance != 0 {
            self.instance = instance;
        }
        let taken = AtHand::with(|at_hand| self.take(at_hand, batch, now))?;
        let refused = self.keep(taken.entry, &taken.figures).await;
        self.answers.received(self.instance, sequence, refused);
        if asks {
            self.answers.asked(&self.account);
        }
        let pace = self.pace.keep(taken.cost).await;
        if pace != Pace::Allowed {
            self.own().batches_paced.inc();
        }
        if pace == Pace::ForLong && self.pace.tell() {
            warn!(agent = %self.agent.id, centre = %self.agent.centre, device = %self.agent.device,
                "An agent has sent far more than a device measures, and is slowed down. Revoke it if it is \
                 not what it should be.");
        }
        Ok(())
    }

    /// Puts a batch into the live view, and makes of it what is to be kept: nothing of one that is
    /// not new. Works in one go, without waiting for anything.
    pub(super) fn take(
        &mut self,
        at_hand: &mut AtHand,
        batch: wire::Batch,
        now: Timestamp,
    ) -> Result<Taken, End> {
        let device = Arc::clone(&self.device);
        let mut device = latest::lock(&device);
        if device.stream() != self.number {
            // A newer stream has begun, and this one is about to be told.
            return Err(replaced());
        }
        self.read(&mut device, &batch, &mut at_hand.received)
            .inspect_err(|_| self.count("malformed"))?;
        let sent = batch.clock.unwrap_or_default();
        let sent_unix_ms = sent.wall_unix_ms;
        let correction = self.correction(&batch, sent, now);
        let claimed = self.account.claim(self.instance, batch.sequence);
        let is_new = matches!(claimed, Claimed::New(_));
        let judge = Judge {
            decoder: &self.decoder,
            slots: &self.slots,
            correction,
            now,
        };
        let shows = is_new || self.refill;
        let parts = &self.shared.parts;
        let surroundings = Surroundings {
            agent: &self.agent,
            latest: &parts.latest,
            terms: &*parts.terms,
            identities: &parts.identities,
            now,
        };
        let others = self.others.as_deref_mut();
        let mut others = others.map(|others| others.taking(surroundings, shows));
        let AtHand { received, sorted } = at_hand;
        let shown = shows.then_some(&mut *device);
        sorted.sort(received, &judge, shown, others.as_mut());
        let offset_ms = sent_unix_ms.saturating_sub(now.as_millisecond());
        #[allow(clippy::cast_precision_loss, reason = "an offset needs no more digits")]
        let offset_seconds = offset_ms as f64 / 1000.0;
        device.reported(now, offset_seconds, batch.dropped_samples);
        if self.describes && shows && parts.identities.look_at(&mut device) {
            self.describes = false;
        }
        drop(device);
        if let Some(others) = others {
            others.show();
        }
        let correction_ms = correction.unwrap_or_default();
        if is_new {
            self.tell(batch.lane(), correction_ms, sorted, offset_seconds, now);
        }
        let entry = if let Claimed::New(claim) = claimed {
            Some(self.entry(claim, &batch, correction_ms, sorted))
        } else {
            self.count("duplicate");
            None
        };
        let kept = entry.as_ref().map_or(0, |entry| entry.part.len());
        Ok(Taken {
            entry,
            figures: sorted.figures(correction_ms),
            cost: cost(received.samples(), kept),
        })
    }

    /// Tells the diagnosis of a batch.
    fn tell(
        &mut self,
        lane: wire::Lane,
        correction_ms: i64,
        sorted: &Sorted,
        offset_seconds: f64,
        now: Timestamp,
    ) {
        let started = Instant::now();
        let others = self.others.iter().flat_map(|others| others.told());
        let others: Vec<_> = others
            .map(|(device, kind)| (device.as_str(), kind == Kind::Printer))
            .collect();
        let is_live = lane == wire::Lane::Live;
        let records = self.telling.records(&watch::Taken {
            lane: lane_of(lane),
            correction_ms,
            rounds: [&sorted.late, &sorted.live],
            centre: self.agent.centre.as_str(),
            agent: self.agent.device.as_str(),
            arrived: now.as_duration().as_secs_f64(),
            clock_offset: is_live.then_some(offset_seconds),
            others: &others,
            reverse: self.shared.parts.plans.reverse(),
        });
        self.shared.parts.feed.tell(records);
        let spent = started.elapsed().as_secs_f64();
        self.own().diagnosis.feed_seconds.inc_by(spent);
    }

    /// Reads a batch, whatever comes of it: the next one builds on it.
    fn read(
        &mut self,
        device: &mut Device,
        batch: &wire::Batch,
        received: &mut Rounds,
    ) -> Result<(), End> {
        if self.instance == 0 || batch.sequence == 0 || batch.clock.is_none() {
            return Err(malformed(
                "a batch needs an instance, a sequence and the agent's clock",
            ));
        }
        self.define(device, &batch.series)?;
        self.decoder
            .decode(lane_of(batch.lane()), &batch.samples, received)
            .map_err(|error| malformed(error.to_string()))
    }

    fn define(&mut self, device: &mut Device, packed: &[u8]) -> Result<(), End> {
        let own = Arc::clone(self.own());
        let rejected = |reason: Reject| {
            own.series_rejected
                .with_label_values(&[reason.code()])
                .inc();
        };
        let series = self.decoder.define(packed, rejected);
        let series = series.map_err(|error| malformed(error.to_string()))?;
        for series in &series {
            if let Some(other) = &series.device {
                let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                let others = self.others.get_or_insert_default();
                others.define(number, other, series, &self.shared.parts.latest);
                self.slots.push(None);
                continue;
            }
            self.describes |= series.metric == &DEVICE_INFO;
            let slot = device.slot(series);
            if slot.is_none() {
                rejected(Reject::TooManySeries);
            }
            let slot = slot.and_then(|slot| u16::try_from(slot).ok());
            self.slots.push(slot);
        }
        self.definitions.add(&series);
        self.telling.define(&series);
        Ok(())
    }

    /// What to add to a batch's times.
    fn correction(
        &self,
        batch: &wire::Batch,
        sent: wire::Clock,
        now: Timestamp,
    ) -> Result<i64, Reject> {
        let sent_reading = Reading::new(self.boot, sent);
        let recorded = batch.recorded.as_ref().map_or(sent_reading, |recorded| {
            let boot = Boot::of(&recorded.boot_id).or(self.boot);
            Reading::new(boot, recorded.clock.unwrap_or(sent))
        });
        self.account.with_clocks(|clocks| {
            clocks.exchanged(sent_reading, now.as_millisecond());
            clocks.correction(recorded, sent_reading, now.as_millisecond())
        })
    }

    fn entry(
        &self,
        claim: Claim,
        batch: &wire::Batch,
        correction_ms: i64,
        sorted: &Sorted,
    ) -> Entry {
        let samples = sorted.accepted();
        let part = if samples == 0 || !self.shared.parts.keeper.has_queues() {
            Vec::new()
        } else {
            let others = self.others.iter().flat_map(|others| others.told());
            journal::encode(&journal::Batch {
                agent: &self.agent,
                instance: self.instance,
                sequence: batch.sequence,
                correction_ms,
                definitions: &self.definitions,
                others: &others.collect::<Vec<_>>(),
                live: &sorted.live,
                late: &sorted.late,
            })
        };
        Entry {
            claim,
            part,
            samples: u32::try_from(samples).unwrap_or(u32::MAX),
            urgent: batch.wants_ack,
        }
    }

    /// Hands a new batch over, and counts it. Returns how many of its samples are refused for good.
    async fn keep(&mut self, entry: Option<Entry>, figures: &Figures) -> u32 {
        let Some(entry) = entry else { return 0 };
        if self.shared.parts.keeper.keep(entry).await {
            self.count("accepted");
            figures.count(self.own());
            figures.refused()
        } else {
            self.count("uncommitted");
            self.refused = true;
            0
        }
    }
}

fn lane_of(lane: wire::Lane) -> Lane {
    match lane {
        wire::Lane::Live => Lane::Live,
        wire::Lane::Backlog => Lane::Backlog,
    }
}
