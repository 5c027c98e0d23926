//! What goes up one stream: batches, the live part first, and those of them that are on their way.
//!
//! What is on its way is bounded by number and by bytes, so that a slow line is never asked for more
//! than it carries in the collector's time to answer; that time starts anew with every answer.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use proto::stream::Encoder;
use proto::wire::{Ack, FromAgent, from_agent};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use super::ANSWER_TIMEOUT;
use super::ended::Ended;
use crate::clock;
use crate::queue::{Queue, Waiting};

/// Batches on their way at most.
const IN_FLIGHT: usize = 16;

/// No further batch is sent while this many bytes are on their way.
const IN_FLIGHT_BYTES: usize = 64 << 10;

/// Bytes per second of the slowest line that is still of use.
const SLOWEST_LINE: u32 = 4_000;

/// Messages that wait for the connection to take them: all that may be on their way, a Hello, the
/// last batch, a Goodbye.
pub(super) const MESSAGES: usize = IN_FLIGHT + 3;

/// The sending half of one stream.
pub(super) struct Outgoing {
    sender: mpsc::Sender<FromAgent>,
    encoder: Encoder,
    /// Whether what waits needs more series than one stream may define. A machine that moves from
    /// network to network uses them up; the next stream starts over.
    full: bool,
    /// By (instance, sequence) on the wire.
    in_flight: BTreeMap<(u64, u64), Sent>,
    in_flight_bytes: usize,
    /// The last answer, or, when everything was answered by then, the first batch after it.
    waits_since: Instant,
    /// Newest number sent of the live part: the newest that waited, and all measured since.
    live: u64,
    /// Newest number sent of what waited behind it.
    backlog: u64,
    /// Newest number of what waited behind it.
    backlog_end: u64,
}

struct Sent {
    /// Its number in the queue.
    sequence: u64,
    bytes: usize,
}

impl Outgoing {
    /// A stream on which nothing was sent but a Hello, in front of a queue whose newest batch has
    /// this number.
    pub(super) fn new(sender: mpsc::Sender<FromAgent>, newest: u64) -> Self {
        let before_newest = newest.saturating_sub(1);
        Self {
            sender,
            encoder: Encoder::default(),
            full: false,
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            waits_since: Instant::now(),
            live: before_newest,
            backlog: 0,
            backlog_end: before_newest,
        }
    }

    /// Sends as much as may be on its way, the live part first. Dropped halfway, it has forgotten
    /// nothing.
    ///
    /// # Errors
    /// When the stream is closed, or took all series it can and everything it carried is safe.
    pub(super) async fn fill(&mut self, queue: &Queue) -> Result<(), Ended> {
        while !self.full && self.has_room() {
            let Some(waiting) = self.next_waiting(queue).await else {
                break;
            };
            self.send_batch(waiting, queue)?;
        }
        if self.full && self.is_settled() {
            return Err(Ended::DictionaryFull);
        }
        Ok(())
    }

    /// Sends the newest batch, if it was not sent yet, for a stream that ends.
    pub(super) async fn send_newest(&mut self, queue: &Queue) -> Result<(), Ended> {
        let newest = queue.newest().await;
        if newest > self.live
            && let Some(waiting) = queue.after(newest - 1).await
        {
            self.live = waiting.sequence;
            self.send_batch(waiting, queue)?;
        }
        Ok(())
    }

    /// Sends a message that needs no answer.
    pub(super) fn send(&self, kind: from_agent::Kind) -> Result<(), Ended> {
        let message = FromAgent { kind: Some(kind) };
        // Never full: there is room for all that may be on its way.
        self.sender.try_send(message).map_err(|_| Ended::Closed)
    }

    /// Forgets what is safe. Says whether it was on its way.
    pub(super) async fn acknowledged(&mut self, ack: &Ack, queue: &Queue) -> bool {
        let Some(sent) = self.in_flight.remove(&(ack.instance, ack.sequence)) else {
            return false;
        };
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(sent.bytes);
        self.waits_since = Instant::now();
        queue.ack(sent.sequence).await;
        true
    }

