//! What a device said when it was asked last, put together from its series in one pass.

use std::collections::BTreeMap;

use proto::metrics::{self as catalogue, Metric};

use crate::latest::{Device, Slot};

/// What a device said.
#[derive(Debug, Default)]
pub(in crate::web) struct Said {
    pub(in crate::web) vendor: String,
    pub(in crate::web) model: String,
    pub(in crate::web) serial: String,
    pub(in crate::web) firmware: String,
    /// How asking it went, by protocol.
    pub(in crate::web) polls: Vec<Poll>,
    /// When it was started, Unix seconds.
    pub(in crate::web) started: Option<f64>,
    /// What a printer does, as metrics have it.
    pub(in crate::web) status: Option<String>,
    /// What is the matter with a printer, as metrics have it; absent when it does not say.
    pub(in crate::web) conditions: Option<Vec<String>>,
    pub(in crate::web) pages: Option<f64>,
    pub(in crate::web) jobs: Option<f64>,
    pub(in crate::web) supplies: Vec<Supply>,
    pub(in crate::web) trays: Vec<Tray>,
    pub(in crate::web) interfaces: Vec<Interface>,
    pub(in crate::web) cpu: Option<f64>,
    pub(in crate::web) memory_size: Option<f64>,
    pub(in crate::web) memory_available: Option<f64>,
    pub(in crate::web) ups: Option<Ups>,
    /// Which protocol told a reading.
    pub(in crate::web) origins: BTreeMap<String, String>,
}

/// How asking went by one protocol.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) struct Poll {
    pub(in crate::web) protocol: String,
    /// As metrics have it: `answered`, `timeout`.
    pub(in crate::web) outcome: String,
}

/// What a printer uses up, or a receptacle that fills.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Supply {
    /// As the printer calls it.
    pub(in crate::web) name: String,
    /// `toner`, `opc`, `wasteToner`: as the Printer MIB has it.
    pub(in crate::web) kind: String,
    /// `black`, `cyan`; empty where it is not known.
    pub(in crate::web) colour: String,
    /// Whether it fills up: the level is the space that is left.
    pub(in crate::web) receptacle: bool,
    pub(in crate::web) level: Level,
}

/// Where a printer takes paper from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Tray {
    pub(in crate::web) name: String,
    pub(in crate::web) level: Level,
}

/// How much is left, or why that is no number.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Level {
    /// 0 to 1.
    number: Option<f64>,
    /// `measured`, `some_remaining`, `unknown`, `unlimited`.
    state: String,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Interface {
    pub(in crate::web) name: String,
    pub(in crate::web) is_up: Option<bool>,
    pub(in crate::web) enabled: Option<bool>,
    pub(in crate::web) full_duplex: Option<bool>,
    /// Bits per second.
    pub(in crate::web) speed: Option<f64>,
    pub(in crate::web) received: Counted,
    pub(in crate::web) sent: Counted,
    /// Whether the line is behind it.
    pub(in crate::web) is_wan: bool,
}

/// What went through an interface one way.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Counted {
    pub(in crate::web) bytes: Option<f64>,
    pub(in crate::web) errors: Option<f64>,
    pub(in crate::web) drops: Option<f64>,
    /// Bits per second between the last two polls; of the line alone.
    pub(in crate::web) rate: Option<f64>,
    /// The same as a share of its speed.
    pub(in crate::web) usage: Option<f64>,
}

/// What a UPS says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Ups {
    pub(in crate::web) on_battery: Option<bool>,
    /// 0 to 1.
    pub(in crate::web) battery: Option<f64>,
    /// Seconds.
    pub(in crate::web) runtime: Option<f64>,
    /// 0 to 1, and above.
    pub(in crate::web) load: Option<f64>,
    pub(in crate::web) battery_low: Option<bool>,
    pub(in crate::web) battery_replace: Option<bool>,
}

impl Said {
    /// What a device says; of one that did not answer last, only what it is and how asking it went.
    pub(super) fn by(device: &Device) -> Self {
        let mut said = Self::default();
        let answers = device.is_up() == Some(true);
        for slot in device.live() {
            if !said.take_poll(slot) && answers {
                said.take(slot);
            }
        }
        if said.origins.contains_key("conditions") {
            said.conditions.get_or_insert_default();
        }
        said
    }

