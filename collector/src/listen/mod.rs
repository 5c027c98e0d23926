//! Agents' connections: TCP, then TLS in its own task with a time limit, then gRPC.
//!
//! Whoever connects and says nothing holds one place for seconds, not a thread, and whoever shows no
//! certificate for a minute at most. There are at most [`CONNECTIONS`] places, fewer when the system
//! gives few file descriptors (see [`descriptors`]), and one address gets a share of them (see
//! `places`); newcomers beyond are turned away and counted. A client certificate is checked when one is
//! shown; which calls need one is for the services to say.

pub mod descriptors;
mod places;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use prometheus::IntCounter;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use crate::metrics::own::Own;

pub(crate) use places::network;
use places::{Place, Places};

/// Connections at once. Each agent has one.
pub const CONNECTIONS: usize = 80_000;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection lives whose caller showed no certificate: such a one enrols or renews, which
/// takes seconds. Answers to pings alone would keep it for ever.
const NAMELESS_TIMEOUT: Duration = Duration::from_mins(1);

/// How long to wait when the system gives no connection.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The least time between two warnings about that.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// Handshaken connections that wait for gRPC to take them.
const BACKLOG: usize = 64;

/// Who is at the other end, in the extensions of every request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where from.
    pub address: SocketAddr,
    /// The certificate it showed: ours, and not expired.
    pub certificate: Option<CertificateDer<'static>>,
}

/// One handshaken connection.
#[derive(Debug)]
pub struct Connection {
    /// In a place of its own: what holds a connection hands it on several times, and keeps room for
    /// it each time.
    stream: Box<TlsStream<Counted>>,
    peer: Peer,
    /// When it is cut off.
    ends: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Connection {
    fn new(stream: TlsStream<Counted>, address: SocketAddr, place: Place) -> Self {
        let certificate = shown_certificate(&stream);
        let ends = certificate.is_none();
        Self {
            stream: Box::new(stream),
            peer: Peer {
                address,
                certificate,
            },
            ends: ends.then(|| Box::pin(tokio::time::sleep(NAMELESS_TIMEOUT))),
            _place: place,
        }
    }
}

/// Accepts connections until the returned receiver is dropped.
pub fn accept(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    own: Arc<Own>,
) -> mpsc::Receiver<io::Result<Connection>> {
    let (ready, connections) = mpsc::channel(BACKLOG);
    tokio::spawn(accept_all(listener, TlsAcceptor::from(config), own, ready));
    connections
}

async fn accept_all(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    own: Arc<Own>,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    let places = Places::new(CONNECTIONS.min(descriptors::for_agents()));
    let mut failures = AcceptFailures::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others must end first.
                own.connections_refused.with_label_values(&["system"]).inc();
                if let Some(failures) = failures.count() {
                    warn!(%error, failures, "Cannot accept connections.");
                }
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        let Some(place) = places.take(address.ip()) else {
            own.connections_refused.with_label_values(&["full"]).inc();
            continue;
        };
        let (acceptor, own, ready) = (acceptor.clone(), Arc::clone(&own), ready.clone());
        tokio::spawn(async move {
            match handshake(stream, &acceptor, &own).await {
                Ok(stream) => {
                    let connection = Connection::new(stream, address, place);
                    let _ = ready.send(Ok(connection)).await;
                }
                Err(reason) => {
                    own.connections_refused.with_label_values(&[reason]).inc();
                    debug!(%address, reason, "A connection did not get through its handshake.");
                }
            }
        });
    }
}

/// Failures to accept, of which one a minute is logged with the number of them.
#[derive(Debug, Default)]
struct AcceptFailures {
    untold: u64,
    told: Option<Instant>,
}

impl AcceptFailures {
    /// One more. How many there were since the last warning, when it is time for another.
    fn count(&mut self) -> Option<u64> {
        self.untold += 1;
        if self
            .told
            .is_some_and(|told| told.elapsed() < WARNING_INTERVAL)
        {
            return None;
        }
        self.told = Some(Instant::now());
        Some(std::mem::take(&mut self.untold))
    }
}

async fn handshake(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    own: &Own,
) -> Result<TlsStream<Counted>, &'static str> {
    let _ = stream.set_nodelay(true);
    let stream = Counted {
        stream,
        received: own.received_bytes.clone(),
        sent: own.sent_bytes.clone(),
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err("timeout"),
    }
}

/// A stable word for why a handshake failed.
fn reason(error: &io::Error) -> &'static str {
    use rustls::{CertificateError, Error};
    match error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>())
    {
        Some(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => "expired_certificate",
        Some(Error::InvalidCertificate(_)) => "foreign_certificate",
        Some(Error::AlertReceived(_)) => "refused_by_peer",
        Some(_) => "no_tls",
        None => "closed",
    }
}

fn shown_certificate(stream: &TlsStream<Counted>) -> Option<CertificateDer<'static>> {
    let certificates = stream.get_ref().1.peer_certificates()?;
    certificates
        .first()
        .map(|certificate| certificate.clone().into_owned())
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Somebody reads from an open connection all the time.
        if let Some(ends) = &mut self.ends
            && ends.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A TCP stream whose bytes are counted.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    received: IntCounter,
    sent: IntCounter,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.received.inc_by((buf.filled().len() - before) as u64);
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = result {
            self.sent.inc_by(written as u64);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
