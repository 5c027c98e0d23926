//! One device: its series, the newest value of each, and whether its agent is there.

use std::sync::Arc;

use diagnosis::record::{Goodbye, Hello};
use jiff::Timestamp;
use proto::limits::{SERIES_PER_AGENT, SERIES_PER_DEVICE};
use proto::metrics::{self as catalogue, Metric, Part};
use proto::stream::Series;

use super::names::Name;
use super::newcomers::Newcomers;
use super::runs::Runs;
use super::slot::{Slot, Tick};
use super::{DeviceKey, Enrolled, Patience, Presence, Shared, Source};
use crate::registry::Host;

/// What a device may be in a row, each another thing than the one before.
const WORDS_AT_ONCE: u32 = 8;

/// How long it takes until it may be one more.
const EACH_WORD: u32 = Tick::PER_HOUR / 2;

/// One device and its series. Borrow it through [`Latest::visit`].
#[derive(Debug)]
pub struct Device {
    /// Where it stands.
    pub key: DeviceKey,
    /// What the registry says of it.
    pub source: Source,
    /// When the collector last received measurements, by its own clock.
    pub last_report: Option<Timestamp>,
    /// Agent's clock less the collector's, in seconds.
    pub clock_offset: Option<f64>,
    /// Samples the agent had to drop.
    pub dropped_samples: u64,
    /// What the agent says of itself, as a series. `None` where there is none.
    pub info: Option<Arc<Name>>,
    /// The newest [`catalogue::DEVICE_INFO`] that somebody was told of.
    inventoried: Option<Arc<Name>>,
    /// When none of the words that it may have will be used up any more.
    words_drained: Tick,
    said_goodbye: Option<Goodbye>,
    /// How its agent last came to be there, and when.
    came: Option<(Hello, i64)>,
    heard: Option<Tick>,
    pub(super) slots: Vec<Slot>,
    runs: Runs,
    /// Places in `slots`, in order of the names' numbers.
    pub(super) by_name: Vec<u16>,
    /// Up to here, the newest stream defined all slots, once there is no room for more.
    taken: usize,
    /// Counts streams: slots belong to the one that defined them.
    stream: u64,
    newcomers: Newcomers,
    shared: Arc<Shared>,
}

impl Device {
    pub(super) fn new(key: DeviceKey, source: Source, shared: Arc<Shared>) -> Self {
        let (last_report, said_goodbye) = match &source {
            Source::Agent(enrolled) => (enrolled.last_report, enrolled.goodbye),
            Source::Polled(_) => (None, None),
        };
        let mut device = Self {
            key,
            source,
            last_report,
            clock_offset: None,
            dropped_samples: 0,
            info: None,
            inventoried: None,
            words_drained: Tick::default(),
            said_goodbye,
            came: None,
            heard: None,
            slots: Vec::new(),
            runs: Runs::default(),
            by_name: Vec::new(),
            taken: 0,
            stream: 0,
            newcomers: Newcomers::default(),
            shared,
        };
        device.info = device.info_now();
        device
    }

    /// What the registry says of one with an agent.
    #[must_use]
    pub fn enrolled(&self) -> Option<&Enrolled> {
        match &self.source {
            Source::Agent(enrolled) => Some(enrolled),
            Source::Polled(_) => None,
        }
    }

