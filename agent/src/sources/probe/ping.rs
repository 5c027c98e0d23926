//! ICMP echoes over one socket, which all links of an address family share.
//!
//! `surge-ping` makes, sends and matches them; one task of its receives for all. An answer is an echo
//! reply from the address that was asked; errors that routers send about an echo count as no answer.
//! A raw socket would get every ICMP packet of the machine: all echoes carry one identifier, which a
//! filter in the kernel goes by (see `filter.rs`), and differ in their sequence.

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use socket2::Type;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence};

use super::filter::{keep_out_others, reply};
use crate::os::{self, Address};

/// As `ping` sends, so that figures compare.
const PAYLOAD: [u8; 56] = [0; 56];

/// A socket for echoes. Dropped, it no longer receives.
pub(super) struct Pings {
    client: Client,
    kind: ICMP,
    /// In every echo of a raw socket. The kernel puts its own into those of a datagram socket.
    identifier: PingIdentifier,
    /// Handed out here, so that no two echoes in flight to one address are alike.
    next_sequence: AtomicU16,
}

impl Pings {
    /// Opens a socket of the kind that needs no rights, or a raw one; bound to an interface, it uses
    /// that one alone. Must be called on the runtime.
    pub(super) fn open(kind: ICMP, interface: Option<&str>) -> io::Result<Self> {
        Self::prefer(Type::DGRAM, kind, interface)
    }

    fn prefer(socket_type: Type, kind: ICMP, interface: Option<&str>) -> io::Result<Self> {
        let mut config = Config::builder().kind(kind).sock_type_hint(socket_type);
        if let Some(interface) = interface {
            if !os::CAN_BIND {
                return Err(io::ErrorKind::Unsupported.into());
            }
            config = config.interface(interface);
        }
        let config = config.build();
        let pings = Self {
            client: Client::new(&config)?,
            kind,
            identifier: PingIdentifier(rand::random()),
            next_sequence: AtomicU16::new(0),
        };
        if pings.is_raw() {
            // Without it there is more to read, that is all.
            let _ = keep_out_others(&pings.client, kind, pings.identifier);
        }
        Ok(pings)
    }

    pub(super) fn is_raw(&self) -> bool {
        self.client.get_socket().get_type() == Type::RAW
    }

    /// Sends one echo and waits for its answer. Given up, it is forgotten.
    pub(super) async fn echo(&self, address: &Address, limit: Duration) -> Option<Duration> {
        let sequence = self.next_sequence.fetch_add(1, Ordering::Relaxed);
        let mut pinger = self.client.pinger(address.ip, self.identifier).await;
        pinger.scope_id(address.scope()).timeout(limit);
        let (packet, rtt) = pinger.ping(PingSequence(sequence), &PAYLOAD).await.ok()?;
        let message = match packet {
            IcmpPacket::V4(packet) => packet.get_icmp_type().0,
            IcmpPacket::V6(packet) => packet.get_icmpv6_type().0,
        };
        (message == reply(self.kind)).then_some(rtt)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "tests, which say what they skip"
    )]
    use super::*;
    use crate::os::Root;

    const LIMIT: Duration = Duration::from_millis(250);

    /// Two raw sockets, the first of which hears the answers to the other's echoes and not its own.
    fn crossed(kind: ICMP) -> Option<[Pings; 2]> {
        let open = || match Pings::prefer(Type::RAW, kind, None) {
            Ok(pings) if pings.is_raw() => Ok(pings),
            Ok(_) => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
            Err(error) => Err(error),
        };
        match (open(), open()) {
            (Ok(one), Ok(other)) => {
                keep_out_others(&one.client, kind, other.identifier).unwrap();
                Some([one, other])
            }
            (one, other) => {
                let error = one.err().or(other.err());
                assert!(std::env::var("CI").is_err(), "a skip fails here: {error:?}");
                println!("skipped, because there is no raw {kind:?} socket: {error:?}");
                None
            }
        }
    }

    fn here(kind: ICMP) -> Address {
        let text = match kind {
            ICMP::V4 => "127.0.0.1",
            ICMP::V6 => "::1",
        };
        Address::parse(text, &Root::default()).unwrap()
    }

    /// Whether the machine has the address at all.
    fn is_there(kind: ICMP) -> bool {
        let there = std::net::UdpSocket::bind((here(kind).ip, 0)).is_ok();
        if !there {
            println!("skipped, because this machine has no {:?}", here(kind).ip);
        }
        there
    }

    #[tokio::test]
    async fn the_kernel_keeps_out_what_is_not_asked_for_and_a_foreign_answer_answers_nothing() {
        for kind in [ICMP::V4, ICMP::V6] {
            let Some([one, other]) = crossed(kind).filter(|_| is_there(kind)) else {
                continue;
            };
            let here = here(kind);
            let (crossed, straight) =
                tokio::join!(one.echo(&here, LIMIT), other.echo(&here, LIMIT));
            assert_eq!(crossed, None, "{kind:?}: neither its own nor another's");
            assert!(straight.is_some(), "{kind:?}");
            keep_out_others(&one.client, kind, one.identifier).unwrap();
            assert!(one.echo(&here, LIMIT).await.is_some(), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn an_echo_that_is_given_up_is_forgotten() {
        let Some([one, _other]) = crossed(ICMP::V4) else {
            return;
        };
        let here = here(ICMP::V4);
        let given_up = tokio::time::timeout(LIMIT / 5, one.echo(&here, LIMIT)).await;
        assert!(given_up.is_err());
        keep_out_others(&one.client, one.kind, one.identifier).unwrap();
        // The same echo once more: while one is remembered, it is refused.
        one.next_sequence.store(0, Ordering::Relaxed);
        assert!(one.echo(&here, LIMIT).await.is_some());
    }
}
