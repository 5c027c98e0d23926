//! The conversation with one agent, after its Hello and to its end: what comes, in turn, and what is answered.
//! What a batch is good for is in `batch.rs`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use proto::plan::Plan;
use proto::stream::Decoder;
use proto::wire::goodbye::Reason;
use proto::wire::{Burst, FromAgent, FromCollector, from_agent, from_collector};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Status, Streaming};
use tracing::{debug, info};

use super::Shared;
use super::answers::Answers;
use super::end::{End, Watch};
use super::others::Others;
use super::pace::Limits;
use super::replies::Reply;
use crate::clocks::Boot;
use crate::comings::{self, Turn};
use crate::journal::Definitions;
use crate::latest::{self, Device, DeviceKey};
use crate::metrics::own::Own;
use crate::plans::Planned;
use crate::registry::Agent;
use crate::seen::Account;
use crate::watch::Telling;

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
    pub(super) instance: u64,
    pub(super) decoder: Decoder,
    /// The device's slot of each series the decoder accepted, where it had one left and is what the series
    /// is about.
    pub(super) slots: Vec<Option<u16>>,
    /// The series about other devices.
    pub(super) others: Option<Box<Others>>,
    /// Whether it defined what its machine is, and has not told it yet.
    pub(super) describes: bool,
    pub(super) definitions: Definitions,
    /// What is remembered of it for the diagnosis.
    pub(super) telling: Box<Telling>,
    pub(super) answers: Answers,
    /// Whether this process knew nothing of the device before: then what it says again is shown.
    pub(super) refill: bool,
    /// Whether a batch could not be kept, which the agent sends again on its next stream.
    pub(super) refused: bool,
    pub(super) pace: Arc<Limits>,
    /// What the agent is to measure, once it said hello.
    pub(super) planned: Option<Planned>,
    /// At what it is to look closer.
    pub(super) asked: Option<mpsc::Receiver<Burst>>,
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
            others: None,
            describes: false,
            definitions: Definitions::default(),
            telling: Box::default(),
            answers: Answers::default(),
            refused: false,
            pace,
            planned: None,
            asked: None,
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

    pub(super) fn own(&self) -> &Arc<Own> {
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
                Some(burst) = next_burst(&mut self.asked) => {
                    self.send(from_collector::Kind::Burst(burst)).await?;
                }
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
                self.goodbye(goodbye.reason());
                if let Some(planned) = &self.planned {
                    planned.goodbye();
                }
                self.shared.parts.note_soon.notify_one();
                Err(End("goodbye", None))
            }
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Found(found)),
            })) => {
                self.found(found).await;
                Ok(())
            }
            // A second Hello, or a message kind this collector is too old to know.
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(End("closed", None)),
            Err(status) => Err(self.failed(status)),
        }
    }

    /// Where the agent's device stands.
    pub(super) fn key(&self) -> DeviceKey {
        latest::lock(&self.device).key.clone()
    }

    fn goodbye(&self, reason: Reason) {
        let why = comings::goodbye(reason);
        latest::lock(&self.device).goodbye(why);
        let key = self.key();
        let now = Timestamp::now();
        let comings = &self.shared.parts.comings;
        comings.tell(&key, Turn::Went(why), now.as_millisecond(), now);
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

    pub(super) fn count(&self, outcome: &str) {
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

/// At what an agent is to look closer. Nothing from there on once a newer stream of it is asked.
async fn next_burst(asked: &mut Option<mpsc::Receiver<Burst>>) -> Option<Burst> {
    match asked {
        Some(asked) => asked.recv().await,
        None => None,
    }
}

/// What an agent is to measure from now on, when that changes.
async fn next_plan(planned: &mut Option<Planned>) -> Plan {
    match planned {
        Some(planned) => planned.next().await,
        None => std::future::pending().await,
    }
}
