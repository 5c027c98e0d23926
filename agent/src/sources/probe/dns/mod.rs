//! Names, asked of each resolver by itself and of the system as programs ask it.
//!
//! In reading order: [`message`] (one question, as bytes) → [`ask`](mod@ask) (over UDP, and TCP where the
//! answer is too long) → [`judge`](mod@judge) (is it the answer one should get?) → [`source`] (when, and
//! what is told). [`system`] asks through the system; [`names`] says what is asked for, [`resolvers`] whom.
//!
//! Deliberately absent: asking the authorities themselves, DNSSEC, and names over TLS or HTTPS. What
//! people's programs use is what is measured.

mod ask;
mod judge;
mod message;
mod names;
mod resolvers;
mod source;
mod system;

pub(crate) use ask::{Asked, ask};
pub(crate) use judge::{Judged, Told, compare, judge};
pub(crate) use names::{Expected, Name, canary, names};
pub(crate) use resolvers::{Resolver, resolvers};
pub(crate) use source::Dns;

/// How a question ended. Ordered: of several the least is the best that a resolver can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// As it should.
    Answered,
    /// There is no such name, or no address behind it.
    NxDomain,
    /// The resolver could not find out, or said what makes no sense.
    ServFail,
    /// The resolver does not want to answer.
    Refused,
    /// Nobody resolves names there, or there is no way there.
    Unreachable,
    /// No answer at all.
    Timeout,
    /// An answer that cannot be true.
    Wrong,
}

impl Outcome {
    /// The `outcome` label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NxDomain => "nxdomain",
            Self::ServFail => "servfail",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Wrong => "wrong",
        }
    }
}
