//! From causes, which are a function of what is known, to incidents, which people were told of.
//!
//! Each time the causes are laid beside the incidents: the same trouble goes on, a new one opens, one that late records
//! disproved is withdrawn. People are notified once for an incident, and of what is over since long never.

use std::collections::BTreeSet;

use super::cause::Cause;
use super::centre::CHANGES;
use super::spell::Family;
use crate::event::{Alternative, Event, Happened, Incident, Stage};
use crate::sentence::incident::{Told, because, incident_action, incident_sentence, settles};
use crate::{Fault, Segment};

/// Clean for so long it is over, seconds.
const CLEAN: f64 = 125.0;

/// So long after its end nothing changes any more but by late records, seconds.
const SETTLES: f64 = 1_800.0;

/// What ended longer ago notifies nobody, seconds.
const NEWS: f64 = 900.0;

/// What comes back within this is no news, nor is what follows from what people know, seconds.
const AGAIN: f64 = 1_800.0;

/// What people were told is taken back when nothing has spoken for it for so long, seconds: those who were cut off come
/// back one after the other, and the first of them know too little.
const TAKEN_BACK: f64 = 30.0;

/// An incident and what it came from.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) incident: Incident,
    family: Family,
    notified: bool,
    /// When it was first seen, before it opened.
    pub(super) seen: f64,
    is_open: bool,
    /// Since when nothing has spoken for it.
    missing: Option<f64>,
    /// When late records disproved it.
    pub(super) withdrawn: Option<f64>,
    /// Every centre it was ever said of.
    told: BTreeSet<String>,
}

/// All incidents that can still change.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    pub(super) all: Vec<Known>,
    number: u64,
}

/// What the engine knows that causes do not say.
pub(super) struct Names<'a> {
    pub(super) centre: &'a dyn Fn(&str) -> String,
    pub(super) isp: &'a dyn Fn(&str) -> String,
    /// Whether others may be about to fail too, so that it is too early to tell.
    pub(super) is_too_early: &'a dyn Fn(&Cause, f64) -> bool,
}

impl Incidents {
    /// Lays the causes beside the incidents.
    pub(super) fn compare(&mut self, causes: &[Cause], now: f64, names: &Names) -> Vec<Event> {
        let mut events = Vec::new();
        self.all
            .retain(|known| now - known.incident.until.unwrap_or(now) < CHANGES);
        let mut ordered: Vec<&Cause> = causes
            .iter()
            .filter(|cause| now - cause.last < CHANGES)
            .collect();
        ordered.sort_by(|one, other| {
            one.since
                .total_cmp(&other.since)
                .then(one.scope.cmp(&other.scope))
        });
        let (matched, paired) = self.pair(&ordered);
        for (cause, index) in ordered.into_iter().zip(paired) {
            let told = self.was_told(cause);
            let known = match index.and_then(|index| self.all.get_mut(index)) {
                Some(known) => known,
                None => {
                    self.number += 1;
                    let known = Known::new(cause, self.number, now, names);
                    self.all.push(known);
                    let Some(known) = self.all.last_mut() else {
                        continue;
                    };
                    known
                }
            };
            events.extend(known.goes_on(cause, now, told, names));
        }
        for (known, matched) in self.all.iter_mut().zip(&matched) {
            if !matched && known.withdrawn.is_none() {
                let missing = *known.missing.get_or_insert(now);
                if known.is_open && now - missing < TAKEN_BACK {
                    continue;
                }
                known.withdrawn = Some(now);
                if known.is_open || known.incident.until.is_some() {
                    known.is_open = false;
                    let until = known.incident.until.unwrap_or(now);
                    known.incident.until = Some(until.max(known.incident.since));
                    events.push(known.event(now, Happened::Withdraw, false));
                }
            }
        }
        self.all.retain(|known| {
            known
                .withdrawn
                .is_none_or(|at| known.notified && now - at < AGAIN)
        });
        events
    }

