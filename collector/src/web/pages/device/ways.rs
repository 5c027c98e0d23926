//! The ways a device's packets take: the picture of all, the routers of each, and how much gets through.

use maud::{Markup, html};
use proto::metrics as catalogue;

use super::super::fact;
use super::super::path::{Picture, Start, traced_name};
use super::{Shown, maybe};
use crate::web::format;
use crate::web::lang::fill;
use crate::web::view::{Path, Route, Standing};

impl Shown<'_> {
    pub(super) fn picture(&self) -> Markup {
        let picture = Picture {
            web: self.web,
            visitor: self.visitor,
            start: self.start(),
            path: Path::of(&self.device.links),
            routes: self.device.routes.iter().collect(),
            services: &self.device.services,
            resolvers: &self.device.resolvers,
            devices: 1,
            fails: None,
        };
        picture.show()
    }

    /// The machine's own network cards.
    fn start(&self) -> Start {
        let interfaces = self.device.of_metric(&catalogue::DEVICE_INTERFACE_UP);
        let (up, down): (Vec<_>, Vec<_>) = interfaces.partition(|interface| interface.value > 0.0);
        let is_half = |interface| {
            let full = &catalogue::DEVICE_INTERFACE_FULL_DUPLEX;
            self.device.beside(interface, full) == Some(0.0)
        };
        let standing = if up.iter().any(|interface| is_half(interface)) {
            Standing::Notice
        } else if !up.is_empty() {
            Standing::Good
        } else if !down.is_empty() {
            Standing::Poor
        } else {
            Standing::Unmeasured
        };
        let lines = up.iter().take(3).map(|interface| {
            let name = interface.label("interface");
            let speed = &catalogue::DEVICE_INTERFACE_SPEED;
            let parts = [
                Some(name.to_owned()),
                self.said_beside(interface, speed),
                self.wifi_signal(interface),
                is_half(interface).then(|| self.visitor.texts().half_duplex.to_owned()),
            ];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            parts.join(" · ")
        });
        Start {
            name: self.visitor.texts().this_machine.to_owned(),
            standing,
            lines: lines.collect(),
        }
    }

    /// One card for each target whose way is known.
    pub(super) fn routes(&self) -> Markup {
        let traced = self.device.routes.iter().filter(|route| route.was_traced());
        html! { @for route in traced { (self.route(route)) } }
    }

    fn route(&self, route: &Route) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let count = |value: f64| format::number(language, value, 0);
        let length = match route.length {
            Some(length) => fill(texts.route_length, &[&count(length)]),
            None => texts.route_unfinished.to_owned(),
        };
        let changes = route.changes.filter(|changes| *changes > 0.0);
        let changes = changes.map(|changes| fill(texts.route_changed, &[&count(changes)]));
        html! {
            section.card {
                h2 { (fill(texts.route_to, &[traced_name(texts, route)])) }
                p.note { (length) }
                (self.hops(route))
                dl {
                    (maybe(texts.route_changes, changes))
                    (maybe(texts.mtu, route.mtu.map(|bytes| format!("{} B", count(bytes)))))
                }
            }
        }
    }

    /// Router by router; those that answer nothing have a line too, which is no loss.
    fn hops(&self, route: &Route) -> Markup {
        let language = self.visitor.language;
        let silent = self.visitor.texts().silent_hop;
        let mut next = 1;
        let lines: Vec<_> = route
            .hops
            .iter()
            .map(|hop| {
                let missing = next..hop.number;
                next = hop.number.saturating_add(1);
                (missing, hop)
            })
            .collect();
        html! {
            ol.hops {
                @for (missing, hop) in lines {
                    @for number in missing { li value=(number) { small { (silent) } } }
                    li value=(hop.number) {
                        (hop.address)
                        @if let Some(rtt) = hop.rtt { " " small { (format::seconds(language, rtt)) } }
                    }
                }
            }
        }
    }

    /// How much got through at the last transfer, and what it did to the delay.
    pub(super) fn throughput(&self) -> Markup {
        let texts = self.visitor.texts();
        let rates = self.device.of_metric(&catalogue::THROUGHPUT);
        let said: Vec<_> = rates
            .map(|rate| {
                let name = match rate.label("direction") {
                    "download" => texts.download,
                    "upload" => texts.upload,
                    other => other,
                };
                let unit = catalogue::THROUGHPUT.unit;
                let reached = format::value(self.visitor.language, unit, rate.value);
                let loaded = self.said_beside(rate, &catalogue::THROUGHPUT_LOADED_RTT);
                let loaded = loaded.map(|delay| fill(texts.loaded_rtt, &[&delay]));
                let parts: Vec<_> = [Some(reached), loaded].into_iter().flatten().collect();
                (name, parts.join(" · "))
            })
            .collect();
        html! {
            @if !said.is_empty() {
                section.card {
                    h2 { (texts.throughput) }
                    dl { @for (name, reached) in said { (fact(name, reached)) } }
                }
            }
        }
    }
}
