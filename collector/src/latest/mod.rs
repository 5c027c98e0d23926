//! The live view: the newest value of every series, and when it counts as stale.
//!
//! A device keeps its place here for as long as its agent is enrolled, so that a silent one is seen
//! to be silent; its samples vanish when it falls silent, says goodbye, or stops sending one of
//! them, and those of a probe when its newest run does not tell them (`runs`). Late samples never get in. Everything is in memory: after a restart the agents, which
//! reconnect within seconds, fill it again.

mod device;
mod history;
mod names;
mod newcomers;
mod runs;
mod seldom;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use proto::plan::Plan;
use proto::stream::Series;
use tokio::time::Instant;

pub use self::device::{Device, Receiving};
pub use self::history::HISTORY_MINUTES;
pub use self::names::Name;
use self::names::Names;
use self::seldom::Seldom;
pub use self::slot::Slot;

/// Where a device stands: the labels of all its series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceKey {
    /// The centre it belongs to.
    pub centre: CentreId,
    /// Its name there.
    pub device: DeviceId,
}

/// What the registry says of a device with an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The enrolment.
    pub agent: AgentId,
    /// The `kind` label.
    pub kind: String,
    /// Of the agent.
    pub version: String,
    /// Of the agent.
    pub os: String,
    /// Of the agent.
    pub arch: String,
    /// Expiry of its newest certificate.
    pub certificate_until: Option<Timestamp>,
    /// When the collector last heard from it, as far as the registry knows.
    pub last_report: Option<Timestamp>,
    /// Whether its last word was a goodbye.
    pub goodbye: bool,
}

/// Whether an agent is there, and if not, why that may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Never heard since enrolment.
    Never,
    /// Reports.
    Live,
    /// Stopped reporting without a word.
    Silent,
    /// Said that it would be silent.
    Goodbye,
}

/// The live view of all devices.
#[derive(Debug)]
pub struct Latest {
    devices: RwLock<BTreeMap<DeviceKey, Arc<Mutex<Device>>>>,
    shared: Arc<Shared>,
}

/// What all devices have in common.
#[derive(Debug)]
struct Shared {
    patience: Patience,
    seldom: Seldom,
    names: Names,
    started: Instant,
}

/// How long silence may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without a report, before an agent counts as silent.
    pub reports: Duration,
    /// Without a sample, before one series vanishes, unless it is one that comes seldom.
    pub samples: Duration,
}

impl Patience {
    /// Less than this is a hiccup, however short the intervals are.
    const HICCUP: Duration = Duration::from_secs(10);

    /// One report may be missed, and one sample in three.
    #[must_use]
    pub fn with(plan: &Plan) -> Self {
        let longest = plan
            .host_interval
            .max(plan.link_interval)
            .max(plan.report_interval);
        Self {
            reports: plan.report_interval * 2 + Self::HICCUP,
            samples: (longest * 3).max(Self::HICCUP),
        }
    }
}
impl Latest {
    /// An empty view, in which values vanish when they should have come again under this plan.
    #[must_use]
    pub fn under(plan: &Plan) -> Self {
        Self::with(Patience::with(plan), Seldom::under(plan))
    }

    /// An empty view, in which all values vanish when patience ends.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self::with(patience, Seldom::default())
    }

    fn with(patience: Patience, seldom: Seldom) -> Self {
        Self {
            devices: RwLock::default(),
            shared: Arc::new(Shared {
                patience,
                seldom,
                names: Names::default(),
                started: Instant::now(),
            }),
        }
    }

    /// Follows the registry: new devices appear, revoked ones vanish, known ones keep their values.
    pub fn follow(&self, enrolled: impl IntoIterator<Item = (DeviceKey, Enrolled)>) {
        let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *devices);
        for (key, enrolled) in enrolled {
            let device = match before.remove(&key) {
                Some(known) if lock(&known).enrolled.agent == enrolled.agent => {
                    lock(&known).is_enrolled_as(enrolled);
                    known
                }
                _ => {
                    let shared = Arc::clone(&self.shared);
                    Arc::new(Mutex::new(Device::new(key.clone(), enrolled, shared)))
                }
            };
            devices.insert(key, device);
        }
    }

    /// The device itself, for the stream that fills it. `None` when the registry has no such device.
    #[must_use]
    pub fn device(&self, key: &DeviceKey) -> Option<Arc<Mutex<Device>>> {
        self.devices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// The name of a series, shared by all devices.
    #[must_use]
    pub fn name(&self, series: &Series) -> Arc<Name> {
        self.shared.names.of(series)
    }

    /// Shows every device of a centre, or of all centres, in order of centre and name. One device is
    /// locked at a time, so that a slow visitor holds up one agent at most.
    pub fn visit(&self, centre: Option<&CentreId>, mut visitor: impl FnMut(&Device)) {
        let devices: Vec<_> = {
            let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
            let wanted = |key: &DeviceKey| centre.is_none_or(|centre| key.centre == *centre);
            devices
                .iter()
                .filter(|(key, _)| wanted(key))
                .map(|(_, d)| Arc::clone(d))
                .collect()
        };
        for device in devices {
            visitor(&lock(&device));
        }
    }
}

/// Locks a device. A panic while it was locked cannot leave it half changed in a way that matters.
pub fn lock(device: &Mutex<Device>) -> MutexGuard<'_, Device> {
    device.lock().unwrap_or_else(PoisonError::into_inner)
}
