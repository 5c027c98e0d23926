//! Which batches of each agent were taken, so that none is lost and none is counted twice, whoever is
//! killed when.
//!
//! [`Seen`] are the numbers, an [`Account`] is what the collector knows of one agent (those numbers,
//! its clocks, what is being written just now), the [`Ledger`] has them all, and `snapshot` is its
//! file.
//!
//! # Why nothing is lost and nothing is twice
//!
//! A batch goes through these steps, and each is done before the next begins:
//!
//! 1. It is *claimed*: received, and neither taken nor claimed by anybody else.
//! 2. Its record is appended to the queue of every remote-write target, and all queues are synced.
//! 3. It is *taken*: noted here, in memory. From now on it may be acknowledged.
//! 4. A snapshot of the ledger is synced to disk.
//! 5. The queues are told that the record is *settled*. From now on it may leave them.
//!
//! At a start, taken is what the snapshot says, and what those records say that came after it: it names
//! the last record of each queue that it covers. So, when the collector is killed, or the power is cut,
//!
//! * before 2 is done: nobody was told anything, the agent still has the batch and sends it again. A
//!   record that had reached some queues and not others is completed at the start from the one that
//!   has it, before anybody is asked anything (see [`crate::ingest`]); records in no queue are gone
//!   and were not acknowledged.
//! * between 2 and 4: the record waits in a queue, because it was not settled, and makes the batch
//!   taken at the start, be it that its samples were delivered already. If the agent got its
//!   acknowledgement, good; if not, it sends the batch again, and is told that it is known.
//! * after 4: the snapshot knows, with or without the record.
//!
//! A snapshot replaces the one before as a whole, so a kill in the middle leaves the older one, and
//! that is what the queues were told. Samples may reach a *store* twice when the collector is killed
//! between their delivery and its note that they were delivered; they are the same samples with the
//! same times, which a store keeps once.
//!
//! Without any target there is nothing to make durable but these numbers: a batch is taken at once,
//! and what a kill costs is at most that a batch of the last seconds is taken for new again.
//!
//! Everything is bounded, by forgetting the oldest run of numbers and the oldest instance: to count a
//! batch twice is the smaller harm, to take a new one for a duplicate would lose it. What came just now
//! is never what is forgotten, however old its numbers are: it is to be acknowledged, or a backlog behind
//! many gaps would be sent for ever.

mod account;
mod ledger;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use spool::Ranges;

pub use self::account::{Account, Claim, Claimed};
pub use self::ledger::{Covered, FILE, Ledger};
pub use self::snapshot::SnapshotError;

/// Runs of numbers that are remembered. Numbers jump when an agent starts: these are its starts of two
/// weeks, and what it sends again is mostly of its last minutes.
const RUNS: usize = 16;

/// Instances of one agent that are remembered. An instance is a spool; a new one is rare.
const INSTANCES: usize = 4;

/// Batches of one instance, from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The agent's spool.
    pub instance: u64,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// What was taken of one agent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The one that was new last is the last.
    instances: VecDeque<(u64, Ranges)>,
}

impl Seen {
    /// Whether a batch was taken.
    #[must_use]
    pub fn contains(&self, instance: u64, sequence: u64) -> bool {
        self.taken(instance)
            .is_some_and(|taken| taken.contains(sequence))
    }

    /// Notes batches as taken.
    pub fn insert(&mut self, run: Run) {
        let known = self
            .instances
            .iter()
            .position(|(id, _)| *id == run.instance);
        let place = known.unwrap_or_else(|| {
            if self.instances.len() >= INSTANCES {
                self.instances.pop_front();
            }
            self.instances.push_back((run.instance, Ranges::default()));
            self.instances.len() - 1
        });
        let Some((_, taken)) = self.instances.get_mut(place) else {
            return;
        };
        taken.insert_range(run.first, run.last);
        let is_other = |(first, last): &(u64, u64)| run.first < *first || run.last > *last;
        let oldest = taken.iter().find(is_other);
        if let Some((first, last)) = oldest.filter(|_| taken.len() > RUNS) {
            taken.remove_range(first, last);
        }
    }

    /// Those of these batches that were taken.
    pub fn within(&self, run: Run) -> impl Iterator<Item = Run> {
        let taken = self.taken(run.instance).into_iter().flat_map(Ranges::iter);
        taken.filter_map(move |(first, last)| {
            let (first, last) = (first.max(run.first), last.min(run.last));
            let instance = run.instance;
            (first <= last).then_some(Run {
                instance,
                first,
                last,
            })
        })
    }

    /// Everything that was taken: instances, the newest last, with the first and last of each of their
    /// runs in order.
    pub fn instances(&self) -> impl Iterator<Item = (u64, impl Iterator<Item = (u64, u64)>)> {
        let instances = self.instances.iter();
        instances.map(|(instance, taken)| (*instance, taken.iter()))
    }

    fn taken(&self, instance: u64) -> Option<&Ranges> {
        let (_, taken) = self.instances.iter().find(|(id, _)| *id == instance)?;
        Some(taken)
    }
}
