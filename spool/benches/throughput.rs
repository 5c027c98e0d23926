//! How fast a spool is, and what waiting costs, on the disk of the temporary folder (`TMPDIR` chooses another):
//!
//! ```text
//! cargo bench -p dawnwatch-spool
//! ```
//!
//! Each write is one record and one persist, as a collector does that acknowledges only what is durable; beside it the same
//! bytes in plain files with the same number of syncs, as the limit of this disk. Nothing here fails for being slow.
#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a program that measures real time and prints it"
)]

use std::{
    error::Error,
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    time::Instant,
};

use spool::{Limits, Sequence, Spool};

const NOW: Option<i64> = Some(1_770_000_000_000);

/// A queue of the size of a country's.
const LIMITS: Limits = Limits {
    bytes: 8_000_000_000,
    age: std::time::Duration::from_secs(7 * 24 * 3600),
    spill_bytes: 4_000_000,
    memory_bytes: 64_000_000,
};

const RECORDS: u64 = 100_000;

/// Makes this program only fill a folder.
const FILL: &str = "--fill";

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --all-targets` starts this too, without the argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != FILL);
    if let Some(folder) = arguments.nth(1) {
        return fill(Path::new(&folder));
    }
    let folder = tempfile::tempdir()?;
    println!("{RECORDS} records of 1024 bytes");
    many(folder.path())?;
    for (count, bytes) in [(400, 256 << 10), (2_000, 4 << 10)] {
        let folder = tempfile::tempdir()?;
        println!("{count} records of {bytes} bytes, each persisted");
        write_plainly(folder.path(), count, bytes)?;
        write_and_read(&folder.path().join("spool"), count, bytes)?;
    }
    Ok(())
}

fn say(what: &str, count: u64, bytes: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let megabytes = (count * bytes) as f64 / 1e6;
    println!(
        "  {what:<42} {:>8.1} MB/s {:>9.0} records/s",
        megabytes / seconds,
        count as f64 / seconds
    );
}

/// The limit: one file, synced after each record.
fn write_plainly(folder: &Path, count: u64, bytes: u64) -> Result<(), Box<dyn Error>> {
    let payload = payload(bytes);
    let begun = Instant::now();
    let mut file = File::create(folder.join("plain"))?;
    for _ in 0..count {
        file.write_all(&payload)?;
        file.sync_all()?;
    }
    say("one plain file, synced each time", count, bytes, begun);
    Ok(())
}

fn write_and_read(folder: &Path, count: u64, bytes: u64) -> Result<(), Box<dyn Error>> {
    let payload = payload(bytes);
    let mut spool = Spool::open(folder, LIMITS, NOW)?;
    let begun = Instant::now();
    for _ in 0..count {
        spool.append(NOW, 1000, payload.clone(), NOW)?;
        spool.persist(NOW)?;
    }
    say("append and persist", count, bytes, begun);
    let begun = Instant::now();
    for sequence in waiting(&spool) {
        if spool.read(sequence)?.is_none() {
            return Err("a record cannot be read".into());
        }
    }
    say("read, oldest first", count, bytes, begun);
    let begun = Instant::now();
    for sequence in waiting(&spool) {
        spool.ack(sequence);
        spool.append(NOW, 1000, payload.clone(), NOW)?;
        spool.persist(NOW)?;
    }
    say("append, ack the oldest and persist", count, bytes, begun);
    Ok(())
}

fn fill(folder: &Path) -> Result<(), Box<dyn Error>> {
    let payload = payload(1024);
    let mut spool = Spool::open(folder, LIMITS, NOW)?;
    let begun = Instant::now();
    for _ in 0..RECORDS {
        spool.append(NOW, 10, payload.clone(), NOW)?;
    }
    spool.persist(NOW)?;
    say("append, written when memory is full", RECORDS, 1024, begun);
    Ok(())
}

/// What it costs when very much waits.
fn many(folder: &Path) -> Result<(), Box<dyn Error>> {
    // By another process, so that the memory of this one tells what an open takes.
    let filled = Command::new(std::env::current_exe()?)
        .args(["--bench", FILL])
        .arg(folder)
        .status()?;
    if !filled.success() {
        return Err("filling failed".into());
    }
    let before = resident_bytes();
    let begun = Instant::now();
    let mut spool = Spool::open(folder, LIMITS, NOW)?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("  open                                       {seconds:>8.3} s");
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let each = after.saturating_sub(before) as f64 / RECORDS as f64;
        println!("  memory per waiting record, at most         {each:>8.0} bytes");
    }
    let begun = Instant::now();
    for sequence in waiting(&spool) {
        spool.read(sequence)?;
    }
    say("read, oldest first", RECORDS, 1024, begun);
    // The worst for the list of what is done with: every other record.
    let begun = Instant::now();
    for sequence in waiting(&spool).into_iter().step_by(2) {
        spool.ack(sequence);
    }
    say("ack every other", RECORDS / 2, 1024, begun);
    let begun = Instant::now();
    spool.persist(NOW)?;
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    let bytes = fs::metadata(folder.join("state"))?.len();
    println!(
        "  persist with {} gaps: {milliseconds:.1} ms, state of {bytes} bytes",
        RECORDS / 2
    );
    Ok(())
}

fn waiting(spool: &Spool) -> Vec<Sequence> {
    let first = spool.oldest();
    let all = std::iter::successors(first, |entry| spool.after(entry.sequence));
    all.map(|entry| entry.sequence).collect()
}

/// Bytes that no disk compresses.
fn payload(bytes: u64) -> Vec<u8> {
    let mut number = 1_u64;
    let mut next = |_| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        number.to_le_bytes()[0]
    };
    (0..bytes).map(&mut next).collect()
}

/// Of this process; `None` where the system does not say.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
