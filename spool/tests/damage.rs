//! Hand-made misfortune: flipped bytes, torn files, full disks, vanished folders, folders of others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use spool::{Disk, Error, Limits, Record, Sequence, Spool};

const NOW: Option<i64> = Some(1_770_000_000_000);

fn open(folder: &Path) -> Spool {
    Spool::open(folder, Limits::default(), NOW).unwrap()
}

fn append(spool: &mut Spool, bytes: &[u8]) -> Sequence {
    spool.append(NOW, 1, bytes.to_vec(), NOW).unwrap()
}

/// Every record that waits, as its owner reads them.
fn read_all(spool: &mut Spool) -> Vec<Record> {
    let mut records = Vec::new();
    let mut next = spool.oldest();
    while let Some(entry) = next {
        records.extend(spool.read(entry.sequence).unwrap());
        next = spool.after(entry.sequence);
    }
    records
}

fn payloads(spool: &mut Spool) -> Vec<String> {
    let records = read_all(spool).into_iter();
    records
        .map(|record| String::from_utf8(record.bytes).unwrap())
        .collect()
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

fn restore(files: &BTreeMap<PathBuf, Vec<u8>>) {
    let folder = files.keys().next().unwrap().parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
    }
}

fn files_ending(folder: &Path, end: &str) -> Vec<PathBuf> {
    let paths = contents(folder).into_keys();
    paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect()
}

/// A folder with three chunks of three records each.
fn three_chunks() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for chunk in 0..3 {
        let mut spool = open(folder.path());
        for record in 0..3 {
            let text = format!("chunk {chunk} record {record}");
            append(&mut spool, text.as_bytes());
            expected.push(text);
        }
        spool.persist(NOW).unwrap();
    }
    (folder, expected)
}

#[test]
fn a_flipped_byte_anywhere_in_a_chunk_costs_one_record_at_most() {
    let (folder, expected) = three_chunks();
    let files = contents(folder.path());
    let chunk = &files_ending(folder.path(), ".chunk")[1];
    for at in 0..files[chunk].len() {
        restore(&files);
        let mut bytes = files[chunk].clone();
        bytes[at] ^= 0x20;
        fs::write(chunk, bytes).unwrap();
        let mut spool = open(folder.path());
        let found = payloads(&mut spool);
        let lost: Vec<_> = expected
            .iter()
            .filter(|text| !found.contains(text))
            .collect();
        let stats = spool.stats();
        assert!(lost.len() <= 1, "byte {at}: {lost:?}");
        assert!(
            lost.iter().all(|text| text.starts_with("chunk 1")),
            "byte {at}"
        );
        assert_eq!(found.len(), expected.len() - lost.len(), "byte {at}");
        assert!(
            stats.corrupt_files == 1 || stats.cut_bytes > 0,
            "byte {at}: {stats:?}"
        );
        // Going on works, and what was counted is not counted again.
        append(&mut spool, b"more");
        spool.persist(NOW).unwrap();
        drop(spool);
        let spool = open(folder.path());
        assert_eq!(spool.stats().records, found.len() as u64 + 1, "byte {at}");
        assert_eq!(
            spool.stats().dropped_records,
            stats.dropped_records,
            "byte {at}"
        );
    }
}

#[test]
fn a_chunk_cut_anywhere_loses_only_its_tail() {
    let (folder, expected) = three_chunks();
    let files = contents(folder.path());
    let chunk = &files_ending(folder.path(), ".chunk")[1];
    for end in 0..files[chunk].len() {
        restore(&files);
        fs::write(chunk, &files[chunk][..end]).unwrap();
        let mut spool = open(folder.path());
        let found = payloads(&mut spool);
        let survivors = found
            .iter()
            .filter(|text| text.starts_with("chunk 1"))
            .count();
        let mut wanted = expected.clone();
        wanted.drain(3 + survivors..6);
        assert_eq!(found, wanted, "cut at {end}");
        assert_eq!(spool.stats().corrupt_files, 0, "cut at {end}");
        drop(spool);
        assert_eq!(
            open(folder.path()).stats().cut_bytes,
            0,
            "cut at {end}: once"
        );
    }
}

