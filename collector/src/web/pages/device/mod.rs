//! One device: who it is, what it measures now, and its last hour.
//!
//! A device that is silent or said goodbye shows since when and no values: old ones would be taken
//! for true.

mod about;
mod links;
mod machine;
mod ways;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use diagnosis::record::Goodbye;
use maud::{Markup, html};
use proto::ids::{CentreId, DeviceId};
use proto::metrics::{self as catalogue, Metric};

use super::{Page, Visitor, asked, fact, not_found, presence_badge, top};
use crate::latest::{HISTORY_MINUTES, Presence};
use crate::registry::Event;
use crate::web::Web;
use crate::web::chart;
use crate::web::format;
use crate::web::lang::{self, Language, fill};
use crate::web::view::{DeviceNow, Standing, Value};

/// Events that have room.
const MOST_EVENTS: usize = 20;

/// `GET /centres/{id}/devices/{device}`
pub(in crate::web) async fn show(
    State(web): State<Arc<Web>>,
    ids: Result<Path<(String, String)>, PathRejection>,
    visitor: Visitor,
) -> Response {
    let Ok(Path((centre, device))) = ids else {
        return not_found(&web, &visitor);
    };
    let centres = web.known_centres();
    let known = centres.iter().find(|known| known.id.as_str() == centre);
    let Some(centre) = known else {
        return not_found(&web, &visitor);
    };
    if let Some(asked) = web.asked_now(centre.id.as_str(), &device) {
        let events = events_of(&web, &centre.id, &asked.known.device).await;
        return asked::show(&web, &visitor, centre, &asked, events.as_deref());
    }
    let Some(device) = web.device_now(centre.id.as_str(), &device) else {
        return not_found(&web, &visitor);
    };
    let events = events_of(&web, &centre.id, &device.key.device).await;
    let shown = Shown {
        web: &web,
        visitor: &visitor,
        device: &device,
        events: events.as_deref(),
    };
    let title = format!("{} · {}", device.key.device, centre.name);
    let page = Page {
        web: &web,
        visitor: &visitor,
        title: &title,
        trail: &[
            ("/".to_owned(), top(&web, &visitor)),
            (format!("/centres/{}", centre.id), &centre.name),
        ],
        body: shown.body(),
    };
    page.respond()
}

/// "The clock is wrong by so much", in words.
pub(in crate::web::pages) fn wrong_clock(language: Language, offset: f64) -> String {
    let sign = if offset < 0.0 { '−' } else { '+' };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of a clock; a float beyond i64 saturates"
    )]
    let seconds = offset.abs() as i64;
    let size = if seconds < 120 {
        format::seconds(language, offset.abs())
    } else {
        format::span(language, seconds)
    };
    fill(language.texts().clock_wrong, &[&format!("{sign}{size}")])
}

struct Shown<'a> {
    web: &'a Web,
    visitor: &'a Visitor,
    device: &'a DeviceNow,
    events: Option<&'a [Event]>,
}

/// What happened to a machine or device, newest first. `None` when the registry cannot be read.
async fn events_of(web: &Web, centre: &CentreId, device: &DeviceId) -> Option<Vec<Event>> {
    match web.events(centre.clone(), Some(device.clone())).await {
        Ok(events) => Some(events),
        Err(error) => {
            tracing::warn!(%error, %centre, %device, "What happened to a device cannot be read.");
            None
        }
    }
}

/// What happened to it, newest first; nothing where nothing did.
pub(in crate::web::pages) fn changes(
    web: &Web,
    visitor: &Visitor,
    events: Option<&[Event]>,
) -> Markup {
    let (texts, language) = (visitor.texts(), visitor.language);
    let row = |event: &Event| {
        let what = lang::device::event(&event.what);
        let what = what.map_or(event.what.as_str(), |(vi, en)| language.pick(vi, en));
        let is = |text: &&String| !text.is_empty();
        let values = [&event.before, &event.after].into_iter().filter(is);
        let values: Vec<_> = values.map(String::as_str).collect();
        let values = values.join(" → ");
        let at = format::moment(language, web.utc_offset, event.at);
        html! { div { dt { (at) } dd { (what) @if !values.is_empty() { ": " (values) } } } }
    };
    html! {
        @if events.is_none_or(|events| !events.is_empty()) {
            section.card {
                h2 { (texts.changes) }
                @match events {
                    Some(events) => { dl { @for event in events.iter().take(MOST_EVENTS) { (row(event)) } } }
                    None => { p { (texts.changes_unknown) } }
                }
            }
        }
    }
}

