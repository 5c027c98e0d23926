//! At the start: what the queues say of the moment the collector was killed in.
//!
//! A record that was being written may have reached some queues and not others. It is completed here,
//! from the one that has it, before any agent is answered; then its batches count as taken. The snapshot
//! names the last record of each queue that it covers, so only those behind it are looked at, which are
//! the last seconds'; of a queue that it does not name, all are. Where a record cannot be completed,
//! because a disk takes nothing, its batches stay with their agents, which send them again.
//!
//! Records that cannot be read are left for the senders, which count them. Those of a newer version are
//! not dropped but end the start.

use std::collections::HashMap;

use proto::ids::AgentId;
use tracing::{info, warn};

use crate::journal::{self, RecordError};
use crate::remote_write::{Queue, Record};
use crate::seen::{Ledger, Run};

/// Why what waits cannot be brought in order.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// A disk does not give what it has.
    #[error("cannot read what waits for the remote write target {target:?}")]
    Read {
        /// Its name.
        target: String,
        /// Why.
        source: spool::Error,
    },
    /// It was written by a newer version.
    #[error("cannot understand what waits for the remote write target {target:?}")]
    Newer {
        /// Its name.
        target: String,
        /// What is newer.
        source: RecordError,
    },
}

/// The batches of a record that the snapshot does not cover, and whether each queue has it.
type Unsettled = HashMap<Vec<(AgentId, u64, u64)>, Vec<bool>>;

/// Completes what was being written, and notes as taken what waits. Blocks on the disk.
///
/// # Errors
/// When a disk does not give what it should, or has what a newer version wrote.
pub fn recover(queues: &[Queue], ledger: &Ledger) -> Result<(), RecoverError> {
    let unsettled = unsettled(queues, ledger)?;
    let mut is_durable = vec![true; queues.len()];
    if unsettled.values().any(|there| there.contains(&false)) {
        for number in 0..queues.len() {
            complete_from(queues, number, &unsettled, ledger)?;
        }
        is_durable = queues.iter().map(persist).collect();
    }
    let records = unsettled.len();
    for (names, there) in unsettled {
        if !there
            .iter()
            .zip(&is_durable)
            .all(|(there, is)| *there || *is)
        {
            continue;
        }
        for (agent, instance, sequence) in names {
            ledger.account(&agent).take(Run {
                instance,
                first: sequence,
                last: sequence,
            });
        }
    }
    if records > 0 {
        info!(records, "Found what was taken in just before the last end.");
    }
    Ok(())
}

/// Whether what is in the queue's memory is on disk now.
fn persist(queue: &Queue) -> bool {
    let persisted = queue.persist();
    if let Err(error) = &persisted {
        let error: &dyn std::error::Error = error;
        warn!(
            error,
            target = queue.target(),
            "What was being written when the collector ended cannot be written now: make room. Agents \
             keep it until then."
        );
    }
    persisted.is_ok()
}

fn unsettled(queues: &[Queue], ledger: &Ledger) -> Result<Unsettled, RecoverError> {
    let mut unsettled = Unsettled::new();
    for (number, queue) in queues.iter().enumerate() {
        let mut newer = None;
        let covered = covered(queue, ledger);
        // The newest in any case: where one is of a newer version, that is.
        let newest = queue.newest().saturating_sub(1);
        scan(queue, covered.min(newest), |record| {
            let names = match journal::batches(&record.bytes) {
                Ok(names) => names,
                Err(error @ RecordError::Newer { .. }) => {
                    newer.get_or_insert(error);
                    return;
                }
                Err(_) => return,
            };
            let is_taken = |(agent, instance, sequence): &(AgentId, u64, u64)| {
                ledger.account(agent).has(*instance, *sequence)
            };
            if record.sequence <= covered || names.iter().all(is_taken) {
                return;
            }
            let nowhere = || vec![false; queues.len()];
            let there = unsettled.entry(names).or_insert_with(nowhere);
            if let Some(there) = there.get_mut(number) {
                *there = true;
            }
        })?;
        if let Some(source) = newer {
            let target = queue.target().to_owned();
            return Err(RecoverError::Newer { target, source });
        }
    }
    Ok(unsettled)
}

/// Copies what a queue has, none before it has, and others lack.
fn complete_from(
    queues: &[Queue],
    number: usize,
    unsettled: &Unsettled,
    ledger: &Ledger,
) -> Result<(), RecoverError> {
    let Some(source) = queues.get(number) else {
        return Ok(());
    };
    scan(source, covered(source, ledger), |record| {
        let names = journal::batches(&record.bytes).unwrap_or_default();
        let Some(there) = unsettled.get(&names) else {
            return;
        };
        if there.iter().position(|there| *there) != Some(number) {
            return;
        }
        for (queue, there) in queues.iter().zip(there) {
            if !there {
                queue.append(record.bytes.clone(), record.samples);
            }
        }
    })
}

fn covered(queue: &Queue, ledger: &Ledger) -> u64 {
    ledger.covered(queue.target(), queue.instance())
}

fn scan(queue: &Queue, after: u64, visit: impl FnMut(Record)) -> Result<(), RecoverError> {
    queue
        .scan_after(after, visit)
        .map_err(|source| RecoverError::Read {
            target: queue.target().to_owned(),
            source,
        })
}
