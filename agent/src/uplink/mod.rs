//! One stream to the collector: batches up, acknowledgements, time and the plan down.
//!
//! Live first: what is measured during a stream is sent at once, what waited from before goes behind
//! it, oldest first. A batch leaves the queue when it is acknowledged, never earlier; the collector
//! recognises what it gets twice. A lost stream is tried again with full jitter, a refusal rarely.

mod ended;
mod stream;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proto::limits::{MESSAGE_BYTES, PROTOCOL};
use proto::plan::Plan;
use proto::wire::session_client::SessionClient;
use proto::wire::{FromAgent, FromCollector, Goodbye, Hello, from_agent, from_collector, goodbye};
use rustls::ClientConfig;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tracing::{debug, info, warn};

use self::ended::Ended;
use self::stream::Stream;
use crate::backoff::Backoff;
use crate::clock;
use crate::identity::{self, Identity, IdentityError};
use crate::queue::Queue;
use crate::status::Status as AgentStatus;
use crate::tls::{self, Address};

/// Batches on their way without acknowledgement.
const IN_FLIGHT: usize = 16;

/// How long the collector may take to welcome or to acknowledge.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a goodbye may take: a machine that shuts down does not wait.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(3);

/// How often at least to look whether a renewal is due.
const RENEWAL_CHECK: Duration = Duration::from_mins(10);

/// How long not to ask again after a refusal.
const RENEWAL_REST: Duration = Duration::from_mins(10);

/// Everything a stream needs, across streams.
pub struct Uplink {
    /// The data folder.
    pub folder: PathBuf,
    /// Who this machine is.
    pub identity: Identity,
    /// Where the collector is.
    pub collector: Address,
    /// What is to be sent.
    pub queue: Queue,
    /// Replaced by what the collector sends.
    pub plan: watch::Sender<Plan>,
    /// Told how the connection fares.
    pub status: watch::Sender<AgentStatus>,
    /// Cancelled when the agent is to stop.
    pub stop: CancellationToken,
    /// The collector's clock less this one, milliseconds, once it was measured.
    pub server_offset_ms: i64,
    /// Whether the newest stream got as far as a Welcome.
    pub welcomed: bool,
    /// When a renewal was last refused, or tried on mere suspicion.
    pub renewal_rests_since: Option<Instant>,
}

