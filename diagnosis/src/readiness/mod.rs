//! Whether each centre will be ready when its doors open: a verdict an hour, half an hour and ten minutes before, and at
//! the opening itself, for every centre, whatever is known of it.
//!
//! [`Readiness`] takes the same records as the engine and is told the incidents that are not over. **A silent centre is
//! not a ready one**: `ready` needs somebody there who was heard in the last minutes (a *witness*). Where nobody is, a
//! router that answers from outside proves line and power, and the verdict is `unknown` with that reason; where somebody
//! always is and the router always answers and today neither does, it is `not_ready`. Services need no witness at the
//! centre: what others see of them counts.
//!
//! Each verdict is later compared with what the first quarter of an hour really was ([`score`]). Deliberately absent:
//! any clock (time is that of records and of [`Readiness::pass`]), and diagnosis: what is broken where is the engine's.

mod agent;
mod schedule;
pub mod score;
mod services;
mod severity;
mod site;
mod usual;
mod weigh;
mod words;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use self::schedule::{Due, Schedule};
use self::score::{JUDGED, Measurements, Opening, Tally};
use self::services::Services;
use self::site::Site;
use self::weigh::Case;
use crate::calendar::Centre;
use crate::event::{self, Incident, State};
use crate::record::{Kind, Record};

pub use schedule::Step;
pub use words::Weakness;

/// Compared openings that wait to be fetched; the oldest go.
const OPENINGS: usize = 20_000;

/// An opening is compared after a restart that is no later than this after it, seconds.
const GOES_ON: f64 = 6.0 * 3_600.0;

/// How ready every centre is. Call [`pass`](Self::pass) before [`take`](Self::take), so that what is due before a record
/// is judged without it.
#[derive(Debug)]
pub struct Readiness {
    centres: Vec<Watched>,
    positions: HashMap<String, usize>,
    services: Services,
    schedule: Schedule,
    started: bool,
    openings: std::collections::VecDeque<Opening>,
}

/// A centre and what is known of it.
#[derive(Debug)]
struct Watched {
    centre: Centre,
    known: Known,
}

/// What is kept of a centre over a restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    site: Site,
    /// The opening that is near, while it is not compared yet.
    near: Option<Near>,
    tally: Tally,
}

/// An opening that is checked now, or was just now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Near {
    opening: f64,
    verdicts: [Option<State>; 4],
    measured: Measurements,
}

impl Readiness {
    /// Watches these centres. Checks begin with the first time that passes.
    #[must_use]
    pub fn new(centres: Vec<Centre>) -> Self {
        let positions = centres.iter().enumerate();
        let positions = positions.map(|(position, centre)| (centre.id.clone(), position));
        let positions = positions.collect();
        let watched = |centre| Watched {
            centre,
            known: Known::default(),
        };
        Self {
            centres: centres.into_iter().map(watched).collect(),
            positions,
            services: Services::default(),
            schedule: Schedule::default(),
            started: false,
            openings: std::collections::VecDeque::new(),
        }
    }

    /// Takes one record, in the order of arrival. Records of unknown centres are left aside.
    pub fn take(&mut self, record: &Record) {
        self.start(record.arrived);
        let Some(what) = &record.what else { return };
        let Some(position) = self.positions.get(what.centre.as_str()).copied() else {
            return;
        };
        let Some(Watched { centre, known }) = self.centres.get_mut(position) else {
            return;
        };
        let day = centre.calendar.local(what.t).date.day();
        known.site.take(record.arrived, what, day);
        let Kind::Measured(measured) = &what.kind else {
            return;
        };
        if (record.arrived - what.t).abs() <= 180.0 {
            for round in &measured.services {
                self.services.add(what.t, position, round);
            }
        }
        if let Some(near) = &mut known.near
            && (near.opening..=near.opening + JUDGED).contains(&what.t)
        {
            near.measured.add(measured);
        }
    }

