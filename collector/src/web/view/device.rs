//! A device and as much of its live values as is asked for, copied out so that nothing stays locked
//! while a page is made.

use diagnosis::record::{Goodbye, Hello};
use jiff::Timestamp;
use proto::metrics::Metric;
use proto::stream::Series;
use proto::thresholds::CLOCK_OFF;

use super::{Link, Measured, Resolver, Route, Service};
use crate::latest::{Device, DeviceKey, Enrolled, Presence, Slot};

/// How much of a device is copied out. A province has a thousand devices, a country 66,000: lists
/// take no more than they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) enum Detail {
    /// Its links, routes, services and resolvers, summed up.
    Links,
    /// Every live value too.
    Values,
    /// And the last hour, minute by minute.
    History,
}

/// A device as it stands now.
#[derive(Debug, Clone)]
pub(in crate::web) struct DeviceNow {
    pub(in crate::web) key: DeviceKey,
    pub(in crate::web) enrolled: Enrolled,
    pub(in crate::web) presence: Presence,
    /// Why it is silent, if it said so.
    pub(in crate::web) goodbye: Option<Goodbye>,
    /// How its agent last came to be there, and when.
    pub(in crate::web) came: Option<(Hello, Timestamp)>,
    pub(in crate::web) last_report: Option<Timestamp>,
    pub(in crate::web) clock_offset: Option<f64>,
    pub(in crate::web) dropped_samples: u64,
    /// The nearest segment first.
    pub(in crate::web) links: Vec<Link>,
    pub(in crate::web) routes: Vec<Route>,
    pub(in crate::web) services: Vec<Service>,
    pub(in crate::web) resolvers: Vec<Resolver>,
    /// Empty when only links were asked for.
    pub(in crate::web) values: Vec<Value>,
}

/// A live value.
#[derive(Debug, Clone)]
pub(in crate::web) struct Value {
    pub(in crate::web) series: Series,
    pub(in crate::web) value: f64,
    pub(in crate::web) time_unix_ms: i64,
    /// Minute by minute, oldest first; empty for most metrics, and unless it was asked for.
    pub(in crate::web) history: Vec<Option<f32>>,
}

impl DeviceNow {
    /// Of one that has an agent.
    pub(super) fn of(device: &Device, now: Timestamp, detail: Detail) -> Option<Self> {
        let enrolled = device.enrolled()?.clone();
        let now_unix_ms = now.as_millisecond();
        let presence = device.presence();
        let Measured {
            links,
            routes,
            services,
            resolvers,
        } = Measured::by(device, now_unix_ms, detail);
        Some(Self {
            key: device.key.clone(),
            enrolled,
            presence,
            goodbye: device.why_silent(),
            came: came(device),
            last_report: device.last_report,
            // What it was before the silence is not known to be still true.
            clock_offset: device.clock_offset.filter(|_| presence == Presence::Live),
            dropped_samples: device.dropped_samples,
            links,
            routes,
            services,
            resolvers,
            values: Value::all_of(device, now, detail),
        })
    }

    /// The live series of one metric.
    pub(in crate::web) fn of_metric(
        &self,
        metric: &'static Metric,
    ) -> impl Iterator<Item = &Value> {
        self.values
            .iter()
            .filter(move |value| value.series.metric == metric)
    }

    /// The live value of a metric that has one series per device.
    pub(in crate::web) fn value(&self, metric: &'static Metric) -> Option<f64> {
        self.of_metric(metric).next().map(|value| value.value)
    }

    /// The value beside this one of another metric: same labels.
    pub(in crate::web) fn beside(&self, value: &Value, metric: &'static Metric) -> Option<f64> {
        let same = |other: &&Value| other.series.labels == value.series.labels;
        Some(self.of_metric(metric).find(same)?.value)
    }

    /// The clock's error in seconds, when it is large enough to be called wrong.
    pub(in crate::web) fn wrong_clock(&self) -> Option<f64> {
        self.clock_offset
            .filter(|offset| offset.abs() > CLOCK_OFF.as_secs_f64())
    }
}

fn came(device: &Device) -> Option<(Hello, Timestamp)> {
    let (how, at_unix_ms) = device.last_came()?;
    Some((how, Timestamp::from_millisecond(at_unix_ms).ok()?))
}

impl Value {
    /// All that are live, if they were asked for.
    pub(super) fn all_of(device: &Device, now: Timestamp, detail: Detail) -> Vec<Self> {
        let now_unix_ms = now.as_millisecond();
        let value = |slot: &Slot| Self {
            series: slot.series().clone(),
            value: slot.value,
            time_unix_ms: slot.time_unix_ms,
            history: match detail {
                Detail::History => slot.history(now_unix_ms),
                Detail::Links | Detail::Values => Vec::new(),
            },
        };
        match detail {
            Detail::Links => Vec::new(),
            Detail::Values | Detail::History => device.live().map(value).collect(),
        }
    }

    /// The value of one of its labels, empty when it has none of that name.
    pub(in crate::web) fn label(&self, name: &str) -> &str {
        let label = self.series.labels.iter().find(|(label, _)| *label == name);
        label.map_or("", |(_, value)| value)
    }
}
