//! Who a device is, and how its agent does: what is shown even when it is silent.

use diagnosis::record::Hello;
use maud::{Markup, html};
use proto::metrics as catalogue;

use super::super::{fact, moment_and_age};
use super::{Shown, maybe};
use crate::web::format;
use crate::web::lang::fill;

impl Shown<'_> {
    pub(super) fn identity(&self) -> Markup {
        let (texts, device) = (self.visitor.texts(), self.device);
        let label = |metric, name: &str| {
            let value = device.of_metric(metric).next()?.label(name);
            (!value.is_empty()).then(|| value.to_owned())
        };
        let system = ["name", "version"]
            .into_iter()
            .filter_map(|name| label(&catalogue::DEVICE_OS_INFO, name));
        let system: Vec<String> = system.collect();
        let system = if system.is_empty() {
            device.enrolled.os.clone()
        } else {
            system.join(" ")
        };
        let started = device.value(&catalogue::DEVICE_BOOT_TIME);
        html! {
            section.card {
                h2 { (texts.identity) }
                dl {
                    (fact(texts.kind, &device.enrolled.kind))
                    (maybe(texts.vendor, label(&catalogue::DEVICE_INFO, "vendor")))
                    (maybe(texts.model, label(&catalogue::DEVICE_INFO, "model")))
                    (maybe(texts.serial, label(&catalogue::DEVICE_INFO, "serial")))
                    (fact(texts.operating_system, system))
                    (maybe(texts.kernel, label(&catalogue::DEVICE_OS_INFO, "kernel")))
                    (maybe(texts.host_name, label(&catalogue::DEVICE_OS_INFO, "hostname")))
                    @if let Some(at) = started.and_then(format::timestamp_of) {
                        (fact(texts.started, format::moment(self.visitor.language, self.web.utc_offset, at)))
                        (fact(texts.running_for, format::span(
                            self.visitor.language,
                            (self.web.now)().as_second() - at.as_second(),
                        )))
                    }
                }
            }
        }
    }

    pub(super) fn agent(&self) -> Markup {
        let (texts, device) = (self.visitor.texts(), self.device);
        let language = self.visitor.language;
        let dropped = device.dropped_samples.to_string();
        html! {
            section.card {
                h2 { (texts.agent_itself) }
                dl {
                    (fact(texts.agent_version, &device.enrolled.version))
                    (fact(texts.platform, format!("{} {}", device.enrolled.os, device.enrolled.arch)))
                    @if let Some(at) = device.last_report {
                        (fact(texts.last_report, moment_and_age(self.web, language, at)))
                    }
                    (self.came())
                    (self.certificate())
                    @if device.clock_offset.is_some() && device.wrong_clock().is_none() {
                        (fact(texts.clock, texts.clock_right))
                    }
                    (maybe(texts.spool, self.spool()))
                    @if device.dropped_samples > 0 { (fact(texts.dropped, dropped)) }
                }
            }
        }
    }

    /// How the agent last came to be there.
    fn came(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let word = |how| match how {
            Hello::CleanBoot => Some(texts.came_clean_boot),
            Hello::PowerLossBoot => Some(texts.came_power_loss),
            Hello::Wake => Some(texts.came_wake),
            Hello::Restart => Some(texts.came_restart),
            Hello::Other => None,
        };
        html! {
            @if let Some((how, at)) = self.device.came && let Some(word) = word(how) {
                (fact(texts.came, html! { (word) ", " (moment_and_age(self.web, language, at)) }))
            }
        }
    }

    fn certificate(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        html! {
            @if let Some(until) = self.device.enrolled.certificate_until {
                (fact(texts.certificate_until, html! {
                    (format::day(language, self.web.utc_offset, until))
                    @if until < (self.web.now)() { " " span.badge.lost { (texts.certificate_expired) } }
                }))
            }
        }
    }

    /// What waits at the agent, and since when.
    fn spool(&self) -> Option<String> {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let bytes = self.device.value(&catalogue::AGENT_SPOOL_BYTES)?;
        let oldest = self.device.value(&catalogue::AGENT_SPOOL_OLDEST);
        let size = format::bytes(language, bytes);
        Some(match oldest.and_then(format::timestamp_of) {
            _ if bytes == 0.0 => texts.spool_empty.to_owned(),
            Some(at) => {
                let at = format::moment(language, self.web.utc_offset, at);
                fill(texts.spool_since, &[&size, &at])
            }
            None => size,
        })
    }
}
