//! What was taken stays taken: across gaps, restarts and damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;
use std::sync::Arc;

use proto::ids::AgentId;

use super::*;
use crate::clocks::{Boot, Reading};

fn run(instance: u64, first: u64, last: u64) -> Run {
    Run {
        instance,
        first,
        last,
    }
}

fn agent(name: &str) -> AgentId {
    name.parse().unwrap()
}

fn claim(account: &Arc<Account>, instance: u64, sequence: u64) -> Option<Claim> {
    match account.claim(instance, sequence) {
        Claimed::New(claim) => Some(claim),
        Claimed::Pending | Claimed::Taken => None,
    }
}

#[test]
fn a_batch_is_new_once() {
    let account = Arc::new(Account::default());
    for sequence in [3, 1, 2, 7, u64::MAX] {
        claim(&account, 1, sequence).unwrap().taken();
        assert!(matches!(account.claim(1, sequence), Claimed::Taken));
    }
    assert!(
        claim(&account, 2, 1).is_some(),
        "another instance counts for itself"
    );
    assert_eq!(account.taken(run(1, 2, 9)), [run(1, 2, 3), run(1, 7, 7)]);
    assert_eq!(account.taken(run(2, 0, u64::MAX)), []);
}

#[test]
fn a_batch_that_is_being_written_is_neither_new_nor_taken() {
    let account = Arc::new(Account::default());
    let first = claim(&account, 1, 5).unwrap();
    assert!(matches!(account.claim(1, 5), Claimed::Pending));
    assert!(account.taken(run(1, 5, 5)).is_empty());
    let before = account.claims();
    let second = claim(&account, 1, 6).unwrap();
    assert!(!account.is_written(before));
    drop(first);
    assert!(account.is_written(before), "given up counts as written");
    assert!(!account.is_written(account.claims()));
    claim(&account, 1, 5).expect("new again").taken();
    second.taken();
    assert_eq!(
        (account.pending(), account.taken(run(1, 0, 9))),
        (0, vec![run(1, 5, 6)])
    );
}

fn runs(seen: &Seen) -> Vec<Run> {
    let instances = seen.instances();
    let runs = instances
        .flat_map(|(instance, runs)| runs.map(move |(first, last)| run(instance, first, last)));
    runs.collect()
}

#[test]
fn a_backlog_behind_many_gaps_is_acknowledged_batch_by_batch() {
    let mut seen = Seen::default();
    for start in 1..=100 {
        seen.insert(run(1, start * 1_000, start * 1_000 + 9));
    }
    for sequence in 1..=50 {
        seen.insert(run(1, sequence, sequence));
        assert!(seen.contains(1, sequence), "{sequence}");
        assert!(seen.contains(1, 100_009), "the newest are known");
    }
    assert_eq!(seen.within(run(1, 1, 50)).next(), Some(run(1, 1, 50)));
}

#[test]
fn an_agent_that_starts_every_day_costs_a_snapshot_little() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let empty = ledger.save(&[]).unwrap();
    let account = ledger.account(&agent("0123456789abcdef"));
    for start in 0..365 {
        let first = start << 20;
        account.take(run(u64::MAX / 3, first, first + 600));
    }
    let bytes = ledger.save(&[]).unwrap() - empty;
    assert!(bytes < 150, "{bytes}");
}

#[test]
fn memory_is_bounded_against_gaps_and_instances() {
    let mut seen = Seen::default();
    for sequence in (2..100_000).step_by(2) {
        seen.insert(run(1, sequence, sequence));
    }
    assert_eq!(runs(&seen).len(), RUNS);
    assert!(seen.contains(1, 99_998), "the newest are known");
    assert!(
        !seen.contains(1, 2),
        "the oldest are forgotten, not taken for known"
    );
    for instance in 0..100 {
        seen.insert(run(instance, 1, 1));
    }
    assert_eq!(seen.instances.len(), INSTANCES);
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let account = ledger.account(&agent("a"));
    account.take(run(1, 1, 7));
    account.take(run(1, 9, u64::MAX));
    account.take(run(2, 4, 4));
    let clock = proto::wire::Clock {
        wall_unix_ms: -5,
        monotonic_ms: 1_000,
    };
    let reading = Reading::new(Some(Boot(77)), clock);
    account.with_clocks(|clocks| clocks.exchanged(reading, 1_790_000_000_000));
    let unfinished = claim(&ledger.account(&agent("b")), 1, 1);
    ledger.save(&[]).unwrap();
    account.take(run(3, 1, 1));
    drop(unfinished);

    let ledger = Ledger::open(folder.path()).unwrap();
    let account = ledger.account(&agent("a"));
    let seen = runs(&account.lock().seen);
    assert_eq!(seen, [run(1, 1, 7), run(1, 9, u64::MAX), run(2, 4, 4)]);
    let clocks: Vec<_> = account.with_clocks(|clocks| clocks.known().collect());
    assert_eq!(clocks, [(Boot(77), 1_789_999_999_000)]);
    assert!(claim(&ledger.account(&agent("b")), 1, 1).is_some());
    // Per agent: another one with the same numbers counts for itself.
    assert!(claim(&ledger.account(&agent("c")), 1, 1).is_some());

    ledger.keep(&HashSet::from([agent("c")]));
    assert!(claim(&ledger.account(&agent("a")), 1, 1).is_some());
}

#[test]
fn a_damaged_file_is_set_aside_and_a_newer_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.account(&agent("a")).take(run(1, 1, 7));
    ledger.save(&[]).unwrap();
    let path = folder.path().join(FILE);
    let good = std::fs::read(&path).unwrap();
    for place in 0..good.len() {
        let mut damaged = good.clone();
        damaged[place] ^= 0x20;
        std::fs::write(&path, damaged).unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(ledger.account(&agent("a")).taken(run(1, 1, 9)), []);
        assert!(!path.exists());
        std::fs::write(&path, &good[..place]).unwrap();
        Ledger::open(folder.path()).unwrap();
    }
    let mut newer = good[..good.len() - 4].to_vec();
    newer[8] = 3;
    newer.extend_from_slice(&crc32fast::hash(&newer).to_le_bytes());
    std::fs::write(&path, &newer).unwrap();
    let refused = Ledger::open(folder.path());
    assert!(matches!(
        refused,
        Err(SnapshotError::Newer { found: 3, .. })
    ));
    assert_eq!(std::fs::read(&path).unwrap(), newer, "untouched");
}

#[test]
fn a_snapshot_says_which_records_it_covers() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let covered = Covered {
        target: "a".into(),
        instance: 7,
        through: 99,
    };
    ledger.save(&[covered]).unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let of = |target, instance| ledger.covered(target, instance);
    assert_eq!((of("a", 7), of("a", 8), of("b", 7)), (99, 0, 0));
}

#[test]
fn a_full_disk_leaves_the_snapshot_before() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.account(&agent("a")).take(run(1, 1, 1));
    ledger.save(&[]).unwrap();
    // Nothing can be written where a folder is in the way.
    std::fs::create_dir(folder.path().join("seen.unfinished")).unwrap();
    ledger.account(&agent("a")).take(run(1, 2, 2));
    assert!(matches!(ledger.save(&[]), Err(SnapshotError::Write { .. })));
    let before = Ledger::open(folder.path()).unwrap();
    assert_eq!(
        before.account(&agent("a")).taken(run(1, 0, 9)),
        [run(1, 1, 1)]
    );
}
