//! Whether it was known ten minutes before the doors opened that they could.
//!
//! A check that is missing counts as `unknown`. Judged is the first verdict of `T-10`; what is said later has its own
//! check.

use std::collections::HashMap;

use diagnosis::event::{Readiness, State};
use serde::Deserialize;

use super::judge::share;
use super::labels::{Opening, Truth};
use super::score::Row;

/// The check that is judged, and how long before the opening it may come.
const CHECK: &str = "T-10";
const EARLIEST: f64 = 20.0 * 60.0;

/// A line of `dawnwatch diagnose --readiness`, as far as it is judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Check {
    pub(crate) at: f64,
    pub(crate) centre: String,
    pub(crate) check: String,
    pub(crate) state: State,
}

impl From<Readiness> for Check {
    fn from(said: Readiness) -> Self {
        Self {
            at: said.at,
            centre: said.centre,
            check: said.check,
            state: said.state,
        }
    }
}

/// How checks compare with what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checks {
    openings: usize,
    answered: usize,
    bad: usize,
    bad_ready: usize,
    good: usize,
    good_not_ready: usize,
    good_at_risk: usize,
}

impl Checks {
    /// Compares.
    pub(crate) fn of(openings: &[Opening], checks: &[Check]) -> Self {
        let mut of_centre: HashMap<&str, Vec<&Check>> = HashMap::new();
        for check in checks.iter().filter(|check| check.check == CHECK) {
            of_centre.entry(&check.centre).or_default().push(check);
        }
        let mut sum = Self::default();
        for opening in openings {
            let near = |check: &&&Check| {
                check.at <= opening.opening && check.at >= opening.opening - EARLIEST
            };
            let checks = of_centre.get(opening.centre.as_str());
            let found = checks.and_then(|checks| checks.iter().find(near));
            sum.count(
                opening.truth,
                found.map_or(State::Unknown, |check| check.state),
            );
        }
        sum
    }

    fn count(&mut self, truth: Truth, state: State) {
        self.openings += 1;
        self.answered += usize::from(state != State::Unknown);
        match truth {
            Truth::Good => {
                self.good += 1;
                self.good_not_ready += usize::from(state == State::NotReady);
                self.good_at_risk += usize::from(state == State::AtRisk);
            }
            Truth::Bad => {
                self.bad += 1;
                self.bad_ready += usize::from(state == State::Ready);
            }
            Truth::Weak => {}
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.openings += other.openings;
        self.answered += other.answered;
        self.bad += other.bad;
        self.bad_ready += other.bad_ready;
        self.good += other.good;
        self.good_not_ready += other.good_not_ready;
        self.good_at_risk += other.good_at_risk;
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let of = |part, whole| (whole > 0).then(|| share(part, whole));
        vec![
            Row::least(
                "readiness: answered",
                of(self.answered, self.openings),
                self.openings,
                0.95,
                0.98,
            ),
            Row::most(
                "readiness: bad called ready",
                of(self.bad_ready, self.bad),
                self.bad,
                0.05,
                0.02,
            ),
            Row::most(
                "readiness: good called not",
                of(self.good_not_ready, self.good),
                self.good,
                0.005,
                0.003,
            )
            .noting(format!("{} of them called at risk", self.good_at_risk)),
        ]
    }
}
