//! The live view: the newest value of every series, and when it counts as stale.
//!
//! A device keeps its place here for as long as its agent is enrolled, so that a silent one is seen
//! to be silent; its samples vanish when it falls silent, says goodbye, or stops sending one of
//! them. Late samples never get in. Everything is in memory: after a restart the agents, which
//! reconnect within seconds, fill it again.

mod history;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use proto::limits::SERIES_PER_AGENT;
use proto::metrics::{self as catalogue, Metric};
use proto::plan::Plan;
use proto::stream::Series;
use tokio::time::Instant;

pub use self::history::HISTORY_MINUTES;
use self::history::History;

/// Metrics whose last hour is kept, minute by minute.
static WITH_HISTORY: [&Metric; 4] = [
    &catalogue::DEVICE_CPU_USAGE,
    &catalogue::DEVICE_MEMORY_AVAILABLE,
    &catalogue::LINK_RTT_MEDIAN,
    &catalogue::LINK_LOSS,
];

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
    patience: Patience,
}

/// How long silence may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without a report, before an agent counts as silent.
    pub reports: Duration,
    /// Without a sample, before one series vanishes.
    pub samples: Duration,
}

impl Patience {
    /// Less than this is a hiccup, however short the intervals are.
    const LEAST: Duration = Duration::from_secs(10);

    /// Three times what is agreed.
    #[must_use]
    pub fn with(plan: &Plan) -> Self {
        let three = |interval: Duration| (interval * 3).max(Self::LEAST);
        let longest = plan
            .host_interval
            .max(plan.link_interval)
            .max(plan.report_interval);
        Self {
            reports: three(plan.report_interval),
            samples: three(longest),
        }
    }
}

/// One device and its series. Borrow it through [`Latest::visit`].
#[derive(Debug)]
pub struct Device {
    /// Where it stands.
    pub key: DeviceKey,
    /// What the registry says of it.
    pub enrolled: Enrolled,
    /// When the collector last received measurements, by its own clock.
    pub last_report: Option<Timestamp>,
    /// Agent's clock less the collector's, in seconds.
    pub clock_offset: Option<f64>,
    /// Samples the agent had to drop.
    pub dropped_samples: u64,
    said_goodbye: bool,
    heard: Option<Instant>,
    index: HashMap<Series, usize>,
    slots: Vec<Slot>,
    /// Counts streams: slots belong to the one that named them.
    stream: u64,
    patience: Patience,
}

/// The newest value of one series.
#[derive(Debug)]
pub struct Slot {
    /// What it is.
    pub series: Series,
    /// Its newest value.
    pub value: f64,
    /// When that was measured, corrected to the collector's clock.
    pub time_unix_ms: i64,
    /// Where its metric stands in the catalogue.
    pub position: usize,
    /// `name{labels} ` as `/metrics` shows it, rendered once.
    pub exposition: Box<str>,
    received: Instant,
    /// The newest stream that named it.
    stream: u64,
    history: Option<Box<History>>,
}

