//! What is told together: all that one run of a probe found out of one service, resolver, path or link, or
//! one poll of a printer or UPS.
//!
//! What a run does not tell is absent: a service that timed out has no status, and an agent that was started
//! anew knows no outcomes of before. So a value that an older run told is not shown beside a newer run's,
//! however long it would count for alone ([`super::seldom`]). All samples of a run have one time.

use std::sync::Arc;

use proto::metrics::Metric;

use super::names::Name;
use super::slot::Slot;

/// The place of the run of a series that belongs to none.
pub(super) const ALONE: u16 = u16::MAX;

/// Whose runs a metric is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Service,
    Resolver,
    Path,
    Mtu,
    Link,
    /// How asking a device by one protocol went.
    Poll,
    /// What a device is, which is one thing at a time.
    Info,
    /// Where what a poll told came from.
    Origins,
    Printer,
    Ups,
    Wan,
}

impl Probe {
    /// Of this metric, if it is told by a probe's runs.
    pub(super) fn of(metric: &'static Metric) -> Option<Self> {
        let is = |prefix: &str| metric.name.starts_with(prefix);
        if is("dawnwatch_path_mtu_") {
            Some(Self::Mtu)
        } else if is("dawnwatch_path_") {
            Some(Self::Path)
        } else if is("dawnwatch_probe_") {
            Some(Self::Service)
        } else if is("dawnwatch_dns_") {
            Some(Self::Resolver)
        } else if is("dawnwatch_link_") {
            Some(Self::Link)
        } else if is("dawnwatch_device_poll_") {
            Some(Self::Poll)
        } else if is("dawnwatch_device_info") {
            Some(Self::Info)
        } else if is("dawnwatch_device_reading_") {
            Some(Self::Origins)
        } else if is("dawnwatch_printer_") {
            Some(Self::Printer)
        } else if is("dawnwatch_ups_") {
            Some(Self::Ups)
        } else if is("dawnwatch_wan_") {
            Some(Self::Wan)
        } else {
            None
        }
    }

    /// Whether it tells both of the same thing: that is what the first labels say, or the first two.
    fn is_of_both(self, one: &Name, other: &Name) -> bool {
        let labels = self.labels();
        one.probe == other.probe
            && one.series.labels.get(..labels) == other.series.labels.get(..labels)
    }

    /// How many labels say what was probed, beside the device.
    fn labels(self) -> usize {
        match self {
            Self::Info | Self::Origins | Self::Printer | Self::Ups | Self::Wan => 0,
            Self::Service | Self::Resolver | Self::Path | Self::Mtu | Self::Poll => 1,
            Self::Link => 2,
        }
    }
}

/// The newest run of each probe of a device.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<Run>);

#[derive(Debug)]
struct Run {
    /// When it was.
    at_unix_ms: i64,
    /// Of any series it may tell: has the labels that say what was probed.
    name: Arc<Name>,
}

impl Runs {
    /// The place of the run that tells such a series.
    pub(super) fn place(&mut self, name: &Arc<Name>) -> u16 {
        let Some(probe) = name.probe else {
            return ALONE;
        };
        let known = (self.0.iter()).position(|run| probe.is_of_both(name, &run.name));
        let place = known.unwrap_or_else(|| {
            super::device::reserve_few(&mut self.0);
            self.0.push(Run {
                at_unix_ms: i64::MIN,
                name: Arc::clone(name),
            });
            self.0.len() - 1
        });
        u16::try_from(place).unwrap_or(ALONE)
    }

    /// Notes that a run told something.
    pub(super) fn told(&mut self, place: u16, at_unix_ms: i64) {
        if let Some(run) = self.0.get_mut(usize::from(place)) {
            run.at_unix_ms = run.at_unix_ms.max(at_unix_ms);
        }
    }

    /// Whether a value is one of those that the newest run told.
    pub(super) fn has_told(&self, slot: &Slot) -> bool {
        let run = self.0.get(usize::from(slot.run));
        run.is_none_or(|run| run.at_unix_ms <= slot.time_unix_ms)
    }

    /// Forgets the runs that tell nothing of these any more.
    pub(super) fn keep(&mut self, slots: &mut [Slot]) {
        let mut before: Vec<_> = std::mem::take(&mut self.0).into_iter().map(Some).collect();
        let mut places = vec![ALONE; before.len()];
        for slot in slots {
            let old = usize::from(slot.run);
            let Some(place) = places.get_mut(old) else {
                continue;
            };
            if let Some(run) = before.get_mut(old).and_then(Option::take) {
                *place = u16::try_from(self.0.len()).unwrap_or(ALONE);
                self.0.push(run);
            }
            slot.run = *place;
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::metrics as catalogue;

    use super::*;

    #[test]
    fn labels_that_say_what_was_probed_come_first() {
        for metric in catalogue::CATALOGUE {
            let Some(probe) = Probe::of(metric) else {
                continue;
            };
            let expected: &[&str] = match probe {
                Probe::Service => &["service"],
                Probe::Resolver => &["resolver"],
                Probe::Path | Probe::Mtu => &["target"],
                Probe::Link => &["segment", "target"],
                Probe::Poll => &["protocol"],
                Probe::Info | Probe::Origins | Probe::Printer | Probe::Ups | Probe::Wan => &[],
            };
            assert!(metric.labels.starts_with(expected), "{}", metric.name);
            assert_eq!(probe.labels(), expected.len());
        }
    }
}
