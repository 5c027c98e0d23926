//! The authority of the lab, made anew for each, and the certificates it gives: good ones, and each kind
//! of bad.
//!
//! Programs under test trust it because `SSL_CERT_FILE` names its certificate, as it would name a
//! company's own. Its certificate is valid for ever, so that a wrong clock shows at the portals' alone.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certificate {
    /// Valid for ten days before and thirty days after now, signed by the authority.
    Fine,
    /// Ended yesterday.
    Expired,
    /// Begins tomorrow.
    NotYetValid,
    /// For `example.org`.
    OtherName,
    /// Signed by itself.
    SelfSigned,
}

/// All kinds.
pub const ALL: [Certificate; 5] = [
    Certificate::Fine,
    Certificate::Expired,
    Certificate::NotYetValid,
    Certificate::OtherName,
    Certificate::SelfSigned,
];

/// Days that a fine certificate is valid from now on.
pub const FINE_DAYS: u32 = 30;

/// The authority.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Result<Self, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(1970, 1, 1);
        params.not_after = date_time_ymd(9999, 12, 31);
        let key = KeyPair::generate().map_err(|error| error.to_string())?;
        let issuer = CertifiedIssuer::self_signed(params, key);
        issuer.map(Self).map_err(|error| error.to_string())
    }

    /// Its certificate, for `SSL_CERT_FILE`.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// TLS as the server of this name.
    pub(super) fn acceptor(&self, name: &str, kind: Certificate) -> Result<TlsAcceptor, String> {
        let name = match kind {
            Certificate::OtherName => "example.org",
            _ => name,
        };
        let (from, until) = match kind {
            Certificate::Expired => (-31, -1),
            Certificate::NotYetValid => (1, 31),
            _ => (-10, i64::from(FINE_DAYS)),
        };
        let mut params =
            CertificateParams::new(vec![name.to_owned()]).map_err(|error| error.to_string())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let epoch = date_time_ymd(1970, 1, 1);
        params.not_before = epoch + in_days(from);
        params.not_after = epoch + in_days(until);
        let key = KeyPair::generate().map_err(|error| error.to_string())?;
        let certificate = match kind {
            Certificate::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.0),
        };
        let chain = vec![
            certificate
                .map_err(|error| error.to_string())?
                .der()
                .clone(),
        ];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// So many days from now, since 1970.
fn in_days(days: i64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let by = DAY * u32::try_from(days.unsigned_abs()).unwrap_or_default();
    let now = now.unwrap_or_default();
    match days < 0 {
        true => now.saturating_sub(by),
        false => now + by,
    }
}