    /// Whether it was about asking it, or about what it is.
    fn take_poll(&mut self, slot: &Slot) -> bool {
        let metric = slot.series().metric;
        if metric == &catalogue::DEVICE_POLL_OUTCOME {
            if slot.value > 0.0 {
                self.polls.push(Poll {
                    protocol: slot.label("protocol").to_owned(),
                    outcome: slot.label("outcome").to_owned(),
                });
            }
        } else if metric == &catalogue::DEVICE_INFO {
            for (field, label) in [
                (&mut self.vendor, "vendor"),
                (&mut self.model, "model"),
                (&mut self.serial, "serial"),
                (&mut self.firmware, "firmware"),
            ] {
                slot.label(label).clone_into(field);
            }
        } else {
            return false;
        }
        true
    }

    fn take(&mut self, slot: &Slot) {
        let metric = slot.series().metric;
        match metric.labels {
            ["interface", ..] => {
                let name = slot.label("interface");
                let interface = named(&mut self.interfaces, name, |it| &mut it.name);
                interface.into_iter().for_each(|it| it.take(slot));
            }
            ["supply", ..] => {
                let name = slot.label("supply");
                let supply = named(&mut self.supplies, name, |it| &mut it.name);
                supply.into_iter().for_each(|it| it.take(slot));
            }
            ["tray", ..] => {
                let name = slot.label("tray");
                let tray = named(&mut self.trays, name, |it| &mut it.name);
                tray.into_iter().for_each(|it| it.level.take(slot));
            }
            ["status"] if slot.value > 0.0 => self.status = Some(slot.label("status").to_owned()),
            ["condition"] => {
                let conditions = self.conditions.get_or_insert_default();
                if slot.value > 0.0 {
                    conditions.push(slot.label("condition").to_owned());
                }
            }
            ["reading", "origin"] => {
                let [reading, origin] = ["reading", "origin"].map(|name| slot.label(name));
                self.origins.insert(reading.to_owned(), origin.to_owned());
            }
            [] => self.take_value(metric, slot.value),
            _ => {}
        }
    }

    fn take_value(&mut self, metric: &'static Metric, value: f64) {
        let values = [
            (&catalogue::DEVICE_BOOT_TIME, &mut self.started),
            (&catalogue::PRINTER_PAGES, &mut self.pages),
            (&catalogue::PRINTER_JOBS, &mut self.jobs),
            (&catalogue::DEVICE_CPU_USAGE, &mut self.cpu),
            (&catalogue::DEVICE_MEMORY_SIZE, &mut self.memory_size),
            (
                &catalogue::DEVICE_MEMORY_AVAILABLE,
                &mut self.memory_available,
            ),
        ];
        if let Some((_, field)) = values.into_iter().find(|(known, _)| *known == metric) {
            *field = Some(value);
        } else if metric.name.starts_with("dawnwatch_ups_") {
            self.ups.get_or_insert_default().take(metric, value);
        }
    }
}

/// The one of this name, made when it is new. A device has so many series at most.
fn named<'l, T: Default>(
    list: &'l mut Vec<T>,
    name: &str,
    field: fn(&mut T) -> &mut String,
) -> Option<&'l mut T> {
    let known = list.iter_mut().position(|one| field(one) == name);
    let place = known.unwrap_or_else(|| {
        let mut new = T::default();
        name.clone_into(field(&mut new));
        list.push(new);
        list.len() - 1
    });
    list.get_mut(place)
}

impl Supply {
    fn take(&mut self, slot: &Slot) {
        if slot.series().metric == &catalogue::PRINTER_SUPPLY_INFO {
            slot.label("type").clone_into(&mut self.kind);
            self.receptacle = slot.label("receptacle") == "true";
        } else {
            if slot.series().metric == &catalogue::PRINTER_SUPPLY_RATIO {
                slot.label("colour").clone_into(&mut self.colour);
            }
            self.level.take(slot);
        }
    }

    /// What is left, where that is a number.
    pub(in crate::web) fn ratio(&self) -> Option<f64> {
        self.level.ratio()
    }

    /// Whether it is what prints: toner or ink.
    pub(in crate::web) fn is_colorant(&self) -> bool {
        let kinds = [
            "toner",
            "tonerCartridge",
            "ink",
            "inkCartridge",
            "inkRibbon",
        ];
        kinds.contains(&self.kind.as_str())
    }
}

