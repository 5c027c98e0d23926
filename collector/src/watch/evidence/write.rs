//! Writes the journal, on a thread of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diagnosis::record::Record;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;
use tracing::warn;

use super::files::{self, Journal};
use super::{Bounds, blocks};
use crate::private;
use crate::watch::metrics::Metrics;

/// Batches' worth of records that may wait for the disk.
const WAITING: usize = 4_096;

/// Lines are written together, when there are so many bytes of them or after so long.
const BLOCK_BYTES: usize = 1 << 20;
const BLOCK_TIME: Duration = Duration::from_secs(5);

/// A file is as long as this share of all that is kept, at most: the oldest goes as a whole.
const FILES: u64 = 16;

/// Where records are handed over.
#[derive(Debug)]
pub(in crate::watch) struct Writer {
    records: Option<SyncSender<Vec<Record>>>,
    thread: Option<JoinHandle<()>>,
    metrics: Metrics,
}

/// Begins to write. Where nothing is to be kept, or no thread can be had, nothing is.
pub(in crate::watch) fn start(bounds: Bounds, metrics: Metrics) -> Writer {
    let mut writer = Writer {
        records: None,
        thread: None,
        metrics: metrics.clone(),
    };
    if bounds.bytes == 0 {
        return writer;
    }
    let (sender, receiver) = sync_channel(WAITING);
    let mut journals = Journals::new(bounds, metrics);
    let thread = std::thread::Builder::new()
        .name("evidence".to_owned())
        .spawn(move || journals.run(&receiver));
    match thread {
        Ok(thread) => {
            writer.records = Some(sender);
            writer.thread = Some(thread);
        }
        Err(error) => warn!(%error, "Evidence is not kept: there is no thread for it."),
    }
    writer
}

impl Writer {
    /// Hands records over, unless the disk is too slow: then they are dropped and counted.
    pub(in crate::watch) fn keep(&self, records: Vec<Record>) {
        let Some(sender) = &self.records else { return };
        if let Err(TrySendError::Full(records) | TrySendError::Disconnected(records)) =
            sender.try_send(records)
        {
            self.metrics.evidence_dropped.inc_by(records.len() as u64);
        }
    }

    /// Writes what is left.
    pub(in crate::watch) fn finish(mut self) {
        self.records = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The files, and what is to be written to the newest.
#[derive(Debug)]
struct Journals {
    bounds: Bounds,
    metrics: Metrics,
    open: Option<Open>,
    failing: bool,
    lines: Vec<u8>,
    /// How many records they are.
    records: u64,
    /// Of the newest record among them.
    arrived: f64,
}

#[derive(Debug)]
struct Open {
    day: Date,
    bytes: u64,
    file: File,
}

impl Journals {
    fn new(bounds: Bounds, metrics: Metrics) -> Self {
        Self {
            bounds,
            metrics,
            open: None,
            failing: false,
            lines: Vec::new(),
            records: 0,
            arrived: 0.0,
        }
    }

    fn run(&mut self, records: &Receiver<Vec<Record>>) {
        let mut due = Instant::now() + BLOCK_TIME;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let came = records.recv_timeout(left);
            let ended = matches!(came, Err(RecvTimeoutError::Disconnected));
            for record in came.unwrap_or_default() {
                blocks::push_line(&mut self.lines, &record);
                self.records += 1;
                self.arrived = record.arrived;
            }
            if ended || self.lines.len() >= BLOCK_BYTES || Instant::now() >= due {
                self.write();
                due = Instant::now() + BLOCK_TIME;
            }
            if ended {
                return;
            }
        }
    }

    /// Writes a block, or drops it.
    fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let written = self.try_to_write();
        if let Err(error) = &written {
            self.open = None;
            self.metrics.evidence_dropped.inc_by(self.records);
            if !self.failing {
                let folder = self.bounds.folder.display();
                warn!(%error, %folder, "Evidence cannot be kept; going on without.");
            }
        }
        self.failing = written.is_err();
        self.lines.clear();
        self.records = 0;
    }

    fn try_to_write(&mut self) -> io::Result<()> {
        let block = blocks::block(&self.lines);
        let at = files::timestamp(self.arrived).unwrap_or(Timestamp::UNIX_EPOCH);
        let day = files::day(at);
        let most = (self.bounds.bytes / FILES).max(1);
        let length = block.len() as u64;
        let fits =
            |open: &&mut Open| open.day == day && (open.bytes == 0 || open.bytes + length <= most);
        if self.open.as_mut().filter(fits).is_none() {
            self.open = Some(self.begin(day, length, most)?);
        }
        if let Some(open) = &mut self.open {
            open.file.write_all(&block)?;
            open.bytes += length;
        }
        self.forget(at)
    }

    /// A file to go on with: the newest of the day when there is room in it, or another.
    fn begin(&self, day: Date, length: u64, most: u64) -> io::Result<Open> {
        let folder = &self.bounds.folder;
        private::create_folder(folder)?;
        let newest = files::list(folder)?.into_iter().rfind(|one| one.day == day);
        if let Some(newest) = &newest
            && self.open.is_none()
            && newest.bytes + length <= most
        {
            let bytes = whole(newest)?;
            let mut file = OpenOptions::new().write(true).open(&newest.path)?;
            file.set_len(bytes)?;
            io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
            return Ok(Open { day, bytes, file });
        }
        let number = newest.map_or(0, |newest| newest.number + 1);
        let file = private::create_file(&files::path(folder, day, number))?;
        Ok(Open {
            day,
            bytes: 0,
            file,
        })
    }

    /// Removes the oldest files until the bounds are kept; the one at hand stays.
    fn forget(&self, now: Timestamp) -> io::Result<()> {
        let mut listed = files::list(&self.bounds.folder)?;
        let oldest = now.checked_sub(self.bounds.age).map(files::day);
        let mut bytes: u64 = listed.iter().map(|one| one.bytes).sum();
        listed.pop();
        for journal in listed {
            let is_old = oldest.as_ref().is_ok_and(|oldest| journal.day < *oldest);
            if !is_old && bytes <= self.bounds.bytes {
                break;
            }
            fs::remove_file(&journal.path)?;
            bytes -= journal.bytes;
        }
        self.metrics
            .evidence_bytes
            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
        Ok(())
    }
}

/// How much of a file can be read: a torn end is written over.
fn whole(journal: &Journal) -> io::Result<u64> {
    let mut file = BufReader::new(File::open(&journal.path)?);
    let mut bytes = 0;
    while let Some((_, length)) = blocks::next(&mut file)? {
        bytes += length;
    }
    Ok(bytes)
}
