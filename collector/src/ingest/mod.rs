//! One stream per agent: who, valid?, into the live view, then acknowledge.
//!
//! Who an agent is follows from the key of its certificate. Everything it sends is bounded: the
//! first message must come soon and be a Hello, messages have a size, batches a pace (a faster
//! sender is not refused but made to wait, which HTTP/2 passes on to it), series a number. What is
//! refused is counted by reason, and the rest of the batch goes on.

mod end;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota};
use jiff::Timestamp;
use proto::ids::AgentId;
use proto::limits::{LIVE_WINDOW, OLDEST_PROTOCOL, PROTOCOL};
use proto::plan::Plan;
use proto::stream::{Decoder, Reject, Sample};
use proto::wire::session_server::Session;
use proto::wire::{
    self, Ack, Batch, FromAgent, FromCollector, Hello, Welcome, from_agent, from_collector,
};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::{debug, info, warn};

use self::end::{End, Watch, replaced, revoked};
use crate::ca;
use crate::directory::Directory;
use crate::latest::{self, Device, DeviceKey, Latest};
use crate::listen::Peer;
use crate::metrics::own::Own;
use crate::registry::{Agent, Host, Registry};
use crate::seen::Seen;

/// How soon a stream must begin with a Hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence on an open stream that ends it: several times the longest report interval in use.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

/// How long an agent may leave its acknowledgements unread.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Batches per second, on average, that one agent may send; a backlog drains at this pace.
const PACE: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Batches it may send at once.
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Streams per second, on average, that one agent may open, and how many at once.
const OPENINGS: (NonZeroU32, NonZeroU32) =
    (NonZeroU32::new(1).unwrap(), NonZeroU32::new(10).unwrap());

/// Messages to an agent that wait to be sent.
const OUTGOING: usize = 32;

/// The service behind every stream.
#[derive(Clone)]
pub struct Ingest {
    shared: Arc<Shared>,
}

struct Shared {
    directory: Arc<Directory>,
    registry: Registry,
    latest: Arc<Latest>,
    own: Arc<Own>,
    plan: Plan,
    note_soon: Arc<Notify>,
    stop: CancellationToken,
    /// The open stream of each agent, and what was seen of it.
    agents: Mutex<HashMap<AgentId, Known>>,
}

struct Known {
    /// Cancelled when the agent opens a newer stream.
    stream: CancellationToken,
    seen: Arc<Mutex<Seen>>,
    openings: DefaultDirectRateLimiter,
}

impl Default for Known {
    fn default() -> Self {
        let (per_second, burst) = OPENINGS;
        Self {
            stream: CancellationToken::new(),
            seen: Arc::default(),
            openings: DefaultDirectRateLimiter::direct(
                Quota::per_second(per_second).allow_burst(burst),
            ),
        }
    }
}