#[test]
fn a_damaged_chunk_is_set_aside_when_its_good_records_are_used() {
    let (folder, _) = three_chunks();
    let chunk = files_ending(folder.path(), ".chunk").remove(0);
    let mut bytes = fs::read(&chunk).unwrap();
    bytes[16 + 36] ^= 1;
    fs::write(&chunk, bytes).unwrap();
    let mut spool = open(folder.path());
    assert_eq!(spool.stats().dropped_samples, 1);
    for record in read_all(&mut spool) {
        assert!(spool.ack(record.sequence));
    }
    assert_eq!(files_ending(folder.path(), ".chunk"), [] as [PathBuf; 0]);
    assert_eq!(files_ending(folder.path(), ".corrupt").len(), 1);
}

#[test]
fn no_more_than_four_damaged_files_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..7 {
        let mut spool = open(folder.path());
        append(&mut spool, b"bytes");
        spool.persist(NOW).unwrap();
    }
    for chunk in files_ending(folder.path(), ".chunk") {
        let mut bytes = fs::read(&chunk).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&chunk, bytes).unwrap();
    }
    let spool = open(folder.path());
    assert_eq!(
        (spool.stats().corrupt_files, spool.stats().dropped_records),
        (7, 7)
    );
    assert_eq!(files_ending(folder.path(), ".corrupt").len(), 4);
}

#[test]
fn bytes_that_rot_while_open_are_dropped_when_read_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    let sequences = [b"one", b"two"].map(|bytes| append(&mut spool, bytes));
    spool.persist(NOW).unwrap();
    let chunk = files_ending(folder.path(), ".chunk").remove(0);
    let mut bytes = fs::read(&chunk).unwrap();
    bytes[16 + 36] ^= 1;
    fs::write(&chunk, bytes).unwrap();
    assert_eq!(spool.read(sequences[0]).unwrap(), None);
    assert_eq!(spool.read(sequences[1]).unwrap().unwrap().bytes, b"two");
    assert_eq!(
        (spool.stats().corrupt_files, spool.stats().dropped_records),
        (1, 1)
    );
}

#[test]
fn a_damaged_state_costs_counts_and_acks_but_no_record_and_no_number() {
    let (folder, expected) = three_chunks();
    let highest = open(folder.path()).newest().unwrap().sequence;
    fs::write(folder.path().join("state"), b"nonsense").unwrap();
    let mut spool = open(folder.path());
    assert_eq!(payloads(&mut spool), expected);
    assert_eq!(spool.stats().corrupt_files, 1);
    assert!(append(&mut spool, b"more").0 > highest.0 + 4096);
    assert!(folder.path().join("state.corrupt").exists());
}

fn set_version(file: &mut [u8], version: u8) {
    file[8] = version;
    let checksum = crc32fast::hash(&file[..12]).to_le_bytes();
    file[12..16].copy_from_slice(&checksum);
}

#[test]
fn a_folder_of_version_1_is_taken_over_and_its_numbers_get_a_name() {
    let (folder, expected) = three_chunks();
    for chunk in files_ending(folder.path(), ".chunk") {
        let mut bytes = fs::read(&chunk).unwrap();
        set_version(&mut bytes, 1);
        fs::write(chunk, bytes).unwrap();
    }
    let state = folder.path().join("state");
    let mut bytes = fs::read(&state).unwrap()[..16].to_vec();
    set_version(&mut bytes, 1);
    for number in [5 << 20, 7_u64, 77] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    // One run that is done with: the second record.
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(&[2_u64.to_le_bytes(); 2].concat());
    let checksum = crc32fast::hash(&bytes).to_le_bytes();
    bytes.extend_from_slice(&checksum);
    fs::write(state, bytes).unwrap();
    fs::remove_file(folder.path().join("memory")).unwrap();
    let mut spool = open(folder.path());
    assert_eq!(
        payloads(&mut spool),
        [&expected[..1], &expected[2..]].concat()
    );
    let stats = spool.stats();
    assert_eq!((stats.dropped_records, stats.dropped_samples), (7, 77));
    assert_eq!(append(&mut spool, b"more").0, 5 << 20);
    let instance = spool.instance();
    assert_ne!(instance, 0);
    drop(spool);
    assert_eq!(open(folder.path()).instance(), instance);
}

