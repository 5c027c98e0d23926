//! What was measured and is not yet acknowledged: the spool, shared by who fills and who empties it.
//!
//! In memory while the collector acknowledges, on disk when it does not, and at the end. The spool is
//! used on threads for blocking work, by one at a time. Adding a batch and asking for the counts never
//! wait for it: a disk that hangs delays what leaves the queue, not the measuring.
//!
//! How old a batch is, is told by the collector's clock alone: this one may be set by years at any
//! moment. Before the collector was heard since the agent began, no batch is known to be old.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message as _;
use proto::limits::{LOST_PER_HELLO, MESSAGE_BYTES};
use proto::stream::{Malformed, Measured};
use proto::wire;
use spool::{Disk, Lost, Sequence, Spool, Stats};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

use crate::clock;
use crate::record::Recorded;

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

/// A batch gets its sequence and its clock when it is sent.
const SENDABLE_BYTES: usize = MESSAGE_BYTES - 1024;

/// A handle to the one queue of this agent.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Arc<tokio::sync::Mutex<Store>>,
    front: Arc<Mutex<Front>>,
    appended: Arc<Notify>,
    /// Names the batches of this queue together with their sequence.
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
    /// Samples that were dropped before they reached the spool, and that it was not told of yet.
    lost_samples: u64,
    /// Samples that were measured and are in no batch yet.
    unrecorded: u64,
    /// Sent on the stream there is, and not acknowledged.
    on_the_way: BTreeSet<u64>,
    /// Whether there is a stream.
    is_linked: bool,
    /// The collector's clock less the monotonic one of this boot.
    reference_ms: Option<i64>,
    /// Of the spool, when it was last left.
    stats: Stats,
    /// Of what is not on the way, then.
    waits: Waits,
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
    /// Names it together with its number.
    pub instance: u64,
    /// How the clocks stood when it was measured.
    pub recorded: Option<wire::Recorded>,
    /// What was measured.
    pub measured: Measured,
    /// The number of the batch that follows.
    pub next: Option<u64>,
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
            reference_ms: None,
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
        let monotonic_ms = clock::now().monotonic_ms;
        lock(&self.front).reference_ms = Some(server_unix_ms.saturating_sub_unsigned(monotonic_ms));
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
        let reference_ms = self.reference_ms?;
        Some(recorded.oldest_monotonic_ms.saturating_add(reference_ms))
    }
}

impl Store {
    /// By the collector's clock.
    fn now_unix_ms(&self) -> Option<i64> {
        let reference_ms = lock(&self.front).reference_ms?;
        Some(reference_ms.saturating_add_unsigned(clock::now().monotonic_ms))
    }

