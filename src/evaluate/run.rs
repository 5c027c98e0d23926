//! One province after another, two at a time: its records go through the engine as they come, and what was said is
//! judged when the truth is known. Nothing but what was said is kept.

use std::collections::HashSet;
use std::sync::Mutex;

use diagnosis::calendar::Centre;
use diagnosis::record::Record;

use super::judge::float;
use super::labels::{Label, Opening};
use super::order::{self, Differing};
use super::province::Province;
use super::readiness::Check;
use super::rules::Rules;
use super::said::{History, Said};
use super::score::Tally;
use crate::diagnose::Watch;

const DAY: f64 = 86_400.0;

/// How many records the orders of arrival are tried with, at most: each order is a whole replay.
const ORDERED: usize = 20_000;

/// What is compared beside the verdicts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside {
    /// The rules in a Prometheus.
    pub(crate) rules: bool,
    /// So many orders of arrival.
    pub(crate) orders: usize,
    /// Shown of faults that were judged wrong.
    pub(crate) examples: usize,
}

/// What was found of one province.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) rules: Option<Tally>,
    /// Why rules were not evaluated.
    pub(crate) skipped: Option<String>,
    pub(crate) differing: Vec<Differing>,
    pub(crate) examples: String,
    pub(crate) records: u64,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.tally.add(other.tally);
        if let Some(rules) = other.rules {
            self.rules.get_or_insert_with(Tally::default).add(rules);
        }
        self.skipped = self.skipped.take().or(other.skipped);
        self.differing.extend(other.differing);
        self.examples.push_str(&other.examples);
        self.records += other.records;
    }
}

/// Judges provinces on as many threads as there are processors, two at most; sums in their order.
pub(crate) fn all<P: Province>(
    count: usize,
    open: impl Fn(usize) -> anyhow::Result<P> + Sync,
    beside: Beside,
) -> anyhow::Result<Outcome> {
    let next = Mutex::new(0..count);
    let done: Mutex<Vec<(usize, anyhow::Result<Outcome>)>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.lock().ok().and_then(|mut next| next.next());
            let Some(number) = number else { return };
            let outcome = open(number).and_then(|province| one(province, beside));
            if let Ok(mut done) = done.lock() {
                done.push((number, outcome));
            }
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(2);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut done = done.into_inner().unwrap_or_default();
    anyhow::ensure!(done.len() == count, "an evaluation broke off");
    done.sort_by_key(|(number, _)| *number);
    let mut sum = Outcome::default();
    for (_, outcome) in done {
        sum.add(outcome?);
    }
    Ok(sum)
}

/// Judges one province.
fn one<P: Province>(mut province: P, beside: Beside) -> anyhow::Result<Outcome> {
    let centres = province.centres();
    let mut outcome = Outcome::default();
    let mut rules = None;
    if beside.rules {
        match Rules::new(&centres) {
            Ok(ready) => rules = Some(ready),
            Err(why) => outcome.skipped = Some(why.to_string()),
        }
    }
    let mut watch = Watch::new(centres.clone(), true);
    let mut history = History::default();
    let mut checks = Vec::new();
    let mut kept = Kept::new(&centres, beside);
    let mut span: Option<(f64, f64)> = None;
    while let Some(record) = province.next()? {
        outcome.records += 1;
        span = Some((span.map_or(record.arrived, |span| span.0), record.arrived));
        let (events, readiness) = watch.take(&record);
        events
            .into_iter()
            .for_each(|event| history.add(Said::from(event)));
        checks.extend(readiness.into_iter().map(Check::from));
        if let Some(rules) = &mut rules {
            rules.take(&record)?;
        }
        kept.take(&record);
    }
    let (labels, openings) = province.truth()?;
    let days = span.map_or(0.0, |(from, to)| (to - from) / DAY);
    let centre_days = days * float(centres.len());
    if let Some(rules) = rules {
        outcome.rules = Some(judged(&labels, &rules.history()?, &[], &[], centre_days));
    }
    outcome.tally = judged(&labels, &history, &openings, &checks, centre_days);
    if beside.orders > 0 {
        outcome.differing = order::differing(&kept.centres, &kept.records, beside.orders, 1);
        outcome.tally.orders = Some((beside.orders, outcome.differing.len()));
    }
    outcome.examples = super::examples::wrong(&outcome.tally, &history, beside.examples);
    Ok(outcome)
}

fn judged(
    labels: &[Label],
    history: &History,
    openings: &[Opening],
    checks: &[Check],
    centre_days: f64,
) -> Tally {
    super::tally(labels.to_vec(), history, openings, checks, centre_days)
}

/// The first records of a few centres, for other orders of arrival.
struct Kept {
    centres: Vec<Centre>,
    ids: HashSet<String>,
    records: Vec<Record>,
    most: usize,
}

impl Kept {
    fn new(centres: &[Centre], beside: Beside) -> Self {
        let centres: Vec<Centre> = centres.iter().take(4).cloned().collect();
        Self {
            ids: centres.iter().map(|centre| centre.id.clone()).collect(),
            centres,
            records: Vec::new(),
            most: if beside.orders > 0 { ORDERED } else { 0 },
        }
    }

    fn take(&mut self, record: &Record) {
        let is_of = |record: &Record| {
            record
                .what
                .as_ref()
                .is_some_and(|what| self.ids.contains(&what.centre))
        };
        if self.records.len() < self.most && is_of(record) {
            self.records.push(record.clone());
        }
    }
}
