//! What a stream tells of devices that have no agent: whose word counts, and where it goes.
//!
//! An agent may tell of a device that its own centre has in the registry, and of the time in which it was
//! the centre's scout ([`Terms`]); all else is refused and counted, and costs nobody else anything: a
//! device is not even touched for it. Two streams may tell of one device, the former scout's what it had
//! left and the present one's what is, so nothing of a device belongs to a stream: the slot of a series is
//! asked for again with every sample.
//!
//! Locks: the device of the agent itself may be locked while one of these is, never two of these.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use proto::metrics::DEVICE_INFO;
use proto::plan::Kind;
use proto::stream::{Reject, Series};

use super::identities::Identities;
use crate::latest::{self, Device, DeviceKey, Latest, Name};
use crate::registry::Agent;

/// Who was to ask the devices of a centre when.
pub trait Terms: std::fmt::Debug + Send + Sync {
    /// Whether it was this agent, at this time by the collector's clock. Asked for every moment that was
    /// measured, so it has to be quick; and while a device is locked, so it may wait for nothing.
    fn holds(&self, agent: &AgentId, centre: &CentreId, time_unix_ms: i64) -> bool;
}

/// The part of a stream that is about others. Most streams have none.
#[derive(Debug, Default)]
pub(super) struct Others {
    devices: Vec<Other>,
    /// In the order of their numbers.
    series: Vec<Theirs>,
    /// What is to be shown of the batch at hand.
    shown: Vec<Shown>,
}

/// A device that was named.
#[derive(Debug)]
struct Other {
    name: DeviceId,
    /// As the registry has it now; looked up for the batch at hand.
    now: Option<Known>,
    is_looked_up: bool,
    /// The one that this stream began on.
    begun: Option<Arc<Mutex<Device>>>,
    /// Whether the batch at hand has accepted samples of it.
    is_told: bool,
}

#[derive(Debug, Clone)]
struct Known {
    device: Arc<Mutex<Device>>,
    kind: Kind,
}

/// A series of one of them.
#[derive(Debug)]
struct Theirs {
    /// In the stream's definitions.
    number: u32,
    /// A place in the list of devices.
    device: usize,
    name: Arc<Name>,
    /// Whether the device had room for it, once that was asked.
    is_admitted: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    device: usize,
    series: usize,
    time_unix_ms: i64,
    value: f64,
    is_late: bool,
}

/// What is needed to judge and show them.
pub(super) struct Surroundings<'a> {
    pub(super) agent: &'a Agent,
    pub(super) latest: &'a Latest,
    pub(super) terms: &'a dyn Terms,
    pub(super) identities: &'a Identities,
    pub(super) now: Timestamp,
}

/// Takes the samples of one batch that are about others.
pub(super) struct Taking<'a> {
    others: &'a mut Others,
    surroundings: Surroundings<'a>,
    /// Whether what is taken is shown.
    shows: bool,
    time_unix_ms: i64,
    is_late: bool,
    /// Whether the agent was the scout at that time, once that was asked.
    is_scout: Option<bool>,
}

impl Others {
    /// Notes the definition of a series, which has this number in the stream, of this device.
    pub(super) fn define(
        &mut self,
        number: u32,
        device: &DeviceId,
        series: &Series,
        latest: &Latest,
    ) {
        let known = self.devices.iter().position(|other| other.name == *device);
        let device = known.unwrap_or_else(|| {
            self.devices.push(Other {
                name: device.clone(),
                now: None,
                is_looked_up: false,
                begun: None,
                is_told: false,
            });
            self.devices.len() - 1
        });
        let name = latest.name(&Series {
            device: None,
            ..series.clone()
        });
        self.series.push(Theirs {
            number,
            device,
            name,
            is_admitted: None,
        });
    }

    /// Begins another batch.
    pub(super) fn taking<'a>(
        &'a mut self,
        surroundings: Surroundings<'a>,
        shows: bool,
    ) -> Taking<'a> {
        self.shown.clear();
        for other in &mut self.devices {
            other.is_looked_up = false;
            other.is_told = false;
        }
        Taking {
            others: self,
            surroundings,
            shows,
            time_unix_ms: 0,
            is_late: false,
            is_scout: None,
        }
    }

    /// The devices of which the batch at hand has accepted samples, and their kinds.
    pub(super) fn told(&self) -> impl Iterator<Item = (&DeviceId, Kind)> {
        let told = self.devices.iter().filter(|other| other.is_told);
        told.filter_map(|other| Some((&other.name, other.now.as_ref()?.kind)))
    }
}

