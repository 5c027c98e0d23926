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

/// How questions to a resolver ended. Ordered: of several the least is the best that it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DnsOutcome {
    /// As they should.
    Answered,
    /// There is no such name, or no address behind it.
    NxDomain,
    /// It could not find out, or said what makes no sense.
    ServFail,
    /// It does not want to answer.
    Refused,
    /// Nobody resolves names there, or there is no way there.
    Unreachable,
    /// No answer at all.
    Timeout,
    /// An answer that cannot be true.
    Wrong,
}

impl DnsOutcome {
    /// Its word in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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

/// How long each phase of an attempt took. From the one that failed on there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// The system's answer to the name; absent for an address.
    pub dns: Option<Duration>,
    /// TCP.
    pub connect: Option<Duration>,
    /// The handshake, whole: no session is resumed.
    pub tls: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// From there to the end of the answer, or to as much of it as is read.
    pub transfer: Option<Duration>,
}

impl Phases {
    /// With their words in the contract.
    #[must_use]
    pub fn each(&self) -> [(&'static str, Option<Duration>); 5] {
        [
            ("dns", self.dns),
            ("connect", self.connect),
            ("tls", self.tls),
            ("first_byte", self.first_byte),
            ("transfer", self.transfer),
        ]
    }

    /// All that was finished.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.each().into_iter().filter_map(|(_, took)| took).sum()
    }
}

/// How an attempt to use a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceOutcome {
    /// As it should.
    Answered,
    /// Its name was not answered with an address. What a known address said is in the phases.
    DnsFailed,
    /// Nobody listens at the port.
    Refused,
    /// Not done in time; the first phase that is absent is the one that hung.
    Timeout,
    /// No way there, by the word of this machine or of a router.
    Unreachable,
    /// Not the certificate, which has words of its own: no common version, garbage, broken off.
    TlsFailed,
    /// Its certificate is past its end.
    CertificateExpired,
    /// Its certificate is not valid yet.
    CertificateNotYetValid,
    /// Its certificate is of a good authority, for another name.
    CertificateName,
    /// Its certificate is of an authority that this machine does not know, or not usable for a server.
    CertificateUntrusted,
    /// Its certificate is good at the time it truly is.
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

impl ServiceOutcome {
    /// Its word in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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
