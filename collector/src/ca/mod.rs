//! The collector's own certificate authority: who it is to agents, and who agents are to it.
//!
//! One file, `authority.pem`, holds the certificate and its key (ECDSA P-256). Agents trust exactly
//! that certificate, by its fingerprint, from their first contact on. Deliberately absent:
//! intermediate authorities, revocation lists (the registry is asked on every stream) and any
//! authority of the Internet's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::AgentId;
use proto::token::Fingerprint;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _,
    SanType, SerialNumber,
};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{
    CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use crate::private;
use crate::registry::KeyHash;

/// The file in the data folder.
pub const FILE: &str = "authority.pem";

/// How far back an agent's certificate begins: a collector whose clock is set back a little must not
/// refuse what it issued a minute ago.
const BACKDATED: Duration = Duration::from_hours(24);

/// An uncompressed point on P-256.
const P256_POINT_BYTES: usize = 65;

/// The authority, ready to sign. Its key never leaves it; `Debug` shows the fingerprint alone.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What could not be done with the authority.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum AuthorityError {
    #[error("{path} is missing: run `dawnwatch-collector init`, or restore it from a backup", path = path.display())]
    Missing { path: PathBuf },
    #[error("{path} exists: an authority is never replaced, because every agent trusts it alone", path = path.display())]
    Exists { path: PathBuf },
    #[error("cannot read {path}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} holds no certificate with its key: restore it from a backup", path = path.display())]
    Damaged { path: PathBuf },
    #[error("cannot make a certificate")]
    Sign { source: rcgen::Error },
    #[error("cannot set up TLS")]
    Tls { source: rustls::Error },
    #[error("cannot set up the check of agents' certificates")]
    Verifier {
        source: rustls::client::VerifierBuilderError,
    },
    #[error("the system gave no random numbers")]
    Random,
}

/// A certificate signing request whose signature was verified: its sender holds the key.
#[derive(Debug)]
pub struct SigningRequest {
    key: rcgen::PublicKey,
}

/// Why a signing request is refused.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidRequest {
    #[error("the signing request cannot be read, or its signature is wrong")]
    Malformed { source: rcgen::Error },
    #[error("the signing request is for another kind of key than ECDSA P-256")]
    Algorithm,
}

/// A certificate for an agent.
#[derive(Debug)]
pub struct Issued {
    /// X.509.
    pub der: CertificateDer<'static>,
    /// First second of its validity.
    pub from: Timestamp,
    /// Last second of its validity.
    pub until: Timestamp,
}

impl Authority {
    /// Whether a data folder has an authority.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Makes a new authority in a data folder, which is made as well.
    ///
    /// # Errors
    /// When there is one already, or the folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(FILE);
        if path.exists() {
            return Err(AuthorityError::Exists { path });
        }
        let sign = |source| AuthorityError::Sign { source };
        let key = KeyPair::generate().map_err(sign)?;
        let mut params = params("Dawnwatch authority", for_ever())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).map_err(sign)?;
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        private::create_folder(folder)
            .and_then(|()| private::write(&path, pem.as_bytes()))
            .map_err(|source| AuthorityError::Write { path, source })?;
        Ok(Self {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads the authority of a data folder.
    ///
    /// # Errors
    /// When there is none, or its file makes no sense.
    pub fn load(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(FILE);
        let pem = match std::fs::read(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(AuthorityError::Missing { path });
            }
            Err(source) => return Err(AuthorityError::Read { path, source }),
        };
        Self::parse(&pem).ok_or(AuthorityError::Damaged { path })
    }

    fn parse(pem: &[u8]) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(pem).ok()?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
        let key = KeyPair::try_from(&key).ok()?;
        let parsed = ParsedCertificate::try_from(&certificate).ok()?;
        let same_key = parsed.subject_public_key_info().as_ref() == key.subject_public_key_info();
        let issuer = Issuer::from_ca_cert_der(&certificate, key).ok()?;
        same_key.then_some(Self {
            certificate,
            issuer,
        })
    }

    /// What agents recognise this collector by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(sha256(&self.certificate))
    }

    /// X.509: what agents trust from enrolment on.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// TLS for the agents' port: HTTP/2 over TLS 1.3, because both ends are ours. The server's key
    /// is new each time and stays in memory. A client certificate is optional (a machine that enrols
    /// has none), but one that is shown must be ours and in force.
    ///
    /// # Errors
    /// When the system gives no random numbers, or the authority's certificate makes no sense.
    pub fn server_config(
        &self,
        names: &[ServerName<'static>],
    ) -> Result<ServerConfig, AuthorityError> {
        let tls = |source| AuthorityError::Tls { source };
        let (certificate, key) = self.issue_server(names)?;
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(tls)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .map_err(|source| AuthorityError::Verifier { source })?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(tls)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate, self.certificate.clone()], key)
            .map_err(tls)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A resumed session would not check the certificate's dates again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn issue_server(
        &self,
        names: &[ServerName<'static>],
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), AuthorityError> {
        let sign = |source| AuthorityError::Sign { source };
        let key = KeyPair::generate().map_err(sign)?;
        let mut params = params("dawnwatch-collector", for_ever())?;
        params.subject_alt_names = alternative_names(names).map_err(sign)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(sign)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok((certificate.der().clone(), key.into()))
    }

    /// A certificate for an agent's key. Everything but the key is chosen here.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn issue_client(
        &self,
        request: &SigningRequest,
        agent: &AgentId,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Issued, AuthorityError> {
        let validity = validity(now, lifetime);
        let mut params = params(agent.as_str(), validity)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(&request.key, &self.issuer)
            .map_err(|source| AuthorityError::Sign { source })?;
        Ok(Issued {
            der: certificate.der().clone(),
            from: validity.0,
            until: validity.1,
        })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.fingerprint())
    }
}

