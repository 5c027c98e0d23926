//! The side of the queue that never waits: what is known at any time, whatever the disk does.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spool::Stats;
use tokio::time::Instant;

use super::reference::Reference;
use crate::record::Recorded;

/// Shorter outages than this leave no trace on disk.
pub(super) const PERSIST_AFTER: Duration = Duration::from_secs(45);

/// A collector that is there acknowledges more often than this.
pub(super) const PERSIST_AFTER_WHEN_LINKED: Duration = Duration::from_mins(6);

/// What may wait for the spool while its disk hangs. Beyond it the oldest is dropped, and counted.
const ADDED_BYTES: usize = 2_000_000;

/// Locked for moments alone.
#[derive(Debug)]
pub(super) struct Front {
    /// On its way into the spool.
    pub(super) added: VecDeque<Recorded>,
    pub(super) added_bytes: usize,
    /// Whether somebody is about to take it in.
    pub(super) is_taken_in: bool,
    /// Samples that were dropped before they reached the spool, and that it was not told of yet.
    pub(super) lost_samples: u64,
    /// Samples that were measured and are in no batch yet.
    pub(super) unrecorded: u64,
    /// Whether somebody is about to tell the spool of them.
    pub(super) is_noted_soon: bool,
    /// Sent on the stream there is, and not acknowledged.
    pub(super) on_the_way: BTreeSet<u64>,
    /// Whether there is a stream.
    is_linked: bool,
    /// Whether the oldest in memory was acknowledged on this stream.
    has_progressed: bool,
    pub(super) reference: Reference,
    /// Of the spool, when it was last left.
    pub(super) stats: Stats,
    /// Of what is not on the way, then.
    pub(super) waits: Waits,
    /// Since when the spool is in use.
    pub(super) busy_since: Option<Instant>,
    /// When the oldest in memory was last acknowledged, or something began to wait.
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

impl Front {
    /// Before a spool that was just opened.
    pub(super) fn new(stats: Stats, waits: Waits) -> Self {
        Self {
            added: VecDeque::new(),
            added_bytes: 0,
            is_taken_in: false,
            lost_samples: 0,
            unrecorded: 0,
            is_noted_soon: false,
            on_the_way: BTreeSet::new(),
            is_linked: false,
            has_progressed: false,
            reference: Reference::default(),
            waits,
            stats,
            busy_since: None,
            quiet_since: Instant::now(),
        }
    }

    pub(super) fn append(&mut self, recorded: Recorded) {
        if self.added.is_empty() && self.stats.records == 0 {
            self.quiet_since = Instant::now();
        }
        // What is listed as both measured and in a batch would count twice after a kill.
        self.unrecorded = self.unrecorded.saturating_sub(recorded.samples.into());
        self.added_bytes += recorded.bytes.len();
        self.added.push_back(recorded);
        while self.added_bytes > ADDED_BYTES
            && let Some(oldest) = self.added.pop_front()
        {
            self.added_bytes -= oldest.bytes.len();
            self.lost_samples += u64::from(oldest.samples);
        }
    }

    /// A stream begins.
    pub(super) fn linked(&mut self) {
        (self.is_linked, self.has_progressed) = (true, false);
    }

    /// A stream ended. One on which nothing came of what waits was none: such may follow one another
    /// for days.
    pub(super) fn unlinked(&mut self) {
        self.on_the_way.clear();
        if self.is_linked && self.has_progressed {
            self.quiet_since = Instant::now();
        }
        self.is_linked = false;
    }

    /// The oldest in memory was acknowledged.
    pub(super) fn progressed(&mut self) {
        self.has_progressed = true;
        self.quiet_since = Instant::now();
    }

    /// Whether a crash would lose what has waited for some time. The wall clock has no say in it: it
    /// jumps.
    pub(super) fn is_quiet(&self) -> bool {
        let most = if self.is_linked {
            PERSIST_AFTER_WHEN_LINKED
        } else {
            PERSIST_AFTER
        };
        self.stats().records_in_memory > 0 && self.quiet_since.elapsed() >= most
    }

    /// When this was measured, by the collector's clock.
    pub(super) fn true_time(&self, recorded: &Recorded) -> Option<i64> {
        let reference_ms = self.reference.get()?;
        Some(recorded.oldest_monotonic_ms.saturating_add(reference_ms))
    }

    /// Samples that were measured and are not in the spool, nor dropped.
    pub(super) fn not_in_spool(&self) -> u64 {
        self.unrecorded + self.added_samples()
    }

    fn added_samples(&self) -> u64 {
        let samples = self.added.iter().map(|added| u64::from(added.samples));
        samples.sum()
    }

    pub(super) fn stats(&self) -> Stats {
        let mut stats = self.stats;
        let added = self.added.len() as u64;
        stats.records += added;
        stats.records_in_memory += added;
        stats.samples += self.added_samples();
        stats.bytes += self.added_bytes as u64;
        stats.dropped_samples += self.lost_samples;
        stats
    }

    pub(super) fn waits(&self) -> Waits {
        let on_the_way = self.on_the_way.len() as u64;
        let mut waits = self.waits;
        waits.records = self.stats.records.saturating_sub(on_the_way);
        if waits.records == 0 {
            waits = Waits::default();
        }
        let oldest = self.added.front().and_then(|added| self.true_time(added));
        waits.records += self.added.len() as u64;
        waits.bytes += self.added_bytes as u64;
        waits.oldest_unix_ms = waits.oldest_unix_ms.or(oldest);
        waits
    }
}

pub(super) fn lock(front: &Mutex<Front>) -> MutexGuard<'_, Front> {
    front.lock().unwrap_or_else(PoisonError::into_inner)
}
