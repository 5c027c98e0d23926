//! What a server's certificates are worth: by whom, for which name, and when.
//!
//! The authorities are those of the system; `SSL_CERT_FILE` and `SSL_CERT_DIR` win over it.
//! *Who* comes before *when*: a certificate that would be wrong at any time is not called expired.
//!
//! A wrong clock makes good certificates look bad. It is to blame when the certificates are good at the
//! time that others say it is (the server itself in its answer, servers that answered before, the
//! collector), or when it stands before this program was written.
//!
//! Deliberately absent: revocation, which would need questions to others. On Windows, authorities that
//! the system would fetch when it first meets them.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use tracing::debug;

use super::super::super::Unmeasurable;
use super::dates::{Validity, validity};
use super::outcome::Outcome;
use crate::tls::{PROVIDER, unix_time};

/// The first second of 2026: this was written later.
const WRITTEN_UNIX_S: i64 = 1_767_225_600;

/// Certificates looked at; a longer chain is cut.
const CHAIN: usize = 16;

/// Whom this machine trusts, as it was when it was read.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

/// What a server showed, its own certificate first.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    validities: Vec<Validity>,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Expired,
    NotYetValid,
    Name,
    Untrusted(String),
}

impl Trust {
    /// The authorities of the system. Reads files, on a thread of their own.
    pub(crate) async fn of_the_system() -> Self {
        let loading = tokio::task::spawn_blocking(|| {
            let loaded = rustls_native_certs::load_native_certs();
            for error in &loaded.errors {
                debug!(%error, "Some trusted authorities cannot be read.");
            }
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(loaded.certs);
            roots
        });
        Self::new(loading.await.unwrap_or_else(|_| RootCertStore::empty()))
    }

    /// For services that show no certificates.
    pub(super) fn in_nobody() -> Self {
        Self { verifier: None }
    }

    pub(super) fn new(roots: RootCertStore) -> Self {
        let provider = Arc::clone(&PROVIDER);
        let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        // Of no authority nothing can be built.
        let verifier = builder.build().ok();
        Self { verifier }
    }

    /// That certificates are not judged, when they are not.
    pub(crate) fn limitation(&self) -> Option<Unmeasurable> {
        self.verifier.is_none().then(|| Unmeasurable {
            what: "this system has no trusted authorities: certificates are not judged".to_owned(),
            remedy: "install its package ca-certificates, or set SSL_CERT_FILE".to_owned(),
        })
    }

    /// What is wrong with a chain for this name, at this time by our own clock.
    pub(super) fn fault(&self, chain: &Chain, name: &ServerName<'_>, now: i64) -> Option<Fault> {
        let fault = self.fault_at(chain, name, now)?;
        if !fault.is_of_time() {
            return Some(fault);
        }
        let elsewhen = chain.moments().map(|at| self.fault_at(chain, name, at));
        let mut worst = fault.clone();
        for elsewhen in elsewhen {
            match elsewhen {
                None => return Some(fault),
                Some(other) if !other.is_of_time() => worst = other,
                Some(_) => {}
            }
        }
        Some(worst)
    }

    /// The outcome that a fault is, where `now` is by our own clock and `others` by those of others.
    pub(super) fn outcome(
        &self,
        fault: &Fault,
        chain: &Chain,
        name: &ServerName<'_>,
        now: i64,
        others: &[i64],
    ) -> Outcome {
        let is_good_then = |at: &i64| self.fault_at(chain, name, *at).is_none();
        match fault {
            Fault::Name => Outcome::CertificateName,
            Fault::Untrusted(_) => Outcome::CertificateUntrusted,
            _ if now < WRITTEN_UNIX_S || others.iter().any(is_good_then) => Outcome::ClockWrong,
            Fault::Expired => Outcome::CertificateExpired,
            Fault::NotYetValid => Outcome::CertificateNotYetValid,
        }
    }

    fn fault_at(&self, chain: &Chain, name: &ServerName<'_>, at: i64) -> Option<Fault> {
        let verifier = self.verifier.as_ref()?;
        let (first, others) = chain.certificates.split_first()?;
        let verified = verifier.verify_server_cert(first, others, name, &[], unix_time(at));
        Some(Fault::of(&verified.err()?))
    }
}

impl Fault {
    fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => Self::Expired,
            Error::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ) => Self::NotYetValid,
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::Name,
            error => Self::Untrusted(error.to_string()),
        }
    }

    pub(super) fn is_of_time(&self) -> bool {
        matches!(self, Self::Expired | Self::NotYetValid)
    }

    /// What is to be said beside the outcome.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Expired => "a certificate has expired by our clock".to_owned(),
            Self::NotYetValid => "a certificate is not valid yet by our clock".to_owned(),
            Self::Name => "the certificate is for another name".to_owned(),
            Self::Untrusted(why) => why.clone(),
        }
    }
}

impl Chain {
    pub(super) fn new(first: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Self {
        let shown = std::iter::once(first).chain(others).take(CHAIN);
        let certificates: Vec<_> = shown.map(|one| one.clone().into_owned()).collect();
        let validities = certificates.iter().filter_map(|one| validity(one));
        Self {
            validities: validities.collect(),
            certificates,
        }
    }

    /// Whether the first certificate is for this name, whoever certified it.
    pub(super) fn is_for(&self, name: &ServerName<'_>) -> bool {
        let first = self.certificates.first();
        let first = first.and_then(|first| ParsedCertificate::try_from(first).ok());
        first.is_some_and(|first| verify_server_name(&first, name).is_ok())
    }

    /// When the first certificate expires. One that has expired is passed over where that does no harm:
    /// many servers show an old one beside those that are needed.
    pub(super) fn expires(&self, now: i64, fault: Option<&Fault>) -> Option<i64> {
        let ends = || self.validities.iter().map(|validity| validity.not_after);
        let valid = ends().filter(|end| *end >= now && fault != Some(&Fault::Expired));
        valid.min().or_else(|| ends().min())
    }

    /// Times at which the chain may be good, if ever it is.
    fn moments(&self) -> impl Iterator<Item = i64> {
        let first = self.validities.first();
        let all_began = self.validities.iter().map(|one| one.not_before).max();
        let own = first.map(|one| [one.not_before, one.not_after]);
        all_began.into_iter().chain(own.into_iter().flatten())
    }
}
