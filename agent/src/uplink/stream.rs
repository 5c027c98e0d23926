//! What is on its way on one stream: batches sent and not yet acknowledged, the live part first.

use std::collections::BTreeMap;

use proto::stream::Encoder;
use proto::wire::{Ack, Batch, FromAgent, FromCollector, from_agent};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Streaming;
use tracing::warn;

use super::ended::Ended;
use super::{ANSWER_TIMEOUT, IN_FLIGHT};
use crate::clock;
use crate::queue::{Queue, Waiting};

/// One stream's state.
pub(super) struct Stream {
    pub(super) incoming: Streaming<FromCollector>,
    pub(super) sender: mpsc::Sender<FromAgent>,
    encoder: Encoder,
    /// By (instance, sequence) on the wire: number in the queue, and when it was sent.
    in_flight: BTreeMap<(u64, u64), (u64, Instant)>,
    /// Newest number sent of the live part: the newest that waited, and all measured since.
    live: u64,
    /// Newest number sent of what waited behind it.
    backlog: u64,
    /// Newest number of what waited behind it.
    backlog_end: u64,
}

impl Stream {
    /// A stream on which nothing was sent but a Hello, in front of a queue whose newest batch has
    /// this number.
    pub(super) fn new(
        incoming: Streaming<FromCollector>,
        sender: mpsc::Sender<FromAgent>,
        newest: u64,
    ) -> Self {
        let before_newest = newest.saturating_sub(1);
        Self {
            incoming,
            sender,
            encoder: Encoder::default(),
            in_flight: BTreeMap::new(),
            live: before_newest,
            backlog: 0,
            backlog_end: before_newest,
        }
    }

    /// Sends as much as may be on its way, the live part first.
    pub(super) async fn fill(&mut self, queue: &Queue) -> Result<(), Ended> {
        while self.in_flight.len() < IN_FLIGHT {
            let Some((sequence, batch)) = self.next(queue).await? else {
                break;
            };
            let key = (batch.instance, batch.sequence);
            self.in_flight.insert(key, (sequence, Instant::now()));
            let message = FromAgent {
                kind: Some(from_agent::Kind::Batch(batch)),
            };
            self.sender.send(message).await.map_err(|_| Ended::Closed)?;
        }
        Ok(())
    }

    /// Forgets what is safe. Says whether it was on its way.
    pub(super) async fn acknowledged(&mut self, ack: &Ack, queue: &Queue) -> bool {
        let Some((sequence, _)) = self.in_flight.remove(&(ack.instance, ack.sequence)) else {
            return false;
        };
        queue.ack(sequence).await;
        true
    }

    async fn next(&mut self, queue: &Queue) -> Result<Option<(u64, Batch)>, Ended> {
        let Some(Waiting {
            sequence,
            mut batch,
        }) = self.next_waiting(queue).await
        else {
            return Ok(None);
        };
        // A machine that moves from network to network uses up series; a new stream starts over.
        if !self.encoder.is_empty() && !self.encoder.has_room_for(&batch) {
            return Err(Ended::DictionaryFull);
        }
        batch.sequence = sequence;
        batch.clock = Some(clock::now());
        batch.dropped_samples = queue.stats().await.map_or(0, |stats| stats.dropped_samples);
        let left_out = self.encoder.shorten(&mut batch);
        if left_out > 0 {
            warn!(
                left_out,
                "More series than one agent may have: some samples are not sent."
            );
        }
        Ok(Some((sequence, batch)))
    }

    async fn next_waiting(&mut self, queue: &Queue) -> Option<Waiting> {
        if let Some(live) = queue.after(self.live).await {
            self.live = live.sequence;
            return Some(live);
        }
        let behind = queue.after(self.backlog).await?;
        if behind.sequence > self.backlog_end {
            return None;
        }
        self.backlog = behind.sequence;
        Some(behind)
    }

    /// When the oldest unanswered batch will have waited too long; never while none waits.
    pub(super) fn patience_ends(&self) -> Option<Instant> {
        let oldest = self.in_flight.values().map(|(_, sent)| *sent).min();
        oldest.map(|sent| sent + ANSWER_TIMEOUT)
    }

    /// Whether everything sent was acknowledged.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight.is_empty()
    }
}
