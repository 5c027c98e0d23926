//! How echoes are made: ICMP where the system lets us, else the opening of TCP connections.
//!
//! ICMP goes through one socket per address family (see `ping.rs`), opened when first needed: the
//! kernel's datagram kind, which needs no rights, or a raw one.
//!
//! By TCP, a refusal answers as well as an acceptance does: either came from the other end. A
//! connection attempt is waited for less than a second, because then the kernel sends again, and a
//! lost packet would show as a slow one.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use surge_ping::ICMP;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::super::Unmeasurable;
use super::pace::{ECHOES, Pace};
use super::ping::Pings;
use crate::os::{self, Address};

/// Less than the kernel's first retransmission of a SYN (RFC 6298).
const CONNECT_LIMIT: Duration = Duration::from_millis(950);

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
    v4: Option<Arc<Pings>>,
    v6: Option<Arc<Pings>>,
}

/// How to reach one family of addresses.
#[derive(Clone)]
pub(super) struct Means {
    /// By TCP where there is none.
    pings: Option<Arc<Pings>>,
}

impl Sockets {
    /// How to reach this address, and what is in the way of ICMP. Must be called on the runtime.
    pub(super) fn means(&mut self, ip: IpAddr) -> (Means, Option<Unmeasurable>) {
        let (slot, kind) = match ip {
            IpAddr::V4(_) => (&mut self.v4, ICMP::V4),
            IpAddr::V6(_) => (&mut self.v6, ICMP::V6),
        };
        let mut limitation = None;
        if slot.is_none() {
            match Pings::open(kind) {
                Ok(pings) => *slot = Some(Arc::new(pings)),
                Err(error) => limitation = Some(no_icmp(kind, &error)),
            }
        }
        let pings = slot.clone();
        (Means { pings }, limitation)
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

impl Means {
    /// What the `method` label says.
    pub(super) fn method(&self) -> Method {
        match &self.pings {
            None => Method::TcpConnect,
            Some(pings) if pings.is_raw() => Method::IcmpRaw,
            Some(_) => Method::IcmpDatagram,
        }
    }

    /// Sends the echoes of one round and waits for all answers, in the order of sending. The port
    /// matters for TCP alone.
    pub(super) async fn round(
        &self,
        address: &Address,
        port: u16,
        pace: Pace,
    ) -> Vec<Option<Duration>> {
        let begin = Instant::now();
        let echoes = (0..ECHOES).map(|number| async move {
            sleep_until(begin + pace.spacing * number).await;
            match &self.pings {
                Some(pings) => pings.echo(address, pace.timeout).await,
                None => connect(address, port, pace.timeout).await,
            }
        });
        join_all(echoes).await
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

    fn address(text: &str) -> Address {
        Address::parse(text, &Root::default()).unwrap()
    }

    #[tokio::test]
    async fn a_refused_connection_answers_as_an_accepted_one_does() {
        let means = Means { pings: None };
        assert_eq!(means.method(), Method::TcpConnect);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let here = address("127.0.0.1");
        let pace = Pace::of(Duration::from_secs(1));
        let accepted = means.round(&here, port, pace).await;
        assert!(accepted.iter().all(Option::is_some), "{accepted:?}");
        drop(listener);
        let refused = means.round(&here, port, pace).await;
        assert!(refused.iter().all(Option::is_some), "{refused:?}");
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
