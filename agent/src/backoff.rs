//! How long to wait before trying again: full jitter under a ceiling that doubles.
//!
//! Full jitter spreads 66,000 agents that lost the same collector at the same moment evenly over the
//! ceiling: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

use std::time::Duration;

use rand::RngExt as _;

/// Waits between attempts.
#[derive(Debug)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    attempt: u32,
}

impl Backoff {
    /// The first wait is up to `least`, later ones up to `most`.
    #[must_use]
    pub fn new(least: Duration, most: Duration) -> Self {
        Self {
            least,
            most,
            attempt: 0,
        }
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// Waits as long as it gets, for a refusal that will not go away soon.
    pub fn despair(&mut self) {
        self.attempt = 32;
    }

    /// The wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        let ceiling = self.ceiling();
        self.attempt = self.attempt.saturating_add(1);
        rand::rng().random_range(Duration::ZERO..=ceiling)
    }

    fn ceiling(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.attempt);
        self.least.saturating_mul(factor).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_and_holds() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for expected in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(backoff.ceiling(), Duration::from_secs(expected));
            assert!(backoff.next_wait() <= Duration::from_secs(expected));
        }
        for _ in 0..100 {
            assert!(backoff.next_wait() <= Duration::from_secs(60));
        }
        backoff.reset();
        assert_eq!(backoff.ceiling(), Duration::from_secs(1));
        backoff.despair();
        assert_eq!(backoff.ceiling(), Duration::from_secs(60));
    }

    #[test]
    fn waits_are_spread_over_the_whole_ceiling() {
        let waits =
            (0..1_000).map(|_| Backoff::new(Duration::from_secs(1), Duration::MAX).next_wait());
        let early = waits
            .filter(|wait| *wait < Duration::from_millis(500))
            .count();
        assert!(
            (350..650).contains(&early),
            "{early} of 1000 in the first half"
        );
    }
}
