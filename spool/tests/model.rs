//! Random lives of a spool beside a model of what it promises: appends, acks, writes, kills, power cuts, tight limits.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use proptest::prelude::*;
use spool::{Disk, Fate, Limits, Lost, Record, Sequence, Spool};

/// One thing that happens to a spool.
#[derive(Debug, Clone)]
enum Step {
    Append {
        length: usize,
        weight: u32,
        is_dated: bool,
    },
    Ack {
        which: prop::sample::Index,
    },
    AckNewest {
        count: usize,
    },
    Persist,
    Wait {
        milliseconds: i64,
    },
    LoseTheClock,
    NoteUnrecorded {
        samples: u64,
    },
    CountLost {
        samples: u64,
    },
    Settle {
        every: u64,
    },
    End,
    Kill,
    PowerCut {
        memory: MemoryFile,
    },
}

/// What a power cut makes of the file that is never synced.
#[derive(Debug, Clone)]
enum MemoryFile {
    AsOld,
    Newer,
    Gone,
    Torn { at: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..700, 0u32..50, prop::bool::weighted(0.9)).prop_map(
            |(length, weight, is_dated)| Step::Append { length, weight, is_dated }
        ),
        4 => any::<prop::sample::Index>().prop_map(|which| Step::Ack { which }),
        2 => (1usize..8).prop_map(|count| Step::AckNewest { count }),
        2 => Just(Step::Persist),
        1 => (0i64..5_000).prop_map(|milliseconds| Step::Wait { milliseconds }),
        1 => Just(Step::LoseTheClock),
        2 => (0u64..90).prop_map(|samples| Step::NoteUnrecorded { samples }),
        1 => (0u64..9).prop_map(|samples| Step::CountLost { samples }),
        1 => (1u64..4).prop_map(|every| Step::Settle { every }),
        1 => Just(Step::End),
        2 => Just(Step::Kill),
        1 => memory_file().prop_map(|memory| Step::PowerCut { memory }),
    ]
}

fn memory_file() -> impl Strategy<Value = MemoryFile> {
    prop_oneof![
        Just(MemoryFile::AsOld),
        Just(MemoryFile::Newer),
        Just(MemoryFile::Gone),
        any::<prop::sample::Index>().prop_map(|at| MemoryFile::Torn { at }),
    ]
}

/// What a spool must hold.
#[derive(Debug, Clone, Default)]
struct Model {
    waiting: BTreeMap<Sequence, Record>,
    in_memory: usize,
    /// Done with, and no write since: a crash may bring these back.
    acked: BTreeMap<Sequence, Record>,
    dropped: BTreeMap<Sequence, Record>,
    unrecorded: u64,
    lost: Vec<Lost>,
    /// Samples counted as dropped.
    dropped_samples: u64,
}

/// A spool, what it must hold, and what a power cut leaves of it.
struct Life {
    spool: Spool,
    folder: PathBuf,
    limits: Limits,
    /// Whether the limits never drop anything here.
    is_roomy: bool,
    now: i64,
    knows_time: bool,
    model: Model,
    highest: Sequence,
    durable: (BTreeMap<PathBuf, Vec<u8>>, Model),
}

impl Life {
    fn begin(folder: &Path, limits: Limits, is_roomy: bool) -> Self {
        let now = 1_770_000_000_000;
        Self {
            spool: Spool::open(folder, limits, Some(now)).unwrap(),
            folder: folder.to_owned(),
            limits,
            is_roomy,
            now,
            knows_time: true,
            model: Model::default(),
            highest: Sequence(0),
            durable: (contents(folder), Model::default()),
        }
    }

    fn step(self, step: Step) -> Self {
        let mut life = self;
        match step {
            Step::Append {
                length,
                weight,
                is_dated,
            } => life.append(length, weight, is_dated),
            Step::Ack { which } if !life.model.waiting.is_empty() => {
                let nth = which.index(life.model.waiting.len());
                let sequence = *life.model.waiting.keys().nth(nth).unwrap();
                life.ack(sequence);
            }
            Step::Ack { .. } => assert!(!life.spool.ack(Sequence(1))),
            Step::AckNewest { count } => {
                let newest = life.model.waiting.keys().rev().take(count).copied();
                for sequence in newest.collect::<Vec<_>>() {
                    life.ack(sequence);
                }
            }
            Step::Persist => life.persist(),
            Step::Wait { milliseconds } => {
                life.now += milliseconds;
                life.knows_time = true;
            }
            Step::LoseTheClock => life.knows_time = false,
            Step::NoteUnrecorded { samples } => {
                life.spool.note_unrecorded(samples);
                life.model.unrecorded = samples;
            }
            Step::CountLost { samples } => {
                life.spool.count_lost(samples);
                life.model.dropped_samples += samples;
            }
            Step::Settle { every } => life.settle(every),
            Step::End => {
                life.spool.note_unrecorded(0);
                life.model.unrecorded = 0;
                life.persist();
                let lost = life.model.lost.clone();
                life = life.kill();
                assert_eq!(life.spool.lost(), lost, "a clean end loses nothing");
            }
            Step::Kill => life = life.kill(),
            Step::PowerCut { memory } => life = life.power_cut(&memory),
        }
        life.account_for_drops();
        life.check();
        life
    }

