//! What a killed process takes with it: named, asked for, counted once; and the file that says it, damaged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::Path};

use spool::{Error, Fate, Limits, Lost, Sequence, Spool};

const NOW: Option<i64> = Some(1_770_000_000_000);

fn open(folder: &Path) -> Spool {
    Spool::open(folder, Limits::default(), NOW).unwrap()
}

fn append(spool: &mut Spool, weight: u32) -> Sequence {
    spool.append(NOW, weight, b"bytes".to_vec(), NOW).unwrap()
}

fn counted(spool: &Spool) -> (u64, u64) {
    let stats = spool.stats();
    (stats.dropped_records, stats.dropped_samples)
}

/// Three records were persisted, three were not, two of those acknowledged, and seven samples are not a record yet.
fn killed() -> (tempfile::TempDir, Vec<Lost>) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    for weight in 1..4 {
        append(&mut spool, weight);
    }
    spool.persist(NOW).unwrap();
    let sequences = [10, 20, 30].map(|weight| append(&mut spool, weight));
    assert!(spool.ack(sequences[0]) && spool.ack(sequences[2]));
    spool.note_unrecorded(7);
    let lost = |sequence, samples| Lost {
        instance: spool.instance(),
        sequence,
        samples,
    };
    let next = Sequence(sequences[2].0 + 1);
    let lost = vec![lost(sequences[1], 20), lost(next, 7)];
    (folder, lost)
}

#[test]
fn what_a_kill_took_is_known_until_it_is_settled_and_counted_once() {
    let (folder, lost) = killed();
    // However often it is killed before anybody says what arrived.
    for _ in 0..3 {
        let spool = open(folder.path());
        assert_eq!(spool.lost(), lost);
        assert_eq!(spool.stats().lost_samples, 27);
        assert_eq!(counted(&spool), (0, 0));
    }
    let mut spool = open(folder.path());
    // Of what nobody was asked about, nothing is known.
    let arrived = |lost_one: &Lost| match lost_one.sequence == lost[0].sequence {
        true => Fate::Arrived,
        false => Fate::Unknown,
    };
    assert_eq!(spool.settle_lost(arrived).unwrap(), 0);
    assert_eq!((spool.lost(), counted(&spool)), (&lost[1..], (0, 0)));
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!(spool.lost(), &lost[1..]);
    assert_eq!(spool.settle_lost(|_| Fate::Missing).unwrap(), 7);
    assert_eq!((spool.lost(), counted(&spool)), ([].as_slice(), (1, 7)));
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!((spool.lost(), counted(&spool)), ([].as_slice(), (1, 7)));
    assert_eq!(spool.settle_lost(|_| Fate::Missing).unwrap(), 0);
}

#[test]
fn a_clean_end_and_an_append_leave_nothing_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    spool.note_unrecorded(9);
    append(&mut spool, 9);
    spool.persist(NOW).unwrap();
    drop(spool);
    assert_eq!(open(folder.path()).lost(), []);
}

/// The instants between two writes of one call, one file put back at a time.
#[test]
fn a_kill_between_two_writes_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("memory");
    let mut spool = open(folder.path());
    spool.note_unrecorded(12);
    let before_append = fs::read(&memory).unwrap();
    append(&mut spool, 10);
    spool.count_lost(5);
    let before_persist = fs::read(&memory).unwrap();
    spool.persist(NOW).unwrap();
    drop(spool);
    let state = fs::read(folder.path().join("state")).unwrap();
    // The record is on disk, and so is the count. Two samples were not appended yet: when even the append is not in the
    // file, they cannot be told from the record's.
    for (stale, expected) in [(before_persist, &[2][..]), (before_append, &[])] {
        fs::write(&memory, stale).unwrap();
        fs::write(folder.path().join("state"), &state).unwrap();
        let spool = open(folder.path());
        let samples: Vec<u64> = spool.lost().iter().map(|lost| lost.samples).collect();
        assert_eq!((counted(&spool), spool.stats().records), ((0, 5), 1));
        assert_eq!(samples, expected);
    }
}

