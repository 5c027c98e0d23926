//! At the start: what the queues say of the moment the collector was killed in.
//!
//! A record that was being written may have reached some queues and not others. It is completed here,
//! from the one that has it, before any agent is answered; then its batches count as taken. Only
//! records of which the snapshot knows a batch less need any care, and those are the last seconds'.

use std::collections::HashMap;

use proto::ids::AgentId;
use tracing::{info, warn};

use crate::journal;
use crate::remote_write::Queue;
use crate::seen::{Ledger, Run};

type Names = Vec<(AgentId, u64, u64)>;

/// A record that the snapshot does not cover.
struct Unsettled {
    bytes: Vec<u8>,
    samples: u32,
    /// Whether each queue has it.
    there: Vec<bool>,
}

/// Completes what was being written, and notes as taken what waits. Blocks on the disk. Returns how
/// many records could not be read.
///
/// # Errors
/// When a disk does not give or take what it should.
pub fn recover(queues: &[Queue], ledger: &Ledger) -> Result<u64, spool::Error> {
    let mut damaged = 0;
    let mut unsettled: HashMap<Names, Unsettled> = HashMap::new();
    for (number, queue) in queues.iter().enumerate() {
        queue.scan(|bytes| match journal::batches(bytes) {
            Ok(names) if names.iter().all(|name| is_taken(ledger, name)) => {}
            Ok(names) => {
                let record = unsettled.entry(names).or_insert_with(|| Unsettled {
                    bytes: bytes.to_vec(),
                    samples: samples(bytes),
                    there: vec![false; queues.len()],
                });
                if let Some(there) = record.there.get_mut(number) {
                    *there = true;
                }
            }
            Err(error) => {
                damaged += 1;
                warn!(%error, target = queue.target(), "A record that waited on disk cannot be read.");
            }
        })?;
    }
    let count = unsettled.len();
    for (number, queue) in queues.iter().enumerate() {
        let missing = |record: &&Unsettled| record.there.get(number) == Some(&false);
        let missing: Vec<_> = unsettled.values().filter(missing).collect();
        for record in &missing {
            queue.append(record.bytes.clone(), record.samples);
        }
        if !missing.is_empty() {
            queue.persist()?;
        }
    }
    for (agent, instance, sequence) in unsettled.into_keys().flatten() {
        ledger.account(&agent).take(Run {
            instance,
            first: sequence,
            last: sequence,
        });
    }
    if count > 0 {
        info!(
            records = count,
            "Found what was taken in just before the last end."
        );
    }
    Ok(damaged)
}

fn is_taken(ledger: &Ledger, (agent, instance, sequence): &(AgentId, u64, u64)) -> bool {
    ledger.account(agent).has(*instance, *sequence)
}

fn samples(record: &[u8]) -> u32 {
    let measured = journal::decode(record).unwrap_or_default();
    let samples: usize = measured.iter().map(|one| one.rounds.samples()).sum();
    u32::try_from(samples).unwrap_or(u32::MAX)
}
