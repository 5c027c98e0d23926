//! From streams to the queues on disk, many batches at a time.
//!
//! Streams hand over what they decoded and go on; one [`Committer`] gathers what arrives within a
//! moment into one record, appends it to the queue of every target, syncs them all, and then notes
//! the batches as taken, which lets the streams acknowledge. An agent that waits for its
//! acknowledgement makes the moment short.
//!
//! A disk that takes nothing, or hangs, holds up no agent: while it fails, batches get into the live view and
//! are not kept, so they are not acknowledged and stay with their agents (`outcome="uncommitted"`);
//! the record at hand is tried again until it is written. Where no target is configured there is
//! nothing to write, and a batch is taken at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::journal;
use crate::metrics::own::Own;
use crate::remote_write::Queue;
use crate::seen::{Claim, Covered};

/// How long a record gathers while an agent waits for its acknowledgement, and while none does.
const GATHER: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// A record of this size is written at once: what a country measures in a second, so that a disk that
/// syncs slowly keeps up with twenty backlogs as well.
const RECORD_BYTES: usize = 1 << 20;

/// Bytes of batches that may wait to be written; streams wait for room.
const WAITING_BYTES: usize = 16 << 20;

/// Batches that may wait likewise.
const WAITING: usize = 4_096;

/// How long a stream waits for room, and everybody for the disk, before they go on without.
const PATIENCE: Duration = Duration::from_secs(5);

/// How soon a disk that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A batch that is to be kept.
#[derive(Debug)]
pub struct Entry {
    /// Makes it taken.
    pub claim: Claim,
    /// What [`journal::encode`] made of it.
    pub part: Vec<u8>,
    /// How many samples that are.
    pub samples: u32,
    /// Whether the agent waits for the acknowledgement.
    pub urgent: bool,
}

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    _room: OwnedSemaphorePermit,
}

/// Hands batches over. Clones share the way to the disk.
#[derive(Debug, Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
    entries: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    queues: Vec<Queue>,
    failing: AtomicBool,
    /// By queue: the newest record whose batches are all taken.
    committed: Mutex<Vec<u64>>,
}

/// Writes what was handed over.
#[derive(Debug)]
pub struct Committer {
    shared: Arc<Shared>,
    entries: mpsc::Receiver<Waiting>,
    own: Arc<Own>,
}

/// A way to these queues, whose records are all of batches that count as taken.
#[must_use]
pub fn to(queues: Vec<Queue>, own: Arc<Own>) -> (Keeper, Committer) {
    let (sender, entries) = mpsc::channel(WAITING);
    let committed = queues.iter().map(Queue::newest).collect();
    let shared = Arc::new(Shared {
        queues,
        failing: AtomicBool::new(false),
        committed: Mutex::new(committed),
    });
    let keeper = Keeper {
        shared: Arc::clone(&shared),
        entries: sender,
        room: Arc::new(Semaphore::new(WAITING_BYTES)),
    };
    let committer = Committer {
        shared,
        entries,
        own,
    };
    (keeper, committer)
}

impl Keeper {
    /// Sees to it that a batch is kept. `false` when it cannot be now: it is nobody's again.
    pub async fn keep(&self, entry: Entry) -> bool {
        if self.shared.queues.is_empty() || entry.samples == 0 {
            entry.claim.taken();
            return true;
        }
        if self.is_failing() {
            return false;
        }
        let bytes = u32::try_from(entry.part.len().min(WAITING_BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes);
        let hand_over = async {
            let room = room.await.ok()?;
            let waiting = Waiting { entry, _room: room };
            self.entries.send(waiting).await.ok()
        };
        let handed_over = tokio::time::timeout(PATIENCE, hand_over).await;
        handed_over.is_ok_and(|sent| sent.is_some())
    }

    /// Whether the disk takes nothing at present.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Acquire)
    }

    /// By queue: the newest record whose batches are all taken.
    #[must_use]
    pub fn committed(&self) -> Vec<Covered> {
        let committed = lock(&self.shared.committed);
        let queues = self.shared.queues.iter().zip(committed.iter());
        let covered = queues.map(|(queue, through)| Covered {
            target: queue.target().to_owned(),
            instance: queue.instance(),
            through: *through,
        });
        covered.collect()
    }

    /// Tells the queues that a durable snapshot of the ledger has all batches of their records up to
    /// these, which [`Keeper::committed`] told. Blocks on the disk.
    pub fn release(&self, covered: &[Covered]) {
        for (queue, covered) in self.shared.queues.iter().zip(covered) {
            queue.release(covered.through);
        }
    }

    /// Whether there is anything to write to.
    #[must_use]
    pub fn has_queues(&self) -> bool {
        !self.shared.queues.is_empty()
    }
}

