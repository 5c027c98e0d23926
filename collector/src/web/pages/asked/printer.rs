//! What a printer has left, and what it made.

use maud::{Markup, html};

use super::{Shown, words};
use crate::web::format;
use crate::web::lang::device;
use crate::web::pages::device::maybe;
use crate::web::view::{Level, Standing, Supply};
use proto::thresholds::SUPPLY_LOW;

impl Shown<'_> {
    pub(super) fn supplies(&self) -> Markup {
        let texts = self.visitor.texts();
        let mut supplies: Vec<_> = self.asked.said.supplies.iter().collect();
        // What runs out first comes first; what has no number last.
        supplies.sort_by(|one, other| {
            let left = |supply: &Supply| supply.ratio().unwrap_or(f64::INFINITY);
            left(one).total_cmp(&left(other))
        });
        html! {
            @if !supplies.is_empty() {
                section.card {
                    h2 { (texts.supplies) }
                    ul.levels { @for supply in supplies { (self.supply(supply)) } }
                }
            }
        }
    }

    fn supply(&self, supply: &Supply) -> Markup {
        let language = self.visitor.language;
        let name = words::supply_name(language, supply);
        let own = Some(&supply.name).filter(|own| **own != name);
        let low = supply.ratio().is_some_and(|ratio| ratio <= SUPPLY_LOW);
        let said = words::level(language, &supply.level, supply.receptacle);
        self.level(&name, own, &supply.level, &said, low)
    }

    pub(super) fn trays(&self) -> Markup {
        let texts = self.visitor.texts();
        let trays = &self.asked.said.trays;
        html! {
            @if !trays.is_empty() {
                section.card {
                    h2 { (texts.trays) }
                    ul.levels {
                        @for tray in trays {
                            @let said = words::level(self.visitor.language, &tray.level, false);
                            (self.level(&tray.name, None, &tray.level, &said, false))
                        }
                    }
                }
            }
        }
    }

    fn level(
        &self,
        name: &str,
        own: Option<&String>,
        level: &Level,
        said: &str,
        low: bool,
    ) -> Markup {
        let standing = if low {
            Standing::Notice
        } else {
            Standing::Good
        };
        html! {
            li.(standing.code()) {
                span { (name) }
                b { (said) }
                @if let Some(ratio) = level.ratio() { (bar(ratio)) }
                @if let Some(own) = own { small { (own) } }
            }
        }
    }

    pub(super) fn printing(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let said = &self.asked.said;
        let count = |value: Option<f64>| value.map(|value| format::number(language, value, 0));
        let status = said.status.as_deref();
        let status = status.map(|status| words::word(language, device::status(status), status));
        html! {
            @if status.is_some() || said.pages.is_some() {
                section.card {
                    h2 { (texts.printing) }
                    dl {
                        (maybe(texts.device_state, status))
                        (maybe(texts.pages_made, count(said.pages)))
                        (maybe(texts.jobs_waiting, count(said.jobs)))
                    }
                }
            }
        }
    }
}

/// A share as a bar, which whoever shows it says in words.
pub(super) fn bar(ratio: f64) -> Markup {
    let width = (ratio.clamp(0.0, 1.0) * 100.0).round();
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            @if width > 0.0 { path d={ "M0 4h" (width) } {} }
        }
    }
}