    /// The `kind` label.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.source.kind()
    }

    /// Takes what the registry says of the same device now.
    pub(super) fn is_now(&mut self, source: Source) {
        self.source = source;
        self.info = self.info_now();
    }

    /// Notes what the machine says of itself.
    pub fn said_hello(&mut self, host: &Host) {
        if let Source::Agent(enrolled) = &mut self.source {
            enrolled.version.clone_from(&host.version);
            enrolled.os.clone_from(&host.os);
            enrolled.arch.clone_from(&host.arch);
            self.info = self.info_now();
        }
    }

    /// The name of what the agent says of itself; looked up only where it changed.
    fn info_now(&self) -> Option<Arc<Name>> {
        let enrolled = self.enrolled()?;
        let is_known = |name: &&Arc<Name>| {
            let values = [&enrolled.version, &enrolled.os, &enrolled.arch];
            let known = name.series.labels.iter().map(|(_, value)| value);
            known.eq(values)
        };
        let known = self.info.as_ref().filter(is_known).cloned();
        known.or_else(|| Some(self.shared.names.of(&info_of(enrolled))))
    }

    /// Whether the agent is there; of a device without one, whether it is asked.
    #[must_use]
    pub fn presence(&self) -> Presence {
        if self.said_goodbye.is_some() {
            Presence::Goodbye
        } else if self
            .heard
            .is_some_and(|heard| self.now().since(heard) < self.patience().reports)
        {
            Presence::Live
        } else if self.last_report.is_some() {
            Presence::Silent
        } else {
            Presence::Never
        }
    }

    /// Whether it is known to be on. A device without an agent is when the newest attempt to ask it got an
    /// answer, by any protocol; `None` when nobody asks it.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        let live = self.presence() == Presence::Live;
        match self.source {
            Source::Agent(_) => Some(live),
            Source::Polled(_) => {
                let ended = self.of(&catalogue::DEVICE_POLL_OUTCOME);
                let answered = ended
                    .filter(|outcome| outcome.value > 0.0)
                    .map(|outcome| matches!(outcome.label("outcome"), "answered" | "partly"));
                answered.max()
            }
        }
    }

    fn patience(&self) -> Patience {
        match self.source {
            Source::Agent(_) => self.shared.patience,
            Source::Polled(_) => self.shared.polled,
        }
    }

    /// Begins a stream and returns its number. What the stream before it defined stays until the one
    /// after, so that what is named again is not new; older things for as long as they are live or have a
    /// history to show.
    pub fn begin_stream(&mut self, now_unix_ms: i64) -> u64 {
        let (now, patience, shared) = (self.now(), self.patience(), &self.shared);
        self.slots.retain_mut(|slot| {
            let was_named = std::mem::replace(&mut slot.named, false);
            was_named || shared.is_live(slot, now, patience) || slot.has_history(now_unix_ms)
        });
        self.runs.keep(&mut self.slots);
        self.by_name = (0..).take(self.slots.len()).collect();
        let slots = &self.slots;
        self.by_name
            .sort_unstable_by_key(|place| id_at(slots, *place));
        self.taken = 0;
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

    /// The slot of a series, made when it is new. A device has [`SERIES_PER_AGENT`] of them, one without
    /// an agent [`SERIES_PER_DEVICE`], however many streams tell of it: the newest stream takes the places
    /// of what it does not name itself. `None` when it named them all, or when too many names were new
    /// lately: each is a series more in every store.
    pub fn slot(&mut self, series: &Series) -> Option<usize> {
        let name = self.shared.names.of(series);
        self.slot_of(name)
    }

    /// The same of a series whose name is at hand. Streams that tell of a device without an agent ask
    /// again for every sample, since each of them may take the places of others.
    pub fn slot_of(&mut self, name: Arc<Name>) -> Option<usize> {
        let Ok(rank) = self.rank_of(&name) else {
            let now = self.now();
            return self.newcomers.admit(now).then(|| self.place(name))?;
        };
        let place = usize::from(*self.by_name.get(rank)?);
        self.slots.get_mut(place)?.named = true;
        Some(place)
    }

    /// Gives a new name a slot of its own.
    fn place(&mut self, name: Arc<Name>) -> Option<usize> {
        let room = match self.source {
            Source::Agent(_) => SERIES_PER_AGENT,
            Source::Polled(_) => SERIES_PER_DEVICE,
        };
        let place = if self.slots.len() < room {
            self.slots.len()
        } else {
            self.take_place()?
        };
        let rank = self.rank_of(&name).unwrap_or_else(|rank| rank);
        reserve_few(&mut self.by_name);
        self.by_name.insert(rank, u16::try_from(place).ok()?);
        let run = self.runs.place(&name);
        let slot = Slot::new(name, run);
        if let Some(taken) = self.slots.get_mut(place) {
            *taken = slot;
        } else {
            reserve_few(&mut self.slots);
            self.slots.push(slot);
        }
        Some(place)
    }

    /// The place of a slot that the newest stream did not define, free for another name.
    fn take_place(&mut self) -> Option<usize> {
        let rest = self.slots.get(self.taken..)?;
        let place = self.taken + rest.iter().position(|slot| !slot.named)?;
        self.taken = place + 1;
        let old = Arc::clone(&self.slots.get(place)?.name);
        if let Ok(rank) = self.rank_of(&old) {
            self.by_name.remove(rank);
        }
        Some(place)
    }

    /// Where in `by_name` a name is, or would be.
    fn rank_of(&self, name: &Name) -> Result<usize, usize> {
        self.by_name
            .binary_search_by_key(&name.id, |place| id_at(&self.slots, *place))
    }

    /// Notes that measurements arrived, of its agent.
    pub fn reported(&mut self, at: Timestamp, clock_offset: f64, dropped_samples: u64) {
        self.heard_of(at);
        self.said_goodbye = None;
        self.clock_offset = Some(clock_offset);
        self.dropped_samples = dropped_samples;
    }

    /// Notes that somebody told what was measured of it.
    pub fn heard_of(&mut self, at: Timestamp) {
        self.heard = Some(self.now());
        self.last_report = Some(at);
    }

    /// What the device is, if it says so: make, model, serial number. The second part is whether that is
    /// another answer than this was asked for before. One that is another thing all the time is for a while
    /// nothing new: each word is written to disk and read again by everybody.
    pub fn inventory(&mut self) -> Option<(Arc<Name>, bool)> {
        let info = self.of(&catalogue::DEVICE_INFO).next()?;
        let info = Arc::clone(&info.name);
        let before = self.inventoried.as_ref();
        if before.is_some_and(|before| Arc::ptr_eq(before, &info)) {
            return Some((info, false));
        }
        let now = self.now();
        let drained = self.words_drained.max(now).plus(EACH_WORD);
        if drained > now.plus(EACH_WORD * WORDS_AT_ONCE) {
            return None;
        }
        self.words_drained = drained;
        self.inventoried = Some(Arc::clone(&info));
        Some((info, true))
    }

    /// Notes that the agent announced its silence: its values vanish now.
    pub fn goodbye(&mut self, why: Goodbye) {
        self.said_goodbye = Some(why);
    }

    /// Why it is silent, if it said so.
    #[must_use]
    pub fn why_silent(&self) -> Option<Goodbye> {
        self.said_goodbye
    }

    /// Notes how its agent came to be there, and when, Unix milliseconds.
    pub fn came(&mut self, how: Hello, at_unix_ms: i64) {
        self.came = Some((how, at_unix_ms));
    }

    /// How its agent last came to be there, and when; as far as this process was told.
    #[must_use]
    pub fn last_came(&self) -> Option<(Hello, i64)> {
        self.came
    }

    /// To take the samples of a batch that was received now.
    pub fn receiving(&mut self) -> Receiving<'_> {
        let now = self.now();
        Receiving { device: self, now }
    }

    /// The series that are live now; none of a device that is not.
    pub fn live(&self) -> impl Iterator<Item = &Slot> {
        let live = self.presence() == Presence::Live;
        let slots = if live { &*self.slots } else { &[] };
        let (now, patience) = (self.now(), self.patience());
        slots.iter().filter(move |slot| {
            self.shared.is_live(slot, now, patience) && self.runs.has_told(slot)
        })
    }

    fn now(&self) -> Tick {
        Tick::now(self.shared.started)
    }

    /// The live series of one metric.
    pub fn of(&self, metric: &'static Metric) -> impl Iterator<Item = &Slot> {
        self.live()
            .filter(move |slot| slot.series().metric == metric)
    }

    /// The live value of a metric that has one series per device.
    #[must_use]
    pub fn value(&self, metric: &'static Metric) -> Option<f64> {
        self.of(metric).next().map(|slot| slot.value)
    }
}

