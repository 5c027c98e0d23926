//! A stranger on the way who sees each echo of a PC and sends, before the true answer, what could pass
//! for one; and who repeats true answers when nobody waits for them any more.
//!
//! It does not send what nobody could tell: an answer from the right address with all that the echo had
//! in it. Nor one that has its identifier and sequence number and another payload: the echoes of a round
//! carry no secret, so that who sees them can answer them.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::Instant;

use crate::network::{Namespace, PCS};

/// After this a true answer comes again.
const LATE: Duration = Duration::from_secs(2);

/// How often it looks whether it shall end.
const LOOK: Duration = Duration::from_millis(50);

/// `ETH_P_IP` of Linux.
const IPV4_FRAMES: u16 = 0x0800;

const ICMP: u8 = 1;

/// Of a true answer that comes again: less than any that comes by itself.
const MARKED: u8 = 30;

/// Routers quote no more (RFC 1812).
const QUOTED: usize = 548;

/// Where things are in a packet.
const TTL: usize = 8;
const PROTOCOL: usize = 9;
const FROM: usize = 12;
const TO: usize = 16;
const HEADERS: usize = 28;

const REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const REQUEST: u8 = 8;
const EXPIRED: u8 = 11;

/// At work until dropped.
#[derive(Debug)]
pub struct Forger {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// How many packets it has sent.
#[derive(Debug, Clone, Copy)]
pub struct Forged {
    pub at_once: u64,
    pub late: u64,
}

#[derive(Debug, Default)]
struct Shared {
    ends: AtomicBool,
    at_once: AtomicU64,
    late: AtomicU64,
}

impl Forger {
    /// From where it sends its errors.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 66, 66, 66);

    /// Begins, on a router.
    pub fn at(router: &Namespace) -> Result<Self, String> {
        let shared = Arc::new(Shared::default());
        let sockets = router.inside(|| Ok((watching()?, sending()?)))?;
        let (seen, out) = sockets.map_err(|error: io::Error| format!("no raw socket: {error}"))?;
        let its = Arc::clone(&shared);
        let thread = std::thread::spawn(move || its.work(&seen, &out));
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// What it has done so far.
    pub fn forged(&self) -> Forged {
        Forged {
            at_once: self.shared.at_once.load(Ordering::Relaxed),
            late: self.shared.late.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Ok(()))) | None => {}
            ended => eprintln!("the forger has failed: {ended:?}"),
        }
    }
}

/// Sees every IPv4 packet of its namespace.
fn watching() -> io::Result<Socket> {
    let frames = Protocol::from(i32::from(IPV4_FRAMES.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(frames))?;
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

/// Sends packets whose IP header is our own.
fn sending() -> io::Result<Socket> {
    const RAW: i32 = 255;
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(RAW)))
}

impl Shared {
    fn work(&self, seen: &Socket, out: &Socket) -> io::Result<()> {
        let mut late: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut buffer = [0; 10_000];
        while !self.ends.load(Ordering::Relaxed) {
            while let Some((_, packet)) = late.pop_front_if(|(came, _)| came.elapsed() >= LATE) {
                send(out, &packet)?;
                self.late.fetch_add(1, Ordering::Relaxed);
            }
            let mut reading = seen;
            let Ok(length) = reading.read(&mut buffer) else {
                continue;
            };
            let packet = &buffer[..length];
            let Some(echo) = Echo::read(packet) else {
                continue;
            };
            // One router farther on it is another packet, and what is sent here comes by once more.
            if echo.kind == REQUEST && echo.from == PCS[0] && packet[TTL] == 64 {
                for forged in echo.forgeries(packet) {
                    send(out, &forged)?;
                    self.at_once.fetch_add(1, Ordering::Relaxed);
                }
            } else if echo.kind == REPLY && echo.to == PCS[0] && packet[TTL] > MARKED {
                let mut again = packet.to_vec();
                again[TTL] = MARKED;
                late.push_back((Instant::now(), again));
            }
        }
        Ok(())
    }
}

