//! What was measured and is not yet acknowledged: the spool, shared by who fills and who empties it.
//!
//! In memory while the collector acknowledges, on disk when it does not, and at the end. The spool is
//! used on threads for blocking work, by one at a time. Adding a batch and asking for the counts never
//! wait for it: a disk that hangs delays what leaves the queue, not the measuring.
//!
//! How old a batch is, is told by the collector's clock alone: this one may be set by years at any
//! moment. Before the collector was heard since the agent began, no batch is known to be old, nor while
//! its clock is in doubt.

mod reference;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto::wire;
use spool::{Disk, Sequence, Spool, Stats};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

use self::reference::Reference;
use self::store::{Store, ranges_of, waits};
use crate::clock;
use crate::record::Recorded;

pub use self::store::Waiting;

/// While the collector does not acknowledge, what waits is written to disk this often.
const PERSIST_INTERVAL: Duration = Duration::from_mins(1);

/// Shorter outages than this leave no trace on disk.
const PERSIST_AFTER: Duration = Duration::from_secs(45);

/// A collector that is there acknowledges more often than this.
const PERSIST_AFTER_WHEN_LINKED: Duration = Duration::from_mins(6);

/// A disk that takes longer than this for anything hangs.
const HANGS: Duration = Duration::from_secs(10);

/// What may wait for the spool while its disk hangs. Beyond it the oldest is dropped, and counted.
const ADDED_BYTES: usize = 2_000_000;

/// A handle to the one queue of this agent.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Arc<tokio::sync::Mutex<Store>>,
    front: Arc<Mutex<Front>>,
    appended: Arc<Notify>,
    /// Names the batches of this queue together with their sequence.
    pub instance: u64,
}

/// What is there at any time, whatever the disk does. Locked for moments alone.
#[derive(Debug)]
struct Front {
    /// On its way into the spool.
    added: VecDeque<Recorded>,
    added_bytes: usize,
    /// Whether somebody is about to take it in.
    is_taken_in: bool,
    /// Samples that were dropped before they reached the spool, and that it was not told of yet.
    lost_samples: u64,
    /// Samples that were measured and are in no batch yet.
    unrecorded: u64,
    /// Sent on the stream there is, and not acknowledged.
    on_the_way: BTreeSet<u64>,
    /// Whether there is a stream.
    is_linked: bool,
    reference: Reference,
    /// Of the spool, when it was last left.
    stats: Stats,
    /// Of what is not on the way, then.
    waits: Waits,
    /// Since when it is in use.
    busy_since: Option<Instant>,
    /// When the collector last acknowledged, or something began to wait.
    quiet_since: Instant,
}

/// What waits for the line, apart from what was sent and only waits to be acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// Batches.
    pub records: u64,
    /// Their size.
    pub bytes: u64,
    /// When the first sample of the oldest was taken, by the collector's clock, where that is known.
    pub oldest_unix_ms: Option<i64>,
}

impl Queue {
    /// Opens the queue in its folder.
    ///
    /// # Errors
    /// When the folder belongs to a newer version or to another process, or cannot be made.
    pub fn open(folder: &Path, limits: spool::Limits) -> Result<Self, spool::Error> {
        let spool = Spool::open(folder, limits, None)?;
        let stats = spool.stats();
        if stats.corrupt_files > 0 || stats.cut_bytes > 0 {
            let (corrupt_files, cut_bytes) = (stats.corrupt_files, stats.cut_bytes);
            warn!(
                corrupt_files,
                cut_bytes, "Part of what waited on disk was damaged; the rest goes on."
            );
        }
        let front = Arc::new(Mutex::new(Front {
            added: VecDeque::new(),
            added_bytes: 0,
            is_taken_in: false,
            lost_samples: 0,
            unrecorded: 0,
            on_the_way: BTreeSet::new(),
            is_linked: false,
            reference: Reference::default(),
            waits: waits(&spool, &stats, &BTreeSet::new()),
            stats,
            busy_since: None,
            quiet_since: Instant::now(),
        }));
        Ok(Self {
            instance: spool.instance(),
            store: Arc::new(tokio::sync::Mutex::new(Store {
                spool,
                unreadable: BTreeSet::new(),
                front: Arc::clone(&front),
            })),
            front,
            appended: Arc::new(Notify::new()),
        })
    }

