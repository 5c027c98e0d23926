//! One card of the morning board: a trouble, what to do first, who does it, and the centres that have it.

use diagnosis::event::Incident;
use maud::{Markup, html};

use super::super::fault::{address, in_turn, who};
use super::super::{Visitor, mark, steps};
use super::{Group, Verdict, state_texts};
use crate::readiness::doers_of;
use crate::registry::Centre;
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::{fill, verdict};

/// Centres of one card that have room.
const MOST_PLACES: usize = 60;

/// Further ahead than this, an opening is told by its time and not by how long it takes, seconds.
const SOON: i64 = 6 * 3_600;

/// Centres with the same trouble.
pub(super) struct Card<'a> {
    pub(super) group: Group,
    /// Of one of them: the same for all but for what is of each centre.
    pub(super) verdict: &'a Verdict,
    pub(super) places: Vec<(&'a Centre, &'a Verdict)>,
}

impl Card<'_> {
    /// What opens first comes first.
    pub(super) fn sort(&mut self) {
        self.places.sort_by(|(one, first), (other, second)| {
            let at = |verdict: &Verdict| verdict.opening.unwrap_or(f64::INFINITY);
            let by_opening = at(first).total_cmp(&at(second));
            by_opening.then_with(|| one.name.cmp(&other.name))
        });
    }

    /// When the first of them opens.
    pub(super) fn opening(&self) -> f64 {
        let openings = self
            .places
            .iter()
            .filter_map(|(_, verdict)| verdict.opening);
        openings.fold(f64::INFINITY, f64::min)
    }

    pub(super) fn show(&self, web: &Web, visitor: &Visitor) -> Markup {
        let reason = &self.verdict.verdict.reason;
        let (standing, state) = state_texts(visitor, self.verdict.verdict.state);
        let well = self.group == Group::Well;
        let incident = self.incident(web);
        html! {
            article.call.(standing.code()) {
                @match self.places.as_slice() {
                    [(centre, of)] => h3 {
                        a href={ "/centres/" (centre.id) } { (centre.name) }
                        " " span class={ "badge " (standing.code()) } { (mark(standing)) (state) }
                        " " small { (opens(web, visitor, of)) }
                    },
                    _ => h3 {
                        (fill(visitor.say(verdict::PLACES), &[&self.places.len().to_string()]))
                        " " span class={ "badge " (standing.code()) } { (mark(standing)) (state) }
                    },
                }
                @if !well {
                    p { (visitor.words(&reason.sentence)) }
                    div.first {
                        p { b { (visitor.say(verdict::DO_FIRST)) ": " } (steps::first(visitor.words(&reason.action))) }
                        (steps::rest(visitor.words(&reason.action)))
                    }
                    p.who {
                        @if let Some(who) = self.who(visitor, incident.as_ref()) {
                            (visitor.say(verdict::WHO)) ": " b { (who) }
                        }
                        @if let Some(incident) = &incident {
                            " " a href=(address(&incident.id)) { (visitor.say(verdict::SEE_FAULT)) " ›" }
                        }
                    }
                }
                (self.centres(web, visitor))
            }
        }
    }

    /// The centres, unless it is one, which is above; its witnesses then.
    fn centres(&self, web: &Web, visitor: &Visitor) -> Markup {
        let hidden = self.places.len().saturating_sub(MOST_PLACES);
        html! {
            @if let [(_, of)] = self.places.as_slice() {
                p.note { (witnesses(web, visitor, of)) }
            } @else {
                ul.places {
                    @for (centre, of) in self.places.iter().take(MOST_PLACES) {
                        li {
                            a href={ "/centres/" (centre.id) } { (centre.name) }
                            @if self.group != Group::Well { " " small { (opens(web, visitor, of)) } }
                        }
                    }
                    @if hidden > 0 { li { (fill(visitor.say(verdict::PLACES_TOO), &[&hidden.to_string()])) } }
                }
            }
        }
    }

    /// Who acts, one after the other.
    fn who(&self, visitor: &Visitor, incident: Option<&Incident>) -> Option<String> {
        let known = incident.and_then(|incident| who(visitor, incident));
        let doers = doers_of(&self.verdict.verdict.reason);
        known.or_else(|| (!doers.is_empty()).then(|| in_turn(visitor, &doers, None)))
    }

    /// The fault that is open and is the reason.
    fn incident(&self, web: &Web) -> Option<Incident> {
        let reason = &self.verdict.verdict.reason;
        let (first, _) = self.places.first()?;
        let open = web.faults.open_now();
        let mut all = open.values().map(|standing| &standing.incident);
        let found = all.find(|incident| {
            incident.fault == reason.code && incident.scope.iter().any(|id| id == first.id.as_str())
        });
        found.map(|incident| Incident::clone(incident))
    }
}

/// How long until its doors open, or when.
pub(super) fn opens(web: &Web, visitor: &Visitor, of: &Verdict) -> String {
    let Some(at) = of.opening.and_then(timestamp_of) else {
        return visitor.say(verdict::HOURS_UNKNOWN).to_owned();
    };
    let left = at.as_second() - (web.now)().as_second();
    match left {
        ..=0 => visitor.say(verdict::OPENED).to_owned(),
        1..=SOON => {
            let left = format::span(visitor.language, left.max(60));
            fill(visitor.say(verdict::OPENS_IN), &[&left])
        }
        _ => {
            let at = format::moment(visitor.language, web.utc_offset, at);
            fill(visitor.say(verdict::OPENS_AT), &[&at])
        }
    }
}

/// Who is there to say anything.
fn witnesses(web: &Web, visitor: &Visitor, of: &Verdict) -> String {
    let told = &of.witnesses;
    let counts =
        [told.awake, told.expected.max(told.awake), told.wired].map(|count| count.to_string());
    let awake = if told.awake == 0 {
        visitor.say(verdict::NONE_AWAKE).to_owned()
    } else {
        fill(
            visitor.say(verdict::WITNESSES),
            &counts.each_ref().map(String::as_str),
        )
    };
    let woken = told
        .woken
        .and_then(timestamp_of)
        .zip(told.named.as_deref())
        .map(|(at, named)| {
            let at = format::time_of_day(web.utc_offset, at);
            fill(visitor.say(verdict::WOKEN), &[named, &at])
        });
    let advice = told
        .advice
        .as_ref()
        .map(|advice| visitor.words(advice).to_owned());
    let said: Vec<String> = [Some(awake), woken, advice].into_iter().flatten().collect();
    said.join(" · ")
}
