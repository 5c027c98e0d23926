//! One device: who it is, what it measures now, and its last hour.
//!
//! A device that is silent or said goodbye shows since when and no values: old ones would be taken
//! for true.

mod about;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use proto::metrics::{self as catalogue, Metric};

use super::{
    Page, Visitor, fact, loss_recent, named_fact, not_found, presence_badge, segment_name, top,
};
use crate::latest::{HISTORY_MINUTES, Presence};
use crate::web::Web;
use crate::web::chart;
use crate::web::format;
use crate::web::lang::{Language, fill};
use crate::web::view::{DeviceNow, Link, Standing, Value};

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
    let (Some(centre), Some(device)) = (known, web.device_now(&centre, &device)) else {
        return not_found(&web, &visitor);
    };
    let shown = Shown {
        web: &web,
        visitor: &visitor,
        device: &device,
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
                (self.links())
                div.columns {
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
            Presence::Goodbye => (Standing::Off, since(texts.goodbye_since)),
            Presence::Never => (Standing::Unknown, texts.never_said_anything.to_owned()),
        };
        html! {
            p.verdict.(standing.code()) {
                b { (said) }
                @if self.device.presence != Presence::Never { " " (texts.values_hidden) }
            }
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

    /// The last hour of a series, with its smallest and largest value in words.
    fn history(
        &self,
        name: &str,
        metric: &'static Metric,
        values: &[Option<f32>],
        top: f32,
    ) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let said = |value: f32| format::value(language, metric.unit, value.into());
        let between = match chart::range(values) {
            Some((low, high)) => fill(texts.between, &[&said(low), &said(high)]),
            None => texts.history_empty.to_owned(),
        };
        let minutes = HISTORY_MINUTES.to_string();
        let label = format!("{name}, {}: {between}", fill(texts.last_hour, &[&minutes]));
        html! {
            figure {
                (chart::sparkline(values, top, &label))
                figcaption aria-hidden="true" { (label) }
            }
        }
    }

    fn history_of(&self, name: &str, metric: &'static Metric, top: f32) -> Markup {
        let value = self.device.of_metric(metric).next();
        html! { @if let Some(value) = value { (self.history(name, metric, &value.history, top)) } }
    }

    fn links(&self) -> Markup {
        let texts = self.visitor.texts();
        let links = &self.device.links;
        html! {
            section {
                h2 { (texts.links) }
                @if links.is_empty() { p { (texts.links_none) } }
                div.columns { @for link in links { (self.link(link)) } }
                @if links.iter().any(Link::is_over_tcp) { p.note { (texts.over_tcp_note) } }
            }
        }
    }

    fn link(&self, link: &Link) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let delay = |value: Option<f64>| value.map(|value| format::seconds(language, value));
        let standing = link.standing().unwrap_or(Standing::Unmeasured);
        // Delays have no natural top: leave some room above the longest.
        let headroom = chart::range(&link.rtt_history).map_or(0.0, |(_, high)| high * 1.3);
        let share = |value: Option<f64>| value.map(|value| format::percent(language, value));
        html! {
            section.card.(standing.code()) {
                h3 {
                    (super::mark(standing))
                    (segment_name(texts, &link.segment)) " → " (link.target)
                    @if link.is_over_tcp() { " " span.badge.unknown { (texts.over_tcp) } }
                }
                @if link.never_answered() { p { (texts.no_answer) } }
                (self.history(texts.column_delay, &catalogue::LINK_RTT_MEDIAN, &link.rtt_history, headroom))
                dl {
                    (maybe(texts.median, delay(link.rtt_median)))
                    (maybe(texts.smallest, delay(link.rtt_min)))
                    (maybe(texts.largest, delay(link.rtt_max)))
                    (maybe(texts.jitter, delay(link.jitter)))
                }
                (self.history(texts.column_loss, &catalogue::LINK_LOSS, &link.loss_history, 0.1))
                dl {
                    (maybe(&format!("{}, {}", texts.column_loss, loss_recent(texts)), share(link.recent_loss)))
                    (maybe(&format!("{}, {}", texts.column_loss, texts.loss_now), share(link.loss)))
                    @if !link.address.is_empty() { (fact(texts.address, &link.address)) }
                    @if !link.method.is_empty() { (fact(texts.method, method_name(&link.method))) }
                }
                @if let (Some(sent), Some(received)) = (link.sent, link.received) {
                    p.note {
                        (fill(texts.sent_received, &[
                            &format::number(language, sent, 0),
                            &format::number(language, received, 0),
                        ]))
                    }
                }
            }
        }
    }

    fn processor(&self) -> Markup {
        let texts = self.visitor.texts();
        let loads: Vec<String> = ["1", "5", "15"]
            .into_iter()
            .filter_map(|minutes| {
                let mut loads = self.device.of_metric(&catalogue::DEVICE_LOAD_AVERAGE);
                let load = loads.find(|load| load.label("minutes") == minutes)?;
                Some(format::number(self.visitor.language, load.value, 2))
            })
            .collect();
        let cpus = self.said(&catalogue::DEVICE_CPUS);
        html! {
            section.card {
                h2 { (texts.processor) @if let Some(cpus) = cpus { " × " (cpus) } }
                dl {
                    (maybe(texts.cpu_usage, self.said(&catalogue::DEVICE_CPU_USAGE)))
                    (maybe(texts.load, (!loads.is_empty()).then(|| loads.join(" · "))))
                }
                (self.history_of(texts.cpu_usage, &catalogue::DEVICE_CPU_USAGE, 1.0))
            }
        }
    }

    fn memory(&self) -> Markup {
        let texts = self.visitor.texts();
        let size = self.device.value(&catalogue::DEVICE_MEMORY_SIZE);
        #[expect(clippy::cast_possible_truncation, reason = "the top of a picture")]
        let top = size.unwrap_or(0.0) as f32;
        html! {
            section.card {
                h2 { (texts.memory) }
                dl {
                    (maybe(texts.memory_available, self.said(&catalogue::DEVICE_MEMORY_AVAILABLE)))
                    (maybe(texts.memory_total, self.said(&catalogue::DEVICE_MEMORY_SIZE)))
                    (maybe(texts.swap, self.said(&catalogue::DEVICE_SWAP_USED)))
                }
                (self.history_of(texts.memory_available, &catalogue::DEVICE_MEMORY_AVAILABLE, top))
            }
        }
    }

    fn disks(&self) -> Markup {
        let (texts, device) = (self.visitor.texts(), self.device);
        let language = self.visitor.language;
        html! {
            section.card {
                h2 { (texts.disks) }
                dl {
                    @for size in device.of_metric(&catalogue::DEVICE_FILESYSTEM_SIZE) {
                        @if let Some(free) = device.beside(size, &catalogue::DEVICE_FILESYSTEM_AVAILABLE) {
                            (named_fact(size.label("mountpoint"), fill(texts.free_of, &[
                                &format::bytes(language, free),
                                &format::bytes(language, size.value),
                            ])))
                        }
                    }
                    @for read in device.of_metric(&catalogue::DEVICE_DISK_READ) {
                        @if let Some(written) = self.said_beside(read, &catalogue::DEVICE_DISK_WRITTEN) {
                            (named_fact(read.label("disk"), fill(texts.disk_traffic, &[
                                &format::bytes(language, read.value),
                                &written,
                            ])))
                        }
                    }
                }
            }
        }
    }

    fn network(&self) -> Markup {
        let (texts, device) = (self.visitor.texts(), self.device);
        html! {
            section.card {
                h2 { (texts.network) }
                dl {
                    @for up in device.of_metric(&catalogue::DEVICE_INTERFACE_UP) {
                        (named_fact(up.label("interface"), self.interface(up)))
                    }
                }
            }
        }
    }

    fn interface(&self, up: &Value) -> String {
        let texts = self.visitor.texts();
        if up.value == 0.0 {
            return texts.interface_down.to_owned();
        }
        let said = |metric| self.said_beside(up, metric);
        let counted = |name: &str, metric| Some(format!("{name} {}", said(metric)?));
        let errors: f64 = [
            &catalogue::DEVICE_INTERFACE_RECEIVE_ERRORS,
            &catalogue::DEVICE_INTERFACE_TRANSMIT_ERRORS,
        ]
        .into_iter()
        .filter_map(|metric| self.device.beside(up, metric))
        .sum();
        let errors = (errors > 0.0).then(|| {
            let count = format::number(self.visitor.language, errors, 0);
            format!("{} {count}", texts.errors)
        });
        let parts = [
            said(&catalogue::DEVICE_INTERFACE_SPEED),
            counted(texts.received, &catalogue::DEVICE_INTERFACE_RECEIVE_BYTES),
            counted(
                texts.sent_bytes,
                &catalogue::DEVICE_INTERFACE_TRANSMIT_BYTES,
            ),
            errors,
        ];
        let known: Vec<String> = parts.into_iter().flatten().collect();
        known.join(" · ")
    }

    fn temperature(&self) -> Markup {
        let language = self.visitor.language;
        let metric = &catalogue::DEVICE_TEMPERATURE;
        let sensors: Vec<_> = self.device.of_metric(metric).collect();
        html! {
            @if !sensors.is_empty() {
                section.card {
                    h2 { (self.visitor.texts().temperature) }
                    dl {
                        @for sensor in sensors {
                            (named_fact(sensor.label("sensor"), format::value(language, metric.unit, sensor.value)))
                        }
                    }
                }
            }
        }
    }
}

/// A fact, when it is known.
fn maybe(name: &str, value: Option<String>) -> Markup {
    html! { @if let Some(value) = value { (fact(name, value)) } }
}

/// How a link is probed, in the words of the field.
fn method_name(method: &str) -> &str {
    match method {
        "icmp_datagram" | "icmp_raw" => "ping (ICMP)",
        "tcp_connect" => "TCP",
        other => other,
    }
}