    /// Waits for its turn, and then for the disk.
    async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> R + Send + 'static,
    ) -> Option<R> {
        let mut store = Arc::clone(&self.store).lock_owned().await;
        lock(&self.front).busy_since = Some(Instant::now());
        let appended = Arc::clone(&self.appended);
        let work = move || {
            if store.take_in() {
                appended.notify_one();
            }
            let result = work(&mut store);
            let mut front = lock(&store.front);
            front.stats = store.spool.stats();
            front.waits = waits(&store.spool, &front.stats, &front.on_the_way);
            front.busy_since = None;
            drop(front);
            result
        };
        // It fails only when the runtime shuts down.
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// Adds a batch, without waiting for the disk.
    pub fn append(&self, recorded: Recorded) {
        let mut front = lock(&self.front);
        if front.added.is_empty() && front.stats.records == 0 {
            front.quiet_since = Instant::now();
        }
        front.added_bytes += recorded.bytes.len();
        front.added.push_back(recorded);
        while front.added_bytes > ADDED_BYTES
            && let Some(oldest) = front.added.pop_front()
        {
            front.added_bytes -= oldest.bytes.len();
            front.lost_samples += u64::from(oldest.samples);
        }
        drop(front);
        self.take_in_soon();
    }

    /// Says how many samples were measured and are in no batch yet, so that a kill does not take them
    /// uncounted. Does not wait for the disk.
    pub fn note_unrecorded(&self, samples: usize) {
        lock(&self.front).unrecorded = samples as u64;
        self.take_in_soon();
    }

    /// Sees to it that the spool hears of what changed in front of it.
    fn take_in_soon(&self) {
        if !std::mem::replace(&mut lock(&self.front).is_taken_in, true) {
            let queue = self.clone();
            tokio::spawn(async move {
                if queue.with(|_| ()).await.is_none() {
                    lock(&queue.front).is_taken_in = false;
                }
            });
        }
    }

    /// Batches that were in memory alone when an earlier process was killed, as far as one Hello may
    /// ask for them.
    pub async fn lost(&self) -> Vec<wire::Batches> {
        let lost = self.with(|store| store.spool.lost().to_vec()).await;
        ranges_of(&lost.unwrap_or_default())
    }

    /// Counts what was lost, but for what arrived.
    pub async fn settle_lost(&self, arrived: Vec<wire::Batches>) {
        let settled = self.with(move |store| {
            store.spool.settle_lost(|lost| {
                let sequence = lost.sequence.0;
                let is_it = |batches: &wire::Batches| {
                    batches.instance == lost.instance
                        && (batches.first..=batches.last).contains(&sequence)
                };
                arrived.iter().any(is_it)
            })
        });
        match settled.await {
            Some(Ok(samples)) if samples > 0 => {
                warn!(
                    samples,
                    "An earlier process was killed, and these samples with it."
                );
            }
            Some(Err(error)) => {
                let error = crate::chain(&error);
                warn!(
                    error,
                    "What a kill cost cannot be noted; the next stream tries again."
                );
            }
            _ => {}
        }
    }

    /// Returns once something was added since it last returned.
    pub async fn appended(&self) {
        self.appended.notified().await;
    }

    /// The batch that follows `sequence`, if any waits and the disk gives it.
    pub async fn after(&self, sequence: u64) -> Option<Waiting> {
        self.with(move |store| store.after(Sequence(sequence)))
            .await?
    }

    /// The number of the newest batch there is; 0 for none. A new stream begins with this question,
    /// so what could not be read is tried again.
    pub async fn newest(&self) -> u64 {
        let newest = self.with(|store| {
            store.unreadable.clear();
            store.spool.newest()
        });
        newest.await.flatten().map_or(0, |entry| entry.sequence.0)
    }

    /// Notes that a batch was sent.
    pub fn sent(&self, sequence: u64) {
        lock(&self.front).on_the_way.insert(sequence);
    }

    /// Notes that the collector has nothing of what was sent and not acknowledged.
    pub fn not_kept(&self) {
        lock(&self.front).on_the_way.clear();
    }

    /// Forgets batches that are safe with the collector.
    pub async fn ack(&self, sequences: Vec<u64>) {
        {
            let mut front = lock(&self.front);
            front.quiet_since = Instant::now();
            front.on_the_way.retain(|sent| !sequences.contains(sent));
        }
        self.with(move |store| {
            for sequence in sequences {
                store.spool.ack(Sequence(sequence));
            }
        })
        .await;
    }

    /// A stream begins.
    pub fn linked(&self) {
        lock(&self.front).is_linked = true;
    }

    /// A stream ended: what was on its way may have arrived or not.
    pub fn unlinked(&self) {
        let mut front = lock(&self.front);
        front.on_the_way.clear();
        if std::mem::replace(&mut front.is_linked, false) {
            front.quiet_since = Instant::now();
        }
    }

    /// The collector's clock says this now.
    pub fn heard_time(&self, server_unix_ms: i64) {
        let mut front = lock(&self.front);
        front.reference.heard(server_unix_ms, clock::now());
    }

    /// Writes to disk what is only in memory. A disk that does not take it shows in
    /// [`Queue::problem`]; the batches stay in memory.
    pub async fn persist(&self) {
        self.with(|store| {
            // The state of the disk shows in `stats`, and the next call tries again.
            let _ = store.spool.persist(store.now_unix_ms());
        })
        .await;
    }

    /// Writes to disk what waits without being acknowledged, for as long as the agent runs.
    pub async fn keep(self) {
        let mut ticks = tokio::time::interval(PERSIST_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            if self.is_quiet() {
                self.persist().await;
            }
        }
    }

    /// Whether a crash would lose what has waited for some time. The wall clock has no say in it: it
    /// jumps.
    fn is_quiet(&self) -> bool {
        let (quiet, most) = {
            let front = lock(&self.front);
            let most = if front.is_linked {
                PERSIST_AFTER_WHEN_LINKED
            } else {
                PERSIST_AFTER
            };
            (front.quiet_since.elapsed(), most)
        };
        self.stats().records_in_memory > 0 && quiet >= most
    }

    /// How much is here, as far as is known without asking the disk.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let front = lock(&self.front);
        let mut stats = front.stats;
        let added = front.added.len() as u64;
        let samples = front.added.iter().map(|added| u64::from(added.samples));
        stats.records += added;
        stats.records_in_memory += added;
        stats.samples += samples.sum::<u64>();
        stats.bytes += front.added_bytes as u64;
        stats.dropped_samples += front.lost_samples;
        stats
    }

    /// How much waits, and since when, as far as is known without asking the disk.
    #[must_use]
    pub fn waits(&self) -> Waits {
        let front = lock(&self.front);
        let on_the_way = front.on_the_way.len() as u64;
        let mut waits = front.waits;
        waits.records = front.stats.records.saturating_sub(on_the_way);
        if waits.records == 0 {
            waits = Waits::default();
        }
        let oldest = front.added.front().and_then(|added| front.true_time(added));
        waits.records += front.added.len() as u64;
        waits.bytes += front.added_bytes as u64;
        waits.oldest_unix_ms = waits.oldest_unix_ms.or(oldest);
        waits
    }

    /// What is wrong with the folder, in words.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let front = lock(&self.front);
        let busy = front.busy_since.map(|since| since.elapsed());
        if busy.is_some_and(|busy| busy >= HANGS) {
            return Some("the disk does not answer: what is measured waits in memory only");
        }
        match front.stats.disk {
            Disk::Good => None,
            Disk::Full => {
                Some("the disk is full: make room, or what is measured waits in memory only")
            }
            Disk::ReadOnly => {
                Some("the data folder is read-only: what is measured waits in memory only")
            }
            Disk::Gone => Some("the data folder is gone: what is measured waits in memory only"),
            Disk::Failing => Some("the disk fails: what is measured waits in memory only"),
        }
    }
}

impl Front {
    /// When this was measured, by the collector's clock.
    fn true_time(&self, recorded: &Recorded) -> Option<i64> {
        let reference_ms = self.reference.get()?;
        Some(recorded.oldest_monotonic_ms.saturating_add(reference_ms))
    }
}

fn lock(front: &Mutex<Front>) -> MutexGuard<'_, Front> {
    front.lock().unwrap_or_else(PoisonError::into_inner)
}
