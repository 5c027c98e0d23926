//! From what is known to a verdict. The order of the questions is the reasoning: is anybody there to say so; is
//! something known to be broken; does what people need work; is it as good as usual; is a part missing.

use super::agent::{Agent, Echoes};
use super::schedule::Step;
use super::services::Services;
use super::severity::{self, Severity};
use super::site::Site;
use super::words::Finding;
use crate::Fault;
use crate::calendar::Calendar;
use crate::event::{Incident, State};

/// Echoes without which loss is nothing but luck.
const ENOUGH: f64 = 40.0;

/// How long after a cut began somebody must be heard to disprove it, seconds.
const DISPROVES: f64 = 120.0;

/// A router that goes silent so shortly before opening did not do so because the mains are cut at night, seconds.
const MORNING: f64 = 3.0 * 3600.0;

/// A clock that is so far off makes certificates fail, seconds.
const CLOCK: f64 = 300.0;

/// What a line whose weeks are not known yet is taken to lose, and to delay (milliseconds), on a usual day.
const UNKNOWN: (f64, f64) = (0.015, 250.0);

/// Everything a verdict is made of.
pub(super) struct Case<'c> {
    pub(super) site: &'c Site,
    pub(super) calendar: &'c Calendar,
    pub(super) services: &'c Services,
    /// Those of this centre that are not over.
    pub(super) incidents: &'c [&'c Incident],
    pub(super) step: Step,
    pub(super) now: f64,
}

