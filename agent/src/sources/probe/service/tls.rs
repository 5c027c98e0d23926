//! A TLS handshake that looks at certificates and refuses none.
//!
//! A server whose certificate is bad is measured on: its answer says what time it is, and whether it is
//! the login page of a network. Nothing secret is ever sent over such a connection, and nothing that
//! comes over it is believed. That the other end holds the key of its certificate is verified as usual.
//!
//! Versions 1.2 and 1.3, since many a portal knows no newer one than 1.2. No session is kept, so that each
//! handshake is a full one and takes what it takes a person who comes for the first time.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerified;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, Error};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::outcome::{Outcome, Stop};
use super::trust::Chain;
use crate::tls::{Judge, JudgedBy, PROVIDER, unix_time};

/// What the server showed, once it did.
pub(super) type Shown = Arc<OnceLock<Chain>>;

/// Shakes hands. `shown` is filled also when the handshake fails later on.
pub(super) async fn handshake(
    stream: TcpStream,
    name: ServerName<'static>,
    protocols: &[&[u8]],
    now: i64,
    shown: Shown,
) -> Result<TlsStream<TcpStream>, Stop> {
    let failed = |error: &io::Error| Stop::network("tls", error, Outcome::TlsFailed);
    let mut config = config(now, shown).map_err(|error| failed(&io::Error::other(error)))?;
    config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| failed(&error))
}

fn config(now: i64, shown: Shown) -> Result<ClientConfig, Error> {
    let provider = Arc::clone(&PROVIDER);
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(At(now)))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(JudgedBy(Look { shown })))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The time of an attempt. The usual one panics on a clock that stands before 1970.
#[derive(Debug)]
struct At(i64);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0))
    }
}

/// Takes note of what is shown.
#[derive(Debug)]
struct Look {
    shown: Shown,
}

impl Judge for Look {
    fn judge(
        &self,
        first: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.shown.get_or_init(|| Chain::new(first, others));
        Ok(ServerCertVerified::assertion())
    }
}
