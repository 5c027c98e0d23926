//! How fast a counter went between two polls, when it wraps and when it begins again.
//!
//! Pure: whoever polls keeps the values before. A counter that went back has wrapped where what it would
//! have counted is less than half of its range, and else begun again: then there is no rate, which is
//! better than a wrong one. A 32-bit counter can wrap twice between two polls of a fast line unseen;
//! that is what 64-bit counters are for.

use std::time::Duration;

use super::super::system::UPTIME_WRAP;

/// How far two clocks may drift apart between two polls, in seconds.
const DRIFT: f64 = 60.0;

/// Per second, between two values of a counter of this many bits.
pub(crate) fn rate(before: u64, now: u64, elapsed: Duration, bits: u8) -> Option<f64> {
    if elapsed.is_zero() {
        return None;
    }
    let range_bits = u32::from(bits).clamp(1, 64);
    let most = u64::MAX >> (64 - range_bits);
    let counted = if now >= before {
        now - before
    } else {
        // One more than `most` is the range.
        let wrapped = most.checked_sub(before)?.checked_add(now)?.checked_add(1)?;
        (wrapped <= most / 2).then_some(wrapped)?
    };
    Some(counted as f64 / elapsed.as_secs_f64())
}

/// Whether a device was started between two readings of its uptime, in seconds. One that jumps back
/// from 497 days to 0 has wrapped.
pub(crate) fn restarted(before: f64, now: f64, elapsed: Duration) -> bool {
    let expected = before + elapsed.as_secs_f64();
    let is_wrap = (expected - now - UPTIME_WRAP).abs() <= DRIFT;
    now + DRIFT < expected && !is_wrap
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const MOST_32: u64 = u32::MAX as u64;

    #[track_caller]
    fn check(before: u64, now: u64, bits: u8, expected: Option<f64>) {
        assert_eq!(rate(before, now, MINUTE, bits), expected);
    }

    #[test]
    fn a_counter_that_went_on_has_its_rate() {
        check(600, 1_200, 64, Some(10.0));
        check(600, 600, 32, Some(0.0));
        check(0, u64::from(u32::MAX) * 60, 64, Some(4_294_967_295.0));
    }

    #[test]
    fn a_counter_that_wrapped_has_its_rate() {
        check(MOST_32 - 599, 0, 32, Some(10.0));
        check(MOST_32, 59, 32, Some(1.0));
        check(u64::MAX - 599, 0, 64, Some(10.0));
    }

    #[test]
    fn a_counter_that_began_again_has_no_rate() {
        check(1_000_000, 5, 32, None);
        check(MOST_32 / 2, 5, 32, None);
        check(1_000_000_000_000, 5, 64, None);
        // Seen wider than it is said to be.
        check(MOST_32 + 2, 5, 32, None);
        assert_eq!(rate(600, 1_200, Duration::ZERO, 64), None);
    }

    #[test]
    fn an_uptime_that_went_back_tells_of_a_restart() {
        assert!(!restarted(1_000.0, 1_060.0, MINUTE));
        assert!(!restarted(1_000.0, 1_059.2, MINUTE));
        assert!(restarted(1_000.0, 20.0, MINUTE));
        assert!(restarted(30.0, 5.0, Duration::from_mins(5)));
        assert!(!restarted(UPTIME_WRAP - 30.0, 30.0, MINUTE));
        assert!(restarted(UPTIME_WRAP - 5_000.0, 30.0, MINUTE));
    }
}
