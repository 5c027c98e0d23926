//! How many bytes may go up the line: the backlog waits, what was just measured never does.
//!
//! Two bounds. The collector says how much of the backlog this agent may send per second, so that a
//! centre's agents together leave the line to people. The agent's own settings say how much it may
//! send per day altogether: what is live goes and counts, the backlog takes what is left. Both may
//! be overdrawn by one message and are paid back before the next, so no message is ever cut.

use std::time::Duration;

use tokio::time::Instant;

/// A message costs this beside its own bytes: headers of IP, TCP, TLS and HTTP/2, and what comes
/// back for it.
const MESSAGE_OVERHEAD: usize = 140;

/// What it costs to connect, and to close.
const STREAM_BYTES: usize = 4_000;

/// So much of a rate may be saved up for a burst.
const BURST: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_hours(24);

/// Of a day's bytes, so many fifths flow in over the day; the rest may have been saved up. Together
/// no 24 hours of one process see more than the day's bytes.
const FIFTHS_THAT_FLOW: f64 = 4.0;

/// What a process may send at its start, as a part of a day's bytes: nobody knows what the one before
/// it sent. One that is started again and again may send as much each time.
const AT_START: f64 = 1.0 / 24.0;

/// Tokens that flow in at a rate, up to a bound.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    most: f64,
    tokens: f64,
    counted_at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(per_second: f64, most: f64) -> Self {
        Self::with(most, per_second, most)
    }

    /// One with so many in it.
    fn with(tokens: f64, per_second: f64, most: f64) -> Self {
        Self {
            per_second,
            most,
            tokens,
            counted_at: Instant::now(),
        }
    }

    /// Takes tokens, whether they are there or not. No debt is larger than what flows in in a day.
    pub(crate) fn take(&mut self, tokens: f64) {
        let least = -self.per_second * DAY.as_secs_f64();
        self.tokens = (self.now() - tokens).max(least);
        self.counted_at = Instant::now();
    }

    /// How long until `wanted` tokens are there; nothing when they are.
    pub(crate) fn wait_for(&self, wanted: f64) -> Duration {
        let missing = wanted - self.now();
        // A wait may be a hair too short, so it is made a little longer than computed.
        let wait = Duration::try_from_secs_f64(missing / self.per_second);
        match wait {
            _ if missing <= 0.0 => Duration::ZERO,
            Ok(wait) => wait.min(DAY) + Duration::from_millis(1),
            Err(_) => DAY,
        }
    }

    fn now(&self) -> f64 {
        let flowed = self.counted_at.elapsed().as_secs_f64() * self.per_second;
        (self.tokens + flowed).min(self.most)
    }
}

/// What one agent may send.
#[derive(Debug)]
pub(super) struct Budget {
    /// What the collector allows, bytes per second; 0 for any.
    backlog_rate: u32,
    backlog: Option<Bucket>,
    day: Option<Bucket>,
}

impl Budget {
    /// Without a bound by the collector.
    pub(super) fn new(bytes_per_day: Option<u64>) -> Self {
        let day = bytes_per_day.map(|bytes| {
            let (day, fifth) = (number(bytes), number(bytes) / 5.0);
            let rate = fifth * FIFTHS_THAT_FLOW / DAY.as_secs_f64();
            Bucket::with(day * AT_START, rate, fifth)
        });
        Self {
            backlog_rate: 0,
            backlog: None,
            day,
        }
    }

    /// Counts an attempt to connect: there was a handshake, whatever came of it.
    pub(super) fn spend_handshake(&mut self) {
        self.spend_live(STREAM_BYTES);
    }

    /// Counts an attempt to connect that nobody answered.
    pub(super) fn spend_knock(&mut self) {
        self.spend_live(0);
    }

    /// A stream begins, and its collector allows this much backlog; 0 for any. What the stream before
    /// it spent of the same rate is spent.
    pub(super) fn connected(&mut self, backlog_bytes_per_second: u32) {
        if self.backlog_rate == backlog_bytes_per_second {
            return;
        }
        self.backlog_rate = backlog_bytes_per_second;
        let rate = f64::from(backlog_bytes_per_second);
        self.backlog =
            (backlog_bytes_per_second > 0).then(|| Bucket::new(rate, rate * BURST.as_secs_f64()));
    }

    /// Counts a live message of this size.
    pub(super) fn spend_live(&mut self, bytes: usize) {
        if let Some(day) = &mut self.day {
            day.take(cost(bytes));
        }
    }

