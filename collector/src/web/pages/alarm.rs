//! What stands above everything else: faults that are open now, and that nobody is told of them.

use diagnosis::event::Incident;
use maud::{Markup, html};

use super::fault::{address, kind_mark, since};
use super::{Visitor, mark, steps};
use crate::web::Web;
use crate::web::format;
use crate::web::lang::{fill, verdict};
use crate::web::view::Standing;

/// Faults that have room; the rest are a link away.
const MOST_OPEN: usize = 5;

/// Alertmanager does not take alerts.
pub(super) fn stuck(web: &Web, visitor: &Visitor) -> Markup {
    let trouble = web
        .alerts
        .as_ref()
        .and_then(|status| status.borrow().trouble.clone());
    let said = trouble.map(|trouble| {
        let since = jiff::Timestamp::from_second(trouble.since).ok();
        let since = since.map_or_else(String::new, |at| {
            format::moment(visitor.language, web.utc_offset, at)
        });
        fill(
            visitor.say(verdict::ALERTS_STUCK),
            &[&since, &trouble.answer],
        )
    });
    html! {
        @if let Some(said) = said { p.verdict.poor role="status" { (mark(Standing::Poor)) (said) } }
    }
}

/// The faults that are open, those that hit most centres first; of one centre alone, where one is given.
pub(super) fn open(web: &Web, visitor: &Visitor, centre: Option<&str>) -> Markup {
    let open = web.faults.open_now();
    let mut all: Vec<&Incident> = open.values().map(|standing| &*standing.incident).collect();
    all.retain(|incident| centre.is_none_or(|id| incident.scope.iter().any(|hit| hit == id)));
    all.sort_by(|one, other| {
        let by_reach = other.scope.len().cmp(&one.scope.len());
        by_reach.then_with(|| one.since.total_cmp(&other.since))
    });
    let hidden = all.len().saturating_sub(MOST_OPEN);
    html! {
        @for incident in all.iter().take(MOST_OPEN) {
            p.verdict.(kind_mark(incident, false).code()) {
                (mark(kind_mark(incident, false)))
                b { (visitor.words(&incident.sentence)) }
                " " (steps::first(visitor.words(&incident.action)))
                " " a href=(address(&incident.id)) { (visitor.say(verdict::SEE_FAULT)) }
                @if let Some(since) = since(web, visitor, incident) { " " small { (since) } }
            }
        }
        @if hidden > 0 {
            p.note { a href="/faults" { (fill(visitor.say(verdict::CAUSES_TOO), &[&hidden.to_string()])) } }
        }
    }
}
