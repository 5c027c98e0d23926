//! A device with all its live values, copied out so that nothing stays locked while a page is made.

use jiff::Timestamp;
use proto::metrics::Metric;
use proto::stream::Series;

use super::Link;
use crate::latest::{Device, DeviceKey, Enrolled, Presence, Slot};

/// An agent's clock further off than this is called wrong.
pub(in crate::web) const CLOCK_WRONG_SECONDS: f64 = 5.0;

/// A device as it stands now, with all its live values.
#[derive(Debug, Clone)]
pub(in crate::web) struct DeviceNow {
    pub(in crate::web) key: DeviceKey,
    pub(in crate::web) enrolled: Enrolled,
    pub(in crate::web) presence: Presence,
    pub(in crate::web) last_report: Option<Timestamp>,
    pub(in crate::web) clock_offset: Option<f64>,
    pub(in crate::web) dropped_samples: u64,
    pub(in crate::web) links: Vec<Link>,
    pub(in crate::web) values: Vec<Value>,
}

/// A live value.
#[derive(Debug, Clone)]
pub(in crate::web) struct Value {
    pub(in crate::web) series: Series,
    pub(in crate::web) value: f64,
    pub(in crate::web) time_unix_ms: i64,
    /// Minute by minute, oldest first; empty for most metrics.
    pub(in crate::web) history: Vec<Option<f32>>,
}

impl DeviceNow {
    pub(super) fn of(device: &Device, now: Timestamp) -> Self {
        let now_unix_ms = now.as_millisecond();
        let presence = device.presence();
        let value = |slot: &Slot| Value {
            series: slot.series.clone(),
            value: slot.value,
            time_unix_ms: slot.time_unix_ms,
            history: slot.history(now_unix_ms),
        };
        Self {
            key: device.key.clone(),
            enrolled: device.enrolled.clone(),
            presence,
            last_report: device.last_report,
            // What it was before the silence is not known to be still true.
            clock_offset: device.clock_offset.filter(|_| presence == Presence::Live),
            dropped_samples: device.dropped_samples,
            links: Link::all_of(device, now_unix_ms),
            values: device.live().map(value).collect(),
        }
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
            .filter(|offset| offset.abs() > CLOCK_WRONG_SECONDS)
    }
}

impl Value {
    /// The value of one of its labels, empty when it has none of that name.
    pub(in crate::web) fn label(&self, name: &str) -> &str {
        let label = self.series.labels.iter().find(|(label, _)| *label == name);
        label.map_or("", |(_, value)| value)
    }
}
