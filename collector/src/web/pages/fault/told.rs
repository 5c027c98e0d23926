//! What was said of a fault when, and what was said before: whoever was alerted finds again what they read.

use diagnosis::event::{Event, Happened, Stage};
use maud::{Markup, html};

use super::super::Visitor;
use super::kind;
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::device::Both;
use crate::web::lang::{fill, verdict};

/// Of a long history the first and the newest have room.
const MOST: usize = 20;

/// What was said, the oldest first; what repeats the sentence before it is left out.
pub(super) fn history(web: &Web, visitor: &Visitor, events: &[Event]) -> Markup {
    let mut said: Vec<(&Event, Option<&Event>)> = Vec::new();
    for event in events {
        let before = said.last().map(|(event, _)| *event);
        let repeats = before.is_some_and(|before| {
            event.event == Happened::Update && before.incident.sentence == event.incident.sentence
        });
        if !repeats {
            said.push((event, before));
        }
    }
    let hidden = said.len().saturating_sub(MOST);
    html! {
        section {
            h2 { (visitor.say(verdict::TOLD)) }
            ol.told {
                @for (place, (event, before)) in said.iter().enumerate() {
                    @if place == 0 || place > hidden {
                        (line(web, visitor, event, *before))
                    } @else if place == 1 {
                        li { (fill(visitor.say(verdict::LEFT_OUT), &[&hidden.to_string()])) }
                    }
                }
            }
        }
    }
}

fn line(web: &Web, visitor: &Visitor, event: &Event, before: Option<&Event>) -> Markup {
    let at = timestamp_of(event.at).map(|at| format::moment(visitor.language, web.utc_offset, at));
    let differs = before.filter(|before| before.incident.fault != event.incident.fault);
    let says = event.event != Happened::Close || differs.is_some();
    html! {
        li {
            b { (at.unwrap_or_default()) " · " (visitor.say(headline(event, before))) }
            @if says { p { (visitor.words(&event.incident.sentence)) } }
            @if let Some(before) = differs {
                p.note { (fill(visitor.say(verdict::SAID_BEFORE), &[&kind(visitor, &before.incident.fault)])) }
            }
        }
    }
}

fn headline(event: &Event, before: Option<&Event>) -> Both {
    let late =
        event.incident.stage > before.map_or(Stage::Provisional, |before| before.incident.stage);
    match event.event {
        Happened::Revise if late => verdict::CORRECTED_LATE,
        Happened::Revise => verdict::CORRECTED,
        Happened::Withdraw => verdict::TAKEN_BACK,
        Happened::Close => verdict::ENDED,
        Happened::Open => verdict::FIRST_SAID,
        Happened::Update if before.is_none() => verdict::FIRST_SAID,
        Happened::Update => verdict::UPDATED,
    }
}
