//! The engine for a province: records in, incidents out. It has no clock: time is that of the records.
//!
//! A verdict is a function of what was measured, by the time it was measured: [`centre`] keeps each centre's history and
//! judges it step by step, [`cause`] finds what several centres share, and [`incidents`] lays the causes beside what
//! people were told. Late records make the steps they concern anew, so that the same records in any order end in the same
//! verdict.
//!
//! [`sight`] reduces a record to what is weighed · [`baseline`] what is usual · [`scene`] a centre at one time · [`cut`]
//! what is dead · [`silence`] when nobody is heard any more, [`absent`] when nobody begins to be · [`lossy`], [`late`] what is bad over minutes · [`usable`] names,
//! services, large packets · [`machines`] single PCs and printers.

mod absent;
mod baseline;
mod cause;
mod centre;
mod cut;
mod finding;
mod history;
mod incidents;
mod late;
mod lossy;
mod machines;
mod scene;
mod shared;
mod sight;
mod silence;
mod spell;
mod usable;

use std::collections::BTreeMap;

use self::cause::Cause;
use self::centre::{STEP, Watched};
use self::history::Taken;
use self::incidents::{Incidents, Names};
use self::spell::Family;
use crate::calendar::Centre;
use crate::event::{Event, Incident};
use crate::record::Record;
use crate::{Fault, Segment};

/// A record from further in the future than this has an impossible time, seconds.
const AHEAD: f64 = 300.0;

/// Weighs what becomes known of a province.
#[derive(Debug)]
pub struct Engine {
    centres: BTreeMap<String, Watched>,
    incidents: Incidents,
    now: f64,
    judged: f64,
    aside: Aside,
}

/// Records that were left aside, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aside {
    /// Of a centre that nobody named.
    pub unknown_centre: u64,
    /// The same again.
    pub duplicate: u64,
    /// Older than what is remembered, or from the future, or at no time at all.
    pub impossible_time: u64,
    /// More agents, printers or records than are remembered of a centre.
    pub too_many: u64,
}

impl Engine {
    /// An engine for these centres; records of others are counted and left aside.
    #[must_use]
    pub fn new(centres: Vec<Centre>) -> Self {
        let centres = centres
            .into_iter()
            .map(|centre| (centre.id.clone(), Watched::new(centre)));
        Self {
            centres: centres.collect(),
            incidents: Incidents::default(),
            now: f64::NEG_INFINITY,
            judged: f64::NEG_INFINITY,
            aside: Aside::default(),
        }
    }

    /// Takes one record, in the order of arrival, and says what follows from it and from the time that passed.
    pub fn take(&mut self, record: &Record) -> Vec<Event> {
        if !record.arrived.is_finite() || record.arrived.abs() > 1e11 {
            self.aside.impossible_time += 1;
            return Vec::new();
        }
        let events = self.pass(record.arrived);
        let Some(what) = &record.what else {
            return events;
        };
        if !what.t.is_finite() || what.t > self.now + AHEAD {
            self.aside.impossible_time += 1;
            return events;
        }
        let Some(centre) = self.centres.get_mut(&what.centre) else {
            self.aside.unknown_centre += 1;
            return events;
        };
        match centre.take(what, self.now) {
            Taken::Yes => {}
            Taken::Duplicate => self.aside.duplicate += 1,
            Taken::TooOld => self.aside.impossible_time += 1,
            Taken::TooMany => self.aside.too_many += 1,
        }
        events
    }

    /// Takes a record of the past without judging what it was then: what is usual is learned from it, and late records
    /// are judged beside it. For an engine that begins, before it takes anything else.
    pub fn recall(&mut self, record: &Record) {
        let known = record.what.as_ref().filter(|what| what.t.is_finite());
        let centre = known.and_then(|what| Some((self.centres.get_mut(&what.centre)?, what)));
        if let Some((centre, what)) = centre.filter(|_| record.arrived.is_finite()) {
            centre.recall(what, record.arrived);
        }
    }

    /// Says what follows from the time alone. `now`: Unix seconds.
    pub fn pass(&mut self, now: f64) -> Vec<Event> {
        if now.is_finite() && now.abs() < 1e11 {
            self.now = self.now.max(now);
        }
        if self.now < self.judged + STEP || !self.now.is_finite() {
            return Vec::new();
        }
        let now = (self.now / STEP).floor() * STEP;
        if self.judged.is_finite() && now - self.judged > 3_600.0 {
            // A long time passed without a record: what ended in it is told by the hour.
            let mut events = Vec::new();
            let mut hour = self.judged + 3_600.0;
            let first = now - 26.0 * 3_600.0;
            hour = hour.max(first);
            while hour < now {
                events.extend(self.judge(hour));
                hour += 3_600.0;
            }
            events.extend(self.judge(now));
            return events;
        }
        self.judge(now)
    }

    fn judge(&mut self, now: f64) -> Vec<Event> {
        self.judged = now;
        let mut differs = false;
        for centre in self.centres.values_mut() {
            differs |= centre.judge(now);
        }
        if !differs && self.incidents.all.is_empty() {
            return Vec::new();
        }
        let causes = cause::causes(&self.centres);
        let centres = &self.centres;
        let name = |id: &str| {
            let centre = centres.get(id).map(|one| one.centre.name.clone());
            centre
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| id.to_owned())
        };
        let isp = |id: &str| {
            centres
                .get(id)
                .map(|one| one.centre.isp.clone())
                .unwrap_or_default()
        };
        let is_too_early = |cause: &Cause, seen: f64| is_too_early(centres, cause, seen, now);
        let names = Names {
            centre: &name,
            isp: &isp,
            is_too_early: &is_too_early,
        };
        self.incidents.compare(&causes, now, &names)
    }

    /// The incidents that can still change, active ones among them.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.incidents
            .all
            .iter()
            .filter(|known| known.withdrawn.is_none())
            .map(|known| known.incident.clone())
            .collect()
    }

    /// What was left aside.
    #[must_use]
    pub fn aside(&self) -> Aside {
        self.aside
    }
}

/// Whether others may be about to fail for the same reason: only then a centre alone is held back.
fn is_too_early(centres: &BTreeMap<String, Watched>, cause: &Cause, seen: f64, now: f64) -> bool {
    let alone = cause.scope.len() == 1;
    let is_blocked = cause.fault == Fault::RouteBlocked && cause.culprit.is_some();
    let patience = match cause.family {
        Family::Cut if alone => 75.0,
        Family::One(Segment::Service, _) if alone || is_blocked => 65.0,
        Family::Soft(Segment::Dns | Segment::Isp) if alone => 60.0,
        _ => 15.0,
    };
    if now - seen >= patience {
        return false;
    }
    let first = cause.scope.first().and_then(|id| centres.get(id));
    let Some(own) = first.map(|own| &own.centre) else {
        return false;
    };
    if matches!(cause.family, Family::One(Segment::Service, _)) && centres.len() > 1 {
        // The others ask it within the minute.
        return true;
    }
    centres.iter().any(|(id, other)| {
        let related =
            other.centre.isp == own.isp || (!own.area.is_empty() && other.centre.area == own.area);
        related && !cause.scope.contains(id) && other.is_rising(now)
    })
}

#[cfg(test)]
mod tests;