impl Taking<'_> {
    /// Begins another moment of the batch.
    pub(super) fn begin_round(&mut self, time_unix_ms: i64, is_late: bool) {
        self.time_unix_ms = time_unix_ms;
        self.is_late = is_late;
        self.is_scout = None;
    }

    /// Takes a sample of that moment.
    ///
    /// # Errors
    /// Why it is refused.
    pub(super) fn take(&mut self, number: u32, value: f64) -> Result<(), Reject> {
        let Others {
            devices,
            series,
            shown,
        } = &mut *self.others;
        let place = series
            .binary_search_by_key(&number, |theirs| theirs.number)
            // One of the agent's own device, which had no room for it.
            .map_err(|_| Reject::TooManySeries)?;
        let device = series.get(place).map_or(usize::MAX, |theirs| theirs.device);
        let other = devices.get_mut(device).ok_or(Reject::UnknownDevice)?;
        let Surroundings { agent, terms, .. } = &self.surroundings;
        let known = other.known(&self.surroundings)?;
        let is_scout = self
            .is_scout
            .get_or_insert_with(|| terms.holds(&agent.id, &agent.centre, self.time_unix_ms));
        if !*is_scout {
            return Err(Reject::NotScout);
        }
        if other.begin_on(&known, self.surroundings.now) {
            let of_it = series.iter_mut().filter(|theirs| theirs.device == device);
            of_it.for_each(|theirs| theirs.is_admitted = None);
        }
        let theirs = series.get_mut(place).ok_or(Reject::TooManySeries)?;
        let name = &theirs.name;
        let is_admitted = theirs.is_admitted.get_or_insert_with(|| {
            let mut device = latest::lock(&known.device);
            device.slot_of(Arc::clone(name)).is_some()
        });
        if !*is_admitted {
            return Err(Reject::TooManySeries);
        }
        other.is_told = true;
        if self.shows {
            shown.push(Shown {
                device,
                series: place,
                time_unix_ms: self.time_unix_ms,
                value,
                is_late: self.is_late,
            });
        }
        Ok(())
    }

    /// Shows what was taken, one device after the other. Nothing else may be locked.
    pub(super) fn show(self) {
        let Others {
            devices,
            series,
            shown,
        } = self.others;
        // What was taken first stays first.
        shown.sort_by_key(|one| one.device);
        for samples in shown.chunk_by(|one, next| one.device == next.device) {
            let other = samples.first().and_then(|one| devices.get(one.device));
            if let Some(known) = other.and_then(|other| other.now.as_ref()) {
                let mut device = latest::lock(&known.device);
                show(&mut device, samples, series, &self.surroundings);
            }
        }
    }
}

fn show(
    device: &mut Device,
    samples: &[Shown],
    series: &[Theirs],
    surroundings: &Surroundings<'_>,
) {
    let (mut is_live, mut is_described) = (false, false);
    for sample in samples {
        let Some(theirs) = series.get(sample.series) else {
            continue;
        };
        let Some(slot) = device.slot_of(Arc::clone(&theirs.name)) else {
            continue;
        };
        let mut receiving = device.receiving();
        if sample.is_late {
            receiving.remember(slot, sample.time_unix_ms, sample.value);
        } else {
            receiving.update(slot, sample.time_unix_ms, sample.value);
            is_live = true;
            is_described |= theirs.name.series.metric == &DEVICE_INFO;
        }
    }
    if is_live {
        device.heard_of(surroundings.now);
    }
    if is_described {
        surroundings.identities.look_at(device);
    }
}

impl Other {
    /// The device as the registry has it.
    fn known(&mut self, surroundings: &Surroundings<'_>) -> Result<Known, Reject> {
        if !std::mem::replace(&mut self.is_looked_up, true) {
            let key = DeviceKey {
                centre: surroundings.agent.centre.clone(),
                device: self.name.clone(),
            };
            let known = surroundings.latest.polled(&key);
            self.now = known.map(|(device, kind)| Known { device, kind });
        }
        self.now.clone().ok_or(Reject::UnknownDevice)
    }

    /// Begins a stream on the device, unless this one did; whether it had not.
    fn begin_on(&mut self, known: &Known, now: Timestamp) -> bool {
        let is_it = |begun: &Arc<Mutex<Device>>| Arc::ptr_eq(begun, &known.device);
        let is_new = !self.begun.as_ref().is_some_and(is_it);
        if is_new {
            latest::lock(&known.device).begin_stream(now.as_millisecond());
            self.begun = Some(Arc::clone(&known.device));
        }
        is_new
    }
}
