//! One stream per agent: who, valid?, into the live view, then acknowledge.
//!
//! Who an agent is follows from the key of its certificate. Everything it sends is bounded: the
//! first message must come soon and be a Hello, messages have a size, batches a pace (a faster
//! sender is not refused but made to wait, which HTTP/2 passes on to it), series a number. What is
//! refused is counted by reason, and the rest of the batch goes on.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota};
use jiff::Timestamp;
use proto::ids::AgentId;
use proto::limits::{LIVE_WINDOW, OLDEST_PROTOCOL, PROTOCOL};
use proto::plan::Plan;
use proto::stream::Decoder;
use proto::wire::session_server::Session;
use proto::wire::{
    Ack, Batch, FromAgent, FromCollector, Hello, Welcome, from_agent, from_collector,
};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::{debug, info, warn};

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
    stop: CancellationToken,
    /// The open stream of each agent, and what was seen of it.
    agents: Mutex<HashMap<AgentId, Known>>,
}

#[derive(Default)]
struct Known {
    replaced: Arc<Notify>,
    seen: Arc<Mutex<Seen>>,
}

/// Why a stream ended: a word for the metric, and what the agent is told.
struct End(&'static str, Option<Status>);

impl Ingest {
    /// A service that ends its streams when `stop` is cancelled.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        registry: Registry,
        latest: Arc<Latest>,
        own: Arc<Own>,
        plan: Plan,
        stop: CancellationToken,
    ) -> Self {
        let agents = Mutex::default();
        let shared = Shared {
            directory,
            registry,
            latest,
            own,
            plan,
            stop,
            agents,
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
        let agent = self.shared.directory.find(key).await.ok_or_else(revoked)?;
        let key = DeviceKey {
            centre: agent.centre.clone(),
            device: agent.device.clone(),
        };
        let device = self.shared.latest.device(&key).ok_or_else(revoked)?;
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        let stream = Stream {
            shared: Arc::clone(&self.shared),
            agent,
            device,
            sender,
            decoder: Decoder::default(),
            slots: Vec::new(),
            pace: DefaultDirectRateLimiter::direct(Quota::per_second(PACE).allow_burst(BURST)),
        };
        tokio::spawn(stream.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(outgoing)))
    }
}

fn revoked() -> Status {
    Status::permission_denied(
        "this agent is not known here or was revoked: enrol this machine again with a new token",
    )
}

/// One stream's state.
struct Stream {
    shared: Arc<Shared>,
    agent: Agent,
    device: Arc<Mutex<Device>>,
    sender: mpsc::Sender<Result<FromCollector, Status>>,
    decoder: Decoder,
    /// The device's slot of each series the decoder accepted.
    slots: Vec<usize>,
    pace: DefaultDirectRateLimiter,
}

impl Stream {
    async fn run(mut self, incoming: Streaming<FromAgent>) {
        let own = Arc::clone(&self.shared.own);
        own.streams.inc();
        let End(reason, status) = self.serve(incoming).await;
        own.streams.dec();
        own.streams_ended.with_label_values(&[reason]).inc();
        info!(agent = %self.agent.id, centre = %self.agent.centre, device = %self.agent.device,
            reason, "A stream ended.");
        if let Some(status) = status {
            let _ = tokio::time::timeout(SEND_TIMEOUT, self.sender.send(Err(status))).await;
        }
    }

