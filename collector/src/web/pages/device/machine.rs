//! The machine itself: processor, memory, disks, network, temperature.

use maud::{Markup, html};
use proto::metrics as catalogue;

use super::super::named_fact;
use super::{Shown, maybe};
use crate::web::format;
use crate::web::lang::fill;
use crate::web::view::Value;

impl Shown<'_> {
    pub(super) fn processor(&self) -> Markup {
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

    pub(super) fn memory(&self) -> Markup {
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

    pub(super) fn disks(&self) -> Markup {
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

    pub(super) fn network(&self) -> Markup {
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
        let known: Vec<String> = parts
            .into_iter()
            .chain(self.quality(up))
            .flatten()
            .collect();
        known.join(" · ")
    }

    /// How well an interface is connected to its switch or access point.
    fn quality(&self, up: &Value) -> [Option<String>; 3] {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let full = self
            .device
            .beside(up, &catalogue::DEVICE_INTERFACE_FULL_DUPLEX);
        let changes = &catalogue::DEVICE_INTERFACE_CARRIER_CHANGES;
        // It comes up once.
        let changes = self.device.beside(up, changes).filter(|count| *count > 1.0);
        [
            (full == Some(0.0)).then(|| texts.half_duplex.to_owned()),
            changes.map(|count| {
                fill(
                    texts.carrier_changes,
                    &[&format::number(language, count, 0)],
                )
            }),
            self.wifi_signal(up),
        ]
    }

    /// How strongly the access point is received, of an interface that has one.
    pub(super) fn wifi_signal(&self, interface: &Value) -> Option<String> {
        let signal = self.said_beside(interface, &catalogue::DEVICE_WIFI_SIGNAL)?;
        Some(fill(self.visitor.texts().wifi_signal, &[&signal]))
    }

    pub(super) fn temperature(&self) -> Markup {
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
