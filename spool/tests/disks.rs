//! Real disks that fill up, turn read-only, give up or lose the folder, while a spool works on them. Each test runs in
//! a mount namespace of its own, so nothing of it is seen outside or stays behind.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::{
    collections::BTreeMap,
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use spool::{Disk, Error, Limits, Sequence, Spool};

const NOW: Option<i64> = Some(1_770_000_000_000);

/// Set in the process that has the mounts to itself.
const INSIDE: &str = "SPOOL_TEST_HAS_MOUNTS";

/// Little memory, so that a disk that takes nothing costs records, and they are counted.
const LIMITS: Limits = Limits {
    bytes: 10_000_000,
    age: std::time::Duration::from_secs(3600),
    spill_bytes: 10_000,
    memory_bytes: 30_000,
};

/// Runs this test again where mounts are private; true there. Elsewhere the test is over when this returns.
fn has_mounts(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut try_it = Command::new("unshare");
    try_it.args(["--mount", "mount", "-t", "tmpfs", "tmpfs"]);
    match try_it.arg(folder.path()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            skip(&format!("mounting is not allowed: {}", text(&output)));
            return false;
        }
        Err(error) => {
            skip(&format!("unshare does not run: {error}"));
            return false;
        }
    }
    let output = Command::new("unshare")
        .arg("--mount")
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{test} is not its name: {text}");
    // What it had to leave out.
    text.lines()
        .filter(|line| line.contains("skipped, because"))
        .for_each(|line| eprintln!("{line}"));
    false
}

fn skip(reason: &str) {
    assert!(env::var_os("CI").is_none(), "a skip fails here: {reason}");
    eprintln!("skipped, because {reason}");
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        text(&output)
    );
}