    fn has_room(&self) -> bool {
        self.is_settled()
            || (self.in_flight.len() < IN_FLIGHT && self.in_flight_bytes < IN_FLIGHT_BYTES)
    }

    fn send_batch(&mut self, waiting: Waiting, queue: &Queue) -> Result<(), Ended> {
        let Waiting {
            sequence,
            mut batch,
        } = waiting;
        if !self.encoder.is_empty() && !self.encoder.has_room_for(&batch) {
            // It stays in the queue for the next stream.
            self.full = true;
            return Ok(());
        }
        batch.sequence = sequence;
        batch.clock = Some(clock::now());
        batch.dropped_samples = queue.stats().dropped_samples;
        let left_out = self.encoder.shorten(&mut batch);
        if left_out > 0 {
            warn!(
                left_out,
                "More series than one agent may have: some samples are not sent."
            );
        }
        if self.is_settled() {
            self.waits_since = Instant::now();
        }
        let bytes = batch.encoded_len();
        let key = (batch.instance, sequence);
        self.in_flight.insert(key, Sent { sequence, bytes });
        self.in_flight_bytes += bytes;
        self.send(from_agent::Kind::Batch(batch))
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

    /// When the collector will have been silent for too long; never while it owes no answer.
    pub(super) fn patience_ends(&self) -> Option<Instant> {
        let bytes = u32::try_from(self.in_flight_bytes).unwrap_or(u32::MAX);
        let on_the_line = Duration::from_secs((bytes / SLOWEST_LINE).into());
        (!self.is_settled()).then(|| self.waits_since + ANSWER_TIMEOUT + on_the_line)
    }

    /// Whether everything sent was acknowledged.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::record::Recorder;
    use crate::sources::Readings;
    use proto::metrics::DEVICE_INTERFACE_UP;
    use proto::wire::Batch;

    /// A queue, a stream in front of it, and what arrives at the other end.
    struct Setup {
        queue: Queue,
        outgoing: Outgoing,
        arriving: mpsc::Receiver<FromAgent>,
        _folder: tempfile::TempDir,
    }

    /// With a batch waiting for each of these ranges of interfaces.
    async fn setup(waiting: &[std::ops::Range<u32>]) -> Setup {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path(), spool::Limits::default()).unwrap();
        for interfaces in waiting {
            measure(&queue, interfaces.clone());
            // Takes it in: little may wait outside the spool.
            queue.newest().await;
        }
        let (sender, arriving) = mpsc::channel(MESSAGES);
        Setup {
            outgoing: Outgoing::new(sender, queue.newest().await),
            queue,
            arriving,
            _folder: folder,
        }
    }

    fn measure(queue: &Queue, interfaces: std::ops::Range<u32>) {
        let mut readings = Readings::default();
        for interface in interfaces {
            let name = format!("eth{interface}");
            readings.push(&DEVICE_INTERFACE_UP, &[&name], 1.0);
        }
        let mut recorder = Recorder::default();
        recorder.add(clock::wall_unix_ms(), &readings.taken);
        for recorded in recorder.take(queue.instance) {
            queue.append(recorded);
        }
    }

    impl Setup {
        fn arrived(&mut self) -> Vec<Batch> {
            std::iter::from_fn(|| self.arriving.try_recv().ok())
                .map(|message| match message.kind {
                    Some(from_agent::Kind::Batch(batch)) => batch,
                    other => panic!("{other:?} is no batch"),
                })
                .collect()
        }

        async fn acknowledge(&mut self, batches: &[Batch]) {
            for batch in batches {
                let ack = Ack {
                    instance: batch.instance,
                    sequence: batch.sequence,
                    ..Ack::default()
                };
                assert!(self.outgoing.acknowledged(&ack, &self.queue).await);
            }
        }
    }