#[test]
fn a_record_that_was_written_and_is_damaged_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("memory");
    let mut spool = open(folder.path());
    append(&mut spool, 10);
    let before_persist = fs::read(&memory).unwrap();
    spool.persist(NOW).unwrap();
    drop(spool);
    fs::write(&memory, before_persist).unwrap();
    let chunk = folder.path().join("0000000000000001.chunk");
    let mut bytes = fs::read(&chunk).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(chunk, bytes).unwrap();
    let spool = open(folder.path());
    assert_eq!((spool.lost(), counted(&spool)), ([].as_slice(), (1, 10)));
}

#[test]
fn a_record_of_no_use_is_counted_once_whether_a_kill_brings_it_back_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    let on_disk = append(&mut spool, 3);
    append(&mut spool, 1);
    spool.persist(NOW).unwrap();
    let in_memory = append(&mut spool, 5);
    assert!(spool.discard(on_disk) && spool.discard(in_memory));
    assert!(!spool.discard(on_disk), "it is gone");
    assert_eq!(counted(&spool), (2, 8));
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!((spool.lost(), counted(&spool)), ([].as_slice(), (1, 5)));
    assert_eq!(spool.stats().records, 2, "that on disk is back");
    assert!(spool.discard(on_disk));
    spool.persist(NOW).unwrap();
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!((spool.stats().records, counted(&spool)), (1, (2, 8)));
    // With the last of its file, count and file go together.
    let last = spool.oldest().unwrap().sequence;
    assert!(spool.discard(last));
    drop(spool);
    let spool = open(folder.path());
    assert_eq!((spool.stats().records, counted(&spool)), (0, (3, 9)));
}

#[test]
fn a_record_dropped_from_the_middle_of_memory_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("memory");
    let mut spool = open(folder.path());
    // Nothing of it reaches a chunk, but the state is written.
    let in_the_way = folder.path().join("0000000000000001.chunk");
    fs::create_dir(&in_the_way).unwrap();
    let undated = spool.append(None, 5, b"bytes".to_vec(), NOW).unwrap();
    append(&mut spool, 10);
    let before_drop = fs::read(&memory).unwrap();
    let later = NOW.map(|now| now + 8 * 24 * 3_600_000);
    spool.persist(later).unwrap_err();
    drop(spool);
    fs::remove_dir(in_the_way).unwrap();
    fs::write(&memory, before_drop).unwrap();
    let spool = open(folder.path());
    assert_eq!(counted(&spool), (1, 10));
    let lost: Vec<_> = spool.lost().iter().map(|lost| lost.sequence).collect();
    assert_eq!(lost, [undated]);
}

#[test]
fn without_a_state_what_is_lost_is_found_once_and_its_numbers_are_not_given_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let (state, memory) = (folder.path().join("state"), folder.path().join("memory"));
    for _ in 0..5 {
        open(folder.path());
    }
    let mut spool = open(folder.path());
    let sequence = append(&mut spool, 3);
    drop(spool);
    let before = fs::read(&memory).unwrap();
    fs::remove_file(state).unwrap();
    for _ in 0..2 {
        let mut spool = open(folder.path());
        assert_eq!(spool.lost().len(), 1);
        assert_eq!(spool.lost()[0].sequence, sequence);
        let next = append(&mut spool, 1);
        assert!(next > sequence && spool.ack(next));
        drop(spool);
        // Killed after the state was written, before the list was.
        fs::write(&memory, &before).unwrap();
    }
}

