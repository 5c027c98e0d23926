//! What goes up one stream: batches, the live part first, and those of them that are on their way.
//!
//! What is on its way is bounded by number and by bytes, so that a slow line is never asked for more
//! than it carries in the collector's time to answer; that time starts anew with every answer. An
//! acknowledgement costs nearly as much as a batch, so most batches do not ask for one.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use proto::columns::Lane;
use proto::limits::FOUND_PER_MESSAGE;
use proto::stream::{Encoded, Encoder};
use proto::wire::{self, Ack, Clock, Found, FoundDevice, FromAgent, from_agent};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use super::ANSWER_TIMEOUT;
use super::budget::Budget;
use super::ended::Ended;
use crate::clock;
use crate::queue::{Queue, Waiting};
use crate::sources::device::discovery::MOST_FOUND;

/// Batches on their way at most, while there is a backlog.
const IN_FLIGHT: usize = 64;

/// No further part of it is sent while this many bytes are on their way.
const IN_FLIGHT_BYTES: usize = 64 << 10;

/// What is measured now goes on until so many times as much is on its way: a collector that can keep
/// nothing for a while acknowledges nothing, and still shows what it gets.
const FOR_LIVE: usize = 2;

/// With one batch a minute: every fifth asks to be acknowledged.
const ASK_AFTER: Duration = Duration::from_secs(270);

/// Bytes per second of the slowest line that is still of use.
const SLOWEST_LINE: u32 = 4_000;

/// Clocks that moved apart by less, by slewing, stand to each other as before.
const SLEW_MS: u64 = 100;

/// Messages that wait for the connection to take them: all that may be on their way, a Hello, the
/// last batch, a Goodbye, and what was found.
pub(super) const MESSAGES: usize = FOR_LIVE * IN_FLIGHT + 3 + FOUND_MESSAGES;

/// For all that is found at a time.
const FOUND_MESSAGES: usize = MOST_FOUND.div_ceil(FOUND_PER_MESSAGE);

/// The sending half of one stream.
pub(super) struct Outgoing {
    sender: mpsc::Sender<FromAgent>,
    encoder: Encoder,
    /// Whether what waits needs more series than one stream may define. A machine that moves from
    /// network to network uses them up; the next stream starts over.
    full: bool,
    /// Of the batch before; 0 before the first.
    instance: u64,
    keeping: Keeping,
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

/// What the collector does with what it gets on this stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Everything,
    /// It shows what is live, and that is all.
    Nothing,
    /// After a while of nothing, which another stream has to carry again.
    Again,
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
            keeping: Keeping::Everything,
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
    /// When the stream is closed, or took all series it can and owes nothing, or another one has to carry
    /// again what it carried. What was not asked for goes out again too: the collector knows it.
    pub(super) async fn fill(
        &mut self,
        queue: &Queue,
        budget: &mut Budget,
    ) -> Result<Option<Instant>, Ended> {
        if self.keeping == Keeping::Again {
            return Err(Ended::KeepsAgain);
        }
        while !self.full {
            if self.has_room(Lane::Live)
                && let Some(live) = queue.after(self.live).await
            {
                self.live = live.sequence;
                let bytes = self.send_batch(live, Lane::Live, false, queue)?;
                budget.spend_live(bytes);
                continue;
            }
            if self.keeping == Keeping::Nothing || !self.has_room(Lane::Backlog) {
                break;
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

    /// Whether all that is found at a time fits in beside the batches that may still be sent.
    pub(super) fn has_room_for_found(&self) -> bool {
        self.sender.capacity() >= MESSAGES.saturating_sub(self.in_flight.len())
    }

    /// Sends what was found. It needs no answer: it is found again. Says how large it is.
    pub(super) fn send_found(&self, found: Vec<FoundDevice>) -> Result<usize, Ended> {
        let mut bytes = 0;
        for devices in found.chunks(FOUND_PER_MESSAGE).take(FOUND_MESSAGES) {
            let devices = devices.to_vec();
            let found = Found { devices };
            bytes += found.encoded_len();
            self.send(from_agent::Kind::Found(found))?;
        }
        Ok(bytes)
    }

    /// Sends a message that needs no answer.
    pub(super) fn send(&self, kind: from_agent::Kind) -> Result<(), Ended> {
        let message = FromAgent { kind: Some(kind) };
        // Never full: there is room for all that may be on its way.
        self.sender.try_send(message).map_err(|_| Ended::Closed)
    }

    /// Forgets what is safe. Says whether any of it was on its way. An answer that names nothing is one:
    /// all that was sent waits again, for another stream, and what is live goes on.
    pub(super) async fn acknowledged(&mut self, ack: &Ack, queue: &Queue) -> bool {
        let mut safe = Vec::new();
        for batches in &ack.batches {
            let (first, last) = (batches.first, batches.last.max(batches.first));
            let range = (batches.instance, first)..=(batches.instance, last);
            safe.extend(self.in_flight.range(range).map(|(name, _)| *name));
        }
        if safe.is_empty() {
            if self.is_owed() {
                self.nothing_was_kept(queue);
            }
            return false;
        }
        self.waits_since = Instant::now();
        if self.keeping == Keeping::Nothing {
            self.keeping = Keeping::Again;
        }
        for name in &safe {
            if let Some(sent) = self.in_flight.remove(name) {
                self.in_flight_bytes = self.in_flight_bytes.saturating_sub(sent.bytes);
            }
        }
        let sequences = safe.into_iter().map(|(_, sequence)| sequence);
        queue.ack(sequences.collect()).await;
        true
    }

    fn nothing_was_kept(&mut self, queue: &Queue) {
        self.keeping = Keeping::Nothing;
        self.in_flight.clear();
        self.in_flight_bytes = 0;
        (self.unasked, self.unasked_bytes) = (0, 0);
        queue.not_kept();
    }

    fn has_room(&self, lane: Lane) -> bool {
        let times = match lane {
            Lane::Live => FOR_LIVE,
            Lane::Backlog => 1,
        };
        self.in_flight.is_empty()
            || (self.in_flight.len() < times * IN_FLIGHT
                && self.in_flight_bytes < times * IN_FLIGHT_BYTES)
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
        self.in_flight.values().any(|sent| sent.is_asked) || !self.has_room(Lane::Live)
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
mod tests;