impl Case<'_> {
    /// The verdict, and what it is made of.
    pub(super) fn verdict(&self) -> (State, Finding) {
        let witnesses: Vec<&Agent> = self
            .site
            .witnesses(self.now)
            .map(|(_, agent)| agent)
            .collect();
        if witnesses.is_empty() {
            return self.unseen();
        }
        let verdict = self
            .broken(&witnesses)
            .or_else(|| self.useless(&witnesses))
            .or_else(|| self.soft(&witnesses))
            .or_else(|| self.one_service())
            .or_else(|| self.worse_than_usual(&witnesses))
            .or_else(|| self.incident(Severity::Part, State::AtRisk))
            .or_else(|| self.parts(&witnesses));
        let count = witnesses.len();
        verdict.unwrap_or((State::Ready, Finding::Well { witnesses: count }))
    }

    /// Nobody is there: what is known all the same.
    fn unseen(&self) -> (State, Finding) {
        let answers = self.site.router_answers(self.now);
        let proven = answers.filter(|(answered, _)| *answered);
        // An answer from the router disproves what cuts it off, not what is wrong behind it.
        let stands = |incident: &&&Incident| {
            let cut_off = severity::silences(severity::fault(incident))
                && severity::fault(incident) != Fault::LanDown;
            !cut_off || proven.is_none_or(|(_, at)| at <= incident.since)
        };
        let of = |severity| {
            let mut incidents = self.incidents.iter().filter(stands);
            incidents.find(move |incident| severity::of(severity::fault(incident)) == severity)
        };
        if let Some(incident) = of(Severity::Hard) {
            return (State::NotReady, Finding::incident(incident));
        }
        if self.services.are_all_down(self.now) {
            return (State::NotReady, Finding::NoServices { everywhere: true });
        }
        if let Some(incident) = of(Severity::Soft) {
            let blind = severity::fault(incident) == Fault::CollectorDown;
            let state = if blind { State::Unknown } else { State::AtRisk };
            return (state, Finding::incident(incident));
        }
        if proven.is_some() {
            return (State::Unknown, Finding::LineProven);
        }
        if self.site.router_went_silent(self.now - MORNING, self.now) {
            return (State::NotReady, Finding::WentDark);
        }
        match self.habits() {
            Some((true, true)) if answers.is_some() => (State::NotReady, Finding::Dark),
            habits => {
                let usual = habits.is_some_and(|(present, _)| present);
                (State::Unknown, Finding::NoWitness { usual })
            }
        }
    }

    /// Whether at this check somebody is always there, and the router always answers.
    fn habits(&self) -> Option<(bool, bool)> {
        let check = Step::CHECKS.iter().position(|step| *step == self.step)?;
        let (present, answers) = (self.site.present.get(check)?, self.site.answers.get(check)?);
        Some((present.is_firm(), answers.is_firm()))
    }

    /// Something is known to be broken. Who is heard long after everything was cut off was not cut off: then it comes
    /// and goes.
    fn broken(&self, witnesses: &[&Agent]) -> Option<(State, Finding)> {
        let incident = self
            .incidents
            .iter()
            .find(|incident| severity::of(severity::fault(incident)) == Severity::Hard)?;
        let since = incident.since + DISPROVES;
        let disproved = severity::silences(severity::fault(incident))
            && witnesses.iter().any(|agent| agent.heard > since);
        let state = if disproved {
            State::AtRisk
        } else {
            State::NotReady
        };
        Some((state, Finding::incident(incident)))
    }

    /// Something is known to be weak. Who is heard shows that the collector is not what is down.
    fn soft(&self, witnesses: &[&Agent]) -> Option<(State, Finding)> {
        let stands = |incident: &&&Incident| {
            let fault = severity::fault(incident);
            let heard = |agent: &&Agent| agent.heard > incident.since + DISPROVES;
            severity::of(fault) == Severity::Soft
                && !(fault == Fault::CollectorDown && witnesses.iter().any(heard))
        };
        let incident = self.incidents.iter().find(stands)?;
        Some((State::AtRisk, Finding::incident(incident)))
    }

    fn incident(&self, severity: Severity, state: State) -> Option<(State, Finding)> {
        let mut incidents = self.incidents.iter();
        let found =
            incidents.find(|incident| severity::of(severity::fault(incident)) == severity)?;
        Some((state, Finding::incident(found)))
    }

    /// The network is there, and nothing people need can be used.
    fn useless(&self, witnesses: &[&Agent]) -> Option<(State, Finding)> {
        let nameless = witnesses
            .iter()
            .filter(|agent| agent.finds_no_names(3))
            .count();
        let named = witnesses.iter().any(|agent| agent.finds_names());
        if nameless > 0 && !named {
            let sure = nameless > 1 || witnesses.iter().any(|agent| agent.finds_no_names(6));
            let state = if sure { State::NotReady } else { State::AtRisk };
            return Some((state, Finding::NoNames));
        }
        let recent = || {
            self.site
                .services
                .iter()
                .filter(|(_, seen)| seen.is_recent(self.now))
        };
        if recent().next().is_none() || !recent().all(|(_, seen)| seen.fails_now()) {
            return None;
        }
        let everywhere = recent().all(|(name, _)| self.services.is_down_everywhere(name, self.now));
        let lasts = recent().all(|(_, seen)| seen.fails());
        let sure = everywhere || (lasts && recent().any(|(_, seen)| seen.is_sure()));
        let state = if sure { State::NotReady } else { State::AtRisk };
        Some((state, Finding::NoServices { everywhere }))
    }

    /// One service of several cannot be used.
    fn one_service(&self) -> Option<(State, Finding)> {
        let mut services = self.site.services.iter();
        let (name, _) = services
            .find(|(_, seen)| seen.is_recent(self.now) && seen.fails() && seen.is_sure())?;
        let finding = Finding::ServiceFails {
            service: name.clone(),
            everywhere: self.services.is_down_everywhere(name, self.now),
        };
        Some((State::AtRisk, finding))
    }

    /// It loses or delays more than the centre usually does.
    fn worse_than_usual(&self, witnesses: &[&Agent]) -> Option<(State, Finding)> {
        let today = self.calendar.local(self.now).date.day();
        let gateway = pooled(witnesses, |agent| &agent.gateway);
        let outside = pooled(witnesses, |agent| &agent.outside);
        let ways = [
            (true, gateway, self.site.usual_gateway.before(today)),
            (false, outside, self.site.usual_outside.before(today)),
        ];
        for (inside, echoes, usual) in ways {
            if echoes.sent < ENOUGH {
                continue;
            }
            let (usual_loss, usual_delay) = usual.unwrap_or(UNKNOWN);
            let loss = echoes.loss().unwrap_or_default();
            if loss > (usual_loss * 2.0 + 0.01).max(0.03) && echoes.lost >= 4.0 {
                return Some((
                    State::AtRisk,
                    Finding::Loses {
                        inside,
                        ratio: loss,
                    },
                ));
            }
            let delay = echoes.delay().unwrap_or_default();
            if delay > (usual_delay * 3.0).max(usual_delay + 100.0) {
                return Some((
                    State::AtRisk,
                    Finding::Slow {
                        inside,
                        milliseconds: delay,
                    },
                ));
            }
        }
        None
    }

    /// Everything works; something that belongs to it does not.
    fn parts(&self, witnesses: &[&Agent]) -> Option<(State, Finding)> {
        let on_battery = |agent: &&Agent| agent.on_battery == Some(true);
        if witnesses.len() > 1 && witnesses.iter().all(on_battery) {
            return Some((State::AtRisk, Finding::OnBattery));
        }
        let wrong = |agent: &&&Agent| agent.clock_offset.abs() > CLOCK;
        if witnesses.iter().filter(wrong).count() * 2 > witnesses.len() {
            return Some((State::AtRisk, Finding::Clocks));
        }
        if let Some((printer, condition)) = self.site.blocked_printer(self.now) {
            let finding = Finding::Printer {
                printer: printer.to_owned(),
                condition: condition.to_owned(),
            };
            return Some((State::AtRisk, finding));
        }
        let told = self.site.weaknesses.first()?;
        Some((State::AtRisk, Finding::Told(told.clone())))
    }
}

/// The echoes of all who are there; of three and more without the worst of them: one sick PC is not its centre.
fn pooled(witnesses: &[&Agent], of: impl Fn(&Agent) -> &Echoes) -> Echoes {
    let measured = |agent: &&&Agent| of(agent).sent > 0.0;
    let mut all: Vec<&Echoes> = witnesses
        .iter()
        .filter(measured)
        .map(|agent| of(agent))
        .collect();
    all.sort_by(|a, b| {
        a.loss()
            .unwrap_or_default()
            .total_cmp(&b.loss().unwrap_or_default())
    });
    if all.len() >= 3 {
        all.pop();
    }
    let mut sum = Echoes::default();
    for echoes in all {
        sum.join(echoes);
    }
    sum
}
