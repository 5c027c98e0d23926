//! A printer, router, switch or UPS as it stands: what the registry knows of it, what it said when it was
//! asked last, and what of that is the matter.
//!
//! One that does not answer shows nothing of what it said before: that would be taken for true.

mod matter;
mod said;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::plan::Kind;

pub(in crate::web) use self::matter::Matter;
pub(in crate::web) use self::said::{Counted, Interface, Level, Poll, Said, Supply, Ups};
use super::{Detail, Standing, Value};
use crate::latest::{self, Device, DeviceKey, Presence};
use crate::registry::{Asked, Status};
use crate::web::Web;

/// A device without an agent as it stands now.
#[derive(Debug)]
pub(in crate::web) struct AskedNow {
    /// What the registry knows of it.
    pub(in crate::web) known: Asked,
    /// Whether it is asked.
    pub(in crate::web) presence: Presence,
    /// Whether it answered last; `None` when nobody asks it.
    pub(in crate::web) is_up: Option<bool>,
    /// When somebody last told of it.
    pub(in crate::web) last_report: Option<Timestamp>,
    pub(in crate::web) said: Said,
    /// What is the matter, worst first.
    pub(in crate::web) matters: Vec<Matter>,
    /// Every live value, when those were asked for.
    pub(in crate::web) values: Vec<Value>,
}

impl AskedNow {
    fn of(device: &Device, known: Asked, now: Timestamp, detail: Detail) -> Self {
        let is_up = device.is_up();
        let said = Said::by(device);
        let matters = Matter::of(is_up, &said);
        Self {
            known,
            presence: device.presence(),
            is_up,
            last_report: device.last_report,
            said,
            matters,
            values: Value::all_of(device, now, detail),
        }
    }

    pub(in crate::web) fn kind(&self) -> Kind {
        self.known.kind
    }

    /// How much attention it deserves.
    pub(in crate::web) fn standing(&self) -> Standing {
        let worst = self.matters.iter().map(Matter::standing).min();
        worst.unwrap_or(match self.is_up {
            Some(true) => Standing::Good,
            Some(false) => Standing::Off,
            None => Standing::Unknown,
        })
    }

    /// What it is called by who made it; what it said last, or else when it was found.
    pub(in crate::web) fn make(&self) -> String {
        let [vendor, model] = [self.vendor(), self.model()];
        // Many models are called with their maker's name.
        let is_named = model.to_lowercase().starts_with(&vendor.to_lowercase());
        match (vendor.is_empty(), is_named) {
            (false, false) => format!("{vendor} {model}").trim_end().to_owned(),
            _ => model.to_owned(),
        }
    }

    pub(in crate::web) fn vendor(&self) -> &str {
        or(&self.said.vendor, &self.known.inventory.vendor)
    }

    pub(in crate::web) fn model(&self) -> &str {
        or(&self.said.model, &self.known.inventory.model)
    }

    pub(in crate::web) fn serial(&self) -> &str {
        let known = self.known.serial.as_deref();
        let known = known.unwrap_or(&self.known.inventory.serial);
        or(&self.said.serial, known)
    }

    pub(in crate::web) fn firmware(&self) -> &str {
        or(&self.said.firmware, &self.known.inventory.firmware)
    }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// Something that keeps people from their work and needs a hand, in one centre.
#[derive(Debug, Clone)]
pub(in crate::web) struct Trouble {
    pub(in crate::web) device: DeviceId,
    /// The worst of it.
    pub(in crate::web) matter: Matter,
}

impl Trouble {
    /// Of a device that has no agent, if it is in any.
    pub(super) fn of(device: &Device) -> Option<Self> {
        let matters = Matter::of(device.is_up(), &Said::by(device));
        let worst = matters.into_iter().next();
        worst
            .filter(|matter| matter.standing() <= Standing::Poor)
            .map(|matter| Self {
                device: device.key.device.clone(),
                matter,
            })
    }
}

impl Web {
    /// Shows the devices without an agent that are asked, of a centre or of all, in order of centre and name.
    pub(in crate::web) fn visit_asked(
        &self,
        centre: Option<&CentreId>,
        detail: Detail,
        mut visitor: impl FnMut(AskedNow),
    ) {
        let now = (self.now)();
        let devices = self.known_devices();
        let of_centre = devices
            .iter()
            .filter(|(id, _)| centre.is_none_or(|centre| *id == centre));
        for known in of_centre.flat_map(|(_, devices)| devices) {
            if known.status == Status::Approved
                && let Some((device, _)) = self.latest.polled(&key_of(known))
            {
                let device = latest::lock(&device);
                visitor(AskedNow::of(&device, known.clone(), now, detail));
            }
        }
    }

    /// Those of one centre, in order of name.
    pub(in crate::web) fn asked_in(&self, centre: &CentreId) -> Vec<AskedNow> {
        let mut all = Vec::new();
        self.visit_asked(Some(centre), Detail::Links, |asked| all.push(asked));
        all
    }

    /// One of them.
    pub(in crate::web) fn asked_now(&self, centre: &str, device: &str) -> Option<AskedNow> {
        let devices = self.known_devices();
        let known = devices.get(&centre.parse::<CentreId>().ok()?)?;
        let known = known.iter().find(|known| known.device.as_str() == device)?;
        let (device, _) = self.latest.polled(&key_of(known))?;
        let device = latest::lock(&device);
        let now = (self.now)();
        Some(AskedNow::of(&device, known.clone(), now, Detail::History))
    }

    /// What was found in a centre and waits for somebody to decide, in order of name.
    pub(in crate::web) fn waiting_in(&self, centre: &CentreId) -> Vec<Asked> {
        let devices = self.known_devices();
        let known = devices.get(centre).into_iter().flatten();
        known
            .filter(|known| known.status == Status::Found)
            .cloned()
            .collect()
    }

    /// The machine that asks the devices of a centre.
    pub(in crate::web) fn scout_of(&self, centre: &CentreId) -> Option<DeviceId> {
        self.asking.borrow().get(centre)?.scout.clone()
    }
}

fn key_of(known: &Asked) -> DeviceKey {
    DeviceKey {
        centre: known.centre.clone(),
        device: known.device.clone(),
    }
}
