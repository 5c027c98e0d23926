//! Whether the order of arrival matters: the same records in other orders must end in the same verdicts.
//!
//! Three kinds of disorder, in turns: everything up to twenty minutes late, each record by itself; all of it at once
//! at the end, in any order, as after a long cut; and both, with some records twice, as a lost acknowledgement brings
//! them. Compared is what stands when all is final; who was told and when may differ, because who is told depends on
//! what is known at the time.

use std::fmt;

use diagnosis::calendar::Centre;
use diagnosis::engine::Engine;
use diagnosis::record::Record;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::said::{History, Said};

/// How late a record may be while verdicts are not final, seconds.
const LATE: f64 = 20.0 * 60.0;

/// When everything is final, after the last record.
const FINAL: f64 = 2.0 * 3600.0;

/// Tries so many orders; returns the first verdicts that differ from those of the true order, each.
pub(crate) fn differing(
    centres: &[Centre],
    records: &[Record],
    tries: usize,
    seed: u64,
) -> Vec<Differing> {
    let expected = verdicts(centres, records);
    let mut found = Vec::new();
    for number in 0..tries {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
        let disorder = Disorder::of(number);
        let verdicts = verdicts(centres, &disorder.of_records(records, &mut random));
        if verdicts != expected {
            let missing = expected.iter().find(|one| !verdicts.contains(one)).cloned();
            let new = verdicts.iter().find(|one| !expected.contains(one)).cloned();
            found.push(Differing {
                number,
                disorder,
                missing,
                new,
            });
        }
    }
    found
}

/// An order that ended otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Differing {
    /// Which try, from 0.
    pub(crate) number: usize,
    pub(crate) disorder: Disorder,
    /// A verdict of the true order that is not among its own.
    pub(crate) missing: Option<String>,
    /// A verdict of its own that the true order does not have.
    pub(crate) new: Option<String>,
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_nothing =
            |verdict: &Option<String>| verdict.clone().unwrap_or_else(|| "nothing".to_owned());
        let (missing, new) = (or_nothing(&self.missing), or_nothing(&self.new));
        write!(
            f,
            "{} ({:?}): {missing} became {new}",
            self.number, self.disorder
        )
    }
}

/// How records get out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disorder {
    Late,
    AtOnce,
    Twice,
}

impl Disorder {
    fn of(number: usize) -> Self {
        match number % 3 {
            0 => Self::Late,
            1 => Self::AtOnce,
            _ => Self::Twice,
        }
    }

    fn of_records(self, records: &[Record], random: &mut StdRng) -> Vec<Record> {
        let end = last(records);
        let mut all = records.to_vec();
        if self == Self::Twice {
            let again = records.iter().filter(|_| random.random_bool(0.2)).cloned();
            all.extend(again.collect::<Vec<_>>());
        }
        all.shuffle(random);
        for record in &mut all {
            record.arrived = if self == Self::AtOnce {
                end
            } else {
                // Half of them as they came: the rest overtakes nobody otherwise.
                record.arrived
                    + if random.random_bool(0.5) {
                        0.0
                    } else {
                        random.random_range(0.0..LATE)
                    }
            };
        }
        // Stable: what arrives at once stays shuffled.
        all.sort_by(|a, b| a.arrived.total_cmp(&b.arrived));
        all
    }
}

fn last(records: &[Record]) -> f64 {
    records
        .iter()
        .map(|record| record.arrived)
        .fold(0.0, f64::max)
}

/// What stands in the end, as text that can be compared and shown.
fn verdicts(centres: &[Centre], records: &[Record]) -> Vec<String> {
    let mut engine = Engine::new(centres.to_vec());
    let mut history = History::default();
    for record in records {
        engine
            .take(record)
            .into_iter()
            .for_each(|event| history.add(Said::from(event)));
    }
    let end = last(records);
    let mut passed = 0.0;
    while passed <= FINAL + LATE {
        passed += 30.0;
        engine
            .pass(end + passed)
            .into_iter()
            .for_each(|event| history.add(Said::from(event)));
    }
    let mut verdicts: Vec<String> = history.finally().into_iter().map(verdict).collect();
    verdicts.sort();
    verdicts
}

fn verdict(said: &Said) -> String {
    let Said {
        verdict,
        scope,
        since,
        until,
        ..
    } = said;
    let or_nothing = |word: &Option<String>| word.clone().unwrap_or_default();
    format!(
        "{} {} {} {:?} {since:.0}-{}",
        or_nothing(&verdict.segment),
        verdict.fault,
        or_nothing(&verdict.culprit),
        scope,
        until.map_or_else(String::new, |until| format!("{until:.0}")),
    )
}
