//! TCP and TLS to the collector, and the words for how they fail.
//!
//! A name may stand for several addresses, some of which lead nowhere: a network that hands out
//! IPv6 and does not route it is the usual case. As in RFC 8305, families take turns, each attempt
//! gets a head start over the next, and the first that answers is taken. Unlike there, addresses of
//! both families are asked for in one go, as the system's resolver does it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ClientConfig, Error};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Uri};

use super::Address;

/// How long name, TCP and TLS may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The head start of an address over the next: RFC 8305 recommends 250 ms.
const HEAD_START: Duration = Duration::from_millis(300);

/// What was sent and is not confirmed by the other machine for so long ends the connection: a dead line
/// is noticed although nobody pays for pings.
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(30);

/// What waits in this machine to be sent in a transfer: what is more would be sent long after it is over.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 << 10;

/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;

/// Why there is no connection to the collector.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ConnectError {
    #[error("could not connect to {collector}")]
    Unreachable {
        collector: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error(
        "the collector at {collector} goes by other names: this address is not among [grpc] names of the collector's settings"
    )]
    WrongName {
        collector: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("what answers at {collector} is another collector than expected: check the address")]
    WrongCollector {
        collector: String,
        #[source]
        source: tonic::transport::Error,
    },
}

impl ConnectError {
    fn new(collector: &Address, source: tonic::transport::Error) -> Self {
        let collector = collector.to_string();
        match tls_cause(&source) {
            Some(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Self::WrongName { collector, source },
            Some(Error::InvalidCertificate(_)) => Self::WrongCollector { collector, source },
            _ => Self::Unreachable { collector, source },
        }
    }

    /// Whether the collector ended the handshake, as it does when it does not like a certificate.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. }
            if matches!(tls_cause(source), Some(Error::AlertReceived(_))))
    }
}

/// The TLS error somewhere in a chain of causes.
fn tls_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let found = inner
            .and_then(|inner| inner.downcast_ref())
            .or(error.downcast_ref());
        if found.is_some() {
            return found;
        }
        cause = error.source();
    }
    None
}

/// A connection that ended without a word while an answer was awaited.
#[derive(Debug)]
pub struct Broken(Box<Status>);

impl Broken {
    /// Tells a broken connection from what a collector answered: only the former has a cause here.
    ///
    /// # Errors
    /// The answer.
    pub fn from_status(status: Status) -> Result<Self, Box<Status>> {
        let status = Box::new(status);
        match status.source() {
            Some(_) => Ok(Self(status)),
            None => Err(status),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection broke")
    }
}

impl StdError for Broken {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Connects to the collector.
///
/// # Errors
/// When nobody answers, or somebody else than the collector.
pub async fn connect(
    collector: &Address,
    config: Arc<ClientConfig>,
) -> Result<Channel, ConnectError> {
    let endpoint = Endpoint::from(collector.uri.clone());
    let (channel, _) = open(endpoint, collector, config, |_| Ok(())).await?;
    Ok(channel)
}

/// Connects to the collector for a transfer: so many bytes may be on their way to here, and when it is closed,
/// what is on its way is given up at both ends. Also says at which of its addresses it was reached.
///
/// # Errors
/// As [`connect`].
pub async fn connect_wide(
    collector: &Address,
    config: Arc<ClientConfig>,
    window: u32,
) -> Result<(Channel, Option<SocketAddr>), ConnectError> {
    let endpoint = Endpoint::from(collector.uri.clone())
        .initial_stream_window_size(window)
        .initial_connection_window_size(window);
    open(endpoint, collector, config, without_delay).await
}

/// Leaves nothing on the way behind.
fn without_delay(stream: &TcpStream) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.set_linger(Some(Duration::ZERO))
}

async fn open(
    endpoint: Endpoint,
    collector: &Address,
    config: Arc<ClientConfig>,
    prepare: fn(&TcpStream) -> io::Result<()>,
) -> Result<(Channel, Option<SocketAddr>), ConnectError> {
    let address = collector.clone();
    let reached = Arc::new(OnceLock::new());
    let tell = Arc::clone(&reached);
    let connector = tower::service_fn(move |_: Uri| {
        let (address, config) = (address.clone(), Arc::clone(&config));
        let tell = Arc::clone(&tell);
        async move {
            let stream = handshake(&address, config, prepare).await?;
            if let Ok(peer) = stream.get_ref().0.peer_addr() {
                // A later connection of the same channel may reach another address.
                let _ = tell.set(peer);
            }
            Ok::<_, io::Error>(TokioIo::new(stream))
        }
    });
    let channel = endpoint
        .connect_with_connector(connector)
        .await
        .map_err(|source| ConnectError::new(collector, source))?;
    Ok((channel, reached.get().copied()))
}

async fn handshake(
    address: &Address,
    config: Arc<ClientConfig>,
    prepare: fn(&TcpStream) -> io::Result<()>,
) -> io::Result<TlsStream<TcpStream>> {
    let connecting = async {
        let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await?;
        let stream = first_of(taking_turns(found.collect()), TcpStream::connect).await?;
        stream.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNCONFIRMED))?;
        prepare(&stream)?;
        TlsConnector::from(config)
            .connect(address.name.clone(), stream)
            .await
    };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(late)?
}

/// The same addresses, one of each family in turn, beginning with the family that came first.
fn taking_turns(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    while turns.len() < ADDRESSES {
        let before = turns.len();
        turns.extend(first.next());
        turns.extend(second.next());
        if turns.len() == before {
            break;
        }
    }
    turns
}

/// What the first address that answers gives; when none does, what the last one said.
async fn first_of<T, F>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(attempt(address));
        }
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(connected))) => return Ok(connected),
                Some(Ok(Err(error))) => failure = error,
                Some(Err(error)) => failure = error.into(),
                None => return Err(failure),
            },
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::time::Instant;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"];
        let turns = ["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"];
        assert_eq!(taking_turns(addresses(&found)), addresses(&turns));
        assert!(taking_turns(vec![found[3].parse().unwrap(); 100]).len() <= ADDRESSES + 1);
    }

    /// Connects to addresses of one of three kinds: 1 leads nowhere, 2 refuses, 3 answers.
    async fn outcome(found: &[&str]) -> (Result<SocketAddr, io::ErrorKind>, Duration) {
        let began = Instant::now();
        let attempt = |address: SocketAddr| async move {
            match address.port() {
                1 => std::future::pending().await,
                2 => Err(io::ErrorKind::ConnectionRefused.into()),
                _ => Ok(address),
            }
        };
        let outcome = first_of(addresses(found), attempt).await;
        (outcome.map_err(|error| error.kind()), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_leads_nowhere_costs_its_head_start() {
        let (connected, took) = outcome(&["[::1]:1", "10.0.0.1:1", "[::2]:3"]).await;
        assert_eq!(connected, Ok("[::2]:3".parse().unwrap()));
        assert!(took < 3 * HEAD_START, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_costs_nothing() {
        let (connected, took) = outcome(&["[::1]:2", "10.0.0.1:3"]).await;
        assert_eq!(connected, Ok("10.0.0.1:3".parse().unwrap()));
        assert!(took < HEAD_START, "{took:?}");
    }

    #[tokio::test]
    async fn when_all_refuse_so_does_the_name() {
        let (refused, _) = outcome(&["[::1]:2", "10.0.0.1:2"]).await;
        assert_eq!(refused, Err(io::ErrorKind::ConnectionRefused));
        let (refused, _) = outcome(&[]).await;
        assert_eq!(refused, Err(io::ErrorKind::NotFound));
    }
}
