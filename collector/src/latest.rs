//! The live view: the newest value of every series, and when it counts as stale.
//!
//! A device keeps its place here for as long as its agent is enrolled, so that a silent one is seen
//! to be silent; its samples vanish when it falls silent, says goodbye, or stops sending one of
//! them. Late samples never get in. Everything is in memory: after a restart the agents, which
//! reconnect within seconds, fill it again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use proto::metrics::{self as catalogue, Metric};
use proto::stream::Series;
use tokio::time::Instant;

/// Minutes of history that the page can draw.
pub const HISTORY_MINUTES: usize = 60;

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
    stale_after: Duration,
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
    stale_after: Duration,
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
    history: Option<Box<History>>,
}

impl Latest {
    /// An empty view, in which silence longer than `stale_after` makes values vanish.
    #[must_use]
    pub fn new(stale_after: Duration) -> Self {
        Self {
            devices: RwLock::default(),
            stale_after,
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
                    self.stale_after,
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
    fn new(key: DeviceKey, enrolled: Enrolled, stale_after: Duration) -> Self {
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
            stale_after,
        }
    }

    /// Whether the agent is there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        if self.said_goodbye {
            Presence::Goodbye
        } else if self
            .heard
            .is_some_and(|heard| heard.elapsed() < self.stale_after)
        {
            Presence::Live
        } else if self.last_report.is_some() {
            Presence::Silent
        } else {
            Presence::Never
        }
    }

    /// Begins a stream: what the streams before it defined and no longer send is forgotten. Slots
    /// named before are void.
    pub fn begin_stream(&mut self) {
        let stale_after = self.stale_after;
        self.slots
            .retain(|slot| slot.received.elapsed() < stale_after);
        let position = |(position, slot): (usize, &Slot)| (slot.series.clone(), position);
        self.index = self.slots.iter().enumerate().map(position).collect();
    }

    /// The slot of a series, made when it is new.
    pub fn slot(&mut self, series: &Series) -> usize {
        if let Some(slot) = self.index.get(series) {
            return *slot;
        }
        let slot = self.slots.len();
        self.slots
            .push(Slot::new(series.clone(), &self.key, &self.enrolled.kind));
        self.index.insert(series.clone(), slot);
        slot
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
            live && slot.time_unix_ms > i64::MIN && age < self.stale_after
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
    fn new(series: Series, key: &DeviceKey, kind: &str) -> Self {
        let history = WITH_HISTORY.contains(&series.metric).then(Box::default);
        let exposition = crate::metrics::exposition::name_of(&series, key, kind).into_boxed_str();
        Self {
            position: series.metric.position(),
            series,
            value: 0.0,
            time_unix_ms: i64::MIN,
            exposition,
            received: Instant::now(),
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

/// Means per minute in a ring.
#[derive(Debug)]
struct History {
    minutes: [(i64, f32, u16); HISTORY_MINUTES],
}

impl Default for History {
    fn default() -> Self {
        Self {
            minutes: [(i64::MIN, 0.0, 0); HISTORY_MINUTES],
        }
    }
}

impl History {
    fn add(&mut self, time_unix_ms: i64, value: f64) {
        let minute = time_unix_ms.div_euclid(60_000);
        let Some((kept, mean, count)) = self.minutes.get_mut(position_of(minute)) else {
            return;
        };
        if *kept < minute {
            (*kept, *mean, *count) = (minute, 0.0, 0);
        }
        if *kept == minute {
            *count = count.saturating_add(1);
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a picture needs no more digits"
            )]
            let value = value as f32;
            *mean += (value - *mean) / f32::from(*count);
        }
    }

    fn until(&self, now_unix_ms: i64) -> Vec<Option<f32>> {
        let now = now_unix_ms.div_euclid(60_000);
        let length = i64::try_from(HISTORY_MINUTES).unwrap_or(i64::MAX);
        (now - length + 1..=now)
            .map(|minute| match self.minutes.get(position_of(minute)) {
                Some((kept, mean, _)) if *kept == minute => Some(*mean),
                _ => None,
            })
            .collect()
    }
}

fn position_of(minute: i64) -> usize {
    let length = i64::try_from(HISTORY_MINUTES).unwrap_or(i64::MAX);
    usize::try_from(minute.rem_euclid(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Duration = Duration::from_secs(45);

    fn latest() -> (Latest, DeviceKey) {
        let id = |text: &str| text.parse().expect("an id");
        let key = DeviceKey {
            centre: id("cong-son"),
            device: "pc-1".parse().expect("an id"),
        };
        let enrolled = Enrolled {
            agent: "a1".parse().expect("an id"),
            kind: "pc".into(),
            version: "1".into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            certificate_until: None,
            last_report: None,
            goodbye: false,
        };
        let latest = Latest::new(STALE);
        latest.follow([(key.clone(), enrolled)]);
        (latest, key)
    }

    fn cpu() -> Series {
        let (metric, part) = catalogue::find("dawnwatch_cpu_usage_ratio").expect("known");
        Series {
            metric,
            part,
            labels: Vec::new(),
        }
    }

    fn report(device: &Mutex<Device>, time_unix_ms: i64, value: f64) {
        let mut device = lock(device);
        device.reported(Timestamp::UNIX_EPOCH, 0.0, 0);
        let slot = device.slot(&cpu());
        device.update(slot, time_unix_ms, value);
    }

    fn shown(device: &Mutex<Device>) -> (Presence, Option<f64>) {
        let device = lock(device);
        (
            device.presence(),
            device.value(&catalogue::DEVICE_CPU_USAGE),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn values_vanish_in_silence_and_come_back() {
        let (latest, key) = latest();
        let device = latest.device(&key).expect("enrolled");
        assert_eq!(shown(&device), (Presence::Never, None));
        report(&device, 1_000, 0.5);
        assert_eq!(shown(&device), (Presence::Live, Some(0.5)));
        tokio::time::advance(STALE).await;
        assert_eq!(shown(&device), (Presence::Silent, None));
        report(&device, 2_000, 0.6);
        assert_eq!(shown(&device), (Presence::Live, Some(0.6)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_is_told_from_silence() {
        let (latest, key) = latest();
        let device = latest.device(&key).expect("enrolled");
        report(&device, 1_000, 0.5);
        lock(&device).goodbye();
        assert_eq!(shown(&device), (Presence::Goodbye, None));
    }

    #[tokio::test(start_paused = true)]
    async fn one_series_that_stops_vanishes_alone() {
        let (latest, key) = latest();
        let device = latest.device(&key).expect("enrolled");
        report(&device, 1_000, 0.5);
        tokio::time::advance(STALE).await;
        lock(&device).reported(Timestamp::UNIX_EPOCH, 0.0, 0);
        assert_eq!(shown(&device), (Presence::Live, None));
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_sample_never_replaces_a_newer_one() {
        let (latest, key) = latest();
        let device = latest.device(&key).expect("enrolled");
        report(&device, 120_000, 0.5);
        report(&device, 60_000, 0.9);
        assert_eq!(shown(&device).1, Some(0.5));
        let device = lock(&device);
        let slot = device
            .of(&catalogue::DEVICE_CPU_USAGE)
            .next()
            .expect("live");
        let history = slot.history(120_000);
        assert_eq!(
            history.get(HISTORY_MINUTES - 2..),
            Some(&[Some(0.9), Some(0.5)][..])
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_stream_forgets_what_is_no_longer_sent() {
        let (latest, key) = latest();
        let device = latest.device(&key).expect("enrolled");
        report(&device, 1_000, 0.5);
        tokio::time::advance(STALE).await;
        lock(&device).begin_stream();
        assert_eq!(lock(&device).slots.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_device_vanishes() {
        let (latest, key) = latest();
        latest.follow([]);
        assert!(latest.device(&key).is_none());
    }
}
