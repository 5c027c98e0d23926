//! The conversation with one agent, after its Hello and to its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use proto::columns::{Lane, Rounds};
use proto::plan::Plan;
use proto::stream::{Decoder, Reject};
use proto::wire::{self, FromAgent, FromCollector, from_agent, from_collector};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Status, Streaming};
use tracing::{debug, info, warn};

use super::Shared;
use super::answers::Answers;
use super::commit::Entry;
use super::end::{End, Watch, malformed, replaced};
use super::pace::{Limits, Pace, cost};
use super::replies::Reply;
use super::take::{AtHand, Figures, Judge, Sorted, Taken};
use crate::clocks::{Boot, Reading};
use crate::journal::{self, Definitions};
use crate::latest::{self, Device};
use crate::metrics::own::Own;
use crate::plans::Planned;
use crate::registry::Agent;
use crate::seen::{Account, Claim, Claimed};

/// Silence on an open stream that ends it: several times the longest report interval in use.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

/// How long an agent may leave its acknowledgements unread.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Batches of one agent that may wait to be written before it must wait too.
const UNWRITTEN: usize = 64;

/// One stream's state.
pub(super) struct Stream {
    pub(super) shared: Arc<Shared>,
    pub(super) agent: Agent,
    pub(super) account: Arc<Account>,
    pub(super) device: Arc<Mutex<Device>>,
    sender: mpsc::Sender<Reply>,
    /// Which of the device's streams this is.
    pub(super) number: u64,
    pub(super) boot: Option<Boot>,
    /// The last batch's.
    instance: u64,
    decoder: Decoder,
    /// The device's slot of each series the decoder accepted, where it had one left.
    slots: Vec<Option<u16>>,
    definitions: Definitions,
    answers: Answers,
    /// Whether this process knew nothing of the device before: then what it says again is shown.
    refill: bool,
    /// Whether a batch could not be kept, which the agent sends again on its next stream.
    refused: bool,
    pace: Arc<Limits>,
    /// What the agent is to measure, once it said hello.
    pub(super) planned: Option<Planned>,
}

impl Stream {
    pub(super) fn new(
        shared: Arc<Shared>,
        agent: Agent,
        device: Arc<Mutex<Device>>,
        sender: mpsc::Sender<Reply>,
        pace: Arc<Limits>,
    ) -> Self {
        let refill = !latest::lock(&device).was_heard();
        Self {
            account: shared.parts.ledger.account(&agent.id),
            refill,
            shared,
            agent,
            device,
            sender,
            number: 0,
            boot: None,
            instance: 0,
            decoder: Decoder::default(),
            slots: Vec::new(),
            definitions: Definitions::default(),
            answers: Answers::default(),
            refused: false,
            pace,
            planned: None,
        }
    }

    /// One whose Hello was heard.
    #[cfg(test)]
    pub(super) fn begun(
        shared: Arc<Shared>,
        agent: Agent,
        device: Arc<Mutex<Device>>,
        sender: mpsc::Sender<Reply>,
    ) -> Self {
        let mut stream = Self::new(shared, agent, device, sender, Arc::default());
        stream.boot = Boot::of("a boot");
        stream.number = latest::lock(&stream.device).begin_stream(0);
        stream
    }

    /// To its end. What is handed over is boxed, and so is what is rarely under way: there are tens of
    /// thousands of these futures, which have room for all that they may ever hold.
    pub(super) async fn run(
        mut self: Box<Self>,
        mut incoming: Box<Streaming<FromAgent>>,
        watch: Watch,
    ) {
        let own = Arc::clone(self.own());
        own.streams.inc();
        let agent = self.agent.clone();
        let End(reason, status) = tokio::select! {
            biased;
            end = watch.ended(&agent) => end,
            end = self.converse(&mut incoming) => end,
        };
        own.streams.dec();
        own.streams_ended.with_label_values(&[reason]).inc();
        info!(agent = %agent.id, centre = %agent.centre, device = %agent.device, reason,
            "A stream ended.");
        if let Some(status) = status {
            let reply = self.sender.send(Box::new(Err(status)));
            let _ = tokio::time::timeout(SEND_TIMEOUT, reply).await;
        }
    }

    fn own(&self) -> &Arc<Own> {
        &self.shared.parts.own
    }

    async fn converse(&mut self, incoming: &mut Streaming<FromAgent>) -> End {
        let ended = async {
            Box::pin(self.greet(incoming)).await?;
            loop {
                let message = self.next(incoming).await?;
                Box::pin(self.received(message)).await?;
            }
        };
        match ended.await {
            Ok::<std::convert::Infallible, End>(never) => match never {},
            Err(end) => end,
        }
    }

