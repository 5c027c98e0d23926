//! What is remembered of one centre, by the time it was true and not by when it arrived: so that the same records in
//! any order make the same history. Bounded in age, in records of an agent and in agents.

use std::collections::{BTreeMap, VecDeque};

use super::sight::Sight;
use crate::record::{Goodbye, Hello, Kind, What};

/// How long records are remembered, seconds: as long as buffers of a night may come late.
pub(super) const REMEMBERED: f64 = 26.0 * 3_600.0;

/// Agents of one centre.
const AGENTS: usize = 200;

/// Records of one agent: a day of minutes and as many rounds.
const RECORDS: usize = 6_000;

/// One centre.
#[derive(Debug, Default)]
pub(super) struct History {
    /// In the order of their names, so that sums do not depend on who came first.
    pub(super) agents: BTreeMap<String, Agent>,
    /// Echoes from the province: time, sent, received.
    pub(super) reverse: VecDeque<(f64, u32, u32)>,
    /// By printer: time, whether it answered, what is wrong with it.
    pub(super) printers: BTreeMap<String, VecDeque<Printer>>,
    /// The newest time there is.
    pub(super) newest: f64,
}

/// A printer at one time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Printer {
    pub(super) t: f64,
    pub(super) agent: String,
    pub(super) reachable: bool,
    pub(super) conditions: Vec<String>,
}

/// One machine.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) sights: VecDeque<Sight>,
    pub(super) hellos: VecDeque<(f64, Hello)>,
    pub(super) goodbyes: VecDeque<(f64, Goodbye)>,
    pub(super) told: Told,
}

/// What a machine tells only when it changes, whenever it told it. The last that is forgotten by its age stays, since
/// it holds until another is told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) up: Changes,
    pub(super) wifi: Changes,
    pub(super) on_battery: Changes,
}

/// When something was told, and what.
#[derive(Debug, Default)]
pub(super) struct Changes(VecDeque<(f64, bool)>);

impl Changes {
    /// As it was known at a time.
    pub(super) fn at(&self, t: f64) -> Option<bool> {
        let until = count_while(&self.0, |(told, _)| *told <= t);
        self.0.get(until.checked_sub(1)?).map(|(_, value)| *value)
    }

    fn tell(&mut self, t: f64, value: Option<bool>) {
        if let Some(value) = value {
            insert(&mut self.0, (t, value), |one| one.0);
        }
    }

    fn forget(&mut self, before: f64) {
        while self.0.get(1).is_some_and(|(next, _)| *next < before) {
            self.0.pop_front();
        }
    }
}

/// Whether a record was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    Duplicate,
    /// Older than what is remembered.
    TooOld,
    /// More than is remembered of one centre.
    TooMany,
}

impl History {
    pub(super) fn take(&mut self, what: &What, now: f64) -> Taken {
        if what.t < now - REMEMBERED {
            return Taken::TooOld;
        }
        let taken = match &what.kind {
            Kind::ReversePing(ping) => insert(
                &mut self.reverse,
                (what.t, ping.sent, ping.received),
                |one| one.0,
            ),
            Kind::Printer(printer) => {
                let seen = Printer {
                    t: what.t,
                    agent: what.agent.clone(),
                    reachable: printer.reachable,
                    conditions: printer.conditions.clone(),
                };
                if self.printers.len() >= AGENTS && !self.printers.contains_key(&printer.device) {
                    return Taken::TooMany;
                }
                let all = self.printers.entry(printer.device.clone()).or_default();
                insert(all, seen, |one| one.t)
            }
            of_agent => {
                if self.agents.len() >= AGENTS && !self.agents.contains_key(&what.agent) {
                    return Taken::TooMany;
                }
                let agent = self.agents.entry(what.agent.clone()).or_default();
                match of_agent {
                    Kind::Hello(hello) => insert(&mut agent.hellos, (what.t, *hello), |one| one.0),
                    Kind::Goodbye(bye) => insert(&mut agent.goodbyes, (what.t, *bye), |one| one.0),
                    Kind::Measured(seen) => agent.see(Sight::of(what.t, seen)),
                    Kind::ReversePing(_) | Kind::Printer(_) => Taken::Duplicate,
                }
            }
        };
        if taken == Taken::Yes {
            self.newest = self.newest.max(what.t);
        }
        taken
    }

