//! One fault: what is wrong, what to do first and who does it; then where, since when, why it says so, and what else it
//! may be.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use diagnosis::Fault;
use diagnosis::event::{Event, Stage};
use diagnosis::sentence::Words;
use diagnosis::sentence::incident::{CERTAIN, named};
use maud::{Markup, html};

use super::super::path::{Fails, Picture, Start, bare};
use super::super::{Page, Visitor, blind, fact, failed, mark, not_found, place_name, steps, top};
use super::{centre_name, duration, kind, kind_mark, runbook, sureness, told, who};
use crate::registry::KeptIncident;
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::{fill, verdict};
use crate::web::view::{Link, Path as Way, Resolver, Service, Standing};

/// Centres that have room.
const MOST_CENTRES: usize = 40;

/// Other things it may be that have room.
const MOST_OTHERS: usize = 4;

/// Ids are shorter.
const MOST_ID: usize = 200;

/// `GET /faults/{id}`
pub(in crate::web) async fn show(
    State(web): State<Arc<Web>>,
    id: Result<Path<String>, PathRejection>,
    visitor: Visitor,
) -> Response {
    let Some(Path(id)) = id.ok().filter(|Path(id)| id.len() <= MOST_ID) else {
        return not_found(&web, &visitor);
    };
    let (kept, history) = match web.registry.incident(id).await {
        Ok(Some(found)) => found,
        Ok(None) => return not_found(&web, &visitor),
        Err(error) => {
            tracing::warn!(%error, "A fault cannot be read.");
            return failed(&web, &visitor);
        }
    };
    let shown = Card {
        web: &web,
        visitor: &visitor,
        kept: &kept,
    };
    let incident = &kept.incident;
    let gaps = blind::of_incident(&web, &visitor, incident);
    let page = Page {
        web: &web,
        visitor: &visitor,
        title: visitor.words(&incident.sentence),
        trail: &[
            ("/".to_owned(), top(&web, &visitor)),
            ("/faults".to_owned(), visitor.say(verdict::FAULTS)),
        ],
        body: shown.body(&history, &gaps),
    };
    page.respond()
}

struct Card<'a> {
    web: &'a Web,
    visitor: &'a Visitor,
    kept: &'a KeptIncident,
}

