//! What the pages and the API show, copied out of the live view: centres with their devices counted
//! and their links summed up, and how much attention a centre deserves.
//!
//! [`Standing`] ranks centres for a reader's eye from live values alone. It is no diagnosis: it names
//! no cause and wakes nobody.

mod asked;
mod device;
mod link;
mod measured;
mod outside;
mod path;
mod province;
mod route;
mod service;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::thresholds::Levels;

pub(in crate::web) use self::asked::{
    AskedNow, Counted, Interface, Level, Matter, Poll, Said, Supply, Trouble, Ups,
};
pub(in crate::web) use self::device::{Detail, DeviceNow, Value};
pub(in crate::web) use self::link::Link;
use self::measured::Measured;
pub(in crate::web) use self::outside::Outside;
pub(in crate::web) use self::path::{Path, Stage};
pub(in crate::web) use self::province::Failing;
pub(in crate::web) use self::route::Route;
pub(in crate::web) use self::service::{Outcomes, PHASES, Resolver, Service};
use super::Web;
use crate::directory::Devices;
use crate::latest::{Device, DeviceKey, Presence};
use crate::registry::{Centre, Event, RegistryError};

/// What a value deserves by itself. What is only worth a planner's look is good enough for a page that
/// says what to do this morning.
pub(in crate::web) fn judge(levels: &Levels, value: f64) -> Standing {
    if value >= levels.critical {
        Standing::Poor
    } else if value >= levels.warning {
        Standing::Notice
    } else {
        Standing::Good
    }
}

/// How much attention a centre deserves, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) enum Standing {
    /// Nothing reports, and something should.
    Lost,
    /// A link loses or delays much.
    Poor,
    /// Some devices are silent, or a link is not what it should be.
    Notice,
    /// Nothing has ever reported.
    Unknown,
    /// Devices report, and nothing has been measured across the line.
    Unmeasured,
    /// Devices report, and what is measured across the line is good.
    Good,
    /// Shut down, or closed: not a fault.
    Off,
}

impl Standing {
    /// All, most attention first.
    pub(in crate::web) const ALL: [Self; 7] = [
        Self::Lost,
        Self::Poor,
        Self::Notice,
        Self::Unknown,
        Self::Unmeasured,
        Self::Good,
        Self::Off,
    ];

    /// Whether something is measured and not as it should be.
    pub(in crate::web) fn is_weak(self) -> bool {
        matches!(self, Self::Lost | Self::Poor | Self::Notice)
    }

    /// A stable word for classes and anchors.
    pub(in crate::web) fn code(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Poor => "poor",
            Self::Notice => "notice",
            Self::Unknown => "unknown",
            Self::Unmeasured => "unmeasured",
            Self::Good => "good",
            Self::Off => "off",
        }
    }
}

/// Devices of a centre by presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::web) struct Counts {
    pub(in crate::web) live: usize,
    pub(in crate::web) silent: usize,
    pub(in crate::web) goodbye: usize,
    pub(in crate::web) never: usize,
}

impl Counts {
    pub(in crate::web) fn add(&mut self, presence: Presence) {
        let count = match presence {
            Presence::Live => &mut self.live,
            Presence::Silent => &mut self.silent,
            Presence::Goodbye => &mut self.goodbye,
            Presence::Never => &mut self.never,
        };
        *count += 1;
    }

    pub(in crate::web) fn total(self) -> usize {
        self.live + self.silent + self.goodbye + self.never
    }
}

/// Services of one centre that are counted: those of its plan, and some that an older plan had.
const MOST_SERVICES: usize = 2 * proto::limits::SERVICES_PER_PLAN;

/// The middle one.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The loss of a centre's worst link.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) struct WorstLoss {
    pub(in crate::web) ratio: f64,
    pub(in crate::web) segment: String,
    /// Good as long as it is too early to judge.
    pub(in crate::web) standing: Standing,
}

/// A centre as it stands now.
#[derive(Debug, Clone)]
pub(in crate::web) struct CentreNow {
    pub(in crate::web) centre: Centre,
    pub(in crate::web) open: Option<bool>,
    pub(in crate::web) counts: Counts,
    pub(in crate::web) standing: Standing,
    /// When a device of it last reported.
    pub(in crate::web) last_report: Option<Timestamp>,
    pub(in crate::web) loss: Option<WorstLoss>,
    /// A target that answers nothing, when that is worth a look.
    pub(in crate::web) unanswered: Option<String>,
    /// The middle one of its devices' delays.
    pub(in crate::web) gateway_delay: Option<f64>,
    /// The middle one of its devices' delays across the line.
    pub(in crate::web) line_delay: Option<f64>,
    /// How its devices find the services they use, by name.
    pub(in crate::web) services: Vec<(String, Outcomes)>,
    /// How most of its devices fail to resolve names, when they do.
    pub(in crate::web) names_fail: Option<String>,
    /// Printers and the like that need a hand, in order of name.
    pub(in crate::web) troubles: Vec<Trouble>,
}

