//! Renders the live view in the Prometheus text format.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use proto::metrics::{self as catalogue, CATALOGUE, Kind, Metric, Part};
use proto::stream::Series;
use tokio::sync::watch;

use crate::latest::{Device, DeviceKey, Latest, Presence};
use crate::registry::Centre;

/// `name{labels} ` of one series, with the labels of its device in front.
#[must_use]
pub fn name_of(series: &Series, key: &DeviceKey, kind: &str) -> String {
    let mut name = format!(
        "{}{}{{centre=\"{}\",device=\"{}\",kind=\"{kind}\"",
        series.metric.name,
        series.part.suffix(),
        key.centre,
        key.device,
    );
    for (label, value) in &series.labels {
        push_label(&mut name, label, value);
    }
    name.push_str("} ");
    name
}

/// Appends `,label="value"`, escaped.
fn push_label(name: &mut String, label: &str, value: &str) {
    let _ = write!(name, ",{label}=\"");
    for c in value.chars() {
        match c {
            '\\' => name.push_str("\\\\"),
            '"' => name.push_str("\\\""),
            '\n' => name.push_str("\\n"),
            c => name.push(c),
        }
    }
    name.push('"');
}

/// Renders pages of the live view.
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
}

impl Exposition {
    /// The page, and how many series it shows.
    #[must_use]
    pub fn render(&self, now: Timestamp) -> (String, usize) {
        let mut page = Page::default();
        for centre in self.centres.borrow().iter() {
            self.centre(&mut page, centre, now);
        }
        self.latest.visit(None, |device| {
            enrolment(&mut page, device);
            for slot in device.live() {
                page.line(slot.position, &slot.exposition, slot.value);
            }
        });
        page.finish()
    }

    fn centre(&self, page: &mut Page, centre: &Centre, now: Timestamp) {
        let coordinate = |degrees: Option<f64>| degrees.map_or(String::new(), |d| d.to_string());
        let mut name = format!("{}{{centre=\"{}\"", catalogue::CENTRE_INFO.name, centre.id);
        let values = [
            centre.name.clone(),
            centre.area.clone().unwrap_or_default(),
            centre.isp.clone().unwrap_or_default(),
            self.province.clone(),
            coordinate(centre.latitude),
            coordinate(centre.longitude),
        ];
        for (label, value) in catalogue::CENTRE_INFO.labels.iter().zip(&values) {
            push_label(&mut name, label, value);
        }
        page.line(catalogue::CENTRE_INFO.position(), &(name + "} "), 1.0);
        if let Some(hours) = &centre.hours {
            let name = format!(
                "{}{{centre=\"{}\"}} ",
                catalogue::CENTRE_OPEN.name,
                centre.id
            );
            let open = hours.is_open(now, self.utc_offset);
            page.line(
                catalogue::CENTRE_OPEN.position(),
                &name,
                f64::from(u8::from(open)),
            );
        }
    }
}

/// What the collector itself knows of a device; stays while the device is silent.
fn enrolment(page: &mut Page, device: &Device) {
    let presence = device.presence();
    let live = presence == Presence::Live;
    let flag = |value: bool| f64::from(u8::from(value));
    let mut add = |metric: &'static Metric, labels: &[&str], value: f64| {
        let labels = metric
            .labels
            .iter()
            .copied()
            .zip(labels.iter().map(|v| (*v).to_owned()));
        let series = Series {
            metric,
            part: Part::Value,
            labels: labels.collect(),
        };
        let name = name_of(&series, &device.key, &device.enrolled.kind);
        page.line(metric.position(), &name, value);
    };
    let enrolled = &device.enrolled;
    add(&catalogue::AGENT_UP, &[], flag(live));
    add(
        &catalogue::AGENT_GOODBYE,
        &[],
        flag(presence == Presence::Goodbye),
    );
    add(&catalogue::DEVICE_UP, &[], flag(live));
    add(
        &catalogue::AGENT_INFO,
        &[&enrolled.version, &enrolled.os, &enrolled.arch],
        1.0,
    );
    if let Some(until) = enrolled.certificate_until {
        add(&catalogue::AGENT_CERTIFICATE_EXPIRY, &[], seconds(until));
    }
    if let Some(at) = device.last_report {
        add(&catalogue::AGENT_LAST_REPORT, &[], seconds(at));
    }
    if let Some(offset) = device.clock_offset.filter(|_| live) {
        add(&catalogue::AGENT_CLOCK_OFFSET, &[], offset);
        #[allow(
            clippy::cast_precision_loss,
            reason = "a count of samples fits a double"
        )]
        add(
            &catalogue::AGENT_DROPPED_SAMPLES,
            &[],
            device.dropped_samples as f64,
        );
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// One text per metric, so that the series of a family stand together.
#[derive(Default)]
struct Page {
    families: Vec<String>,
    series: usize,
}

impl Page {
    fn line(&mut self, position: usize, name: &str, value: f64) {
        if self.families.len() <= position {
            self.families.resize_with(position + 1, String::new);
        }
        let Some(family) = self.families.get_mut(position) else {
            return;
        };
        family.push_str(name);
        let _ = writeln!(family, "{value}");
        self.series += 1;
    }

    fn finish(self) -> (String, usize) {
        let mut page = String::with_capacity(self.families.iter().map(|f| f.len() + 200).sum());
        for (metric, lines) in CATALOGUE.iter().zip(&self.families) {
            if !lines.is_empty() {
                let Metric { name, help, .. } = metric;
                let kind = match metric.kind {
                    Kind::Counter => "counter",
                    Kind::Gauge => "gauge",
                    Kind::Histogram => "histogram",
                };
                let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
            }
        }
        (page, self.series)
    }
}
