//! How often the answers of a link took how long, since the agent started. Pure.

use std::time::Duration;

use proto::metrics::{self, Part};

use super::super::Readings;
use super::statistics::{number, seconds};

/// Upper bounds of the buckets and their `le`. From a healthy cable to the longest wait for an
/// echo; the levels of [`proto::thresholds::RTT`] are among them, so that shares above them are exact.
const BUCKETS: [(Duration, &str); 16] = [
    (Duration::from_micros(100), "0.0001"),
    (Duration::from_micros(250), "0.00025"),
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_micros(2500), "0.0025"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(20), "0.02"),
    (Duration::from_millis(40), "0.04"),
    (Duration::from_millis(80), "0.08"),
    (Duration::from_millis(150), "0.15"),
    (Duration::from_millis(300), "0.3"),
    (Duration::from_millis(600), "0.6"),
    (Duration::from_secs(1), "1"),
    (Duration::from_secs(2), "2"),
    (Duration::from_secs(3), "3"),
];

/// Round-trip times since the agent started.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Per bucket alone, not cumulative.
    counts: [u64; BUCKETS.len()],
    /// Beyond the last bucket.
    beyond: u64,
    sum: Duration,
}

impl Histogram {
    /// Counts one round-trip time.
    pub(super) fn observe(&mut self, rtt: Duration) {
        let bucket = BUCKETS.iter().position(|(bound, _)| rtt <= *bound);
        match bucket.and_then(|index| self.counts.get_mut(index)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
        self.sum += rtt;
    }

    /// Adds all parts to the readings.
    pub(super) fn push(&self, [segment, target]: [&str; 2], readings: &mut Readings) {
        let mut push = |part, labels: &[&str], value| {
            readings.push_part(&metrics::LINK_RTT, part, labels, value);
        };
        let mut total = 0;
        for ((_, le), count) in BUCKETS.iter().zip(self.counts) {
            total += count;
            push(Part::Bucket, &[segment, target, le], number(total));
        }
        total += self.beyond;
        push(Part::Bucket, &[segment, target, "+Inf"], number(total));
        push(Part::Sum, &[segment, target], seconds(self.sum));
        push(Part::Count, &[segment, target], number(total));
    }
}

#[cfg(test)]
mod tests {
    use super::super::statistics::three_digits;
    use super::*;

    fn value(readings: &Readings, part: Part, le: Option<&str>) -> Option<f64> {
        let found = readings.taken.iter().find(|reading| {
            let label = reading.series.labels.iter().find(|(name, _)| *name == "le");
            reading.series.part == part && label.map(|(_, value)| value.as_str()) == le
        });
        Some(found?.value)
    }

    #[test]
    fn the_histogram_is_cumulative_and_starts_at_zero() {
        let mut histogram = Histogram::default();
        let page = |histogram: &Histogram| {
            let mut readings = Readings::default();
            histogram.push(["gateway", "192.0.2.1"], &mut readings);
            readings
        };
        assert_eq!(page(&histogram).taken.len(), BUCKETS.len() + 3);
        assert!(page(&histogram).taken.iter().all(|one| one.value == 0.0));

        for rtt in [5, 6, 3000, 3500].map(Duration::from_millis) {
            histogram.observe(rtt);
        }
        let page = page(&histogram);
        let bucket = |le| value(&page, Part::Bucket, Some(le));
        assert_eq!(bucket("0.0025"), Some(0.0));
        assert_eq!(bucket("0.005"), Some(1.0), "a bound belongs to its bucket");
        assert_eq!(bucket("0.01"), Some(2.0));
        assert_eq!(bucket("3"), Some(3.0));
        assert_eq!(bucket("+Inf"), Some(4.0));
        assert_eq!(value(&page, Part::Count, None), Some(4.0));
        assert_eq!(value(&page, Part::Sum, None), Some(6.511));
    }

    #[test]
    fn every_bucket_is_named_after_its_bound() {
        for (bound, le) in BUCKETS {
            assert_eq!(le.parse(), Ok(bound.as_secs_f64()));
            assert_eq!(three_digits(bound), bound, "bounds stay bounds");
        }
        assert!(BUCKETS.is_sorted());
        let levels = proto::thresholds::RTT;
        for level in [levels.notice, levels.warning, levels.critical] {
            assert!(
                BUCKETS
                    .iter()
                    .any(|(bound, _)| bound.as_secs_f64() == level),
                "{level}"
            );
        }
    }
}
