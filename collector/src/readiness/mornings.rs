//! Drives the readiness of all centres beside the diagnosis: with the same records, in the same order, at the same time.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use diagnosis::calendar::{Calendar, Centre};
use diagnosis::event::{Incident, Readiness};
use diagnosis::readiness::score::{self, Opening, Score};
use diagnosis::readiness::{self, Step};
use diagnosis::record::Record;
use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use tokio::sync::watch;
use tracing::info;

use super::beside::{Beside, Ways, beside};
use super::board::{Board, Fares, Morning, Standing, Witnesses};
use super::kept::{File, Said, Saved};
use super::metrics::Metrics;
use super::roll::Roll;
use super::{owner_of, word};
use crate::directory::Agents;
use crate::latest::Latest;
use crate::plans::Plans;
use crate::registry::{KeptOpening, Registry};

/// How often everything is looked at anew, seconds; checks and changes of incidents do not wait for it.
const LOOKS: f64 = 10.0;

/// How often what is known is written, seconds.
const SAVES: f64 = 300.0;

/// A check that is told so late is still one of its opening, seconds: a collector that was away catches up with no more.
const LATE: f64 = 7_200.0;

/// From so long before opening a centre is in the digest, seconds.
const ABOUT: f64 = 5_400.0;

/// After a start agents have so long to come back before the digest is made, unless doors open sooner, seconds.
const GATHER: f64 = 120.0;

/// An opening is compared, and shown, until so long after it, however soon the doors close, seconds.
const COMPARED: f64 = 3_000.0;

/// What readiness needs beside records.
#[derive(Debug)]
pub struct Setup {
    /// The data folder.
    pub data: PathBuf,
    /// Where openings are kept.
    pub registry: Registry,
    /// Who can be asked for what.
    pub plans: Arc<Plans>,
    /// What is measured now.
    pub latest: Arc<Latest>,
    /// Who has an agent.
    pub agents: watch::Receiver<Agents>,
    /// The machines that are to be awake before opening.
    pub witnesses: HashMap<CentreId, DeviceId>,
    /// How verdicts fared.
    pub metrics: Metrics,
}

/// All centres before they open.
#[derive(Debug)]
pub struct Mornings {
    board: Board,
    readiness: readiness::Readiness,
    /// By id.
    centres: BTreeMap<String, Known>,
    /// What was known when the collector stopped, until its centres are told.
    before: Saved,
    roll: Roll,
    ways: Ways,
    metrics: Metrics,
    /// Until when time has passed; records that arrived before were taken.
    at: f64,
    /// When time passed first.
    started: Option<f64>,
    looked: f64,
    saved: f64,
}

/// A centre and what was said of it.
#[derive(Debug)]
struct Known {
    id: CentreId,
    centre: Centre,
    said: Said,
}

impl Mornings {
    /// Of no centres yet, with what was known when the collector stopped; and what is to run beside.
    #[must_use]
    pub fn new(board: Board, setup: Setup) -> (Self, Beside) {
        let Setup {
            data,
            registry,
            plans,
            latest,
            agents,
            witnesses,
            metrics,
        } = setup;
        let file = File::within(&data);
        let before = file.read();
        let unkept = metrics.unkept.clone();
        let (ways, beside) = beside(registry, Arc::clone(&latest), file, unkept);
        let mornings = Self {
            board,
            readiness: readiness::Readiness::new(Vec::new()),
            centres: BTreeMap::new(),
            at: before.as_ref().map_or(f64::NEG_INFINITY, |saved| saved.at),
            before: before.unwrap_or_default(),
            roll: Roll::new(plans, latest, agents, witnesses, metrics.clone()),
            ways,
            metrics,
            started: None,
            looked: f64::NEG_INFINITY,
            saved: f64::NEG_INFINITY,
        };
        (mornings, beside)
    }

    /// Of these centres from now on; what was known of them stays. To be followed by [`replay`](Self::replay) of what
    /// the diagnosis begins with, from `from` on.
    pub fn begin(&mut self, centres: &[Centre], from: f64) {
        let Saved { known, said, .. } = if self.centres.is_empty() {
            std::mem::take(&mut self.before)
        } else {
            self.save()
        };
        self.readiness = readiness::Readiness::new(centres.to_vec());
        self.readiness.restore(known);
        let mut said: HashMap<String, Said> = said.into_iter().collect();
        let known = centres.iter().filter_map(|centre| {
            let known = Known {
                id: centre.id.parse().ok()?,
                said: said.remove(&centre.id).unwrap_or_default(),
                centre: centre.clone(),
            };
            Some((centre.id.clone(), known))
        });
        self.centres = known.collect();
        self.ways.facts.mark_changed();
        self.looked = f64::NEG_INFINITY;
        if self.at.is_finite() {
            // Checks go on where they stopped, as far as it is known what was measured since.
            self.at = self.at.max(from);
            self.check(self.at, &[]);
        }
    }

