//! How echoes are made: ICMP where the system lets us, else the opening of TCP connections; and packets
//! that expire at a router which answers no echo of its own.
//!
//! ICMP goes through one socket per address family and interface (see `ping.rs`), opened when first
//! needed: the kernel's datagram kind, which needs no rights, or a raw one.
//!
//! By TCP, a refusal answers as well as an acceptance does: either came from the other end. A
//! connection attempt is waited for less than a second, because then the kernel sends again, and a
//! lost packet would show as a slow one.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use socket2::SockRef;
use surge_ping::ICMP;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep_until, timeout};

use super::super::{Hop, Unmeasurable};
use super::pace::Pace;
use super::packets::{Came, Carrier, Packets, Probe, USUAL_BYTES};
use super::ping::Pings;
use super::statistics::Echo;
use crate::os::{self, Address};

/// Less than the kernel's first retransmission of a SYN (RFC 6298).
const CONNECT_LIMIT: Duration = Duration::from_millis(950);

/// How links are measured, the `method` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    IcmpDatagram,
    IcmpRaw,
    IcmpTtl,
    TcpConnect,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::IcmpDatagram => "icmp_datagram",
            Self::IcmpRaw => "icmp_raw",
            Self::IcmpTtl => "icmp_ttl",
            Self::TcpConnect => "tcp_connect",
        }
    }
}

/// The ICMP sockets of this agent. A plan names few interfaces, and what a round does not use is closed
/// before it.
#[derive(Default)]
pub(super) struct Sockets {
    pings: HashMap<Way, Arc<Pings>>,
    /// For packets that expire. All at once: waiting for each other, on a dead line no round would end.
    packets: HashMap<Option<String>, Arc<Packets>>,
}

/// What a socket is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) ipv4: bool,
    pub(super) interface: Option<String>,
}

/// How to reach an address.
#[derive(Clone)]
pub(super) enum Means {
    Ping(Arc<Pings>),
    Expire {
        packets: Arc<Packets>,
        hop: Hop,
        carrier: Carrier,
    },
    Connect {
        port: u16,
        interface: Option<String>,
    },
}

impl Sockets {
    /// How to reach an address by echoes of its own; by TCP at this port without ICMP. `None` where the
    /// interface does not let us through. Also what is in the way. Must be called on the runtime.
    pub(super) fn means(
        &mut self,
        way: &Way,
        port: Option<u16>,
    ) -> (Option<Means>, Option<Unmeasurable>) {
        if let Some(pings) = self.pings.get(way) {
            return (Some(Means::Ping(Arc::clone(pings))), None);
        }
        let kind = if way.ipv4 { ICMP::V4 } else { ICMP::V6 };
        match Pings::open(kind, way.interface.as_deref()) {
            Ok(pings) => {
                let pings = Arc::new(pings);
                self.pings.insert(way.clone(), Arc::clone(&pings));
                (Some(Means::Ping(pings)), None)
            }
            Err(error) => {
                let interface = way.interface.clone();
                let is_gone =
                    interface.is_some() && error.kind() != io::ErrorKind::PermissionDenied;
                let connect = port.filter(|_| !is_gone).map(|port| Means::Connect {
                    port,
                    interface: interface.clone(),
                });
                let limitation = match interface {
                    Some(interface) if is_gone => no_interface(&interface, &error),
                    _ => no_icmp(kind, &error),
                };
                (connect, Some(limitation))
            }
        }
    }

    /// How to reach a router by packets that expire there.
    pub(super) fn expiring(&mut self, way: &Way, hop: &Hop) -> Means {
        let has_icmp = matches!(self.means(way, None), (Some(Means::Ping(_)), _));
        let interface = &way.interface;
        let packets = self.packets.entry(interface.clone());
        let packets =
            packets.or_insert_with(|| Arc::new(Packets::of_many_flows(interface.clone())));
        Means::Expire {
            packets: Arc::clone(packets),
            hop: hop.clone(),
            // A datagram needs no rights, and the router answers it alike.
            carrier: if has_icmp {
                Carrier::Echo
            } else {
                Carrier::Udp
            },
        }
    }

    /// Closes all but those of these ways, and what sends expiring packets for nobody.
    pub(super) fn keep(&mut self, used: impl Fn(&Way) -> bool) {
        self.pings.retain(|way, _| used(way));
        self.packets
            .retain(|_, packets| Arc::strong_count(packets) > 1);
    }