    fn sequences(batches: &[Batch]) -> Vec<u64> {
        batches.iter().map(|batch| batch.sequence).collect()
    }

    #[tokio::test]
    async fn many_series_do_not_end_a_stream() {
        let mut setup = setup(&vec![0..1_500; 40]).await;
        let mut arrived = 0;
        while setup.queue.newest().await > 0 {
            setup.outgoing.fill(&setup.queue).await.unwrap();
            let batches = setup.arrived();
            assert!(
                !batches.is_empty(),
                "nothing is on its way, something waits"
            );
            arrived += batches.len();
            setup.acknowledge(&batches).await;
        }
        assert_eq!(arrived, 40);
    }

    #[tokio::test]
    async fn a_full_stream_ends_when_all_it_carried_is_safe() {
        let mut setup = setup(&[1_500..3_000, 0..1_000]).await;
        setup.outgoing.fill(&setup.queue).await.unwrap();
        let batches = setup.arrived();
        assert_eq!(sequences(&batches), [2]);
        setup.outgoing.fill(&setup.queue).await.unwrap();
        setup.acknowledge(&batches).await;
        let ended = setup.outgoing.fill(&setup.queue).await.unwrap_err();
        assert!(matches!(ended, Ended::DictionaryFull), "{ended:?}");
        assert_eq!(setup.queue.newest().await, 1, "the other still waits");
    }

    #[tokio::test]
    async fn live_goes_first_and_little_is_on_its_way() {
        let mut setup = setup(&vec![0..1; 100]).await;
        setup.outgoing.fill(&setup.queue).await.unwrap();
        let batches = setup.arrived();
        assert_eq!(batches.len(), IN_FLIGHT);
        assert_eq!(sequences(&batches).get(..3), Some(&[100, 1, 2][..]));
        measure(&setup.queue, 0..1);
        setup.acknowledge(&batches[..2]).await;
        setup.outgoing.fill(&setup.queue).await.unwrap();
        assert_eq!(sequences(&setup.arrived()), [101, IN_FLIGHT as u64]);
    }

    #[tokio::test]
    async fn large_batches_are_bounded_by_their_bytes() {
        let mut setup = setup(&vec![0..2_000; 10]).await;
        setup.outgoing.fill(&setup.queue).await.unwrap();
        let batches = setup.arrived();
        let bytes: usize = batches.iter().map(prost::Message::encoded_len).sum();
        let largest = batches
            .iter()
            .map(prost::Message::encoded_len)
            .max()
            .unwrap();
        assert!(bytes < IN_FLIGHT_BYTES + largest, "{bytes}");
        assert!(batches.len() < 10, "{}", batches.len());
    }

    #[tokio::test]
    async fn patience_starts_anew_with_every_answer() {
        let mut setup = setup(&vec![0..1; 3]).await;
        assert_eq!(setup.outgoing.patience_ends(), None);
        setup.outgoing.fill(&setup.queue).await.unwrap();
        let batches = setup.arrived();
        let first = setup.outgoing.patience_ends().unwrap();
        setup.acknowledge(&batches[..1]).await;
        assert!(setup.outgoing.patience_ends().unwrap() > first);
        setup.acknowledge(&batches[1..]).await;
        assert_eq!(setup.outgoing.patience_ends(), None);
    }

    #[tokio::test]
    async fn a_stream_that_ends_sends_the_newest_alone() {
        let mut setup = setup(&vec![0..1; 100]).await;
        setup.outgoing.fill(&setup.queue).await.unwrap();
        let batches = setup.arrived();
        for _ in 0..3 {
            measure(&setup.queue, 0..1);
        }
        setup.acknowledge(&batches).await;
        setup.outgoing.send_newest(&setup.queue).await.unwrap();
        assert_eq!(sequences(&setup.arrived()), [103]);
    }
}
