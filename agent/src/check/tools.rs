//! What every step measures with and by.

use proto::plan::Plan;
use tokio::sync::watch;

use super::surroundings::Surroundings;
use crate::config::Config;
use crate::identity::Identity;
use crate::os::Root;
use crate::plan;
use crate::sources::Context;
use crate::sources::probe::lookup::Lookups;
use crate::sources::probe::round::Rounds;
use crate::sources::probe::service::Trust;
use crate::tls::Address;

/// One for the whole check.
pub(super) struct Tools {
    pub(super) plan: Plan,
    pub(super) context: Context,
    pub(super) root: Root,
    pub(super) surroundings: Surroundings,
    pub(super) rounds: Rounds,
    pub(super) lookups: Lookups,
    pub(super) trust: Trust,
}

impl Tools {
    /// Neither plan nor enrolment is needed: without them it is a service centre like others.
    pub(super) async fn of(config: &Config) -> Self {
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
            plan,
            root,
        }
    }
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
