//! Every reason to refuse a call, with its code for metrics and its gRPC status.

use std::time::Duration;

use proto::token::InvalidToken;
use tonic::{Code, Status};

use super::{InvalidHost, SIGNING_REQUEST_BYTES};
use crate::ca::{AuthorityError, InvalidRequest};
use crate::registry::{EnrolError, RegistryError};

/// What a call can come to.
pub(super) const CODES: [&str; 16] = [
    "enrolled",
    "renewed",
    "invalid_token",
    "foreign_token",
    "unknown_token",
    "used_token",
    "expired_token",
    "revoked",
    "unknown_key",
    "too_late",
    "too_soon",
    "name_taken",
    "centre_full",
    "malformed",
    "too_many_failures",
    "internal",
];

/// Why a call was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error(
        "this token belongs to another collector: make one there, or here with \
         `dawnwatch-collector token create`"
    )]
    ForeignToken,
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error("the signing request is longer than {SIGNING_REQUEST_BYTES} bytes")]
    LongRequest,
    #[error(transparent)]
    Host(#[from] InvalidHost),
    #[error("too many failures from this address: wait {} s", wait.as_secs() + 1)]
    TooManyFailures { wait: Duration },
    #[error("no agent has this key: enrol again with a new token")]
    UnknownKey,
    #[error("this agent was revoked: delete its data folder and enrol again with a new token")]
    Revoked,
    #[error("the certificate expired too long ago: enrol again with a new token")]
    TooLate,
    #[error("this key was given a certificate just now: wait {} s", wait.as_secs() + 1)]
    TooSoon { wait: Duration },
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("the connection has no address")]
    NoPeer,
}

impl Refusal {
    /// The one place where refusals become statuses; `enroll.proto` promises them.
    fn meaning(&self) -> (&'static str, Code) {
        match self {
            Self::Token(_) => ("invalid_token", Code::Unauthenticated),
            Self::ForeignToken => ("foreign_token", Code::Unauthenticated),
            Self::Enrol(error) => match error {
                EnrolError::UnknownToken => ("unknown_token", Code::Unauthenticated),
                EnrolError::UsedToken => ("used_token", Code::Unauthenticated),
                EnrolError::ExpiredToken => ("expired_token", Code::Unauthenticated),
                EnrolError::RevokedKey => ("revoked", Code::PermissionDenied),
                EnrolError::NameTaken { .. } => ("name_taken", Code::Unauthenticated),
                EnrolError::CentreFull { .. } => ("centre_full", Code::ResourceExhausted),
                EnrolError::Registry(_) => ("internal", Code::Internal),
            },
            Self::Request(_) | Self::LongRequest | Self::Host(_) => {
                ("malformed", Code::InvalidArgument)
            }
            Self::TooManyFailures { .. } => ("too_many_failures", Code::ResourceExhausted),
            Self::UnknownKey => ("unknown_key", Code::NotFound),
            Self::Revoked => ("revoked", Code::PermissionDenied),
            Self::TooLate => ("too_late", Code::PermissionDenied),
            Self::TooSoon { .. } => ("too_soon", Code::ResourceExhausted),
            Self::Authority(_) | Self::Registry(_) | Self::NoPeer => ("internal", Code::Internal),
        }
    }

    pub(super) fn code(&self) -> &'static str {
        self.meaning().0
    }

    /// Whether it is the collector's own fault.
    pub(super) fn is_internal(&self) -> bool {
        self.meaning().1 == Code::Internal
    }

    /// What the caller is told. Our own faults are for our own log.
    pub(super) fn status(&self) -> Status {
        if self.is_internal() {
            return Status::internal("the collector failed; its log says why");
        }
        Status::new(self.meaning().1, self.to_string())
    }
}
