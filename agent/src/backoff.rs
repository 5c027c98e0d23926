//! How long to wait before trying again: full jitter under a ceiling that doubles and then widens with
//! the length of the outage, and minutes when the other side refused.
//!
//! Full jitter spreads 66,000 agents that lost the same collector at the same moment evenly over the
//! ceiling: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>. Only the
//! collector knows how many there are, so it says how wide the first ceiling shall be.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;

/// A refusal is followed by at most this, and at least half of it.
const REFUSAL_REST: Duration = Duration::from_mins(10);

/// After an outage of an hour another minute matters to nobody: waits are up to this part of it.
const PART_OF_OUTAGE: u32 = 60;

/// However long the outage: who comes back is seen within this time.
const WIDEST: Duration = Duration::from_mins(5);

/// Waits between attempts.
#[derive(Debug)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    attempt: u32,
    refusals: u32,
    failing_since: Option<Instant>,
}

/// How long to leave somebody alone who refused. Somebody has to do something about it first.
#[must_use]
pub fn refusal_rest() -> Duration {
    rand::rng().random_range(REFUSAL_REST / 2..=REFUSAL_REST)
}

impl Backoff {
    /// The first wait is up to `least`, later ones up to `most`, or a sixtieth of the outage.
    #[must_use]
    pub fn new(least: Duration, most: Duration) -> Self {
        Self {
            least,
            most,
            attempt: 0,
            refusals: 0,
            failing_since: None,
        }
    }

    /// From now on the first wait is up to this.
    pub fn set_least(&mut self, least: Duration) {
        self.least = least;
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.attempt = 0;
        self.refusals = 0;
        self.failing_since = None;
    }

    /// The wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        self.failing_since.get_or_insert_with(Instant::now);
        let ceiling = self.ceiling();
        self.attempt = self.attempt.saturating_add(1);
        rand::rng().random_range(Duration::ZERO..=ceiling)
    }

    /// The wait after a refusal. The first since the last success may be a misunderstanding, and is
    /// followed by one within the longest ordinary wait.
    pub fn next_wait_after_refusal(&mut self) -> Duration {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals > 1 {
            return refusal_rest();
        }
        rand::rng().random_range(Duration::ZERO..=self.most)
    }

    fn ceiling(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.attempt);
        let doubled = self.least.saturating_mul(factor);
        let outage = self.failing_since.map(|since| since.elapsed());
        let widened = outage.unwrap_or_default() / PART_OF_OUTAGE;
        let most = self.most.max(self.least).max(widened.min(WIDEST));
        doubled.min(most)
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
    }

    #[tokio::test(start_paused = true)]
    async fn the_ceiling_widens_with_the_outage_and_no_further_than_five_minutes() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        for _ in 0..10 {
            backoff.next_wait();
        }
        for (hours, seconds) in [(0, 60), (1, 60), (1, 120), (2, 240), (1, 300), (100, 300)] {
            tokio::time::advance(Duration::from_hours(hours)).await;
            assert_eq!(backoff.ceiling(), Duration::from_secs(seconds));
            assert!(backoff.next_wait() <= Duration::from_secs(seconds));
        }
        backoff.reset();
        assert_eq!(backoff.ceiling(), Duration::from_secs(1));
    }

    #[test]
    fn the_first_ceiling_is_what_the_collector_asks_for() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        backoff.set_least(Duration::from_secs(40));
        for expected in [40, 60, 60] {
            assert_eq!(backoff.ceiling(), Duration::from_secs(expected));
            backoff.next_wait();
        }
        backoff.reset();
        backoff.set_least(Duration::from_secs(90));
        for _ in 0..3 {
            assert_eq!(backoff.ceiling(), Duration::from_secs(90));
            backoff.next_wait();
        }
    }

    #[test]
    fn who_was_refused_again_leaves_the_other_alone() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for _ in 0..100 {
            assert!(backoff.next_wait_after_refusal() <= Duration::from_secs(60));
            for _ in 0..3 {
                let wait = backoff.next_wait_after_refusal();
                assert!(wait >= REFUSAL_REST / 2 && wait <= REFUSAL_REST, "{wait:?}");
            }
            backoff.reset();
        }
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
