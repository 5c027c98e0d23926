//! Random lives of a spool beside a model of what it promises: appends, acks, writes, crashes, restarts, tight limits.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use proptest::prelude::*;
use spool::{Disk, Limits, Record, Sequence, Spool};

/// One thing that happens to a spool.
#[derive(Debug, Clone)]
enum Step {
    Append { length: usize, weight: u32 },
    Ack { which: prop::sample::Index },
    AckNewest { count: usize },
    Persist,
    Wait { milliseconds: i64 },
    Restart { is_clean: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..700, 0u32..50).prop_map(|(length, weight)| Step::Append { length, weight }),
        4 => any::<prop::sample::Index>().prop_map(|which| Step::Ack { which }),
        2 => (1usize..8).prop_map(|count| Step::AckNewest { count }),
        2 => Just(Step::Persist),
        1 => (0i64..5_000).prop_map(|milliseconds| Step::Wait { milliseconds }),
        2 => any::<bool>().prop_map(|is_clean| Step::Restart { is_clean }),
    ]
}

/// A spool and what it must hold.
struct Life {
    spool: Spool,
    limits: Limits,
    now: Option<i64>,
    waiting: BTreeMap<Sequence, Record>,
    /// Acknowledged or dropped, and no write since: a crash may bring these back.
    may_return: BTreeMap<Sequence, Record>,
    highest: Option<Sequence>,
    /// Samples the spool has counted as dropped so far.
    dropped: u64,
}

impl Life {
    fn begin(folder: &Path, limits: Limits) -> Self {
        let now = Some(1_770_000_000_000);
        Self {
            spool: Spool::open(folder, limits, now).unwrap(),
            limits,
            now,
            waiting: BTreeMap::new(),
            may_return: BTreeMap::new(),
            highest: None,
            dropped: 0,
        }
    }

    fn step(self, step: Step, folder: &Path) -> Self {
        let mut life = self;
        match step {
            Step::Append { length, weight } => life.append(length, weight),
            Step::Ack { which } if !life.waiting.is_empty() => {
                let nth = which.index(life.waiting.len());
                let sequence = *life.waiting.keys().nth(nth).unwrap();
                life.ack(sequence);
            }
            Step::Ack { .. } => assert!(!life.spool.ack(Sequence(1))),
            Step::AckNewest { count } => {
                let newest = life.waiting.keys().rev().take(count).copied();
                for sequence in newest.collect::<Vec<_>>() {
                    life.ack(sequence);
                }
            }
            Step::Persist => life.persist(),
            Step::Wait { milliseconds } => life.now = life.now.map(|now| now + milliseconds),
            Step::Restart { is_clean } => {
                if is_clean {
                    life.persist();
                }
                life = life.restart(folder);
            }
        }
        life.account_for_drops();
        life.check();
        life
    }

    fn append(&mut self, length: usize, weight: u32) {
        let bytes = vec![length as u8; length];
        let record = self.spool.append(self.now, weight, bytes.clone(), self.now);
        let sequence = record.unwrap();
        let is_new = self.highest.is_none_or(|highest| sequence > highest);
        assert!(is_new, "{sequence} was given out before");
        self.highest = Some(sequence);
        let record = Record {
            sequence,
            time_unix_ms: self.now,
            weight,
            bytes,
        };
        self.waiting.insert(sequence, record);
    }

    fn ack(&mut self, sequence: Sequence) {
        assert!(self.spool.ack(sequence));
        assert!(!self.spool.ack(sequence), "an ack counts once");
        let record = self.waiting.remove(&sequence).unwrap();
        self.may_return.insert(sequence, record);
    }

    fn persist(&mut self) {
        self.spool.persist(self.now).unwrap();
        assert_eq!(self.spool.stats().records_in_memory, 0);
        self.account_for_drops();
        self.may_return.clear();
    }

    /// Opens the folder again, without any write before.
    fn restart(mut self, folder: &Path) -> Self {
        let in_memory = self.spool.stats().records_in_memory as usize;
        drop(self.spool);
        for _ in 0..in_memory {
            self.waiting.pop_last();
        }
        self.spool = Spool::open(folder, self.limits, self.now).unwrap();
        for sequence in sequences(&self.spool) {
            if let Some(record) = self.may_return.remove(&sequence) {
                self.waiting.insert(sequence, record);
            }
        }
        let stats = self.spool.stats();
        assert_eq!((stats.corrupt_files, stats.cut_bytes), (0, 0));
        // Whatever was dropped while opening is durable or will happen again, so its count is taken as it is.
        if self.may_return.is_empty() && in_memory == 0 {
            self.account_for_drops();
        }
        self.dropped = stats.dropped_samples;
        self.forget_dropped();
        self
    }

    /// What is missing must be the oldest, and its samples must have been counted.
    fn account_for_drops(&mut self) {
        let samples = self.forget_dropped();
        let dropped = self.spool.stats().dropped_samples;
        assert_eq!(dropped - self.dropped, samples, "what is gone was counted");
        self.dropped = dropped;
    }

    fn forget_dropped(&mut self) -> u64 {
        let found = sequences(&self.spool);
        let mut samples = 0;
        let gone = self.waiting.keys().filter(|key| !found.contains(key));
        for sequence in gone.copied().collect::<Vec<_>>() {
            let is_oldest = found.first().is_none_or(|oldest| sequence < *oldest);
            assert!(is_oldest, "{sequence} was not the oldest of {found:?}");
            let record = self.waiting.remove(&sequence).unwrap();
            samples += u64::from(record.weight);
            self.may_return.insert(sequence, record);
        }
        samples
    }

    /// The spool holds exactly what the model holds, byte for byte, within its limits.
    fn check(&mut self) {
        assert_eq!(
            sequences(&self.spool),
            self.waiting.keys().copied().collect()
        );
        let stats = self.spool.stats();
        let weights = self.waiting.values().map(|record| u64::from(record.weight));
        assert_eq!(stats.records, self.waiting.len() as u64);
        assert_eq!(stats.samples, weights.sum::<u64>());
        assert_eq!(stats.disk, Disk::Good);
        assert!(stats.bytes <= self.limits.bytes, "{stats:?}");
        let mut previous = None;
        for (sequence, record) in &self.waiting {
            let before = self.spool.before(*sequence);
            assert_eq!(before.map(|entry| entry.sequence), previous);
            assert_eq!(self.spool.read(*sequence).unwrap().as_ref(), Some(record));
            previous = Some(*sequence);
        }
        assert_eq!(self.spool.newest().map(|entry| entry.sequence), previous);
    }
}

fn sequences(spool: &Spool) -> BTreeSet<Sequence> {
    let first = spool.oldest();
    let all = std::iter::successors(first, |entry| spool.after(entry.sequence));
    all.map(|entry| entry.sequence).collect()
}

fn live(steps: Vec<Step>, limits: Limits) {
    let folder = tempfile::tempdir().unwrap();
    let life = Life::begin(folder.path(), limits);
    steps
        .into_iter()
        .fold(life, |life, step| life.step(step, folder.path()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_room_nothing_is_lost_and_nothing_acknowledged_and_written_returns(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        live(steps, Limits { spill_bytes: 3_000, ..Limits::default() });
    }

    #[test]
    fn within_tight_limits_the_oldest_goes_first_and_is_counted(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        live(steps, Limits {
            bytes: 9_000,
            age: Duration::from_secs(10),
            spill_bytes: 1_500,
            memory_bytes: 3_000,
        });
    }
}
