//! What really happened on an emulated link: counted per direction, and for each echo told one by one.
//!
//! A measurement is judged by this, not by what was asked of the link: of 1,000 packets at 5 % loss not 50
//! are lost but, say, 57, and a delay of 40 ms takes 40.08 ms on a busy machine.

use std::net::Ipv4Addr;
use std::time::Duration;

/// Echoes told one by one; of further ones only the counts are kept.
const ECHOES: usize = 50_000;

const ICMP: u8 = 1;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;

/// What one direction of a link did, since it was made or last forgot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Packets that came in.
    pub came: u64,
    /// Packets that went out, duplicates among them.
    pub went: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets that the dice took.
    pub lost: u64,
    /// Packets that found the queue full.
    pub queue_full: u64,
    /// Packets that were swallowed for their size.
    pub too_big: u64,
    /// Packets that came or were under way while the line was cut, or whose device was gone.
    pub cut: u64,
    /// Copies that were made.
    pub duplicated: u64,
    /// Packets that were held back.
    pub held_back: u64,
    /// Packets that were damaged.
    pub corrupted: u64,
    /// Of those that went out together, from coming in to going out.
    pub delay: Duration,
    /// Echo requests and replies, in the order in which they came in.
    pub echoes: Vec<Echo>,
}

/// Which way an echo went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An echo request.
    Request,
    /// Its reply.
    Reply,
}

/// One echo request or reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Which of both.
    pub way: Way,
    /// Sender of the request.
    pub asking: Ipv4Addr,
    /// Whom the request is for.
    pub asked: Ipv4Addr,
    /// The ICMP identifier.
    pub identifier: u16,
    /// The ICMP sequence number.
    pub sequence: u16,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is still on the link.
    UnderWay,
    /// It went out after this time, the first of its copies.
    Arrived(Duration),
    /// The dice took it.
    Lost,
    /// The queue was full.
    QueueFull,
    /// It was swallowed for its size.
    TooBig,
    /// The line was cut, or its device gone.
    Cut,
}

impl Truth {
    /// The share of packets that came in and did not go out.
    pub fn loss(&self) -> f64 {
        let dropped = self.lost + self.queue_full + self.too_big + self.cut;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 packets")]
        let share = dropped as f64 / self.came.max(1) as f64;
        share
    }

    /// The mean time on the link.
    pub fn mean_delay(&self) -> Duration {
        u32::try_from(self.went)
            .ok()
            .and_then(|went| self.delay.checked_div(went))
            .unwrap_or_default()
    }

    /// A packet came; the answer is how to name it to [`Truth::became`].
    pub(super) fn came(&mut self, packet: &[u8]) -> Option<usize> {
        self.came += 1;
        let echo = echo(packet).filter(|_| self.echoes.len() < ECHOES)?;
        self.echoes.push(echo);
        Some(self.echoes.len() - 1)
    }

    /// What became of a packet.
    pub(super) fn became(&mut self, echo: Option<usize>, fate: Fate) {
        match fate {
            Fate::UnderWay => {}
            Fate::Arrived(after) => {
                self.went += 1;
                self.delay += after;
            }
            Fate::Lost => self.lost += 1,
            Fate::QueueFull => self.queue_full += 1,
            Fate::TooBig => self.too_big += 1,
            Fate::Cut => self.cut += 1,
        }
        if let Some(echo) = echo.and_then(|echo| self.echoes.get_mut(echo))
            && echo.fate == Fate::UnderWay
        {
            echo.fate = fate;
        }
    }
}

/// Reads an IPv4 packet that is an echo.
fn echo(packet: &[u8]) -> Option<Echo> {
    let first = *packet.first()?;
    if first >> 4 != 4 || *packet.get(9)? != ICMP {
        return None;
    }
    let address = |at: usize| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
    let (from, to) = (address(12)?, address(16)?);
    let icmp = packet.get(usize::from(first & 15) * 4..)?;
    let word = |at: usize| Some(u16::from_be_bytes(*icmp.get(at..)?.first_chunk::<2>()?));
    let (way, asking, asked) = match *icmp.first()? {
        ECHO_REQUEST => (Way::Request, from, to),
        ECHO_REPLY => (Way::Reply, to, from),
        _ => return None,
    };
    Some(Echo {
        way,
        asking,
        asked,
        identifier: word(4)?,
        sequence: word(6)?,
        fate: Fate::UnderWay,
    })
}
