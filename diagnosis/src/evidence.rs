//! What one machine saw at one time: figures and outcomes, no opinion. The shape is that of the replay
//! format, so that one machine on the spot and a whole province are judged by the same types.
//!
//! Absent means not measured, which is never the same as "does not answer": that is `sent` without
//! `received`. Deliberately absent: time, centre and machine, which belong to whoever collects evidence
//! of more than one.

use std::net::IpAddr;
use std::time::Duration;

/// Everything one machine saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Echoes to addresses on the way.
    pub links: Vec<Link>,
    /// Questions to resolvers.
    pub dns: Vec<Dns>,
    /// Attempts to use services.
    pub services: Vec<Service>,
    /// Large packets.
    pub mtu: Vec<Mtu>,
    /// The card that leads out, or would.
    pub nic: Option<Nic>,
    /// The machine itself.
    pub host: Host,
    /// Whether the machine knows any way out.
    pub has_route: Option<bool>,
}

/// Echoes to one address.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Where on the way it is.
    pub place: Place,
    /// Its name or address.
    pub target: String,
    /// Echoes sent.
    pub sent: u32,
    /// Echoes answered.
    pub received: u32,
    /// How long answers took; absent without any.
    pub rtt: Option<Rtt>,
    /// Whether it is there all the same, where that is known: it takes or refuses connections, or nobody
    /// has its address (ARP). Many a router answers no echoes.
    pub present: Option<bool>,
    /// Through which network of its own it was, where that is not the one everything else takes.
    pub network: Option<String>,
}

/// Where on the way an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Inside the centre.
    Lan,
    /// The router of the centre.
    Gateway,
    /// A router beyond: 1 is the far end of the line, more is the ISP's.
    Hop(u8),
    /// An address that always answers, somewhere else.
    Anchor,
    /// The collector.
    Collector,
}

/// Round-trip times of one round of echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtt {
    /// The shortest.
    pub min: Duration,
    /// The one in the middle.
    pub median: Duration,
    /// 95 of 100 are not longer.
    pub p95: Duration,
}

/// Questions to one resolver.
#[derive(Debug, Clone, PartialEq)]
pub struct Dns {
    /// Its name or address.
    pub resolver: String,
    /// How they ended.
    pub outcome: DnsOutcome,
    /// The slowest answer.
    pub took: Option<Duration>,
    /// Whether this machine itself depends on it.
    pub is_own: bool,
    /// Whether it is known to be beyond the line, as the router's own is not.
    pub is_beyond: bool,
    /// Through which network of its own it was, where that is not the one everything else takes.
    pub network: Option<String>,
}

/// How questions to a resolver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DnsOutcome {
    /// As they should.
    Answered,
    /// Nothing came back.
    Timeout,
    /// It could not find out.
    ServFail,
    /// It says that a name which exists does not.
    NxDomain,
    /// It names an address that is not the right one.
    Wrong,
    /// It does not answer us.
    Refused,
    /// There is no way to it.
    Unreachable,
}

/// An attempt to use one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name.
    pub service: String,
    /// How it ended.
    pub outcome: ServiceOutcome,
    /// The address that was tried: services at one address have one fate.
    pub address: Option<IpAddr>,
    /// How long each phase took.
    pub phases: Phases,
    /// What an HTTP service answered with.
    pub status: Option<u16>,
    /// Through which network of its own it was, where that is not the one everything else takes.
    pub network: Option<String>,
}

/// How long each phase of an attempt took; absent for what it did not finish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Phases {
    pub dns: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub transfer: Option<Duration>,
}

/// How an attempt to use a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceOutcome {
    /// As it should.
    Answered,
    /// Its name was not resolved.
    DnsFailed,
    /// The connection was refused.
    Refused,
    /// It did not answer in time.
    Timeout,
    /// There is no way to it.
    Unreachable,
    /// The encrypted connection failed for no reason of the certificate.
    TlsFailed,
    /// Its certificate is past its end.
    CertificateExpired,
    /// Its certificate is not valid yet.
    CertificateNotYetValid,
    /// Its certificate is for another name.
    CertificateName,
    /// Nobody we trust vouches for its certificate.
    CertificateUntrusted,
    /// Its certificate is refused because this machine's clock is wrong.
    ClockWrong,
    /// It answered with an error.
    HttpError,
    /// It answered something else than it should.
    Unexpected,
    /// A login page of somebody else answered.
    Captive,
    /// Its answer has no end.
    TooLarge,
}

/// Large packets to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mtu {
    /// Its name.
    pub target: String,
    /// Whether large packets arrive, or somebody says that they are too large.
    pub ok: bool,
    /// Through which network of its own it was, where that is not the one everything else takes.
    pub network: Option<String>,
}

/// A network card.
#[derive(Debug, Clone, PartialEq)]
pub struct Nic {
    /// Its name.
    pub interface: String,
    /// Whether it has a link.
    pub up: Option<bool>,
    /// What it is connected by.
    pub medium: Option<Medium>,
    /// Damaged frames while this evidence was gathered.
    pub errors: u64,
}

/// What a card is connected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Medium {
    Wired,
    Wifi,
}

/// The machine itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// Share of the processors in use.
    pub cpu: Option<f64>,
    /// How late a program gets its turn.
    pub lag: Option<Duration>,
    /// How the clock stands.
    pub clock: Option<Clock>,
}

/// This machine's clock beside others'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// How far it is ahead, in seconds.
    pub ahead: f64,
    /// How many others were asked.
    pub witnesses: usize,
}

impl Link {
    /// Whether anything came back.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.received > 0
    }
}

impl Phases {
    /// All that was finished.
    #[must_use]
    pub fn total(&self) -> Duration {
        [
            self.dns,
            self.connect,
            self.tls,
            self.first_byte,
            self.transfer,
        ]
        .into_iter()
        .flatten()
        .sum()
    }
}
