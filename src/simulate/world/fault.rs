//! One fault that happens: what it is, whom it hits, from when to when, how bad. And its label, the truth to judge by.

use super::class::{Class, Shown};
use super::places::{Place, SERVICES};
use super::probes::hundredths;
use crate::simulate::truth::{Label, Seen};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) class: Class,
    /// The centres it hits, by number.
    pub(crate) centres: Vec<usize>,
    /// The machines it hits, where it does not hit whole centres.
    pub(crate) machines: Vec<usize>,
    pub(crate) printer: usize,
    /// The services it hits.
    pub(crate) services: Vec<usize>,
    pub(crate) start: f64,
    pub(crate) end: f64,
    /// When something that got worse is dead.
    pub(crate) fails: Option<f64>,
    /// The share lost, the milliseconds added, or how much slower: what the kind is about.
    pub(crate) strength: f64,
    /// How bad within its range, 0 to 1.
    pub(crate) severity: f64,
    /// Which way it shows where a kind has several, 0 to 1.
    pub(crate) variant: f64,
    /// Seconds it is there, and seconds after which it is there again.
    pub(crate) rhythm: Option<(f64, f64)>,
}

impl Fault {
    /// Whether it lasts, though it may rest just now.
    pub(crate) fn lasts(&self, t: f64) -> bool {
        self.start <= t && t < self.end
    }

    /// Whether it is felt now.
    pub(crate) fn is_felt(&self, t: f64) -> bool {
        let is_beating = |(on, period): (f64, f64)| (t - self.start).rem_euclid(period) < on;
        self.lasts(t) && self.rhythm.is_none_or(is_beating)
    }

    /// How far something that gets worse has got, 0 to 1.
    pub(crate) fn progress(&self, t: f64) -> f64 {
        let fails = self.fails.unwrap_or(self.end);
        ((t - self.start) / (fails - self.start)).clamp(0.0, 1.0)
    }

    /// When there is no electricity because of it.
    pub(crate) fn dark(&self) -> Vec<(f64, f64)> {
        match (self.class, self.rhythm) {
            (Class::PowerOutage | Class::AreaPowerOutage, _) => vec![(self.start, self.end)],
            (Class::Brownout, Some((on, period))) => {
                let mut dark = Vec::new();
                let mut t = self.start;
                while t < self.end && period > 0.0 {
                    dark.push((t, (t + on).min(self.end)));
                    t += period;
                }
                dark
            }
            _ => Vec::new(),
        }
    }

    /// Whether nothing comes from those it hits while it lasts.
    pub(crate) fn is_silent(&self, places: &[&Place]) -> bool {
        match self.class {
            Class::PcLinkDown
            | Class::LanDown
            | Class::GatewayDown
            | Class::LineDown
            | Class::IspAreaDown
            | Class::IspDown
            | Class::CollectorDown
            | Class::CollectorPathDown
            | Class::PowerOutage
            | Class::AreaPowerOutage => true,
            Class::CaptivePortal | Class::MtuBlackhole => self.blocks_collector(),
            Class::AccessPointDead | Class::NoLease => {
                let place = self.centres.first().and_then(|centre| places.get(*centre));
                place.is_some_and(|place| place.machines.len() <= self.machines.len())
            }
            _ => false,
        }
    }

    /// Whether connections to the collector fail as well: a login page may stand before everything or before the portals
    /// alone, and a black hole may swallow what agents send or only what portals answer.
    pub(crate) fn blocks_collector(&self) -> bool {
        match self.class {
            Class::CaptivePortal => self.variant < 0.5,
            Class::MtuBlackhole => self.variant < 0.25,
            _ => false,
        }
    }

    fn culprit(&self, places: &[&Place]) -> Option<String> {
        let place = self
            .centres
            .first()
            .and_then(|centre| places.get(*centre))?;
        let machine = || {
            self.machines
                .first()
                .and_then(|machine| place.machines.get(*machine))
        };
        let service = || {
            self.services
                .first()
                .and_then(|service| SERVICES.get(*service))
        };
        match self.class {
            Class::PcLinkDown
            | Class::PcWifiLossy
            | Class::PcOverloaded
            | Class::PcNicErrors
            | Class::PcClockWrong => machine().map(|machine| machine.name.clone()),
            Class::PrinterFault => place.printers.get(self.printer).cloned(),
            Class::IspAreaDown | Class::AreaPowerOutage => Some(place.area_name().to_owned()),
            Class::CollectorDown => None,
            class if class.is_of_one_service() => service().map(|service| (*service).to_owned()),
            class if matches!(class.segment(), "line" | "isp" | "core" | "dns") => {
                Some(place.isp_name().to_owned())
            }
            _ => None,
        }
    }

    /// The truth about it.
    pub(crate) fn label(&self, number: usize, places: &[&Place]) -> Label {
        let id = |centre: &usize| places.get(*centre).map(|place| place.id.clone());
        Label {
            id: format!("fault-{:04}", number + 1),
            scope: self.centres.iter().filter_map(id).collect(),
            segment: self.class.segment(),
            fault: self.class.word(),
            culprit: self.culprit(places),
            start: hundredths(self.start),
            end: hundredths(self.end),
            fails: self.fails.map(hundredths),
            wide: self.centres.len() > 1,
            silent: self.is_silent(places),
            seen: match self.class.shown() {
                Shown::Known => Seen::Known,
                _ => Seen::Unseen,
            },
            severity: (self.severity * 100.0).round() / 100.0,
        }
    }
}
