//! Makes the ledger durable now and then, and lets the queues go of what it covers.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::commit::Keeper;
use crate::metrics::own::Own;
use crate::seen::{Ledger, SnapshotError};

/// The least time between two snapshots: records wait that long before they may leave their queues.
const INTERVAL: Duration = Duration::from_secs(5);

/// The same without queues: then nothing waits for it.
const RELAXED: Duration = Duration::from_mins(1);

/// Bytes a second that snapshots may cost the disk.
const RATE: usize = 250_000;

/// Saves the ledger.
#[derive(Debug)]
pub struct Settler {
    ledger: Arc<Ledger>,
    keeper: Keeper,
    own: Arc<Own>,
    failing: bool,
}

impl Settler {
    /// One for these queues.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, keeper: Keeper, own: Arc<Own>) -> Self {
        Self {
            ledger,
            keeper,
            own,
            failing: false,
        }
    }

    /// Saves for ever.
    pub async fn run(&mut self) {
        let least = if self.keeper.has_queues() {
            INTERVAL
        } else {
            RELAXED
        };
        loop {
            let bytes = self.settle().await;
            let worth = Duration::from_secs((bytes / RATE) as u64);
            tokio::time::sleep(least.max(worth)).await;
        }
    }

    /// Saves now; how many bytes that were.
    pub async fn settle(&mut self) -> usize {
        let (ledger, keeper) = (Arc::clone(&self.ledger), self.keeper.clone());
        let saved = tokio::task::spawn_blocking(move || {
            // Asked first: what is taken from now on need not be in the snapshot.
            let covered = keeper.committed();
            let bytes = ledger.save(&covered)?;
            keeper.release(&covered);
            Ok::<_, SnapshotError>(bytes)
        });
        match saved.await {
            Ok(Ok(bytes)) => {
                self.failing = false;
                bytes
            }
            Ok(Err(error)) => {
                self.own.commit_failures.inc();
                if !std::mem::replace(&mut self.failing, true) {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    warn!(%error, cause, "What was taken could not be noted on disk; queues grow until it can.");
                }
                0
            }
            Err(_) => 0,
        }
    }
}
