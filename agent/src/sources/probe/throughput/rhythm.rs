//! When to transfer: once in each interval, the first time at a random moment of it. Pure.

use std::time::Duration;

use proto::plan::Throughput;
use proto::throughput::LOOKS;
use rand::RngExt as _;
use tokio::time::Instant;

/// When to transfer.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    /// For transfers so long apart, when the next one is due.
    next: Option<(Duration, Instant)>,
}

impl Rhythm {
    /// What to do now, if it is time.
    pub(super) fn due(&mut self, planned: Option<Throughput>, now: Instant) -> Option<Throughput> {
        let Some(planned) = planned else {
            self.next = None;
            return None;
        };
        let known = self
            .next
            .filter(|(interval, _)| *interval == planned.interval);
        let (_, due) = *self.next.insert(known.unwrap_or_else(|| {
            let part = rand::rng().random_range(Duration::ZERO..=planned.interval);
            (planned.interval, now + part)
        }));
        (now >= due).then_some(planned)
    }

    /// It was done, or was not this machine's turn, as of the look at this moment. The look that comes an
    /// interval later may come a little sooner than that.
    pub(super) fn done(&mut self, planned: Throughput, looked: Instant) {
        let rest = planned.interval - planned.interval / LOOKS / 2;
        self.next = Some((planned.interval, looked + rest));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_first_comes_at_any_moment_of_the_interval_and_then_one_in_each() {
        let every = |minutes| Throughput {
            interval: Duration::from_mins(minutes),
            bytes: 1_000_000,
        };
        let start = Instant::now();
        let after = |minutes| start + Duration::from_mins(minutes);
        let first = |planned| {
            let mut rhythm = Rhythm::default();
            let minutes = (0..=360).find(|minute| rhythm.due(planned, after(*minute)).is_some());
            (rhythm, minutes)
        };
        let firsts: Vec<_> = (0..100)
            .map(|_| first(Some(every(360))).1.unwrap())
            .collect();
        let early = firsts.iter().filter(|minutes| **minutes < 180).count();
        assert!(
            (20..=80).contains(&early),
            "{early} of 100 in the first half"
        );
        let (mut rhythm, first_at) = first(Some(every(360)));
        let first_at = first_at.unwrap();
        // What is not done is tried again.
        assert!(rhythm.due(Some(every(360)), after(first_at + 45)).is_some());
        assert_eq!(rhythm.due(None, after(first_at + 400)), None);
        assert_eq!(rhythm.due(Some(every(360)), after(0)), None, "begins anew");
    }

    #[test]
    fn one_look_in_eight_is_for_a_transfer() {
        let interval = Duration::from_mins(1);
        let planned = Throughput {
            interval,
            bytes: 65_536,
        };
        let mut rhythm = Rhythm::default();
        let start = Instant::now();
        let mut done = Vec::new();
        for look in 0..80 {
            // Timers are late, each by something else.
            let late = Duration::from_millis(u64::from(look * 7_919 % 50));
            let looked = start + interval / LOOKS * look + late;
            if rhythm.due(Some(planned), looked).is_some() {
                rhythm.done(planned, looked);
                done.push(look);
            }
        }
        let gaps = done.windows(2).map(|two| two[1] - two[0]);
        assert!(done.len() >= 9, "{done:?}");
        assert!(gaps.clone().all(|gap| gap == LOOKS), "{done:?}");
    }
}
