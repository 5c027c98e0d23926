//! ICMP echoes over one socket, which all links of an address family share.
//!
//! Written for few wake-ups, since a PC sends tens of thousands of echoes a day: one task receives, a
//! round of echoes is told of its answers at its end alone, and a raw socket, which would otherwise get
//! every ICMP packet of the machine, has a filter in the kernel. An answer is an echo reply from the
//! address that was asked; errors that routers send about an echo count as no answer.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::pace::{ECHOES, Pace};
use super::packet::{Family, HEADER, PAYLOAD, keep_out_others, reply, request};
use crate::os::Address;

/// Room for an answer and the longest IPv4 header.
const LARGEST: usize = 60 + HEADER + PAYLOAD;

/// After an error of the socket, which may be there to stay.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket for echoes. Dropped, it no longer receives.
pub(super) struct Pings {
    shared: Arc<Shared>,
    _receiving: JoinSet<()>,
}

struct Shared {
    socket: UdpSocket,
    family: Family,
    is_raw: bool,
    /// In every echo. The kernel puts its own into those of a datagram socket, and sorts by it.
    identifier: u16,
    next_sequence: AtomicU16,
    in_flight: Mutex<HashMap<u16, Echo>>,
}

/// An echo on its way.
struct Echo {
    to: IpAddr,
    sent_at: Instant,
    fate: Fate,
    round: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Awaited,
    Answered(Duration),
    /// Could not be sent.
    Failed,
}

impl Pings {
    /// Opens a socket of the kind that needs no rights, or a raw one. Must be called on the runtime.
    pub(super) fn open(family: Family) -> io::Result<Self> {
        let (domain, protocol) = match family {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let open = |kind| Socket::new(domain, kind, Some(protocol));
        let (socket, is_raw) = match open(Type::DGRAM) {
            Ok(socket) => (socket, false),
            Err(_) => (open(Type::RAW)?, true),
        };
        let identifier = rand::random();
        if is_raw {
            // Without it there is more to read, that is all.
            let _ = keep_out_others(&socket, family, identifier);
        }
        socket.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            socket: UdpSocket::from_std(socket.into())?,
            family,
            is_raw,
            identifier,
            next_sequence: AtomicU16::new(0),
            in_flight: Mutex::default(),
        });
        let mut receiving = JoinSet::new();
        receiving.spawn(receive(Arc::clone(&shared)));
        Ok(Self {
            shared,
            _receiving: receiving,
        })
    }

    pub(super) fn is_raw(&self) -> bool {
        self.shared.is_raw
    }

    /// Sends the echoes of one round and waits for their answers, in the order of sending.
    pub(super) async fn round(&self, address: &Address, pace: Pace) -> Vec<Option<Duration>> {
        let mut round = Round {
            shared: &self.shared,
            told: Arc::new(Notify::new()),
            sequences: Vec::new(),
        };
        let begin = Instant::now();
        for number in 0..ECHOES {
            sleep_until(begin + pace.spacing * number).await;
            round.send(address).await;
        }
        let end = Instant::now() + pace.timeout;
        while round.is_awaited() {
            tokio::select! {
                () = round.told.notified() => {}
                () = sleep_until(end) => break,
            }
        }
        round.answers(pace.timeout)
    }
}

/// Until it is dropped, its echoes are known as in flight.
struct Round<'a> {
    shared: &'a Shared,
    told: Arc<Notify>,
    sequences: Vec<u16>,
}

impl Round<'_> {
    async fn send(&mut self, address: &Address) {
        let shared = self.shared;
        let sequence = shared.next_sequence.fetch_add(1, Ordering::Relaxed);
        self.sequences.push(sequence);
        let packet = request(shared.family, shared.identifier, sequence);
        let to = match address.ip {
            IpAddr::V4(ip) => SocketAddr::from((ip, 0)),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, 0, 0, address.scope()).into(),
        };
        let echo = Echo {
            to: address.ip,
            sent_at: Instant::now(),
            fate: Fate::Awaited,
            round: Arc::clone(&self.told),
        };
        shared.in_flight().insert(sequence, echo);
        if shared.socket.send_to(&packet, to).await.is_err()
            && let Some(echo) = shared.in_flight().get_mut(&sequence)
        {
            echo.fate = Fate::Failed;
        }
    }

    fn fates(&self) -> Vec<Fate> {
        let in_flight = self.shared.in_flight();
        let fate = |sequence| {
            in_flight
                .get(sequence)
                .map_or(Fate::Failed, |echo| echo.fate)
        };
        self.sequences.iter().map(fate).collect()
    }

    fn is_awaited(&self) -> bool {
        self.fates().contains(&Fate::Awaited)
    }

    fn answers(&self, limit: Duration) -> Vec<Option<Duration>> {
        let answer = |fate| match fate {
            Fate::Answered(rtt) if rtt <= limit => Some(rtt),
            _ => None,
        };
        self.fates().into_iter().map(answer).collect()
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.shared.in_flight();
        for sequence in &self.sequences {
            in_flight.remove(sequence);
        }
    }
}

impl Shared {
    fn in_flight(&self) -> MutexGuard<'_, HashMap<u16, Echo>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn received(&self, packet: &[u8], from: IpAddr, at: Instant) {
        let identifier = self.is_raw.then_some(self.identifier);
        let has_ip_header = self.is_raw && self.family == Family::V4;
        let Some(sequence) = reply(packet, self.family, has_ip_header, identifier) else {
            return;
        };
        let mut in_flight = self.in_flight();
        if let Some(echo) = in_flight.get_mut(&sequence)
            && echo.to == from
            && echo.fate == Fate::Awaited
        {
            echo.fate = Fate::Answered(at.duration_since(echo.sent_at));
            echo.round.notify_one();
        }
    }
}

async fn receive(shared: Arc<Shared>) {
    let mut buffer = [0; LARGEST];
    loop {
        match shared.socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let packet = buffer.get(..length).unwrap_or_default();
                shared.received(packet, from.ip(), Instant::now());
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "tests, which say what they skip"
    )]
    use super::*;
    use crate::os::Root;

    #[tokio::test]
    async fn two_sockets_do_not_get_each_others_answers() {
        let (one, other) = match (Pings::open(Family::V4), Pings::open(Family::V4)) {
            (Ok(one), Ok(other)) => (one, other),
            (one, other) => {
                let error = one.err().or(other.err());
                assert!(std::env::var("CI").is_err(), "a skip fails here: {error:?}");
                println!("skipped, because there is no ICMP: {error:?}");
                return;
            }
        };
        let pace = Pace::of(Duration::from_secs(1));
        let here = Address::parse("127.0.0.1", &Root::default()).unwrap();
        let nobody = Address::parse("240.0.0.1", &Root::default()).unwrap();
        let (first, second, lost) = tokio::join!(
            one.round(&here, pace),
            other.round(&here, pace),
            one.round(&nobody, pace)
        );
        assert!(first.iter().chain(&second).all(Option::is_some));
        assert!(lost.iter().all(Option::is_none));
        assert!(one.shared.in_flight().is_empty(), "nothing is remembered");
    }

    #[tokio::test]
    async fn a_round_that_is_given_up_is_forgotten() {
        let Ok(pings) = Pings::open(Family::V4) else {
            println!("skipped, because there is no ICMP");
            return;
        };
        let here = Address::parse("127.0.0.1", &Root::default()).unwrap();
        let pace = Pace::of(Duration::from_secs(15));
        let given_up = tokio::time::timeout(pace.spacing, pings.round(&here, pace)).await;
        assert!(given_up.is_err());
        assert!(pings.shared.in_flight().is_empty());
    }
}