/// Puts a packet on its way to where its header says. One that the system refuses is not sent.
fn send(out: &Socket, packet: &[u8]) -> io::Result<()> {
    let to = SocketAddrV4::new(address(packet, TO), 0);
    out.send_to(packet, &to.into()).map(drop)
}

fn address(packet: &[u8], at: usize) -> Ipv4Addr {
    let [a, b, c, d] = [0, 1, 2, 3].map(|byte| packet[at + byte]);
    Ipv4Addr::new(a, b, c, d)
}

/// An echo that comes by, or its reply.
#[derive(Debug, Clone, Copy)]
struct Echo<'p> {
    kind: u8,
    from: Ipv4Addr,
    to: Ipv4Addr,
    identifier: u16,
    sequence: u16,
    payload: &'p [u8],
}

impl<'p> Echo<'p> {
    fn read(packet: &'p [u8]) -> Option<Self> {
        let payload = packet.get(HEADERS..)?;
        let is_echo = packet[0] == 0x45 && packet[PROTOCOL] == ICMP;
        let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        is_echo.then(|| Self {
            kind: packet[20],
            from: address(packet, FROM),
            to: address(packet, TO),
            identifier: word(24),
            sequence: word(26),
            payload,
        })
    }

    /// What could pass for an answer to it, and is none.
    fn forgeries(&self, request: &[u8]) -> Vec<Vec<u8>> {
        let Self {
            from: pc,
            to: asked,
            identifier,
            sequence,
            payload,
            ..
        } = *self;
        let reply = |identifier: u16, sequence: u16| echo(REPLY, identifier, sequence, payload);
        let right = reply(identifier, sequence);
        let elsewhere = Forger::ADDRESS;
        let mut forged = vec![
            packet(asked, pc, reply(identifier.wrapping_add(1), sequence)),
            packet(asked, pc, reply(identifier, sequence.wrapping_add(7_000))),
            packet(elsewhere, pc, right.clone()),
            packet(asked, pc, echo(REQUEST, identifier, sequence, payload)),
            packet(asked, pc, with_kind(right.clone(), 255)),
        ];
        // Torn in every place.
        for length in [0, 1, 4, 7] {
            forged.push(packet(asked, pc, right[..length].to_vec()));
        }
        // Errors about the packet of another, about one to somebody else, and about none that can be read.
        let other_identifier =
            [&request[..24], &(!identifier).to_be_bytes(), &request[26..]].concat();
        let mut other_goal = request.to_vec();
        other_goal[TO..TO + 4].copy_from_slice(&elsewhere.octets());
        for quoted in [
            &other_identifier[..],
            &other_goal[..],
            &request[..12],
            &request[..20],
            &[],
        ] {
            // That it takes too many hops, that it is too big for 68 bytes, and that there is no way.
            for (kind, code, next) in [(EXPIRED, 0, 0), (UNREACHABLE, 4, 68), (UNREACHABLE, 1, 0)] {
                let head = [kind, code, 0, 0, 0, 0, 0, next];
                forged.push(packet(
                    elsewhere,
                    pc,
                    [&head, &quoted[..quoted.len().min(QUOTED)]].concat(),
                ));
            }
        }
        forged
    }
}

fn echo(kind: u8, identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let [id, seq] = [identifier, sequence].map(u16::to_be_bytes);
    [&[kind, 0, 0, 0], &id[..], &seq, payload].concat()
}

fn with_kind(mut message: Vec<u8>, kind: u8) -> Vec<u8> {
    message[0] = kind;
    message
}

/// An ICMP packet, with checksums that are right. The kernel makes that of the header.
fn packet(from: Ipv4Addr, to: Ipv4Addr, mut message: Vec<u8>) -> Vec<u8> {
    if message.len() >= 4 {
        message[2..4].fill(0);
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
    }
    let length = u16::try_from(20 + message.len()).expect("a packet");
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0, 0, 60, ICMP, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(message);
    packet
}

/// RFC 1071.
fn checksum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|word| match word {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}
