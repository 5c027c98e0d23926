//! Renders the live view in the Prometheus text format: [`Exposition`] says what a page shows, a
//! [`Page`] writes it.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

mod page;
#[cfg(test)]
mod tests;
mod text;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use proto::metrics::{self as catalogue, Metric, Part};
use proto::stream::Series;
use tokio::sync::watch;

use self::page::Content;
pub use self::page::{Page, Spare};
pub use self::text::tail_of;
use crate::latest::{Device, Latest, Name, Presence};
use crate::registry::Centre;

/// Makes pages of the live view.
#[derive(Debug)]
pub struct Exposition {
    /// What to show.
    pub latest: Arc<Latest>,
    /// The centres of the registry.
    pub centres: watch::Receiver<Arc<Vec<Centre>>>,
    /// What the province is called.
    pub province: String,
    /// The province's time, for whether a centre is open.
    pub utc_offset: Offset,
    /// Whether to show what agents measured, beside what the collector itself knows of them. Where
    /// that goes to a store with its own time, it would be there twice.
    pub measurements: bool,
}

impl Exposition {
    /// Looks at everything once, each device for some microseconds; the page is as of now, whenever
    /// it is written.
    #[must_use]
    pub fn page(&self, now: Timestamp, spare: &Spare) -> Page {
        let mut content = spare.take();
        for centre in self.centres.borrow().iter() {
            self.centre(&mut content, centre, now);
        }
        let facts = Facts::of(&self.latest);
        self.latest.visit(None, |device| {
            content.begin_device(&device.key, &device.enrolled.kind);
            facts.add(&mut content, device);
            if self.measurements {
                for slot in device.live() {
                    content.line(&slot.name, slot.value);
                }
            }
        });
        Page::new(content, spare.clone())
    }

    fn centre(&self, content: &mut Content, centre: &Centre, now: Timestamp) {
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
        let mut add = |metric: &'static Metric, labels: &[String], value: u8| {
            let mut line = format!("{}{{centre=\"{}\"", metric.name, centre.id);
            for (label, value) in metric.labels.iter().zip(labels) {
                text::push_label(&mut line, label, value);
            }
            let _ = writeln!(line, "}} {value}");
            content.centre(metric, &line);
        };
        add(&catalogue::CENTRE_INFO, &values, 1);
        if let Some(hours) = &centre.hours {
            let open = hours.is_open(now, self.utc_offset);
            add(&catalogue::CENTRE_OPEN, &[], u8::from(open));
        }
    }
}

/// Names of what the collector itself knows of a device; it stays while the device is silent.
struct Facts {
    agent_up: Arc<Name>,
    agent_goodbye: Arc<Name>,
    device_up: Arc<Name>,
    certificate_expiry: Arc<Name>,
    last_report: Arc<Name>,
    clock_offset: Arc<Name>,
    dropped_samples: Arc<Name>,
}

impl Facts {
    fn of(latest: &Latest) -> Self {
        let name = |metric: &'static Metric| {
            latest.name(&Series {
                metric,
                part: Part::Value,
                labels: Vec::new(),
            })
        };
        Self {
            agent_up: name(&catalogue::AGENT_UP),
            agent_goodbye: name(&catalogue::AGENT_GOODBYE),
            device_up: name(&catalogue::DEVICE_UP),
            certificate_expiry: name(&catalogue::AGENT_CERTIFICATE_EXPIRY),
            last_report: name(&catalogue::AGENT_LAST_REPORT),
            clock_offset: name(&catalogue::AGENT_CLOCK_OFFSET),
            dropped_samples: name(&catalogue::AGENT_DROPPED_SAMPLES),
        }
    }

    fn add(&self, content: &mut Content, device: &Device) {
        let presence = device.presence();
        let live = presence == Presence::Live;
        let flag = |value: bool| f64::from(u8::from(value));
        content.line(&self.agent_up, flag(live));
        content.line(&self.agent_goodbye, flag(presence == Presence::Goodbye));
        content.line(&self.device_up, flag(live));
        content.line(&device.info, 1.0);
        if let Some(until) = device.enrolled.certificate_until {
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
