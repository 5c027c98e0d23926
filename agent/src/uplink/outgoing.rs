//! What goes up one stream: batches, the live part first, and those of them that are on their way.
//!
//! What is on its way is bounded by number and by bytes, so that a slow line is never asked for more
//! than it carries in the collector's time to answer; that time starts anew with every answer. An
//! acknowledgement costs nearly as much as a batch, so most batches do not ask for one.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use proto::columns::Lane;
use proto::stream::{Encoded, Encoder};
use proto::wire::{self, Ack, Clock, FromAgent, from_agent};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use super::ANSWER_TIMEOUT;
use super::budget::Budget;
use super::ended::Ended;
use crate::clock;
use crate::queue::{Queue, Waiting};

/// Batches on their way at most.
const IN_FLIGHT: usize = 64;

/// No further batch is sent while this many bytes are on their way.
const IN_FLIGHT_BYTES: usize = 64 << 10;

/// With one batch a minute: every fifth asks to be acknowledged.
const ASK_AFTER: Duration = Duration::from_secs(270);

/// Bytes per second of the slowest line that is still of use.
const SLOWEST_LINE: u32 = 4_000;

/// Clocks that moved apart by less, by slewing, stand to each other as before.
const SLEW_MS: u64 = 100;

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
    /// Of the batch before; 0 before the first.
    instance: u64,
    /// By (instance, sequence) on the wire.
    in_flight: BTreeMap<(u64, u64), Sent>,
    in_flight_bytes: usize,
    /// Sent since an acknowledgement was last asked for.
    unasked: usize,
    unasked_bytes: usize,
    asked_at: Option<Instant>,
    /// The last answer, or, when none was owed by then, the first question after it.
    waits_since: Instant,
    /// Newest number sent of the live part: the newest that waited, and all measured since.
    live: u64,
    /// Newest number sent of what waited behind it.
    backlog: u64,
    /// Newest number of what waited behind it.
    backlog_end: u64,
}