/// A place to mount things, and the spool's folder in what is mounted.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn tmpfs() -> Self {
        let mount = Self::new();
        run(
            "mount",
            &["-t", "tmpfs", "-o", "size=256k", "tmpfs", mount.path()],
        );
        mount
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("spool")
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }

    /// Leaves so many bytes free.
    fn fill_but(&self, free: u64) {
        let mut ballast = OpenOptions::new();
        let mut ballast = ballast.create(true).append(true).open(self.ballast());
        let ballast = ballast.as_mut().unwrap();
        while ballast.write_all(&[1; 4096]).is_ok() {}
        let length = ballast.metadata().unwrap().len();
        ballast.set_len(length.saturating_sub(free)).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    /// What is reached by its path is read-only from here on.
    fn turn_read_only(&self) {
        run("mount", &["--bind", self.path(), self.path()]);
        run("mount", &["-o", "remount,bind,ro", self.path()]);
    }

    fn turn_writable(&self) {
        // What is open stays open.
        run("umount", &["--lazy", self.path()]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // So that the folder beneath can be removed. There may be nothing mounted, or twice.
        let unmount = || {
            Command::new("umount")
                .args(["--lazy", self.path()])
                .output()
        };
        while unmount().is_ok_and(|output| output.status.success()) {}
    }
}

/// A spool and every sample that went through it.
struct Life {
    spool: Spool,
    folder: PathBuf,
    appended: BTreeMap<Sequence, u32>,
    acked: BTreeMap<Sequence, u32>,
}

impl Life {
    fn begin(folder: &Path) -> Self {
        Self {
            spool: Spool::open(folder, LIMITS, NOW).unwrap(),
            folder: folder.to_owned(),
            appended: BTreeMap::new(),
            acked: BTreeMap::new(),
        }
    }

    fn append(&mut self, length: usize) {
        let weight = u32::try_from(self.appended.len()).unwrap() % 40 + 1;
        let bytes = vec![7; length];
        let sequence = self.spool.append(NOW, weight, bytes, NOW).unwrap();
        let known = self.appended.insert(sequence, weight);
        assert_eq!(known, None, "{sequence} was given out twice");
    }

    fn ack(&mut self, sequence: Sequence) {
        assert!(self.spool.ack(sequence));
        let weight = *self.appended.get(&sequence).unwrap();
        self.acked.insert(sequence, weight);
    }

    fn kill(mut self) -> Self {
        drop(self.spool);
        self.spool = Spool::open(&self.folder, LIMITS, NOW).unwrap();
        // Acknowledged on disk, and killed before the next write: it will be delivered again.
        let mut next = self.spool.oldest();
        while let Some(entry) = next {
            self.acked.remove(&entry.sequence);
            next = self.spool.after(entry.sequence);
        }
        self
    }

    /// Every sample is acknowledged, waits, is asked for, or is counted; what waits is whole.
    fn check(&mut self) {
        let stats = self.spool.stats();
        let sum = |all: &BTreeMap<_, u32>| all.values().copied().map(u64::from).sum::<u64>();
        assert_eq!(
            sum(&self.appended),
            sum(&self.acked) + stats.samples + stats.lost_samples + stats.dropped_samples,
            "{stats:?}"
        );
        assert_eq!((stats.corrupt_files, stats.cut_bytes), (0, 0));
        let mut next = self.spool.oldest();
        while let Some(entry) = next {
            let record = self.spool.read(entry.sequence).unwrap().unwrap();
            assert_eq!(Some(&record.weight), self.appended.get(&entry.sequence));
            assert!(record.bytes.iter().all(|byte| *byte == 7));
            next = self.spool.after(entry.sequence);
        }
    }

    fn persist_fails_with(&mut self, disk: Disk) {
        let error = self.spool.persist(NOW).unwrap_err();
        assert!(matches!(error, Error::Disk { .. }), "{error}");
        assert_eq!(self.spool.stats().disk, disk, "{error:?}");
        self.check();
    }

    fn persist(&mut self) {
        self.spool.persist(NOW).unwrap();
        let stats = self.spool.stats();
        assert_eq!((stats.disk, stats.records_in_memory), (Disk::Good, 0));
        self.check();
    }
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn a_disk_that_is_full_now_and_then_costs_only_what_is_counted() {
    if !has_mounts("a_disk_that_is_full_now_and_then_costs_only_what_is_counted") {
        return;
    }
    let mut was_full = 0;
    for seed in 0..60 {
        let disk = Mount::tmpfs();
        let mut life = Life::begin(&disk.folder());
        let mut numbers = Numbers(seed);
        for _ in 0..200 {
            match numbers.below(20) {
                0 => disk.fill_but(numbers.below(5) * 4096),
                1 => _ = fs::remove_file(disk.ballast()),
                2 => life = life.kill(),
                3..6 => _ = life.spool.persist(NOW),
                6..9 => {
                    let oldest = life.spool.oldest().map(|entry| entry.sequence);
                    oldest.into_iter().for_each(|oldest| life.ack(oldest));
                }
                9..12 => {
                    let newest = life.spool.newest().map(|entry| entry.sequence);
                    newest.into_iter().for_each(|newest| life.ack(newest));
                }
                _ => life.append(usize::try_from(numbers.below(9_000)).unwrap()),
            }
            life.check();
            let state = life.spool.stats().disk;
            assert!(matches!(state, Disk::Good | Disk::Full), "{state:?}");
            was_full += u32::from(state == Disk::Full);
        }
        let _ = fs::remove_file(disk.ballast());
        life.persist();
        life = life.kill();
        life.check();
    }
    assert!(was_full > 1_000, "{was_full}");
}

#[test]
fn a_full_disk_is_told_and_what_waits_in_memory_is_written_once_there_is_room() {
    if !has_mounts("a_full_disk_is_told_and_what_waits_in_memory_is_written_once_there_is_room") {
        return;
    }
    let disk = Mount::tmpfs();
    let mut life = Life::begin(&disk.folder());
    for _ in 0..20 {
        life.append(1_000);
    }
    life.persist();
    disk.fill_but(0);
    life.append(5_000);
    life.persist_fails_with(Disk::Full);
    // An acknowledgement cannot be written either; it counts as long as the process lives.
    let oldest = life.spool.oldest().unwrap().sequence;
    life.ack(oldest);
    life.persist_fails_with(Disk::Full);
    // Killed, and opened while it is still full.
    life = life.kill();
    life.check();
    assert_eq!(life.spool.stats().disk, Disk::Full);
    assert_eq!(life.spool.lost().len(), 1);
    for _ in 0..100 {
        life.append(1_000);
    }
    assert!(life.spool.stats().dropped_records > 0);
    life.check();
    // Whoever acknowledges everything on disk makes room.
    while let Some(entry) = life.spool.oldest().filter(|entry| entry.length == 1_000) {
        if life.spool.stats().records == life.spool.stats().records_in_memory {
            break;
        }
        life.ack(entry.sequence);
    }
    disk.free();
    life.persist();
    assert_eq!(life.kill().spool.lost().len(), 1);
}

#[test]
fn a_read_only_disk_is_told_read_from_and_written_to_again() {
    if !has_mounts("a_read_only_disk_is_told_read_from_and_written_to_again") {
        return;
    }
    let disk = Mount::tmpfs();
    let mut life = Life::begin(&disk.folder());
    life.append(100);
    life.persist();
    disk.turn_read_only();
    life.append(200);
    let first = life.spool.oldest().unwrap().sequence;
    life.ack(first);
    life.persist_fails_with(Disk::ReadOnly);
    disk.turn_writable();
    life.persist();
    // A spool that begins on a read-only disk serves what is there and takes what comes.
    life.append(300);
    life.persist();
    disk.turn_read_only();
    life = life.kill();
    life.check();
    let instance = life.spool.instance();
    assert_eq!(life.spool.stats().disk, Disk::ReadOnly);
    assert_eq!(life.spool.stats().records, 2);
    life.append(400);
    life.persist_fails_with(Disk::ReadOnly);
    disk.turn_writable();
    life.persist();
    life = life.kill();
    life.check();
    assert_eq!(life.spool.instance(), instance);
    assert_eq!(life.spool.stats().records, 3);
}

#[test]
fn numbers_given_out_on_a_read_only_disk_are_of_another_instance() {
    if !has_mounts("numbers_given_out_on_a_read_only_disk_are_of_another_instance") {
        return;
    }
    let disk = Mount::tmpfs();
    let first = Spool::open(&disk.folder(), LIMITS, NOW).unwrap();
    let mut instances = vec![first.instance()];
    drop(first);
    disk.turn_read_only();
    for _ in 0..3 {
        let mut spool = Spool::open(&disk.folder(), LIMITS, NOW).unwrap();
        spool.append(NOW, 1, vec![7], NOW).unwrap();
        assert!(!instances.contains(&spool.instance()));
        instances.push(spool.instance());
    }
}

/// A real journal that stops, as it does on a dying disk, with files open for writing.
#[test]
fn a_file_system_that_gives_up_costs_only_what_was_not_persisted() {
    if !has_mounts("a_file_system_that_gives_up_costs_only_what_was_not_persisted") {
        return;
    }
    let mount = Mount::new();
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(8 << 20).unwrap();
    let device = image.path().to_str().unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", device]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return skip("mkfs.ext4 does not run");
    }
    let mut loop_mount = Command::new("mount");
    loop_mount.args(["-o", "loop", device, mount.path()]);
    let mounted = loop_mount.output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        return skip("there are no loop devices");
    }
    let mut life = Life::begin(&mount.folder());
    life.append(100);
    life.append(200);
    life.persist();
    life.append(300);
    run("mount", &["-o", "remount,abort", mount.path()]);
    life.append(400);
    let error = life.spool.persist(NOW).unwrap_err();
    assert!(matches!(error, Error::Disk { .. }), "{error}");
    let state = life.spool.stats().disk;
    assert!(matches!(state, Disk::ReadOnly | Disk::Failing), "{state:?}");
    // It goes on in memory, and reads what was written before.
    life.check();
    assert_eq!(life.spool.stats().records, 4);
    let persisted: Vec<_> = life.appended.keys().copied().take(2).collect();
    drop(life);
    run("umount", &[mount.path()]);
    assert!(loop_mount.status().unwrap().success());
    let mut spool = Spool::open(&mount.folder(), LIMITS, NOW).unwrap();
    for sequence in persisted {
        assert!(spool.read(sequence).unwrap().is_some(), "{sequence}");
    }
    assert_eq!(spool.stats().corrupt_files, 0);
    spool.append(NOW, 1, vec![7], NOW).unwrap();
    spool.persist(NOW).unwrap();
    assert_eq!(spool.stats().disk, Disk::Good);
}

#[test]
fn a_folder_that_is_removed_is_made_anew_and_what_was_in_it_is_counted() {
    if !has_mounts("a_folder_that_is_removed_is_made_anew_and_what_was_in_it_is_counted") {
        return;
    }
    let disk = Mount::tmpfs();
    let mut life = Life::begin(&disk.folder());
    let instance = life.spool.instance();
    for make_it in [false, true] {
        for _ in 0..5 {
            life.append(1_000);
        }
        life.persist();
        life.append(2_000);
        fs::remove_dir_all(disk.folder()).unwrap();
        if make_it {
            fs::create_dir(disk.folder()).unwrap();
        }
        let before = life.spool.stats();
        life.persist();
        let stats = life.spool.stats();
        assert_eq!(stats.records, 1);
        assert_eq!(
            stats.dropped_records - before.dropped_records,
            before.records - 1
        );
        life.append(3_000);
        life = life.kill();
        life.check();
        assert_eq!(life.spool.lost().len(), 1 + usize::from(make_it));
        assert_eq!(life.spool.instance(), instance);
    }
}
