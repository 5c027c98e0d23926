//! What is usual at a centre: the loss and delay of its last 28 days, and who was there at which check of its last 28
//! openings. Bounded: one small entry a day.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::agent::Echoes;

/// Days that are remembered.
const DAYS: usize = 28;

/// Days without which nothing is called usual.
const FEW_DAYS: usize = 4;

/// What a way outside, or to the router, is like day by day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Usual {
    /// Day of the calendar, and its sums; ascending.
    days: VecDeque<(i32, Echoes)>,
}

impl Usual {
    /// Adds a round to its day. Late ones find theirs, if it is still remembered.
    pub(super) fn add(&mut self, day: i32, echoes: &Echoes) {
        let position = self.days.partition_point(|(known, _)| *known < day);
        match self.days.get_mut(position) {
            Some((known, sums)) if *known == day => sums.join(echoes),
            _ => self.days.insert(position, (day, *echoes)),
        }
        while self.days.len() > DAYS {
            self.days.pop_front();
        }
    }

    /// Loss as it is on one of its worse days, and delay as it is on the middle one; nothing before enough days.
    /// The day itself does not count.
    pub(super) fn before(&self, day: i32) -> Option<(f64, f64)> {
        let oldest = day.saturating_sub(i32::try_from(DAYS).unwrap_or(i32::MAX));
        let days = self
            .days
            .iter()
            .filter(|(known, _)| (oldest..day).contains(known));
        let (mut losses, mut delays) = (Vec::new(), Vec::new());
        for (_, sums) in days {
            losses.extend(sums.loss());
            delays.extend(sums.delay());
        }
        if losses.len() < FEW_DAYS || delays.len() < FEW_DAYS {
            return None;
        }
        losses.sort_by(f64::total_cmp);
        delays.sort_by(f64::total_cmp);
        let worse = losses.get(losses.len() * 8 / 10)?;
        let middle = delays.get(delays.len() / 2)?;
        Some((*worse, *middle))
    }
}

/// Whether something was so at one check of past openings: a bit an opening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Habit {
    bits: u32,
    known: u8,
}

impl Habit {
    /// Adds what it was like.
    pub(super) fn add(&mut self, so: bool) {
        let kept = (1 << DAYS) - 1;
        self.bits = ((self.bits << 1) | u32::from(so)) & kept;
        self.known = (self.known + 1).min(u8::try_from(DAYS).unwrap_or(u8::MAX));
    }

    /// Whether it nearly always was so, for weeks.
    pub(super) fn is_firm(self) -> bool {
        let so = self.bits.count_ones();
        self.known >= 8 && so * 20 >= u32::from(self.known) * 19
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_usual_is_of_the_last_weeks_and_not_of_today() {
        let mut usual = Usual::default();
        for day in 0..40 {
            let mut echoes = Echoes::default();
            echoes.add(100, if day < 10 { 0 } else { 99 }, Some(20.0));
            usual.add(day, &echoes);
        }
        let mut today = Echoes::default();
        today.add(100, 50, Some(500.0));
        usual.add(40, &today);
        assert_eq!(usual.before(40), Some((0.01, 20.0)));
        assert_eq!(usual.before(3), None);
        assert!(usual.days.len() <= DAYS);
    }

    #[test]
    fn late_days_find_their_place() {
        let mut usual = Usual::default();
        let mut echoes = Echoes::default();
        echoes.add(10, 10, Some(1.0));
        for day in [5, 3, 9, 3, 4] {
            usual.add(day, &echoes);
        }
        let days: Vec<i32> = usual.days.iter().map(|(day, _)| *day).collect();
        assert_eq!(days, [3, 4, 5, 9]);
    }

    #[test]
    fn a_habit_needs_weeks_and_forgets() {
        let mut habit = Habit::default();
        for _ in 0..7 {
            habit.add(true);
            assert!(!habit.is_firm());
        }
        habit.add(true);
        assert!(habit.is_firm());
        habit.add(false);
        assert!(!habit.is_firm());
        for _ in 0..40 {
            habit.add(true);
        }
        assert!(habit.is_firm());
    }
}
