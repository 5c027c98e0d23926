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
pub(crate) use diagnosis::evidence::DnsOutcome as Outcome;
pub(crate) use judge::{Judged, Told, compare, judge};
pub(crate) use names::{Expected, Name, canary, names};
pub(crate) use resolvers::{Resolver, resolvers};
pub(crate) use source::Dns;