impl Committer {
    /// Writes until `stop`, and then what is left, if the disk takes it at the first attempt.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let first = tokio::select! {
                first = self.entries.recv() => first,
                () = stop.cancelled() => {
                    self.entries.close();
                    self.entries.recv().await
                }
            };
            let Some(first) = first else { return };
            let record = self.gather(first, &stop).await;
            self.commit(record, &stop).await;
        }
    }

    async fn gather(&mut self, first: Waiting, stop: &CancellationToken) -> Vec<Waiting> {
        let (soon, later) = GATHER;
        let now = Instant::now();
        let mut until = now + later;
        let (mut bytes, mut record, mut next) = (0, Vec::new(), Some(first));
        while let Some(waiting) = next {
            bytes += waiting.entry.part.len();
            if waiting.entry.urgent {
                until = until.min(now + soon);
            }
            record.push(waiting);
            if bytes >= RECORD_BYTES {
                break;
            }
            next = tokio::select! {
                biased;
                next = self.entries.recv() => next,
                () = tokio::time::sleep_until(until) => None,
                () = stop.cancelled() => None,
            };
        }
        record
    }

    async fn commit(&self, record: Vec<Waiting>, stop: &CancellationToken) {
        let began = Instant::now();
        let parts = record.iter().map(|waiting| &*waiting.entry.part);
        let bytes = journal::record(parts);
        let samples = record.iter().fold(0_u32, |sum, waiting| {
            sum.saturating_add(waiting.entry.samples)
        });
        let queues = self.shared.queues.iter().cloned().enumerate().collect();
        let mut committed = lock(&self.shared.committed).clone();
        let write = self.write(queues, Some((bytes, samples)), &mut committed);
        let mut unwritten = self.patiently(write).await;
        while !unwritten.is_empty() {
            self.shared.failing.store(true, Ordering::Release);
            let interrupted = tokio::time::timeout(RETRY, stop.cancelled()).await.is_ok();
            if interrupted {
                warn!("The last measurements could not be written; their agents have them.");
                return;
            }
            unwritten = self.write(unwritten, None, &mut committed).await;
        }
        if self.shared.failing.swap(false, Ordering::AcqRel) {
            info!("What waits for the stores is written to disk again.");
        }
        for waiting in record {
            waiting.entry.claim.taken();
        }
        // After the batches are taken: a snapshot that is made from now on has them.
        *lock(&self.shared.committed) = committed;
        self.own
            .commit_duration
            .observe(began.elapsed().as_secs_f64());
    }

    /// Waits for the disk; after a while for itself alone.
    async fn patiently<T>(&self, write: impl Future<Output = T>) -> T {
        let mut write = std::pin::pin!(write);
        if let Ok(written) = tokio::time::timeout(PATIENCE, &mut write).await {
            return written;
        }
        self.own.commit_failures.inc();
        self.shared.failing.store(true, Ordering::Release);
        error!(
            seconds = PATIENCE.as_secs(),
            "The disk does not answer: is it broken, or busy with something else? Agents keep their \
             measurements until it does."
        );
        write.await
    }

    /// Appends a record to queues, or nothing, and syncs them, all at the same time. Returns those whose
    /// disk did not take it; notes the newest record of the others.
    async fn write(
        &self,
        queues: Vec<(usize, Queue)>,
        record: Option<(Vec<u8>, u32)>,
        committed: &mut [u64],
    ) -> Vec<(usize, Queue)> {
        let start = |(number, queue): (usize, Queue)| {
            let (writing, record) = (queue.clone(), record.clone());
            let write = move || {
                if let Some((record, samples)) = record {
                    writing.append(record, samples);
                }
                writing.persist().map(|()| writing.newest())
            };
            (number, queue, tokio::task::spawn_blocking(write))
        };
        // All are started before the first is waited for.
        let writes: Vec<_> = queues.into_iter().map(start).collect();
        let mut failed = Vec::new();
        for (number, queue, written) in writes {
            match written.await {
                Ok(Ok(newest)) => {
                    if let Some(committed) = committed.get_mut(number) {
                        *committed = newest;
                    }
                    continue;
                }
                Ok(Err(error)) => self.failed(&queue, &error),
                // The program ends.
                Err(_) => {}
            }
            failed.push((number, queue));
        }
        failed
    }

    fn failed(&self, queue: &Queue, error: &spool::Error) {
        self.own.commit_failures.inc();
        if !self.shared.failing.load(Ordering::Acquire) {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            error!(%error, cause, target = queue.target(),
                "Measurements cannot be written to disk: make room. Agents keep theirs until then.");
        }
    }
}

fn lock(numbers: &Mutex<Vec<u64>>) -> MutexGuard<'_, Vec<u64>> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}
