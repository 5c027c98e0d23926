//! How the agent knows its collector: by the fingerprint in its token before it enrols, by the
//! collector's authority ever after.
//!
//! No system trust store is asked, and no date is trusted: the collector's certificate is valid from
//! 1970 to the far future, so that a PC with a dead clock battery can still reach it.

mod address;
mod connect;
mod judge;

use std::sync::Arc;
use std::time::Duration;

use proto::token::Fingerprint;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, Error, RootCertStore};

use crate::clock::wall_unix_ms;

pub use self::address::{Address, InvalidAddress};
pub use self::connect::{Broken, ConnectError, connect, connect_wide};
pub(crate) use self::judge::{Judge, JudgedBy, PROVIDER};

/// Whom the agent takes for its collector.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Whoever is certified by the authority with this fingerprint; for enrolment.
    Pinned(Fingerprint),
    /// Whoever is certified by this authority; for everything later.
    Authority(CertificateDer<'static>),
}

/// What the agent shows of itself: nothing before it enrolled.
#[derive(Debug)]
pub struct Shown {
    /// Its certificate.
    pub certificate: CertificateDer<'static>,
    /// Its key, PKCS #8.
    pub key: PrivatePkcs8KeyDer<'static>,
}

/// Why a TLS configuration cannot be made from what is on disk.
#[derive(Debug, thiserror::Error)]
#[error("the stored certificates cannot be used: enrol this machine again with a new token")]
pub struct Unusable(#[source] Error);

/// The TLS configuration for one kind of connection.
///
/// # Errors
/// When a stored certificate or key is damaged.
pub fn client_config(trust: Trust, shown: Option<Shown>) -> Result<Arc<ClientConfig>, Unusable> {
    let builder = ClientConfig::builder_with_details(Arc::clone(&PROVIDER), Arc::new(WallClock))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Unusable)?;
    let builder = match trust {
        Trust::Pinned(fingerprint) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(JudgedBy(Pinned(fingerprint)))),
        Trust::Authority(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority).map_err(Unusable)?;
            builder.with_root_certificates(roots)
        }
    };
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(Shown { certificate, key }) => builder
            .with_client_auth_cert(vec![certificate], PrivateKeyDer::Pkcs8(key))
            .map_err(Unusable)?,
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// The wall clock, wherever it stands: the usual one panics on one that stands before 1970.
#[derive(Debug)]
struct WallClock;

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(wall_unix_ms().div_euclid(1_000)))
    }
}

/// A moment as certificates are judged by. One before 1970 is 1970: they know none earlier.
pub(crate) fn unix_time(unix_s: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(unix_s).unwrap_or(0)))
}

/// Accepts a server whose chain contains the pinned authority and is certified by it.
#[derive(Debug)]
struct Pinned(Fingerprint);

impl Judge for Pinned {
    fn judge(
        &self,
        first: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = others
            .iter()
            .find(|certificate| fingerprint(certificate) == self.0)
            .ok_or(Error::InvalidCertificate(
                rustls::CertificateError::UnknownIssuer,
            ))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&PROVIDER))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(first, others, name, &[], now)
    }
}

/// SHA-256 of a certificate.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> Fingerprint {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let mut fingerprint = Fingerprint([0; 32]);
    fingerprint.0.copy_from_slice(digest.as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_clock_before_1970_is_no_panic() {
        assert_eq!(unix_time(-315_619_200).as_secs(), 0);
        assert_eq!(unix_time(1_767_225_600).as_secs(), 1_767_225_600);
        let trust = Trust::Pinned(fingerprint(b"an authority"));
        let config = client_config(trust, None).unwrap();
        let clock = format!("{:?}", config.time_provider);
        assert_eq!(clock, "WallClock", "the usual one panics");
        assert!(config.time_provider.current_time().is_some());
    }
}
