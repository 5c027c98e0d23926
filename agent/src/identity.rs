//! Who this machine is to its collector: a key made here that never leaves, a certificate for it,
//! and how both are got and kept.
//!
//! Enrolment happens once, with a token; renewal happens long before expiry, at a moment of its own
//! for each agent. A machine that slept through its expiry renews all the same: the collector knows
//! its key, and nobody else can sign with it. Dates are the collector's, since this clock may be
//! years off.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pem::Pem;
use proto::ids::{AgentId, CentreId, DeviceId, InvalidId};
use proto::token::{Fingerprint, Token};
use proto::wire::enrolment_client::EnrolmentClient;
use proto::wire::{self, EnrollRequest, RenewRequest};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::clock::wall_unix_ms;
use crate::storage::{self, StorageError};
use crate::tls::{self, Address, Shown, Trust};

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
        "what answers at {collector} is not the collector that made the token, so the token was not sent: check the address and the fingerprint"
    )]
    WrongCollector {
        collector: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("could not reach the collector at {collector}")]
    Unreachable {
        collector: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("the collector refused: {}", .0.message())]
    Refused(Box<tonic::Status>),
    #[error("the collector answered with a name that is none: update the agent")]
    Answer(#[from] InvalidId),
    #[error("the collector's answer lacks the certificate: update the agent")]
    NoCertificate,
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
            Self::Unreachable { .. } => true,
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
    /// When there is none, or it is damaged.
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
        serde_json::from_slice(&text).map_err(|error| IdentityError::Damaged {
            path,
            source: error.into(),
        })
    }

    fn save(&self, folder: &Path) -> Result<(), IdentityError> {
        let path = folder.join(IDENTITY_FILE);
        let text = serde_json::to_vec_pretty(self).map_err(|error| IdentityError::Damaged {
            path: path.clone(),
            source: error.into(),
        })?;
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
    /// When a file is missing or damaged.
    pub fn shown(&self, folder: &Path) -> Result<Shown, IdentityError> {
        let key = load_key(folder)?;
        Ok(Shown {
            certificate: certificate(&self.certificate, folder)?,
            key: key.serialize_der().into(),
        })
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
    let key = load_or_make_key(folder)?;
    let config = tls::client_config(Trust::Pinned(token.fingerprint), None)?;
    let channel = connect(collector, config).await?;
    let mut request = tonic::Request::new(EnrollRequest {
        token: token.to_string(),
        signing_request: signing_request(&key)?,
        host: Some(crate::host_facts()),
    });
    request.set_timeout(CALL_TIMEOUT);
    let answer = EnrolmentClient::new(channel).enroll(request).await;
    let answer = answer
        .map_err(|status| IdentityError::Refused(status.into()))?
        .into_inner();
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
    };
    identity.accept(answer.certificate)?;
    identity.save(folder)?;
    Ok(identity)
}

/// Exchanges the certificate for a newer one of the same key, whether it is still valid or not.
///
/// # Errors
/// When the collector cannot be reached or refuses; see [`IdentityError::is_retryable`].
pub async fn renew(
    folder: &Path,
    identity: &Identity,
    collector: &Address,
) -> Result<Identity, IdentityError> {
    let key = load_key(folder)?;
    let config = tls::client_config(identity.trust(folder)?, None)?;
    let channel = connect(collector, config).await?;
    let mut request = tonic::Request::new(RenewRequest {
        signing_request: signing_request(&key)?,
    });
    request.set_timeout(CALL_TIMEOUT);
    let answer = EnrolmentClient::new(channel).renew(request).await;
    let answer = answer
        .map_err(|status| IdentityError::Refused(status.into()))?
        .into_inner();
    let mut identity = identity.clone();
    identity.accept(answer.certificate)?;
    identity.save(folder)?;
    Ok(identity)
}

async fn connect(
    collector: &Address,
    config: std::sync::Arc<rustls::ClientConfig>,
) -> Result<tonic::transport::Channel, IdentityError> {
    tls::connect(collector, config).await.map_err(|source| {
        let collector = collector.to_string();
        if tls::tls_cause(&source, |error| {
            matches!(error, rustls::Error::InvalidCertificate(_))
        }) {
            IdentityError::WrongCollector { collector, source }
        } else {
            IdentityError::Unreachable { collector, source }
        }
    })
}

fn signing_request(key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    Ok(CertificateParams::default()
        .serialize_request(key)?
        .der()
        .to_vec())
}

fn load_or_make_key(folder: &Path) -> Result<KeyPair, IdentityError> {
    if folder.join(KEY_FILE).exists() {
        return load_key(folder);
    }
    let key = KeyPair::generate()?;
    storage::replace(&folder.join(KEY_FILE), key.serialize_pem().as_bytes())?;
    Ok(key)
}

fn load_key(folder: &Path) -> Result<KeyPair, IdentityError> {
    let path = folder.join(KEY_FILE);
    let text = std::fs::read_to_string(&path).map_err(|source| IdentityError::Read {
        path: path.clone(),
        source,
    })?;
    KeyPair::from_pem(&text).map_err(|error| IdentityError::Damaged {
        path,
        source: error.into(),
    })
}

fn certificate(text: &str, folder: &Path) -> Result<CertificateDer<'static>, IdentityError> {
    let pem = pem::parse(text).map_err(|error| IdentityError::Damaged {
        path: folder.join(IDENTITY_FILE),
        source: error.into(),
    })?;
    Ok(CertificateDer::from(pem.into_contents()))
}

fn to_pem(der: Vec<u8>) -> String {
    pem::encode(&Pem::new("CERTIFICATE", der))
}