impl Ingest {
    /// A service that ends its streams when `stop` is cancelled, and calls `note_soon` when the
    /// registry should learn who is there and who said goodbye.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        registry: Registry,
        latest: Arc<Latest>,
        own: Arc<Own>,
        plan: Plan,
        note_soon: Arc<Notify>,
        stop: CancellationToken,
    ) -> Self {
        let shared = Shared {
            directory,
            registry,
            latest,
            own,
            plan,
            note_soon,
            stop,
            agents: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

#[tonic::async_trait]
impl Session for Ingest {
    type OpenStream = ReceiverStream<Result<FromCollector, Status>>;

    async fn open(
        &self,
        request: Request<Streaming<FromAgent>>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let certificate = peer.and_then(|peer| peer.certificate);
        let key = certificate.and_then(|certificate| ca::key_hash_of_certificate(&certificate));
        let key = key.ok_or_else(|| {
            Status::unauthenticated("a client certificate is needed: enrol this machine first")
        })?;
        // Followed from before the agent is looked up: no change of it goes unnoticed.
        let agents = self.shared.directory.agents();
        let agent = self.shared.directory.find(key).await.ok_or_else(revoked)?;
        let (replaced, seen) = self.shared.replace_older_stream(&agent)?;
        let key = DeviceKey {
            centre: agent.centre.clone(),
            device: agent.device.clone(),
        };
        let device = self.shared.latest.device(&key).ok_or_else(revoked)?;
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        let watch = Watch {
            agents,
            replaced,
            stop: self.shared.stop.clone(),
        };
        let stream = Stream {
            shared: Arc::clone(&self.shared),
            agent,
            device,
            sender,
            seen,
            number: 0,
            decoder: Decoder::default(),
            slots: Vec::new(),
            pace: DefaultDirectRateLimiter::direct(Quota::per_second(PACE).allow_burst(BURST)),
        };
        tokio::spawn(stream.run(request.into_inner(), watch));
        Ok(Response::new(ReceiverStream::new(outgoing)))
    }
}

impl Shared {
    /// Makes the stream that is being opened the agent's one stream.
    fn replace_older_stream(
        &self,
        agent: &Agent,
    ) -> Result<(CancellationToken, Arc<Mutex<Seen>>), Status> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let known = agents.entry(agent.id.clone()).or_default();
        if known.openings.check().is_err() {
            return Err(Status::resource_exhausted(
                "too many streams: wait before opening another",
            ));
        }
        known.stream.cancel();
        known.stream = CancellationToken::new();
        Ok((known.stream.clone(), Arc::clone(&known.seen)))
    }
}

/// One stream's state.
struct Stream {
    shared: Arc<Shared>,
    agent: Agent,
    device: Arc<Mutex<Device>>,
    sender: mpsc::Sender<Result<FromCollector, Status>>,
    seen: Arc<Mutex<Seen>>,
    /// Which of the device's streams this is.
    number: u64,
    decoder: Decoder,
    /// The device's slot of each series the decoder accepted, where it had one left.
    slots: Vec<Option<usize>>,
    pace: DefaultDirectRateLimiter,
}

impl Stream {
    async fn run(mut self, incoming: Streaming<FromAgent>, watch: Watch) {
        let own = Arc::clone(&self.shared.own);
        own.streams.inc();
        let agent = self.agent.clone();
        let End(reason, status) = tokio::select! {
            biased;
            end = watch.ended(&agent) => end,
            end = self.converse(incoming) => end,
        };
        own.streams.dec();
        own.streams_ended.with_label_values(&[reason]).inc();
        info!(agent = %agent.id, centre = %agent.centre, device = %agent.device, reason,
            "A stream ended.");
        if let Some(status) = status {
            let _ = tokio::time::timeout(SEND_TIMEOUT, self.sender.send(Err(status))).await;
        }
    }

    async fn converse(&mut self, mut incoming: Streaming<FromAgent>) -> End {
        if let Err(end) = self.greet(&mut incoming).await {
            return end;
        }
        loop {
            let message = tokio::time::timeout(IDLE_TIMEOUT, incoming.message()).await;
            let Ok(message) = message else {
                let status = Status::deadline_exceeded("nothing was heard for too long");
                return End("silent", Some(status));
            };
            if let Err(end) = self.received(message).await {
                return end;
            }
        }
    }

    async fn greet(&mut self, incoming: &mut Streaming<FromAgent>) -> Result<(), End> {
        let first = tokio::time::timeout(HELLO_TIMEOUT, incoming.message()).await;
        let Ok(Ok(Some(FromAgent {
            kind: Some(from_agent::Kind::Hello(hello)),
        }))) = first
        else {
            let status =
                Status::invalid_argument("the first message must be a Hello, and come soon");
            return Err(End("no_hello", Some(status)));
        };
        if hello.protocol < OLDEST_PROTOCOL {
            let status = Status::failed_precondition(format!(
                "this agent speaks protocol {}, {OLDEST_PROTOCOL} is the oldest understood: update the agent",
                hello.protocol
            ));
            return Err(End("old_protocol", Some(status)));
        }
        let now = Timestamp::now();
        let plan = &self.shared.plan;
        let plan = (hello.plan_version != plan.version).then(|| plan.into());
        let welcome = Welcome {
            protocol: hello.protocol.min(PROTOCOL),
            server_time_unix_ms: now.as_millisecond(),
        };
        self.note(hello, now).await?;
        self.number = latest::lock(&self.device).begin_stream(now.as_millisecond());
        self.send(from_collector::Kind::Welcome(welcome)).await?;
        if let Some(plan) = plan {
            self.send(from_collector::Kind::Plan(plan)).await?;
        }
        Ok(())
    }

    async fn note(&self, hello: Hello, now: Timestamp) -> Result<(), End> {
        let host = Host::try_from(hello.host.unwrap_or_default()).map_err(|error| {
            End(
                "malformed",
                Some(Status::invalid_argument(error.to_string())),
            )
        })?;
        info!(agent = %self.agent.id, centre = %self.agent.centre, device = %self.agent.device,
            version = host.version, "An agent connected.");
        self.shared.note_soon.notify_one();
        // Mostly it says what it said before: 66,000 agents that come back need no 66,000 writes.
        let agent = &self.agent;
        let known = (&agent.hostname, &agent.os, &agent.arch, &agent.version);
        if known == (&host.hostname, &host.os, &host.arch, &host.version) {
            return Ok(());
        }
        let noted = self
            .shared
            .registry
            .said_hello(agent.id.clone(), host, now)
            .await;
        if let Err(error) = noted {
            self.shared.own.registry_errors.inc();
            warn!(%error, "What an agent says of itself could not be noted.");
        }
        Ok(())
    }

    async fn received(&mut self, message: Result<Option<FromAgent>, Status>) -> Result<(), End> {
        match message {
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Batch(batch)),
            })) => {
                if self.pace.check().is_err() {
                    self.shared.own.batches_paced.inc();
                    self.pace.until_ready().await;
                }
                let ack = self.take(batch, Timestamp::now())?;
                self.send(from_collector::Kind::Ack(ack)).await
            }
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Goodbye(goodbye)),
            })) => {
                debug!(agent = %self.agent.id, reason = ?goodbye.reason(), "Goodbye.");
                latest::lock(&self.device).goodbye();
                self.shared.note_soon.notify_one();
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
            self.shared
                .own
                .batches
                .with_label_values(&["malformed"])
                .inc();
            End(
                "malformed",
                Some(Status::invalid_argument(status.message())),
            )
        } else {
            End("broken", None)
        }
    }

    /// Puts a batch into the live view. Works in one go, without waiting for anything.
    fn take(&mut self, batch: Batch, now: Timestamp) -> Result<Ack, End> {
        let device = Arc::clone(&self.device);
        let mut device = latest::lock(&device);
        if device.stream() != self.number {
            // A newer stream has begun, and this one is about to be told.
            return Err(replaced());
        }
        self.define(&mut device, batch.series);
        let sent_unix_ms = batch.clock.unwrap_or_default().wall_unix_ms;
        let offset_ms = sent_unix_ms.saturating_sub(now.as_millisecond());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rejected_samples = 0;
        let outcome = if seen.is_new(batch.instance, batch.sequence) {
            rejected_samples = self.samples(&mut device, &batch.rounds, sent_unix_ms, now);
            #[allow(clippy::cast_precision_loss, reason = "an offset needs no more digits")]
            let offset_seconds = offset_ms as f64 / 1000.0;
            device.reported(now, offset_seconds, batch.dropped_samples);
            "accepted"
        } else {
            "duplicate"
        };
        self.shared.own.batches.with_label_values(&[outcome]).inc();
        Ok(Ack {
            instance: batch.instance,
            sequence: batch.sequence,
            server_time_unix_ms: now.as_millisecond(),
            rejected_samples,
        })
    }

    fn define(&mut self, device: &mut Device, definitions: Vec<wire::Series>) {
        let rejected = |reason: Reject| {
            self.shared
                .own
                .series_rejected
                .with_label_values(&[reason.code()])
                .inc();
        };
        let series = self.decoder.define(definitions, rejected);
        for series in series {
            let slot = device.slot(&series);
            if slot.is_none() {
                rejected(Reject::TooManySeries);
            }
            self.slots.push(slot);
        }
    }

    /// Takes the samples of a batch; how many were refused.
    fn samples(
        &self,
        device: &mut Device,
        rounds: &[wire::Round],
        sent_unix_ms: i64,
        now: Timestamp,
    ) -> u32 {
        let own = &self.shared.own;
        let now_unix_ms = now.as_millisecond();
        let offset_ms = sent_unix_ms.saturating_sub(now_unix_ms);
        let oldest_live = now_unix_ms.saturating_sub(milliseconds(LIVE_WINDOW));
        let (mut accepted, mut late, mut homeless) = (0, 0, 0);
        let mut refused = 0_usize;
        let take = |sample: Sample| {
            let time_unix_ms = sample.time_unix_ms.saturating_sub(offset_ms);
            let Some(Some(slot)) = self.slots.get(sample.series) else {
                homeless += 1;
                return;
            };
            accepted += 1;
            if time_unix_ms >= oldest_live {
                device.update(*slot, time_unix_ms, sample.value);
            } else {
                late += 1;
                device.remember(*slot, time_unix_ms, sample.value);
            }
        };
        self.decoder
            .samples(rounds, sent_unix_ms, take, |reason, count| {
                own.samples_rejected
                    .with_label_values(&[reason.code()])
                    .inc_by(count as u64);
                refused += count;
            });
        own.samples.inc_by(accepted);
        own.samples_late.inc_by(late);
        let flood = Reject::TooManySeries.code();
        own.samples_rejected
            .with_label_values(&[flood])
            .inc_by(homeless);
        u32::try_from(refused as u64 + homeless).unwrap_or(u32::MAX)
    }

    async fn send(&self, kind: from_collector::Kind) -> Result<(), End> {
        let message = Ok(FromCollector { kind: Some(kind) });
        match tokio::time::timeout(SEND_TIMEOUT, self.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End("broken", None)),
            Err(_) => Err(End("not_reading", None)),
        }
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
