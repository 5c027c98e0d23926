//! At the start: what the queues say of the moment the collector was killed in.
//!
//! A record that was being written may have reached some queues and not others. It is completed here,
//! from the one that has it, before any agent is answered; then its batches count as taken. Only
//! records with a batch that the snapshot does not know need any care, and those are the last seconds'.
//! Records that cannot be read are left for the senders, which count them.

use std::collections::HashMap;

use proto::ids::AgentId;
use tracing::info;

use crate::journal;
use crate::remote_write::Queue;
use crate::seen::{Ledger, Run};

/// The batches of a record that the snapshot does not cover, and whether each queue has it.
type Unsettled = HashMap<Vec<(AgentId, u64, u64)>, Vec<bool>>;

/// Completes what was being written, and notes as taken what waits. Blocks on the disk.
///
/// # Errors
/// When a disk does not give or take what it should.
pub fn recover(queues: &[Queue], ledger: &Ledger) -> Result<(), spool::Error> {
    let unsettled = unsettled(queues, ledger)?;
    if unsettled.values().any(|there| there.contains(&false)) {
        for number in 0..queues.len() {
            complete_from(queues, number, &unsettled)?;
        }
        for queue in queues {
            queue.persist()?;
        }
    }
    let records = unsettled.len();
    for (agent, instance, sequence) in unsettled.into_keys().flatten() {
        ledger.account(&agent).take(Run {
            instance,
            first: sequence,
            last: sequence,
        });
    }
    if records > 0 {
        info!(records, "Found what was taken in just before the last end.");
    }
    Ok(())
}

fn unsettled(queues: &[Queue], ledger: &Ledger) -> Result<Unsettled, spool::Error> {
    let mut unsettled = Unsettled::new();
    for (number, queue) in queues.iter().enumerate() {
        queue.scan(|record| {
            let names = journal::batches(record).unwrap_or_default();
            let is_taken = |(agent, instance, sequence): &(AgentId, u64, u64)| {
                ledger.account(agent).has(*instance, *sequence)
            };
            if names.iter().all(is_taken) {
                return;
            }
            let nowhere = || vec![false; queues.len()];
            let there = unsettled.entry(names).or_insert_with(nowhere);
            if let Some(there) = there.get_mut(number) {
                *there = true;
            }
        })?;
    }
    Ok(unsettled)
}

/// Copies what a queue has, none before it has, and others lack.
fn complete_from(
    queues: &[Queue],
    number: usize,
    unsettled: &Unsettled,
) -> Result<(), spool::Error> {
    let Some(source) = queues.get(number) else {
        return Ok(());
    };
    source.scan(|record| {
        let names = journal::batches(record).unwrap_or_default();
        let Some(there) = unsettled.get(&names) else {
            return;
        };
        if there.iter().position(|there| *there) != Some(number) {
            return;
        }
        for (queue, there) in queues.iter().zip(there) {
            if !there {
                queue.append(record.to_vec(), samples(record));
            }
        }
    })
}

fn samples(record: &[u8]) -> u32 {
    let samples = journal::decode(record).map_or(0, |decoded| decoded.samples);
    u32::try_from(samples).unwrap_or(u32::MAX)
}