    /// Takes a record of before the start, once; `incidents`: as they were known then.
    pub fn replay(&mut self, record: &Record, incidents: impl FnOnce() -> Vec<Incident>) {
        if record.arrived <= self.at {
            return;
        }
        if record.arrived - self.looked >= LOOKS || !self.looked.is_finite() {
            self.looked = record.arrived;
            self.check(record.arrived, &incidents());
        }
        self.readiness.take(record);
    }

    /// Takes a record, after the time until it has passed.
    pub fn take(&mut self, record: &Record) {
        self.readiness.take(record);
    }

    /// An incident changed: what is shown is looked at anew with the next second.
    pub fn stir(&mut self) {
        self.looked = f64::NEG_INFINITY;
    }

    /// Lets time pass. `incidents`: those that can still change, over ones among them.
    pub fn pass(&mut self, now: f64, incidents: &[Incident]) {
        self.at = now;
        self.learn();
        let checked = self.check(now, incidents);
        if checked || now - self.looked >= LOOKS || now < self.looked {
            self.looked = now;
            self.look(now, incidents);
        }
        if now - self.saved >= SAVES || now < self.saved {
            // The first time there is nothing new.
            if self.saved.is_finite() {
                // When the last is not written yet, the next one will be newer.
                let _ = self
                    .ways
                    .saved
                    .try_reserve()
                    .map(|place| place.send(self.save()));
            }
            self.saved = now;
        }
    }

    /// Hands over what is to survive a restart. Waits, so not to be called by a task.
    pub fn finish(self) {
        let saved = self.save();
        // Whoever wrote is gone with an error of its own.
        let _ = self.ways.saved.blocking_send(saved);
    }

    /// What is known of disks and supplies.
    fn learn(&mut self) {
        self.roll.call();
        if !self.ways.facts.has_changed().unwrap_or(false) {
            return;
        }
        let facts = Arc::clone(&self.ways.facts.borrow_and_update());
        for id in self.centres.keys() {
            let weaknesses = facts.get(id).cloned().unwrap_or_default();
            self.readiness.know(id, weaknesses);
        }
    }

    /// Says what is due, and compares what was said; whether there was anything.
    fn check(&mut self, now: f64, incidents: &[Incident]) -> bool {
        let verdicts = self.readiness.pass(now, incidents);
        let openings = self.readiness.openings();
        let any = !verdicts.is_empty() || !openings.is_empty();
        for verdict in verdicts {
            self.said(verdict);
        }
        for opening in openings {
            self.compared(&opening);
        }
        any
    }

    fn said(&mut self, verdict: Readiness) {
        info!(
            centre = verdict.centre,
            check = verdict.check,
            state = word(verdict.state),
            code = verdict.reason.code,
            "{}",
            verdict.reason.sentence.en
        );
        let Some(known) = self.centres.get_mut(&verdict.centre) else {
            return;
        };
        known.turn_to(known.centre.calendar.next_opening(verdict.at - LATE));
        if Some(verdict.check.as_str()) == Step::Hour.check() {
            let (awake, _) = self.readiness.witnesses(&verdict.centre, verdict.at);
            known.said.coverage.add(awake > 0);
        }
        let checks = &mut known.said.checks;
        checks.retain(|check| check.check != verdict.check);
        checks.push(verdict);
        let kept = known_opening(known, None);
        self.keep(kept);
    }

    fn compared(&mut self, opening: &Opening) {
        let checks = Step::CHECKS.into_iter().filter_map(Step::check);
        let scores = opening.verdicts.map(|verdict| {
            let state = verdict?;
            Some(
                opening
                    .truth
                    .map_or("unseen", |truth| score_word(score::compare(state, truth))),
            )
        });
        for (check, score) in checks.zip(scores) {
            if let Some(score) = score {
                self.metrics
                    .verdicts
                    .with_label_values(&[check, score])
                    .inc();
            }
        }
        let known = self.centres.get_mut(&opening.centre);
        let Some(known) = known.filter(|known| known.said.opening == Some(opening.at)) else {
            return;
        };
        known.said.truth = opening.truth;
        let [_, _, ten_minutes, _] = scores;
        let kept = known_opening(known, ten_minutes);
        self.keep(kept);
    }

    fn keep(&self, opening: Option<KeptOpening>) {
        if let Some(opening) = opening
            && self.ways.openings.try_send(opening).is_err()
        {
            self.metrics.unkept.inc();
        }
    }

