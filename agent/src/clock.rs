//! The two clocks of this machine: the wall's, which may be years off, and one that never goes back.

use std::sync::LazyLock;
use std::time::SystemTime;

use proto::wire;
use tokio::time::Instant;

/// The wall clock, Unix milliseconds; before 1970 counts down.
#[must_use]
pub fn wall_unix_ms() -> i64 {
    let milliseconds =
        |elapsed: std::time::Duration| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => milliseconds(since),
        Err(before) => -milliseconds(before.duration()),
    }
}

/// Both clocks, now.
#[must_use]
pub fn now() -> wire::Clock {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let monotonic = START.elapsed().as_millis();
    wire::Clock {
        wall_unix_ms: wall_unix_ms(),
        monotonic_ms: u64::try_from(monotonic).unwrap_or(u64::MAX),
    }
}
