//! Figures from what was judged: every metric that is promised, with what it must reach and what it aims at.
//!
//! Shares are of all faults they are about: a fault that nobody was told of counts as wrong. The note of a row says what
//! the figure would be among those that were detected, or which class is the worst.

use std::collections::BTreeMap;

use super::judge::{Judged, float, share};
use super::readiness::Checks;
use super::said::Said;

/// A class with fewer faults than this is no worst class: its share is chance.
const ENOUGH: usize = 5;

/// Days of a month.
const MONTH: f64 = 30.0;

/// Everything judged so far, of one run or of many.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) faults: Vec<Judged>,
    /// Messages about nothing, and how long there were centres to send them, with and without faults.
    pub(crate) quiet: Unfounded,
    pub(crate) busy: Unfounded,
    pub(crate) checks: Checks,
    /// Orders of arrival tried, and those with other final verdicts than the first.
    pub(crate) orders: Option<(usize, usize)>,
}

/// Messages that were about nothing.
#[derive(Debug, Default)]
pub(crate) struct Unfounded {
    pub(crate) messages: Vec<Said>,
    /// Days, summed over centres.
    pub(crate) centre_days: f64,
}

impl Unfounded {
    fn add(&mut self, other: Self) {
        self.messages.extend(other.messages);
        self.centre_days += other.centre_days;
    }

    fn per_month(&self) -> Option<f64> {
        let months = self.centre_days / MONTH;
        (months > 0.0).then(|| float(self.messages.len()) / months)
    }
}

impl Tally {
    /// Adds what another run found.
    pub(crate) fn add(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.quiet.add(other.quiet);
        self.busy.add(other.busy);
        self.checks.add(&other.checks);
        self.orders = match (self.orders, other.orders) {
            (Some(a), Some(b)) => Some((a.0 + b.0, a.1 + b.1)),
            (a, b) => a.or(b),
        };
    }

    /// All metrics, in the order of the promise.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = self.segments();
        rows.extend(self.recall());
        rows.extend(self.messages());
        rows.extend(self.delays());
        rows.push(self.degrading());
        rows.extend(self.checks.rows());
        if let Some((tried, other)) = self.orders {
            let same = (tried > 0).then(|| share(tried - other, tried));
            rows.push(Row::least(
                "same verdicts in any order",
                same,
                tried,
                1.0,
                1.0,
            ));
        }
        rows
    }

    fn of(&self, which: impl Fn(&Judged) -> bool) -> Vec<&Judged> {
        self.faults.iter().filter(|fault| which(fault)).collect()
    }

    fn segments(&self) -> Vec<Row> {
        let known = self.of(|fault| fault.label.is_known());
        let unseen = self.of(|fault| !fault.label.is_known());
        let all = self.of(|_| true);
        let visible = self.of(|fault| fault.label.is_known() && !fault.label.silent);
        let silent = self.of(|fault| fault.label.silent);
        vec![
            of_faults(
                "final segment, known classes",
                &known,
                Judged::is_finally_right,
                0.93,
                0.97,
            ),
            of_faults(
                "final segment, all classes",
                &all,
                Judged::is_finally_right,
                0.88,
                0.93,
            )
            .noting(unseen_note(&unseen)),
            of_faults(
                "first message, visible live",
                &visible,
                Judged::is_first_right,
                0.92,
                0.96,
            ),
            of_faults(
                "silent: truth among two",
                &silent,
                Judged::is_among_two,
                0.90,
                0.95,
            ),
        ]
    }

    fn recall(&self) -> Vec<Row> {
        let known = self.of(|fault| fault.label.is_known());
        let detected = |fault: &Judged| fault.detected.is_some();
        let mut row = of_faults("recall, known classes", &known, detected, 0.96, 0.985);
        row.note.clear();
        let worst = by_class(&known)
            .into_iter()
            .filter(|(_, faults)| faults.len() >= ENOUGH)
            .map(|(class, faults)| (part(&faults, detected), class, faults.len()))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let mut worst_row = Row::least(
            "recall, worst known class",
            worst.map(|worst| worst.0),
            0,
            0.80,
            0.92,
        );
        if let Some((_, class, count)) = worst {
            worst_row = worst_row.noting(class.to_owned());
            worst_row.count = count;
        }
        vec![row, worst_row]
    }

    fn messages(&self) -> Vec<Row> {
        let mean = |faults: &[&Judged]| {
            let messages: f64 = faults.iter().map(|fault| f64::from(fault.messages)).sum();
            (!faults.is_empty()).then(|| messages / float(faults.len()))
        };
        let detected = self.of(|fault| fault.detected.is_some());
        let wide = self.of(|fault| fault.detected.is_some() && fault.label.wide);
        let months =
            |unfounded: &Unfounded| format!("{:.1} centre-months", unfounded.centre_days / MONTH);
        let count = |unfounded: &Unfounded| unfounded.messages.len();
        vec![
            Row::most(
                "messages per fault",
                mean(&detected),
                detected.len(),
                1.2,
                1.05,
            ),
            Row::most(
                "messages per wide fault",
                mean(&wide),
                wide.len(),
                1.2,
                1.10,
            ),
            Row::most(
                "false a centre-month, quiet",
                self.quiet.per_month(),
                count(&self.quiet),
                0.5,
                0.15,
            )
            .noting(months(&self.quiet)),
            Row::most(
                "false a centre-month, faults",
                self.busy.per_month(),
                count(&self.busy),
                0.5,
                0.25,
            )
            .noting(months(&self.busy)),
        ]
    }

    fn delays(&self) -> Vec<Row> {
        let minutes = |hard: bool| {
            let known = self.of(|fault| {
                fault.label.is_known()
                    && fault.label.is_hard() == hard
                    // Its own measure is how long before the failure it is told.
                    && fault.label.fault != "line_degrading"
            });
            let mut minutes: Vec<f64> = known
                .iter()
                .filter_map(|fault| fault.delay())
                .map(|seconds| seconds / 60.0)
                .collect();
            minutes.sort_by(f64::total_cmp);
            minutes
        };
        let mut rows = Vec::new();
        for (hard, names, must, aim) in [
            (
                true,
                ["minutes, hard: median", "minutes, hard: p95"],
                [1.5, 4.0],
                [0.7, 2.0],
            ),
            (
                false,
                ["minutes, soft: median", "minutes, soft: p95"],
                [5.0, 20.0],
                [3.0, 10.0],
            ),
        ] {
            let minutes = minutes(hard);
            let ranks = [0.5, 0.95];
            for (((name, rank), must), aim) in names.into_iter().zip(ranks).zip(must).zip(aim) {
                rows.push(Row::most(
                    name,
                    quantile(&minutes, rank),
                    minutes.len(),
                    must,
                    aim,
                ));
            }
        }
        rows
    }

    fn degrading(&self) -> Row {
        let degrading = self.of(|fault| fault.label.fault == "line_degrading");
        let in_time = |fault: &Judged| {
            fault
                .detected
                .is_some_and(|at| fault.label.fails() - at >= 15.0 * 60.0)
        };
        let mut row = of_faults(
            "degrading line: 15 min ahead",
            &degrading,
            in_time,
            0.75,
            0.85,
        );
        row.note.clear();
        row
    }
}

