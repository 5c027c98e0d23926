//! One echo: ICMP where the system lets us, else the opening of a TCP connection.
//!
//! ICMP goes through one socket per address family, shared by all links and opened when first
//! needed: the kernel's datagram kind, which needs no rights, or a raw one. An answer is an echo
//! reply alone; errors that routers send about an echo count as no answer.
//!
//! By TCP, a refusal answers as well as an acceptance does: either came from the other end. A
//! connection attempt is waited for less than a second, because then the kernel sends again, and a
//! lost packet would show as a slow one.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::super::Unmeasurable;
use crate::os::{self, Address};

/// As `ping` sends, so that figures compare.
const PAYLOAD: [u8; 56] = [0; 56];

/// Less than the kernel's first retransmission of a SYN (RFC 6298).
const CONNECT_LIMIT: Duration = Duration::from_millis(950);

const ICMPV4_ECHO_REPLY: u8 = 0;
const ICMPV6_ECHO_REPLY: u8 = 129;

/// How links are measured, the `method` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    IcmpDatagram,
    IcmpRaw,
    TcpConnect,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::IcmpDatagram => "icmp_datagram",
            Self::IcmpRaw => "icmp_raw",
            Self::TcpConnect => "tcp_connect",
        }
    }
}

/// The ICMP sockets of this agent.
#[derive(Default)]
pub(super) struct Sockets {
    v4: Option<Socket>,
    v6: Option<Socket>,
}

/// An ICMP socket.
#[derive(Clone)]
struct Socket {
    client: Client,
    identifier: PingIdentifier,
    /// Shared, so that no two echoes in flight to one address are alike.
    sequence: Arc<AtomicU16>,
}

/// How to reach one family of addresses.
#[derive(Clone)]
pub(super) struct Means {
    /// By TCP where there is none.
    socket: Option<Socket>,
}

impl Sockets {
    /// How to reach this address, and what is in the way of ICMP. Must be called on the runtime.
    pub(super) fn means(&mut self, ip: IpAddr) -> (Means, Option<Unmeasurable>) {
        let (slot, kind) = match ip {
            IpAddr::V4(_) => (&mut self.v4, ICMP::V4),
            IpAddr::V6(_) => (&mut self.v6, ICMP::V6),
        };
        let limitation = if slot.is_none() {
            match Socket::open(kind) {
                Ok(socket) => {
                    *slot = Some(socket);
                    None
                }
                Err(error) => Some(no_icmp(kind, &error)),
            }
        } else {
            None
        };
        let socket = slot.clone();
        (Means { socket }, limitation)
    }

    /// Nothing of this family was answered: the socket is opened anew, should it be at fault.
    pub(super) fn doubt(&mut self, ipv4: bool) {
        if ipv4 {
            self.v4 = None;
        } else {
            self.v6 = None;
        }
    }
}

fn no_icmp(kind: ICMP, error: &io::Error) -> Unmeasurable {
    let version = match kind {
        ICMP::V4 => 4,
        ICMP::V6 => 6,
    };
    let cause = error.kind();
    Unmeasurable {
        what: format!(
            "no ICMP over IPv{version} ({cause}): round-trip times are those of TCP connections"
        ),
        remedy: os::ICMP_REMEDY.to_owned(),
    }
}

impl Socket {
    /// Tries the unprivileged kind first.
    fn open(kind: ICMP) -> io::Result<Self> {
        let config = Config::builder()
            .kind(kind)
            .sock_type_hint(socket2::Type::DGRAM)
            .build();
        Ok(Self {
            client: Client::new(&config)?,
            identifier: PingIdentifier(rand::random()),
            sequence: Arc::default(),
        })
    }

    async fn echo(&self, address: &Address, limit: Duration) -> Option<Duration> {
        let sequence = PingSequence(self.sequence.fetch_add(1, Ordering::Relaxed));
        let mut pinger = self.client.pinger(address.ip, self.identifier).await;
        pinger.scope_id(address.scope()).timeout(limit);
        let (packet, rtt) = pinger.ping(sequence, &PAYLOAD).await.ok()?;
        let is_reply = match packet {
            IcmpPacket::V4(packet) => packet.get_icmp_type().0 == ICMPV4_ECHO_REPLY,
            IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == ICMPV6_ECHO_REPLY,
        };
        is_reply.then_some(rtt)
    }
}

impl Means {
    /// What the `method` label says.
    pub(super) fn method(&self) -> Method {
        match &self.socket {
            None => Method::TcpConnect,
            Some(socket) if socket.client.get_socket().get_type() == socket2::Type::DGRAM => {
                Method::IcmpDatagram
            }
            Some(_) => Method::IcmpRaw,
        }
    }

    /// Sends one echo and waits for its answer. The port matters for TCP alone.
    pub(super) async fn echo(
        &self,
        address: &Address,
        port: u16,
        limit: Duration,
    ) -> Option<Duration> {
        match &self.socket {
            Some(socket) => socket.echo(address, limit).await,
            None => connect(address, port, limit).await,
        }
    }
}

async fn connect(address: &Address, port: u16, limit: Duration) -> Option<Duration> {
    let address = match address.ip {
        IpAddr::V4(ip) => SocketAddr::from((ip, port)),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, address.scope()).into(),
    };
    let started = Instant::now();
    let outcome = timeout(limit.min(CONNECT_LIMIT), TcpStream::connect(address)).await;
    let rtt = started.elapsed();
    let answered = outcome
        .ok()?
        .map_or_else(|error| is_answer(&error), |_| true);
    answered.then_some(rtt)
}

fn is_answer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use tokio::net::TcpListener;

    use super::*;
    use crate::os::Root;

    const LIMIT: Duration = Duration::from_secs(3);

    fn address(text: &str) -> Address {
        Address::parse(text, &Root::default()).unwrap()
    }

    #[tokio::test]
    async fn a_refused_connection_answers_as_an_accepted_one_does() {
        let means = Means { socket: None };
        assert_eq!(means.method(), Method::TcpConnect);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let here = address("127.0.0.1");
        assert!(means.echo(&here, port, LIMIT).await.is_some(), "accepted");
        drop(listener);
        assert!(means.echo(&here, port, LIMIT).await.is_some(), "refused");
    }

    #[test]
    fn silence_and_unreachable_networks_are_no_answer() {
        use io::ErrorKind::{HostUnreachable, NetworkUnreachable, TimedOut};
        for kind in [HostUnreachable, NetworkUnreachable, TimedOut] {
            assert!(!is_answer(&io::Error::from(kind)), "{kind}");
        }
    }

    #[test]
    fn without_icmp_a_person_is_told_why_and_what_to_do() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(
            no_icmp(ICMP::V6, &refused).to_string(),
            format!(
                "no ICMP over IPv6 (permission denied): round-trip times are those of TCP connections; {}",
                os::ICMP_REMEDY
            )
        );
    }
}
