//! What is known of one centre towards its next opening. Bounded in every part, and every record costs the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::agent::{Agent, Echoes};
use super::services::Seen;
use super::usual::{Habit, Usual};
use super::words::Weakness;
use crate::record::{Goodbye, Kind, Measured, Printer, ReversePing, What};

/// Agents of one centre; more displace the one that was silent longest.
const AGENTS: usize = 64;
/// Services a centre is asked about.
const SERVICES: usize = 24;
/// Printers of one centre.
const PRINTERS: usize = 32;
/// Weaknesses it is told of.
const WEAKNESSES: usize = 16;

/// What was measured more than this before it arrived says nothing of now, seconds.
const LIVE: f64 = 180.0;

/// How long an answer from the centre's public address counts, seconds.
const PING_COUNTS: f64 = 600.0;

/// Conditions with which a printer prints nothing.
const BLOCKING: [&str; 5] = ["jam", "cover_open", "paper_empty", "toner_empty", "service"];

/// A centre, as it looks towards its next opening.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Site {
    pub(super) agents: BTreeMap<String, Agent>,
    pub(super) services: BTreeMap<String, Seen>,
    printers: BTreeMap<String, PrinterSeen>,
    ping: Option<Ping>,
    /// Its ways, day by day.
    pub(super) usual_gateway: Usual,
    pub(super) usual_outside: Usual,
    /// Whether anybody was there at each check.
    pub(super) present: [Habit; 4],
    /// Whether its router answered from outside at each check.
    pub(super) answers: [Habit; 4],
    #[serde(skip)]
    pub(super) weaknesses: Vec<Weakness>,
}

/// A printer, as its scout told it last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PrinterSeen {
    at: f64,
    /// What it cannot print for, and since when.
    blocked: Option<(String, f64)>,
}

/// The last echoes from the province to the centre's public address.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Ping {
    at: f64,
    answered: bool,
    /// When something answered last.
    last_answer: Option<f64>,
    /// Rounds in a row that nothing answered.
    missed: u16,
}

impl Site {
    /// Takes a record of this centre. `day` is the day it was measured on.
    pub(super) fn take(&mut self, arrived: f64, what: &What, day: i32) {
        let is_live = arrived - what.t <= LIVE && what.t - arrived <= LIVE;
        match &what.kind {
            Kind::ReversePing(ping) => self.pinged(what.t, *ping),
            Kind::Printer(printer) => {
                self.agent(&what.agent).hear(arrived);
                if is_live {
                    self.printer(what.t, printer);
                }
            }
            Kind::Hello(_) => self.agent(&what.agent).hear(arrived),
            Kind::Goodbye(goodbye) => {
                // One that comes late is of a night that is over.
                let agent = self.agent(&what.agent);
                agent.hear(arrived);
                agent.gone |= is_live && *goodbye != Goodbye::Other;
            }
            Kind::Measured(measured) => {
                self.agent(&what.agent).hear(arrived);
                self.remember(day, measured);
                if is_live {
                    self.agent(&what.agent).measure(what.t, measured);
                    self.use_services(what, measured);
                }
            }
        }
    }