    /// Moves into the spool what was added; says whether there was anything.
    fn take_in(&mut self) -> bool {
        let mut any = false;
        while let Some(recorded) = self.next_added() {
            any = true;
            let time_unix_ms = lock(&self.front).true_time(&recorded);
            let now_unix_ms = self.now_unix_ms();
            let Recorded { bytes, samples, .. } = recorded;
            let appended = self.spool.append(time_unix_ms, samples, bytes, now_unix_ms);
            if let Err(error) = appended {
                warn!(
                    error = crate::chain(&error),
                    samples, "A batch could not be kept."
                );
                self.spool.count_lost(u64::from(samples));
            }
        }
        let (lost_samples, unrecorded) = {
            let mut front = lock(&self.front);
            (std::mem::take(&mut front.lost_samples), front.unrecorded)
        };
        if lost_samples > 0 {
            self.spool.count_lost(lost_samples);
        }
        self.spool.note_unrecorded(unrecorded);
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
                    Ok((batch, measured)) => {
                        return Some(Waiting {
                            sequence: sequence.0,
                            instance: batch.instance,
                            recorded: batch.recorded,
                            measured,
                            next: self.spool.after(sequence).map(|next| next.sequence.0),
                        });
                    }
                    Err(error) => {
                        let samples = record.weight;
                        let error = crate::chain(&error);
                        warn!(error, samples, "A waiting batch cannot be sent; dropped.");
                        self.spool.count_lost(u64::from(samples));
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

/// Why a batch in the spool is of no use to any collector.
#[derive(Debug, thiserror::Error)]
enum Useless {
    #[error("larger than any collector takes")]
    TooLarge,
    #[error("not a batch")]
    NoBatch(#[from] prost::DecodeError),
    #[error("not a batch of this version")]
    Malformed(#[from] Malformed),
}

fn decode(bytes: &[u8]) -> Result<(wire::Batch, Measured), Useless> {
    if bytes.len() > SENDABLE_BYTES {
        return Err(Useless::TooLarge);
    }
    let batch = wire::Batch::decode(bytes)?;
    let measured = Measured::unpack(&batch)?;
    Ok((batch, measured))
}

/// In as few ranges as name exactly these, or, where those would be too many, one of each instance:
/// a collector says of which it knows, whatever else is asked for.
fn ranges_of(lost: &[Lost]) -> Vec<wire::Batches> {
    let mut exact: Vec<wire::Batches> = Vec::new();
    let mut spans: Vec<wire::Batches> = Vec::new();
    for Lost {
        instance, sequence, ..
    } in lost
    {
        let one = wire::Batches {
            instance: *instance,
            first: sequence.0,
            last: sequence.0,
        };
        match exact.last_mut() {
            Some(last)
                if last.instance == *instance && last.last.checked_add(1) == Some(one.first) =>
            {
                last.last = one.last;
            }
            _ => exact.push(one),
        }
        match spans.iter_mut().find(|span| span.instance == *instance) {
            Some(span) => {
                span.first = span.first.min(one.first);
                span.last = span.last.max(one.last);
            }
            None => spans.push(one),
        }
    }
    let mut ranges = if exact.len() > LOST_PER_HELLO {
        spans
    } else {
        exact
    };
    ranges.truncate(LOST_PER_HELLO);
    ranges
}

/// Of a spool without what is on its way. Its records are a few kilobytes each, so an even share of
/// its bytes is near enough.
fn waits(spool: &Spool, stats: &Stats, on_the_way: &BTreeSet<u64>) -> Waits {
    let records = stats.records.saturating_sub(on_the_way.len() as u64);
    let mut oldest = spool.oldest();
    while let Some(entry) = oldest.filter(|entry| on_the_way.contains(&entry.sequence.0)) {
        oldest = spool.after(entry.sequence);
    }
    let bytes = stats
        .bytes
        .saturating_mul(records)
        .checked_div(stats.records);
    Waits {
        records,
        bytes: bytes.unwrap_or_default(),
        oldest_unix_ms: oldest.and_then(|entry| entry.time_unix_ms),
    }
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
            oldest_monotonic_ms: 1_000,
            samples: 1,
        }
    }

    fn batch() -> Recorded {
        Recorded {
            bytes: Measured::default()
                .pack(1, wire::Recorded::default())
                .encode_to_vec(),
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
        assert_eq!(waiting.measured, Measured::default());
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
    async fn what_waits_in_vain_is_quiet_sooner_without_a_stream_than_with_one() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        tokio::time::advance(PERSIST_AFTER).await;
        assert!(!queue.is_quiet(), "nothing waits");
        queue.append(batch());
        assert!(!queue.is_quiet(), "it has only come");
        tokio::time::advance(PERSIST_AFTER).await;
        assert!(queue.is_quiet());
        queue.append(batch());
        assert!(queue.is_quiet(), "more came, nothing went");
        let first = queue.after(0).await.unwrap().sequence;
        queue.ack(vec![first]).await;
        assert!(!queue.is_quiet(), "the collector is there");

        queue.linked();
        tokio::time::advance(PERSIST_AFTER * 3).await;
        assert!(!queue.is_quiet(), "acknowledgements are rare");
        tokio::time::advance(PERSIST_AFTER_WHEN_LINKED).await;
        assert!(queue.is_quiet(), "but not that rare");
        queue.unlinked();
        assert!(!queue.is_quiet());
        tokio::time::advance(PERSIST_AFTER).await;
        assert!(queue.is_quiet());
    }

    #[tokio::test]
    async fn what_is_on_its_way_does_not_wait_until_its_stream_ends() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        queue.heard_time(1_000_000_000_000);
        queue.append(batch());
        let records = || queue.waits().records;
        assert_eq!(records(), 1);
        let sequence = queue.after(0).await.unwrap().sequence;
        assert_eq!(records(), 1);
        assert!(queue.waits().oldest_unix_ms.is_some());
        queue.sent(sequence);
        assert_eq!(queue.waits(), Waits::default());
        queue.append(batch());
        queue.newest().await;
        assert_eq!(records(), 1);
        queue.unlinked();
        assert_eq!(records(), 2);
        queue.ack(vec![sequence, sequence + 1]).await;
        assert_eq!(queue.waits(), Waits::default());
    }

    #[test]
    fn lost_batches_are_asked_for_in_few_ranges() {
        let lost = |sequences: &[u64]| -> Vec<Lost> {
            let one = |sequence: &u64| Lost {
                instance: 7,
                sequence: Sequence(*sequence),
                samples: 1,
            };
            sequences.iter().map(one).collect()
        };
        let ranges = |lost: &[Lost]| -> Vec<(u64, u64)> {
            let ranges = ranges_of(lost);
            ranges.iter().map(|one| (one.first, one.last)).collect()
        };
        assert_eq!(
            ranges(&lost(&[3, 4, 5, 9, 11, 12])),
            [(3, 5), (9, 9), (11, 12)]
        );
        let many: Vec<u64> = (0..1_000).map(|n| n * 2).collect();
        assert_eq!(ranges(&lost(&many)), [(0, 1_998)]);
        assert_eq!(ranges(&[]), []);
    }

    #[tokio::test]
    async fn what_a_kill_took_is_counted_but_for_what_arrived() {
        let folder = tempfile::tempdir().unwrap();
        let killed = queue(folder.path());
        for _ in 0..3 {
            killed.append(batch());
        }
        killed.newest().await;
        killed.note_unrecorded(10);
        killed.newest().await;
        let instance = killed.instance;
        while Arc::strong_count(&killed.store) > 1 {
            tokio::task::yield_now().await;
        }
        drop(killed);

        let queue = queue(folder.path());
        assert_eq!(queue.instance, instance);
        let lost = queue.lost().await;
        let range = |first, last| wire::Batches {
            instance,
            first,
            last,
        };
        assert_eq!(lost, [range(1, 4)], "and what was in no batch yet");
        assert_eq!(queue.stats().dropped_samples, 0);
        queue.settle_lost(vec![range(1, 2)]).await;
        assert_eq!(queue.stats().dropped_samples, 11);
        assert_eq!(queue.lost().await, []);
    }

    #[tokio::test]
    async fn age_is_judged_by_the_collectors_clock_alone() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(folder.path());
        let now_ms = i64::try_from(clock::now().monotonic_ms).unwrap();
        let measured_ago = |ago: Duration| {
            let ago_ms = i64::try_from(ago.as_millis()).unwrap();
            queue.append(Recorded {
                oldest_monotonic_ms: now_ms - ago_ms,
                ..batch()
            });
        };
        const DAY: Duration = Duration::from_hours(24);
        measured_ago(100 * DAY);
        assert!(queue.after(0).await.is_some(), "nobody knows its age");
        queue.heard_time(1_000_000_000_000);
        measured_ago(6 * DAY);
        queue.newest().await;
        assert_eq!(queue.stats().records, 2);
        assert_eq!(queue.stats().dropped_samples, 0);
        // The oldest is looked at first, and nobody knows of it.
        queue.ack(vec![1]).await;
        measured_ago(8 * DAY);
        queue.newest().await;
        let age_ms = 1_000_000_000_000 - queue.waits().oldest_unix_ms.unwrap();
        assert!(age_ms.abs_diff(6 * 86_400_000) < 60_000, "{age_ms}");
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
