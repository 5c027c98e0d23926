//! UDP and TCP packets: a socket for each, from the same port as the one before, one after another; or
//! from as many ports as are waited for at once.
//!
//! An ICMP error belongs to the only packet that is waited for. The kernel compares the sequence number
//! that errors about TCP quote; of UDP they need not quote more than the ports, so that the answer to a
//! packet that was given up could be taken for that to the next. After a silent one the port changes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::super::{Came, MOST_BYTES, Probe};
use super::message::ip_header;
use super::{meaning, prepare, queue, refusal, set_ttl, socket_address, watched};

/// Where nobody listens; the first port of `traceroute`.
const UDP_PORT: u16 = 33_434;

/// Less than the kernel's first retransmission of a SYN (RFC 6298).
const CONNECT_LIMIT: Duration = Duration::from_millis(950);

/// Tried where a port turns out to be somebody else's on the way to there.
const OTHER_PORTS: u32 = 4;

/// Bytes of a UDP header, and of the secret that follows it.
const UDP_HEADER: usize = 8;
const SECRET: usize = 8;

/// Sends packets, within one flow one after another.
pub(super) struct Once {
    interface: Option<String>,
    /// One permit for each flow.
    flows: Semaphore,
    /// Those nothing is waited for from; the last one used is used next.
    pub(super) ports: Mutex<Vec<u16>>,
}

impl Once {
    pub(super) fn new(interface: Option<String>, flows: usize) -> Self {
        Self {
            interface,
            flows: Semaphore::new(flows),
            ports: Mutex::default(),
        }
    }

    fn ports(&self) -> MutexGuard<'_, Vec<u16>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a datagram to where nobody listens.
    pub(super) async fn datagram(&self, probe: &Probe, limit: Duration) -> io::Result<Came> {
        let _turn = self.flows.acquire().await;
        let (socket, port) = self.open(Type::DGRAM, Protocol::UDP, probe)?;
        let secret: [u8; SECRET] = rand::random();
        let mut payload = secret.to_vec();
        let headers = ip_header(probe.to.ip) + UDP_HEADER;
        let packet = usize::from(probe.bytes.min(MOST_BYTES));
        payload.resize(packet.saturating_sub(headers).max(SECRET), 0);
        let to = socket_address(&probe.to, UDP_PORT);
        let sent = Instant::now();
        if let Err(error) = socket.connect(&to).and_then(|()| socket.send(&payload))
            && Errno::from_io_error(&error) != Some(Errno::MSGSIZE)
        {
            return refusal(&error).ok_or(error);
        }
        let waiting = Waiting {
            socket: watched(socket, Interest::READABLE | Interest::ERROR)?,
            to: probe.to.ip,
            sent,
            secret: Some(secret),
        };
        // A port that is not put back is not used again: neither after this is given up.
        let came = waiting.came(limit).await?;
        if came != Came::Nothing {
            self.ports().push(port);
        }
        Ok(came)
    }

    /// Opens a connection and drops it.
    pub(super) async fn connection(
        &self,
        probe: &Probe,
        to_port: u16,
        limit: Duration,
    ) -> io::Result<Came> {
        let _turn = self.flows.acquire().await;
        let to = socket_address(&probe.to, to_port);
        let mut other_ports = OTHER_PORTS;
        let (socket, port, sent) = loop {
            let (socket, port) = self.open(Type::STREAM, Protocol::TCP, probe)?;
            // Ends with a reset: nothing is left to wait for, here or there.
            socket.set_linger(Some(Duration::ZERO))?;
            let sent = Instant::now();
            match socket.connect(&to).or_else(still_connecting) {
                Ok(()) => break (socket, port, sent),
                Err(error) if other_ports > 0 && is_taken(&error) => other_ports -= 1,
                Err(error) => return refusal(&error).ok_or(error),
            }
        };
        let waiting = Waiting {
            socket: watched(socket, Interest::WRITABLE | Interest::ERROR)?,
            to: probe.to.ip,
            sent,
            secret: None,
        };
        let came = waiting.came(limit.min(CONNECT_LIMIT)).await;
        self.ports().push(port);
        came
    }