#[test]
fn a_settlement_that_cannot_be_written_did_not_happen() {
    let (folder, lost) = killed();
    let mut spool = open(folder.path());
    let in_the_way = folder.path().join("state.new");
    fs::create_dir(&in_the_way).unwrap();
    let error = spool.settle_lost(|_| Fate::Missing).unwrap_err();
    assert!(matches!(error, Error::Disk { .. }), "{error}");
    assert_eq!((spool.lost(), counted(&spool)), (lost.as_slice(), (0, 0)));
    // Another open cannot write either: it takes other numbers, and forgets nothing.
    let instance = spool.instance();
    append(&mut spool, 3);
    drop(spool);
    let mut spool = open(folder.path());
    assert_ne!(spool.instance(), instance);
    assert_eq!(spool.lost()[..2], lost);
    assert_eq!(spool.lost()[2].samples, 3);
    assert_eq!(spool.lost()[2].instance, instance);
    append(&mut spool, 4);
    let second = spool.instance();
    drop(spool);
    fs::remove_dir(&in_the_way).unwrap();
    let mut spool = open(folder.path());
    assert_eq!(spool.lost().len(), 4);
    assert_eq!(spool.lost()[3].instance, second);
    assert_eq!(
        spool.settle_lost(|_| Fate::Missing).unwrap(),
        20 + 7 + 3 + 4
    );
    drop(spool);
    let spool = open(folder.path());
    assert_eq!(counted(&spool), (4, 34));
}

#[test]
fn a_count_of_what_never_came_survives_a_kill_and_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).count_lost(5);
    let mut spool = open(folder.path());
    assert_eq!(counted(&spool), (0, 5));
    spool.count_lost(2);
    spool.persist(NOW).unwrap();
    drop(spool);
    for _ in 0..3 {
        assert_eq!(counted(&open(folder.path())), (0, 7));
    }
}

#[test]
fn drops_for_want_of_memory_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        memory_bytes: 1_000,
        spill_bytes: 1_000_000,
        ..Limits::default()
    };
    let mut spool = Spool::open(folder.path(), limits, NOW).unwrap();
    for _ in 0..100 {
        append(&mut spool, 2);
    }
    let (records, samples) = counted(&spool);
    assert_eq!(
        (spool.stats().records + records, samples),
        (100, records * 2)
    );
    drop(spool);
    let spool = open(folder.path());
    assert_eq!(counted(&spool), (records, samples));
    assert_eq!(spool.lost().len() as u64, 100 - records);
}

#[test]
fn a_flipped_byte_or_a_cut_anywhere_in_the_files_beside_the_chunks_is_no_trouble() {
    let (folder, lost) = killed();
    let files = ["memory", "state"].map(|name| {
        let path = folder.path().join(name);
        (fs::read(&path).unwrap(), path)
    });
    let restore = || {
        files
            .iter()
            .for_each(|(bytes, path)| fs::write(path, bytes).unwrap())
    };
    for (bytes, path) in &files {
        let is_memory = path.ends_with("memory");
        // What follows the checksummed part of a page is nobody's.
        let length = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
        for at in 0..length {
            restore();
            let mut bad = bytes.clone();
            bad[at] ^= 0x11;
            fs::write(path, &bad).unwrap();
            let spool = open(folder.path());
            assert_eq!(spool.stats().records, 3, "byte {at} of {path:?}");
            assert_eq!(spool.stats().corrupt_files, u64::from(!is_memory));
            // Without a state, what `memory` says is all there is.
            let expected = if is_memory { &[][..] } else { &lost };
            assert_eq!(spool.lost(), expected, "byte {at} of {path:?}");
            if !is_memory {
                assert_ne!(spool.instance(), lost[0].instance);
                assert!(
                    spool
                        .lost()
                        .iter()
                        .all(|lost| lost.instance != spool.instance())
                );
            }
            drop(spool);
            restore();
            fs::write(path, &bytes[..at]).unwrap();
            assert_eq!(open(folder.path()).stats().records, 3, "cut at {at}");
        }
    }
}

#[test]
fn more_than_can_be_remembered_is_counted_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    // A disk that takes them would be given them before they are so many.
    let in_the_way = folder.path().join("0000000000000001.chunk");
    fs::create_dir(&in_the_way).unwrap();
    let last = (0..5_000).map(|_| append(&mut spool, 1)).last().unwrap();
    assert_eq!(spool.stats().records_in_memory, 5_000);
    drop(spool);
    fs::remove_dir(in_the_way).unwrap();
    let spool = open(folder.path());
    assert_eq!(spool.lost().len(), 4096);
    assert_eq!(spool.lost().last().unwrap().sequence, last);
    assert_eq!(counted(&spool), (904, 904));
}

#[cfg(unix)]
#[test]
fn what_waits_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = killed();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
    }
}
