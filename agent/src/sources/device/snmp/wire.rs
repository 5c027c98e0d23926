//! The socket of one session: connected to its device, so that only the device's own datagrams get in.
//!
//! One socket a session, not one for all: the kernel then refuses what comes from another address or
//! port, tells when nothing listens at the device's port (ICMP, which an unconnected socket is not
//! told), and keeps a queue for each, so that a device that floods fills its own, which is closed with
//! the session. What sessions share is the buffer that datagrams are received into.
//!
//! A device that answers from another address or port than it was asked at is thus a device that does
//! not answer. That is on purpose: whoever may answer for it could lie for it. Deliberately absent:
//! patience; it is the session's.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_snmp::{Candidate, Error, MAX_UDP_PAYLOAD, ReceiveLimits, RequestRegistration};
use async_snmp::{ResponseIdentity, UDP_RECEIVE_LIMITS};
use bytes::Bytes;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::Trouble;
use super::convert::network;

/// A way to send a request to a device and get its answer, with what a session wants to know of it.
pub(crate) trait Wire: async_snmp::Transport + Clone + 'static {
    /// What was sent, and what came.
    fn ledger(&self) -> &Ledger;

    /// Forgets what came late.
    fn drain(&self);
}

/// What was sent on a wire, and what came that was no answer.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Messages that may yet be sent.
    left: AtomicU32,
    strays: AtomicU32,
    answered: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
}

impl Ledger {
    /// Datagrams of a device that answer nothing, after which it is not listened to for this request.
    const STRAYS: u32 = 64;

    pub(crate) fn new(requests: u32) -> Self {
        Self {
            left: AtomicU32::new(requests),
            strays: AtomicU32::new(0),
            answered: AtomicBool::new(false),
            trouble: Mutex::new(None),
        }
    }

    /// Begins a request.
    pub(crate) fn begin(&self) {
        self.strays.store(0, Ordering::Relaxed);
        self.note(None);
    }

    /// A message is about to be sent.
    pub(crate) fn send(&self, peer: SocketAddr) -> async_snmp::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        match left {
            0 => Err(self.end(peer, Trouble::Budget)),
            _ => Ok(()),
        }
    }

    /// Something came that is no answer to what was asked.
    pub(crate) fn stray(&self, peer: SocketAddr) -> async_snmp::Result<()> {
        let before = self.strays.fetch_add(1, Ordering::Relaxed);
        match before {
            ..Self::STRAYS => Ok(()),
            _ => Err(self.end(peer, Trouble::Unreadable)),
        }
    }

    /// An answer came, be it only to the question who is there.
    pub(crate) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether one ever came.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// The end of the request, for this reason.
    fn end(&self, peer: SocketAddr, trouble: Trouble) -> Box<Error> {
        self.note(Some(trouble));
        Box::new(Error::Closed { target: peer })
    }

    fn note(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// What this request met, as far as the wire alone knows: a device that sent something else does
    /// answer, only not so that it can be read.
    pub(crate) fn trouble(&self, told: Trouble) -> Trouble {
        let noted = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let strayed = self.strays.load(Ordering::Relaxed) > 0;
        match (noted, told) {
            (Some(noted), _) => noted,
            (None, Trouble::Timeout) if strayed => Trouble::Unreadable,
            (None, told) => told,
        }
    }
}

/// A buffer as large as a datagram, of which the kernel backs what datagrams have filled.
pub(crate) type Buffer = Arc<Mutex<Box<[u8]>>>;

pub(crate) fn buffer() -> Buffer {
    Arc::new(Mutex::new(vec![0; usize::from(u16::MAX)].into()))
}

/// A socket connected to one device.
#[derive(Clone)]
pub(crate) struct Socket(Arc<Inner>);

struct Inner {
    socket: UdpSocket,
    peer: SocketAddr,
    local: SocketAddr,
    buffer: Buffer,
    ledger: Ledger,
}

impl Socket {
    pub(crate) fn connect(
        peer: SocketAddr,
        buffer: Buffer,
        requests: u32,
    ) -> Result<Self, io::Error> {
        let any: SocketAddr = match peer {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = std::net::UdpSocket::bind(any)?;
        socket.connect(peer)?;
        socket.set_nonblocking(true)?;
        Ok(Self(Arc::new(Inner {
            local: socket.local_addr()?,
            socket: UdpSocket::from_std(socket)?,
            peer,
            buffer,
            ledger: Ledger::new(requests),
        })))
    }

    fn failed(&self, error: io::Error) -> Box<Error> {
        self.0.ledger.note(Some(network(error.kind())));
        let target = self.0.peer;
        let source = error;
        Box::new(Error::Network { target, source })
    }

    /// What has come, or the error that has.
    fn take(&self) -> io::Result<Bytes> {
        let mut buffer = self.0.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let length = (&*SockRef::from(&self.0.socket)).read(&mut buffer)?;
        Ok(Bytes::copy_from_slice(
            buffer.get(..length).unwrap_or_default(),
        ))
    }

    async fn receive(&self) -> io::Result<Bytes> {
        // Tokio's own `recv` waits for data, and sleeps while word of an ICMP error is there.
        let either = Interest::READABLE | Interest::ERROR;
        self.0.socket.async_io(either, || self.take()).await
    }
}

impl Wire for Socket {
    fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    fn drain(&self) {
        // As much as a queue holds; a device that fills it faster is found out when it is asked.
        for _ in 0..1_000 {
            match self.take() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An answer that is late, or word of an earlier request that was refused.
                Ok(_) | Err(_) => {}
            }
        }
    }
}

impl async_snmp::Transport for Socket {
    async fn send(&self, data: &[u8]) -> async_snmp::Result<()> {
        self.0.ledger.send(self.0.peer)?;
        let sent = self.0.socket.send(data).await;
        sent.map(drop).map_err(|error| self.failed(error))
    }

    async fn request_with<T, F>(
        &self,
        data: &[u8],
        registration: RequestRegistration,
        mut validate: F,
    ) -> async_snmp::Result<T>
    where
        T: Send,
        F: FnMut(Bytes, SocketAddr) -> async_snmp::Result<Candidate<T>> + Send,
    {
        let peer = self.0.peer;
        let exchange = async {
            self.send(data).await?;
            loop {
                let received = self.receive().await;
                let received = received.map_err(|error| self.failed(error))?;
                let identity = registration.evaluate_response_identity(&received, true);
                if identity != ResponseIdentity::Reject
                    && let Candidate::Accept(answer) = validate(received, peer)?
                {
                    self.0.ledger.answered();
                    return Ok(answer);
                }
                self.0.ledger.stray(peer)?;
            }
        };
        let timed = tokio::time::timeout_at(registration.deadline(), exchange).await;
        timed.unwrap_or_else(|_| Err(timeout(peer)))
    }

    fn peer_addr(&self) -> SocketAddr {
        self.0.peer
    }

    fn local_addr(&self) -> SocketAddr {
        self.0.local
    }

    fn is_reliable(&self) -> bool {
        false
    }

    fn receive_limits(&self) -> ReceiveLimits {
        // The largest there is, also told to whoever speaks SNMPv3: some send nothing where they might
        // have sent less.
        UDP_RECEIVE_LIMITS
    }

    fn send_capacity(&self) -> usize {
        MAX_UDP_PAYLOAD
    }
}

/// Without the figures, which nobody reads.
pub(crate) fn timeout(peer: SocketAddr) -> Box<Error> {
    Box::new(Error::Timeout {
        target: peer,
        elapsed: std::time::Duration::ZERO,
        retries: 0,
    })
}
