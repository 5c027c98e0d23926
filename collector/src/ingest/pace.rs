//! How fast one agent may send: so many batches, and so many samples, because a batch of few bytes can
//! hold many; for a while, and for ever, because what it sends takes the room of others on disk.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};

use governor::{DefaultDirectRateLimiter, Quota};

/// Batches per second, on average, that one agent may send, and at once. What is measured now comes
/// behind what is on its way, which is up to 64 batches of a backlog: they may take a second.
const BATCHES: (NonZeroU32, NonZeroU32) =
    (NonZeroU32::new(64).unwrap(), NonZeroU32::new(100).unwrap());

/// Samples likewise. What is kept of a batch counts too: see [`cost`].
const SAMPLES: (NonZeroU32, NonZeroU32) = (
    NonZeroU32::new(20_000).unwrap(),
    NonZeroU32::new(200_000).unwrap(),
);

/// Samples likewise, for long. A week of a usual device may come at once, as fast as [`SAMPLES`] allows;
/// without end no more than fifteen times what the largest device measures, so that one agent needs a
/// day and a half, not an afternoon, to fill a queue of 1 GB.
const FOR_LONG: (NonZeroU32, NonZeroU32) = (
    NonZeroU32::new(2_000).unwrap(),
    NonZeroU32::new(4_000_000).unwrap(),
);

/// Bytes on disk that count as much as a sample: many times what a sample of many takes.
const BYTES_PER_SAMPLE: usize = 4;

/// What a batch costs, in samples.
pub(super) fn cost(samples: usize, kept_bytes: usize) -> u32 {
    u32::try_from(samples.max(kept_bytes / BYTES_PER_SAMPLE)).unwrap_or(u32::MAX)
}

/// What one stream has left.
#[derive(Debug)]
pub(super) struct Limits {
    batches: DefaultDirectRateLimiter,
    samples: DefaultDirectRateLimiter,
    for_long: DefaultDirectRateLimiter,
    told: AtomicBool,
}

/// How fast an agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Allowed,
    Faster,
    /// For longer than any backlog explains.
    ForLong,
}

impl Default for Limits {
    fn default() -> Self {
        let limiter = |(per_second, burst): (NonZeroU32, NonZeroU32)| {
            DefaultDirectRateLimiter::direct(Quota::per_second(per_second).allow_burst(burst))
        };
        Self {
            batches: limiter(BATCHES),
            samples: limiter(SAMPLES),
            for_long: limiter(FOR_LONG),
            told: AtomicBool::new(false),
        }
    }
}

impl Limits {
    /// Waits as long as a batch of this cost came too early.
    pub(super) async fn keep(&self, cost: u32) -> Pace {
        let (_, most) = SAMPLES;
        let cost = NonZeroU32::new(cost.min(most.get()));
        let too_early = |limiter: &DefaultDirectRateLimiter, cost: NonZeroU32| {
            !matches!(limiter.check_n(cost), Ok(Ok(())))
        };
        let heavy = cost.filter(|cost| too_early(&self.samples, *cost));
        let endless = cost.filter(|cost| too_early(&self.for_long, *cost));
        let often = self.batches.check().is_err();
        if often {
            self.batches.until_ready().await;
        }
        if let Some(cost) = heavy {
            // It is no more than may come at once.
            let _ = self.samples.until_n_ready(cost).await;
        }
        if let Some(cost) = endless {
            let _ = self.for_long.until_n_ready(cost).await;
            Pace::ForLong
        } else if often || heavy.is_some() {
            Pace::Faster
        } else {
            Pace::Allowed
        }
    }

    /// Whether this is the first time that somebody is to be told.
    pub(super) fn tell(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_week_of_a_device_is_let_in_and_a_flood_is_not() {
        let limits = Limits::default();
        let week = NonZeroU32::new(7 * 24 * 60 * 4 * 88).unwrap();
        limits.for_long.check_n(week).unwrap().unwrap();
        assert_eq!(limits.keep(352).await, Pace::Allowed);
        let mut more = 0;
        for step in [100_000, 1_000, 100].map(|step| NonZeroU32::new(step).unwrap()) {
            while limits.for_long.check_n(step).unwrap().is_ok() {
                more += step.get();
                assert!(more < 1_000_000, "as fast as it likes");
            }
        }
        assert_eq!(limits.keep(2_000).await, Pace::ForLong);
        assert!(limits.tell());
        assert!(!limits.tell(), "once");
    }
}