    /// Forgets what is older.
    pub(super) fn forget(&mut self, before: f64) {
        for agent in self.agents.values_mut() {
            drop_while(&mut agent.sights, |one| one.t < before);
            drop_while(&mut agent.hellos, |one| one.0 < before);
            drop_while(&mut agent.goodbyes, |one| one.0 < before);
            agent.told.up.forget(before);
            agent.told.wifi.forget(before);
            agent.told.on_battery.forget(before);
        }
        self.agents.retain(|_, agent| {
            !(agent.sights.is_empty() && agent.hellos.is_empty() && agent.goodbyes.is_empty())
        });
        drop_while(&mut self.reverse, |one| one.0 < before);
        for printer in self.printers.values_mut() {
            drop_while(printer, |one| one.t < before);
        }
        self.printers.retain(|_, printer| !printer.is_empty());
    }

    /// Whether anything was measured between two times, the first excluded.
    pub(super) fn has_witness(&self, from: f64, to: f64) -> bool {
        self.agents
            .values()
            .any(|agent| agent.last(to).is_some_and(|sight| sight.t > from))
    }
}

impl Agent {
    fn see(&mut self, sight: Sight) -> Taken {
        let (t, up, wifi, on_battery) = (sight.t, sight.up, sight.wifi, sight.on_battery);
        let taken = insert(&mut self.sights, sight, |one| one.t);
        if taken == Taken::Yes {
            self.told.up.tell(t, up);
            self.told.wifi.tell(t, wifi);
            self.told.on_battery.tell(t, on_battery);
        }
        taken
    }

    /// What was seen between two times, the first excluded.
    pub(super) fn between(&self, from: f64, to: f64) -> impl DoubleEndedIterator<Item = &Sight> {
        let end = self.until(to);
        let first = self.until(from);
        self.sights.range(first.min(end)..end)
    }

    /// The newest sight at a time.
    pub(super) fn last(&self, at: f64) -> Option<&Sight> {
        self.sights.get(self.until(at).checked_sub(1)?)
    }

    /// Whether it said goodbye between two times.
    pub(super) fn left(&self, from: f64, to: f64) -> bool {
        self.goodbyes.iter().any(|(t, _)| *t >= from && *t <= to)
    }

    /// The last known value of something that is told only when it changes.
    pub(super) fn known<T>(&self, at: f64, what: impl Fn(&Sight) -> Option<T>) -> Option<T> {
        self.sights
            .range(..self.until(at))
            .rev()
            .take(240)
            .find_map(what)
    }

    /// How many sights there were at a time.
    pub(super) fn until(&self, at: f64) -> usize {
        count_while(&self.sights, |sight| sight.t <= at)
    }
}

/// Puts a thing where it belongs in time. The same again is a duplicate.
fn insert<T: PartialEq>(all: &mut VecDeque<T>, one: T, time: impl Fn(&T) -> f64) -> Taken {
    let at = count_while(all, |other| time(other) < time(&one));
    if all
        .get(at)
        .is_some_and(|other| time(other).total_cmp(&time(&one)).is_eq())
    {
        return Taken::Duplicate;
    }
    all.insert(at, one);
    if all.len() > RECORDS {
        all.pop_front();
    }
    Taken::Yes
}

/// How many come first for which something holds that holds for none behind them. Almost always it is the newest that
/// are asked for, so it is looked for from the end, in steps that double.
fn count_while<T>(all: &VecDeque<T>, holds: impl Fn(&T) -> bool) -> usize {
    let (mut from, mut to, mut stride) = (all.len(), all.len(), 1);
    while from > 0 && all.get(from - 1).is_some_and(|one| !holds(one)) {
        to = from - 1;
        from = from.saturating_sub(stride);
        stride *= 2;
    }
    while from < to {
        let middle = from.midpoint(to);
        if all.get(middle).is_some_and(&holds) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

fn drop_while<T>(all: &mut VecDeque<T>, old: impl Fn(&T) -> bool) {
    while all.pop_front_if(|one| old(one)).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_from_the_end_finds_what_counting_from_the_beginning_does() {
        for len in 0..70 {
            let all: VecDeque<usize> = (0..len).collect();
            for first in 0..=len {
                assert_eq!(count_while(&all, |one| *one < first), first, "{len}");
            }
        }
    }
}