    async fn serve(&mut self, mut incoming: Streaming<FromAgent>) -> End {
        let mut agents = self.shared.directory.agents();
        let stop = self.shared.stop.clone();
        let (replaced, seen) = self.replace_older_stream();
        if let Err(end) = self.greet(&mut incoming).await {
            return end;
        }
        loop {
            let step = tokio::select! {
                message = tokio::time::timeout(IDLE_TIMEOUT, incoming.message()) => match message {
                    Ok(message) => self.received(message, &seen).await,
                    Err(_) => Err(End("silent", Some(Status::deadline_exceeded("nothing was heard for too long")))),
                },
                _ = agents.changed() => self.still_welcome(&agents.borrow_and_update()),
                () = replaced.notified() => Err(End("replaced",
                    Some(Status::aborted("the same agent opened a newer stream: is its folder copied to two machines?")))),
                () = stop.cancelled() => Err(End("shutdown",
                    Some(Status::unavailable("the collector stops: try again soon")))),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Makes this the agent's one stream.
    fn replace_older_stream(&self) -> (Arc<Notify>, Arc<Mutex<Seen>>) {
        let mut agents = self
            .shared
            .agents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = agents.entry(self.agent.id.clone()).or_default();
        known.replaced.notify_waiters();
        known.replaced = Arc::default();
        (Arc::clone(&known.replaced), Arc::clone(&known.seen))
    }

    fn still_welcome(&self, agents: &crate::directory::Agents) -> Result<(), End> {
        let known = agents.get(&self.agent.key);
        if known.is_some_and(|agent| agent.id == self.agent.id) {
            Ok(())
        } else {
            Err(End("revoked", Some(revoked())))
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
        latest::lock(&self.device).begin_stream();
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
        let noted = self
            .shared
            .registry
            .said_hello(self.agent.id.clone(), host, now)
            .await;
        if let Err(error) = noted {
            self.shared.own.registry_errors.inc();
            warn!(%error, "What an agent says of itself could not be noted.");
        }
        Ok(())
    }

    async fn received(
        &mut self,
        message: Result<Option<FromAgent>, Status>,
        seen: &Mutex<Seen>,
    ) -> Result<(), End> {
        match message {
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Batch(batch)),
            })) => {
                if self.pace.check().is_err() {
                    self.shared.own.batches_paced.inc();
                    self.pace.until_ready().await;
                }
                let ack = self.take(batch, seen, Timestamp::now());
                self.send(from_collector::Kind::Ack(ack)).await
            }
            Ok(Some(FromAgent {
                kind: Some(from_agent::Kind::Goodbye(goodbye)),
            })) => {
                debug!(agent = %self.agent.id, reason = ?goodbye.reason(), "Goodbye.");
                latest::lock(&self.device).goodbye();
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
    fn take(&mut self, batch: Batch, seen: &Mutex<Seen>, now: Timestamp) -> Ack {
        let own = &self.shared.own;
        let clock = batch.clock.unwrap_or_default();
        let now_unix_ms = now.as_millisecond();
        let mut rejected_samples = 0_u32;
        let mut device = latest::lock(&self.device);
        let series = self.decoder.define(batch.series, |reason| {
            own.series_rejected
                .with_label_values(&[reason.code()])
                .inc();
        });
        self.slots
            .extend(series.iter().map(|series| device.slot(series)));
        let is_new = seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_new(batch.instance, batch.sequence);
        if is_new {
            let offset_ms = clock.wall_unix_ms.saturating_sub(now_unix_ms);
            let oldest_live = now_unix_ms.saturating_sub(milliseconds(LIVE_WINDOW));
            let (mut accepted, mut late) = (0, 0);
            let take = |sample: proto::stream::Sample| {
                accepted += 1;
                let time_unix_ms = sample.time_unix_ms.saturating_sub(offset_ms);
                match self.slots.get(sample.series) {
                    Some(slot) if time_unix_ms >= oldest_live => {
                        device.update(*slot, time_unix_ms, sample.value);
                    }
                    _ => late += 1,
                }
            };
            self.decoder
                .samples(&batch.rounds, clock.wall_unix_ms, take, |reason, count| {
                    own.samples_rejected
                        .with_label_values(&[reason.code()])
                        .inc_by(count as u64);
                    rejected_samples =
                        rejected_samples.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                });
            own.samples.inc_by(accepted);
            own.samples_late.inc_by(late);
            #[allow(clippy::cast_precision_loss, reason = "an offset needs no more digits")]
            let offset_seconds = offset_ms as f64 / 1000.0;
            device.reported(now, offset_seconds, batch.dropped_samples);
        }
        let outcome = if is_new { "accepted" } else { "duplicate" };
        own.batches.with_label_values(&[outcome]).inc();
        Ack {
            instance: batch.instance,
            sequence: batch.sequence,
            server_time_unix_ms: now_unix_ms,
            rejected_samples,
        }
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
