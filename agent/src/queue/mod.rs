//! What was measured and is not yet acknowledged: the spool, shared by who fills and who empties it.
//!
//! In memory while the collector acknowledges, on disk when it does not, and at the end. The spool is
//! used on threads for blocking work, by one at a time. Adding a batch and asking for the counts never
//! wait for it: a disk that hangs delays what leaves the queue, not the measuring.
//!
//! How old a batch is, is told by the collector's clock alone: this one may be set by years at any
//! moment. Before the collector was heard since the agent began, no batch is known to be old, nor while
//! its clock is in doubt.

mod front;
mod reference;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proto::wire;
use spool::{Disk, Sequence, Spool, Stats};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

use self::front::{Front, lock};
use self::store::{Store, ranges_of, waits};
use crate::clock;
use crate::record::Recorded;

pub use self::front::Waits;
pub use self::store::Waiting;

/// While the collector does not acknowledge, what waits is written to disk this often.
const PERSIST_INTERVAL: Duration = Duration::from_mins(1);

/// How soon the spool hears of what was measured: what a kill takes sooner than this is not counted.
const NOTED_WITHIN: Duration = Duration::from_millis(10);

/// A disk that takes longer than this for anything hangs.
const HANGS: Duration = Duration::from_secs(10);

/// A handle to the one queue of this agent.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Arc<tokio::sync::Mutex<Store>>,
    front: Arc<Mutex<Front>>,
    appended: Arc<Notify>,
    /// Names the batches of this queue together with their sequence.
    pub instance: u64,
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
        let waits = waits(&spool, &stats, &BTreeSet::new());
        let front = Arc::new(Mutex::new(Front::new(stats, waits)));
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
        lock(&self.front).append(recorded);
        self.take_in_soon();
    }

    /// Says how many samples were measured and are in no batch yet, so that a kill does not take them
    /// uncounted; [`Queue::append`] takes those of its batch off. Does not wait for the disk, which is
    /// told a moment later: sources that are read together are noted together.
    pub fn note_unrecorded(&self, samples: usize) {
        let mut front = lock(&self.front);
        front.unrecorded = samples as u64;
        if !std::mem::replace(&mut front.is_noted_soon, true) {
            let queue = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(NOTED_WITHIN).await;
                lock(&queue.front).is_noted_soon = false;
                queue.take_in_soon();
            });
        }
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

    /// Counts what was lost of what a Hello `asked` about, but for what `arrived`.
    pub async fn settle_lost(&self, asked: Vec<wire::Batches>, arrived: Vec<wire::Batches>) {
        let settled = self.with(move |store| store.settle_lost(&asked, &arrived));
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

    /// The batch that follows `sequence`, if any waits and the disk gives it. It is unpacked here, and not on
    /// the thread that reads: each thread keeps what memory it once needed, and there are several.
    pub async fn after(&self, sequence: u64) -> Option<Waiting> {
        let mut sequence = Sequence(sequence);
        loop {
            let found = self.with(move |store| store.after(sequence)).await??;
            sequence = found.sequence;
            if let Some(waiting) = found.unpack() {
                return Some(waiting);
            }
            self.with(move |store| store.spool.discard(sequence)).await;
        }
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
        let is_sent = |sequence: &u64| !sequences.contains(sequence);
        lock(&self.front).on_the_way.retain(is_sent);
        self.with(move |store| store.ack(&sequences)).await;
    }

    /// A stream begins.
    pub fn linked(&self) {
        lock(&self.front).linked();
    }

    /// A stream ended: what was on its way may have arrived or not.
    pub fn unlinked(&self) {
        lock(&self.front).unlinked();
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
            if lock(&self.front).is_quiet() {
                self.persist().await;
            }
        }
    }

    /// How much is here, as far as is known without asking the disk.
    #[must_use]
    pub fn stats(&self) -> Stats {
        lock(&self.front).stats()
    }

    /// How much waits, and since when, as far as is known without asking the disk.
    #[must_use]
    pub fn waits(&self) -> Waits {
        lock(&self.front).waits()
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
