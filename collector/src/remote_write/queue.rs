//! What waits for one store, on disk: filled by the ingest side, emptied by the sender.
//!
//! A record goes through three states, each of which only grows, so that one number says how far it
//! is: *durable* (a [`Queue::persist`] covered it), *delivered* (the store has it), *released* (the
//! ingest side's durable memory of which batches are in covers it). The sender takes only what is
//! durable: an agent may send anew what is not, and the store would get it twice. A record leaves when
//! it is delivered and released; until it is released it is the only witness, after a crash, that its
//! batches are in. With a disk that takes nothing there are no witnesses, and the sender goes on from
//! memory: live values matter more then than the rare sample that a store gets a second time.
//!
//! All calls but [`Queue::status`] and [`Queue::ready`] may wait for the disk: use them on threads
//! for blocking work. Age is counted from the moment a record came, in time that the collector ran
//! ([`super::clock`]): late measurements are not dropped for being old, nor any for what this machine's
//! clock was set to.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spool::{Disk, Limits, Sequence, Spool};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::clock::Clock;
use crate::config::RemoteWrite;

/// Memory for what the disk does not take, and room for the largest record.
const MEMORY_BYTES: u64 = 32_000_000;

/// More in memory than this is written, whoever asks for it.
const SPILL_BYTES: u64 = 8_000_000;

/// A handle to the queue of one target.
#[derive(Debug, Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: String,
    instance: u64,
    store: Mutex<Store>,
    /// What is there, known without asking the disk.
    status: Mutex<Status>,
    ready: Notify,
}

#[derive(Debug)]
struct Store {
    spool: Spool,
    clock: Clock,
    /// Highest sequences in each state; see above.
    appended: u64,
    durable: u64,
    delivered: u64,
    released: u64,
    /// Samples that never got into the spool.
    refused_samples: u64,
}

/// A queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// On disk and in memory.
    pub bytes: u64,
    /// That wait to be delivered, or to be released.
    pub samples: u64,
    /// When the oldest record that is not delivered yet came.
    pub waiting_since: Option<Instant>,
    /// Dropped since the folder was made, for being too many or too old, or damaged.
    pub dropped_samples: u64,
    /// Whether what waits can be written.
    pub is_durable: bool,
}

/// A record as the sender gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the queue.
    pub sequence: u64,
    /// How many samples it has.
    pub samples: u32,
    /// As it was appended.
    pub bytes: Vec<u8>,
}

/// How much the sender takes at once.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Beyond the first record.
    pub samples: u64,
    /// Likewise.
    pub bytes: u64,
    /// Between the first record's coming and the last's. A store may take nothing that is much older
    /// than what it has, so the shards must not get far ahead of each other.
    pub span: Duration,
}

impl Queue {
    /// Opens or makes the folder of a target.
    ///
    /// # Errors
    /// When it belongs to a newer version or to another process, or cannot be made.
    pub fn open(folder: &Path, target: &RemoteWrite) -> Result<Self, spool::Error> {
        let limits = Limits {
            bytes: target.queue_bytes,
            age: target.queue_age,
            spill_bytes: SPILL_BYTES,
            memory_bytes: MEMORY_BYTES,
        };
        // Nothing is too old before the clock is known, which what waits tells.
        let spool = Spool::open(folder, limits, None)?;
        let newest = spool.newest();
        let stats = spool.stats();
        let name = target.name.clone();
        if stats.corrupt_files > 0 || stats.cut_bytes > 0 {
            let (corrupt_files, cut_bytes) = (stats.corrupt_files, stats.cut_bytes);
            warn!(
                target = name,
                corrupt_files,
                cut_bytes,
                "Part of what waited on disk for a store was damaged; the rest goes on."
            );
        }
        let clock = Clock::after(newest.and_then(|entry| entry.time_unix_ms));
        let newest = newest.map_or(0, |entry| entry.sequence.0);
        let instance = spool.instance();
        let store = Store {
            spool,
            clock,
            appended: newest,
            durable: newest,
            delivered: 0,
            released: 0,
            refused_samples: 0,
        };
        let status = Mutex::new(store.status());
        let queue = Self {
            shared: Arc::new(Shared {
                target: name,
                instance,
                store: Mutex::new(store),
                status,
                ready: Notify::new(),
            }),
        };
        queue.shared.ready.notify_one();
        Ok(queue)
    }

