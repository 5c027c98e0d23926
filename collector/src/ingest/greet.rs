//! How a conversation begins: the agent's Hello, the collector's Welcome.

use std::time::Duration;

use jiff::Timestamp;
use proto::limits::{LOST_PER_HELLO, OLDEST_PROTOCOL, PROTOCOL};
use proto::wire::{self, FromAgent, Welcome, from_agent, from_collector};
use tonic::{Status, Streaming};
use tracing::{info, warn};

use super::answers::batches_of;
use super::end::{End, malformed};
use super::share::spread;
use super::stream::Stream;
use crate::clocks::{Boot, Reading};
use crate::latest;
use crate::plans::Newcomer;
use crate::registry::Host;
use crate::seen::Run;

/// How soon a stream must begin with a Hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a newcomer waits until what it asks about is written.
const WRITING: Duration = Duration::from_secs(5);

impl Stream {
    pub(super) async fn greet(&mut self, incoming: &mut Streaming<FromAgent>) -> Result<(), End> {
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
        self.boot = Boot::of(&hello.boot_id);
        if let Some(clock) = hello.clock {
            let sent = Reading::new(self.boot, clock);
            self.account
                .with_clocks(|clocks| clocks.exchanged(sent, now.as_millisecond()));
        }
        self.note(hello.host.unwrap_or_default(), now).await?;
        // From here on no older stream takes anything.
        self.number = latest::lock(&self.device).begin_stream(now.as_millisecond());
        self.turns(&hello.turns, hello.clock.unwrap_or_default(), now);
        let arrived = self.arrived(&hello.lost).await;
        let parts = &self.shared.parts;
        let agents = parts.directory.agents().borrow().clone();
        let (centre, rate) = (&self.agent.centre, parts.backlog_rate);
        let spread = spread(agents.len()).as_millis();
        self.send(from_collector::Kind::Welcome(Welcome {
            protocol: hello.protocol.min(PROTOCOL),
            server_time_unix_ms: Timestamp::now().as_millisecond(),
            spread_ms: u32::try_from(spread).unwrap_or(u32::MAX),
            backlog_bytes_per_second: self.shared.shares.of(centre, &agents, rate),
            arrived,
        }))
        .await?;
        // Told from here on, when there is another than it holds.
        let plans = &self.shared.parts.plans;
        let newcomer = Newcomer {
            addresses: &hello.addresses,
            can_scout: hello.can_scout,
            held: hello.plan_version,
        };
        plans.is_there(&self.agent, &hello.macs);
        self.asked = Some(plans.bursts().connected(self.key()));
        let planned = plans.connected(&self.agent, newcomer);
        self.planned = Some(planned);
        Ok(())
    }

    /// Which of these batches were taken. What came on the stream before is written first; if that
    /// takes too long, it counts as lost, and the count errs upwards.
    pub(super) async fn arrived(&self, lost: &[wire::Batches]) -> Vec<wire::Batches> {
        let account = &self.account;
        let written = async {
            loop {
                let settled = account.settled();
                if account.pending() == 0 {
                    return;
                }
                settled.await;
            }
        };
        if !lost.is_empty() {
            let _ = tokio::time::timeout(WRITING, written).await;
        }
        let taken = lost.iter().take(LOST_PER_HELLO).flat_map(|lost| {
            account.taken(Run {
                instance: lost.instance,
                first: lost.first,
                last: lost.last,
            })
        });
        taken.map(batches_of).collect()
    }

    async fn note(&self, host: wire::Host, now: Timestamp) -> Result<(), End> {
        let host = Host::try_from(host).map_err(|error| malformed(error.to_string()))?;
        info!(agent = %self.agent.id, centre = %self.agent.centre, device = %self.agent.device,
            version = host.version, "An agent connected.");
        let parts = &self.shared.parts;
        parts.note_soon.notify_one();
        // Mostly it says what it said before: 66,000 agents that come back need no 66,000 writes.
        let agent = &self.agent;
        let known = (&agent.hostname, &agent.os, &agent.arch, &agent.version);
        if known == (&host.hostname, &host.os, &host.arch, &host.version) {
            return Ok(());
        }
        let noted = parts.directory.said_hello(agent, host, now).await;
        if let Err(error) = noted {
            parts.own.registry_errors.inc();
            warn!(%error, "What an agent says of itself could not be noted.");
        }
        Ok(())
    }
}
