//! Faults that are open, and those of the last days.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::SignedDuration;
use maud::{Markup, html};
use proto::ids::CentreId;

use super::super::{Page, Visitor, alarm, failed, mark, place_name, top};
use super::{address, centre_name, duration, kind, kind_mark, since, sureness};
use crate::registry::{IncidentFilter, KeptIncident};
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::{fill, verdict};

/// Faults of each kind that have room.
const MOST: u32 = 100;

/// How far back the list goes.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// `GET /faults`
pub(in crate::web) async fn list(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    let wanted: Option<CentreId> = visitor.parameter("centre").parse().ok();
    let known = web.known_centres();
    let centre = wanted.filter(|id| known.iter().any(|centre| centre.id == *id));
    let now = (web.now)();
    let of = |active: bool| IncidentFilter {
        active: Some(active),
        from: if active {
            None
        } else {
            now.checked_sub(LATELY).ok()
        },
        to: None,
        centre: centre.clone(),
        most: MOST,
    };
    let (open, over) = (
        web.registry.incidents(of(true)).await,
        web.registry.incidents(of(false)).await,
    );
    let (open, over) = match (open, over) {
        (Ok(open), Ok(over)) => (open, over),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "Faults cannot be read.");
            return failed(&web, &visitor);
        }
    };
    let shown = List {
        web: &web,
        visitor: &visitor,
    };
    let title = match &centre {
        Some(id) => fill(
            visitor.say(verdict::OF_CENTRE),
            &[&centre_name(&web, id.as_str())],
        ),
        None => visitor.say(verdict::FAULTS).to_owned(),
    };
    let body = html! {
        h1 { (title) }
        (alarm::stuck(&web, &visitor))
        (shown.filter(centre.as_ref()))
        h2 { (visitor.say(verdict::OPEN_NOW)) }
        (shown.faults(&open, verdict::NO_OPEN))
        h2 { (visitor.say(verdict::LATELY)) }
        (shown.faults(&over, verdict::NO_LATELY))
    };
    let page = Page {
        web: &web,
        visitor: &visitor,
        title: &title,
        trail: &[("/".to_owned(), top(&web, &visitor))],
        body,
    };
    page.respond()
}

struct List<'a> {
    web: &'a Web,
    visitor: &'a Visitor,
}

impl List<'_> {
    fn filter(&self, chosen: Option<&CentreId>) -> Markup {
        let visitor = self.visitor;
        let mut centres: Vec<_> = self.web.known_centres().iter().cloned().collect();
        centres.sort_by(|one, other| one.name.cmp(&other.name));
        let few = (2..=500).contains(&centres.len());
        html! {
            @if few {
                form.filter.plain role="search" {
                    select name="centre" aria-label=(visitor.say(verdict::CHOOSE_PLACE)) {
                        option value="" { (visitor.say(verdict::ALL_PLACES)) }
                        @for centre in &centres {
                            option value=(centre.id) selected[Some(&centre.id) == chosen] { (centre.name) }
                        }
                    }
                    button { (visitor.say(verdict::SHOW)) }
                }
            }
            @if chosen.is_some() { p { a href="/faults" { (visitor.say(verdict::ALL_FAULTS)) } } }
        }
    }

    fn faults(&self, all: &[KeptIncident], none: (&'static str, &'static str)) -> Markup {
        let full = all.len() >= MOST as usize;
        html! {
            @if all.is_empty() {
                p.note { (self.visitor.say(none)) }
            } @else {
                ul.things.faults { @for kept in all { (self.line(kept)) } }
                @if full { p.note { (fill(self.visitor.say(verdict::ONLY_NEWEST), &[&MOST.to_string()])) } }
            }
        }
    }

    fn line(&self, kept: &KeptIncident) -> Markup {
        let (visitor, incident) = (self.visitor, &kept.incident);
        let standing = kind_mark(incident, kept.withdrawn);
        let begun = timestamp_of(incident.since);
        let begun = begun.map(|at| format::moment(visitor.language, self.web.utc_offset, at));
        let lasted = if kept.withdrawn {
            visitor.say(verdict::TAKEN_BACK).to_owned()
        } else if incident.until.is_some() {
            fill(
                visitor.say(verdict::LASTED),
                &[&duration(self.web, visitor, incident)],
            )
        } else {
            since(self.web, visitor, incident).unwrap_or_default()
        };
        let place = incident
            .segment
            .as_deref()
            .map(|segment| place_name(visitor, segment));
        let place = place.map(str::to_owned);
        let sure = Some(sureness(visitor, incident.confidence).to_owned());
        let facts: Vec<String> = [
            Some(kind(visitor, &incident.fault)),
            place,
            begun,
            Some(lasted),
            sure,
        ]
        .into_iter()
        .flatten()
        .collect();
        html! {
            li.(standing.code()) {
                (mark(standing))
                a href=(address(&incident.id)) { (visitor.words(&incident.sentence)) }
                small { (facts.join(" · ")) }
            }
        }
    }
}
