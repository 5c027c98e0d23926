//! What each series of a stream is to the diagnosis: looked up once, when the stream defines it.

use diagnosis::record::{DnsWord, Place, ServiceWord};
use proto::metrics::{self as catalogue, Metric, Part};
use proto::plan::Segment;
use proto::stream::Series;

use super::super::words;

/// Things of one kind that a stream may name; more are left aside. Small, since it is in every stream.
const MOST: usize = 128;

/// What a series is. The numbers are places in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Role {
    Nothing,
    Sent(u8),
    Received(u8),
    /// Echoes to the line of a centre, from outside.
    LineSent(u8),
    LineReceived(u8),
    Median(u8),
    Longest(u8),
    Dns(u8, DnsWord),
    DnsTook(u8),
    /// `None` for an outcome that is no word on the service.
    Service(u8, Option<ServiceWord>),
    Phase(u8, Phase),
    Blackhole(u8),
    Card(u8, Of),
    Cpu,
    Lag,
    /// A printer's condition: a place in the list of printers and one in that of conditions.
    Condition(u8, u8),
    /// How asking a device ended, and whether that is an answer.
    Polled(u8, bool),
    OnBattery,
}

/// A phase of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Dns,
    Connect,
    Tls,
    FirstByte,
    Transfer,
}

/// What is told of a network card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Up,
    Speed,
    FullDuplex,
    Signal,
    Received,
    Sent,
    Errors,
}

/// The names that a stream has for things.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) links: Vec<(Place, Box<str>, Box<str>)>,
    /// Of other centres, as the province sees them.
    pub(super) lines: Vec<Box<str>>,
    pub(super) resolvers: Vec<Box<str>>,
    pub(super) services: Vec<Box<str>>,
    pub(super) targets: Vec<Box<str>>,
    pub(super) cards: Vec<Box<str>>,
    pub(super) printers: Vec<Box<str>>,
    pub(super) conditions: Vec<Box<str>>,
    /// Routers on the way and how far away they are, the gateway being 1.
    pub(super) hops: Vec<(Box<str>, u8)>,
}

impl Names {
    /// What a series is.
    pub(super) fn role(&mut self, series: &Series) -> Role {
        if series.part != Part::Value {
            return Role::Nothing;
        }
        let found = match &series.device {
            None => self.own(series),
            Some(device) => self.of_other(device.as_str(), series),
        };
        found.unwrap_or(Role::Nothing)
    }

    fn own(&mut self, series: &Series) -> Option<Role> {
        let is = |metric: &'static Metric| series.metric == metric;
        if series.metric.name.starts_with("dawnwatch_link_") {
            return self.link(series);
        }
        if is(&catalogue::DNS_OUTCOME) {
            let word = words::dns(label(series, "outcome")?);
            return Some(Role::Dns(self.resolver(series)?, word));
        }
        if is(&catalogue::DNS_DURATION) {
            return Some(Role::DnsTook(self.resolver(series)?));
        }
        if is(&catalogue::PROBE_OUTCOME) {
            let word = words::service(label(series, "outcome")?);
            return Some(Role::Service(self.service(series)?, word));
        }
        if is(&catalogue::PROBE_PHASE) {
            return Some(Role::Phase(self.service(series)?, phase(series)?));
        }
        if is(&catalogue::PATH_MTU_BLACKHOLE) {
            let target = label(series, "target")?;
            return place_of(&mut self.targets, target).map(Role::Blackhole);
        }
        if is(&catalogue::PATH_HOP_INFO) {
            self.hop(series);
            return None;
        }
        if is(&catalogue::DEVICE_CPU_USAGE) {
            return Some(Role::Cpu);
        }
        if is(&catalogue::DEVICE_TURN_DELAY) {
            return Some(Role::Lag);
        }
        self.card(series)
    }

    fn link(&mut self, series: &Series) -> Option<Role> {
        let is = |metric: &'static Metric| series.metric == metric;
        let role = if is(&catalogue::LINK_SENT) {
            Role::Sent
        } else if is(&catalogue::LINK_RECEIVED) {
            Role::Received
        } else if is(&catalogue::LINK_RTT_MEDIAN) {
            Role::Median
        } else if is(&catalogue::LINK_RTT_MAX) {
            Role::Longest
        } else {
            return None;
        };
        let (segment, target) = (label(series, "segment")?, label(series, "target")?);
        if segment == Segment::Reverse.as_str() {
            let role = if is(&catalogue::LINK_SENT) {
                Role::LineSent
            } else if is(&catalogue::LINK_RECEIVED) {
                Role::LineReceived
            } else {
                return None;
            };
            return place_of(&mut self.lines, target).map(role);
        }
        let place = words::place(segment, target)?;
        let same =
            |(_, known, at): &(Place, Box<str>, Box<str>)| (&**known, &**at) == (segment, target);
        if let Some(known) = self.links.iter().position(same) {
            return u8::try_from(known).ok().map(role);
        }
        let number = self.links.len();
        if number >= MOST {
            return None;
        }
        self.links.push((place, segment.into(), target.into()));
        u8::try_from(number).ok().map(role)
    }

