//! The newest value of one series, in as few bytes as it takes: a country has millions of them.

use std::sync::Arc;
use std::time::Duration;

use proto::metrics::{self as catalogue, Metric};
use proto::stream::Series;
use tokio::time::Instant;

use super::history::History;
use super::names::Name;

/// Metrics whose last hour is kept, minute by minute.
static WITH_HISTORY: [&Metric; 4] = [
    &catalogue::DEVICE_CPU_USAGE,
    &catalogue::DEVICE_MEMORY_AVAILABLE,
    &catalogue::LINK_RTT_MEDIAN,
    &catalogue::LINK_LOSS,
];

/// The newest value of one series.
#[derive(Debug)]
pub struct Slot {
    /// What it is.
    pub name: Arc<Name>,
    /// Its newest value.
    pub value: f64,
    /// When that was measured, corrected to the collector's clock.
    pub time_unix_ms: i64,
    history: Option<Box<History>>,
    received: Tick,
    /// The place of the run that tells it.
    pub(super) run: u16,
    /// Whether the newest stream defined it.
    pub(super) named: bool,
}

impl Slot {
    pub(super) fn new(name: Arc<Name>, run: u16) -> Self {
        let history = WITH_HISTORY.contains(&name.series.metric);
        Self {
            name,
            value: 0.0,
            time_unix_ms: i64::MIN,
            history: history.then(Box::default),
            received: Tick(0),
            run,
            named: true,
        }
    }

    /// What it is.
    #[must_use]
    pub fn series(&self) -> &Series {
        &self.name.series
    }

    /// The value of one of its labels, empty when it has none of that name.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        let labels = &self.series().labels;
        let label = labels.iter().find(|(label, _)| *label == name);
        label.map_or("", |(_, value)| value)
    }

    /// The last hour, one mean value per minute, oldest first; `None` where nothing was measured.
    /// Empty for metrics without history.
    #[must_use]
    pub fn history(&self, now_unix_ms: i64) -> Vec<Option<f32>> {
        self.history
            .as_ref()
            .map(|history| history.until(now_unix_ms))
            .unwrap_or_default()
    }

    /// Notes a sample in the last hour, if it is of that.
    pub(super) fn remember(&mut self, time_unix_ms: i64, value: f64) {
        if let Some(history) = &mut self.history {
            history.add(time_unix_ms, value);
        }
    }

    /// Takes a value that was received now, unless it is older than what is there.
    pub(super) fn take(&mut self, time_unix_ms: i64, value: f64, now: Tick) {
        if time_unix_ms >= self.time_unix_ms {
            self.time_unix_ms = time_unix_ms;
            self.value = value;
            self.received = now;
        }
    }

    /// Whether it has a value that was received no longer ago than this.
    pub(super) fn is_fresh(&self, now: Tick, patience: Duration) -> bool {
        self.time_unix_ms > i64::MIN && now.since(self.received) < patience
    }

    /// Whether the last hour has anything to show.
    pub(super) fn has_history(&self, now_unix_ms: i64) -> bool {
        let history = self.history.as_ref();
        history.is_some_and(|history| history.reaches(now_unix_ms))
    }
}

/// A moment of this process in tenths of a second, which last for 13 years.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(u32);

impl Tick {
    pub(super) const PER_HOUR: u32 = 36_000;

    pub(super) fn plus(self, ticks: u32) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    pub(super) fn now(started: Instant) -> Self {
        Self(u32::try_from(started.elapsed().as_millis() / 100).unwrap_or(u32::MAX))
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::from(self.0.saturating_sub(earlier.0)) * 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_stays_small() {
        assert_eq!(size_of::<Slot>(), 40);
        assert_eq!(size_of::<History>(), 312);
    }
}