    /// The agent of a name, in place of the one that was silent longest when there are too many.
    fn agent(&mut self, name: &str) -> &mut Agent {
        if !self.agents.contains_key(name) && self.agents.len() >= AGENTS {
            let oldest = self
                .agents
                .iter()
                .min_by(|a, b| a.1.heard.total_cmp(&b.1.heard));
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.agents.remove(&oldest);
            }
        }
        self.agents.entry(name.to_owned()).or_default()
    }

    fn pinged(&mut self, t: f64, ping: ReversePing) {
        if ping.sent == 0 || self.ping.is_some_and(|last| last.at >= t) {
            return;
        }
        let answered = ping.received > 0;
        let before = self.ping.map_or(0, |last| last.missed);
        let last_answer = if answered {
            Some(t)
        } else {
            self.ping.and_then(|last| last.last_answer)
        };
        let missed = if answered {
            0
        } else {
            before.saturating_add(1)
        };
        self.ping = Some(Ping {
            at: t,
            answered,
            last_answer,
            missed,
        });
    }

    fn printer(&mut self, t: f64, printer: &Printer) {
        let known = self.printers.contains_key(&printer.device);
        if !known && self.printers.len() >= PRINTERS {
            return;
        }
        let condition = BLOCKING
            .into_iter()
            .find(|word| printer.conditions.iter().any(|condition| condition == word));
        let last = self.printers.get(&printer.device);
        let before = last.and_then(|last| last.blocked.clone());
        let blocked = match (condition, before) {
            // Who does not answer may be off: nothing is known of it.
            _ if !printer.reachable => None,
            (Some(word), Some((same, since))) if same == word => Some((same, since)),
            (Some(word), _) => Some((word.to_owned(), t)),
            (None, _) => None,
        };
        let seen = PrinterSeen { at: t, blocked };
        self.printers.insert(printer.device.clone(), seen);
    }

    /// What it is like on this day, however late it came.
    fn remember(&mut self, day: i32, measured: &Measured) {
        use crate::record::Place;
        let (mut gateway, mut outside) = (Echoes::default(), Echoes::default());
        for link in &measured.links {
            match link.segment {
                Place::Gateway => gateway.add(link.sent, link.received, link.rtt_ms),
                Place::Collector | Place::Anchor => {
                    outside.add(link.sent, link.received, link.rtt_ms);
                }
                Place::Lan | Place::Hop | Place::Other => {}
            }
        }
        // What was cut off altogether is no quality of the way.
        for (usual, echoes) in [
            (&mut self.usual_gateway, gateway),
            (&mut self.usual_outside, outside),
        ] {
            if echoes.sent > echoes.lost {
                usual.add(day, &echoes);
            }
        }
    }

    fn use_services(&mut self, what: &What, measured: &Measured) {
        for round in &measured.services {
            if !self.services.contains_key(&round.service) && self.services.len() >= SERVICES {
                continue;
            }
            let seen = self.services.entry(round.service.clone()).or_default();
            seen.add(what.t, &what.agent, round);
        }
    }

    /// The agents that are there.
    pub(super) fn witnesses(&self, now: f64) -> impl Iterator<Item = (&str, &Agent)> {
        let live = self
            .agents
            .iter()
            .filter(move |(_, agent)| agent.is_live(now));
        live.map(|(name, agent)| (name.as_str(), agent))
    }

    /// Whether its router answered from outside just now, and when: nothing when nobody asked.
    pub(super) fn router_answers(&self, now: f64) -> Option<(bool, f64)> {
        let ping = self.ping.filter(|ping| now - ping.at <= PING_COUNTS)?;
        let known = ping.answered || ping.missed >= 2;
        known.then_some((ping.answered, ping.at))
    }

    /// Whether its router answered after a moment, and then no longer, for several rounds up to now.
    pub(super) fn router_went_silent(&self, after: f64, now: f64) -> bool {
        self.ping.is_some_and(|ping| {
            let answered = ping.last_answer.is_some_and(|at| at >= after);
            answered && ping.missed >= 4 && now - ping.at <= PING_COUNTS
        })
    }

    /// A printer that has been unable to print for some minutes, and why.
    pub(super) fn blocked_printer(&self, now: f64) -> Option<(&str, &str)> {
        self.printers.iter().find_map(|(name, seen)| {
            let (condition, since) = seen.blocked.as_ref()?;
            let lasts = seen.at - since >= 120.0 && now - seen.at <= 900.0;
            lasts.then_some((name.as_str(), condition.as_str()))
        })
    }

    /// Sets what is known otherwise, in place of what was.
    pub(super) fn know(&mut self, mut weaknesses: Vec<Weakness>) {
        weaknesses.truncate(WEAKNESSES);
        self.weaknesses = weaknesses;
    }
}
