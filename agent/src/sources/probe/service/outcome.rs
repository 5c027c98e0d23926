//! How an attempt to use a service ended, and how long each phase of it took.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::super::super::Unmeasurable;
use super::super::binding::Unbound;

/// How an attempt ended, the `outcome` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// As it should.
    Answered,
    /// The name was not answered with an address. What a known address said is in the phases.
    DnsFailed,
    /// Nobody listens at the port.
    Refused,
    /// Not done in time; the first phase that is absent is the one that hung.
    Timeout,
    /// No way there, by the word of this machine or of a router.
    Unreachable,
    /// Not the certificate, which has words of its own: no common version, garbage, broken off.
    TlsFailed,
    CertificateExpired,
    CertificateNotYetValid,
    /// Of a good authority, for another name.
    CertificateName,
    /// Of an authority that this machine does not know, or not usable for a server.
    CertificateUntrusted,
    /// The certificate is good at the time it truly is.
    ClockWrong,
    /// A status that says so, or no HTTP at all.
    HttpError,
    /// Without the text that is in the answer when all is well.
    Unexpected,
    /// Somebody on the way answered and wants a login first.
    Captive,
    /// Headers without end.
    TooLarge,
}

impl Outcome {
    /// The word of the label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::DnsFailed => "dns_failed",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::TlsFailed => "tls_failed",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateNotYetValid => "certificate_not_yet_valid",
            Self::CertificateName => "certificate_name",
            Self::CertificateUntrusted => "certificate_untrusted",
            Self::ClockWrong => "clock_wrong",
            Self::HttpError => "http_error",
            Self::Unexpected => "unexpected",
            Self::Captive => "captive",
            Self::TooLarge => "too_large",
        }
    }
}

/// How long each phase took. From the one that failed on there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Phases {
    /// The system's answer to the name; absent for an address.
    pub(crate) dns: Option<Duration>,
    /// TCP.
    pub(crate) connect: Option<Duration>,
    /// The handshake, whole: no session is resumed.
    pub(crate) tls: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub(crate) first_byte: Option<Duration>,
    /// From there to the end of the answer, or to as much of it as is read.
    pub(crate) transfer: Option<Duration>,
}

impl Phases {
    /// With the words of the `phase` label.
    pub(crate) fn each(&self) -> [(&'static str, Option<Duration>); 5] {
        [
            ("dns", self.dns),
            ("connect", self.connect),
            ("tls", self.tls),
            ("first_byte", self.first_byte),
            ("transfer", self.transfer),
        ]
    }
}

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
