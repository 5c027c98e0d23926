//! How many names one device may bring that it did not have before.
//!
//! Its series are bounded at any one moment, but a store keeps what was there before as well: a device
//! that took other names again and again would fill every store. Twice what it may have at once is free;
//! after that names come back one by one, far more of them than disks, interfaces and targets change.

use proto::limits::SERIES_PER_AGENT;

use super::slot::Tick;

/// New names in an hour, on average.
const PER_HOUR: u32 = 1_000;

/// New names at once.
#[allow(clippy::cast_possible_truncation, reason = "a small number")]
const AT_ONCE: u32 = 2 * SERIES_PER_AGENT as u32;

/// How long one name takes to come back.
const EACH: u32 = Tick::PER_HOUR / PER_HOUR;

/// What a device has left.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// When nothing will be used up any more: a leaky bucket in one number, for devices are many.
    drained: Tick,
}

impl Newcomers {
    /// Whether one more may come.
    pub(super) fn admit(&mut self, now: Tick) -> bool {
        let drained = self.drained.max(now).plus(EACH);
        let may = drained <= now.plus(EACH * AT_ONCE);
        if may {
            self.drained = drained;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_come_at_once_and_few_for_ever() {
        let started = Instant::now();
        let mut newcomers = Newcomers::default();
        let mut admitted = |tries: u32| -> u32 {
            let now = Tick::now(started);
            (0..tries).map(|_| u32::from(newcomers.admit(now))).sum()
        };
        tokio::time::advance(Duration::from_hours(5)).await;
        assert_eq!(
            admitted(10_000),
            AT_ONCE,
            "what was not used does not add up"
        );
        assert_eq!(admitted(10_000), 0);
        let mut sum = 0;
        for _ in 0..3_600 {
            tokio::time::advance(Duration::from_secs(1)).await;
            sum += admitted(10);
        }
        assert_eq!(sum, PER_HOUR);
        tokio::time::advance(Duration::from_hours(24)).await;
        assert_eq!(admitted(10_000), AT_ONCE);
    }
}
