//! Whose turn it is: machines, echoes from outside, and the clock itself, each at its own phase, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use diagnosis::record::{Kind, ReversePing, What};

use super::World;
use super::chance::{between, lost, steady};
use super::class::Class;
use super::effects::Town;
use super::people::load;
use super::probes::hundredths;
use crate::simulate::scenario::Scenario;

/// How often the collector's clock is told, whether anything arrives or not, seconds.
const TICK: f64 = 10.0;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    Machine {
        centre: usize,
        number: usize,
    },
    /// The echoes from outside to a centre.
    Outside {
        centre: usize,
    },
    /// Nothing but time.
    Tick,
}

/// Turns to come.
#[derive(Debug, Default)]
pub(crate) struct Turns(BinaryHeap<Reverse<(Moment, When)>>);

/// A time that can be ordered.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Turns {
    /// The first turn of everybody.
    pub(crate) fn first(towns: &[Town], scenario: &Scenario) -> Self {
        let mut turns = Self::default();
        turns.at(scenario.start, When::Tick);
        for (centre, town) in towns.iter().enumerate() {
            for (number, sessions) in town.sessions.iter().enumerate() {
                if let Some(session) = sessions.first() {
                    turns.at(session.from, When::Machine { centre, number });
                }
            }
            if town.place.answers_outside {
                let phase = 60.0 * steady(scenario.seed, u64::try_from(centre).unwrap_or(0));
                turns.at(scenario.start + phase, When::Outside { centre });
            }
        }
        turns
    }

    pub(super) fn at(&mut self, t: f64, when: When) {
        self.0.push(Reverse((Moment(t), when)));
    }

    pub(crate) fn next(&mut self, end: f64) -> Option<(f64, When)> {
        let is_due = self
            .0
            .peek()
            .is_some_and(|Reverse((moment, _))| moment.0 < end);
        is_due
            .then(|| self.0.pop())
            .flatten()
            .map(|Reverse((moment, when))| (moment.0, when))
    }
}

impl World {
    pub(super) fn tick(&mut self) {
        // What the collector's clock says is unknown while it is down.
        let is_down = |town: &Town| {
            town.felt(self.now)
                .any(|fault| fault.class == Class::CollectorDown)
        };
        if !self.towns.first().is_some_and(is_down) {
            self.outbox.push(self.now, None);
        }
        self.turns.at(self.now + TICK, When::Tick);
    }

    /// Echoes from the province's side to the address a centre had last.
    pub(super) fn outside(&mut self, centre: usize) {
        let (Some(town), t) = (self.towns.get(centre), self.now) else {
            return;
        };
        let Some(machine) = town.place.machines.first() else {
            return;
        };
        let near_work = self
            .days
            .iter()
            .any(|day| (day.opens - 7200.0..day.closes + 3600.0).contains(&t));
        self.turns.at(
            t + if near_work { 60.0 } else { 300.0 },
            When::Outside { centre },
        );
        let is_down = town
            .felt(t)
            .any(|fault| fault.class == Class::CollectorDown);
        let now = town.conditions(0, machine, load(&self.days, t), t);
        if is_down {
            return;
        }
        // The way in is the way out, without the LAN; a way that is blocked for the collector is blocked back.
        let way = now
            .gateway
            .then(now.line)
            .then(now.aggregation)
            .then(now.backbone)
            .then(now.collector);
        let received = 5 - lost(&mut self.rng, 5, way.loss);
        let what = What {
            t: hundredths(t),
            centre: town.place.id.clone(),
            agent: String::new(),
            kind: Kind::ReversePing(ReversePing { sent: 5, received }),
        };
        self.outbox
            .push(t + between(&mut self.rng, 0.5, 2.0), Some(what));
    }
}
