//! One stream to the collector: batches up, acknowledgements, time and the plan down.
//!
//! Live first: what is measured during a stream is sent at once, what waited from before goes behind
//! it, oldest first, within a budget of bytes. A batch leaves the queue when it is acknowledged, never
//! earlier; the collector recognises what it gets twice. A lost stream is tried again with full jitter, one that was
//! refused again after minutes; only an answer to a batch ends the waiting, a welcome does not. A
//! collector that can keep nothing for a while answers too, and shows what is live all the same. The
//! certificate is renewed beside the stream, never in its way. Asked to stop, the uplink is done
//! within two seconds, whatever it is doing.

mod budget;
mod conversation;
mod ended;
mod outgoing;
mod plans;
mod renewal;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proto::limits::{ADDRESSES_PER_HELLO, MACS_PER_HELLO, MESSAGE_BYTES, PROTOCOL};
use proto::plan::{Mac, Plan};
use proto::wire::session_client::SessionClient;
use proto::wire::{Batches, FoundDevice, FromCollector, Hello, Welcome, from_agent};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tracing::{info, warn};

pub(crate) use self::budget::Bucket;
use self::budget::Budget;
use self::conversation::welcome;
use self::ended::Ended;
use self::outgoing::Outgoing;
use self::plans::Plans;
use self::renewal::Renewal;
use crate::backoff::Backoff;
use crate::clock;
use crate::identity::Identity;
use crate::os::{self, Root};
use crate::presence::{self, Presence, Turn};
use crate::queue::Queue;
use crate::sources::probe::Asked;
use crate::status::Status as AgentStatus;
use crate::tls::{self, Address, ConnectError};

/// How long the collector may take to welcome, or to acknowledge anything at all.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A stream that lasts so long after something was sent has brought it there: a broken one is known by the
/// next batch, which has no answer in time.
const FOUND_ARRIVES: Duration = ANSWER_TIMEOUT.saturating_mul(3);

/// How long the last acknowledgements may take, and then the end of the stream: a machine that shuts
/// down does not wait.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// Smaller changes of the offset are how long messages travel.
const OFFSET_CHANGE_MS: u64 = 1_000;

/// The ceilings of the waits between streams.
const LEAST_WAIT: Duration = Duration::from_secs(1);
const MOST_WAIT: Duration = Duration::from_mins(1);

/// No collector asks for more patience than this.
const MOST_SPREAD: Duration = Duration::from_mins(5);

/// What a connection to the collector needs.
pub struct Uplink {
    /// The data folder.
    pub folder: PathBuf,
    /// Who this machine is; replaced when the certificate is renewed.
    pub identity: watch::Sender<Identity>,
    /// Where the collector is.
    pub collector: Address,
    /// What is to be sent.
    pub queue: Queue,
    /// Replaced by what the collector sends.
    pub plan: watch::Sender<Plan>,
    /// What may be sent in a day, if not any amount.
    pub bytes_per_day: Option<u64>,
    /// Told when a stream begins: what was measured so far should be put into the queue.
    pub connected: Arc<Notify>,
    /// Told how far the collector's clock is ahead of the monotonic one here, milliseconds.
    pub collector_lead_ms: watch::Sender<Option<i64>>,
    /// Told how the connection fares.
    pub status: watch::Sender<AgentStatus>,
    /// What was found in the network when it was last looked at: kept until there is a stream that lasts long
    /// enough to bring it, or newer ones replace it.
    pub found: watch::Receiver<Vec<FoundDevice>>,
    /// What became of the machine and the agent, to be told.
    pub presence: Presence,
    /// Bursts that the collector asks for.
    pub bursts: Asked,
    /// Cancelled when the agent is to stop.
    pub stop: CancellationToken,
}

/// What the streams and the renewal of the certificate share.
struct Shared {
    folder: PathBuf,
    collector: Address,
    status: watch::Sender<AgentStatus>,
    identity: watch::Sender<Identity>,
    /// The collector's clock less this one, milliseconds; 0 until it was measured.
    server_offset_ms: watch::Sender<i64>,
    /// The collector's clock less the monotonic one here, milliseconds.
    collector_lead_ms: watch::Sender<Option<i64>>,
    /// A stream broke as if the collector did not like the certificate.
    suspicion: Notify,
}

/// One stream after the other.
struct Line<'a> {
    shared: &'a Shared,
    queue: Queue,
    plans: Plans,
    connected: Arc<Notify>,
    found: watch::Receiver<Vec<FoundDevice>>,
    /// When it was last told.
    found_told: Option<Instant>,
    presence: Presence,
    bursts: Asked,
    stop: CancellationToken,
    backoff: Backoff,
    budget: Budget,
}

impl Uplink {
    /// Keeps a stream open and the certificate young until the agent is to stop.
    pub async fn run(self) {
        let shared = Shared {
            folder: self.folder,
            collector: self.collector,
            status: self.status,
            identity: self.identity,
            server_offset_ms: watch::Sender::new(0),
            collector_lead_ms: self.collector_lead_ms,
            suspicion: Notify::new(),
        };
        let line = Line {
            shared: &shared,
            queue: self.queue.clone(),
            plans: Plans::new(self.plan),
            connected: self.connected,
            found: self.found,
            found_told: None,
            presence: self.presence,
            bursts: self.bursts,
            stop: self.stop,
            backoff: Backoff::new(LEAST_WAIT, MOST_WAIT),
            budget: Budget::new(self.bytes_per_day),
        };
        tokio::select! {
            () = line.run() => {}
            () = Renewal::new(&shared).run() => {}
        }
        self.queue.persist().await;
    }
}

