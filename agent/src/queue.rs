//! What was measured and is not yet acknowledged: the spool, shared by who fills and who empties it.
//!
//! In memory while the collector acknowledges, on disk when it does not, and at the end. The spool is
//! used on threads for blocking work, by one at a time. Adding a batch and asking for the counts never
//! wait for it: a disk that hangs delays what leaves the queue, not the measuring.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message as _;
use proto::limits::MESSAGE_BYTES;
use proto::wire;
use spool::{Disk, Sequence, Spool, Stats};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

use crate::clock::wall_unix_ms;
use crate::record::Recorded;

/// While the collector does not acknowledge, what waits is written to disk this often.
const PERSIST_INTERVAL: Duration = Duration::from_mins(1);

/// Shorter outages than this leave no trace on disk.
const PERSIST_AFTER: Duration = Duration::from_secs(45);

/// A disk that takes longer than this for anything hangs.
const HANGS: Duration = Duration::from_secs(10);

/// What may wait for the spool while its disk hangs. Beyond it the oldest is dropped, and counted.
const ADDED_BYTES: usize = 2_000_000;

/// A batch gets its sequence and its clock when it is sent.
const SENDABLE_BYTES: usize = MESSAGE_BYTES - 1024;

/// A handle to the one queue of this agent.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Arc<tokio::sync::Mutex<Store>>,
    front: Arc<Mutex<Front>>,
    appended: Arc<Notify>,
    /// Names the batches of this process together with their sequence.
    pub instance: u64,
}

/// What only one may use at a time, and only where blocking is allowed.
#[derive(Debug)]
struct Store {
    spool: Spool,
    /// What the disk did not give since the newest stream began.
    unreadable: BTreeSet<u64>,
    front: Arc<Mutex<Front>>,
}

/// What is there at any time, whatever the disk does. Locked for moments alone.
#[derive(Debug)]
struct Front {
    /// On its way into the spool.
    added: VecDeque<Recorded>,
    added_bytes: usize,
    /// Whether somebody is about to take it in.
    is_taken_in: bool,
    /// Samples that never reached the spool, or left it because nobody could have taken them.
    lost_samples: u64,
    /// Of the spool, when it was last left.
    stats: Stats,
    /// Since when it is in use.
    busy_since: Option<Instant>,
    /// When the collector last acknowledged, or something began to wait.
    quiet_since: Instant,
}

/// A batch that waits.
#[derive(Debug)]
pub struct Waiting {
    /// Its number in the queue.
    pub sequence: u64,
    /// Without sequence and clock of the sending.
    pub batch: wire::Batch,
}