    /// Nothing was answered on this way: the sockets are opened anew, should they be at fault. An
    /// interface that comes back is another one to the kernel.
    pub(super) fn doubt(&mut self, way: &Way) {
        self.pings.remove(way);
        self.packets.remove(&way.interface);
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

fn no_interface(interface: &str, error: &io::Error) -> Unmeasurable {
    Unmeasurable {
        what: format!("nothing can be sent through the interface {interface} ({error})"),
        remedy: "plug it in, or name another one for its network in the settings".to_owned(),
    }
}

impl Means {
    /// What the `method` label says.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Ping(pings) if pings.is_raw() => Method::IcmpRaw,
            Self::Ping(_) => Method::IcmpDatagram,
            Self::Expire { .. } => Method::IcmpTtl,
            Self::Connect { .. } => Method::TcpConnect,
        }
    }

    /// Sends the echoes of one round and waits for all answers, in the order of sending. Without the
    /// echoes that say nothing of the address.
    pub(super) async fn round(&self, address: &Address, pace: Pace) -> Vec<Echo> {
        self.round_from(Instant::now(), address, pace).await
    }

    /// The same, later.
    pub(super) async fn round_from(
        &self,
        begin: Instant,
        address: &Address,
        pace: Pace,
    ) -> Vec<Echo> {
        let echoes = (0..pace.echoes).map(|number| async move {
            let turn = begin + pace.spacing * number;
            // The shortest sleep takes a millisecond, and the processor is woken twice.
            if turn > Instant::now() {
                sleep_until(turn).await;
            }
            let sent = begin.elapsed();
            let rtt = match self {
                Self::Ping(pings) => pings.echo(address, pace.timeout).await,
                Self::Expire {
                    packets,
                    hop,
                    carrier,
                } => expire(packets, hop, *carrier, pace.timeout).await?,
                Self::Connect { port, interface } => {
                    connect(address, *port, interface.as_deref(), pace.timeout).await
                }
            };
            Some(Echo {
                sent,
                rtt,
                duplicates: 0,
            })
        });
        join_all(echoes).await.into_iter().flatten().collect()
    }
}

/// The time a router takes to say that a packet expired there. `None` when another answered: the way is
/// another one now, which says nothing of this router.
async fn expire(
    packets: &Packets,
    hop: &Hop,
    carrier: Carrier,
    limit: Duration,
) -> Option<Option<Duration>> {
    let to = Address {
        ip: hop.towards,
        zone: None,
    };
    let probe = Probe {
        to,
        carrier,
        ttl: Some(hop.ttl),
        bytes: USUAL_BYTES,
    };
    match packets.send(&probe, limit).await {
        Ok(Came::Expired { from, rtt }) if from == hop.address => Some(Some(rtt)),
        Ok(Came::Expired { .. } | Came::Reply { .. } | Came::Refused { .. }) => None,
        _ => Some(None),
    }
}

async fn connect(
    address: &Address,
    port: u16,
    interface: Option<&str>,
    limit: Duration,
) -> Option<Duration> {
    let (socket, address) = match address.ip {
        IpAddr::V4(ip) => (TcpSocket::new_v4(), SocketAddr::from((ip, port))),
        IpAddr::V6(ip) => {
            let address = SocketAddrV6::new(ip, port, 0, address.scope());
            (TcpSocket::new_v6(), address.into())
        }
    };
    let socket = socket.ok()?;
    if let Some(interface) = interface {
        os::bind_to(&SockRef::from(&socket), interface).ok()?;
    }
    let started = Instant::now();
    let outcome = timeout(limit.min(CONNECT_LIMIT), socket.connect(address)).await;
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

    fn address(text: &str) -> Address {
        Address::parse(text, &Root::default()).unwrap()
    }

    #[tokio::test]
    async fn a_refused_connection_answers_as_an_accepted_one_does() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let means = Means::Connect {
            port: listener.local_addr().unwrap().port(),
            interface: None,
        };
        assert_eq!(means.method(), Method::TcpConnect);
        let here = address("127.0.0.1");
        let pace = Pace::of(Duration::from_secs(1), 5, 1);
        let is_answered = |echo: &Echo| echo.rtt.is_some();
        let accepted = means.round(&here, pace).await;
        assert!(accepted.iter().all(is_answered), "{accepted:?}");
        drop(listener);
        let refused = means.round(&here, pace).await;
        assert!(refused.iter().all(is_answered), "{refused:?}");
        assert!(refused.is_sorted_by_key(|echo| echo.sent));
        assert_eq!((accepted.len(), refused.len()), (5, 5));
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
