//! One direction of a link as a machine of states: packets come in at a time and leave at a time.
//!
//! ```text
//!  in ─▶ cut? too big? ─▶ queue ─▶ sent at the rate ─▶ lost? damaged? doubled? ─▶ delay, jitter ─▶ out
//! ```
//!
//! It has no clock, no thread and no socket, so that its own tests go through hours in a moment;
//! `link.rs` gives it all three. A packet that is lost has used the line up like any other, as on a real
//! one. A change of the impairment holds for what is decided after it: the delay of packets that are
//! under way stays, the rest of a queue goes at the new rate.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::impairment::{GilbertElliott, Impairment};
use super::truth::{Fate, Truth};

/// One direction. Times are since any fixed moment, the same for all calls.
#[derive(Debug)]
pub struct Wire {
    dice: StdRng,
    is_bad: bool,
    waiting: VecDeque<Packet>,
    waiting_bytes: usize,
    /// Until when the line sends, and what.
    sending: Option<(Duration, Packet)>,
    under_way: BinaryHeap<Reverse<Flight>>,
    /// When the last packet that keeps the order leaves.
    last: Duration,
    flights: u64,
    truth: Truth,
    /// Of the truth: what came before it was forgotten is not counted when it leaves.
    era: u32,
}

#[derive(Debug, Clone)]
struct Packet {
    bytes: Vec<u8>,
    came: Duration,
    /// Which truth counts it, and its place there if it is an echo.
    era: u32,
    echo: Option<usize>,
}

#[derive(Debug)]
struct Flight {
    due: Duration,
    /// Of equals the first goes first.
    number: u64,
    packet: Packet,
}

