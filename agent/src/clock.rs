//! The two clocks of this machine: the wall's, which may be years off, and one that never goes back.
//!
//! Their difference stands still, but for a wall clock that is set: that is how a step is seen, and
//! how the collector corrects what was measured before one.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use proto::wire;

use crate::os;

/// A wall clock that gained or lost more than this on the other was set.
const STEP_MS: u64 = 500;

/// The wall clock, Unix milliseconds; before 1970 counts down.
#[must_use]
pub fn wall_unix_ms() -> i64 {
    let milliseconds = |elapsed: Duration| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => milliseconds(since),
        Err(before) => -milliseconds(before.duration()),
    }
}

/// Both clocks, now.
#[must_use]
pub fn now() -> wire::Clock {
    wire::Clock {
        wall_unix_ms: wall_unix_ms(),
        monotonic_ms: u64::try_from(since_boot().as_millis()).unwrap_or(u64::MAX),
    }
}

/// How far the wall clock is ahead of the other.
#[must_use]
pub fn lead_ms(clock: wire::Clock) -> i64 {
    clock
        .wall_unix_ms
        .saturating_sub_unsigned(clock.monotonic_ms)
}

/// Whether the wall clock was set between these two moments of one boot.
#[must_use]
pub fn is_step(one: wire::Clock, other: wire::Clock) -> bool {
    lead_ms(one).abs_diff(lead_ms(other)) > STEP_MS
}

/// Names the stretch in which the monotonic clock means the same: this boot, or, where the system has
/// no name for it, this process.
#[must_use]
pub fn boot_id() -> &'static str {
    static BOOT: LazyLock<String> = LazyLock::new(|| {
        let boot = os::boot_id(&os::Root::default());
        if boot.is_empty() {
            format!("{:032x}", rand::random::<u128>())
        } else {
            boot
        }
    });
    &BOOT
}

/// Whether the system has a name for this boot.
#[must_use]
pub fn is_boot_known() -> bool {
    !os::boot_id(&os::Root::default()).is_empty()
}

/// Since this boot, sleep included; the same for every process, so that it goes on when the agent is
/// started again.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Since this process first asked: such a system names no boot either, see [`boot_id`].
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);
    START.elapsed()
}

/// How long this machine has been asleep since it started.
#[cfg(target_os = "linux")]
#[must_use]
pub fn asleep() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    let awake = seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0));
    since_boot().saturating_sub(awake)
}

/// Not known on this system yet.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn asleep() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_step_is_told_from_slewing_and_from_sleep() {
        let clock = |wall_unix_ms, monotonic_ms| wire::Clock {
            wall_unix_ms,
            monotonic_ms,
        };
        let check = |later, expected| {
            assert_eq!(
                is_step(clock(1_000_000, 10_000), later),
                expected,
                "{later:?}"
            );
            assert_eq!(
                is_step(later, clock(1_000_000, 10_000)),
                expected,
                "{later:?}"
            );
        };
        check(clock(1_060_000, 70_000), false);
        check(clock(1_060_400, 70_000), false);
        check(clock(37_060_000, 36_070_000), false);
        check(clock(1_061_000, 70_000), true);
        check(clock(-315_000_000_000, 70_000), true);
        check(clock(i64::MAX, 0), true);
    }

    #[test]
    fn a_boot_has_one_name() {
        assert!(!boot_id().is_empty());
        assert_eq!(boot_id(), boot_id());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_monotonic_clock_is_the_boots() {
        let before = super::now().monotonic_ms;
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let after = super::now().monotonic_ms;
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let uptime = std::time::Duration::from_secs_f64(uptime).as_millis();
        let around = before - 20..=after + 20;
        assert!(
            around.contains(&u64::try_from(uptime).unwrap()),
            "{uptime} ms is not in {around:?} ms"
        );
    }
}