impl Shared {
    /// Takes note of the collector's clock.
    fn heard_time(&self, server_unix_ms: i64) {
        let now = clock::now();
        let lead_ms = server_unix_ms.saturating_sub_unsigned(now.monotonic_ms);
        self.collector_lead_ms.send_replace(Some(lead_ms));
        let offset_ms = server_unix_ms.saturating_sub(now.wall_unix_ms);
        self.server_offset_ms.send_if_modified(|known| {
            let before = std::mem::replace(known, offset_ms);
            before.abs_diff(offset_ms) > OFFSET_CHANGE_MS
        });
    }
}

impl Line<'_> {
    async fn run(mut self) {
        let stop = self.stop.clone();
        let mut identity = self.shared.identity.subscribe();
        while !stop.is_cancelled() {
            identity.mark_unchanged();
            let ended = self.stream().await;
            self.queue.unlinked();
            self.doubt_what_was_told();
            let Err(ended) = ended else {
                break;
            };
            let wait = self.wait_after(&ended);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Perhaps the old one was what kept the collector away.
                Ok(()) = identity.changed() => {}
                // Much else is another way now, too.
                () = self.presence.woke() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// What was found, and told shortly before the stream ended, is told again: nothing acknowledges it.
    fn doubt_what_was_told(&mut self) {
        let told = self.found_told.take();
        if told.is_some_and(|told| told.elapsed() < FOUND_ARRIVES) {
            self.found.mark_changed();
        }
    }

    /// Tells why there is no stream, and how long there shall be none.
    fn wait_after(&mut self, ended: &Ended) -> Duration {
        let problem = crate::chain(ended);
        if matches!(
            ended,
            Ended::DictionaryFull | Ended::KeepsAgain | Ended::Woke
        ) {
            info!(reason = problem, "Another stream begins.");
            return self.backoff.next_wait();
        }
        warn!(problem, "Not connected to the collector.");
        self.shared.status.send_modify(|status| {
            status.connected = false;
            status.connection_problem = Some(problem);
        });
        if ended.is_refusal() {
            self.backoff.next_wait_after_refusal()
        } else {
            self.backoff.next_wait()
        }
    }

    /// One stream, from connecting to its end. `Ok` when the agent is to stop.
    async fn stream(&mut self) -> Result<(), Ended> {
        let stop = self.stop.clone();
        let opened = tokio::select! {
            opened = self.open() => opened,
            () = stop.cancelled() => return Ok(()),
        };
        let (incoming, outgoing) = opened.inspect_err(|ended| {
            if ended.may_be_the_certificate() {
                self.shared.suspicion.notify_one();
            }
        })?;
        self.converse(incoming, outgoing).await
    }

    /// Connects, says hello and waits for the welcome.
    async fn open(&mut self) -> Result<(Streaming<FromCollector>, Outgoing), Ended> {
        let shared = self.shared;
        let config = shared.identity.borrow().tls(&shared.folder)?;
        let channel = tls::connect(&shared.collector, config).await;
        match &channel {
            Err(error @ ConnectError::Unreachable { .. }) if !error.is_alert() => {
                self.budget.spend_knock();
            }
            _ => self.budget.spend_handshake(),
        }
        let channel = channel?;
        let (sender, receiver) = mpsc::channel(outgoing::MESSAGES);
        let outgoing = Outgoing::new(sender, self.queue.newest().await);
        let lost = self.queue.lost().await;
        let turns = self.presence.untold();
        let hello = self.hello(lost.clone(), &turns);
        outgoing.send(from_agent::Kind::Hello(hello))?;
        let mut client = SessionClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        let opening = client.open(ReceiverStream::new(receiver));
        let mut incoming = within(opening).await??.into_inner();
        let welcome = welcome(&mut incoming).await?;
        self.welcomed(welcome, lost).await;
        self.presence.told(&turns).await;
        shared.status.send_modify(|status| {
            status.connected = true;
            status.connection_problem = None;
        });
        info!(collector = %shared.collector, "Connected.");
        Ok((incoming, outgoing))
    }

    async fn welcomed(&mut self, welcome: Welcome, asked: Vec<Batches>) {
        self.heard_time(welcome.server_time_unix_ms);
        let spread = Duration::from_millis(welcome.spread_ms.into());
        self.backoff
            .set_least(spread.clamp(LEAST_WAIT, MOST_SPREAD));
        self.budget.connected(welcome.backlog_bytes_per_second);
        self.queue.linked();
        self.queue.settle_lost(asked, welcome.arrived).await;
        self.connected.notify_one();
    }

    fn heard_time(&self, server_unix_ms: i64) {
        self.shared.heard_time(server_unix_ms);
        self.queue.heard_time(server_unix_ms);
    }

    fn hello(&self, lost: Vec<Batches>, turns: &[Turn]) -> Hello {
        Hello {
            protocol: PROTOCOL,
            host: Some(crate::host_facts()),
            boot_id: clock::boot_id().to_owned(),
            clock: Some(clock::now()),
            plan_version: self.plans.version(),
            lost,
            addresses: own_addresses(),
            can_scout: true,
            turns: presence::wire(turns),
            macs: own_macs(),
        }
    }
}

/// Where others of the centre find this machine.
fn own_addresses() -> Vec<String> {
    let own = os::own_addresses(&Root::default()).unwrap_or_default();
    let told = own.iter().take(ADDRESSES_PER_HELLO);
    told.map(IpAddr::to_string).collect()
}

/// What others of the centre can wake this machine by.
fn own_macs() -> Vec<String> {
    let own = os::own_macs(&Root::default()).unwrap_or_default();
    let told = own.iter().take(MACS_PER_HELLO);
    told.map(Mac::to_string).collect()
}

/// Waits for an answer, not for ever.
async fn within<T>(answer: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::time::timeout(ANSWER_TIMEOUT, answer)
        .await
        .map_err(|_| Ended::Silent)
}
