//! How the agent knows its collector: by the fingerprint in its token before it enrols, by the
//! collector's authority ever after.
//!
//! No system trust store is asked, and no date is trusted: the collector's certificate is valid from
//! 1970 to the far future, so that a PC with a dead clock battery can still reach it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use proto::token::Fingerprint;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};

/// How long TCP and TLS may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Unusable)?;
    let builder = match trust {
        Trust::Pinned(fingerprint) => {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned {
                    fingerprint,
                    provider,
                }))
        }
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

/// Connects to the collector.
///
/// # Errors
/// The transport's, with what TCP or TLS said as its sources.
pub async fn connect(
    collector: &Address,
    config: Arc<ClientConfig>,
) -> Result<Channel, tonic::transport::Error> {
    let address = collector.clone();
    let connector = tower::service_fn(move |_: Uri| {
        let (address, config) = (address.clone(), Arc::clone(&config));
        async move { handshake(&address, config).await.map(TokioIo::new) }
    });
    Endpoint::from(collector.uri.clone())
        .connect_with_connector(connector)
        .await
}

async fn handshake(
    address: &Address,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let connecting = async {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        TlsConnector::from(config)
            .connect(address.name.clone(), stream)
            .await
    };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(late)?
}

/// Where the collector is: `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port, 9781 unless told.
    pub port: u16,
    uri: Uri,
    name: ServerName<'static>,
}

/// Why a text is no address of a collector.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is no address of a collector: write https://HOST:PORT, such as https://collector.example:9781"
)]
pub struct InvalidAddress(String);

impl std::str::FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let parse = || {
            let uri: Uri = text.trim_end_matches('/').parse().ok()?;
            let host = uri
                .host()?
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned();
            let name = ServerName::try_from(host.clone()).ok()?;
            let plain = uri.scheme_str() == Some("https")
                && uri.path_and_query().is_none_or(|path| path == "/")
                && !uri.authority()?.as_str().contains('@');
            plain.then(|| Self {
                port: uri.port_u16().unwrap_or(9781),
                host,
                uri,
                name,
            })
        };
        parse().ok_or_else(|| InvalidAddress(text.chars().take(200).collect()))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = &self.host;
        if host.contains(':') {
            write!(f, "https://[{host}]:{}", self.port)
        } else {
            write!(f, "https://{host}:{}", self.port)
        }
    }
}

/// Accepts a server whose chain contains the pinned authority and is certified by it.
#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = intermediates
            .iter()
            .find(|certificate| fingerprint(certificate) == self.fingerprint)
            .ok_or(Error::InvalidCertificate(
                rustls::CertificateError::UnknownIssuer,
            ))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
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

/// Whether somewhere in the chain of causes is a TLS error that satisfies `wanted`.
pub fn tls_cause(error: &(dyn std::error::Error + 'static), wanted: fn(&Error) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let found = inner
            .and_then(|inner| inner.downcast_ref())
            .or(error.downcast_ref::<Error>());
        if found.is_some_and(wanted) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expected: Option<&str>| {
            let address = text
                .parse::<Address>()
                .ok()
                .map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        };
        check(
            "https://collector.example",
            Some("https://collector.example:9781"),
        );
        check(
            "https://collector.example:1/",
            Some("https://collector.example:1"),
        );
        check("https://[::1]:9781", Some("https://[::1]:9781"));
        check("https://192.0.2.1:443", Some("https://192.0.2.1:443"));
        for bad in [
            "",
            "collector",
            "http://a:1",
            "https://",
            "https://u@a",
            "https://a/x",
            "https://a b",
        ] {
            check(bad, None);
        }
    }
}
