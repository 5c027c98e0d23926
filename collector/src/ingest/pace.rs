//! How fast one agent may send: so many batches, and so many samples, because a batch of few bytes can
//! hold many.

use std::num::NonZeroU32;

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
}

/// How fast an agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Allowed,
    Faster,
}

impl Default for Limits {
    fn default() -> Self {
        let limiter = |(per_second, burst): (NonZeroU32, NonZeroU32)| {
            DefaultDirectRateLimiter::direct(Quota::per_second(per_second).allow_burst(burst))
        };
        Self {
            batches: limiter(BATCHES),
            samples: limiter(SAMPLES),
        }
    }
}

impl Limits {
    /// Waits as long as a batch of this cost came too early.
    pub(super) async fn keep(&self, cost: u32) -> Pace {
        let (_, most) = SAMPLES;
        let cost = NonZeroU32::new(cost.min(most.get()));
        let heavy = cost.filter(|cost| !matches!(self.samples.check_n(*cost), Ok(Ok(()))));
        let often = self.batches.check().is_err();
        if often {
            self.batches.until_ready().await;
        }
        if let Some(cost) = heavy {
            // It is no more than may come at once.
            let _ = self.samples.until_n_ready(cost).await;
        }
        if often || heavy.is_some() {
            Pace::Faster
        } else {
            Pace::Allowed
        }
    }
}