    fn now(&self) -> Option<i64> {
        self.knows_time.then_some(self.now)
    }

    fn append(&mut self, length: usize, weight: u32, is_dated: bool) {
        let bytes = vec![length as u8; length];
        let time_unix_ms = is_dated.then_some(self.now);
        let appended = self
            .spool
            .append(time_unix_ms, weight, bytes.clone(), self.now());
        let sequence = appended.unwrap();
        assert!(sequence > self.highest, "{sequence} was given out before");
        self.highest = sequence;
        let model = &mut self.model;
        model.unrecorded = model.unrecorded.saturating_sub(weight.into());
        let record = Record {
            sequence,
            time_unix_ms,
            weight,
            bytes,
        };
        model.waiting.insert(sequence, record);
    }

    fn ack(&mut self, sequence: Sequence) {
        assert!(self.spool.ack(sequence));
        assert!(!self.spool.ack(sequence), "an ack counts once");
        let record = self.model.waiting.remove(&sequence).unwrap();
        self.model.acked.insert(sequence, record);
    }

    fn persist(&mut self) {
        self.spool.persist(self.now()).unwrap();
        assert_eq!(self.spool.stats().records_in_memory, 0);
        self.account_for_drops();
        self.model.acked.clear();
        self.model.dropped.clear();
        self.note_durable();
    }

    /// From here on a power cut leaves at least this.
    fn note_durable(&mut self) {
        self.model.in_memory = self.spool.stats().records_in_memory as usize;
        self.durable = (contents(&self.folder), self.model.clone());
    }

    fn settle(&mut self, every: u64) {
        let fate = |lost: &Lost| match lost.sequence.0 % every {
            0 => Fate::Arrived,
            1 => Fate::Unknown,
            _ => Fate::Missing,
        };
        let lost = std::mem::take(&mut self.model.lost);
        let missing = lost.iter().filter(|lost| fate(lost) == Fate::Missing);
        let missing = missing.map(|lost| lost.samples).sum();
        self.model.lost = lost;
        self.model.lost.retain(|lost| fate(lost) == Fate::Unknown);
        assert_eq!(self.spool.settle_lost(fate).unwrap(), missing);
        assert_eq!(self.spool.lost(), self.model.lost);
        assert_eq!(self.spool.settle_lost(fate).unwrap(), 0, "once");
        self.model.dropped_samples += missing;
        self.note_durable();
    }

    /// The process is gone; what the system has is still there.
    fn kill(mut self) -> Self {
        self.model.in_memory = self.spool.stats().records_in_memory as usize;
        let (life, gone) = self.reopen();
        let mut expected = life.model.lost.clone();
        expected.extend(&gone);
        let found = life.spool.lost().to_vec();
        assert_eq!(found.get(..expected.len()), Some(expected.as_slice()));
        let unrecorded = found.get(expected.len()..).unwrap();
        let samples = Some(life.model.unrecorded).filter(|samples| *samples > 0);
        let found = unrecorded.iter().map(|lost| lost.samples);
        assert!(found.eq(samples), "{unrecorded:?} are {samples:?} samples");
        assert!(unrecorded.iter().all(|lost| lost.sequence > life.highest));
        let dropped = life.model.dropped_samples;
        life.begin_again(dropped)
    }

    /// The disk has what was synced, and of the file that never is, anything.
    fn power_cut(mut self, memory: &MemoryFile) -> Self {
        let path = self.folder.join("memory");
        let newer = fs::read(&path).unwrap();
        let (mut files, model) = self.durable.clone();
        match memory {
            MemoryFile::AsOld => {}
            MemoryFile::Newer => _ = files.insert(path, newer),
            MemoryFile::Gone => _ = files.remove(&path),
            MemoryFile::Torn { at } => {
                let old = files.get(&path).unwrap();
                let at = at.index(old.len());
                let torn = [old.get(..at).unwrap(), newer.get(at..).unwrap_or_default()];
                files.insert(path.clone(), torn.concat());
            }
        }
        fs::remove_dir_all(&self.folder).unwrap();
        fs::create_dir(&self.folder).unwrap();
        for (path, bytes) in files {
            fs::write(path, bytes).unwrap();
        }
        let counted = self.model.dropped_samples;
        self.model = model;
        let (life, _) = self.reopen();
        let is_unsettled = |lost: &Lost| life.model.lost.contains(lost);
        for lost in life.spool.lost() {
            let is_found = life.model.waiting.contains_key(&lost.sequence);
            assert!(!is_found || is_unsettled(lost), "{lost:?} is there");
        }
        // Drops of what was in memory only may be forgotten with it.
        let dropped = life.spool.stats().dropped_samples;
        assert!(!life.is_roomy || dropped <= counted.max(life.model.dropped_samples));
        life.begin_again(dropped)
    }