impl Card<'_> {
    fn body(&self, history: &[Event], gaps: &Markup) -> Markup {
        let (visitor, incident) = (self.visitor, &self.kept.incident);
        html! {
            h1 { (visitor.words(&incident.sentence)) }
            (self.state())
            @if !self.is_over() { (self.first()) }
            (self.facts())
            (self.reasons())
            (self.others())
            (self.way())
            (gaps)
            (told::history(self.web, visitor, history))
            (runbook::section(visitor, &incident.fault))
        }
    }

    fn is_over(&self) -> bool {
        self.kept.withdrawn || self.kept.incident.until.is_some()
    }

    fn state(&self) -> Markup {
        let (visitor, incident) = (self.visitor, &self.kept.incident);
        let standing = kind_mark(incident, self.kept.withdrawn);
        let said = if self.kept.withdrawn {
            visitor.say(verdict::WITHDRAWN).to_owned()
        } else {
            let text = if incident.until.is_some() {
                verdict::LASTED
            } else {
                verdict::OPEN_FOR
            };
            fill(visitor.say(text), &[&duration(self.web, visitor, incident)])
        };
        html! {
            p { span class={ "badge " (standing.code()) } { (mark(standing)) (said) } }
        }
    }

    /// What a technician looks for.
    fn first(&self) -> Markup {
        let (visitor, incident) = (self.visitor, &self.kept.incident);
        html! {
            section.first {
                h2 { (visitor.say(verdict::DO_FIRST)) }
                p { b { (steps::first(visitor.words(&incident.action))) } }
                (steps::rest(visitor.words(&incident.action)))
                @if let Some(who) = who(visitor, incident) {
                    p { (visitor.say(verdict::WHO)) ": " b.who { (who) } }
                }
            }
        }
    }

    fn facts(&self) -> Markup {
        let (visitor, language) = (self.visitor, self.visitor.language);
        let incident = &self.kept.incident;
        let moment = |at: f64| {
            timestamp_of(at).map_or_else(
                || "–".to_owned(),
                |at| format::moment(language, self.web.utc_offset, at),
            )
        };
        let place = incident.segment.as_deref();
        let place = place.map_or(visitor.say(verdict::SEGMENT_UNKNOWN), |segment| {
            place_name(visitor, segment)
        });
        let place = match &incident.culprit {
            Some(culprit) => format!("{place} · {culprit}"),
            None => place.to_owned(),
        };
        let stage = visitor.say(match incident.stage {
            Stage::Provisional => verdict::PROVISIONAL,
            Stage::Confirmed => verdict::CONFIRMED,
            Stage::Final => verdict::FINAL,
        });
        let until = incident
            .until
            .map_or_else(|| visitor.say(verdict::STILL).to_owned(), moment);
        let sure = sureness(visitor, incident.confidence);
        let ratio = format::percent(language, incident.confidence.clamp(0.0, 1.0));
        html! {
            dl.facts {
                (fact(visitor.say(verdict::FAULT_KIND), kind(visitor, &incident.fault)))
                (fact(visitor.say(verdict::PLACE), place))
                (fact(visitor.say(verdict::SINCE), moment(incident.since)))
                (fact(visitor.say(verdict::UNTIL), until))
                (fact(visitor.say(verdict::SURENESS), format!("{sure} ({ratio})")))
                (fact(visitor.say(verdict::STAGE), stage))
                (fact(visitor.say(verdict::HIT), self.centres()))
            }
        }
    }

    fn centres(&self) -> Markup {
        let scope = &self.kept.incident.scope;
        let hidden = scope.len().saturating_sub(MOST_CENTRES);
        html! {
            @for (place, id) in scope.iter().take(MOST_CENTRES).enumerate() {
                @if place > 0 { " · " }
                @if id.parse::<proto::ids::CentreId>().is_ok() {
                    a href={ "/centres/" (id) } { (centre_name(self.web, id)) }
                } @else { (id) }
            }
            @if hidden > 0 { " " (fill(self.visitor.say(verdict::PLACES_TOO), &[&hidden.to_string()])) }
        }
    }

    fn reasons(&self) -> Markup {
        let (visitor, incident) = (self.visitor, &self.kept.incident);
        let list = |words: &[Words], sign: &str, class: &str| {
            html! {
                ul.reasons.(class) {
                    @for said in words { li { i.mark aria-hidden="true" { (sign) } (visitor.words(said)) } }
                }
            }
        };
        html! {
            section {
                h2 { (visitor.say(verdict::WHY)) }
                h3 { (visitor.say(verdict::SPEAKS_FOR)) }
                (list(&incident.supports, "+", "good"))
                h3 { (visitor.say(verdict::SPEAKS_AGAINST)) }
                @if incident.against.is_empty() {
                    p.note { (visitor.say(verdict::NOTHING_AGAINST)) }
                } @else {
                    (list(&incident.against, "−", "poor"))
                }
                @if let Some(settles) = &incident.settles {
                    h3 { (visitor.say(verdict::SETTLES)) }
                    p.asks { (visitor.words(settles)) }
                }
            }
        }
    }

    /// What else it may be, unless it is certain.
    fn others(&self) -> Markup {
        let (visitor, incident) = (self.visitor, &self.kept.incident);
        let unsure = incident.confidence < CERTAIN && !incident.alternatives.is_empty();
        html! {
            @if unsure {
                section {
                    h2 { (visitor.say(verdict::MAY_BE)) }
                    ul.reasons {
                        @for other in incident.alternatives.iter().take(MOST_OTHERS) {
                            li {
                                i.mark aria-hidden="true" { "?" }
                                (possibility(visitor, &other.fault))
                                " (" (format::percent(visitor.language, other.p.clamp(0.0, 1.0))) ")"
                            }
                        }
                    }
                }
            }
        }
    }

    /// From card to portal, with the figures of now where they say something of it.
    fn way(&self) -> Markup {
        let (visitor, incident) = (self.visitor, &self.kept.incident);
        let segment = incident.segment.as_deref();
        if self.is_over() {
            let note = visitor.say(verdict::OVER_NO_FIGURES).to_owned();
            return bare(visitor, &Fails { segment, note });
        }
        let mut measured = incident.scope.iter().take(MOST_CENTRES);
        let found = measured.find_map(|id| {
            self.web
                .centre_now(id)
                .filter(|(now, _)| now.counts.live > 0)
        });
        let Some((now, devices)) = found else {
            let note = visitor.say(verdict::NO_FIGURES).to_owned();
            return bare(visitor, &Fails { segment, note });
        };
        let links = Link::middle(devices.iter().flat_map(|device| &device.links));
        let services = Service::middle(devices.iter().flat_map(|device| &device.services));
        let resolvers = Resolver::middle(devices.iter().flat_map(|device| &device.resolvers));
        let texts = visitor.texts();
        let picture = Picture {
            web: self.web,
            visitor,
            start: Start {
                name: texts.machines.to_owned(),
                standing: if now.counts.silent > 0 {
                    Standing::Notice
                } else {
                    Standing::Good
                },
                lines: vec![fill(
                    texts.machines_measure,
                    &[&now.counts.live.to_string()],
                )],
            },
            path: Way::of(&links),
            routes: Vec::new(),
            services: &services,
            resolvers: &resolvers,
            devices: now.counts.live,
            fails: Some(Fails {
                segment,
                note: fill(visitor.say(verdict::MEASURED_IN), &[&now.centre.name]),
            }),
        };
        picture.show()
    }
}

/// A fault as something that may be.
fn possibility(visitor: &Visitor, word: &str) -> String {
    match word.parse::<Fault>() {
        Ok(fault) => visitor.words(&named(fault)).to_owned(),
        Err(_) => word.to_owned(),
    }
}
