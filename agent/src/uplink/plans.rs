//! The plans that a collector sends, at a pace: each new one makes every source measure and is written
//! to disk, so a collector that sends one after the other must not drive the machine.

use std::time::Duration;

use proto::plan::Plan;
use proto::wire;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

/// A plan stays for at least as long.
const PACE: Duration = Duration::from_secs(10);

/// Which plan holds, and which comes next.
pub(super) struct Plans {
    in_force: watch::Sender<Plan>,
    next: Option<Plan>,
    not_before: Instant,
}

impl Plans {
    /// Puts plans into force here.
    pub(super) fn new(in_force: watch::Sender<Plan>) -> Self {
        Self {
            in_force,
            next: None,
            not_before: Instant::now(),
        }
    }

    /// Of the plan in force.
    pub(super) fn version(&self) -> u64 {
        self.in_force.borrow().version
    }

    /// The collector sent this one: it is next, instead of any that was.
    pub(super) fn sent(&mut self, plan: wire::Plan) {
        match Plan::try_from(plan) {
            Ok(plan) => {
                self.next = Some(plan);
                self.put_into_force();
            }
            Err(error) => {
                warn!(%error, "The collector sent a plan that is refused; the old one stays.");
            }
        }
    }

    /// When to call [`Plans::put_into_force`].
    pub(super) fn due(&self) -> Option<Instant> {
        self.next.as_ref().map(|_| self.not_before)
    }

    /// Puts the next one into force, if it is time.
    pub(super) fn put_into_force(&mut self) {
        let now = Instant::now();
        if now < self.not_before {
            return;
        }
        let Some(plan) = self.next.take() else { return };
        self.not_before = now + PACE;
        let (version, targets) = (plan.version, plan.targets.len());
        info!(version, targets, "New plan.");
        self.in_force.send_replace(plan);
    }
}
