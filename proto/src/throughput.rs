//! How fast a transfer went, judged by whoever receives it: only there is it known when bytes arrived.
//!
//! The first quarter is left out: TCP begins slowly, and what queues on the way take in at first goes
//! faster than the line. A line so fast that the transfer ends before TCP has got up to speed is told
//! slower than it is.

use std::time::Duration;

/// How often, in one interval, an agent looks whether it is time: who was not served tries again at the
/// next look.
pub const LOOKS: u32 = 8;

/// How long either direction is measured at most. What a slow line carried by then is enough.
pub const LONGEST: Duration = Duration::from_secs(10);

/// Bytes between two moments that are remembered.
const STEP: u64 = 4_096;

/// Moments remembered: more than the largest transfer has.
const MOMENTS: usize = 2_048;

/// Fewer bytes say nothing.
const LEAST: u64 = 16_384;

/// What arrived when.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    /// After so long, so much had arrived.
    moments: Vec<(Duration, u64)>,
    last: (Duration, u64),
}

impl Meter {
    /// So many bytes more arrived, so long after whatever moment is taken for the beginning.
    pub fn arrived(&mut self, bytes: usize, at: Duration) {
        let before = self.moments.last().map_or(0, |(_, sum)| *sum);
        let sum = self.bytes() + u64::try_from(bytes).unwrap_or(u64::MAX);
        self.last = (at, sum);
        if sum - before >= STEP && self.moments.len() < MOMENTS {
            self.moments.push(self.last);
        }
    }

    /// All that arrived.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.last.1
    }

    /// How fast, after the first quarter. `None` where too little arrived to tell.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "a transfer has fewer bytes than a number has digits"
    )]
    pub fn bits_per_second(&self) -> Option<f64> {
        let (end, all) = self.last;
        let is_after = |moment: &&(Duration, u64)| moment.1 >= all / 4;
        let (begin, before) = self.moments.iter().find(is_after)?;
        let took = end.saturating_sub(*begin);
        (all >= LEAST && !took.is_zero()).then(|| (all - before) as f64 * 8.0 / took.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of 16 KiB, so many milliseconds apart each.
    fn told(pauses: impl IntoIterator<Item = u64>) -> Option<f64> {
        let mut meter = Meter::default();
        let mut at = Duration::ZERO;
        for pause in pauses {
            at += Duration::from_millis(pause);
            meter.arrived(16_384, at);
        }
        meter.bits_per_second()
    }

    #[test]
    fn a_slow_start_and_a_burst_do_not_count() {
        let steady = 16_384.0 * 8.0 / 0.010;
        for first in [10, 0, 50] {
            let pauses = (0..64).map(|piece| if piece < 16 { first } else { 10 });
            assert_eq!(told(pauses), Some(steady), "{first} ms at first");
        }
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(told([]), None);
        assert_eq!(told([10]), None, "no time between arrivals");
        let mut meter = Meter::default();
        for tick in 0..1_000 {
            meter.arrived(1, Duration::from_millis(tick));
        }
        assert_eq!((meter.bytes(), meter.bits_per_second()), (1_000, None));
    }

    #[test]
    fn crumbs_take_no_room() {
        let mut meter = Meter::default();
        for tick in 0..100_000 {
            meter.arrived(100, Duration::from_micros(tick));
        }
        assert!(meter.moments.len() <= MOMENTS);
        assert!(meter.bits_per_second().is_some());
    }
}
