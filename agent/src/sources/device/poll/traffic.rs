//! Totals of an interface that grow although the device's counter wraps, and how fast. Pure.
//!
//! A counter of 32 bits begins anew every few minutes on a fast line. One that was set back, by a restart or
//! with its interface, is told as the device has it: stores take it as such.

use tokio::time::Instant;

use crate::sources::device::network::usage;

/// Both directions of one interface.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) receive: Direction,
    pub(super) transmit: Direction,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct Direction {
    last: Option<Last>,
    /// What is told beyond what the counter says.
    wrapped: u64,
    /// Polls in a row that had the smaller counter alone.
    without: u8,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    count: u64,
    bits: u8,
    at: Instant,
}

/// What to tell of a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Told {
    /// Since the device counts, as far as it was seen.
    pub(super) total: u64,
    /// Since the poll before; not at the first one.
    pub(super) per_second: Option<f64>,
}

/// Polls in a row without the larger counter, after which the device is taken to have it no more.
const GONE: u8 = 3;

/// Counts of a counter of 32 bits.
const WRAP: u64 = 1 << 32;

impl Direction {
    /// Notes what the device has counted, with a counter of so many bits. `None` where that cannot be
    /// compared with what it was before: a larger counter may be back next time.
    pub(super) fn count(
        &mut self,
        count: u64,
        bits: u8,
        was_restarted: bool,
        now: Instant,
    ) -> Option<Told> {
        let last = self.last.filter(|_| !was_restarted);
        if last.is_some_and(|last| last.bits > bits) {
            self.without += 1;
            if self.without < GONE {
                return None;
            }
        }
        self.without = 0;
        let at = now;
        self.last = Some(Last { count, bits, at });
        let last = last.filter(|last| last.bits == bits);
        let per_second = last.and_then(|last| {
            let elapsed = now.saturating_duration_since(last.at);
            usage::rate(last.count, count, elapsed, bits)
        });
        let is_wrapped = per_second.is_some() && last.is_some_and(|last| count < last.count);
        self.wrapped = match per_second {
            Some(_) if is_wrapped && bits == 32 => self.wrapped.saturating_add(WRAP),
            Some(_) => self.wrapped,
            None => 0,
        };
        Some(Told {
            total: count.saturating_add(self.wrapped),
            per_second,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use super::*;

    const GIB: u64 = 1 << 30;
    const STEP: Duration = Duration::from_secs(1);

    /// Totals and growths of counts that were read one after the other.
    fn told(counts: &[(u64, u8)]) -> Vec<Option<(u64, Option<f64>)>> {
        let mut direction = Direction::default();
        let mut now = Instant::now();
        let mut tell = |(count, bits): &(u64, u8)| {
            now += STEP;
            let told = direction.count(*count, *bits, false, now)?;
            Some((told.total, told.per_second))
        };
        counts.iter().map(&mut tell).collect()
    }

    fn gib(count: f64) -> Option<f64> {
        Some(count * 1_073_741_824.0)
    }

    #[test]
    fn a_counter_of_32_bits_goes_on_when_it_wraps() {
        let counts = [3 * GIB, 4 * GIB - GIB / 2, GIB, 3 * GIB, GIB];
        let expected = [
            Some((3 * GIB, None)),
            Some((4 * GIB - GIB / 2, gib(0.5))),
            Some((5 * GIB, gib(1.5))),
            Some((7 * GIB, gib(2.0))),
            // Half its range: nobody knows what happened.
            Some((GIB, None)),
        ];
        assert_eq!(told(&counts.map(|count| (count, 32))), expected);
    }

    #[test]
    fn a_counter_that_was_set_back_is_told_as_it_is() {
        for bits in [32, 64] {
            let counts = [GIB, GIB + 5, 7, 9].map(|count| (count, bits));
            let expected = [
                Some((GIB, None)),
                Some((GIB + 5, Some(5.0))),
                Some((7, None)),
                Some((9, Some(2.0))),
            ];
            assert_eq!(told(&counts), expected);
        }
        let mut direction = Direction::default();
        let now = Instant::now();
        direction.count(4 * GIB - 1, 32, false, now);
        let after = direction.count(10, 32, true, now + STEP);
        let expected = Told {
            total: 10,
            per_second: None,
        };
        assert_eq!(after, Some(expected), "the device was started again");
    }

    #[test]
    fn a_smaller_counter_does_not_stand_in_for_a_larger_one() {
        let told = told(&[(GIB, 32), (9 * GIB, 64), (GIB, 32), (9 * GIB + 4, 64)]);
        let expected = [
            Some((GIB, None)),
            Some((9 * GIB, None)),
            None,
            // In two steps.
            Some((9 * GIB + 4, Some(2.0))),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_larger_counter_that_stays_away_is_begun_anew_without() {
        let told = told(&[
            (9 * GIB, 64),
            (GIB, 32),
            (GIB, 32),
            (GIB, 32),
            (GIB + 6, 32),
        ]);
        let expected = [
            Some((9 * GIB, None)),
            None,
            None,
            Some((GIB, None)),
            Some((GIB + 6, Some(6.0))),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn nonsense_of_a_device_is_no_overflow() {
        assert_eq!(told(&[(u64::MAX, 32), (5, 32)])[1], Some((5, None)));
        let wrapped = told(&[(u64::MAX, 64), (0, 64)])[1];
        assert_eq!(wrapped, Some((0, Some(1.0))));
    }
}