    /// Counts a message of the backlog of this size.
    pub(super) fn spend_backlog(&mut self, bytes: usize) {
        for bucket in self.buckets() {
            bucket.take(cost(bytes));
        }
    }

    /// How long the backlog has to wait; nothing when it may go on.
    pub(super) fn wait(&mut self) -> Duration {
        let waits = self.buckets().map(|bucket| bucket.wait_for(0.0));
        waits.max().unwrap_or_default()
    }

    fn buckets(&mut self) -> impl Iterator<Item = &mut Bucket> {
        self.backlog.iter_mut().chain(&mut self.day)
    }
}

fn cost(bytes: usize) -> f64 {
    number((bytes + MESSAGE_OVERHEAD) as u64)
}

#[expect(clippy::cast_precision_loss, reason = "a budget need not be exact")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: usize = 1_000 - MESSAGE_OVERHEAD;

    /// Sends backlog for this long whenever it may; the bytes sent.
    async fn drain(budget: &mut Budget, time: Duration) -> usize {
        let end = Instant::now() + time;
        let mut sent = 0;
        loop {
            let wait = budget.wait();
            if Instant::now() + wait > end {
                tokio::time::sleep_until(end).await;
                return sent;
            }
            tokio::time::sleep(wait).await;
            budget.spend_backlog(MESSAGE);
            sent += 1_000;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_backlog_flows_at_the_rate_of_the_collector() {
        let mut budget = Budget::new(None);
        budget.connected(10_000);
        let sent = drain(&mut budget, Duration::from_mins(10)).await;
        assert!((5_950_000..=6_051_000).contains(&sent), "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_bounds_nothing_waits() {
        let mut budget = Budget::new(None);
        budget.connected(0);
        for _ in 0..10_000 {
            budget.spend_backlog(1 << 20);
        }
        assert_eq!(budget.wait(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn streams_that_follow_one_another_share_one_rate() {
        let mut budget = Budget::new(None);
        let mut sent = 0;
        for _ in 0..60 {
            budget.connected(10_000);
            sent += drain(&mut budget, Duration::from_secs(10)).await;
        }
        assert!((5_890_000..=6_051_000).contains(&sent), "{sent}");
        budget.connected(20_000);
        let sent = drain(&mut budget, Duration::from_mins(1)).await;
        assert!((1_200_000..=1_301_000).contains(&sent), "{sent}");
        budget.connected(0);
        assert_eq!(budget.wait(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn starts_in_a_row_do_not_send_as_much_as_a_quiet_night_saves() {
        let mut sent = 0;
        for _ in 0..6 {
            let mut budget = Budget::new(Some(1_000_000));
            sent += drain(&mut budget, Duration::from_secs(1)).await;
        }
        assert!((245_000..=256_000).contains(&sent), "{sent}");
    }

    /// A day's bytes of a million, of which as many are saved up as may be.
    async fn quiet_for_long() -> Budget {
        let budget = Budget::new(Some(1_000_000));
        tokio::time::advance(10 * DAY).await;
        budget
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_sees_no_more_than_its_bytes_and_live_comes_first() {
        let mut budget = quiet_for_long().await;
        let without_live = drain(&mut budget, DAY).await;
        assert!(
            (990_000..=1_001_000).contains(&without_live),
            "{without_live}"
        );

        let mut budget = quiet_for_long().await;
        let mut backlog = 0;
        for _ in 0..500 {
            budget.spend_live(MESSAGE);
            backlog += drain(&mut budget, DAY / 500).await;
        }
        assert!((490_000..=501_000).contains(&backlog), "{backlog}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_night_saves_up_a_fifth_of_a_day_and_no_more() {
        let mut budget = quiet_for_long().await;
        let at_once = drain(&mut budget, Duration::from_secs(1)).await;
        assert!((200_000..=201_000).contains(&at_once), "{at_once}");
    }

    #[tokio::test(start_paused = true)]
    async fn more_live_than_the_day_allows_stops_the_backlog_for_a_day_at_most() {
        let mut budget = Budget::new(Some(1_000_000));
        for _ in 0..100_000 {
            budget.spend_live(MESSAGE);
        }
        let wait = budget.wait();
        assert!(
            wait > DAY / 2 && wait <= DAY + Duration::from_secs(1),
            "{wait:?}"
        );
    }
}