    /// Adds a record of so many samples. It is in memory afterwards; see [`Queue::persist`].
    pub fn append(&self, record: Vec<u8>, samples: u32) {
        self.with(|store| {
            let now = Some(store.clock.unix_ms());
            match store.spool.append(now, samples, record, now) {
                Ok(sequence) => store.appended = sequence.0,
                Err(error) => {
                    store.refused_samples += u64::from(samples);
                    error!(%error, target = self.target(), samples,
                        "Measurements cannot be kept for a store; dropped.");
                }
            }
        });
    }

    /// Writes what was appended to disk. After `Ok` it survives a power cut.
    ///
    /// # Errors
    /// When the disk does not take it. It stays in memory, and the next call tries again.
    pub fn persist(&self) -> Result<(), spool::Error> {
        self.with(|store| {
            let now = Some(store.clock.unix_ms());
            let persisted = store.spool.persist(now);
            if persisted.is_ok() {
                store.durable = store.appended;
            }
            persisted
        })
    }

    /// Every record that waits behind this one, oldest first: which batches were taken in just before a
    /// crash. Damaged ones are left out and counted.
    ///
    /// # Errors
    /// When the disk does not give one that should be there.
    pub fn scan_after(
        &self,
        sequence: u64,
        mut visit: impl FnMut(Record),
    ) -> Result<(), spool::Error> {
        self.with(|store| {
            let mut at = Sequence(sequence);
            while let Some(entry) = store.spool.after(at) {
                at = entry.sequence;
                if let Some(record) = store.spool.read(at)? {
                    visit(Record {
                        sequence: at.0,
                        samples: record.weight,
                        bytes: record.bytes,
                    });
                }
            }
            Ok(())
        })
    }

    /// Names the folder: another one counts its records anew.
    #[must_use]
    pub fn instance(&self) -> u64 {
        self.shared.instance
    }

    /// The newest record so far, for [`Queue::release`].
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.with(|store| store.appended)
    }

    /// A durable memory of which batches are in covers every record up to this one: they may go once
    /// they are delivered. Ask [`Queue::newest`] before that memory is written, not after.
    pub fn release(&self, through: u64) {
        self.with(|store| {
            store.released = store.released.max(through);
            store.forget();
        });
    }

    /// What there is to deliver, oldest first. Empty when nothing is; a disk that gives nothing ends it
    /// early.
    ///
    /// # Errors
    /// When the disk does not give the very first.
    pub fn next(&self, share: Share) -> Result<Vec<Record>, spool::Error> {
        self.with(|store| store.next(share))
    }

    /// The store has everything up to this record.
    pub fn delivered(&self, through: u64) {
        self.with(|store| {
            store.delivered = store.delivered.max(through);
            store.forget();
        });
    }

    /// Whether any record up to this one is still there: no sooner than all are dropped is it in vain to
    /// go on with them.
    #[must_use]
    pub fn holds(&self, through: u64) -> bool {
        self.with(|store| {
            let oldest = store.spool.oldest();
            oldest.is_some_and(|entry| entry.sequence.0 <= through)
        })
    }

    /// Returns once there may be more to deliver than when it last returned.
    pub async fn ready(&self) {
        self.shared.ready.notified().await;
    }

    /// What is there, without waiting for the disk.
    #[must_use]
    pub fn status(&self) -> Status {
        *lock(&self.shared.status)
    }

    /// The name of the target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.shared.target
    }

    /// Does something with the spool, then notes what became of it.
    fn with<R>(&self, work: impl FnOnce(&mut Store) -> R) -> R {
        let mut store = lock(&self.shared.store);
        let before = store.eligible();
        let disk = store.spool.stats().disk;
        let result = work(&mut store);
        let status = store.status();
        *lock(&self.shared.status) = status;
        if store.eligible() > before {
            self.shared.ready.notify_one();
        }
        self.tell(disk, store.spool.stats().disk);
        result
    }

    /// Says that the disk began or ceased to take what waits.
    fn tell(&self, before: Disk, now: Disk) {
        let (target, disk) = (self.target(), now.as_str());
        if before == now {
        } else if now == Disk::Good {
            info!(
                target,
                "What waits for a store can be written to disk again."
            );
        } else {
            error!(
                target,
                disk,
                "What waits for a store cannot be written to disk: make room for it, or agents are not told \
                 that their measurements are safe."
            );
        }
    }
}

