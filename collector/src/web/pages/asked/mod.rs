//! A printer, router, switch or UPS: what is the matter and what to do about it first, then what it says.

mod about;
mod list;
mod network;
mod printer;
mod words;

use axum::response::Response;
use maud::{Markup, html};
use proto::metrics::Metric;

pub(super) use self::list::Things;
pub(super) use self::words::matter as matter_in_words;
use super::device::history;
use super::{Page, Visitor, mark, top};
use crate::registry::{Centre, Event};
use crate::web::Web;
use crate::web::lang::device;
use crate::web::view::{AskedNow, Matter, Standing};

/// The page of one.
pub(super) fn show(
    web: &Web,
    visitor: &Visitor,
    centre: &Centre,
    asked: &AskedNow,
    events: Option<&[Event]>,
) -> Response {
    let shown = Shown {
        web,
        visitor,
        asked,
    };
    let title = format!("{} · {}", asked.known.device, centre.name);
    let page = Page {
        web,
        visitor,
        title: &title,
        trail: &[
            ("/".to_owned(), top(web, visitor)),
            (format!("/centres/{}", centre.id), &centre.name),
        ],
        body: shown.body(events),
    };
    page.respond()
}

struct Shown<'a> {
    web: &'a Web,
    visitor: &'a Visitor,
    asked: &'a AskedNow,
}

impl Shown<'_> {
    fn body(&self, events: Option<&[Event]>) -> Markup {
        let asked = self.asked;
        let (one, _) = device::kind(asked.kind());
        html! {
            h1 {
                (asked.known.device) " "
                small { (words::pick(self.visitor.language, one)) " " (asked.make()) }
            }
            @for matter in &asked.matters { (self.matter(matter)) }
            @if asked.matters.is_empty() { (self.well()) }
            div.columns {
                (self.supplies())
                (self.trays())
                (self.printing())
                (self.power())
                (self.line())
                (self.load())
            }
            (self.interfaces())
            div.columns {
                (self.identity())
                (super::device::changes(self.web, self.visitor, events))
            }
        }
    }

    fn matter(&self, matter: &Matter) -> Markup {
        let language = self.visitor.language;
        let standing = matter.standing();
        let address = self.asked.known.address.to_string();
        html! {
            p.verdict.(standing.code()) {
                (mark(standing))
                b { (words::matter(language, matter)) } ". "
                (words::remedy(language, matter, &address))
            }
        }
    }

    fn well(&self) -> Markup {
        let texts = self.visitor.texts();
        let standing = self.asked.standing();
        let says = self.asked.said.conditions.is_some() || self.asked.said.ups.is_some();
        html! {
            p.verdict.(standing.code()) {
                (mark(standing))
                b { (words::line(self.visitor.language, self.asked)) } ". "
                @if standing == Standing::Good && says { (texts.all_well) }
                @if standing == Standing::Unknown && self.scout().is_none() { (texts.asked_by_nobody) }
            }
        }
    }

    fn scout(&self) -> Option<proto::ids::DeviceId> {
        self.web.scout_of(&self.asked.known.centre)
    }

    /// The last hour of a metric that has one series.
    fn history_of(&self, name: &str, metric: &'static Metric, top: f32) -> Markup {
        let mut values = self.asked.values.iter();
        let value = values.find(|value| value.series.metric == metric);
        html! {
            @if let Some(value) = value {
                (history(self.visitor.language, name, metric, &value.history, top))
            }
        }
    }
}
