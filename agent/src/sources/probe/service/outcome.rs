//! What became of an attempt to use a service.

use std::io;
use std::net::IpAddr;

pub(crate) use diagnosis::evidence::{Phases, ServiceOutcome as Outcome};

use super::super::super::Unmeasurable;
use super::super::binding::Unbound;

/// One attempt, after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) outcome: Outcome,
    pub(crate) phases: Phases,
    /// Of HTTP.
    pub(crate) status: Option<u16>,
    /// When the first certificate of the chain expires, whatever else is wrong with it.
    pub(crate) expires_unix_s: Option<i64>,
    /// The one that was tried.
    pub(crate) address: Option<IpAddr>,
    /// The server's clock, by its `Date`: shows whether ours is wrong.
    pub(crate) server_time_unix_s: Option<i64>,
    /// Where a redirection points; it is not followed.
    pub(crate) redirected_to: Option<String>,
    /// What is to be said beside the outcome, in English; empty when there is nothing.
    pub(crate) detail: String,
}

/// Why an attempt goes no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is a result.
    With(Outcome, String),
    /// It is none: this machine could not try.
    Unmeasurable(Unmeasurable),
}

impl From<Unmeasurable> for Stop {
    fn from(unmeasurable: Unmeasurable) -> Self {
        Self::Unmeasurable(unmeasurable)
    }
}

impl From<Unbound> for Stop {
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::Gone(detail) => Self::With(Outcome::Unreachable, detail),
            Unbound::Cannot(unmeasurable) => Self::Unmeasurable(unmeasurable),
        }
    }
}

impl Stop {
    /// No time is left.
    pub(super) fn late(phase: &str) -> Self {
        Self::With(Outcome::Timeout, format!("no end of {phase} in time"))
    }

    /// What the network says of a connection; `otherwise` for a word that can mean anything.
    pub(super) fn network(phase: &str, error: &io::Error, otherwise: Outcome) -> Self {
        let outcome = match error.kind() {
            io::ErrorKind::ConnectionRefused => Outcome::Refused,
            io::ErrorKind::TimedOut => Outcome::Timeout,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Outcome::Unreachable,
            _ => otherwise,
        };
        Self::With(outcome, format!("{phase}: {error}"))
    }
}