fn of_faults(
    name: &'static str,
    faults: &[&Judged],
    is: impl Fn(&Judged) -> bool,
    must: f64,
    aim: f64,
) -> Row {
    let detected: Vec<&Judged> = faults
        .iter()
        .copied()
        .filter(|fault| fault.detected.is_some())
        .collect();
    let value = (!faults.is_empty()).then(|| part(faults, &is));
    let note = format!("{:.3} of {} detected", part(&detected, &is), detected.len());
    Row::least(name, value, faults.len(), must, aim).noting(note)
}

/// Among classes nobody modelled, `unknown` is an honest answer and a sure wrong one is not.
fn unseen_note(unseen: &[&Judged]) -> String {
    let right = part(unseen, Judged::is_finally_right);
    let unknown = part(unseen, |fault| {
        fault
            .finally
            .as_ref()
            .is_some_and(|said| said.fault == "unknown")
            && !fault.is_finally_right()
    });
    let sure = part(unseen, |fault| {
        fault
            .finally
            .as_ref()
            .is_some_and(|said| said.fault != "unknown")
            && !fault.is_finally_right()
            && fault.confidence >= 0.9
    });
    format!(
        "{} unseen: right {right:.2}, unknown {unknown:.2}, sure and wrong {sure:.2}",
        unseen.len()
    )
}

pub(crate) fn by_class<'a>(faults: &[&'a Judged]) -> BTreeMap<&'a str, Vec<&'a Judged>> {
    let mut classes: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for fault in faults {
        classes.entry(&fault.label.fault).or_default().push(fault);
    }
    classes
}

fn part(faults: &[&Judged], is: impl Fn(&Judged) -> bool) -> f64 {
    share(
        faults.iter().filter(|fault| is(fault)).count(),
        faults.len(),
    )
}

/// The value below which this share of them is; they are sorted.
fn quantile(sorted: &[f64], rank: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 … last"
    )]
    let place = (rank * float(last)).ceil() as usize;
    sorted.get(place.min(last)).copied()
}

/// One metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Nothing where there was nothing to measure it by.
    pub(crate) value: Option<f64>,
    /// Of how many things.
    pub(crate) count: usize,
    pub(crate) must: f64,
    pub(crate) aim: f64,
    /// Whether it should be large.
    pub(crate) is_share: bool,
    pub(crate) note: String,
}

impl Row {
    /// One that must be at least so much.
    pub(crate) fn least(
        name: &'static str,
        value: Option<f64>,
        count: usize,
        must: f64,
        aim: f64,
    ) -> Self {
        Self {
            name,
            value,
            count,
            must,
            aim,
            is_share: true,
            note: String::new(),
        }
    }

    /// One that must be at most so much.
    pub(crate) fn most(
        name: &'static str,
        value: Option<f64>,
        count: usize,
        must: f64,
        aim: f64,
    ) -> Self {
        Self {
            is_share: false,
            ..Self::least(name, value, count, must, aim)
        }
    }

    pub(crate) fn noting(mut self, note: String) -> Self {
        self.note = note;
        self
    }

    /// `aim`, `must`, `below`, or nothing without a value.
    pub(crate) fn reached(&self) -> &'static str {
        let Some(value) = self.value else { return "" };
        let reaches = |level: f64| {
            if self.is_share {
                value >= level
            } else {
                value <= level
            }
        };
        if reaches(self.aim) {
            "aim"
        } else if reaches(self.must) {
            "must"
        } else {
            "below"
        }
    }
}
