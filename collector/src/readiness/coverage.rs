//! Where somebody is awake to say so an hour before opening, and what to ask for where nobody is.

use std::collections::VecDeque;

use diagnosis::calendar::Calendar;
use diagnosis::sentence::Words;
use serde::{Deserialize, Serialize};

/// Openings that are remembered.
const OPENINGS: usize = 7;

/// So many of them without anybody, and it is asked for.
const OFTEN: usize = 2;

/// A machine that wakes by itself does so as long before opening, seconds: an hour, and time to start.
const WAKES: f64 = 65.0 * 60.0;

/// Whether anybody was awake an hour before the last openings of a centre, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Coverage {
    awake: VecDeque<bool>,
}

impl Coverage {
    /// Adds an opening.
    pub(super) fn add(&mut self, awake: bool) {
        self.awake.push_back(awake);
        while self.awake.len() > OPENINGS {
            self.awake.pop_front();
        }
    }

    /// How many openings are remembered, and at how many of them nobody was awake.
    pub(super) fn counts(&self) -> (u8, u8) {
        let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let missed = self.awake.iter().filter(|awake| !**awake).count();
        (small(self.awake.len()), small(missed))
    }

    /// What to do so that somebody is: nothing while the newest opening had somebody.
    pub(super) fn advice(&self, calendar: &Calendar, opening: Option<f64>) -> Option<Words> {
        let missed = self.awake.iter().filter(|awake| !**awake).count();
        if missed < OFTEN || self.awake.back() != Some(&false) {
            return None;
        }
        let minute = calendar.local(opening? - WAKES).minute();
        let time = format!("{:02}:{:02}", minute / 60, minute % 60);
        Some(Words {
            vi: format!(
                "Trước giờ mở cửa thường không có máy nào bật: kỹ thuật viên vào BIOS của một máy nối dây, đặt tự bật \
                 lúc {time}."
            ),
            en: format!(
                "Often no PC is on before opening: the technician sets a wired PC to wake at {time} in its BIOS, which \
                 costs nothing."
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_centre_without_witness_is_told_when_to_wake_one_until_it_has_one() {
        let calendar = Calendar::default();
        // 2026-07-24 07:30 in UTC+7.
        let opening = Some(1_784_853_000.0);
        let mut coverage = Coverage::default();
        coverage.add(true);
        coverage.add(false);
        assert_eq!(coverage.advice(&calendar, opening), None, "once is chance");
        coverage.add(false);
        assert_eq!(coverage.counts(), (3, 2));
        let advice = coverage.advice(&calendar, opening).unwrap_or_default();
        assert!(advice.en.contains("06:25"), "{advice:?}");
        assert!(advice.vi.contains("06:25"), "{advice:?}");
        assert_eq!(coverage.advice(&calendar, None), None, "when, nobody knows");
        coverage.add(true);
        assert_eq!(coverage.advice(&calendar, opening), None);
        for _ in 0..20 {
            coverage.add(true);
        }
        assert_eq!(coverage.counts(), (7, 0));
    }
}
