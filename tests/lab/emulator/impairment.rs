//! What one direction of a link does to packets, written as it is said:
//! `Impairment::none().delay(ms(40)).loss(0.05)`.
//!
//! All shares are of packets and between 0 and 1, and each packet's fate is its own throw of the dice;
//! only [`GilbertElliott`] remembers.

use std::time::Duration;

/// What a direction does to packets. Made from [`Impairment::none`].
#[derive(Debug, Clone, PartialEq)]
pub struct Impairment {
    pub(super) cut: bool,
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) loss: GilbertElliott,
    pub(super) rate: Option<f64>,
    pub(super) queue: Queue,
    pub(super) largest: usize,
    pub(super) duplicated: f64,
    pub(super) held_back: (f64, Duration),
    pub(super) corrupted: f64,
}

/// A line that is good at times and bad at others: two states, a chance to change the state at each
/// packet, and a share that is lost in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GilbertElliott {
    /// Chance that a good line turns bad, per packet.
    pub to_bad: f64,
    /// Chance that a bad line turns good again, per packet.
    pub to_good: f64,
    /// Lost while it is good.
    pub lost_when_good: f64,
    /// Lost while it is bad.
    pub lost_when_bad: f64,
}

/// How much waits in front of a line that is busy. What comes on top is dropped, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Bytes of IP packets.
    Bytes(usize),
    /// What the line sends in this time.
    Time(Duration),
}

impl GilbertElliott {
    const NEVER: Self = Self::at_random(0.0);

    /// Loss without memory (Bernoulli).
    pub const fn at_random(share: f64) -> Self {
        Self {
            to_bad: 0.0,
            to_good: 1.0,
            lost_when_good: share,
            lost_when_bad: share,
        }
    }

    /// The same share, lost in bursts of this many packets on average.
    pub fn in_bursts(share: f64, packets: f64) -> Self {
        let to_good = 1.0 / packets;
        Self {
            to_bad: to_good * share / (1.0 - share),
            to_good,
            lost_when_good: 0.0,
            lost_when_bad: 1.0,
        }
    }

    /// The share that is lost in the long run.
    pub fn share(&self) -> f64 {
        let bad = self.to_bad / (self.to_bad + self.to_good);
        bad * self.lost_when_bad + (1.0 - bad) * self.lost_when_good
    }
}

impl Impairment {
    /// A perfect line: at once, everything, at any rate.
    pub const fn none() -> Self {
        Self {
            cut: false,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: GilbertElliott::NEVER,
            rate: None,
            queue: Queue::Bytes(64 * 1024),
            largest: usize::MAX,
            duplicated: 0.0,
            held_back: (0.0, Duration::ZERO),
            corrupted: 0.0,
        }
    }

    /// Nothing comes through, and nobody is told. Also ends what is under way.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Each packet takes this long, after it has been sent at the line's rate.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The delay varies: normally distributed around [`Impairment::delay`] with this standard deviation,
    /// cut off at three of them and at 0. A packet never overtakes another by it: where packets follow
    /// closer than the delay varies, the later waits.
    pub fn jitter(mut self, deviation: Duration) -> Self {
        self.jitter = deviation;
        self
    }

    /// This share is lost, at random.
    pub fn loss(self, share: f64) -> Self {
        self.loss_as(GilbertElliott::at_random(share))
    }

    /// Loss that comes in bursts.
    pub fn loss_as(mut self, loss: GilbertElliott) -> Self {
        self.loss = loss;
        self
    }

    /// Bits per second of IP packets. What comes faster waits in a queue ([`Impairment::queue`]), 64 KiB
    /// unless said otherwise.
    pub fn rate(mut self, bits_per_second: f64) -> Self {
        self.rate = Some(bits_per_second);
        self
    }

    /// How long the queue of a line with a rate is. A long one is what bufferbloat is made of.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    /// Larger IP packets vanish, and nobody is told: a black hole for path MTU discovery. For an honest
    /// small line lower the devices' own MTU ([`super::Link::set_mtu`]).
    pub fn swallows_above(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// This share comes twice.
    pub fn duplicates(mut self, share: f64) -> Self {
        self.duplicated = share;
        self
    }

    /// This share takes so much longer, and others may overtake it.
    pub fn holds_back(mut self, share: f64, by: Duration) -> Self {
        self.held_back = (share, by);
        self
    }

    /// In this share one bit behind the IP header is flipped, which its receiver's checksum tells.
    pub fn corrupts(mut self, share: f64) -> Self {
        self.corrupted = share;
        self
    }

    /// Bytes that may wait.
    pub(super) fn room(&self) -> usize {
        match (self.queue, self.rate) {
            (Queue::Bytes(bytes), _) => bytes,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a queue is short"
            )]
            (Queue::Time(time), Some(rate)) => (time.as_secs_f64() * rate / 8.0) as usize,
            (Queue::Time(_), None) => usize::MAX,
        }
    }
}
