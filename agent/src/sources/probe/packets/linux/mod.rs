//! Packets on Linux: ICMP through one socket per address family, UDP and TCP through a socket each time.

mod echoes;
mod message;
mod once;
mod queue;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::message::checksum;

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use rustix::io::Errno;
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{SockAddr, SockRef, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use self::echoes::{Echoes, Flight, Launched};
use self::once::Once;
use self::queue::{Trouble, What};
use super::{Came, Carrier, Echo, Probe, USUAL_BYTES, Unreachable};
use crate::os::{self, Address};

/// Packets that may be waited for at once. The next waits until one of them is done.
const IN_FLIGHT: usize = 128;

/// How long after the last answer of a burst a second one to the same echo is waited for.
const DUPLICATES: Duration = Duration::from_millis(250);

/// See [`super::Packets`].
pub(super) struct Engine {
    interface: Option<String>,
    v4: Mutex<Option<Arc<Echoes>>>,
    v6: Mutex<Option<Arc<Echoes>>>,
    udp: Once,
    tcp: Once,
    in_flight: Semaphore,
}

impl Engine {
    pub(super) fn new(interface: Option<String>, flows: usize) -> Self {
        Self {
            udp: Once::new(interface.clone(), flows),
            tcp: Once::new(interface.clone(), flows),
            interface,
            v4: Mutex::default(),
            v6: Mutex::default(),
            in_flight: Semaphore::new(IN_FLIGHT),
        }
    }

    pub(super) async fn send(&self, probe: &Probe, limit: Duration) -> io::Result<Came> {
        let _turn = self.in_flight.acquire().await;
        match probe.carrier {
            Carrier::Echo => match self.launch(&probe.to, probe.ttl, probe.bytes)? {
                Launched::Flies(flight) => Ok(flight.came(limit).await),
                Launched::Ended(came) => Ok(came),
            },
            Carrier::Udp => self.udp.datagram(probe, limit).await,
            Carrier::Tcp(port) => self.tcp.connection(probe, port, limit).await,
        }
    }

    pub(super) async fn burst(
        &self,
        to: &Address,
        echoes: u32,
        spacing: Duration,
        limit: Duration,
    ) -> io::Result<Vec<Echo>> {
        let begin = Instant::now();
        let flights = try_join_all((0..echoes).map(|number| async move {
            sleep_until(begin + spacing * number).await;
            let _turn = self.in_flight.acquire().await;
            match self.launch(to, None, USUAL_BYTES) {
                Ok(Launched::Flies(flight)) => {
                    flight.came(limit).await;
                    Ok(Some(flight))
                }
                Ok(Launched::Ended(_)) => Ok(None),
                Err(error) if number == 0 => Err(error),
                Err(_) => Ok(None),
            }
        }))
        .await?;
        sleep_until(Instant::now() + DUPLICATES.min(limit)).await;
        let echoes = flights.iter().map(|flight| {
            let flight = flight.as_ref();
            flight.map(Flight::echo).unwrap_or_default()
        });
        Ok(echoes.collect())
    }

    fn launch(&self, to: &Address, ttl: Option<u8>, bytes: u16) -> io::Result<Launched> {
        let slot = if to.ip.is_ipv4() { &self.v4 } else { &self.v6 };
        let echoes = {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            match &*slot {
                Some(echoes) => Arc::clone(echoes),
                None => {
                    let echoes = Echoes::open(to.ip.is_ipv4(), self.interface.as_deref())?;
                    Arc::clone(slot.insert(Arc::new(echoes)))
                }
            }
        };
        let launched = echoes.launch(to, ttl, bytes);
        if launched.is_err() {
            // Such as an interface that went: should it come back, it is another one.
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        launched
    }
}

/// Binds to an interface, sends nothing in fragments and heeds no remembered path MTU.
fn prepare(socket: &Socket, ipv4: bool, interface: Option<&str>) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    if let Some(interface) = interface {
        os::bind_to(&SockRef::from(socket), interface)?;
    }
    if ipv4 {
        set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE)?;
    } else {
        set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE)?;
    }
    queue::prepare(socket, ipv4)
}

/// A socket whose readiness the runtime watches. Must be called on the runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of types that change their descriptor, which a socket does not"
)]
fn watched(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    AsyncFd::with_interest(socket, interest)
}

/// Hops that the next packet may go.
fn set_ttl(socket: &Socket, ipv4: bool, ttl: Option<u8>) -> io::Result<()> {
    const USUAL: u32 = 64;
    let ttl = ttl.map_or(USUAL, u32::from);
    if ipv4 {
        socket.set_ttl_v4(ttl)
    } else {
        socket.set_unicast_hops_v6(ttl)
    }
}

fn socket_address(to: &Address, port: u16) -> SockAddr {
    let address: SocketAddr = match to.ip {
        IpAddr::V4(ip) => (ip, port).into(),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, to.scope()).into(),
    };
    address.into()
}

/// What an error about a packet means for it; `None` when it does not.
fn meaning(trouble: Trouble, to: IpAddr, rtt: Duration) -> Option<Came> {
    match trouble.what {
        What::Expired => Some(Came::Expired {
            from: trouble.from?,
            rtt,
        }),
        What::TooBig { mtu } => Some(Came::TooBig {
            from: trouble.from,
            mtu,
        }),
        What::Unreachable(_) if trouble.from == Some(to) => Some(Came::Refused { rtt }),
        What::Unreachable(what) => Some(Came::Unreachable {
            from: trouble.from.filter(|from| !is_own(*from)),
            what,
            rtt,
        }),
        What::Other => None,
    }
}

/// Whether this machine has the address: who has it can be bound to.
fn is_own(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// What it means that the system refuses to send, when it is about the way, or about a queue that is full.
fn refusal(error: &io::Error) -> Option<Came> {
    if matches!(
        Errno::from_io_error(error),
        Some(Errno::NOBUFS | Errno::AGAIN)
    ) {
        // As good as dropped by a router.
        return Some(Came::Nothing);
    }
    use io::ErrorKind::{
        AddrNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied,
    };
    let what = match error.kind() {
        HostUnreachable => Unreachable::Host,
        NetworkUnreachable | NetworkDown | AddrNotAvailable => Unreachable::Network,
        PermissionDenied => Unreachable::Prohibited,
        _ => return None,
    };
    Some(Came::Unreachable {
        from: None,
        what,
        rtt: Duration::ZERO,
    })
}