    /// Says what is due by now: a verdict for each check of each centre, none left out, however far time jumped.
    /// `incidents`: those that are not final, as the engine gives them; the ones that are over are told apart here.
    pub fn pass(&mut self, now: f64, incidents: &[Incident]) -> Vec<event::Readiness> {
        self.start(now);
        let Some(mut due) = self.schedule.pop(now) else {
            return Vec::new();
        };
        let by_centre = self.by_centre(incidents);
        let wide: Vec<&Incident> = incidents
            .iter()
            .filter(|it| severity::is_wide(it))
            .collect();
        let mut verdicts = Vec::new();
        loop {
            let of_centre = by_centre.get(&due.centre).map_or(&[][..], Vec::as_slice);
            let of_centre = self.with_wide(due.centre, due.at, of_centre, &wide);
            verdicts.extend(self.check(&due, now, &of_centre));
            if let Some(watched) = self.centres.get(due.centre) {
                self.schedule.follow(&due, &watched.centre.calendar);
            }
            match self.schedule.pop(now) {
                Some(next) => due = next,
                None => return verdicts,
            }
        }
    }

    /// Openings that were compared since this was asked last, the oldest first.
    pub fn openings(&mut self) -> Vec<Opening> {
        self.openings.drain(..).collect()
    }

    /// The record of a centre.
    #[must_use]
    pub fn tally(&self, centre: &str) -> Option<&Tally> {
        let watched = self.centres.get(*self.positions.get(centre)?)?;
        Some(&watched.known.tally)
    }

    /// How many machines of a centre are there to say anything, and of them how many by cable.
    #[must_use]
    pub fn witnesses(&self, centre: &str, now: f64) -> (usize, usize) {
        let position = self.positions.get(centre);
        let Some(watched) = position.and_then(|position| self.centres.get(*position)) else {
            return (0, 0);
        };
        let witnesses = || watched.known.site.witnesses(now);
        let wired = witnesses().filter(|(_, agent)| !agent.wifi).count();
        (witnesses().count(), wired)
    }

    /// Tells what is known of a centre otherwise than by records, in place of what was told before.
    pub fn know(&mut self, centre: &str, weaknesses: Vec<Weakness>) {
        let position = self.positions.get(centre);
        if let Some(watched) = position.and_then(|position| self.centres.get_mut(*position)) {
            watched.known.site.know(weaknesses);
        }
    }

    /// How it looks at a centre at any moment: as a check would say, without being one.
    #[must_use]
    pub fn look(&self, centre: &str, now: f64, incidents: &[Incident]) -> Option<event::Readiness> {
        let position = *self.positions.get(centre)?;
        let watched = self.centres.get(position)?;
        let hits = |incident: &&Incident| incident.scope.iter().any(|id| id == centre);
        let of_centre: Vec<&Incident> = incidents.iter().filter(hits).collect();
        let wide: Vec<&Incident> = incidents
            .iter()
            .filter(|it| severity::is_wide(it))
            .collect();
        let of_centre = self.with_wide(position, now, &of_centre, &wide);
        Some(self.judge(watched, Step::Opening, now, now, &of_centre))
    }

    /// Everything that is to survive a restart, centre by centre.
    #[must_use]
    pub fn save(&self) -> Vec<(String, Known)> {
        let centres = self.centres.iter();
        let saved = centres.map(|watched| (watched.centre.id.clone(), watched.known.clone()));
        saved.collect()
    }

    /// Takes back what was saved; centres that are gone are left aside.
    pub fn restore(&mut self, saved: Vec<(String, Known)>) {
        for (id, known) in saved {
            let position = self.positions.get(&id);
            if let Some(watched) = position.and_then(|position| self.centres.get_mut(*position)) {
                watched.known = known;
            }
        }
    }

    fn start(&mut self, now: f64) {
        if self.started || !now.is_finite() {
            return;
        }
        self.started = true;
        for (position, watched) in self.centres.iter().enumerate() {
            let near = watched.known.near.as_ref().map(|near| near.opening);
            match near.filter(|opening| (0.0..GOES_ON).contains(&(now - opening))) {
                Some(opening) => self.schedule.go_on(position, opening),
                None => self.schedule.begin(position, &watched.centre.calendar, now),
            }
        }
    }

