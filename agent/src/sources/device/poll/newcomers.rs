//! How many new series of one device are told: as many as one device may have, and then a few an hour.
//!
//! A stream has room for so many names, and begins anew when it is full. A device whose interfaces are
//! called otherwise at every poll (dial-in sessions, or malice) would end it every few minutes, and what
//! this machine and all other devices tell would wait. What was told goes on to be told.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use proto::limits::SERIES_PER_DEVICE;
use tokio::time::Instant;

use crate::sources::{Reading, Series};

/// New ones that are told at once: all that a device may have, and what only a second poll tells.
const AT_ONCE: usize = SERIES_PER_DEVICE + SERIES_PER_DEVICE / 4;

/// How long it takes until there is room for one more.
const EACH: Duration = Duration::from_secs(36);

/// Series that are remembered; beyond, only those that are told now.
const REMEMBERED: usize = 4 * SERIES_PER_DEVICE;

/// Of one device.
#[derive(Debug)]
pub(super) struct Newcomers {
    /// Hashes: two that share one are both told.
    known: HashSet<u64>,
    hasher: RandomState,
    /// New ones that may be told now.
    room: usize,
    /// Since when there is this room.
    since: Instant,
}

impl Newcomers {
    pub(super) fn new() -> Self {
        Self {
            known: HashSet::new(),
            hasher: RandomState::new(),
            room: AT_ONCE,
            since: Instant::now(),
        }
    }

    /// Takes out new ones that there is no room for; says how many.
    pub(super) fn admit(&mut self, readings: &mut Vec<Reading>) -> usize {
        self.refill();
        let before = readings.len();
        readings.retain(|reading| self.is_admitted(&reading.series));
        if self.known.len() > REMEMBERED {
            let told = readings.iter();
            self.known = told.map(|one| self.hasher.hash_one(&*one.series)).collect();
        }
        before - readings.len()
    }

    fn refill(&mut self) {
        while self.room < AT_ONCE && self.since.elapsed() >= EACH {
            self.room += 1;
            self.since += EACH;
        }
        if self.room == AT_ONCE {
            self.since = Instant::now();
        }
    }

    fn is_admitted(&mut self, series: &Series) -> bool {
        let hash = self.hasher.hash_one(series);
        if self.known.contains(&hash) {
            return true;
        }
        let Some(room) = self.room.checked_sub(1) else {
            return false;
        };
        self.room = room;
        self.known.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use proto::metrics;

    use super::*;
    use crate::sources::Readings;

    /// How many of so many interfaces, counted from `first`, are left out.
    fn left_out(newcomers: &mut Newcomers, first: usize, many: usize) -> usize {
        let mut readings = Readings::default();
        for n in first..first + many {
            let name = format!("<pppoe-{n}>");
            readings.push(&metrics::DEVICE_INTERFACE_UP, &[&name], 1.0);
        }
        newcomers.admit(&mut readings.taken)
    }

    #[tokio::test(start_paused = true)]
    async fn names_that_change_all_the_time_have_a_few_an_hour() {
        let mut newcomers = Newcomers::new();
        assert_eq!(left_out(&mut newcomers, 0, 600), 0);
        assert_eq!(left_out(&mut newcomers, 600, 600), 450);
        assert_eq!(left_out(&mut newcomers, 0, 600), 0, "told before");
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(left_out(&mut newcomers, 2_000, 600), 500);
        tokio::time::advance(Duration::from_hours(24)).await;
        assert_eq!(left_out(&mut newcomers, 3_000, 600), 0);
        assert_eq!(left_out(&mut newcomers, 4_000, 600), 450);
    }

    #[tokio::test(start_paused = true)]
    async fn little_is_remembered_of_a_device_with_ever_new_names() {
        let mut newcomers = Newcomers::new();
        for day in 0..20 {
            left_out(&mut newcomers, day * 600, 600);
            tokio::time::advance(Duration::from_hours(24)).await;
        }
        assert!(newcomers.known.len() <= REMEMBERED);
        assert_eq!(left_out(&mut newcomers, 19 * 600, 600), 0);
    }
}