impl Latest {
    /// An empty view, in which values vanish when patience ends.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            devices: RwLock::default(),
            patience,
        }
    }

    /// Follows the registry: new devices appear, revoked ones vanish, known ones keep their values.
    pub fn follow(&self, enrolled: impl IntoIterator<Item = (DeviceKey, Enrolled)>) {
        let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *devices);
        for (key, enrolled) in enrolled {
            let device = match before.remove(&key) {
                Some(known) if lock(&known).enrolled.agent == enrolled.agent => {
                    lock(&known).enrolled = enrolled;
                    known
                }
                _ => Arc::new(Mutex::new(Device::new(
                    key.clone(),
                    enrolled,
                    self.patience,
                ))),
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

impl Device {
    fn new(key: DeviceKey, enrolled: Enrolled, patience: Patience) -> Self {
        Self {
            last_report: enrolled.last_report,
            said_goodbye: enrolled.goodbye,
            key,
            enrolled,
            clock_offset: None,
            dropped_samples: 0,
            heard: None,
            index: HashMap::new(),
            slots: Vec::new(),
            stream: 0,
            patience,
        }
    }

    /// Whether the agent is there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        if self.said_goodbye {
            Presence::Goodbye
        } else if self
            .heard
            .is_some_and(|heard| heard.elapsed() < self.patience.reports)
        {
            Presence::Live
        } else if self.last_report.is_some() {
            Presence::Silent
        } else {
            Presence::Never
        }
    }

    /// Begins a stream and returns its number. What the streams before it defined stays for as long
    /// as it is live or has a history to show.
    pub fn begin_stream(&mut self, now_unix_ms: i64) -> u64 {
        let stale_after = self.patience.samples;
        self.slots.retain(|slot| {
            slot.received.elapsed() < stale_after
                || slot
                    .history
                    .as_ref()
                    .is_some_and(|history| history.reaches(now_unix_ms))
        });
        let position = |(position, slot): (usize, &Slot)| (slot.series.clone(), position);
        self.index = self.slots.iter().enumerate().map(position).collect();
        self.stream += 1;
        self.stream
    }

    /// Whether it reported to this process, or said goodbye to it.
    #[must_use]
    pub fn was_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// The number of the newest stream. Slots that an older one named are void.
    #[must_use]
    pub fn stream(&self) -> u64 {
        self.stream
    }

    /// The slot of a series, made when it is new. A device has [`SERIES_PER_AGENT`] of them, however
    /// many streams it opens: the newest stream takes the places of what it does not name itself.
    /// `None` when it named them all.
    pub fn slot(&mut self, series: &Series) -> Option<usize> {
        if let Some(position) = self.index.get(series) {
            self.slots.get_mut(*position)?.stream = self.stream;
            return Some(*position);
        }
        let slot = Slot::new(series.clone(), &self.key, &self.enrolled.kind, self.stream);
        let position = if self.slots.len() < SERIES_PER_AGENT {
            self.slots.push(slot);
            self.slots.len() - 1
        } else {
            let stream = self.stream;
            let position = self.slots.iter().position(|slot| slot.stream < stream)?;
            let place = self.slots.get_mut(position)?;
            self.index.remove(&place.series);
            *place = slot;
            position
        };
        self.index.insert(series.clone(), position);
        Some(position)
    }

    /// Notes that measurements arrived.
    pub fn reported(&mut self, at: Timestamp, clock_offset: f64, dropped_samples: u64) {
        self.said_goodbye = false;
        self.heard = Some(Instant::now());
        self.last_report = Some(at);
        self.clock_offset = Some(clock_offset);
        self.dropped_samples = dropped_samples;
    }

    /// Notes that the agent announced its silence: its values vanish now.
    pub fn goodbye(&mut self) {
        self.said_goodbye = true;
    }

    /// Takes a late sample: it corrects history, if it is of the last hour, and nothing else.
    pub fn remember(&mut self, slot: usize, time_unix_ms: i64, value: f64) {
        let slot = self.slots.get_mut(slot);
        if let Some(history) = slot.and_then(|slot| slot.history.as_mut()) {
            history.add(time_unix_ms, value);
        }
    }

    /// Takes a live sample. An older one than the newest known changes history only.
    pub fn update(&mut self, slot: usize, time_unix_ms: i64, value: f64) {
        let Some(slot) = self.slots.get_mut(slot) else {
            return;
        };
        if let Some(history) = &mut slot.history {
            history.add(time_unix_ms, value);
        }
        if time_unix_ms >= slot.time_unix_ms {
            slot.time_unix_ms = time_unix_ms;
            slot.value = value;
            slot.received = Instant::now();
        }
    }

    /// The series that are live now; none of a device that is not.
    pub fn live(&self) -> impl Iterator<Item = &Slot> {
        let live = self.presence() == Presence::Live;
        let now = Instant::now();
        let fresh = move |slot: &&Slot| {
            let age = now.saturating_duration_since(slot.received);
            live && slot.time_unix_ms > i64::MIN && age < self.patience.samples
        };
        self.slots.iter().filter(fresh)
    }

    /// The live series of one metric.
    pub fn of(&self, metric: &'static Metric) -> impl Iterator<Item = &Slot> {
        self.live().filter(move |slot| slot.series.metric == metric)
    }

    /// The live value of a metric that has one series per device.
    #[must_use]
    pub fn value(&self, metric: &'static Metric) -> Option<f64> {
        self.of(metric).next().map(|slot| slot.value)
    }
}

impl Slot {
    fn new(series: Series, key: &DeviceKey, kind: &str, stream: u64) -> Self {
        let history = WITH_HISTORY.contains(&series.metric).then(Box::default);
        let exposition = crate::metrics::exposition::name_of(&series, key, kind).into_boxed_str();
        Self {
            position: series.metric.position(),
            series,
            value: 0.0,
            time_unix_ms: i64::MIN,
            exposition,
            received: Instant::now(),
            stream,
            history,
        }
    }

    /// The value of one of its labels, empty when it has none of that name.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        let label = self.series.labels.iter().find(|(label, _)| *label == name);
        label.map_or("", |(_, value)| value)
    }

    /// The last hour, one mean value per minute, oldest first; `None` where nothing was measured.
    /// Empty for metrics without history.
    #[must_use]
    pub fn history(&self, now_unix_ms: i64) -> Vec<Option<f32>> {
        self.history
            .as_ref()
            .map(|history| history.until(now_unix_ms))
            .unwrap_or_default()
    }
}