    /// Which incident each cause is: first those of the same kind, then those that were held for something akin. Says
    /// also which incidents are still there.
    fn pair(&self, causes: &[&Cause]) -> (Vec<bool>, Vec<Option<usize>>) {
        let mut matched = vec![false; self.all.len()];
        let mut paired = vec![None; causes.len()];
        for akin in [false, true] {
            for (cause, index) in causes.iter().zip(&mut paired) {
                if index.is_some() {
                    continue;
                }
                let free = self.all.iter().zip(&matched).enumerate();
                let same =
                    free.filter(|(_, (known, matched))| !**matched && known.is_same(cause, akin));
                let best = same.max_by_key(|(_, (known, _))| {
                    (
                        known.withdrawn.is_none(),
                        known.notified,
                        known.shares(cause),
                    )
                });
                *index = best.map(|(at, _)| at);
                if let Some(flag) = index.and_then(|at| matched.get_mut(at)) {
                    *flag = true;
                }
            }
        }
        (matched, paired)
    }

    /// Whether people were told of what this follows from, in all its centres.
    fn was_told(&self, cause: &Cause) -> bool {
        self.all.iter().any(|known| {
            let until = known.incident.until.unwrap_or(f64::INFINITY);
            known.notified
                && known.covers(&cause.family)
                && cause.since >= known.incident.since - 300.0
                && cause.since <= until + AGAIN
                && cause.scope.is_subset(&known.told)
        })
    }
}

/// What is a word on the way beyond the centre's router.
fn is_beyond(family: &Family) -> bool {
    matches!(
        family,
        Family::Cut
            | Family::Soft(Segment::Line | Segment::Isp | Segment::Route | Segment::Dns)
            | Family::One(Segment::Service, _)
    )
}

/// What is within the centre.
fn is_within(family: &Family) -> bool {
    matches!(
        family,
        Family::Cut
            | Family::Soft(Segment::Lan | Segment::Gateway)
            | Family::One(Segment::Device, _)
    )
}

impl Known {
    fn new(cause: &Cause, number: u64, now: f64, names: &Names) -> Self {
        let first = cause.scope.first().map_or("", String::as_str);
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let since = cause.since as i64;
        let mut known = Self {
            incident: Incident {
                id: format!("{first}-{since}-{number}"),
                scope: Vec::new(),
                segment: None,
                fault: String::new(),
                culprit: None,
                since: cause.since,
                until: None,
                confidence: 0.0,
                stage: Stage::Provisional,
                alternatives: Vec::new(),
                sentence: crate::sentence::Words::default(),
                action: crate::sentence::Words::default(),
                supports: Vec::new(),
                against: Vec::new(),
                settles: None,
            },
            family: cause.family.clone(),
            notified: false,
            seen: now,
            is_open: false,
            missing: None,
            withdrawn: None,
            told: BTreeSet::new(),
        };
        known.describe(cause, now, names);
        known
    }

    fn shares(&self, cause: &Cause) -> usize {
        self.incident
            .scope
            .iter()
            .filter(|id| cause.scope.contains(*id))
            .count()
    }

    /// Whether this is what the cause is about; `akin`: or was held for something that looks like it.
    fn is_same(&self, cause: &Cause, akin: bool) -> bool {
        let related = if akin {
            (is_beyond(&self.family) && is_beyond(&cause.family))
                || (is_within(&self.family) && is_within(&cause.family))
        } else {
            self.family == cause.family
        };
        let until = self.incident.until.unwrap_or(f64::INFINITY);
        let overlaps = cause.since - 300.0 <= until && self.incident.since <= cause.last + 300.0;
        related && overlaps && self.shares(cause) > 0
    }

    /// Whether whoever knows of this expects that too.
    fn covers(&self, family: &Family) -> bool {
        match &self.family {
            Family::Cut => is_beyond(family) || is_within(family),
            Family::Soft(Segment::Line | Segment::Isp | Segment::Route | Segment::Dns) => {
                is_beyond(family) && *family != Family::Cut
            }
            other => other == family,
        }
    }

