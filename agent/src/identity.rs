//! Who this machine is to its collector: a key made here that never leaves, a certificate for it,
//! and how both are got and kept.
//!
//! Enrolment happens once, with a token; renewal happens long before expiry, at a moment of its own
//! for each agent. A machine that slept through its expiry renews all the same: the collector knows
//! its key, and nobody else can sign with it. Dates are the collector's, since this clock may be
//! years off.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pem::Pem;
use proto::ids::{AgentId, CentreId, DeviceId, InvalidId};
use proto::token::{Fingerprint, Token};
use proto::wire::enrolment_client::EnrolmentClient;
use proto::wire::{self, EnrollRequest, RenewRequest};
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::clock::wall_unix_ms;
use crate::storage::{self, StorageError};
use crate::tls::{self, Address, Broken, ConnectError, Shown, Trust};

const KEY_FILE: &str = "key.pem";
const IDENTITY_FILE: &str = "identity.json";

/// How long the collector may take to answer one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What enrolment left on disk, and what became of it by renewals.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Where the agent enrolled.
    pub collector: String,
    /// The name of this enrolment.
    pub agent: AgentId,
    /// Where the machine belongs.
    pub centre: CentreId,
    /// Its name there.
    pub device: DeviceId,
    /// When the certificate was issued, by the collector's clock, Unix milliseconds.
    pub issued_unix_ms: i64,
    /// Until when it is valid, likewise.
    pub valid_until_unix_ms: i64,
    /// Share of its life after which to renew: another one for each agent and certificate.
    renew_after: f64,
    /// PEM.
    certificate: String,
    /// PEM.
    authority: String,
    /// In a file of its own, read once: a disk that fails later does not strand the agent.
    #[serde(skip)]
    key: Key,
}

/// The machine's key, PKCS #8. Empty only until it was read.
#[derive(Clone, Default)]
struct Key(Arc<[u8]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why there is no identity, or no new one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum IdentityError {
    #[error("this machine is not enrolled: run `dawnwatch-agent enroll --collector URL --token TOKEN` (looked in {})", folder.display())]
    NotEnrolled { folder: PathBuf },
    #[error("this machine is enrolled already, as {device} of {centre}; to enrol it anew, remove {} first", folder.display())]
    AlreadyEnrolled {
        centre: CentreId,
        device: DeviceId,
        folder: PathBuf,
    },
    #[error("could not read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is damaged: remove it and enrol this machine again with a new token", path.display())]
    Damaged {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "the token was made by the collector with another fingerprint than --ca-fingerprint says: one of the two is not the right one, so nothing was sent"
    )]
    FingerprintMismatch,
    #[error(
        "the token was not sent: check the collector's address, and which collector made the token"
    )]
    TokenNotSent(#[source] ConnectError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the collector at {collector} did not answer within {CALL_TIMEOUT:?}: try again")]
    Silent { collector: String },
    #[error("the collector at {collector} did not answer: try again")]
    Broken {
        collector: String,
        #[source]
        source: Broken,
    },
    #[error("the collector refused: {}", .0.message())]
    Refused(Box<tonic::Status>),
    #[error("the collector answered with a name that is none: update the agent")]
    Answer(#[from] InvalidId),
    #[error("the collector's answer lacks the certificate: update the agent")]
    NoCertificate,
    #[error("the collector answered with another authority than the token names: nothing was kept")]
    WrongAuthority,
    #[error("could not make a key")]
    Key(#[from] rcgen::Error),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Unusable(#[from] tls::Unusable),
}

impl IdentityError {
    /// Whether the same call may succeed later without anybody's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(ConnectError::Unreachable { .. })
            | Self::Silent { .. }
            | Self::Broken { .. } => true,
            Self::Refused(status) => !matches!(
                status.code(),
                tonic::Code::PermissionDenied
                    | tonic::Code::NotFound
                    | tonic::Code::InvalidArgument
            ),
            _ => false,
        }
    }
}