struct Sent {
    bytes: usize,
    is_asked: bool,
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
            instance: 0,
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            unasked: 0,
            unasked_bytes: 0,
            asked_at: None,
            waits_since: Instant::now(),
            live: before_newest,
            backlog: 0,
            backlog_end: before_newest,
        }
    }

    /// Sends as much as may be on its way, the live part first, and as much behind it as the budget
    /// allows; says when it will allow more. Dropped halfway, it has forgotten nothing.
    ///
    /// # Errors
    /// When the stream is closed, or took all series it can and owes nothing. What it carried and was
    /// not asked for goes out again: the collector knows it.
    pub(super) async fn fill(
        &mut self,
        queue: &Queue,
        budget: &mut Budget,
    ) -> Result<Option<Instant>, Ended> {
        while !self.full && self.has_room() {
            if let Some(live) = queue.after(self.live).await {
                self.live = live.sequence;
                let bytes = self.send_batch(live, Lane::Live, false, queue)?;
                budget.spend_live(bytes);
                continue;
            }
            let wait = budget.wait();
            if !wait.is_zero() {
                return Ok(self.has_backlog().then(|| Instant::now() + wait));
            }
            let Some(behind) = self.next_behind(queue).await else {
                break;
            };
            let is_last = behind.next.is_none_or(|next| next > self.backlog_end);
            let bytes = self.send_batch(behind, Lane::Backlog, is_last, queue)?;
            budget.spend_backlog(bytes);
        }
        if self.full && self.is_settled() {
            return Err(Ended::DictionaryFull);
        }
        Ok(None)
    }

    /// Sends the newest batch, if it was not sent yet, for a stream that ends.
    pub(super) async fn send_newest(&mut self, queue: &Queue) -> Result<(), Ended> {
        let newest = queue.newest().await;
        if newest > self.live
            && let Some(waiting) = queue.after(newest - 1).await
        {
            self.live = waiting.sequence;
            self.send_batch(waiting, Lane::Live, true, queue)?;
        }
        Ok(())
    }

    /// Sends a message that needs no answer.
    pub(super) fn send(&self, kind: from_agent::Kind) -> Result<(), Ended> {
        let message = FromAgent { kind: Some(kind) };
        // Never full: there is room for all that may be on its way.
        self.sender.try_send(message).map_err(|_| Ended::Closed)
    }

    /// Forgets what is safe. Says whether any of it was on its way.
    pub(super) async fn acknowledged(&mut self, ack: &Ack, queue: &Queue) -> bool {
        let mut safe = Vec::new();
        for batches in &ack.batches {
            let (first, last) = (batches.first, batches.last.max(batches.first));
            let range = (batches.instance, first)..=(batches.instance, last);
            safe.extend(self.in_flight.range(range).map(|(name, _)| *name));
        }
        if safe.is_empty() {
            return false;
        }
        self.waits_since = Instant::now();
        for name in &safe {
            if let Some(sent) = self.in_flight.remove(name) {
                self.in_flight_bytes = self.in_flight_bytes.saturating_sub(sent.bytes);
            }
        }
        let sequences = safe.into_iter().map(|(_, sequence)| sequence);
        queue.ack(sequences.collect()).await;
        true
    }

    fn has_room(&self) -> bool {
        self.in_flight.is_empty()
            || (self.in_flight.len() < IN_FLIGHT && self.in_flight_bytes < IN_FLIGHT_BYTES)
    }

    fn has_backlog(&self) -> bool {
        self.backlog < self.backlog_end
    }

    async fn next_behind(&mut self, queue: &Queue) -> Option<Waiting> {
        if !self.has_backlog() {
            return None;
        }
        let behind = queue.after(self.backlog).await?;
        self.backlog = behind.sequence.min(self.backlog_end);
        (behind.sequence <= self.backlog_end).then_some(behind)
    }

    /// Sends a batch; says how large it is.
    fn send_batch(
        &mut self,
        waiting: Waiting,
        lane: Lane,
        wants_ack: bool,
        queue: &Queue,
    ) -> Result<usize, Ended> {
        if !self.encoder.is_empty() && !self.encoder.has_room_for(&waiting.measured.series) {
            // It stays in the queue for the next stream.
            self.full = true;
            return Ok(0);
        }
        let encoded = self.encoder.encode(waiting.measured, lane);
        let left_out = encoded.left_out;
        if left_out > 0 {
            warn!(
                left_out,
                "More series than one agent may have: some samples are not sent."
            );
        }
        let (sequence, instance) = (waiting.sequence, waiting.instance);
        let mut batch = wire::Batch {
            instance: if instance == self.instance {
                0
            } else {
                instance
            },
            sequence,
            dropped_samples: queue.stats().dropped_samples,
            ..framed(encoded, lane, waiting.recorded)
        };
        self.instance = instance;
        let bytes = batch.encoded_len();
        batch.wants_ack = wants_ack || self.is_time_to_ask(bytes);
        self.note(sequence, bytes, batch.wants_ack);
        queue.sent(sequence);
        self.send(from_agent::Kind::Batch(batch))?;
        Ok(bytes)
    }

    /// Whether a batch of this size should ask for an acknowledgement: the first of a stream, so that
    /// both sides know that it works; when half of what may be on its way is unanswered, so that it
    /// never stops; and now and then.
    fn is_time_to_ask(&self, bytes: usize) -> bool {
        let is_long_ago = self
            .asked_at
            .is_none_or(|asked| asked.elapsed() >= ASK_AFTER);
        is_long_ago
            || self.unasked + 1 >= IN_FLIGHT / 2
            || self.unasked_bytes + bytes >= IN_FLIGHT_BYTES / 2
    }

    fn note(&mut self, sequence: u64, bytes: usize, is_asked: bool) {
        if is_asked {
            let now = Instant::now();
            if !self.is_owed() {
                self.waits_since = now;
            }
            self.asked_at = Some(now);
            (self.unasked, self.unasked_bytes) = (0, 0);
        } else {
            self.unasked += 1;
            self.unasked_bytes += bytes;
        }
        self.in_flight_bytes += bytes;
        let sent = Sent { bytes, is_asked };
        self.in_flight.insert((self.instance, sequence), sent);
    }

    /// Whether the collector owes an answer: it was asked, or nothing can go on without one.
    fn is_owed(&self) -> bool {
        self.in_flight.values().any(|sent| sent.is_asked) || !self.has_room()
    }

    /// When the collector will have been silent for too long; never while it owes no answer.
    pub(super) fn patience_ends(&self) -> Option<Instant> {
        let bytes = u32::try_from(self.in_flight_bytes).unwrap_or(u32::MAX);
        let on_the_line = Duration::from_secs((bytes / SLOWEST_LINE).into());
        self.is_owed()
            .then(|| self.waits_since + ANSWER_TIMEOUT + on_the_line)
    }

    /// Whether everything that was asked for was answered.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_owed()
    }
}

