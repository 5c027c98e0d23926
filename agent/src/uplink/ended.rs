//! Why there is no stream to the collector, and what follows from that.

use proto::limits::PROTOCOL;
use tonic::{Code, Status};

use super::ANSWER_TIMEOUT;
use crate::identity::IdentityError;
use crate::tls::{Broken, ConnectError};

/// Why a stream ended or did not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Broken(Broken),
    #[error("the collector ended the stream: {}", .0.message())]
    Status(Box<Status>),
    #[error("the collector closed the stream")]
    Closed,
    #[error("the collector did not answer within {ANSWER_TIMEOUT:?}")]
    Silent,
    #[error("the collector did not welcome this agent: update one of the two")]
    NoWelcome,
    #[error("the collector speaks protocol {theirs}, this agent {PROTOCOL}: update {}",
        if *theirs < PROTOCOL { "the collector" } else { "this agent" })]
    OtherProtocol { theirs: u32 },
    #[error("the stream's dictionary is full: another one begins")]
    DictionaryFull,
    #[error("the collector can keep measurements again: another stream brings what it could not")]
    KeepsAgain,
    #[error("this machine slept")]
    Woke,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        Broken::from_status(status).map_or_else(Self::Status, Self::Broken)
    }
}

impl Ended {
    /// What will not get better by trying again soon.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Status(status) => matches!(
                status.code(),
                Code::PermissionDenied
                    | Code::Unauthenticated
                    | Code::FailedPrecondition
                    | Code::Unimplemented
                    // Something this agent says is not understood.
                    | Code::InvalidArgument
                    // Another machine runs on a copy of this one's folder.
                    | Code::Aborted
            ),
            Self::NoWelcome | Self::OtherProtocol { .. } => true,
            Self::Identity(error) => !error.is_retryable(),
            _ => false,
        }
    }

    /// Whether a stream that was never welcomed may have ended because of its certificate. TLS 1.3
    /// tells a client so late that mostly just a broken connection is seen.
    pub(super) fn may_be_the_certificate(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_alert(),
            Self::Broken(_) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_broken_connections() {
        let answered = Ended::from(Status::unavailable("the collector stops"));
        assert!(!answered.may_be_the_certificate());
        assert_eq!(
            answered.to_string(),
            "the collector ended the stream: the collector stops"
        );
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let broken = Ended::from(Status::from_error(broken.into()));
        assert!(broken.may_be_the_certificate());
        assert_eq!(
            crate::chain(&broken),
            "the connection broke: connection reset"
        );
    }

    #[test]
    fn refusals() {
        for (code, expected) in [
            (Code::PermissionDenied, true),
            (Code::Aborted, true),
            (Code::InvalidArgument, true),
            (Code::Unavailable, false),
            (Code::ResourceExhausted, false),
            (Code::DeadlineExceeded, false),
        ] {
            let ended = Ended::from(Status::new(code, ""));
            assert_eq!(ended.is_refusal(), expected, "{code:?}");
        }
    }
}