    /// The next message; meanwhile answers what is due.
    async fn next(
        &mut self,
        incoming: &mut Streaming<FromAgent>,
    ) -> Result<Result<Option<FromAgent>, Status>, End> {
        let account = Arc::clone(&self.account);
        let ends = Instant::now() + IDLE_TIMEOUT;
        loop {
            let settled = account.settled();
            let now_unix_ms = Timestamp::now().as_millisecond();
            let is_failing = self.shared.parts.keeper.is_failing();
            if let Some(ack) = self.answers.due(&account, is_failing, now_unix_ms) {
                self.send(from_collector::Kind::Ack(ack)).await?;
            }
            let may_read = account.pending() < UNWRITTEN || is_failing;
            let waits = !may_read || self.answers.is_asked();
            tokio::select! {
                message = incoming.message(), if may_read => return Ok(message),
                () = settled => {}
                plan = next_plan(&mut self.planned) => {
                    self.send(from_collector::Kind::Plan((&plan).into())).await?;
                }
                // Whether the disk began to fail is not told to everybody.
                () = tokio::time::sleep(Duration::from_secs(1)), if waits => {}
                () = tokio::time::sleep_until(ends) => {
                    let status = Status::deadline_exceeded("nothing was heard for too long");
                    return Err(End("silent", Some(status)));
                }
            }
        }
    }

    async fn received(&mut self, message: Result<Option<FromAgent>, Status>) -> Result<(), End> {
        match message {
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Batch(batch)),
            })) => self.batch(batch).await,
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Goodbye(goodbye)),
            })) => {
                debug!(agent = %self.agent.id, reason = ?goodbye.reason(), "Goodbye.");
                latest::lock(&self.device).goodbye();
                self.shared.parts.note_soon.notify_one();
                Err(End("goodbye", None))
            }
            // A second Hello, or a message kind this collector is too old to know.
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(End("closed", None)),
            Err(status) => Err(self.failed(status)),
        }
    }

    fn failed(&self, status: Status) -> End {
        // What tonic could not decode, or found too large; anything else is the connection.
        let malformed = matches!(
            status.code(),
            tonic::Code::OutOfRange | tonic::Code::Internal | tonic::Code::ResourceExhausted
        );
        debug!(agent = %self.agent.id, %status, "A stream failed.");
        if malformed && std::error::Error::source(&status).is_none() {
            self.count("malformed");
            super::end::malformed(status.message())
        } else {
            End("broken", None)
        }
    }

    pub(super) async fn batch(&mut self, batch: wire::Batch) -> Result<(), End> {
        let now = Timestamp::now();
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
    fn take(
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
        let shown = (is_new || self.refill).then_some(&mut *device);
        let AtHand { received, sorted } = at_hand;
        sorted.sort(received, &judge, shown);
        let offset_ms = sent_unix_ms.saturating_sub(now.as_millisecond());
        #[allow(clippy::cast_precision_loss, reason = "an offset needs no more digits")]
        let offset_seconds = offset_ms as f64 / 1000.0;
        device.reported(now, offset_seconds, batch.dropped_samples);
        drop(device);
        let correction_ms = correction.unwrap_or_default();
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
        let lane = match batch.lane() {
            wire::Lane::Live => Lane::Live,
            wire::Lane::Backlog => Lane::Backlog,
        };
        self.decoder
            .decode(lane, &batch.samples, received)
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
            let slot = device.slot(series);
            if slot.is_none() {
                rejected(Reject::TooManySeries);
            }
            let slot = slot.and_then(|slot| u16::try_from(slot).ok());
            self.slots.push(slot);
        }
        self.definitions.add(&series);
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
            journal::encode(&journal::Batch {
                agent: &self.agent,
                instance: self.instance,
                sequence: batch.sequence,
                correction_ms,
                definitions: &self.definitions,
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

    fn count(&self, outcome: &str) {
        self.own().batches.with_label_values(&[outcome]).inc();
    }

    pub(super) async fn send(&self, kind: from_collector::Kind) -> Result<(), End> {
        let message = Box::new(Ok(FromCollector { kind: Some(kind) }));
        match tokio::time::timeout(SEND_TIMEOUT, self.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End("broken", None)),
            Err(_) => Err(End("not_reading", None)),
        }
    }
}

/// What an agent is to measure from now on, when that changes.
async fn next_plan(planned: &mut Option<Planned>) -> Plan {
    match planned {
        Some(planned) => planned.next().await,
        None => std::future::pending().await,
    }
}
