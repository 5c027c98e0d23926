//! The live view: the newest value of every series, and when it counts as stale.
//!
//! A device keeps its place here for as long as its agent is enrolled, so that a silent one is seen
//! to be silent; its samples vanish when it falls silent, says goodbye, or stops sending one of
//! them, and those of a probe when its newest run does not tell them (`runs`). A device without an agent
//! keeps its place while the registry has it, and shows what the scouts of its centre tell of it, whichever
//! of them. Late samples never get in. Everything is in memory: after a restart the agents, which
//! reconnect within seconds, fill it again.

mod device;
mod history;
mod names;
mod newcomers;
mod runs;
mod seldom;
mod slot;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use proto::ids::{CentreId, DeviceId};
use proto::plan::{Kind, Plan};
use proto::stream::Series;
use tokio::time::Instant;

pub use self::device::{Device, Receiving};
pub use self::history::HISTORY_MINUTES;
pub use self::names::Name;
use self::names::Names;
use self::seldom::Seldom;
pub use self::slot::Slot;
pub use self::source::{Enrolled, Polled, Source};

/// Where a device stands: the labels of all its series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceKey {
    /// The centre it belongs to.
    pub centre: CentreId,
    /// Its name there.
    pub device: DeviceId,
}

/// Whether an agent is there, and if not, why that may be. Of a device without one: whether it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Never heard since enrolment, or approval.
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
    devices: RwLock<BTreeMap<DeviceKey, Place>>,
    /// Held by whoever makes another list of them.
    following: Mutex<()>,
    shared: Arc<Shared>,
}

/// A device, and what can be known of it without locking it.
#[derive(Debug)]
struct Place {
    device: Arc<Mutex<Device>>,
    /// The kind of one without an agent.
    polled: Option<Kind>,
}

/// What all devices have in common.
#[derive(Debug)]
struct Shared {
    patience: Patience,
    /// With devices that have no agent.
    polled: Patience,
    seldom: Seldom,
    names: Names,
    started: Instant,
}

/// How long silence may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without a report, before an agent counts as silent, or a device without one as asked by nobody.
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

    /// With devices that have no agent: one poll may be missed, and one of a value in three. Another scout
    /// that takes over needs some time.
    #[must_use]
    pub fn with_polled(plan: &Plan) -> Self {
        let each = plan.device_interval.max(plan.report_interval);
        Self {
            reports: (plan.device_interval + plan.report_interval) * 2 + Self::HICCUP,
            samples: (each * 3).max(Self::HICCUP),
        }
    }
}

impl Latest {
    /// An empty view, in which values vanish when they should have come again under this plan.
    #[must_use]
    pub fn under(plan: &Plan) -> Self {
        let polled = Patience::with_polled(plan);
        Self::with(Patience::with(plan), polled, Seldom::under(plan))
    }

    /// An empty view, in which all values vanish when patience ends.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self::with(patience, patience, Seldom::default())
    }

    fn with(patience: Patience, polled: Patience, seldom: Seldom) -> Self {
        Self {
            devices: RwLock::default(),
            following: Mutex::default(),
            shared: Arc::new(Shared {
                patience,
                polled,
                seldom,
                names: Names::default(),
                started: Instant::now(),
            }),
        }
    }

    /// Follows the registry: new devices appear, revoked and removed ones vanish, known ones keep their
    /// values. Of two of one name, that with an agent is shown.
    ///
    /// No device is locked together with all of them: whoever holds the one may ask for the other.
    pub fn follow<S: Into<Source>>(&self, known: impl IntoIterator<Item = (DeviceKey, S)>) {
        let following = self.following.lock();
        let _one_at_a_time = following.unwrap_or_else(PoisonError::into_inner);
        let mut devices = BTreeMap::new();
        for (key, source) in known {
            let source = source.into();
            let polled = source.polled();
            let has_agent = |place: &Place| place.polled.is_none();
            if polled.is_some() && devices.get(&key).is_some_and(has_agent) {
                continue;
            }
            let is_it = |known: &Arc<Mutex<Device>>| lock(known).source.is_as(&source);
            let device = if let Some(known) = self.device(&key).filter(is_it) {
                lock(&known).is_now(source);
                known
            } else {
                let shared = Arc::clone(&self.shared);
                Arc::new(Mutex::new(Device::new(key.clone(), source, shared)))
            };
            devices.insert(key, Place { device, polled });
        }
        let mut all = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *all, devices);
        // Others need not wait for memory to be given back.
        drop(all);
        drop(before);
    }

    /// The device itself, for the stream that fills it. `None` when the registry has no such device.
    #[must_use]
    pub fn device(&self, key: &DeviceKey) -> Option<Arc<Mutex<Device>>> {
        let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        devices.get(key).map(|place| Arc::clone(&place.device))
    }

    /// The same if it is one without an agent, and of which kind. Whoever has locked the device of an agent
    /// may lock such a one too, and none the other way round.
    #[must_use]
    pub fn polled(&self, key: &DeviceKey) -> Option<(Arc<Mutex<Device>>, Kind)> {
        let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        let place = devices.get(key)?;
        Some((Arc::clone(&place.device), place.polled?))
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
                .map(|(_, place)| Arc::clone(&place.device))
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