impl CentreNow {
    /// Whether nothing reports and that is worth a look, although no line need be at fault.
    pub(in crate::web) fn is_dark(&self) -> bool {
        self.standing == Standing::Notice && self.counts.live == 0
    }
}

/// What is summed up over the devices of a centre.
#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    /// Silent ones that should not be, even when the centre is closed.
    silent_routers: usize,
    last_report: Option<Timestamp>,
    worst: Option<WorstLoss>,
    unanswered: Option<String>,
    worst_link: Option<Standing>,
    /// Whether a link across the line has been judged.
    line_judged: bool,
    gateway_delays: Vec<f64>,
    /// To what lies beyond the ISP.
    line_delays: Vec<f64>,
    /// To the ISP's own routers.
    hop_delays: Vec<f64>,
    services: Vec<(String, Outcomes)>,
    /// Of their own name resolution.
    names: Outcomes,
    /// Of devices that have no agent.
    troubles: Vec<Trouble>,
}

impl Tally {
    fn add(&mut self, device: &Device, now_unix_ms: i64) {
        if device.enrolled().is_none() {
            self.troubles.extend(Trouble::of(device));
            return;
        }
        let presence = device.presence();
        self.counts.add(presence);
        if presence == Presence::Silent && device.kind() == "router" {
            self.silent_routers += 1;
        }
        self.last_report = self.last_report.max(device.last_report);
        let measured = Measured::by(device, now_unix_ms, Detail::Links);
        self.add_services(&measured);
        for link in measured.links.into_iter().filter(|link| !link.is_reverse()) {
            let standing = link.standing();
            self.line_judged |= standing.is_some() && link.crosses_line();
            self.worst_link = [self.worst_link, standing].into_iter().flatten().min();
            if let Some(delay) = link.rtt_median {
                if link.is_gateway() {
                    self.gateway_delays.push(delay);
                } else if link.crosses_line() && link.segment == "core" {
                    self.line_delays.push(delay);
                } else if link.crosses_line() && !link.excused {
                    self.hop_delays.push(delay);
                }
            }
            if link.excused {
                continue;
            }
            if let Some(ratio) = link.recent_loss
                && self.worst.as_ref().is_none_or(|worst| ratio > worst.ratio)
            {
                self.worst = Some(WorstLoss {
                    ratio,
                    standing: link.judged_loss().unwrap_or(Standing::Good),
                    segment: link.segment,
                });
            } else if link.never_answered() && standing.is_some() {
                self.unanswered.get_or_insert(link.target);
            }
        }
    }

    fn add_services(&mut self, measured: &Measured) {
        for service in &measured.services {
            let mut known = self.services.iter_mut();
            if let Some((_, outcomes)) = known.find(|(name, _)| *name == service.name) {
                outcomes.add(&service.outcomes);
            } else if self.services.len() < MOST_SERVICES {
                let outcomes = service.outcomes.clone();
                self.services.push((service.name.clone(), outcomes));
            }
        }
        let is_own = |resolver: &&Resolver| resolver.name == Resolver::SYSTEM;
        for resolver in measured.resolvers.iter().filter(is_own) {
            self.names.add(&resolver.outcomes);
        }
    }

    fn standing(&self, open: Option<bool>) -> Standing {
        let counts = self.counts;
        let silence_matters = self.silent_routers > 0 || (counts.silent > 0 && open != Some(false));
        if counts.live > 0 {
            let links = match self.worst_link {
                Some(Standing::Good) if !self.line_judged => Standing::Unmeasured,
                judged => judged.unwrap_or(Standing::Unmeasured),
            };
            let links = if self.names.mostly_fail() {
                Standing::Poor
            } else {
                links
            };
            return if silence_matters {
                links.min(Standing::Notice)
            } else {
                links
            };
        }
        if silence_matters {
            // Somebody shut the others down, so the line may well be fine.
            if counts.goodbye > 0 {
                Standing::Notice
            } else {
                Standing::Lost
            }
        } else if counts.goodbye + counts.silent == 0 {
            Standing::Unknown
        } else if open == Some(true) {
            Standing::Notice
        } else {
            Standing::Off
        }
    }

