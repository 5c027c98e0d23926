//! Why there is no stream to the collector, and what follows from that.

use tonic::{Code, Status};

use super::ANSWER_TIMEOUT;
use crate::identity::IdentityError;
use crate::tls;

/// Why a stream ended or did not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("could not connect to {collector}")]
    Unreachable {
        collector: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("the collector ended the stream: {}", .0.message())]
    Status(Box<Status>),
    #[error("the collector closed the stream")]
    Closed,
    #[error("the collector did not answer within {ANSWER_TIMEOUT:?}")]
    Silent,
    #[error("the collector did not welcome this agent: update one of the two")]
    NoWelcome,
    #[error("the stream's dictionary is full: another one begins")]
    DictionaryFull,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl Ended {
    /// What will not get better by trying again soon.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Status(status) => {
                matches!(
                    status.code(),
                    Code::PermissionDenied | Code::FailedPrecondition
                )
            }
            Self::Identity(error) => !error.is_retryable(),
            _ => false,
        }
    }

    /// Whether a stream that was never welcomed may have ended because of its certificate. TLS 1.3
    /// tells a client so late that mostly just a closed connection is seen.
    pub(super) fn may_be_the_certificate(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => tls::tls_cause(source, |error| {
                matches!(error, rustls::Error::AlertReceived(_))
            }),
            Self::Status(_) | Self::Closed => !self.is_refusal(),
            _ => false,
        }
    }
}
