//! The two clocks of this machine: the wall's, which may be years off, and one that never goes back.

use std::time::{Duration, SystemTime};

use proto::wire;

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

/// Since this boot, sleep included; the same for every process, so that it goes on when the agent is
/// started again.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Since this process first asked: such a system names no boot either (an empty
/// [`crate::os::boot_id`]), so nobody compares it with an earlier process.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: std::sync::LazyLock<tokio::time::Instant> =
        std::sync::LazyLock::new(tokio::time::Instant::now);
    START.elapsed()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

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
