//! What every step measures with and by.

use std::path::Path;
use std::time::Duration;

use proto::plan::Plan;
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;

use super::links::Anchors;
use super::surroundings::Surroundings;
use crate::app;
use crate::clock::wall_unix_ms;
use crate::config::Config;
use crate::identity::Identity;
use crate::os::Root;
use crate::plan;
use crate::sources::Context;
use crate::sources::probe::lookup::Lookups;
use crate::sources::probe::round::Rounds;
use crate::sources::probe::service::Trust;
use crate::status::Status;
use crate::tls::Address;

/// For everything that is measured, so that a check ends within half a minute whatever happens.
const WHOLE: Duration = Duration::from_secs(27);

/// One for the whole check.
pub(super) struct Tools {
    pub(super) plan: Plan,
    pub(super) context: Context,
    pub(super) root: Root,
    pub(super) surroundings: Surroundings,
    pub(super) rounds: Rounds,
    pub(super) lookups: Lookups,
    pub(super) trust: Trust,
    /// Found once, when first needed.
    pub(super) anchors: OnceCell<Anchors>,
    /// When everything has to be measured.
    pub(super) deadline: Instant,
    /// How far this clock is ahead of the collector's by the word of the agent that runs here, milliseconds.
    ahead_ms: Option<i64>,
}

impl Tools {
    /// Neither plan nor enrolment is needed: without them it is a service centre like others.
    pub(super) async fn of(config: &Config) -> Self {
        let deadline = Instant::now() + WHOLE;
        let plan = completed(plan::load(&config.data));
        let enrolled = Identity::load(&config.data).ok();
        let told = enrolled.and_then(|identity| identity.collector.parse().ok());
        let collector: Option<Address> = config.collector.clone().or(told);
        let collector = collector.map(|address| (address.host, address.port));
        let (_, planned) = watch::channel(plan.clone());
        let root = Root::default();
        Self {
            context: Context::new(planned, collector, config.networks.clone()),
            surroundings: Surroundings::read(&root),
            rounds: Rounds::default(),
            lookups: Lookups::default(),
            trust: Trust::of_the_system().await,
            anchors: OnceCell::new(),
            deadline,
            ahead_ms: ahead_ms(&config.data),
            plan,
            root,
        }
    }

    /// Of a machine that is not enrolled, with these surroundings.
    #[cfg(test)]
    pub(super) async fn with(plan: Plan, surroundings: Surroundings, deadline: Instant) -> Self {
        let nowhere = Config {
            data: "/nowhere".into(),
            ..Config::default()
        };
        Self {
            plan,
            surroundings,
            deadline,
            ..Self::of(&nowhere).await
        }
    }

    /// So long, or until everything has to be measured.
    pub(super) fn left(&self, limit: Duration) -> Duration {
        limit.min(self.deadline.saturating_duration_since(Instant::now()))
    }

    /// A network that has an interface of its own here, and that interface. All others are the usual way.
    pub(super) fn through(&self, network: Option<&str>) -> (Option<String>, Option<String>) {
        let interface = self.context.interface(network);
        let network = network.filter(|_| interface.is_some());
        (network.map(str::to_owned), interface)
    }

    /// What time it is by the collector's clock.
    pub(super) fn collectors_time_unix_s(&self) -> Option<i64> {
        let now_ms = wall_unix_ms();
        Some(now_ms.saturating_sub(self.ahead_ms?).div_euclid(1_000))
    }
}

/// Of an agent that is connected now: what another knew may be from before the clock was set.
fn ahead_ms(folder: &Path) -> Option<i64> {
    let status = Status::load(folder).filter(|status| status.connected)?;
    app::is_running(folder)
        .then_some(status.clock_offset_ms)
        .flatten()
}

/// What a plan leaves open is what every centre needs.
fn completed(mut plan: Plan) -> Plan {
    let usual = Plan::of_a_service_centre();
    if plan.services.is_empty() {
        plan.services = usual.services;
    }
    if plan.targets.is_empty() {
        plan.targets = usual.targets;
    }
    plan
}
