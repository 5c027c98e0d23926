//! What a router or switch carries, how loaded it is, and how a UPS stands.

use maud::{Markup, html};
use proto::metrics as catalogue;
use proto::thresholds::USE;

use super::printer::bar;
use super::{Shown, words};
use crate::web::format;
use crate::web::lang::fill;
use crate::web::pages::device::maybe;
use crate::web::pages::fact;
use crate::web::view::{Counted, Interface, Standing, judge};

/// Ports that have room: a large switch has these.
const MOST_INTERFACES: usize = 64;

impl Shown<'_> {
    pub(super) fn power(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let Some(ups) = &self.asked.said.ups else {
            return html! {};
        };
        let share = |ratio: Option<f64>| ratio.map(|ratio| format::level(language, ratio));
        let power = ups.on_battery.map(|on_battery| {
            let power = if on_battery {
                texts.on_battery
            } else {
                texts.on_mains
            };
            power.to_owned()
        });
        let lasts = ups.runtime.map(|seconds| words::lasting(language, seconds));
        html! {
            section.card {
                h2 { (texts.power) }
                dl {
                    (maybe(texts.power, power))
                    (maybe(texts.battery, share(ups.battery)))
                    @if let Some(ratio) = ups.battery { (bar(ratio)) }
                    (maybe(texts.battery_lasts, lasts))
                    (maybe(texts.power_load, share(ups.load)))
                }
            }
        }
    }

    pub(super) fn line(&self) -> Markup {
        let texts = self.visitor.texts();
        let mut lines = self.asked.said.interfaces.iter().filter(|it| it.is_wan);
        html! {
            @if let Some(line) = lines.next() {
                section.card {
                    h2 { (texts.the_line) ": " (line.name) }
                    dl {
                        (maybe(texts.received, self.rate(&line.received)))
                        (maybe(texts.sent_bytes, self.rate(&line.sent)))
                    }
                }
            }
        }
    }

    fn rate(&self, counted: &Counted) -> Option<String> {
        let language = self.visitor.language;
        let rate = format::bit_rate(language, counted.rate?);
        Some(match counted.usage {
            Some(usage) => {
                let usage = format::percent(language, usage);
                format!("{rate} ({usage})")
            }
            None => rate,
        })
    }

    pub(super) fn load(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let said = &self.asked.said;
        let bytes = |bytes: f64| format::bytes(language, bytes);
        let memory = said.memory_available.map(|free| match said.memory_size {
            Some(size) => fill(texts.free_of, &[&bytes(free), &bytes(size)]),
            None => bytes(free),
        });
        let worry = said.cpu.map_or(Standing::Good, |cpu| judge(&USE, cpu));
        let cpu = said.cpu.map(|cpu| format::percent(language, cpu));
        html! {
            @if cpu.is_some() || memory.is_some() {
                section class={ "card " (worry.code()) } {
                    h2 { (texts.processor) ", " (texts.memory) }
                    dl {
                        (maybe(texts.cpu_usage, cpu))
                        (maybe(texts.memory, memory))
                    }
                    (self.history_of(texts.cpu_usage, &catalogue::DEVICE_CPU_USAGE, 1.0))
                }
            }
        }
    }

    pub(super) fn interfaces(&self) -> Markup {
        let texts = self.visitor.texts();
        let mut all: Vec<_> = self.asked.said.interfaces.iter().collect();
        // The line first, then what is connected.
        all.sort_by_key(|it| (!it.is_wan, it.is_up != Some(true)));
        let hidden = all.len().saturating_sub(MOST_INTERFACES);
        html! {
            @if !all.is_empty() {
                section {
                    h2 { (texts.interfaces) }
                    table.cards {
                        thead { tr {
                            th scope="col" { (texts.column_interface) }
                            th scope="col" { (texts.column_speed) }
                            th scope="col" { (words::capital(texts.received)) }
                            th scope="col" { (words::capital(texts.sent_bytes)) }
                            th scope="col" { (texts.column_errors) }
                        } }
                        tbody { @for one in all.into_iter().take(MOST_INTERFACES) { (self.interface(one)) } }
                    }
                    @if hidden > 0 { p.note { "+ " (hidden) } }
                }
            }
        }
    }

    fn interface(&self, interface: &Interface) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let cell = |label: &str, value: Option<String>| {
            html! { td data-label=(label) { (value.as_deref().unwrap_or("–")) } }
        };
        let bytes = |bytes: Option<f64>| bytes.map(|bytes| format::bytes(language, bytes));
        let count = |value: f64| format::number(language, value, 0);
        let speed = interface.speed.map(|speed| {
            let half = interface.full_duplex == Some(false);
            let speed = format::bit_rate(language, speed);
            if half {
                format!("{speed}, {}", texts.half_duplex)
            } else {
                speed
            }
        });
        let bad = interface.errors().zip(interface.drops().or(Some(0.0)));
        let bad = bad.map(|(errors, drops)| format!("{} / {}", count(errors), count(drops)));
        html! {
            tr {
                th scope="row" {
                    (interface.name)
                    @if interface.is_wan { " " span.badge.good { (texts.is_the_line) } }
                    @if let Some(state) = self.state(interface) { small { (state) } }
                }
                @if interface.is_up == Some(false) {
                    td.none colspan="4" {}
                } @else {
                    (cell(texts.column_speed, speed))
                    (cell(&words::capital(texts.received), bytes(interface.received.bytes)))
                    (cell(&words::capital(texts.sent_bytes), bytes(interface.sent.bytes)))
                    (cell(texts.column_errors, bad))
                }
            }
        }
    }

    fn state(&self, interface: &Interface) -> Option<&'static str> {
        let texts = self.visitor.texts();
        match (interface.enabled, interface.is_up?) {
            (_, true) => Some(texts.port_connected),
            (Some(false), false) => Some(texts.port_disabled),
            (_, false) => Some(texts.interface_down),
        }
    }

    pub(super) fn started(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let at = self.asked.said.started.and_then(format::timestamp_of);
        html! {
            @if let Some(at) = at {
                (fact(texts.started, format::moment(language, self.web.utc_offset, at)))
                (fact(texts.running_for, format::span(language, (self.web.now)().as_second() - at.as_second())))
            }
        }
    }
}