impl Store {
    /// The newest record that may be delivered.
    fn eligible(&self) -> u64 {
        match self.spool.stats().disk {
            Disk::Good => self.durable,
            _ => self.appended,
        }
    }

    fn next(&mut self, share: Share) -> Result<Vec<Record>, spool::Error> {
        let (mut records, mut samples, mut bytes) = (Vec::new(), 0, 0);
        let (mut at, mut first) = (self.delivered, None);
        let eligible = self.eligible();
        while let Some(entry) = self.spool.after(Sequence(at)) {
            let came = entry.time_unix_ms.unwrap_or_default();
            let span = came.saturating_sub(*first.get_or_insert(came)).max(0);
            // Where numbers are missing the collector was stopped, for who knows how long.
            let is_after_a_stop = entry.sequence.0 - at > 1;
            let is_too_much = is_after_a_stop
                || samples + u64::from(entry.weight) > share.samples
                || bytes + u64::from(entry.length) > share.bytes
                || Duration::from_millis(span.unsigned_abs()) > share.span;
            if entry.sequence.0 > eligible || (is_too_much && !records.is_empty()) {
                break;
            }
            at = entry.sequence.0;
            match self.spool.read(entry.sequence) {
                Ok(Some(record)) => {
                    samples += u64::from(record.weight);
                    bytes += record.bytes.len() as u64;
                    records.push(Record {
                        sequence: at,
                        samples: record.weight,
                        bytes: record.bytes,
                    });
                }
                Ok(None) => {}
                Err(error) if records.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(records)
    }

    /// Lets go of what is delivered, and released or witness to nothing.
    fn forget(&mut self) {
        let through = self.delivered.min(self.released);
        while let Some(entry) = self.spool.oldest().filter(|e| e.sequence.0 <= through) {
            self.spool.ack(entry.sequence);
        }
        while let Some(entry) = self.spool.after(Sequence(self.durable))
            && entry.sequence.0 <= self.delivered
        {
            self.spool.ack(entry.sequence);
        }
    }

    fn status(&self) -> Status {
        let stats = self.spool.stats();
        let oldest = self.spool.after(Sequence(self.delivered));
        Status {
            bytes: stats.bytes,
            samples: stats.samples,
            waiting_since: oldest
                .map(|entry| self.clock.moment(entry.time_unix_ms.unwrap_or_default())),
            dropped_samples: stats.dropped_samples + self.refused_samples,
            is_durable: stats.disk == Disk::Good,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is as good as what an error would have.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folders of `data` that look like queues of targets that are not configured.
pub(super) fn abandoned(data: &Path, targets: &[RemoteWrite]) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let name = entry?.file_name();
        let target = name
            .to_str()
            .and_then(|name| name.strip_prefix(super::FOLDER));
        if let Some(target) = target.filter(|name| targets.iter().all(|t| t.name != **name)) {
            names.push(target.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
