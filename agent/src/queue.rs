//! What was measured and is not yet acknowledged: the spool, shared by who fills and who empties it.
//!
//! In memory while the collector acknowledges, on disk when it does not, and at the end. Every
//! operation runs on a thread for blocking work: a slow disk delays the queue, not the probes.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message as _;
use proto::wire;
use spool::{Disk, Sequence, Spool};
use tokio::sync::Notify;
use tracing::warn;

use crate::clock::wall_unix_ms;
use crate::record::Recorded;

/// A handle to the one queue of this agent.
#[derive(Debug, Clone)]
pub struct Queue {
    spool: Arc<Mutex<Spool>>,
    appended: Arc<Notify>,
    /// Names the batches of this process together with their sequence.
    pub instance: u64,
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
        let spool = Spool::open(folder, limits, wall_unix_ms())?;
        let stats = spool.stats();
        if stats.corrupt_files > 0 || stats.cut_bytes > 0 {
            let (corrupt_files, cut_bytes) = (stats.corrupt_files, stats.cut_bytes);
            warn!(
                corrupt_files,
                cut_bytes, "Part of what waited on disk was damaged; the rest goes on."
            );
        }
        Ok(Self {
            spool: Arc::new(Mutex::new(spool)),
            appended: Arc::new(Notify::new()),
            instance: rand::random(),
        })
    }

    async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Spool) -> R + Send + 'static,
    ) -> Option<R> {
        let spool = Arc::clone(&self.spool);
        let work = move || work(&mut spool.lock().unwrap_or_else(PoisonError::into_inner));
        // It fails only when the runtime shuts down.
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// Adds a batch.
    pub async fn append(&self, recorded: Recorded) {
        let Recorded {
            bytes,
            oldest_unix_ms,
            samples,
        } = recorded;
        let append =
            move |spool: &mut Spool| spool.append(oldest_unix_ms, samples, bytes, wall_unix_ms());
        if let Some(Err(error)) = self.with(append).await {
            warn!(
                error = crate::chain(&error),
                samples, "A batch could not be kept."
            );
        }
        self.appended.notify_one();
    }

    /// Returns once something was added since it last returned.
    pub async fn appended(&self) {
        self.appended.notified().await;
    }

    /// The batch that follows `sequence`, if any waits. What cannot be read is passed over: damage
    /// is counted by the spool, a disk that does not answer may do so on the next stream.
    pub async fn after(&self, sequence: u64) -> Option<Waiting> {
        self.with(move |spool| {
            let mut sequence = Sequence(sequence);
            loop {
                sequence = spool.after(sequence)?.sequence;
                match spool.read(sequence) {
                    Ok(Some(record)) => match wire::Batch::decode(&record.bytes[..]) {
                        Ok(batch) => {
                            return Some(Waiting {
                                sequence: sequence.0,
                                batch,
                            });
                        }
                        Err(error) => {
                            warn!(%error, %sequence, "A waiting batch makes no sense; dropped.");
                            spool.ack(sequence);
                        }
                    },
                    Ok(None) => {}
                    Err(error) => warn!(
                        error = crate::chain(&error),
                        "A waiting batch cannot be read now."
                    ),
                }
            }
        })
        .await?
    }

    /// The number of the newest batch there is; 0 for none.
    pub async fn newest(&self) -> u64 {
        let newest = self.with(|spool| spool.newest()).await.flatten();
        newest.map_or(0, |entry| entry.sequence.0)
    }

    /// Forgets a batch that is safe with the collector.
    pub async fn ack(&self, sequence: u64) {
        self.with(move |spool| spool.ack(Sequence(sequence))).await;
    }

    /// Writes to disk what is only in memory. A disk that does not take it is told once, by
    /// [`spool::Stats`]; the batches stay in memory.
    pub async fn persist(&self) {
        self.with(|spool| {
            // The state of the disk shows in `stats`, and the next call tries again.
            let _ = spool.persist(wall_unix_ms());
        })
        .await;
    }

    /// How much waits, and since when. `None` while the program ends.
    pub async fn stats(&self) -> Option<spool::Stats> {
        self.with(|spool| spool.stats()).await
    }
}

/// What is wrong with the folder, in words.
#[must_use]
pub fn disk_problem(disk: Disk) -> Option<&'static str> {
    match disk {
        Disk::Good => None,
        Disk::Full => Some("the disk is full: make room, or what is measured waits in memory only"),
        Disk::ReadOnly => {
            Some("the data folder is read-only: what is measured waits in memory only")
        }
        Disk::Gone => Some("the data folder is gone: what is measured waits in memory only"),
        Disk::Failing => Some("the disk fails: what is measured waits in memory only"),
    }
}
