//! Renders the live view in the Prometheus text format: [`Exposition`] says what a page shows, a
//! [`Page`] writes it.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

mod faults;
mod page;
mod readiness;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use diagnosis::record::Goodbye;
use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::metrics::{self as catalogue, Metric, Part};
use proto::stream::Series;
use tokio::sync::watch;

use self::page::Content;
pub use self::page::{Page, Spare};
pub use self::text::tail_of;
use crate::calendar::Calendars;
use crate::comings;
use crate::latest::{Device, Latest, Name, Presence};
use crate::registry::Centre;
use crate::watch::Events;

/// Makes pages of the live view.
#[derive(Debug)]
pub struct Exposition {
    /// What to show.
    pub latest: Arc<Latest>,
    /// The centres of the registry.
    pub centres: watch::Receiver<Arc<Vec<Centre>>>,
    /// Who asks the devices of which centre.
    pub asking: watch::Receiver<Arc<HashMap<CentreId, Asking>>>,
    /// What the province is called.
    pub province: String,
    /// When centres are open.
    pub calendars: Arc<Calendars>,
    /// Whether to show what agents measured, beside what the collector itself knows of them. Where
    /// that goes to a store with its own time, it would be there twice.
    pub measurements: bool,
    /// What is wrong.
    pub faults: Events,
}

/// How the devices of a centre that have no agent are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asking {
    /// The machine of the scout, if there is one.
    pub scout: Option<DeviceId>,
    /// How many devices were found and wait for somebody to approve or ignore them.
    pub found: usize,
}

impl Exposition {
    /// Looks at everything once, each device for some microseconds; the page is as of now, whenever
    /// it is written.
    #[must_use]
    pub fn page(&self, now: Timestamp, spare: &Spare) -> Page {
        let mut content = spare.take();
        let asking = Arc::clone(&self.asking.borrow());
        for centre in self.centres.borrow().iter() {
            self.centre(&mut content, centre, asking.get(&centre.id), now);
        }
        faults::add(&mut content, &self.faults);
        readiness::add(&mut content, self.faults.readiness());
        let facts = Facts::of(&self.latest);
        self.latest.visit(None, |device| {
            content.begin_device(&device.key, device.kind());
            facts.add(&mut content, device);
            if self.measurements {
                for slot in device.live() {
                    content.line(&slot.name, slot.value);
                }
            }
        });
        Page::new(content, spare.clone())
    }

    fn centre(
        &self,
        content: &mut Content,
        centre: &Centre,
        asking: Option<&Asking>,
        now: Timestamp,
    ) {
        let coordinate = |degrees: Option<f64>| degrees.map_or(String::new(), |d| d.to_string());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let values = [
            centre.name.clone(),
            text(&centre.area),
            text(&centre.isp),
            self.province.clone(),
            coordinate(centre.latitude),
            coordinate(centre.longitude),
        ];
        let mut add = |metric: &'static Metric, labels: &[String], value: usize| {
            let mut line = format!("{}{{centre=\"{}\"", metric.name, centre.id);
            for (label, value) in metric.labels.iter().zip(labels) {
                text::push_label(&mut line, label, value);
            }
            let _ = writeln!(line, "}} {value}");
            content.centre(metric, &line);
        };
        add(&catalogue::CENTRE_INFO, &values, 1);
        if let Some(open) = self.calendars.is_open(centre, now) {
            add(&catalogue::CENTRE_OPEN, &[], usize::from(open));
        }
        if let Some(Asking { scout, found }) = asking {
            if let Some(scout) = scout {
                add(&catalogue::CENTRE_SCOUT_INFO, &[scout.to_string()], 1);
            }
            add(&catalogue::CENTRE_FOUND_DEVICES, &[], *found);
        }
    }
}

/// Names of what the collector itself knows of a device; it stays while the device is silent.
struct Facts {
    agent_up: Arc<Name>,
    agent_goodbye: Arc<Name>,
    goodbye_reasons: [(Goodbye, Arc<Name>); 3],
    device_up: Arc<Name>,
    certificate_expiry: Arc<Name>,
    last_report: Arc<Name>,
    clock_offset: Arc<Name>,
    dropped_samples: Arc<Name>,
}

impl Facts {
    fn of(latest: &Latest) -> Self {
        let labelled = |metric: &'static Metric, labels| {
            latest.name(&Series {
                device: None,
                metric,
                part: Part::Value,
                labels,
            })
        };
        let name = |metric| labelled(metric, Vec::new());
        let reason = |why| {
            let labels = vec![("reason", comings::word(why).to_owned())];
            (why, labelled(&catalogue::AGENT_GOODBYE_REASON, labels))
        };
        Self {
            agent_up: name(&catalogue::AGENT_UP),
            agent_goodbye: name(&catalogue::AGENT_GOODBYE),
            goodbye_reasons: [Goodbye::Shutdown, Goodbye::Sleep, Goodbye::Stop].map(reason),
            device_up: name(&catalogue::DEVICE_UP),
            certificate_expiry: name(&catalogue::AGENT_CERTIFICATE_EXPIRY),
            last_report: name(&catalogue::AGENT_LAST_REPORT),
            clock_offset: name(&catalogue::AGENT_CLOCK_OFFSET),
            dropped_samples: name(&catalogue::AGENT_DROPPED_SAMPLES),
        }
    }

    fn add(&self, content: &mut Content, device: &Device) {
        let flag = |value: bool| f64::from(u8::from(value));
        if let Some(is_up) = device.is_up() {
            content.line(&self.device_up, flag(is_up));
        }
        let (Some(enrolled), Some(info)) = (device.enrolled(), &device.info) else {
            return;
        };
        let presence = device.presence();
        let live = presence == Presence::Live;
        content.line(&self.agent_up, flag(live));
        content.line(&self.agent_goodbye, flag(presence == Presence::Goodbye));
        if let Some(why) = device.why_silent() {
            let mut reasons = self.goodbye_reasons.iter();
            if let Some((_, name)) = reasons.find(|(reason, _)| *reason == why) {
                content.line(name, 1.0);
            }
        }
        content.line(info, 1.0);
        if let Some(until) = enrolled.certificate_until {
            content.line(&self.certificate_expiry, seconds(until));
        }
        if let Some(at) = device.last_report {
            content.line(&self.last_report, seconds(at));
        }
        if let Some(offset) = device.clock_offset.filter(|_| live) {
            content.line(&self.clock_offset, offset);
            #[allow(
                clippy::cast_precision_loss,
                reason = "a count of samples fits a double"
            )]
            content.line(&self.dropped_samples, device.dropped_samples as f64);
        }
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