    fn goes_on(&mut self, cause: &Cause, now: f64, told: bool, names: &Names) -> Vec<Event> {
        let mut events = Vec::new();
        let before = self.incident.clone();
        let returns = self.withdrawn.take().is_some();
        self.missing = None;
        self.family = cause.family.clone();
        self.describe(cause, now, names);
        self.told.extend(cause.scope.iter().cloned());
        let over = now - cause.last > CLEAN;
        if !self.is_open && before.until.is_none() {
            if !over && (names.is_too_early)(cause, self.seen) {
                return events;
            }
            self.is_open = true;
            let notify = !told && (!over || now - cause.last < NEWS);
            self.notified = notify || told;
            events.push(self.event(now, Happened::Open, notify));
        } else if returns
            || (&before.fault, &before.segment, &before.culprit)
                != (
                    &self.incident.fault,
                    &self.incident.segment,
                    &self.incident.culprit,
                )
        {
            events.push(self.event(now, Happened::Revise, false));
        } else if before.scope != self.incident.scope
            || (before.confidence >= 0.9) != (self.incident.confidence >= 0.9)
        {
            events.push(self.event(now, Happened::Update, false));
        }
        if over {
            let until = cause.last.max(cause.since);
            let stage = if now - until >= SETTLES {
                Stage::Final
            } else {
                Stage::Confirmed
            };
            let news = self.incident.until != Some(until);
            let settled = stage > self.incident.stage && stage == Stage::Final;
            self.incident.until = Some(until);
            self.incident.stage = stage;
            if self.is_open {
                self.is_open = false;
                events.push(self.event(now, Happened::Close, false));
            } else if settled {
                events.push(self.event(now, Happened::Update, false));
            } else if news {
                events.push(self.event(now, Happened::Revise, false));
            }
        } else if self.incident.until.take().is_some() {
            self.is_open = true;
            self.incident.stage = Stage::Provisional;
            events.push(self.event(now, Happened::Update, false));
        }
        events
    }

    /// What is known of it now.
    fn describe(&mut self, cause: &Cause, now: f64, names: &Names) {
        let incident = &mut self.incident;
        incident.scope = cause.scope.iter().cloned().collect();
        incident.segment = cause
            .fault
            .segment()
            .map(|segment| segment.as_str().to_owned());
        incident.fault = cause.fault.as_str().to_owned();
        incident.since = cause.since;
        incident.confidence = (cause.confidence * 100.0).round() / 100.0;
        let first = cause.scope.first().map_or("", String::as_str);
        let isp = (names.isp)(first);
        let beyond =
            matches!(cause.fault.segment(), Some(Segment::Line | Segment::Isp)) && !isp.is_empty();
        incident.culprit = cause
            .culprit
            .clone()
            .or_else(|| beyond.then(|| isp.clone()));
        let alternatives = cause
            .others
            .iter()
            .filter(|(fault, _)| *fault != cause.fault);
        incident.alternatives = alternatives
            .map(|(fault, p)| Alternative {
                segment: fault.segment().map(|segment| segment.as_str().to_owned()),
                fault: fault.as_str().to_owned(),
                p: (p * 100.0).round() / 100.0,
            })
            .collect();
        let centres: Vec<String> = cause.scope.iter().map(|id| (names.centre)(id)).collect();
        let centres: Vec<&str> = centres.iter().map(String::as_str).collect();
        let other: Option<Fault> = cause
            .others
            .iter()
            .map(|(fault, _)| *fault)
            .find(|fault| *fault != cause.fault);
        let told = Told {
            fault: cause.fault,
            segment: cause.fault.segment(),
            culprit: incident.culprit.as_deref(),
            centres: &centres,
            isp: Some(isp.as_str()).filter(|isp| !isp.is_empty()),
            since: cause.since,
            until: (now - cause.last > CLEAN).then_some(cause.last),
            now: None,
            confidence: incident.confidence,
            other,
            silent: cause.silent,
            figure: cause.figure.clone(),
            offset_seconds: 7 * 3_600,
        };
        incident.sentence = incident_sentence(&told);
        incident.action = incident_action(&told);
        incident.supports = cause.supports.iter().take(3).map(because).collect();
        incident.against = cause.against.iter().take(2).map(because).collect();
        incident.settles = other
            .filter(|_| cause.confidence < 0.9)
            .and_then(|other| settles(cause.fault, other));
    }

    fn event(&self, at: f64, event: Happened, notify: bool) -> Event {
        Event {
            at,
            event,
            notify,
            incident: self.incident.clone(),
        }
    }
}
