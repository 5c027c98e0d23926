//! Whether services can be used: at one centre, and anywhere, for which no witness at the centre is needed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::{ServiceRound, ServiceWord};

/// Services of a province.
const SERVICES: usize = 64;

/// After how long a count has faded to a third, seconds.
const FADES: f64 = 180.0;

/// How long what was seen of a service counts, seconds.
const RECENT: f64 = 300.0;

/// Whether a round got through.
fn worked(round: &ServiceRound) -> bool {
    let all_failed = round.failed >= round.attempts.max(1);
    let said_nothing = round.failed == 0 && round.outcome != ServiceWord::Answered;
    !all_failed && !said_nothing
}

/// One service, as one centre meets it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    at: f64,
    /// When somebody got through last.
    #[serde(default)]
    worked: f64,
    /// Rounds in a row that failed, at whichever agent.
    failed: u16,
    failing_since: f64,
    /// Whether more than one agent met that.
    several: bool,
    agent: String,
}

impl Seen {
    pub(super) fn add(&mut self, t: f64, agent: &str, round: &ServiceRound) {
        self.at = self.at.max(t);
        if worked(round) {
            self.worked = self.worked.max(t);
            self.failed = 0;
            self.several = false;
            return;
        }
        if self.failed == 0 {
            self.failing_since = t;
            agent.clone_into(&mut self.agent);
        }
        self.several |= self.agent != agent;
        self.failed = self.failed.saturating_add(1);
    }

    /// Whether anything was seen of it lately.
    pub(super) fn is_recent(&self, now: f64) -> bool {
        now - self.at <= RECENT
    }

    /// Whether nobody got through since a moment.
    pub(super) fn is_unproven(&self, since: f64) -> bool {
        self.worked < since
    }

    /// Whether nobody got through of late, twice at least.
    pub(super) fn fails_now(&self) -> bool {
        self.failed >= 2
    }

    /// Whether it has failed for some minutes, whoever tried.
    pub(super) fn fails(&self) -> bool {
        self.failed >= 3 && self.at - self.failing_since >= 110.0
    }

    /// Whether that cannot be the fault of one machine.
    pub(super) fn is_sure(&self) -> bool {
        self.several
    }
}

/// All services, as the whole province meets them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Services(BTreeMap<String, Everywhere>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Everywhere {
    at: f64,
    worked: f64,
    failed: f64,
    /// The last centres that failed, to know that there are several.
    failing: [Option<usize>; 3],
}

impl Services {
    /// Takes a round of a centre.
    pub(super) fn add(&mut self, t: f64, centre: usize, round: &ServiceRound) {
        // That its name was not found here says nothing of a service.
        if round.outcome == ServiceWord::DnsFailed {
            return;
        }
        if !self.0.contains_key(&round.service) && self.0.len() >= SERVICES {
            return;
        }
        let service = self.0.entry(round.service.clone()).or_default();
        let passed = t - service.at;
        if passed > 0.0 {
            let factor = (-passed / FADES).exp();
            service.worked *= factor;
            service.failed *= factor;
            service.at = t;
        }
        if worked(round) {
            service.worked += 1.0;
            return;
        }
        service.failed += 1.0;
        if !service.failing.contains(&Some(centre)) {
            let [_, second, third] = service.failing;
            service.failing = [second, third, Some(centre)];
        }
    }

    /// Whether a service works for nobody.
    pub(super) fn is_down_everywhere(&self, name: &str, now: f64) -> bool {
        self.0.get(name).is_some_and(|service| service.is_down(now))
    }

    /// Whether there are services, and none works for anybody.
    pub(super) fn are_all_down(&self, now: f64) -> bool {
        !self.0.is_empty() && self.0.values().all(|service| service.is_down(now))
    }
}

impl Everywhere {
    fn is_down(&self, now: f64) -> bool {
        let several = self.failing.iter().all(Option::is_some);
        now - self.at <= RECENT && several && self.failed >= 6.0 && self.worked < self.failed * 0.05
    }
}
