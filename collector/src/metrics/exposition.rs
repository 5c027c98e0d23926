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
    let mut name = String::new();
    let Series {
        metric,
        part,
        labels,
    } = series;
    let labels = labels.iter().map(|(label, value)| (*label, &**value));
    push_name(&mut name, (metric, *part), (key, kind), labels);
    name
}

/// Appends `name{labels} `, without a text in between.
fn push_name<'a>(
    line: &mut String,
    (metric, part): (&Metric, Part),
    (key, kind): (&DeviceKey, &str),
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) {
    for piece in [
        metric.name,
        part.suffix(),
        "{centre=\"",
        key.centre.as_str(),
        "\",device=\"",
        key.device.as_str(),
        "\",kind=\"",
        kind,
        "\"",
    ] {
        line.push_str(piece);
    }
    for (label, value) in labels {
        push_label(line, label, value);
    }
    line.push_str("} ");
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
        let mut page = Page::new();
        for centre in self.centres.borrow().iter() {
            self.centre(&mut page, centre, now);
        }
        self.latest.visit(None, |device| {
            enrolment(&mut page, device);
            for slot in device.live() {
                page.line(slot.position, slot.value, |line| {
                    line.push_str(&slot.exposition);
                });
            }
        });
        page.finish()
    }

    fn centre(&self, page: &mut Page, centre: &Centre, now: Timestamp) {
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
        let mut add = |metric: &'static Metric, labels: &[String], value: f64| {
            page.line(metric.position(), value, |line| {
                let _ = write!(line, "{}{{centre=\"{}\"", metric.name, centre.id);
                for (label, value) in metric.labels.iter().zip(labels) {
                    push_label(line, label, value);
                }
                line.push_str("} ");
            });
        };
        add(&catalogue::CENTRE_INFO, &values, 1.0);
        if let Some(hours) = &centre.hours {
            let open = hours.is_open(now, self.utc_offset);
            add(&catalogue::CENTRE_OPEN, &[], f64::from(u8::from(open)));
        }
    }
}

/// What the collector itself knows of a device; stays while the device is silent.
fn enrolment(page: &mut Page, device: &Device) {
    let presence = device.presence();
    let live = presence == Presence::Live;
    let flag = |value: bool| f64::from(u8::from(value));
    let mut add = |metric: &'static Metric, labels: &[&str], value: f64| {
        let labels = metric.labels.iter().copied().zip(labels.iter().copied());
        let device = (&device.key, &*device.enrolled.kind);
        page.line(metric.position(), value, |line| {
            push_name(line, (metric, Part::Value), device, labels);
        });
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
struct Page {
    families: Vec<String>,
    series: usize,
}

impl Page {
    fn new() -> Self {
        Self {
            families: vec![String::new(); CATALOGUE.len()],
            series: 0,
        }
    }

    fn line(&mut self, position: usize, value: f64, name: impl FnOnce(&mut String)) {
        let Some(family) = self.families.get_mut(position) else {
            return;
        };
        name(family);
        push_value(family, value);
        family.push('\n');
        self.series += 1;
    }

    fn finish(self) -> (String, usize) {
        let mut page = String::with_capacity(self.families.iter().map(|f| f.len() + 300).sum());
        // Each family is given back as soon as it is copied.
        for (metric, lines) in CATALOGUE.iter().zip(self.families) {
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

/// Appends a number in its shortest form. Most are whole, and those are much the faster to write.
fn push_value(text: &mut String, value: f64) {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "compared with what it came from"
    )]
    let whole = value as i64;
    #[allow(
        clippy::cast_precision_loss,
        reason = "compared with what it came from"
    )]
    if whole as f64 == value {
        text.push_str(itoa::Buffer::new().format(whole));
    } else {
        text.push_str(zmij::Buffer::new().format(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back_as_they_were() {
        let check = |value: f64, expected: &str| {
            let mut text = String::new();
            push_value(&mut text, value);
            assert_eq!(text, expected);
            assert_eq!(text.parse(), Ok(value), "{text}");
        };
        check(0.0, "0");
        check(-0.0, "0");
        check(1.0, "1");
        check(-17.0, "-17");
        check(1_793_021_000.25, "1793021000.25");
        check(0.1 + 0.2, "0.30000000000000004");
        check(9_007_199_254_740_992.0, "9007199254740992");
        check(1e300, "1e+300");
        check(5e-324, "5e-324");
        check(f64::INFINITY, "inf");
    }

    #[test]
    fn labels_are_escaped() {
        let mut line = String::new();
        push_label(&mut line, "mountpoint", "C:\\a \"b\"\nđ");
        assert_eq!(line, ",mountpoint=\"C:\\\\a \\\"b\\\"\\nđ\"");
    }

    #[test]
    fn the_series_of_a_family_stand_together() {
        let mut page = Page::new();
        for (metric, value) in [
            (&catalogue::AGENT_UP, 1.0),
            (&catalogue::DEVICE_UP, 0.5),
            (&catalogue::AGENT_UP, 0.0),
        ] {
            page.line(metric.position(), value, |line| line.push_str("x "));
        }
        let (text, series) = page.finish();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with("# HELP"))
            .collect();
        let expected = [
            "# TYPE dawnwatch_agent_up gauge",
            "x 1",
            "x 0",
            "# TYPE dawnwatch_device_up gauge",
            "x 0.5",
        ];
        assert_eq!((&*lines, series), (&expected[..], 3));
    }
}
