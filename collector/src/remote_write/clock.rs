//! The clock that a queue's records are stamped and judged by: it counts only time in which the
//! collector ran, so that a wall clock that is wrong at a start, or set right before one, makes nothing
//! old. Hence a record's time says how it stands to the other records, and not what day it was.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Where it began, and what time went by since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start_unix_ms: i64,
    start: Instant,
}

impl Clock {
    /// Goes on from the newest record that waits; by the wall clock where nothing does.
    pub(super) fn after(newest_unix_ms: Option<i64>) -> Self {
        let now = || Timestamp::now().as_millisecond();
        Self {
            start_unix_ms: newest_unix_ms.unwrap_or_else(now),
            start: Instant::now(),
        }
    }

    pub(super) fn unix_ms(self) -> i64 {
        let elapsed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.start_unix_ms.saturating_add(elapsed)
    }

    /// When something came, for showing how long ago. What came before this machine was started came
    /// now at the latest.
    pub(super) fn moment(self, unix_ms: i64) -> Instant {
        let now = Instant::now();
        let ago = self.unix_ms().saturating_sub(unix_ms).max(0);
        let ago = Duration::from_millis(ago.unsigned_abs());
        now.checked_sub(ago).unwrap_or(now)
    }
}