    fn of_centre(self, centre: &Centre, open: Option<bool>) -> CentreNow {
        CentreNow {
            centre: centre.clone(),
            open,
            standing: self.standing(open),
            counts: self.counts,
            last_report: self.last_report,
            loss: self.worst,
            unanswered: self.unanswered,
            gateway_delay: median(self.gateway_delays),
            line_delay: median(self.line_delays).or_else(|| median(self.hop_delays)),
            names_fail: match self.names.failures().first() {
                Some((word, _)) if self.names.mostly_fail() => Some((*word).to_owned()),
                _ => None,
            },
            services: self.services,
            troubles: self.troubles,
        }
    }
}

impl Web {
    /// All centres, most attention first.
    pub(in crate::web) fn centres_now(&self) -> Vec<CentreNow> {
        let now = (self.now)();
        let mut tallies: HashMap<CentreId, Tally> = HashMap::new();
        self.latest.visit(None, |device| {
            let tally = match tallies.get_mut(&device.key.centre) {
                Some(tally) => tally,
                None => tallies.entry(device.key.centre.clone()).or_default(),
            };
            tally.add(device, now.as_millisecond());
        });
        let centres = self.known_centres();
        let mut all: Vec<CentreNow> = centres
            .iter()
            .map(|centre| {
                let tally = tallies.remove(&centre.id).unwrap_or_default();
                tally.of_centre(centre, self.is_open(centre, now))
            })
            .collect();
        all.sort_by(|one, other| {
            let loss = |centre: &CentreNow| centre.loss.as_ref().map_or(0.0, |loss| loss.ratio);
            one.standing
                .cmp(&other.standing)
                .then_with(|| other.counts.silent.cmp(&one.counts.silent))
                .then_with(|| loss(other).total_cmp(&loss(one)))
                .then_with(|| one.centre.id.cmp(&other.centre.id))
        });
        all
    }

    /// One centre and its devices with their values, in order of name.
    pub(in crate::web) fn centre_now(&self, id: &str) -> Option<(CentreNow, Vec<DeviceNow>)> {
        let now = (self.now)();
        let centres = self.known_centres();
        let centre = centres.iter().find(|centre| centre.id.as_str() == id)?;
        let mut tally = Tally::default();
        let mut devices = Vec::new();
        let now_unix_ms = now.as_millisecond();
        self.latest.visit(Some(&centre.id), |device| {
            tally.add(device, now_unix_ms);
            devices.extend(DeviceNow::of(device, now, Detail::Values));
        });
        Some((tally.of_centre(centre, self.is_open(centre, now)), devices))
    }

    /// One device with its last hour.
    pub(in crate::web) fn device_now(&self, centre: &str, device: &str) -> Option<DeviceNow> {
        let key = DeviceKey {
            centre: centre.parse().ok()?,
            device: device.parse().ok()?,
        };
        let device = self.latest.device(&key)?;
        let device = crate::latest::lock(&device);
        DeviceNow::of(&device, (self.now)(), Detail::History)
    }

    /// Shows the devices of a centre, or of all centres, in order of centre and name; those of one
    /// kind, when it is given.
    pub(in crate::web) fn visit_devices(
        &self,
        centre: Option<&CentreId>,
        kind: Option<&str>,
        detail: Detail,
        mut visitor: impl FnMut(DeviceNow),
    ) {
        let now = (self.now)();
        self.latest.visit(centre, |device| {
            if kind.is_none_or(|kind| device.kind() == kind)
                && let Some(now) = DeviceNow::of(device, now, detail)
            {
                visitor(now);
            }
        });
    }

    pub(in crate::web) fn known_centres(&self) -> Arc<Vec<Centre>> {
        Arc::clone(&self.centres.borrow())
    }

    /// What happened in a centre, or to one device of it, newest first.
    pub(in crate::web) async fn events(
        &self,
        centre: CentreId,
        device: Option<DeviceId>,
    ) -> Result<Vec<Event>, RegistryError> {
        self.registry.events(centre, device).await
    }

    pub(in crate::web) fn known_devices(&self) -> Devices {
        Arc::clone(&self.devices.borrow())
    }

    pub(in crate::web) fn is_open(&self, centre: &Centre, now: Timestamp) -> Option<bool> {
        self.calendars.is_open(centre, now)
    }
}