    /// A socket of its own, and its port.
    fn open(&self, kind: Type, protocol: Protocol, probe: &Probe) -> io::Result<(Socket, u16)> {
        let ipv4 = probe.to.ip.is_ipv4();
        let (domain, anywhere): (_, IpAddr) = if ipv4 {
            (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into())
        } else {
            (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into())
        };
        let socket = Socket::new(domain, kind, Some(protocol))?;
        prepare(&socket, ipv4, self.interface.as_deref())?;
        set_ttl(&socket, ipv4, probe.ttl)?;
        let from = |port| SocketAddr::from((anywhere, port)).into();
        let port = self.ports().pop().unwrap_or_default();
        // A new port must be nobody's, not even a listener's: a connection could lead to itself.
        socket.set_reuse_address(kind == Type::STREAM && port != 0)?;
        if socket.bind(&from(port)).is_err() {
            // Somebody else took it meanwhile.
            socket.set_reuse_address(false)?;
            socket.bind(&from(0))?;
        }
        let bound = socket.local_addr()?.as_socket();
        Ok((socket, bound.map_or(0, |bound| bound.port())))
    }
}

/// Whether somebody else may have a connection from this port to there; it is also said where this machine
/// has no address to send from.
fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
}

fn still_connecting(error: io::Error) -> io::Result<()> {
    match Errno::from_io_error(&error) {
        Some(Errno::INPROGRESS) => Ok(()),
        _ => Err(error),
    }
}

/// A packet on its way, which has its socket for itself.
struct Waiting {
    socket: AsyncFd<Socket>,
    to: IpAddr,
    sent: Instant,
    /// What a datagram carries; `None` for a connection.
    secret: Option<[u8; SECRET]>,
}

impl Waiting {
    async fn came(self, limit: Duration) -> io::Result<Came> {
        let deadline = self.sent + limit;
        loop {
            let interest = match self.secret {
                Some(_) => Interest::READABLE | Interest::ERROR,
                None => Interest::WRITABLE | Interest::ERROR,
            };
            let Ok(ready) = timeout_at(deadline, self.socket.ready(interest)).await else {
                return Ok(Came::Nothing);
            };
            let mut ready = ready?;
            if let Some(came) = self.error().or_else(|| self.answer()) {
                return Ok(came);
            }
            ready.clear_ready();
        }
    }

    /// What errors about the packet say.
    fn error(&self) -> Option<Came> {
        let mut quote = [0; 64];
        while let Ok(received) = queue::error(self.socket.get_ref(), &mut quote) {
            let Some(trouble) = received.error else {
                continue;
            };
            let quoted = quote.get(..received.length).unwrap_or_default();
            let ours = received.peer == Some(self.to) || trouble.from.is_none();
            if ours && self.secret.is_none_or(|secret| agrees(quoted, secret)) {
                let rtt = self.sent.elapsed().saturating_sub(received.age);
                let came = meaning(trouble, self.to, rtt);
                if came.is_some() {
                    return came;
                }
            }
        }
        None
    }

    /// What the other end says.
    fn answer(&self) -> Option<Came> {
        let socket = self.socket.get_ref();
        let rtt = self.sent.elapsed();
        if self.secret.is_some() {
            let mut buffer = [0; 1];
            let received = queue::message(socket, &mut buffer).ok()?;
            return (received.peer == Some(self.to)).then_some(Came::Reply { rtt });
        }
        match socket.take_error() {
            Ok(None) => socket.peer_addr().is_ok().then_some(Came::Reply { rtt }),
            Ok(Some(error)) | Err(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
                    Some(Came::Refused { rtt })
                }
                _ => refusal(&error),
            },
        }
    }
}

/// Whether what a router quotes of a datagram, which may be nothing, is what was sent.
fn agrees(quoted: &[u8], secret: [u8; SECRET]) -> bool {
    quoted
        .iter()
        .zip(secret)
        .all(|(quoted, sent)| *quoted == sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_may_quote_nothing_but_not_another_packet() {
        let check = |quoted: &[u8], expected| {
            assert_eq!(agrees(quoted, *b"a secret"), expected, "{quoted:?}");
        };
        check(b"", true);
        check(b"a sec", true);
        check(b"a secret\0\0\0", true);
        check(b"another!", false);
    }
}