#[test]
fn a_folder_of_a_newer_version_is_refused_and_untouched() {
    for end in ["state", ".chunk", "memory"] {
        let (folder, _) = three_chunks();
        let file = files_ending(folder.path(), end).remove(0);
        let mut bytes = fs::read(&file).unwrap();
        set_version(&mut bytes, 3);
        fs::write(&file, bytes).unwrap();
        let before = contents(folder.path());
        let error = Spool::open(folder.path(), Limits::default(), NOW).unwrap_err();
        assert!(
            matches!(
                error,
                Error::NewerVersion {
                    found: 3,
                    known: 2,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(contents(folder.path()), before);
    }
}

#[test]
fn one_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let error = Spool::open(folder.path(), Limits::default(), NOW).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    drop(first);
    open(folder.path());
}

#[test]
fn files_that_are_not_ours_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["notes.txt", "holiday.chunk", "17.chunk"] {
        fs::write(folder.path().join(name), b"mine").unwrap();
    }
    let before = contents(folder.path());
    let mut spool = open(folder.path());
    append(&mut spool, b"bytes");
    spool.persist(NOW).unwrap();
    let after = contents(folder.path());
    assert!(
        before
            .iter()
            .all(|(path, bytes)| after.get(path) == Some(bytes))
    );
}

#[test]
fn a_vanished_folder_is_made_anew_and_what_was_in_it_is_counted() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("spool");
    let mut spool = open(&folder);
    let lost = append(&mut spool, b"on disk");
    spool.persist(NOW).unwrap();
    let kept = append(&mut spool, b"in memory");
    fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(spool.read(lost), Err(Error::Disk { .. })));
    // As long as something else is in the way, the queue goes on in memory.
    fs::write(&folder, b"in the way").unwrap();
    assert!(matches!(spool.persist(NOW), Err(Error::Disk { .. })));
    assert_ne!(spool.stats().disk, Disk::Good);
    assert_eq!(spool.read(kept).unwrap().unwrap().bytes, b"in memory");
    fs::remove_file(&folder).unwrap();
    spool.persist(NOW).unwrap();
    let stats = spool.stats();
    assert_eq!(
        (stats.disk, stats.records, stats.dropped_records),
        (Disk::Good, 1, 1)
    );
    drop(spool);
    let mut spool = open(&folder);
    assert_eq!(payloads(&mut spool), ["in memory"]);
    assert_eq!(spool.stats().dropped_records, 1);
}

#[test]
fn a_chunk_deleted_by_hand_is_counted_when_it_is_read() {
    let (folder, expected) = three_chunks();
    let mut spool = open(folder.path());
    fs::remove_file(&files_ending(folder.path(), ".chunk")[1]).unwrap();
    let found = payloads(&mut spool);
    assert_eq!(found, [&expected[..3], &expected[6..]].concat());
    assert_eq!(spool.stats().dropped_records, 3);
}

#[test]
fn without_a_disk_memory_stays_bounded_and_the_oldest_goes() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("spool");
    let limits = Limits {
        spill_bytes: 1_000,
        memory_bytes: 5_000,
        ..Limits::default()
    };
    let mut spool = Spool::open(&folder, limits, NOW).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, b"in the way").unwrap();
    let last = (0..100).map(|_| append(&mut spool, &[7; 100])).last();
    let stats = spool.stats();
    assert!(stats.bytes <= 5_000 && stats.bytes > 4_500, "{stats:?}");
    assert_eq!(stats.records + stats.dropped_records, 100);
    assert_eq!(spool.newest().map(|entry| entry.sequence), last);
    fs::remove_file(&folder).unwrap();
    spool.persist(NOW).unwrap();
    assert_eq!(spool.stats().records_in_memory, 0);
}