impl Identity {
    /// Reads what enrolment left.
    ///
    /// # Errors
    /// When there is none, or it is damaged, or its key is.
    pub fn load(folder: &Path) -> Result<Self, IdentityError> {
        let path = folder.join(IDENTITY_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(IdentityError::NotEnrolled {
                    folder: folder.to_owned(),
                });
            }
            Err(source) => return Err(IdentityError::Read { path, source }),
        };
        let identity: Self = serde_json::from_slice(&text).map_err(|error| damaged(path, error))?;
        let key = Key::load(folder)?;
        Ok(Self { key, ..identity })
    }

    fn save(&self, folder: &Path) -> Result<(), IdentityError> {
        let path = folder.join(IDENTITY_FILE);
        let text = serde_json::to_vec_pretty(self).map_err(|error| damaged(path.clone(), error))?;
        Ok(storage::replace(&path, &text)?)
    }

    /// What the agent trusts.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn trust(&self, folder: &Path) -> Result<Trust, IdentityError> {
        Ok(Trust::Authority(certificate(&self.authority, folder)?))
    }

    /// What the agent shows of itself.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn shown(&self, folder: &Path) -> Result<Shown, IdentityError> {
        Ok(Shown {
            certificate: certificate(&self.certificate, folder)?,
            key: PrivatePkcs8KeyDer::from(self.key.0.to_vec()),
        })
    }

    /// How to speak to the collector as this agent.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn tls(&self, folder: &Path) -> Result<Arc<ClientConfig>, IdentityError> {
        let (trust, shown) = (self.trust(folder)?, self.shown(folder)?);
        Ok(tls::client_config(trust, Some(shown))?)
    }

    /// When to renew, by the collector's clock.
    fn renew_at_unix_ms(&self) -> i64 {
        let lifetime = self.valid_until_unix_ms.saturating_sub(self.issued_unix_ms);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a moment in the middle of months need not be exact"
        )]
        let share = (lifetime as f64 * self.renew_after) as i64;
        self.issued_unix_ms.saturating_add(share)
    }

    /// How long until the certificate is due for renewal, as far as this clock, corrected, can tell.
    /// Zero when it is.
    #[must_use]
    pub fn renewal_due_in(&self, server_offset_ms: i64) -> Duration {
        let now = wall_unix_ms().saturating_add(server_offset_ms);
        let wait = self.renew_at_unix_ms().saturating_sub(now);
        Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    }

    fn accept(&mut self, certificate: Option<wire::Certificate>) -> Result<(), IdentityError> {
        let certificate = certificate.ok_or(IdentityError::NoCertificate)?;
        self.certificate = to_pem(certificate.der);
        self.issued_unix_ms = certificate.server_time_unix_ms;
        self.valid_until_unix_ms = certificate.valid_until_unix_ms;
        self.renew_after = renewal_share();
        Ok(())
    }
}

/// Between half and two thirds of the lifetime, so that agents enrolled together part.
fn renewal_share() -> f64 {
    use rand::RngExt as _;
    rand::rng().random_range(0.50..0.67)
}

/// Exchanges a token for an identity, and keeps it in `folder`.
///
/// # Errors
/// When the machine is enrolled already, the collector cannot be reached, is not the one that made
/// the token, or refuses.
pub async fn enroll(
    folder: &Path,
    collector: &Address,
    token: &Token,
    expected: Option<Fingerprint>,
) -> Result<Identity, IdentityError> {
    match Identity::load(folder) {
        Err(IdentityError::NotEnrolled { .. }) => {}
        Ok(Identity { centre, device, .. }) => {
            let folder = folder.join(IDENTITY_FILE);
            return Err(IdentityError::AlreadyEnrolled {
                centre,
                device,
                folder,
            });
        }
        Err(error) => return Err(error),
    }
    if expected.is_some_and(|expected| expected != token.fingerprint) {
        return Err(IdentityError::FingerprintMismatch);
    }
    // An enrolment that was interrupted left its key: the collector knows it, perhaps.
    let key = Key::load_or_make(folder)?;
    let config = tls::client_config(Trust::Pinned(token.fingerprint), None)?;
    let channel = tls::connect(collector, config).await;
    let channel = channel.map_err(|error| match error {
        ConnectError::WrongCollector { .. } => IdentityError::TokenNotSent(error),
        _ => error.into(),
    })?;
    let request = EnrollRequest {
        token: token.to_string(),
        signing_request: key.signing_request(folder)?,
        host: Some(crate::host_facts()),
    };
    let mut client = EnrolmentClient::new(channel);
    let answer = called(collector, client.enroll(request)).await?;
    if tls::fingerprint(&answer.authority) != token.fingerprint {
        return Err(IdentityError::WrongAuthority);
    }
    let mut identity = Identity {
        collector: collector.to_string(),
        agent: answer.agent_id.parse()?,
        centre: answer.centre.parse()?,
        device: answer.device.parse()?,
        issued_unix_ms: 0,
        valid_until_unix_ms: 0,
        renew_after: 0.0,
        certificate: String::new(),
        authority: to_pem(answer.authority),
        key,
    };
    identity.accept(answer.certificate)?;
    identity.tls(folder)?;
    identity.save(folder)?;
    Ok(identity)
}