    fn card(&mut self, series: &Series) -> Option<Role> {
        let is = |metric: &'static Metric| series.metric == metric;
        let of = if is(&catalogue::DEVICE_INTERFACE_UP) {
            Of::Up
        } else if is(&catalogue::DEVICE_INTERFACE_SPEED) {
            Of::Speed
        } else if is(&catalogue::DEVICE_INTERFACE_FULL_DUPLEX) {
            Of::FullDuplex
        } else if is(&catalogue::DEVICE_WIFI_SIGNAL) {
            Of::Signal
        } else if is(&catalogue::DEVICE_INTERFACE_RECEIVE_BYTES) {
            Of::Received
        } else if is(&catalogue::DEVICE_INTERFACE_TRANSMIT_BYTES) {
            Of::Sent
        } else if is(&catalogue::DEVICE_INTERFACE_RECEIVE_ERRORS) {
            Of::Errors
        } else {
            return None;
        };
        let card = place_of(&mut self.cards, label(series, "interface")?)?;
        Some(Role::Card(card, of))
    }

    fn of_other(&mut self, device: &str, series: &Series) -> Option<Role> {
        let is = |metric: &'static Metric| series.metric == metric;
        if is(&catalogue::UPS_ON_BATTERY) {
            return Some(Role::OnBattery);
        }
        if is(&catalogue::PRINTER_CONDITION) {
            let condition = place_of(&mut self.conditions, label(series, "condition")?)?;
            let printer = place_of(&mut self.printers, device)?;
            return Some(Role::Condition(printer, condition));
        }
        if is(&catalogue::DEVICE_POLL_OUTCOME) {
            let answered = matches!(label(series, "outcome")?, "answered" | "partly");
            let printer = place_of(&mut self.printers, device)?;
            return Some(Role::Polled(printer, answered));
        }
        None
    }

    fn resolver(&mut self, series: &Series) -> Option<u8> {
        place_of(
            &mut self.resolvers,
            words::resolver(label(series, "resolver")?),
        )
    }

    fn service(&mut self, series: &Series) -> Option<u8> {
        place_of(&mut self.services, label(series, "service")?)
    }

    fn hop(&mut self, series: &Series) {
        let hop = label(series, "hop").and_then(|hop| hop.parse().ok());
        if let (Some(address), Some(hop)) = (label(series, "address"), hop) {
            self.hops.retain(|(known, _)| **known != *address);
            if self.hops.len() < MOST {
                self.hops.push((address.into(), hop));
            }
        }
    }

    /// How far beyond the gateway a router is: 1 for the far end of the line.
    pub(super) fn hop_of(&self, segment: &str, target: &str) -> u8 {
        if segment == "line" {
            return 1;
        }
        let away = |address: &str| {
            let mut hops = self.hops.iter();
            hops.find(|(known, _)| **known == *address)
                .map(|(_, hop)| *hop)
        };
        let mut lines = self
            .links
            .iter()
            .filter(|(_, segment, _)| &**segment == "line");
        let line = lines.find_map(|(_, _, target)| away(target)).unwrap_or(2);
        let beyond = away(target).map(|hop| hop.saturating_sub(line).saturating_add(1));
        beyond.unwrap_or(2).max(2)
    }
}

fn phase(series: &Series) -> Option<Phase> {
    Some(match label(series, "phase")? {
        "dns" => Phase::Dns,
        "connect" => Phase::Connect,
        "tls" => Phase::Tls,
        "first_byte" => Phase::FirstByte,
        "transfer" => Phase::Transfer,
        _ => return None,
    })
}

fn label<'s>(series: &'s Series, name: &str) -> Option<&'s str> {
    let mut labels = series.labels.iter();
    labels
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}

/// Where a name is, once it is there.
fn place_of(names: &mut Vec<Box<str>>, name: &str) -> Option<u8> {
    let known = names.iter().position(|known| **known == *name);
    let place = known.or_else(|| {
        let room = names.len() < MOST;
        room.then(|| names.push(name.into()))
            .map(|()| names.len() - 1)
    })?;
    u8::try_from(place).ok()
}
