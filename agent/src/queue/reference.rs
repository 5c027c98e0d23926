//! The time by the collector's clock, as far as it is believed.
//!
//! What is too old is dropped, so a collector whose clock is set to next month must not be believed at
//! once: until such a time has stood for an hour, nobody knows what time it is, and nothing has an age.

use std::time::Duration;

use proto::wire;
use tokio::time::Instant;

use crate::clock;

/// A clock that is further off than this was set, or another one was right.
const FAR_MS: u64 = 24 * 3_600_000;

/// How long a time that is far from what was known must be told.
const STANDS_AFTER: Duration = Duration::from_hours(1);

/// The collector's clock, as the time that it shows when this boot's monotonic one shows zero.
#[derive(Debug, Default)]
pub(super) struct Reference {
    known_ms: Option<i64>,
    /// Far from the one that is known, and since when it is told.
    claimed: Option<(i64, Instant)>,
}

impl Reference {
    /// The collector's clock says this now.
    pub(super) fn heard(&mut self, server_unix_ms: i64, now: wire::Clock) {
        let heard_ms = server_unix_ms.saturating_sub_unsigned(now.monotonic_ms);
        let is_near = |other_ms: i64| heard_ms.abs_diff(other_ms) <= FAR_MS;
        // Before anything is known, this machine's own clock is a witness.
        let known_ms = self.known_ms.unwrap_or(clock::lead_ms(now));
        let claimed = self.claimed.filter(|(claimed_ms, _)| is_near(*claimed_ms));
        let (_, since) = claimed.unwrap_or((heard_ms, Instant::now()));
        if is_near(known_ms) || since.elapsed() >= STANDS_AFTER {
            self.known_ms = Some(heard_ms);
            self.claimed = None;
        } else {
            self.claimed = Some((heard_ms, since));
        }
    }

    /// `None` before it was heard, and while it is in doubt.
    pub(super) fn get(&self) -> Option<i64> {
        self.known_ms.filter(|_| self.claimed.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const NOW: wire::Clock = wire::Clock {
        wall_unix_ms: 1_770_000_000_000,
        monotonic_ms: 5_000,
    };
    const MINUTES: Duration = Duration::from_mins(59);

    /// Hears a clock that is so many days off, and says how many days the believed one is.
    fn hears(reference: &mut Reference, days: i64) -> Option<i64> {
        reference.heard(NOW.wall_unix_ms + days * DAY_MS, NOW);
        let off_ms = reference.get().map(|known| known - clock::lead_ms(NOW));
        off_ms.map(|off| off / DAY_MS)
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_is_far_off_is_believed_when_it_has_stood_for_an_hour() {
        let mut reference = Reference::default();
        assert_eq!(reference.get(), None);
        assert_eq!(hears(&mut reference, 0), Some(0));
        assert_eq!(hears(&mut reference, 1), Some(1), "near enough");
        assert_eq!(hears(&mut reference, 30), None);
        tokio::time::advance(MINUTES).await;
        assert_eq!(hears(&mut reference, 30), None);
        assert_eq!(hears(&mut reference, 1), Some(1), "it is gone");
        tokio::time::advance(MINUTES).await;
        assert_eq!(hears(&mut reference, 30), None);
        tokio::time::advance(MINUTES).await;
        assert_eq!(hears(&mut reference, 60), None, "yet another");
        tokio::time::advance(2 * MINUTES).await;
        assert_eq!(hears(&mut reference, 60), Some(60));
        assert_eq!(hears(&mut reference, 0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_time_is_measured_by_the_wall_clock() {
        for days in [-6_000, 30] {
            let mut reference = Reference::default();
            assert_eq!(hears(&mut reference, days), None);
            tokio::time::advance(2 * MINUTES).await;
            assert_eq!(hears(&mut reference, days), Some(days));
        }
    }
}