impl Shown<'_> {
    fn body(&self) -> Markup {
        let texts = self.visitor.texts();
        html! {
            h1 { (self.device.key.device) " " (presence_badge(texts, self.device.presence)) }
            (self.silence())
            @if let Some(offset) = self.device.wrong_clock() {
                p.verdict.notice { (wrong_clock(self.visitor.language, offset)) }
            }
            (self.broken_sources())
            @if self.device.presence == Presence::Live {
                (self.picture())
                (self.links())
                div.columns {
                    (self.routes())
                    (self.throughput())
                    (self.processor())
                    (self.memory())
                    (self.disks())
                    (self.network())
                    (self.temperature())
                }
            }
            div.columns {
                (self.identity())
                (self.agent())
                (changes(self.web, self.visitor, self.events))
            }
        }
    }

    /// Why there are no values, when there are none.
    fn silence(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let since = |text: &str| match self.device.last_report {
            Some(at) => {
                let ago = format::ago(language, (self.web.now)(), at);
                let at = format::moment(language, self.web.utc_offset, at);
                fill(text, &[&at, &ago])
            }
            None => String::new(),
        };
        let (standing, said) = match self.device.presence {
            Presence::Live => return html! {},
            Presence::Silent => (Standing::Lost, since(texts.silent_since)),
            Presence::Goodbye => (Standing::Off, since(self.goodbye())),
            Presence::Never => (Standing::Unknown, texts.never_said_anything.to_owned()),
        };
        html! {
            p.verdict.(standing.code()) {
                b { (said) }
                @if self.device.presence != Presence::Never { " " (texts.values_hidden) }
            }
        }
    }

    /// Why it went.
    fn goodbye(&self) -> &'static str {
        let texts = self.visitor.texts();
        match self.device.goodbye {
            Some(Goodbye::Sleep) => texts.goodbye_asleep,
            Some(Goodbye::Shutdown) => texts.goodbye_since,
            _ => texts.goodbye_stopped,
        }
    }

    fn broken_sources(&self) -> Markup {
        let texts = self.visitor.texts();
        let sources = self.device.of_metric(&catalogue::AGENT_SOURCE_SUCCESS);
        let broken: Vec<_> = sources
            .filter(|source| source.value == 0.0)
            .map(|source| source.label("source"))
            .collect();
        html! {
            @if !broken.is_empty() {
                p.verdict.notice {
                    b { (texts.broken_sources) ": " (broken.join(", ")) "." } " "
                    (texts.broken_sources_what)
                }
            }
        }
    }

    /// A value as people read it, `None` when it is not live.
    fn said(&self, metric: &'static Metric) -> Option<String> {
        let value = self.device.value(metric)?;
        Some(format::value(self.visitor.language, metric.unit, value))
    }

    fn said_beside(&self, value: &Value, metric: &'static Metric) -> Option<String> {
        let value = self.device.beside(value, metric)?;
        Some(format::value(self.visitor.language, metric.unit, value))
    }

    fn history(
        &self,
        name: &str,
        metric: &'static Metric,
        values: &[Option<f32>],
        top: f32,
    ) -> Markup {
        history(self.visitor.language, name, metric, values, top)
    }

    fn history_of(&self, name: &str, metric: &'static Metric, top: f32) -> Markup {
        let value = self.device.of_metric(metric).next();
        html! { @if let Some(value) = value { (self.history(name, metric, &value.history, top)) } }
    }
}

/// The last hour of a series, with its smallest and largest value in words.
pub(in crate::web::pages) fn history(
    language: Language,
    name: &str,
    metric: &'static Metric,
    values: &[Option<f32>],
    top: f32,
) -> Markup {
    let texts = language.texts();
    let said = |value: f32| format::value(language, metric.unit, value.into());
    let between = match chart::range(values) {
        Some((low, high)) => fill(texts.between, &[&said(low), &said(high)]),
        None => texts.history_empty.to_owned(),
    };
    let minutes = HISTORY_MINUTES.to_string();
    let label = format!("{name}, {}: {between}", fill(texts.last_hour, &[&minutes]));
    html! {
        figure {
            (chart::sparkline(values, top))
            figcaption { (label) }
        }
    }
}

/// A fact, when it is known.
pub(in crate::web::pages) fn maybe(name: &str, value: Option<String>) -> Markup {
    html! { @if let Some(value) = value { (fact(name, value)) } }
}