impl Wire {
    /// One that throws its dice by this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            is_bad: false,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            sending: None,
            under_way: BinaryHeap::new(),
            last: Duration::ZERO,
            flights: 0,
            truth: Truth::default(),
            era: 0,
        }
    }

    /// A packet comes in.
    pub fn enter(&mut self, now: Duration, bytes: Vec<u8>, impairment: &Impairment) {
        let packet = Packet {
            came: now,
            era: self.era,
            echo: self.truth.came(&bytes),
            bytes,
        };
        if impairment.cut {
            return self.became(&packet, Fate::Cut);
        }
        if packet.bytes.len() > impairment.largest {
            return self.became(&packet, Fate::TooBig);
        }
        let is_idle = self.sending.is_none() && self.waiting.is_empty();
        if is_idle && impairment.rate.is_none() {
            return self.launch(now, packet, impairment);
        }
        // What is being sent has left the queue.
        if !is_idle && self.waiting_bytes + packet.bytes.len() > impairment.room() {
            return self.became(&packet, Fate::QueueFull);
        }
        self.waiting_bytes += packet.bytes.len();
        self.waiting.push_back(packet);
        self.send(now, impairment);
    }

    /// Goes on to a time: what the line has sent by then is under way.
    fn send(&mut self, now: Duration, impairment: &Impairment) {
        let mut free = now;
        loop {
            match self.sending.take() {
                Some((until, packet)) if until > now => {
                    self.sending = Some((until, packet));
                    return;
                }
                Some((until, packet)) => {
                    self.launch(until, packet, impairment);
                    free = until;
                }
                None if self.waiting.is_empty() => return,
                None => self.start(free, impairment),
            }
        }
    }

    /// Starts to send what waits first.
    fn start(&mut self, free: Duration, impairment: &Impairment) {
        let Some(packet) = self.waiting.pop_front() else {
            return;
        };
        self.waiting_bytes -= packet.bytes.len();
        #[expect(clippy::cast_precision_loss, reason = "packets are small")]
        let takes = impairment.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(packet.bytes.len() as f64 * 8.0 / rate)
        });
        // It cannot be sent before it came.
        let from = free.max(packet.came);
        self.sending = Some((from + takes, packet));
    }

    /// When something happens next, if nothing comes.
    pub fn next(&self) -> Option<Duration> {
        let sent = self.sending.as_ref().map(|(until, _)| *until);
        let leaves = self.under_way.peek().map(|Reverse(flight)| flight.due);
        sent.into_iter().chain(leaves).min()
    }

    /// The next packet that has left by now, to be given to [`Wire::left`] when it has been written.
    pub fn leave(&mut self, now: Duration, impairment: &Impairment) -> Option<Leaving> {
        self.send(now, impairment);
        while self.under_way.peek()?.0.due <= now {
            let Reverse(flight) = self.under_way.pop()?;
            if !impairment.cut {
                return Some(Leaving(flight.packet));
            }
            self.became(&flight.packet, Fate::Cut);
        }
        None
    }

    /// A packet was written at this time; not at all where there was nothing to write to.
    pub fn left(&mut self, leaving: &Leaving, at: Option<Duration>) {
        let packet = &leaving.0;
        let Some(at) = at else {
            return self.became(packet, Fate::Cut);
        };
        if packet.era == self.era {
            self.truth.bytes += packet.bytes.len() as u64;
        }
        self.became(packet, Fate::Arrived(at.saturating_sub(packet.came)));
    }

    /// What has happened so far.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Starts to count anew.
    pub fn forget(&mut self) {
        self.truth = Truth::default();
        self.era += 1;
    }

    fn became(&mut self, packet: &Packet, fate: Fate) {
        if packet.era == self.era {
            self.truth.became(packet.echo, fate);
        }
    }

    /// The packet has been sent: is it lost, and when does it arrive?
    fn launch(&mut self, now: Duration, mut packet: Packet, impairment: &Impairment) {
        if impairment.cut {
            return self.became(&packet, Fate::Cut);
        }
        if self.loses(&impairment.loss) {
            return self.became(&packet, Fate::Lost);
        }
        if self.happens(impairment.corrupted) {
            self.damage(&mut packet.bytes);
            self.truth.corrupted += 1;
        }
        let mut due = now + self.delay(impairment);
        let (share, by) = impairment.held_back;
        if self.happens(share) {
            due += by;
            self.truth.held_back += 1;
        } else {
            due = due.max(self.last);
            self.last = due;
        }
        if self.happens(impairment.duplicated) {
            self.truth.duplicated += 1;
            self.fly(due, packet.clone());
        }
        self.fly(due, packet);
    }

    fn fly(&mut self, due: Duration, packet: Packet) {
        self.flights += 1;
        self.under_way.push(Reverse(Flight {
            due,
            number: self.flights,
            packet,
        }));
    }

    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.dice.random_bool(share)
    }

    fn loses(&mut self, loss: &GilbertElliott) -> bool {
        let change = if self.is_bad {
            loss.to_good
        } else {
            loss.to_bad
        };
        self.is_bad ^= self.happens(change);
        self.happens(if self.is_bad {
            loss.lost_when_bad
        } else {
            loss.lost_when_good
        })
    }

    fn delay(&mut self, impairment: &Impairment) -> Duration {
        if impairment.jitter.is_zero() {
            return impairment.delay;
        }
        let by = self.normal().clamp(-3.0, 3.0) * impairment.jitter.as_secs_f64();
        Duration::try_from_secs_f64(impairment.delay.as_secs_f64() + by).unwrap_or_default()
    }

    /// Box and Muller's transform.
    fn normal(&mut self) -> f64 {
        let (u, v): (f64, f64) = (self.dice.random(), self.dice.random());
        (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Flips a bit behind the IP header.
    fn damage(&mut self, bytes: &mut [u8]) {
        let header = bytes.first().map_or(0, |first| usize::from(first & 15) * 4);
        if header < bytes.len() {
            let at = self.dice.random_range(header..bytes.len());
            bytes[at] ^= 1 << self.dice.random_range(0..8);
        }
    }
}

/// A packet on its way out.
#[derive(Debug)]
pub struct Leaving(Packet);

impl Leaving {
    /// What to write.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}
