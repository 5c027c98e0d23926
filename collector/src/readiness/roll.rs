//! Which machines of a centre are to be awake before opening, and having the named one woken.
//!
//! The machine is woken by another one of its centre, as `plans` says; only one that has told how it is woken is, and
//! only an operator names it: nobody's PC is switched on unasked.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use tokio::sync::watch;
use tracing::info;

use super::metrics::Metrics;
use crate::directory::Agents;
use crate::latest::{DeviceKey, Latest, Presence, lock};
use crate::plans::{NotWoken, Plans};

/// From when to when before opening a witness is woken, seconds: it needs minutes until it is there at the first check.
const WAKES: std::ops::RangeInclusive<f64> = 45.0 * 60.0..=65.0 * 60.0;

/// Between two attempts for one centre, seconds.
const AGAIN: f64 = 60.0;

/// What is known of the machines of all centres.
#[derive(Debug)]
pub(super) struct Roll {
    plans: Arc<Plans>,
    latest: Arc<Latest>,
    agents: watch::Receiver<Agents>,
    expected: HashMap<CentreId, usize>,
    /// The machines that operators named.
    named: HashMap<CentreId, DeviceId>,
    tried: HashMap<CentreId, f64>,
    metrics: Metrics,
}

impl Roll {
    pub(super) fn new(
        plans: Arc<Plans>,
        latest: Arc<Latest>,
        mut agents: watch::Receiver<Agents>,
        named: HashMap<CentreId, DeviceId>,
        metrics: Metrics,
    ) -> Self {
        agents.mark_changed();
        Self {
            plans,
            latest,
            agents,
            expected: HashMap::new(),
            named,
            tried: HashMap::new(),
            metrics,
        }
    }

    /// Calls the roll anew, if who is on it changed.
    pub(super) fn call(&mut self) {
        if !self.agents.has_changed().unwrap_or(false) {
            return;
        }
        self.expected.clear();
        for agent in self.agents.borrow_and_update().values() {
            if agent.revoked_at.is_none() {
                *self.expected.entry(agent.centre.clone()).or_default() += 1;
            }
        }
    }

    /// How many machines of a centre have an agent.
    pub(super) fn expected(&self, centre: &CentreId) -> usize {
        self.expected.get(centre).copied().unwrap_or_default()
    }

    /// The one that is to be awake.
    pub(super) fn named(&self, centre: &CentreId) -> Option<&DeviceId> {
        self.named.get(centre)
    }

    /// Has the named machine of a centre woken, if it is time and it sleeps. Whether it was asked for now.
    pub(super) fn wake(&mut self, centre: &CentreId, opening: f64, now: f64) -> bool {
        let Some(device) = self.named.get(centre) else {
            return false;
        };
        let before = self.tried.get(centre).copied();
        let is_early = before.is_some_and(|before| (0.0..AGAIN).contains(&(now - before)));
        if !WAKES.contains(&(opening - now)) || is_early || self.is_awake(centre, device) {
            return false;
        }
        self.tried.insert(centre.clone(), now);
        let asked = self.plans.wake(centre, device, Timestamp::now());
        let outcome = match asked {
            Ok(()) => "asked",
            Err(NotWoken::Unknown) => "unknown",
            Err(NotWoken::Nobody) => "nobody",
            Err(NotWoken::Time) => "time",
        };
        self.metrics.wakes.with_label_values(&[outcome]).inc();
        match asked {
            Ok(()) => info!(%centre, %device, "A witness is asked to be woken before opening."),
            Err(why) => info!(%centre, %device, %why, "A witness cannot be woken before opening."),
        }
        asked.is_ok()
    }

    fn is_awake(&self, centre: &CentreId, device: &DeviceId) -> bool {
        let key = DeviceKey {
            centre: centre.clone(),
            device: device.clone(),
        };
        let device = self.latest.device(&key);
        device.is_some_and(|device| lock(&device).presence() == Presence::Live)
    }
}