impl Queue {
    /// Opens the queue in its folder.
    ///
    /// # Errors
    /// When the folder belongs to a newer version or to another process, or cannot be made.
    pub fn open(folder: &Path, limits: spool::Limits) -> Result<Self, spool::Error> {
        let spool = Spool::open(folder, limits, Some(wall_unix_ms()))?;
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
            stats,
            busy_since: None,
            quiet_since: Instant::now(),
        }));
        Ok(Self {
            store: Arc::new(tokio::sync::Mutex::new(Store {
                spool,
                unreadable: BTreeSet::new(),
                front: Arc::clone(&front),
            })),
            front,
            appended: Arc::new(Notify::new()),
            instance: rand::random(),
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
        if !std::mem::replace(&mut front.is_taken_in, true) {
            let queue = self.clone();
            tokio::spawn(async move {
                if queue.with(|_| ()).await.is_none() {
                    lock(&queue.front).is_taken_in = false;
                }
            });
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

    /// Forgets a batch that is safe with the collector.
    pub async fn ack(&self, sequence: u64) {
        lock(&self.front).quiet_since = Instant::now();
        self.with(move |store| store.spool.ack(Sequence(sequence)))
            .await;
    }

    /// Writes to disk what is only in memory. A disk that does not take it shows in
    /// [`Queue::problem`]; the batches stay in memory.
    pub async fn persist(&self) {
        self.with(|store| {
            // The state of the disk shows in `stats`, and the next call tries again.
            let _ = store.spool.persist(Some(wall_unix_ms()));
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
        let quiet_since = lock(&self.front).quiet_since;
        self.stats().records_in_memory > 0 && quiet_since.elapsed() >= PERSIST_AFTER
    }

    /// How much waits, and since when, as far as is known without asking the disk.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let front = lock(&self.front);
        let mut stats = front.stats;
        let added = front.added.len() as u64;
        let oldest = front.added.iter().map(|added| added.oldest_unix_ms).min();
        let samples = front.added.iter().map(|added| u64::from(added.samples));
        stats.records += added;
        stats.records_in_memory += added;
        stats.samples += samples.sum::<u64>();
        stats.bytes += front.added_bytes as u64;
        stats.oldest_time_unix_ms = stats.oldest_time_unix_ms.or(oldest);
        stats.dropped_samples += front.lost_samples;
        stats
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

impl Store {
    /// Moves into the spool what was added; says whether there was anything.
    fn take_in(&mut self) -> bool {
        let mut any = false;
        while let Some(recorded) = self.next_added() {
            any = true;
            let Recorded {
                bytes,
                oldest_unix_ms,
                samples,
            } = recorded;
            let appended =
                self.spool
                    .append(Some(oldest_unix_ms), samples, bytes, Some(wall_unix_ms()));
            if let Err(error) = appended {
                warn!(
                    error = crate::chain(&error),
                    samples, "A batch could not be kept."
                );
                lock(&self.front).lost_samples += u64::from(samples);
            }
        }
        any
    }

    fn next_added(&self) -> Option<Recorded> {
        let mut front = lock(&self.front);
        let next = front.added.pop_front();
        match &next {
            Some(recorded) => front.added_bytes -= recorded.bytes.len(),
            None => front.is_taken_in = false,
        }
        next
    }

    /// The next batch that can be sent. After an error of the disk it is asked no further this time,
    /// and not for that batch again before the next stream. Damage is counted by the spool.
    fn after(&mut self, mut sequence: Sequence) -> Option<Waiting> {
        loop {
            sequence = self.spool.after(sequence)?.sequence;
            if self.unreadable.contains(&sequence.0) {
                continue;
            }
            match self.spool.read(sequence) {
                Ok(Some(record)) => match decode(&record.bytes) {
                    Some(batch) => {
                        return Some(Waiting {
                            sequence: sequence.0,
                            batch,
                        });
                    }
                    None => {
                        let samples = record.weight;
                        warn!(samples, "A waiting batch cannot be sent; dropped.");
                        lock(&self.front).lost_samples += u64::from(samples);
                        self.spool.ack(sequence);
                    }
                },
                Ok(None) => {}
                Err(error) => {
                    if self.unreadable.is_empty() {
                        warn!(
                            error = crate::chain(&error),
                            "What waits on disk cannot be read now; the next stream tries again."
                        );
                    }
                    self.unreadable.insert(sequence.0);
                    return None;
                }
            }
        }
    }
}

/// `None` for what is no batch, or larger than any collector takes.
fn decode(bytes: &[u8]) -> Option<wire::Batch> {
    let fits = bytes.len() <= SENDABLE_BYTES;
    fits.then(|| wire::Batch::decode(bytes).ok()).flatten()
}

fn lock(front: &Mutex<Front>) -> MutexGuard<'_, Front> {
    front.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::mpsc;

    use super::*;

    fn queue(folder: &Path) -> Queue {
        Queue::open(folder, spool::Limits::default()).unwrap()
    }

    fn recorded(bytes: usize) -> Recorded {
        Recorded {
            bytes: vec![0; bytes],
            oldest_unix_ms: wall_unix_ms(),
            samples: 1,
        }
    }

    fn batch() -> Recorded {
        Recorded {
            bytes: wire::Batch::default().encode_to_vec(),
            ..recorded(0)
        }
    }

    #[tokio::test]
    async fn a_hung_disk_holds_up_nobody_who_measures_and_costs_only_what_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        let (release, hangs) = mpsc::channel::<()>();
        let (entered, inside) = tokio::sync::oneshot::channel();
        let hung = tokio::spawn({
            let queue = queue.clone();
            async move {
                let work = move |_: &mut Store| {
                    entered.send(()).unwrap();
                    hangs.recv().unwrap_err();
                };
                queue.with(work).await
            }
        });
        inside.await.unwrap();
        for _ in 0..30 {
            queue.append(recorded(100_000));
        }
        let stats = queue.stats();
        assert_eq!((stats.records, stats.dropped_samples), (20, 10));
        assert_eq!(stats.bytes, 2_000_000);
        drop(release);
        hung.await.unwrap().unwrap();
        queue.persist().await;
        let stats = queue.stats();
        assert_eq!((stats.records, stats.records_in_memory), (20, 0));
        assert_eq!(stats.dropped_samples, 10);
    }

    #[tokio::test]
    async fn what_no_collector_takes_is_dropped_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        queue.append(recorded(MESSAGE_BYTES));
        queue.append(recorded(10));
        queue.append(batch());
        let waiting = queue.after(0).await.unwrap();
        assert_eq!(waiting.batch, wire::Batch::default());
        let stats = queue.stats();
        assert_eq!((stats.records, stats.dropped_samples), (1, 2));
    }

    #[tokio::test]
    async fn a_record_too_large_for_the_spool_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let limits = spool::Limits {
            memory_bytes: 1000,
            ..spool::Limits::default()
        };
        let queue = Queue::open(folder.path(), limits).unwrap();
        queue.append(recorded(1001));
        assert!(queue.after(0).await.is_none());
        assert_eq!(queue.stats().dropped_samples, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_in_vain_is_quiet_whatever_the_wall_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        tokio::time::advance(PERSIST_AFTER).await;
        assert!(!queue.is_quiet(), "nothing waits");
        let of_the_future = Recorded {
            oldest_unix_ms: i64::MAX,
            ..batch()
        };
        queue.append(of_the_future);
        assert!(!queue.is_quiet(), "it has only come");
        tokio::time::advance(PERSIST_AFTER).await;
        assert!(queue.is_quiet());
        queue.append(batch());
        assert!(queue.is_quiet(), "more came, nothing went");
        let first = queue.after(0).await.unwrap().sequence;
        queue.ack(first).await;
        assert!(!queue.is_quiet(), "the collector is there");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_disk_that_gives_nothing_is_asked_once_per_call_and_again_on_the_next_stream() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        for _ in 0..2 {
            queue.append(batch());
            queue.persist().await;
        }
        let moved = folder.path().with_extension("away");
        std::fs::rename(folder.path(), &moved).unwrap();
        assert!(queue.after(0).await.is_none(), "the folder is gone");
        let unreadable = |store: &mut Store| store.unreadable.len();
        assert_eq!(queue.with(unreadable).await, Some(1), "one was tried");
        assert!(queue.after(0).await.is_none());
        assert_eq!(queue.with(unreadable).await, Some(2), "then the other");
        std::fs::rename(&moved, folder.path()).unwrap();
        assert!(queue.after(0).await.is_none(), "not on this stream");
        queue.newest().await;
        assert!(queue.after(0).await.is_some(), "but on the next");
    }
}