    /// Opens the folder again, without any write before; returns what was in memory only.
    fn reopen(mut self) -> (Self, Vec<Lost>) {
        let instance = self.spool.instance();
        drop(self.spool);
        let mut gone = Vec::new();
        for _ in 0..self.model.in_memory {
            let (sequence, record) = self.model.waiting.pop_last().unwrap();
            gone.push(Lost {
                instance,
                sequence,
                samples: record.weight.into(),
            });
        }
        gone.reverse();
        let now = self.knows_time.then_some(self.now);
        self.spool = Spool::open(&self.folder, self.limits, now).unwrap();
        assert_eq!(self.spool.instance(), instance);
        let stats = self.spool.stats();
        assert_eq!((stats.corrupt_files, stats.cut_bytes), (0, 0));
        let model = &mut self.model;
        for sequence in sequences(&self.spool) {
            if let Some(record) = model.acked.remove(&sequence) {
                model.waiting.insert(sequence, record);
            } else if let Some(record) = model.dropped.remove(&sequence) {
                model.dropped_samples -= u64::from(record.weight);
                model.waiting.insert(sequence, record);
            }
        }
        let dropped = self.forget_dropped();
        self.model.dropped_samples += dropped;
        (self, gone)
    }

    /// What was counted is exact, but for what was acknowledged, came back, and was dropped while opening.
    fn begin_again(mut self, expected: u64) -> Self {
        let dropped = self.spool.stats().dropped_samples;
        let came_back = self.model.acked.values();
        let came_back: u64 = came_back.map(|record| u64::from(record.weight)).sum();
        let most = expected + if self.is_roomy { 0 } else { came_back };
        assert!(
            (expected..=most).contains(&dropped),
            "{dropped} were counted of {expected} to {most}"
        );
        self.model.dropped_samples = dropped;
        self.model.unrecorded = 0;
        self.model.lost = self.spool.lost().to_vec();
        self.note_durable();
        self
    }

    /// What is missing must be the oldest or too old, and its samples must have been counted.
    fn account_for_drops(&mut self) {
        let samples = self.forget_dropped();
        self.model.dropped_samples += samples;
        let counted = self.spool.stats().dropped_samples;
        assert_eq!(counted, self.model.dropped_samples, "what is gone");
    }

    fn forget_dropped(&mut self) -> u64 {
        let found = sequences(&self.spool);
        let mut samples = 0;
        let waiting = self.model.waiting.keys();
        let gone = waiting.filter(|key| !found.contains(key));
        for sequence in gone.copied().collect::<Vec<_>>() {
            let record = self.model.waiting.remove(&sequence).unwrap();
            let is_oldest = found.first().is_none_or(|oldest| sequence < *oldest);
            let age = self.limits.age.as_millis() as i64;
            let is_old = record
                .time_unix_ms
                .is_some_and(|time| time < self.now - age);
            assert!(is_oldest || is_old, "{sequence} of {found:?}");
            assert!(!self.is_roomy, "{sequence} was dropped");
            samples += u64::from(record.weight);
            self.model.dropped.insert(sequence, record);
        }
        samples
    }

    /// The spool holds exactly what the model holds, byte for byte, within its limits.
    fn check(&mut self) {
        let waiting = &self.model.waiting;
        assert_eq!(sequences(&self.spool), waiting.keys().copied().collect());
        let stats = self.spool.stats();
        let weights = waiting.values().map(|record| u64::from(record.weight));
        assert_eq!(stats.records, waiting.len() as u64);
        assert_eq!(stats.samples, weights.sum::<u64>());
        assert_eq!(self.spool.lost(), self.model.lost);
        assert_eq!(stats.disk, Disk::Good);
        assert!(stats.bytes <= self.limits.bytes, "{stats:?}");
        let mut previous = None;
        for (sequence, record) in waiting {
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

/// Every file of a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn live(steps: Vec<Step>, limits: Limits, is_roomy: bool) {
    let folder = tempfile::tempdir().unwrap();
    let life = Life::begin(folder.path(), limits, is_roomy);
    steps.into_iter().fold(life, Life::step);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_room_nothing_is_lost_and_nothing_acknowledged_and_written_returns(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        live(steps, Limits { spill_bytes: 3_000, ..Limits::default() }, true);
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
        }, false);
    }
}