/// A device that takes samples, all at one moment.
#[derive(Debug)]
pub struct Receiving<'d> {
    device: &'d mut Device,
    now: Tick,
}

impl Receiving<'_> {
    /// Takes a late sample: it corrects history, if it is of the last hour, and nothing else.
    pub fn remember(&mut self, slot: usize, time_unix_ms: i64, value: f64) {
        if let Some(slot) = self.device.slots.get_mut(slot) {
            slot.remember(time_unix_ms, value);
        }
    }

    /// Takes a live sample. An older one than the newest known changes history only.
    pub fn update(&mut self, slot: usize, time_unix_ms: i64, value: f64) {
        if let Some(slot) = self.device.slots.get_mut(slot) {
            slot.remember(time_unix_ms, value);
            slot.take(time_unix_ms, value, self.now);
            self.device.runs.told(slot.run, time_unix_ms);
        }
    }
}

impl Shared {
    /// Whether a value is still that of now. Of most it is told without a look at what they are.
    fn is_live(&self, slot: &Slot, now: Tick, patience: Patience) -> bool {
        slot.is_fresh(now, patience.samples)
            || slot.is_fresh(now, self.seldom.of(slot.series().metric))
    }
}

/// What an agent says of itself, as a series.
fn info_of(enrolled: &Enrolled) -> Series {
    let Enrolled {
        version, os, arch, ..
    } = enrolled;
    let values = [version, os, arch].map(String::clone);
    let metric = &catalogue::AGENT_INFO;
    Series {
        device: None,
        metric,
        part: Part::Value,
        labels: metric.labels.iter().copied().zip(values).collect(),
    }
}

fn id_at(slots: &[Slot], place: u16) -> u32 {
    let slot = slots.get(usize::from(place));
    slot.map_or(u32::MAX, |slot| slot.name.id)
}

/// Makes room for a few more and not, as lists do by themselves, for twice as many: devices are
/// many, and most keep the series they have.
pub(super) fn reserve_few<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(8 + list.len() / 8);
    }
}
