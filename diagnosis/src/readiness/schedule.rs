//! Which check of which centre is due next, whatever the jumps of time: a heap of one entry a centre.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::calendar::Calendar;

/// A moment before, at or after the opening of a centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An hour before.
    Hour,
    /// Half an hour before.
    HalfHour,
    /// Ten minutes before.
    TenMinutes,
    /// The doors open.
    Opening,
    /// What the verdicts are compared with has been measured, and what came late has had time to come.
    Score,
}

impl Step {
    /// The checks, in order.
    pub const CHECKS: [Self; 4] = [Self::Hour, Self::HalfHour, Self::TenMinutes, Self::Opening];

    const ALL: [Self; 5] = [
        Self::Hour,
        Self::HalfHour,
        Self::TenMinutes,
        Self::Opening,
        Self::Score,
    ];

    /// Its word in the format; nothing for what is no check.
    #[must_use]
    pub fn check(self) -> Option<&'static str> {
        match self {
            Self::Hour => Some("T-60"),
            Self::HalfHour => Some("T-30"),
            Self::TenMinutes => Some("T-10"),
            Self::Opening => Some("T-0"),
            Self::Score => None,
        }
    }

    /// Seconds after the opening; negative before.
    fn after_opening(self) -> f64 {
        match self {
            Self::Hour => -3600.0,
            Self::HalfHour => -1800.0,
            Self::TenMinutes => -600.0,
            Self::Opening => 0.0,
            Self::Score => 2700.0,
        }
    }

    fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step > self)
    }
}

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Due {
    /// When, Unix seconds.
    pub(super) at: f64,
    /// Whose: its position among the centres.
    pub(super) centre: usize,
    /// The opening it is about.
    pub(super) opening: f64,
    /// What.
    pub(super) step: Step,
}

impl Due {
    fn new(centre: usize, opening: f64, step: Step) -> Self {
        Self {
            at: opening + step.after_opening(),
            centre,
            opening,
            step,
        }
    }
}

impl Eq for Due {}

impl Ord for Due {
    /// The earliest is the greatest, as the heap gives it first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.at.total_cmp(&self.at);
        by_time.then_with(|| other.centre.cmp(&self.centre))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is due, of all centres.
#[derive(Debug, Clone, Default)]
pub(super) struct Schedule(BinaryHeap<Due>);

impl Schedule {
    /// Begins with the first check of a centre that is not before a moment.
    pub(super) fn begin(&mut self, centre: usize, calendar: &Calendar, now: f64) {
        let Some(opening) = calendar.next_opening(now - 1.0) else {
            return;
        };
        let mut steps = Step::CHECKS.into_iter();
        let dues = steps.find_map(|step| {
            let due = Due::new(centre, opening, step);
            (due.at >= now).then_some(due)
        });
        self.0.extend(dues);
    }

    /// Goes on with an opening that was checked and is not compared yet.
    pub(super) fn go_on(&mut self, centre: usize, opening: f64) {
        self.0.push(Due::new(centre, opening, Step::Score));
    }

    /// The next that is due, if it is by now.
    pub(super) fn pop(&mut self, now: f64) -> Option<Due> {
        let due = self.0.peek().is_some_and(|due| due.at <= now);
        due.then(|| self.0.pop()).flatten()
    }

    /// What follows what was done: the next step, or the next opening.
    pub(super) fn follow(&mut self, done: &Due, calendar: &Calendar) {
        let next = match done.step.next() {
            Some(step) => Some((done.opening, step)),
            None => calendar
                .next_opening(done.opening)
                .map(|opening| (opening, Step::Hour)),
        };
        let next = next.map(|(opening, step)| Due::new(done.centre, opening, step));
        self.0.extend(next);
    }
}