    fn by_centre<'i>(&self, incidents: &'i [Incident]) -> HashMap<usize, Vec<&'i Incident>> {
        let mut by_centre: HashMap<usize, Vec<&Incident>> = HashMap::new();
        for incident in incidents {
            for position in incident
                .scope
                .iter()
                .filter_map(|id| self.positions.get(id))
            {
                by_centre.entry(*position).or_default().push(incident);
            }
        }
        by_centre
    }

    /// With those that hit more than is known yet: of its ISP, where nobody is heard; who is heard is judged by what it
    /// says. And of services that fail for many, where people need them and nobody got through since.
    fn with_wide<'i>(
        &self,
        centre: usize,
        at: f64,
        incidents: &[&'i Incident],
        wide: &[&'i Incident],
    ) -> Vec<&'i Incident> {
        let mut all = incidents.to_vec();
        let Some(Watched { centre, known }) = self.centres.get(centre) else {
            return all;
        };
        let is_heard = known.site.witnesses(at).next().is_some();
        for incident in wide {
            let is_known = all.iter().any(|known| std::ptr::eq(*known, *incident));
            let service = severity::service(incident).and_then(|it| known.site.services.get(it));
            let may_fail = service.is_some_and(|seen| seen.is_unproven(incident.since));
            let is_of_isp = !is_heard && severity::is_of_isp(incident, &centre.isp);
            if !is_known && (is_of_isp || may_fail) {
                all.push(incident);
            }
        }
        all
    }

    fn check(&mut self, due: &Due, now: f64, incidents: &[&Incident]) -> Option<event::Readiness> {
        let Some(check) = Step::CHECKS.iter().position(|step| *step == due.step) else {
            self.compare(due, incidents);
            return None;
        };
        let watched = self.centres.get(due.centre)?;
        let verdict = self.judge(watched, due.step, due.at, now, incidents);
        let Known { site, near, .. } = &mut self.centres.get_mut(due.centre)?.known;
        let near = near.get_or_insert_default();
        if near.opening != due.opening {
            *near = Near {
                opening: due.opening,
                ..Near::default()
            };
        }
        if let Some(slot) = near.verdicts.get_mut(check) {
            *slot = Some(verdict.state);
        }
        let present = site.witnesses(due.at).next().is_some();
        if let Some(habit) = site.present.get_mut(check) {
            habit.add(present);
        }
        let answers = site.router_answers(due.at);
        if let (Some((answers, _)), Some(habit)) = (answers, site.answers.get_mut(check)) {
            habit.add(answers);
        }
        Some(verdict)
    }

    fn judge(
        &self,
        watched: &Watched,
        step: Step,
        at: f64,
        now: f64,
        incidents: &[&Incident],
    ) -> event::Readiness {
        let is_active = |incident: &&&Incident| {
            incident.since <= at && incident.until.is_none_or(|until| until > at)
        };
        let active: Vec<&Incident> = incidents.iter().filter(is_active).copied().collect();
        let case = Case {
            site: &watched.known.site,
            calendar: &watched.centre.calendar,
            services: &self.services,
            incidents: &active,
            step,
            now: at,
        };
        let (state, finding) = case.verdict();
        event::Readiness {
            at: now,
            centre: watched.centre.id.clone(),
            check: step.check().unwrap_or_default().to_owned(),
            state,
            reason: finding.reason(),
        }
    }

    /// Compares the verdicts of an opening with what it was.
    fn compare(&mut self, due: &Due, incidents: &[&Incident]) {
        let Some(watched) = self.centres.get_mut(due.centre) else {
            return;
        };
        let near = watched.known.near.take();
        let Some(near) = near.filter(|near| near.opening == due.opening) else {
            return;
        };
        let opening = Opening {
            centre: watched.centre.id.clone(),
            at: near.opening,
            truth: score::truth(&near.measured, incidents, near.opening),
            verdicts: near.verdicts,
        };
        watched.known.tally.add(&opening);
        if self.openings.len() >= OPENINGS {
            self.openings.pop_front();
        }
        self.openings.push_back(opening);
    }
}

#[cfg(test)]
mod tests;
