//! Scouts: of each centre at most one agent at a time, which asks its printers, routers and the like.
//!
//! What a scout tells of devices counts for the time of its term and no other, whenever it arrives: two
//! agents that ask at the same time are told once, a failover makes no series with another name, and what
//! an agent measured while it was cut off is not lost. Terms are in the registry and survive a restart.
//!
//! In reading order: this file (what others ask), `terms` (whose word counts), `duties` (what a scout is to
//! do), `choice` (who is to be one) and `chooser` (the task that makes them so). Deliberately absent: who is
//! connected; [`crate::plans`] knows.

mod choice;
mod chooser;
mod duties;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use proto::ids::{AgentId, CentreId};
use proto::plan::{Discovery, Plan};
use tokio::sync::{Notify, watch};

pub use self::chooser::Chooser;
pub use self::duties::Duties;
use self::terms::History;
use crate::directory::Devices;
use crate::ingest::Terms;
use crate::metrics::exposition::Asking;
use crate::registry::{Credentials, Status, Term};

/// The longest that a scout may be gone without a word before another takes over.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who asks what, as of now.
#[derive(Debug)]
pub struct Scouts {
    patience: Duration,
    discovery: Option<Discovery>,
    terms: RwLock<History>,
    known: RwLock<Known>,
    stirred: Mutex<HashSet<CentreId>>,
    wake: Notify,
    asking: watch::Sender<Arc<HashMap<CentreId, Asking>>>,
}

/// What there is to ask, and how.
#[derive(Debug, Default)]
struct Known {
    devices: Devices,
    credentials: Arc<Credentials>,
}

impl Scouts {
    /// With the plan of the settings, and the terms of the registry.
    #[must_use]
    pub fn new(settings: &Plan, terms: Vec<Term>) -> Arc<Self> {
        Arc::new(Self {
            patience: settings.device_interval.min(PATIENCE),
            discovery: settings.discovery.clone(),
            terms: RwLock::new(History::of(terms)),
            known: RwLock::default(),
            stirred: Mutex::default(),
            wake: Notify::new(),
            asking: watch::Sender::default(),
        })
    }

    /// What this agent is to do as the scout of its centre; nothing when it is not.
    #[must_use]
    pub fn duties(&self, agent: &AgentId, centre: &CentreId) -> Duties {
        if !self.is_scout(agent, centre) {
            return Duties::default();
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let devices = known.devices.get(centre).map(Vec::as_slice);
        let discovery = self.discovery.as_ref();
        Duties::of(
            centre,
            devices.unwrap_or_default(),
            &known.credentials,
            discovery,
        )
    }

    /// Whether this agent is the scout of this centre now.
    #[must_use]
    pub fn is_scout(&self, agent: &AgentId, centre: &CentreId) -> bool {
        self.terms().scout(centre) == Some(agent)
    }

    /// Who asks in which centre, and how many devices wait there to be approved.
    #[must_use]
    pub fn asking(&self) -> watch::Receiver<Arc<HashMap<CentreId, Asking>>> {
        self.asking.subscribe()
    }

    /// Has somebody look whether this centre has the right scout: who is there is not who was. Whether there
    /// is anything to look at.
    pub fn stir(&self, centre: &CentreId) -> bool {
        let is_of_interest = self.is_needed(centre) || self.terms().scout(centre).is_some();
        if is_of_interest {
            self.stirred().insert(centre.clone());
            self.wake.notify_one();
        }
        is_of_interest
    }

    /// Whether there is anything to ask or to look for in a centre.
    fn is_needed(&self, centre: &CentreId) -> bool {
        let has_devices = || {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let devices = known.devices.get(centre);
            devices.is_some_and(|all| all.iter().any(|one| one.status == Status::Approved))
        };
        self.discovery.is_some() || has_devices()
    }

    fn terms(&self) -> RwLockReadGuard<'_, History> {
        self.terms.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn stirred(&self) -> MutexGuard<'_, HashSet<CentreId>> {
        self.stirred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terms for Scouts {
    fn holds(&self, agent: &AgentId, centre: &CentreId, time_unix_ms: i64) -> bool {
        self.terms().holds(agent, centre, time_unix_ms)
    }
}