/// A batch without the names it goes by.
fn framed(encoded: Encoded, lane: Lane, recorded: Option<wire::Recorded>) -> wire::Batch {
    let now = clock::now();
    wire::Batch {
        clock: Some(now),
        series: encoded.series,
        samples: encoded.samples,
        lane: match lane {
            Lane::Live => wire::Lane::Live.into(),
            Lane::Backlog => wire::Lane::Backlog.into(),
        },
        recorded: recorded.and_then(|recorded| told(recorded, now)),
        ..wire::Batch::default()
    }
}

/// What has to be told of the clocks when a batch was measured: nothing when they stand as they did.
fn told(recorded: wire::Recorded, now: Clock) -> Option<wire::Recorded> {
    if recorded.boot_id != clock::boot_id() {
        return Some(recorded);
    }
    let then = clock::lead_ms(recorded.clock?);
    let is_same = then.abs_diff(clock::lead_ms(now)) <= SLEW_MS;
    (!is_same).then(|| wire::Recorded {
        boot_id: String::new(),
        ..recorded
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::record::{Recorded, Recorder};
    use crate::sources::Readings;
    use proto::metrics::DEVICE_INTERFACE_UP;
    use proto::wire::{Batch, Batches};

    /// A queue, a stream in front of it, and what arrives at the other end.
    struct Setup {
        queue: Queue,
        outgoing: Outgoing,
        budget: Budget,
        arriving: mpsc::Receiver<FromAgent>,
        /// What arrived and was not acknowledged.
        unanswered: Vec<u64>,
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
            budget: Budget::new(None),
            arriving,
            unanswered: Vec::new(),
            _folder: folder,
        }
    }

    fn recorded(queue: &Queue, clock: Clock, interfaces: std::ops::Range<u32>) -> Recorded {
        let mut readings = Readings::default();
        for interface in interfaces {
            let name = format!("eth{interface}");
            readings.push(&DEVICE_INTERFACE_UP, &[&name], 1.0);
        }
        let mut recorder = Recorder::default();
        recorder.add(clock, &readings.taken);
        recorder.take(queue.instance).next().unwrap()
    }

    fn measure(queue: &Queue, interfaces: std::ops::Range<u32>) {
        queue.append(recorded(queue, clock::now(), interfaces));
    }

    impl Setup {
        async fn fill(&mut self) -> Result<Option<Instant>, Ended> {
            self.outgoing.fill(&self.queue, &mut self.budget).await
        }

        /// What the stream sends now.
        async fn filled(&mut self) -> Vec<Batch> {
            self.fill().await.unwrap();
            self.arrived()
        }

        fn arrived(&mut self) -> Vec<Batch> {
            let arrived: Vec<Batch> = std::iter::from_fn(|| self.arriving.try_recv().ok())
                .map(|message| match message.kind {
                    Some(from_agent::Kind::Batch(batch)) => batch,
                    other => panic!("{other:?} is no batch"),
                })
                .collect();
            self.unanswered.extend(sequences(&arrived));
            arrived
        }

        /// Acknowledges the last of these that asks for it and all before it, as a collector does.
        async fn acknowledge(&mut self, batches: &[Batch]) {
            let Some(last) = batches.iter().rfind(|batch| batch.wants_ack) else {
                return;
            };
            let is_last = |sequence: &u64| *sequence == last.sequence;
            let end = self.unanswered.iter().position(is_last).unwrap();
            let named = |sequence| Batches {
                instance: self.queue.instance,
                first: sequence,
                last: sequence,
            };
            let ack = Ack {
                batches: self.unanswered.drain(..=end).map(named).collect(),
                ..Ack::default()
            };
            assert!(self.outgoing.acknowledged(&ack, &self.queue).await);
        }
    }

    fn sequences(batches: &[Batch]) -> Vec<u64> {
        batches.iter().map(|batch| batch.sequence).collect()
    }

    fn asking(batches: &[Batch]) -> Vec<u64> {
        let asking = batches.iter().filter(|batch| batch.wants_ack);
        asking.map(|batch| batch.sequence).collect()
    }

    #[tokio::test]
    async fn many_series_do_not_end_a_stream() {
        let mut setup = setup(&vec![0..1_500; 40]).await;
        let mut arrived = 0;
        while setup.queue.newest().await > 0 {
            let batches = setup.filled().await;
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
    async fn a_full_stream_ends_when_all_it_owes_is_answered() {
        let mut setup = setup(&[1_500..3_000, 0..1_000]).await;
        let batches = setup.filled().await;
        assert_eq!(sequences(&batches), [2]);
        setup.fill().await.unwrap();
        setup.acknowledge(&batches).await;
        let ended = setup.fill().await.unwrap_err();
        assert!(matches!(ended, Ended::DictionaryFull), "{ended:?}");
        assert_eq!(setup.queue.newest().await, 1, "the other still waits");
    }

    #[tokio::test]
    async fn live_goes_first_and_little_is_on_its_way() {
        let mut setup = setup(&vec![0..1; 100]).await;
        let batches = setup.filled().await;
        assert_eq!(batches.len(), IN_FLIGHT);
        assert_eq!(sequences(&batches)[..3], [100, 1, 2]);
        let lanes: Vec<_> = batches[..3].iter().map(|batch| batch.lane).collect();
        assert_eq!(lanes, [0, 1, 1]);
        measure(&setup.queue, 0..1);
        setup.acknowledge(&batches[..1]).await;
        assert_eq!(sequences(&setup.filled().await), [101]);
        setup.acknowledge(&batches).await;
        assert_eq!(setup.filled().await[0].sequence, IN_FLIGHT as u64);
    }

    #[tokio::test]
    async fn few_batches_ask_to_be_acknowledged_and_the_last_of_the_backlog_does() {
        let mut setup = setup(&vec![0..1; 60]).await;
        let batches = setup.filled().await;
        assert_eq!(sequences(&batches).len(), 60);
        let half = IN_FLIGHT as u64 / 2;
        assert_eq!(asking(&batches), [60, half, 59]);
        let instances: Vec<_> = batches.iter().map(|batch| batch.instance).collect();
        assert_eq!(instances[0], setup.queue.instance);
        assert!(instances[1..].iter().all(|instance| *instance == 0));
        setup.acknowledge(&batches).await;
        assert_eq!(setup.queue.stats().records, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_stream_asks_every_fifth_minute() {
        let mut setup = setup(&[]).await;
        let mut asked = Vec::new();
        for minute in 0..12 {
            measure(&setup.queue, 0..1);
            let batches = setup.filled().await;
            assert_eq!(batches.len(), 1);
            if batches[0].wants_ack {
                asked.push(minute);
            }
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        assert_eq!(asked, [0, 5, 10]);
        assert_eq!(setup.queue.waits().records, 0, "all is on its way");
    }

    #[tokio::test]
    async fn large_batches_are_bounded_by_their_bytes() {
        let mut setup = setup(&[]).await;
        let names: Vec<_> = (0..10).map(|n| format!("eth{n}")).collect();
        for _ in 0..100 {
            let mut readings = Readings::default();
            for name in &names {
                for _ in 0..100 {
                    readings.push(&DEVICE_INTERFACE_UP, &[name], rand::random());
                }
            }
            let mut recorder = Recorder::default();
            recorder.add(clock::now(), &readings.taken);
            for recorded in recorder.take(setup.queue.instance) {
                setup.queue.append(recorded);
            }
            setup.queue.newest().await;
        }
        let batches = setup.filled().await;
        let bytes: usize = batches.iter().map(prost::Message::encoded_len).sum();
        let largest = batches.iter().map(prost::Message::encoded_len).max();
        assert!(bytes < IN_FLIGHT_BYTES + largest.unwrap(), "{bytes}");
        assert!(batches.len() < IN_FLIGHT, "{}", batches.len());
        assert!(!asking(&batches[1..]).is_empty(), "half of it is asked for");
    }

    #[tokio::test(start_paused = true)]
    async fn the_backlog_waits_for_its_budget_and_live_does_not() {
        let mut setup = setup(&vec![0..1; 50]).await;
        setup.budget.connected(100);
        let batches = setup.filled().await;
        assert_eq!(batches[0].sequence, 50);
        assert!((2..10).contains(&batches.len()), "{}", batches.len());
        measure(&setup.queue, 0..1);
        let again_at = setup.fill().await.unwrap().unwrap();
        assert_eq!(sequences(&setup.arrived()), [51]);
        assert!(again_at > Instant::now());
        tokio::time::sleep_until(again_at).await;
        assert_eq!(setup.filled().await.len(), 1);
    }

    #[tokio::test]
    async fn patience_lasts_while_an_answer_is_owed_and_starts_anew_with_every_answer() {
        let mut setup = setup(&vec![0..1; 3]).await;
        assert_eq!(setup.outgoing.patience_ends(), None);
        let batches = setup.filled().await;
        assert_eq!(asking(&batches), [3, 2]);
        let first = setup.outgoing.patience_ends().unwrap();
        setup.acknowledge(&batches[..1]).await;
        assert!(setup.outgoing.patience_ends().unwrap() > first);
        setup.acknowledge(&batches[1..]).await;
        assert_eq!(setup.outgoing.patience_ends(), None);
        measure(&setup.queue, 0..1);
        let batches = setup.filled().await;
        assert_eq!((batches.len(), asking(&batches).len()), (1, 0));
        assert_eq!(setup.outgoing.patience_ends(), None, "nobody asked");
    }

    #[tokio::test]
    async fn a_stream_that_ends_sends_the_newest_alone_and_asks() {
        let mut setup = setup(&vec![0..1; 100]).await;
        let batches = setup.filled().await;
        for _ in 0..3 {
            measure(&setup.queue, 0..1);
        }
        setup.acknowledge(&batches).await;
        setup.outgoing.send_newest(&setup.queue).await.unwrap();
        let last = setup.arrived();
        assert_eq!((sequences(&last), asking(&last)), (vec![103], vec![103]));
    }

    #[tokio::test]
    async fn clocks_are_told_where_they_stood_otherwise() {
        let mut setup = setup(&[]).await;
        let now = clock::now();
        let before_the_step = Clock {
            wall_unix_ms: 1_234_567,
            ..now
        };
        for clock in [now, before_the_step] {
            setup.queue.append(recorded(&setup.queue, clock, 0..1));
        }
        let batches = setup.filled().await;
        assert_eq!(batches[0].recorded, None);
        let told = batches[1].recorded.clone().unwrap();
        assert_eq!(
            (told.boot_id.as_str(), told.clock),
            ("", Some(before_the_step))
        );

        let of_another_boot = wire::Recorded {
            boot_id: "another".into(),
            clock: Some(now),
        };
        assert_eq!(
            super::told(of_another_boot.clone(), now),
            Some(of_another_boot)
        );
    }
}