/// Exchanges the certificate for a newer one of the same key, whether it is still valid or not. One
/// that cannot be kept in `folder` is good all the same, until the next start.
///
/// # Errors
/// When the collector cannot be reached or refuses; see [`IdentityError::is_retryable`].
pub async fn renew(
    folder: &Path,
    identity: &Identity,
    collector: &Address,
) -> Result<Identity, IdentityError> {
    let config = tls::client_config(identity.trust(folder)?, None)?;
    let channel = tls::connect(collector, config).await?;
    let request = RenewRequest {
        signing_request: identity.key.signing_request(folder)?,
    };
    let mut client = EnrolmentClient::new(channel);
    let answer = called(collector, client.renew(request)).await?;
    let mut identity = identity.clone();
    identity.accept(answer.certificate)?;
    identity.tls(folder)?;
    keep(folder.to_owned(), identity.clone());
    Ok(identity)
}

/// Saves a renewed identity, for which nobody waits: the disk may hang.
fn keep(folder: PathBuf, identity: Identity) {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = identity.save(&folder) {
            let error = crate::chain(&error);
            warn!(
                error,
                "The renewed certificate is in use, but will be forgotten at the next start."
            );
        }
    });
}

/// What one call answers, told apart from an answer that does not come.
async fn called<T>(
    collector: &Address,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, IdentityError> {
    let collector = || collector.to_string();
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(match Broken::from_status(status) {
            Ok(source) => IdentityError::Broken {
                collector: collector(),
                source,
            },
            Err(status) => IdentityError::Refused(status),
        }),
        Err(_) => Err(IdentityError::Silent {
            collector: collector(),
        }),
    }
}

impl Key {
    fn load_or_make(folder: &Path) -> Result<Self, IdentityError> {
        let path = folder.join(KEY_FILE);
        if path.exists() {
            return Self::load(folder);
        }
        let key = KeyPair::generate()?;
        storage::replace(&path, key.serialize_pem().as_bytes())?;
        Ok(Self(key.serialize_der().into()))
    }

    fn load(folder: &Path) -> Result<Self, IdentityError> {
        let path = folder.join(KEY_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => match KeyPair::from_pem(&text) {
                Ok(key) => Ok(Self(key.serialize_der().into())),
                Err(error) => Err(damaged(path, error)),
            },
            Err(source) => Err(IdentityError::Read { path, source }),
        }
    }

    /// What a certificate is asked for with.
    fn signing_request(&self, folder: &Path) -> Result<Vec<u8>, IdentityError> {
        let key = KeyPair::try_from(&self.0[..])
            .map_err(|error| damaged(folder.join(KEY_FILE), error))?;
        let request = CertificateParams::default().serialize_request(&key)?;
        Ok(request.der().to_vec())
    }
}

fn damaged(
    path: PathBuf,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> IdentityError {
    let source = source.into();
    IdentityError::Damaged { path, source }
}

fn certificate(text: &str, folder: &Path) -> Result<CertificateDer<'static>, IdentityError> {
    let pem = pem::parse(text).map_err(|error| damaged(folder.join(IDENTITY_FILE), error))?;
    Ok(CertificateDer::from(pem.into_contents()))
}

fn to_pem(der: Vec<u8>) -> String {
    pem::encode(&Pem::new("CERTIFICATE", der))
}
