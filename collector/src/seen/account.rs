//! What the collector knows of one agent across its streams: what was taken, what is being written
//! just now, and its clocks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::{Run, Seen};
use crate::clocks::Clocks;

/// One agent's account. Streams and the journal share it.
#[derive(Debug, Default)]
pub struct Account {
    state: Mutex<State>,
    settled: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) seen: Seen,
    pub(super) clocks: Clocks,
    /// Batches that are being written, in the order of their claims.
    pending: VecDeque<Pending>,
    claims: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Pending {
    number: u64,
    instance: u64,
    sequence: u64,
}

/// What a batch is when it arrives.
#[derive(Debug)]
pub enum Claimed {
    /// It is new, and belongs to whoever asked.
    New(Claim),
    /// It arrived before and is being written.
    Pending,
    /// It was taken.
    Taken,
}

/// A batch that is being written. Dropped without having been taken, it was never there.
#[derive(Debug)]
pub struct Claim {
    account: Arc<Account>,
    number: u64,
    run: Run,
}

impl Account {
    pub(super) fn restored(seen: Seen, clocks: Clocks) -> Self {
        let state = State {
            seen,
            clocks,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            settled: Notify::new(),
        }
    }

    /// Claims a batch that arrived.
    pub fn claim(self: &Arc<Self>, instance: u64, sequence: u64) -> Claimed {
        let mut state = self.lock();
        if state.seen.contains(instance, sequence) {
            return Claimed::Taken;
        }
        let same = |one: &Pending| (one.instance, one.sequence) == (instance, sequence);
        if state.pending.iter().any(same) {
            return Claimed::Pending;
        }
        state.claims += 1;
        let number = state.claims;
        state.pending.push_back(Pending {
            number,
            instance,
            sequence,
        });
        Claimed::New(Claim {
            account: Arc::clone(self),
            number,
            run: Run {
                instance,
                first: sequence,
                last: sequence,
            },
        })
    }

    /// How many batches were ever claimed: what [`Account::is_written`] wants to know.
    #[must_use]
    pub fn claims(&self) -> u64 {
        self.lock().claims
    }

    /// Whether none of the first `claims` batches is still being written.
    #[must_use]
    pub fn is_written(&self, claims: u64) -> bool {
        let state = self.lock();
        state.pending.front().is_none_or(|one| one.number > claims)
    }

    /// How many batches are being written.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// Ends when the next batch was taken, or given up. Counts from when it is made, not from when it
    /// is awaited.
    pub fn settled(&self) -> Notified<'_> {
        self.settled.notified()
    }

    /// Notes batches as taken that were found in a record.
    pub fn take(&self, run: Run) {
        self.lock().seen.insert(run);
    }

    /// Whether a batch was taken.
    #[must_use]
    pub fn has(&self, instance: u64, sequence: u64) -> bool {
        self.lock().seen.contains(instance, sequence)
    }

    /// Those of these batches that were taken.
    #[must_use]
    pub fn taken(&self, run: Run) -> Vec<Run> {
        self.lock().seen.within(run).collect()
    }

    /// Works with the agent's clocks.
    pub fn with_clocks<T>(&self, work: impl FnOnce(&mut Clocks) -> T) -> T {
        work(&mut self.lock().clocks)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Notes that the batch is durable in every queue.
    pub fn taken(self) {
        // The rest is what its end does.
        self.account.lock().seen.insert(self.run);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.account.lock();
        state.pending.retain(|one| one.number != self.number);
        drop(state);
        self.account.settled.notify_waiters();
    }
}