#[test]
fn a_record_beyond_the_limits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        memory_bytes: 1_000,
        ..Limits::default()
    };
    let mut spool = Spool::open(folder.path(), limits, NOW).unwrap();
    let error = spool.append(NOW, 1, vec![0; 965], NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a record of 1001 bytes is larger than the limit of 1000"
    );
    assert!(spool.append(NOW, 1, vec![0; 964], NOW).is_ok());
}

/// The kernel's own full device stands in for the state file: a real "no space left", without filling a disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_state_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    let new_state = folder.path().join("state.new");
    std::os::unix::fs::symlink("/dev/full", &new_state).unwrap();
    let sequence = append(&mut spool, b"bytes");
    assert!(spool.ack(sequence));
    append(&mut spool, b"kept");
    assert!(matches!(
        spool.persist(NOW),
        Err(Error::Disk {
            action: "write",
            ..
        })
    ));
    assert_eq!(spool.stats().disk, Disk::Full);
    fs::remove_file(new_state).unwrap();
    spool.persist(NOW).unwrap();
    assert_eq!(spool.stats().disk, Disk::Good);
    drop(spool);
    assert_eq!(payloads(&mut open(folder.path())), ["kept"]);
}

#[test]
fn a_drop_is_durable_before_an_ack_deletes_its_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    append(&mut spool, b"grows old");
    let undated = spool.append(None, 1, b"never old".to_vec(), NOW).unwrap();
    spool.persist(NOW).unwrap();
    let later = NOW.map(|now| now + 8 * 24 * 3_600_000);
    let kept = spool.append(later, 1, b"new".to_vec(), later).unwrap();
    assert_eq!(spool.stats().dropped_records, 1);
    assert!(spool.ack(undated));
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!(spool.stats().dropped_records, 1);
    assert_eq!(spool.lost()[0].sequence, kept);
    assert_eq!(payloads(&mut spool), [""; 0]);
}

#[test]
fn without_a_clock_nothing_is_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        age: Duration::from_secs(60),
        ..Limits::default()
    };
    let mut spool = Spool::open(folder.path(), limits, None).unwrap();
    spool.append(Some(0), 1, b"1970".to_vec(), None).unwrap();
    spool.append(None, 1, b"unknown".to_vec(), None).unwrap();
    spool
        .append(Some(i64::MAX), 1, b"far".to_vec(), None)
        .unwrap();
    spool.append(Some(0), 1, b"1970".to_vec(), None).unwrap();
    spool.persist(None).unwrap();
    assert_eq!(spool.stats().records, 4);
    // Neither an unknown time nor one of the future shields what is behind it.
    spool.persist(NOW).unwrap();
    assert_eq!(payloads(&mut spool), ["unknown", "far"]);
    assert_eq!(spool.stats().dropped_records, 2);
    // A clock that goes back is believed again at once.
    let before = NOW.map(|now| now - 86_400_000);
    spool.append(before, 1, b"now".to_vec(), before).unwrap();
    spool.persist(NOW).unwrap();
    assert_eq!(payloads(&mut spool), ["unknown", "far"]);
}

#[test]
fn what_was_dropped_from_disk_stays_counted_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        bytes: 20_000,
        ..Limits::default()
    };
    let mut spool = Spool::open(folder.path(), limits, NOW).unwrap();
    for _ in 0..20 {
        append(&mut spool, &[7; 1_500]);
        spool.persist(NOW).unwrap();
    }
    // The last drops come with no write of their own after them.
    while spool.stats().records_in_memory == 0 || files_ending(folder.path(), ".chunk").len() > 4 {
        append(&mut spool, &[7; 1_500]);
    }
    let before = spool.stats();
    drop(spool);
    let after = Spool::open(folder.path(), limits, NOW).unwrap().stats();
    assert!(before.dropped_records > 0);
    assert_eq!(after.dropped_records, before.dropped_records);
    assert_eq!(after.dropped_samples, before.dropped_samples);
}