impl Level {
    fn take(&mut self, slot: &Slot) {
        match slot.series().metric.labels {
            [_, "state"] if slot.value > 0.0 => slot.label("state").clone_into(&mut self.state),
            [_, "state"] => {}
            _ => self.number = Some(slot.value),
        }
    }

    /// The number, where there is one.
    pub(in crate::web) fn ratio(&self) -> Option<f64> {
        // A number that is not told any more may be there for some time.
        self.number
            .filter(|_| matches!(&*self.state, "measured" | ""))
    }

    /// What kind of answer it is.
    pub(in crate::web) fn state(&self) -> &str {
        match (&*self.state, self.number) {
            ("", Some(_)) => "measured",
            ("", None) => "unknown",
            (state, _) => state,
        }
    }
}

impl Interface {
    fn take(&mut self, slot: &Slot) {
        let metric = slot.series().metric;
        let (way, value) = (slot.label("direction"), slot.value);
        if !way.is_empty() {
            self.is_wan = true;
            let counted = if way == "receive" {
                &mut self.received
            } else {
                &mut self.sent
            };
            let is_rate = metric == &catalogue::DEVICE_WAN_RATE;
            let field = if is_rate {
                &mut counted.rate
            } else {
                &mut counted.usage
            };
            *field = Some(value);
            return;
        }
        let (received, sent) = (&mut self.received, &mut self.sent);
        let numbers = [
            (&catalogue::DEVICE_INTERFACE_SPEED, &mut self.speed),
            (
                &catalogue::DEVICE_INTERFACE_RECEIVE_BYTES,
                &mut received.bytes,
            ),
            (&catalogue::DEVICE_INTERFACE_TRANSMIT_BYTES, &mut sent.bytes),
            (
                &catalogue::DEVICE_INTERFACE_RECEIVE_ERRORS,
                &mut received.errors,
            ),
            (
                &catalogue::DEVICE_INTERFACE_TRANSMIT_ERRORS,
                &mut sent.errors,
            ),
            (
                &catalogue::DEVICE_INTERFACE_RECEIVE_DROPS,
                &mut received.drops,
            ),
            (&catalogue::DEVICE_INTERFACE_TRANSMIT_DROPS, &mut sent.drops),
        ];
        let flags = [
            (&catalogue::DEVICE_INTERFACE_UP, &mut self.is_up),
            (&catalogue::DEVICE_INTERFACE_ENABLED, &mut self.enabled),
            (
                &catalogue::DEVICE_INTERFACE_FULL_DUPLEX,
                &mut self.full_duplex,
            ),
        ];
        if let Some((_, field)) = numbers.into_iter().find(|(known, _)| *known == metric) {
            *field = Some(value);
        } else if let Some((_, field)) = flags.into_iter().find(|(known, _)| *known == metric) {
            *field = Some(value > 0.0);
        }
    }

    /// Damaged packets, both ways.
    pub(in crate::web) fn errors(&self) -> Option<f64> {
        sum(self.received.errors, self.sent.errors)
    }

    /// Dropped packets, both ways.
    pub(in crate::web) fn drops(&self) -> Option<f64> {
        sum(self.received.drops, self.sent.drops)
    }
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    let known = one.or(other)?;
    Some(other.filter(|_| one.is_some()).unwrap_or(0.0) + known)
}

impl Ups {
    fn take(&mut self, metric: &'static Metric, value: f64) {
        let numbers = [
            (&catalogue::UPS_BATTERY, &mut self.battery),
            (&catalogue::UPS_RUNTIME, &mut self.runtime),
            (&catalogue::UPS_LOAD, &mut self.load),
        ];
        let flags = [
            (&catalogue::UPS_ON_BATTERY, &mut self.on_battery),
            (&catalogue::UPS_BATTERY_LOW, &mut self.battery_low),
            (&catalogue::UPS_BATTERY_REPLACE, &mut self.battery_replace),
        ];
        if let Some((_, field)) = numbers.into_iter().find(|(known, _)| *known == metric) {
            *field = Some(value);
        } else if let Some((_, field)) = flags.into_iter().find(|(known, _)| *known == metric) {
            *field = Some(value > 0.0);
        }
    }
}