impl SigningRequest {
    /// Reads a request and verifies that whoever made it holds its key.
    ///
    /// # Errors
    /// When it is malformed, its signature is wrong, or its key is of another kind.
    pub fn parse(der: &[u8]) -> Result<Self, InvalidRequest> {
        let request =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der))
                .map_err(|source| InvalidRequest::Malformed { source })?;
        let key = request.public_key;
        // The algorithm names the signature's hash alone, so a key on another curve shows by length.
        if *key.algorithm() != rcgen::PKCS_ECDSA_P256_SHA256
            || key.der_bytes().len() != P256_POINT_BYTES
        {
            return Err(InvalidRequest::Algorithm);
        }
        Ok(Self { key })
    }

    /// What the agent will be recognised by.
    #[must_use]
    pub fn key_hash(&self) -> KeyHash {
        KeyHash(sha256(&self.key.subject_public_key_info()))
    }
}

/// What the owner of a certificate is recognised by. `None` when it is no certificate.
#[must_use]
pub fn key_hash_of_certificate(der: &CertificateDer<'_>) -> Option<KeyHash> {
    let parsed = ParsedCertificate::try_from(der).ok()?;
    Some(KeyHash(sha256(&parsed.subject_public_key_info())))
}

/// From and until when a certificate issued now is valid, in whole seconds as X.509 has it.
#[must_use]
pub fn validity(now: Timestamp, lifetime: Duration) -> (Timestamp, Timestamp) {
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    let from = now.checked_sub(BACKDATED).unwrap_or(Timestamp::UNIX_EPOCH);
    let until = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    (
        whole(from.max(Timestamp::UNIX_EPOCH)),
        whole(until.min(Timestamp::MAX)),
    )
}

/// The validity of the authority and of the collector's own certificate: until the last second that
/// both X.509 and the clock type can tell. Agents' clocks may be decades off and they must still be
/// able to enrol and to report, so trust hangs on the pinned fingerprint and never on a date.
fn for_ever() -> (Timestamp, Timestamp) {
    (Timestamp::UNIX_EPOCH, Timestamp::MAX)
}

fn params(
    common_name: &str,
    (from, until): (Timestamp, Timestamp),
) -> Result<CertificateParams, AuthorityError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut serial = [0; 16];
    SystemRandom::new()
        .fill(&mut serial)
        .map_err(|_| AuthorityError::Random)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(from);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(until);
    Ok(params)
}

fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0))
}

/// What a collector may be called: what is configured, and this machine by itself.
fn alternative_names(names: &[ServerName<'static>]) -> Result<Vec<SanType>, rcgen::Error> {
    let mut all = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ];
    for name in names {
        let name = match name {
            ServerName::IpAddress(address) => SanType::IpAddress(IpAddr::from(*address)),
            name => SanType::DnsName(name.to_str().as_ref().try_into()?),
        };
        if !all.contains(&name) {
            all.push(name);
        }
    }
    Ok(all)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests;
