//! A centre at one time: who saw something just before, and what is usual for them.

use std::collections::BTreeMap;

use super::absent::Mornings;
use super::baseline::Baseline;
use super::history::{Agent, History};
use super::sight::{Sight, Stretch};
use crate::calendar::Centre;
use crate::record::Hello;

/// How old the newest sight of a witness may be, seconds.
pub(super) const NOW: f64 = 100.0;

/// Routers, modems and switches are up so long after they are switched on, seconds.
const BOOTS: f64 = 420.0;

/// Where nobody was heard for so long, all was off, seconds.
const NIGHT: f64 = 1_800.0;

/// A centre at one time.
pub(super) struct Scene<'a> {
    pub(super) centre: &'a Centre,
    pub(super) history: &'a History,
    pub(super) usual: &'a BTreeMap<String, Baseline>,
    pub(super) mornings: &'a Mornings,
    pub(super) at: f64,
    /// Whoever saw something just before, in the order of their names.
    pub(super) witnesses: Vec<Witness<'a>>,
}

/// One machine at one time.
#[derive(Clone, Copy)]
pub(super) struct Witness<'a> {
    pub(super) name: &'a str,
    pub(super) agent: &'a Agent,
    pub(super) last: &'a Sight,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        centre: &'a Centre,
        history: &'a History,
        usual: &'a BTreeMap<String, Baseline>,
        mornings: &'a Mornings,
        at: f64,
    ) -> Self {
        let witnesses = history.agents.iter().filter_map(|(name, agent)| {
            let last = agent.last(at).filter(|sight| sight.t > at - NOW)?;
            Some(Witness { name, agent, last })
        });
        Self {
            centre,
            history,
            usual,
            mornings,
            at,
            witnesses: witnesses.collect(),
        }
    }

    /// What is usual for a machine.
    pub(super) fn usual(&self, name: &str) -> Option<&'a Baseline> {
        self.usual.get(name)
    }

    /// The same machine one round or minute earlier.
    pub(super) fn before(&self, witness: &Witness<'a>) -> Option<Witness<'a>> {
        let last = witness.agent.last(witness.last.t - 0.001)?;
        (last.t > witness.last.t - 2.0 * NOW).then_some(Witness { last, ..*witness })
    }

    /// How many of those who were there before a time started next after their power was cut, and how many in
    /// another way: what one machine says of its own plug says nothing of the others'.
    pub(super) fn boots(&self, since: f64) -> (usize, usize) {
        let (mut dark, mut other) = (0, 0);
        for agent in self.history.agents.values() {
            let was_there = agent.last(since).is_some_and(|one| one.t > since - 200.0);
            let next = agent
                .hellos
                .iter()
                .find(|(t, _)| *t > since - 60.0 && *t < since + 8.0 * 3_600.0);
            match next {
                Some((_, Hello::PowerLossBoot)) if was_there => dark += 1,
                Some((_, Hello::Restart)) | None => {}
                Some(_) if was_there => other += 1,
                Some(_) => {}
            }
        }
        (dark, other)
    }

    /// Whether machines that were there started again after their power was cut, more than otherwise.
    pub(super) fn power_was_lost(&self, since: f64) -> bool {
        let (dark, other) = self.boots(since);
        dark > other
    }

    /// Whether the machines were started so short a time ago that routers and modems, which were started with them,
    /// may not be up yet.
    pub(super) fn just_started(&self) -> bool {
        !self
            .history
            .has_witness(self.at - BOOTS - NIGHT, self.at - BOOTS)
    }

    /// Whether the doors opened so long ago that whatever was switched on for it is up.
    pub(super) fn runs_by_now(&self) -> bool {
        let opened = self.centre.calendar.since_opened(self.at);
        opened.is_some_and(|opened| opened > BOOTS)
    }

    /// When the power was cut after which machines started again just now: the router follows within minutes.
    pub(super) fn power_is_back(&self) -> Option<f64> {
        let mut started: Vec<(f64, f64, Hello)> = Vec::new();
        for agent in self.history.agents.values() {
            let newest = agent.hellos.iter().rev().find(|(t, _)| *t <= self.at);
            let newest = newest.filter(|(t, hello)| {
                *t > self.at - BOOTS && !matches!(hello, Hello::Restart | Hello::Wake)
            });
            if let Some((t, hello)) = newest {
                let heard = agent.last(*t).map_or(*t, |sight| sight.t);
                started.push((*t, heard, *hello));
            }
        }
        let dark = |(_, _, hello): &&(f64, f64, Hello)| *hello == Hello::PowerLossBoot;
        // People do not press several buttons at once: what starts by itself starts with the mains.
        let at_once = started.iter().any(|(t, ..)| {
            let with = started.iter().filter(|(other, ..)| (t - other).abs() < 5.0);
            with.count() >= 3
        });
        let count = started.iter().filter(dark).count();
        if count * 2 > started.len() || at_once {
            let known = started.iter().filter(|one| count == 0 || dark(one));
            let calendar = &self.centre.calendar;
            let opening = calendar.opening(calendar.local(self.at).date);
            return known
                .map(|(_, heard, _)| heard.max(opening.unwrap_or(*heard)))
                .reduce(f64::max);
        }
        None
    }

    /// Whether the centre's own network is to be expected to run: in opening hours, but not right after they began,
    /// and at other times where it did a day before.
    pub(super) fn should_run(&self, since: f64) -> bool {
        const LEAVES: f64 = 900.0;
        let calendar = &self.centre.calendar;
        let answered = |from: f64, to: f64| {
            self.history.agents.values().any(|agent| {
                let mut seen = agent.between(from, to);
                seen.any(|one| one.way(Stretch::Gateway).answers())
            })
        };
        if calendar.is_open(since)
            && calendar
                .until_closes(since)
                .is_none_or(|left| left > LEAVES)
        {
            return answered(since - 6.0 * 3_600.0, since) || self.at - since > BOOTS;
        }
        if calendar.is_open(self.at) {
            // It may be switched on with the doors.
            return calendar
                .since_opened(self.at)
                .is_none_or(|opened| opened > BOOTS);
        }
        // All the while, as far as three moments tell: some switch everything off for lunch.
        let day = 86_400.0;
        let ran = |at: f64| answered(at - 900.0, at) && answered(at, at + 900.0);
        [since, since.midpoint(self.at), self.at]
            .into_iter()
            .all(|at| ran(at - day))
    }

    /// Whether somebody who was there before a time was not heard of after it, nor said goodbye.
    pub(super) fn others_fell_silent(&self, since: f64) -> bool {
        self.history.agents.values().any(|agent| {
            let last = agent.last(since);
            let gone = agent
                .last(self.at)
                .is_none_or(|sight| sight.t < self.at - NOW);
            last.is_some_and(|sight| {
                sight.t > since - 200.0 && gone && !agent.left(sight.t - 5.0, self.at)
            })
        })
    }
}

