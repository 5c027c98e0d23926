//! What a counting agent has read (`examples/counting_agent.rs`), and how a store compares with it.
//!
//! Every number was used once, so each sample of a store is one sample of the ledger or a wrong one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::prometheus::Raw;

/// The series that a counting agent counts on.
pub const COUNTS: &str = "dawnwatch_temperature_celsius";

/// Times are told in steps of a hundredth of a second, so that a time may be so much too early.
const TOLD_MS: i64 = 9;

/// All rounds that were read.
#[derive(Debug)]
pub struct Ledger {
    /// By the first number of each.
    rounds: BTreeMap<u64, Round>,
}

/// Numbers that were read together.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// When they were read, Unix milliseconds.
    pub time_unix_ms: i64,
    /// When they were handed on at the latest.
    until_unix_ms: i64,
    /// How many they are.
    pub count: u64,
    /// Which process read it, from 0 on.
    pub process: usize,
}

impl Ledger {
    /// Reads it. `ends` are the moments when the processes that wrote it had ended, in order.
    pub fn read(path: &Path, ends: &[i64]) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut rounds: Vec<(u64, Round)> = text.lines().map(parse).collect();
        // A round is handed on before the next one is read, and before the process has ended.
        let mut next: Option<i64> = None;
        for (_, round) in rounds.iter_mut().rev() {
            round.process = ends.partition_point(|end| *end < round.time_unix_ms);
            let end = *ends.get(round.process).expect("every process has ended");
            round.until_unix_ms = next.map_or(end, |next| next.min(end));
            next = Some(round.time_unix_ms);
        }
        let read = rounds.len();
        let rounds: BTreeMap<_, _> = rounds.into_iter().collect();
        assert_eq!(rounds.len(), read, "a number was used twice");
        Self { rounds }
    }

    /// The rounds, oldest first.
    pub fn rounds(&self) -> impl Iterator<Item = (u64, Round)> {
        self.rounds.iter().map(|(first, round)| (*first, *round))
    }

    /// How many numbers were read.
    pub fn samples(&self) -> u64 {
        self.rounds.values().map(|round| round.count).sum()
    }

    /// The rounds that a store does not have, by their first numbers. An error when it has a sample
    /// that is not in the ledger, one twice, one with the time or the series of another, or a part of
    /// a round.
    pub fn missing_from(&self, stored: &[Raw]) -> Result<BTreeSet<u64>, String> {
        let mut found: BTreeMap<u64, (i64, u64)> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut wrong = Vec::new();
        for (labels, samples) in stored {
            for (time, value) in samples {
                match self.round_of(labels, *time, *value) {
                    Ok((number, first)) if seen.insert(number) => {
                        let (known, count) = found.entry(first).or_insert((*time, 0));
                        *count += 1;
                        if known != time {
                            wrong.push(format!("{value} at {time}, its round at {known}"));
                        }
                    }
                    Ok(_) => wrong.push(format!("{value} again, at {time}")),
                    Err(problem) => wrong.push(problem),
                }
            }
        }
        for (first, (_, count)) in &found {
            let expected = self.rounds[first].count;
            if *count != expected {
                wrong.push(format!("{count} of the {expected} of round {first}"));
            }
        }
        if !wrong.is_empty() {
            let shown = &wrong[..wrong.len().min(20)];
            return Err(format!("{} samples are wrong: {shown:#?}", wrong.len()));
        }
        let missing = self
            .rounds
            .keys()
            .filter(|first| !found.contains_key(first));
        Ok(missing.copied().collect())
    }

    /// The number that a sample is, and the first of its round.
    fn round_of(
        &self,
        labels: &BTreeMap<String, String>,
        time: i64,
        value: f64,
    ) -> Result<(u64, u64), String> {
        let wrong = |what: &str| Err(format!("{value} at {time} of {labels:?}: {what}"));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers are counted"
        )]
        let number = value as u64;
        #[allow(clippy::cast_precision_loss, reason = "nobody counts beyond 2^53")]
        let is_whole = (number as f64).to_bits() == value.to_bits();
        let Some((first, round)) = self.rounds.range(..=number).next_back() else {
            return wrong("no such number");
        };
        if !is_whole || number - first >= round.count {
            return wrong("no such number");
        }
        if labels.get("sensor") != Some(&format!("count-{}", number - first)) {
            return wrong("another series read it");
        }
        let from_unix_ms = round.time_unix_ms - TOLD_MS;
        if !(from_unix_ms..=round.until_unix_ms).contains(&time) {
            return wrong(&format!("it was read at {}", round.time_unix_ms));
        }
        Ok((number, *first))
    }
}

/// `TIME FIRST COUNT`.
fn parse(line: &str) -> (u64, Round) {
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_else(|| panic!("no round: {line:?}"));
    let time_unix_ms = word().parse().unwrap();
    let first = word().parse().unwrap();
    let count = word().parse().unwrap();
    let round = Round {
        time_unix_ms,
        until_unix_ms: time_unix_ms,
        count,
        process: 0,
    };
    (first, round)
}

#[cfg(test)]
mod tests {
    use super::super::process::Folder;
    use super::*;

    /// Two processes, the first of which ended at 1,300.
    fn ledger() -> Ledger {
        let folder = Folder::new("ledger");
        let text = "1000 0 2\n1200 2 2\n1500 4 2\n1600 6 2\n";
        Ledger::read(&folder.write("ledger", text), &[1_300, 2_000])
    }

    fn stored(samples: &[(&str, i64, f64)]) -> Vec<Raw> {
        let raw = |(sensor, time, value): &(&str, i64, f64)| {
            let labels = BTreeMap::from([("sensor".to_owned(), (*sensor).to_owned())]);
            (labels, vec![(*time, *value)])
        };
        samples.iter().map(raw).collect()
    }

    const GOOD: [(&str, i64, f64); 4] = [
        ("count-0", 991, 0.0),
        ("count-1", 991, 1.0),
        ("count-0", 1_520, 4.0),
        ("count-1", 1_520, 5.0),
    ];

    #[test]
    fn what_is_missing_is_told_by_round() {
        let missing = ledger().missing_from(&stored(&GOOD)).unwrap();
        assert_eq!(missing, BTreeSet::from([2, 6]));
        let processes: Vec<_> = ledger().rounds().map(|(_, round)| round.process).collect();
        assert_eq!(processes, [0, 0, 1, 1]);
        assert_eq!(ledger().samples(), 8);
    }

    #[test]
    fn what_is_wrong_is_found() {
        let check = |wrong: (&str, i64, f64), expected: &str| {
            let stored = stored(&[&GOOD[..], &[wrong]].concat());
            let text = ledger().missing_from(&stored).unwrap_err();
            assert!(text.contains(expected), "{text}");
        };
        check(("count-0", 991, 0.0), "again");
        check(("count-0", 1_301, 2.0), "it was read at 1200");
        check(("count-0", 1_190, 2.0), "it was read at 1200");
        check(("count-1", 1_200, 2.0), "another series");
        check(("count-0", 1_200, 2.5), "no such number");
        check(("count-0", 1_700, 8.0), "no such number");
        check(("count-0", 1_200, 2.0), "1 of the 2 of round 2");
        let apart = [GOOD[0], ("count-1", 1_002, 1.0)];
        let text = ledger().missing_from(&stored(&apart)).unwrap_err();
        assert!(text.contains("its round at 991"), "{text}");
    }
}
