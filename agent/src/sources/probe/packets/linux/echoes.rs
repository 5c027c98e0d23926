//! Echoes through one socket, and one task that reads what comes for them.
//!
//! An answer belongs to the echo whose identifier, sequence number and secret it repeats, and comes from
//! the address that was asked; an error belongs to the echo that it quotes. All else answers nothing.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use surge_ping::ICMP;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::super::super::filter::hear_own_answers_alone;
use super::super::{Came, Echo, MOST_BYTES};
use super::message::{self, Identity};
use super::queue::{self, Received, What};
use super::{meaning, prepare, refusal, set_ttl, socket_address, watched};
use crate::os::Address;

/// Bytes of a message that are read: an IP header with options, and an echo up to the secret.
const LOOKED_AT: usize = 128;

/// Messages that are read before others have their turn.
const AT_ONCE: u32 = 256;

/// A socket for echoes. Dropped, it no longer receives.
pub(super) struct Echoes {
    shared: Arc<Shared>,
    reader: AbortHandle,
}

struct Shared {
    socket: AsyncFd<Socket>,
    /// A raw socket is given IPv4 headers too.
    is_raw: bool,
    identity: Identity,
    state: Mutex<State>,
}

struct State {
    next: u16,
    waiting: HashMap<u16, Waiting>,
}

/// An echo that was sent.
struct Waiting {
    to: IpAddr,
    sent: Instant,
    came: Option<Came>,
    duplicates: u32,
    tell: Arc<Notify>,
}

/// What became of sending.
pub(super) enum Launched {
    Flies(Flight),
    /// It never left this machine.
    Ended(Came),
}

/// An echo on its way. Dropped, it is forgotten.
pub(super) struct Flight {
    /// Kept, so that what comes is still read.
    echoes: Arc<Echoes>,
    sequence: u16,
    sent: Instant,
    told: Arc<Notify>,
}

impl Echoes {
    /// Opens a socket of the kind that needs no rights, or a raw one. Must be called on the runtime.
    pub(super) fn open(ipv4: bool, interface: Option<&str>) -> io::Result<Self> {
        let (domain, protocol) = if ipv4 {
            (Domain::IPV4, Protocol::ICMPV4)
        } else {
            (Domain::IPV6, Protocol::ICMPV6)
        };
        let new = |kind| Socket::new(domain, kind, Some(protocol));
        let socket = new(Type::DGRAM).or_else(|_| new(Type::RAW))?;
        let is_raw = socket.r#type()? == Type::RAW;
        prepare(&socket, ipv4, interface)?;
        let mut identifier = rand::random();
        if !is_raw {
            // Its port is the identifier, which the kernel chooses.
            let anywhere: SocketAddr = if ipv4 {
                (Ipv4Addr::UNSPECIFIED, 0).into()
            } else {
                (Ipv6Addr::UNSPECIFIED, 0).into()
            };
            socket.bind(&anywhere.into())?;
            let bound = socket.local_addr()?.as_socket();
            identifier = bound.map_or(0, |bound| bound.port());
        }
        if is_raw {
            // It would get every ICMP packet of the machine, and wake the agent for each.
            let kind = if ipv4 { ICMP::V4 } else { ICMP::V6 };
            // Without it there is more to read, that is all.
            let _ = hear_own_answers_alone(SockRef::from(&socket), kind, identifier);
        }
        let shared = Arc::new(Shared {
            socket: watched(socket, Interest::READABLE | Interest::ERROR)?,
            is_raw,
            identity: Identity {
                ipv4,
                identifier,
                secret: rand::random(),
            },
            state: Mutex::new(State {
                next: rand::random(),
                waiting: HashMap::new(),
            }),
        });
        let reader = tokio::spawn(read(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, reader })
    }

    /// Sends an echo in an IP packet of this size.
    pub(super) fn launch(
        self: &Arc<Self>,
        to: &Address,
        ttl: Option<u8>,
        bytes: u16,
    ) -> io::Result<Launched> {
        let shared = &self.shared;
        let mut state = shared.state();
        let sequence = state.next;
        state.next = sequence.wrapping_add(1);
        let packet = usize::from(bytes.min(MOST_BYTES));
        let identity = &shared.identity;
        let request = identity.request(sequence, packet, message::ip_header(to.ip));

        let socket = shared.socket.get_ref();
        set_ttl(socket, identity.ipv4, ttl)?;
        let destination = socket_address(to, 0);
        // An error about an earlier packet, which the error queue tells too, would stop this one.
        let _ = socket.take_error();
        let sent = Instant::now();
        if let Err(error) = socket.send_to(&request, &destination) {
            // Or the error came just now.
            let again = socket.send_to(&request, &destination);
            if again.is_err() {
                return shared.not_sent(&mut state, error).map(Launched::Ended);
            }
        }
        let told = Arc::new(Notify::new());
        let waiting = Waiting {
            to: to.ip,
            sent,
            came: None,
            duplicates: 0,
            tell: Arc::clone(&told),
        };
        state.waiting.insert(sequence, waiting);
        Ok(Launched::Flies(Flight {
            echoes: Arc::clone(self),
            sequence,
            sent,
            told,
        }))
    }
}