    /// Looks at all centres, and publishes it.
    fn look(&mut self, now: f64, incidents: &[Incident]) {
        let mut morning = Morning {
            at: now,
            ..Morning::default()
        };
        let mut verdicts = Vec::new();
        let mut is_soon = false;
        let has_gathered = now - *self.started.get_or_insert(now) >= GATHER;
        for (id, known) in &mut self.centres {
            let Some(verdict) = self.readiness.look(id, now, incidents) else {
                continue;
            };
            let opening = opening(&known.centre.calendar, now);
            known.turn_to(opening);
            if let Some(opening) = opening
                && known.said.woken.is_none()
                && self.roll.wake(&known.id, opening, now)
            {
                known.said.woken = Some(now);
            }
            let tally = self.readiness.tally(id);
            let fares = tally.map_or_else(Fares::default, Fares::of);
            morning.fares.add(fares);
            let witnesses = witnesses(known, &self.roll, self.readiness.witnesses(id, now));
            let standing = known.standing(verdict, witnesses, fares);
            if opening.is_some_and(|opening| now >= opening - ABOUT) {
                verdicts.push(standing.verdict.clone());
            }
            is_soon |= opening.is_some_and(|opening| now >= opening - GATHER);
            morning.centres.insert(id.clone(), Arc::new(standing));
        }
        if !has_gathered && !is_soon {
            verdicts.clear();
        }
        self.board.publish(morning, verdicts);
    }

    fn save(&self) -> Saved {
        let said = self.centres.iter();
        let said = said.map(|(id, known)| (id.clone(), known.said.clone()));
        Saved {
            at: self.at,
            known: self.readiness.save(),
            said: said.collect(),
        }
    }
}

impl Known {
    /// It is about this opening from now on.
    fn turn_to(&mut self, opening: Option<f64>) {
        if self.said.opening != opening {
            self.said = Said {
                opening,
                coverage: std::mem::take(&mut self.said.coverage),
                ..Said::default()
            };
        }
    }

    /// As it is shown. Where nobody is awake, and often so, what to do about that is said too.
    fn standing(&self, mut verdict: Readiness, witnesses: Witnesses, fares: Fares) -> Standing {
        let newest = self.said.checks.last();
        verdict.check = newest.map_or_else(String::new, |check| check.check.clone());
        let is_unseen = matches!(
            verdict.reason.code.as_str(),
            "no_witness" | "line_proven_no_pc"
        );
        if let Some(advice) = witnesses.advice.as_ref().filter(|_| is_unseen) {
            let action = &mut verdict.reason.action;
            action.vi = format!("{} {}", action.vi, advice.vi);
            action.en = format!("{} {}", action.en, advice.en);
        }
        Standing {
            owner: owner_of(&verdict.reason),
            verdict,
            opening: self.said.opening,
            checks: self.said.checks.clone(),
            truth: self.said.truth,
            witnesses,
            fares,
        }
    }
}

fn witnesses(known: &Known, roll: &Roll, (awake, wired): (usize, usize)) -> Witnesses {
    let (openings, missed) = known.said.coverage.counts();
    let Said {
        coverage, opening, ..
    } = &known.said;
    Witnesses {
        // Who is heard and not enrolled any more says something all the same.
        expected: roll.expected(&known.id).max(awake),
        awake,
        wired,
        named: roll.named(&known.id).map(ToString::to_string),
        openings,
        missed,
        advice: coverage.advice(&known.centre.calendar, *opening),
        woken: known.said.woken,
    }
}

/// As the registry keeps it; nothing while nothing was said.
fn known_opening(known: &Known, score: Option<&str>) -> Option<KeptOpening> {
    let Said {
        opening,
        checks,
        truth,
        ..
    } = &known.said;
    let at = (*opening)?;
    (!checks.is_empty()).then_some(())?;
    Some(KeptOpening {
        centre: known.centre.id.clone(),
        at: timestamp(at)?,
        checks: checks.clone(),
        truth: *truth,
        score: score.map(str::to_owned),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "openings are at whole seconds"
)]
fn timestamp(unix_seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(unix_seconds.round() as i64).ok()
}

fn score_word(score: Score) -> &'static str {
    match score {
        Score::Right => "right",
        Score::TooDark => "too_dark",
        Score::TooBright => "too_bright",
        Score::Unanswered => "unanswered",
    }
}

/// The opening a centre is about: that of today until its doors close and it was compared, then the next.
fn opening(calendar: &Calendar, now: f64) -> Option<f64> {
    let today = calendar.local(now).date;
    let opening = calendar.opening(today);
    let until = calendar.closing(today).zip(opening);
    match until {
        Some((closing, opening)) if now < closing.max(opening + COMPARED) => Some(opening),
        _ => calendar.next_opening(now),
    }
}
