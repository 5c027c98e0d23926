//! One question to one resolver: over UDP, and over TCP when the answer does not fit.
//!
//! Each question has a random port and number of its own. Answers from elsewhere, with another number or
//! to another question are waited past: a forged answer answers nothing. The second of two tries goes
//! without EDNS, since there are old routers that drop or refuse it. No other resolver is tried.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use super::super::super::Unmeasurable;
use super::super::binding::{Unbound, bind};
use super::Outcome;
use super::message::{Family, Question, Reply};
use crate::os::Address;

const PORT: u16 = 53;

/// For an answer over UDP.
const TRY: Duration = Duration::from_secs(2);

/// More than anybody needs for an answer over UDP.
const UDP_BYTES: usize = 4_096;

/// For sixteen addresses a few hundred bytes do.
const TCP_BYTES: usize = 16_384;

/// Datagrams, or messages over TCP, that are no answers and are waited past. Whoever sends more wants to
/// keep us busy.
const STRAYS: usize = 1_000;

/// How one question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Never [`Outcome::Wrong`]: that is for [`super::judge()`] to say.
    pub(crate) outcome: Outcome,
    /// At most sixteen. IPv6 where there are none of IPv4.
    pub(crate) addresses: Vec<IpAddr>,
    /// From the question to the answer, tries in vain included: what a person waits. `None` without
    /// answer.
    pub(crate) took: Option<Duration>,
    /// Whether it came over TCP, having been too long for UDP.
    pub(crate) over_tcp: bool,
}

/// Asks a resolver for the addresses of a name.
///
/// # Errors
/// When the interface cannot be chosen.
pub(crate) async fn ask(
    resolver: &Address,
    interface: Option<&str>,
    name: &str,
    limit: Duration,
) -> Result<Asked, Unmeasurable> {
    let to = match resolver.ip {
        IpAddr::V4(ip) => SocketAddr::from((ip, PORT)),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, PORT, 0, resolver.scope()).into(),
    };
    Asker { to, interface }.ask(name, limit).await
}

/// How one try to have a question answered ended.
struct Ended {
    /// `None` when none came in time.
    reply: Result<Option<Reply>, Stop>,
    over_tcp: bool,
}

/// Why there is nobody to ask.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("no way to a resolver there")]
    Network(#[from] io::Error),
    #[error("{0}")]
    Gone(String),
    #[error(transparent)]
    Unmeasurable(Unmeasurable),
}

impl From<Unbound> for Stop {
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::Gone(detail) => Self::Gone(detail),
            Unbound::Cannot(unmeasurable) => Self::Unmeasurable(unmeasurable),
        }
    }
}

/// Whom to ask, and how to get there.
#[derive(Clone, Copy)]
struct Asker<'a> {
    to: SocketAddr,
    interface: Option<&'a str>,
}

impl Asker<'_> {
    async fn ask(self, name: &str, limit: Duration) -> Result<Asked, Unmeasurable> {
        let started = Instant::now();
        let deadline = started + limit;
        let per_try = TRY.min(limit * 2 / 5);
        let mut over_tcp = false;
        let mut outcome = Outcome::NxDomain;
        for family in [Family::V4, Family::V6] {
            let Some(question) = Question::new(rand::random(), name, family) else {
                break;
            };
            let ended = self.question(&question, per_try, deadline).await;
            over_tcp |= ended.over_tcp;
            outcome = match ended.reply {
                Ok(Some(Reply::Addresses(none))) if none.is_empty() => continue,
                Ok(Some(Reply::Addresses(addresses))) => {
                    return Ok(Asked {
                        outcome: Outcome::Answered,
                        addresses,
                        took: Some(started.elapsed()),
                        over_tcp,
                    });
                }
                Ok(Some(Reply::NxDomain)) => Outcome::NxDomain,
                Ok(Some(Reply::Refused)) => Outcome::Refused,
                Ok(Some(Reply::ServFail | Reply::NotUnderstood | Reply::Truncated)) => {
                    Outcome::ServFail
                }
                Ok(None) => Outcome::Timeout,
                Err(Stop::Unmeasurable(unmeasurable)) => return Err(unmeasurable),
                Err(stop) => {
                    let error = crate::chain(&stop);
                    tracing::debug!(resolver = %self.to, error, "No resolver there.");
                    Outcome::Unreachable
                }
            };
            break;
        }
        let has_answered = !matches!(outcome, Outcome::Timeout | Outcome::Unreachable);
        Ok(Asked {
            outcome,
            addresses: Vec::new(),
            took: has_answered.then(|| started.elapsed()),
            over_tcp,
        })
    }

    async fn question(self, question: &Question, per_try: Duration, deadline: Instant) -> Ended {
        let reply = self.over_udp(question, per_try, deadline).await;
        if !matches!(reply, Ok(Some(Reply::Truncated))) {
            return Ended {
                reply,
                over_tcp: false,
            };
        }
        let until = deadline.min(Instant::now() + per_try);
        let reply = match timeout_at(until, self.over_tcp(question)).await {
            Ok(reply) => reply.map(Some),
            Err(_) => Ok(None),
        };
        Ended {
            reply,
            over_tcp: true,
        }
    }

    async fn over_udp(
        self,
        question: &Question,
        per_try: Duration,
        deadline: Instant,
    ) -> Result<Option<Reply>, Stop> {
        let socket = self.udp()?;
        for extended in [true, false] {
            socket.send(question.bytes(extended)).await?;
            let until = deadline.min(Instant::now() + per_try);
            match timeout_at(until, answer(&socket, question)).await {
                Ok(Ok(Some(Reply::NotUnderstood))) if extended => {}
                Ok(answer) => return Ok(answer?),
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Connected, so that the kernel keeps away what others send, and tells when nobody listens there.
    fn udp(self) -> Result<UdpSocket, Stop> {
        let socket = Socket::new(Domain::for_address(self.to), Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        bind(&SockRef::from(&socket), self.interface)?;
        socket.connect(&self.to.into())?;
        Ok(UdpSocket::from_std(socket.into())?)
    }

    async fn over_tcp(self, question: &Question) -> Result<Reply, Stop> {
        let socket = match self.to {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        bind(&SockRef::from(&socket), self.interface)?;
        let stream = socket.connect(self.to).await?;
        // Who takes the connection is there: from here on it fails to answer.
        Ok(converse(stream, question).await.unwrap_or(Reply::ServFail))
    }
}

/// The next answer to this question; `None` when there was nothing but strays.
async fn answer(socket: &UdpSocket, question: &Question) -> io::Result<Option<Reply>> {
    let mut buffer = vec![0; UDP_BYTES];
    for _ in 0..STRAYS {
        let bytes = socket.recv(&mut buffer).await?;
        if let Some(reply) = buffer.get(..bytes).and_then(|bytes| question.read(bytes)) {
            return Ok(Some(reply));
        }
    }
    Ok(None)
}

/// Each message has its length before it (RFC 1035, section 4.2.2).
async fn converse(mut stream: TcpStream, question: &Question) -> io::Result<Reply> {
    let bytes = question.bytes(true);
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    let message = [&length.to_be_bytes(), bytes].concat();
    stream.write_all(&message).await?;
    for _ in 0..STRAYS {
        let length = stream.read_u16().await?.into();
        if length > TCP_BYTES {
            break;
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await?;
        if let Some(reply) = question.read(&message) {
            return Ok(reply);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests;
