//! The printers, routers and UPS of a centre beside its machines: what needs a hand first, each in one line,
//! and what was found and waits for somebody to decide.

use maud::{Markup, html};
use proto::ids::DeviceId;
use proto::plan::Kind;

use super::words;
use crate::registry::Asked;
use crate::web::Web;
use crate::web::format;
use crate::web::lang::device;
use crate::web::lang::fill;
use crate::web::pages::{Visitor, mark};
use crate::web::view::{AskedNow, Standing};

/// Things that keep people from their work and have room on top.
const MOST_URGENT: usize = 5;

/// Found devices that have room; the command line lists all.
const MOST_WAITING: usize = 20;

/// The devices of a centre that have no agent.
pub(in crate::web::pages) struct Things<'a> {
    pub(in crate::web::pages) web: &'a Web,
    pub(in crate::web::pages) visitor: &'a Visitor,
    pub(in crate::web::pages) asked: &'a [AskedNow],
    /// The machine that asks them.
    pub(in crate::web::pages) scout: Option<DeviceId>,
    pub(in crate::web::pages) waiting: &'a [Asked],
}

impl Things<'_> {
    /// What needs a hand, with what to do.
    pub(in crate::web::pages) fn urgent(&self) -> Markup {
        let language = self.visitor.language;
        let urgent = self.asked.iter().flat_map(|asked| {
            let first = asked.matters.first();
            first.map(|matter| (asked, matter))
        });
        let urgent: Vec<_> = urgent
            .filter(|(_, matter)| matter.standing() <= Standing::Poor)
            .collect();
        let hidden = urgent.len().saturating_sub(MOST_URGENT);
        html! {
            @for (asked, matter) in urgent.iter().take(MOST_URGENT) {
                p.verdict.(matter.standing().code()) {
                    (mark(matter.standing()))
                    (name(asked)) ": "
                    b { (words::matter(language, matter)) } ". "
                    (words::remedy(language, matter, &asked.known.address.to_string()))
                }
            }
            @if hidden > 0 {
                p.note { (fill(self.visitor.texts().things_others_too, &[&hidden.to_string()])) }
            }
        }
    }

    /// All of them by kind, a line each.
    pub(in crate::web::pages) fn list(&self) -> Markup {
        let texts = self.visitor.texts();
        html! {
            @if !self.asked.is_empty() {
                section {
                    h2 {
                        (texts.asked_devices)
                        @if let Some(scout) = &self.scout {
                            " " small { (fill(texts.asked_by, &[scout.as_str()])) }
                        }
                    }
                    @if self.scout.is_none() {
                        p.verdict.unknown { (mark(Standing::Unknown)) (texts.asked_by_nobody) }
                    }
                    @for kind in Kind::ALL { (self.of_kind(kind)) }
                }
            }
        }
    }

    fn of_kind(&self, kind: Kind) -> Markup {
        let mut all: Vec<_> = self.asked.iter().filter(|it| it.kind() == kind).collect();
        all.sort_by_key(|asked| asked.standing());
        let (_, several) = device::kind(kind);
        html! {
            @if !all.is_empty() {
                h3 { (words::pick(self.visitor.language, several)) }
                ul.things { @for asked in all { (self.line(asked)) } }
            }
        }
    }

    fn line(&self, asked: &AskedNow) -> Markup {
        let language = self.visitor.language;
        let standing = asked.standing();
        let age = asked
            .last_report
            .map(|at| format::ago(language, (self.web.now)(), at));
        let make = Some(asked.make()).filter(|make| !make.is_empty());
        let known: Vec<_> = make.into_iter().chain(age).collect();
        html! {
            li.(standing.code()) {
                (mark(standing)) (name(asked))
                span { (words::line(language, asked)) }
                small { (known.join(" · ")) }
            }
        }
    }

    /// That something was found, as a link down to it.
    pub(in crate::web::pages) fn news(&self) -> Markup {
        let count = self.waiting.len();
        html! { @if count > 0 { p { a href="#found" { (self.found_title()) } } } }
    }

    fn found_title(&self) -> String {
        let count = self.waiting.len().to_string();
        fill(self.visitor.texts().waiting_title, &[&count])
    }

    /// What was found, and what to do with it.
    pub(in crate::web::pages) fn waiting(&self) -> Markup {
        let texts = self.visitor.texts();
        let count = self.waiting.len();
        let hidden = count.saturating_sub(MOST_WAITING);
        html! {
            @if count > 0 {
                section #found {
                    h2 { (self.found_title()) }
                    p { (texts.waiting_what) }
                    ul.things {
                        @for found in self.waiting.iter().take(MOST_WAITING) { (self.found(found)) }
                    }
                    @if hidden > 0 {
                        p.note {
                            (fill(texts.things_others_too, &[&hidden.to_string()])) ": "
                            code { "dawnwatch-collector device list --found" }
                        }
                    }
                }
            }
        }
    }

    fn found(&self, found: &Asked) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let (one, _) = device::kind(found.kind);
        let inventory = &found.inventory;
        let parts = [
            words::capital(words::pick(language, one)),
            format!("{} {}", inventory.vendor, inventory.model),
            inventory.serial.clone(),
            found.name.clone().unwrap_or_default(),
            found.address.to_string(),
        ];
        let known = parts.iter().map(|part| part.trim());
        let known: Vec<_> = known.filter(|part| !part.is_empty()).collect();
        let seen = found.last_seen.unwrap_or(found.found_at);
        let can_be_asked = found.credential.is_some() || found.ipp.is_some();
        html! {
            li {
                b { (found.device) } span { (known.join(" · ")) }
                small { (format::ago(language, (self.web.now)(), seen)) }
                pre { code {
                    "dawnwatch-collector device approve " (found.centre) " " (found.device)
                    @if !can_be_asked { " --snmp " (texts.waiting_credential_name) }
                } }
                @if !can_be_asked { p.note { (texts.waiting_credential) } }
                pre { code { "dawnwatch-collector device ignore " (found.centre) " " (found.device) } }
            }
        }
    }
}

fn name(asked: &AskedNow) -> Markup {
    let known = &asked.known;
    html! { a href={ "/centres/" (known.centre) "/devices/" (known.device) } { (known.device) } }
}