impl Uplink {
    /// Keeps a stream open until the agent is to stop.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        while !self.stop.is_cancelled() {
            self.renew_if_due().await;
            self.welcomed = false;
            let ended = self.stream(&mut backoff).await;
            let Err(ended) = ended else { break };
            if matches!(ended, Ended::DictionaryFull) {
                info!("Another stream begins, to forget series that are gone.");
                continue;
            }
            self.tell(&ended);
            if !self.welcomed && ended.may_be_the_certificate() && self.may_ask_for_renewal() {
                // By this clock it is valid still, but which of the two is wrong?
                self.renew().await;
                self.renewal_rests_since = Some(Instant::now());
            }
            if ended.is_refusal() {
                backoff.despair();
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next_wait()) => {}
                () = self.stop.cancelled() => {}
            }
        }
        self.queue.persist().await;
    }

    fn tell(&self, ended: &Ended) {
        let problem = crate::chain(ended);
        warn!(problem, "Not connected to the collector.");
        self.status.send_modify(|status| {
            status.connected = false;
            status.connection_problem = Some(problem);
        });
    }

    async fn renew_if_due(&mut self) {
        let due_in = self.identity.renewal_due_in(self.server_offset_ms);
        if due_in.is_zero() && self.may_ask_for_renewal() {
            self.renew().await;
        }
    }

    /// When to look again. Clocks jump and machines sleep: not too long.
    fn next_renewal(&self) -> Duration {
        let due_in = self.identity.renewal_due_in(self.server_offset_ms);
        let rest = if self.may_ask_for_renewal() {
            Duration::from_secs(1)
        } else {
            RENEWAL_REST
        };
        due_in.clamp(rest, RENEWAL_CHECK)
    }

    fn may_ask_for_renewal(&self) -> bool {
        self.renewal_rests_since
            .is_none_or(|since| since.elapsed() >= RENEWAL_REST)
    }

    async fn renew(&mut self) {
        match identity::renew(&self.folder, &self.identity, &self.collector).await {
            Ok(renewed) => {
                info!(
                    until_unix_ms = renewed.valid_until_unix_ms,
                    "The certificate was renewed."
                );
                self.identity = renewed;
            }
            Err(error) => {
                warn!(
                    error = crate::chain(&error),
                    "The certificate could not be renewed."
                );
                // A collector that is away is asked again at the next attempt to connect.
                self.renewal_rests_since = (!error.is_retryable()).then(Instant::now);
            }
        }
    }

    /// One stream, from connecting to its end. `Ok` when the agent is to stop.
    async fn stream(&mut self, backoff: &mut Backoff) -> Result<(), Ended> {
        let config = self.tls()?;
        let channel = tls::connect(&self.collector, config)
            .await
            .map_err(|source| Ended::Unreachable {
                collector: self.collector.to_string(),
                source,
            })?;
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let mut client = SessionClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        let _ = sender.try_send(self.hello());
        let opening = client.open(ReceiverStream::new(receiver));
        let incoming = within(opening)
            .await?
            .map_err(|status| Ended::Status(status.into()))?;
        let newest = self.queue.newest().await;
        let mut stream = Stream::new(incoming.into_inner(), sender, newest);
        self.welcome(&mut stream.incoming).await?;
        info!(collector = %self.collector, "Connected.");
        let stop = self.stop.clone();
        loop {
            stream.fill(&self.queue).await?;
            let patience_ends = stream.patience_ends();
            let renewal = self.next_renewal();
            tokio::select! {
                message = stream.incoming.message() => {
                    let message = message.map_err(|status| Ended::Status(status.into()))?;
                    self.received(message.ok_or(Ended::Closed)?, &mut stream, backoff).await;
                }
                () = self.queue.appended() => {}
                () = silence(patience_ends) => return Err(Ended::Silent),
                () = tokio::time::sleep(renewal) => self.renew_if_due().await,
                () = stop.cancelled() => break,
            }
        }
        let goodbye = tokio::time::timeout(GOODBYE_TIMEOUT, self.say_goodbye(stream)).await;
        debug!(in_time = goodbye.is_ok(), "Said goodbye.");
        Ok(())
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, IdentityError> {
        let trust = self.identity.trust(&self.folder)?;
        let shown = self.identity.shown(&self.folder)?;
        Ok(tls::client_config(trust, Some(shown))?)
    }

    fn hello(&self) -> FromAgent {
        let hello = Hello {
            protocol: PROTOCOL,
            host: Some(crate::host_facts()),
            boot_id: crate::os::boot_id(&crate::os::Root::default()),
            clock: Some(clock::now()),
            plan_version: self.plan.borrow().version,
        };
        FromAgent {
            kind: Some(from_agent::Kind::Hello(hello)),
        }
    }

    async fn welcome(&mut self, incoming: &mut Streaming<FromCollector>) -> Result<(), Ended> {
        let first = within(incoming.message()).await?;
        let first = first
            .map_err(|status| Ended::Status(status.into()))?
            .ok_or(Ended::Closed)?;
        let Some(from_collector::Kind::Welcome(welcome)) = first.kind else {
            return Err(Ended::NoWelcome);
        };
        self.welcomed = true;
        self.server_time(welcome.server_time_unix_ms);
        self.status.send_modify(|status| {
            status.connected = true;
            status.connection_problem = None;
        });
        Ok(())
    }

    fn server_time(&mut self, server_unix_ms: i64) {
        self.server_offset_ms = server_unix_ms.saturating_sub(clock::wall_unix_ms());
    }

    async fn received(
        &mut self,
        message: FromCollector,
        stream: &mut Stream,
        backoff: &mut Backoff,
    ) {
        match message.kind {
            Some(from_collector::Kind::Ack(ack)) => {
                self.server_time(ack.server_time_unix_ms);
                if ack.rejected_samples > 0 {
                    debug!(
                        ack.sequence,
                        ack.rejected_samples, "The collector refused samples."
                    );
                }
                if stream.acknowledged(&ack, &self.queue).await {
                    backoff.reset();
                    let offset = -self.server_offset_ms;
                    self.status.send_modify(|status| {
                        status.last_ack_unix_ms = Some(clock::wall_unix_ms());
                        status.clock_offset_ms = Some(offset);
                    });
                }
            }
            Some(from_collector::Kind::Plan(plan)) => self.new_plan(plan),
            // A second welcome, or a message kind this agent is too old to know.
            Some(from_collector::Kind::Welcome(_)) | None => {}
        }
    }

    fn new_plan(&mut self, plan: proto::wire::Plan) {
        match Plan::try_from(plan) {
            Ok(plan) => {
                info!(
                    version = plan.version,
                    targets = plan.targets.len(),
                    "New plan."
                );
                self.plan.send_replace(plan);
            }
            Err(error) => {
                warn!(%error, "The collector sent a plan that is refused; the old one stays.")
            }
        }
    }

    async fn say_goodbye(&self, mut stream: Stream) {
        // What was measured last is worth a try; what is not acknowledged in time is on disk.
        loop {
            if stream.fill(&self.queue).await.is_err() {
                return;
            }
            if stream.is_settled() {
                break;
            }
            let Ok(Some(message)) = stream.incoming.message().await else {
                return;
            };
            if let Some(from_collector::Kind::Ack(ack)) = message.kind {
                stream.acknowledged(&ack, &self.queue).await;
            }
        }
        let goodbye = Goodbye {
            reason: goodbye::Reason::Stop.into(),
        };
        let message = FromAgent {
            kind: Some(from_agent::Kind::Goodbye(goodbye)),
        };
        let _ = stream.sender.send(message).await;
        drop(stream.sender);
        // The collector closes its side when it has heard it.
        while let Ok(Some(_)) = stream.incoming.message().await {}
    }
}

/// Waits for an answer, not for ever.
async fn within<T>(answer: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::time::timeout(ANSWER_TIMEOUT, answer)
        .await
        .map_err(|_| Ended::Silent)
}

async fn silence(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