impl Witness<'_> {
    /// Since when without interruption it is as bad as now.
    pub(super) fn since(&self, bad: &impl Fn(&Self) -> bool) -> f64 {
        let end = self.agent.until(self.last.t);
        let mut began = self.last.t;
        for sight in self.agent.sights.range(..end).rev().take(2_000) {
            let earlier = Self {
                last: sight,
                ..*self
            };
            if began - sight.t > 300.0 || !bad(&earlier) {
                // It began after the last that was well.
                return began.min((sight.t + 1.0).max(began - 60.0));
            }
            began = sight.t;
        }
        began
    }

    pub(super) fn is_wifi(&self) -> bool {
        self.agent.told.wifi.at(self.last.t) == Some(true)
    }

    /// Whether it lost its mains around a time: one that is used on battery anyway says nothing.
    pub(super) fn lost_mains(&self, since: f64) -> bool {
        let known = |at: f64| self.agent.told.on_battery.at(at);
        known(self.last.t) == Some(true) && known(since - 90.0) == Some(false)
    }

    pub(super) fn is_on_battery(&self) -> bool {
        self.agent.told.on_battery.at(self.last.t) == Some(true)
    }

    /// Whether it runs without a battery for so long after a time that there is electricity.
    pub(super) fn has_mains(&self, since: f64) -> bool {
        self.last.t > since + 45.0 && self.agent.told.on_battery.at(self.last.t) != Some(true)
    }
}
