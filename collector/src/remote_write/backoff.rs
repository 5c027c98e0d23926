//! How long to wait before a request is repeated: full jitter under a ceiling that doubles, and no
//! less than the store asked for.
//!
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>

use std::time::Duration;

use rand::RngExt as _;

/// The first wait is up to this.
const LEAST: Duration = Duration::from_millis(100);

/// Later ones up to this: what waits is back soon after the store is.
const MOST: Duration = Duration::from_secs(10);

/// Up to this after an answer that only somebody's hand can change.
const MISCONFIGURED: Duration = Duration::from_secs(30);

/// What a store may ask for at most.
const MOST_ASKED: Duration = Duration::from_mins(5);

/// Waits between attempts of one request.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempt: u32,
}

impl Backoff {
    /// The wait before the next attempt; `asked` is the store's `Retry-After`.
    pub(super) fn next_wait(&mut self, asked: Option<Duration>) -> Duration {
        let ceiling = LEAST
            .saturating_mul(2_u32.saturating_pow(self.attempt))
            .min(MOST);
        self.attempt = self.attempt.saturating_add(1);
        asked.unwrap_or_default().min(MOST_ASKED) + up_to(ceiling)
    }

    /// The wait after an answer that only somebody's hand can change.
    pub(super) fn wait_for_hand() -> Duration {
        up_to(MISCONFIGURED)
    }
}

fn up_to(ceiling: Duration) -> Duration {
    rand::rng().random_range(Duration::ZERO..=ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest of many waits at each attempt.
    fn longest(asked: Option<Duration>) -> Vec<Duration> {
        let mut longest = vec![Duration::ZERO; 10];
        for _ in 0..200 {
            let mut backoff = Backoff::default();
            for longest in &mut longest {
                *longest = backoff.next_wait(asked).max(*longest);
            }
        }
        longest
    }

    #[test]
    fn the_ceiling_doubles_and_holds() {
        for (attempt, longest) in (0_u32..).zip(longest(None)) {
            let ceiling = (LEAST * 2_u32.pow(attempt)).min(MOST);
            assert!(longest <= ceiling, "attempt {attempt}: {longest:?}");
            assert!(longest > ceiling / 2, "attempt {attempt}: {longest:?}");
        }
    }

    #[test]
    fn a_store_is_left_alone_for_as_long_as_it_asks_within_reason() {
        let mut backoff = Backoff::default();
        let wait = backoff.next_wait(Some(Duration::from_secs(20)));
        assert!(wait >= Duration::from_secs(20) && wait <= Duration::from_secs(20) + LEAST);
        assert!(backoff.next_wait(Some(Duration::MAX)) <= MOST_ASKED + MOST);
    }
}