impl Drop for Echoes {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Flight {
    /// What became of it, waited for until this long after it was sent.
    pub(super) async fn came(&self, limit: Duration) -> Came {
        let _ = timeout_at(self.sent + limit, self.told.notified()).await;
        let state = self.echoes.shared.state();
        let came = state.waiting.get(&self.sequence).and_then(|one| one.came);
        came.unwrap_or(Came::Nothing)
    }

    /// What is known of it now.
    pub(super) fn echo(&self) -> Echo {
        let state = self.echoes.shared.state();
        let waiting = state.waiting.get(&self.sequence);
        waiting.map_or_else(Echo::default, |one| Echo {
            rtt: match one.came {
                Some(Came::Reply { rtt }) => Some(rtt),
                _ => None,
            },
            duplicates: one.duplicates,
        })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.echoes.shared.state().waiting.remove(&self.sequence);
    }
}

async fn read(shared: Arc<Shared>) {
    loop {
        let interest = Interest::READABLE | Interest::ERROR;
        let Ok(mut ready) = shared.socket.ready(interest).await else {
            return;
        };
        let (is_all, _) = {
            let mut state = shared.state();
            let is_all = shared.read_messages(&mut state);
            (is_all, shared.read_errors(&mut state))
        };
        if is_all {
            ready.clear_ready();
        } else {
            // Somebody sends more than is asked for: others have their turn too.
            tokio::task::yield_now().await;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it means that an echo could not be sent.
    fn not_sent(&self, state: &mut State, error: io::Error) -> io::Result<Came> {
        if Errno::from_io_error(&error) == Some(Errno::MSGSIZE) {
            let mtu = self.read_errors(state).unwrap_or_default();
            return Ok(Came::TooBig { from: None, mtu });
        }
        refusal(&error).ok_or(error)
    }

    /// Takes in answers that wait to be read; whether these are all.
    fn read_messages(&self, state: &mut State) -> bool {
        let mut buffer = [0; LOOKED_AT];
        for _ in 0..AT_ONCE {
            match queue::message(self.socket.get_ref(), &mut buffer) {
                Ok(received) => {
                    self.take_answer(&mut state.waiting, &received, &buffer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // An error about a packet, which the error queue tells too.
                Err(_) => {}
            }
        }
        false
    }

    fn take_answer(
        &self,
        waiting: &mut HashMap<u16, Waiting>,
        received: &Received,
        buffer: &[u8],
    ) -> Option<()> {
        let mut message = buffer.get(..received.length)?;
        if self.is_raw && self.identity.ipv4 {
            message = message::behind_ipv4(message)?;
        }
        let one = waiting.get_mut(&self.identity.answered(message)?)?;
        if received.peer != Some(one.to) {
            return None;
        }
        if matches!(one.came, Some(Came::Reply { .. })) {
            one.duplicates += 1;
        } else {
            let rtt = one.sent.elapsed().saturating_sub(received.age);
            one.end(Came::Reply { rtt });
        }
        Some(())
    }

    /// Takes in all errors that wait to be read; returns the MTU of this machine's own interface, where
    /// one of them tells it.
    fn read_errors(&self, state: &mut State) -> Option<u16> {
        let mut buffer = [0; LOOKED_AT];
        let mut own_mtu = None;
        while let Ok(received) = queue::error(self.socket.get_ref(), &mut buffer) {
            let Some(trouble) = received.error else {
                continue;
            };
            let quote = buffer.get(..received.length).unwrap_or_default();
            if let Some(one) = self
                .identity
                .quoted(quote)
                .and_then(|it| state.waiting.get_mut(&it))
            {
                let rtt = one.sent.elapsed().saturating_sub(received.age);
                let came = meaning(trouble, one.to, rtt);
                if one.came.is_none()
                    && received.peer == Some(one.to)
                    && let Some(came) = came
                {
                    one.end(came);
                }
            } else if let (None, What::TooBig { mtu }) = (trouble.from, trouble.what) {
                own_mtu = Some(mtu);
            }
        }
        own_mtu
    }
}

impl Waiting {
    fn end(&mut self, came: Came) {
        self.came = Some(came);
        self.tell.notify_one();
    }
}
