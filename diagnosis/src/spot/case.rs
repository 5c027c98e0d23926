//! What can be said on the spot: each fault with the facts its sentence needs.
//!
//! A fault of the contract may have several cases, because a clerk does something else about each: a
//! resolver that is silent and one that lies are both `dns_down`.

use std::time::Duration;

use crate::{Fault, evidence::Medium};

/// One thing to say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Case {
    /// Nothing is wrong that keeps anybody from work.
    Well { but: Vec<Weakness> },
    /// There is no network card.
    NoCard,
    /// The card has no link.
    NoLink { medium: Option<Medium> },
    /// Wi-Fi loses packets.
    WifiLossy { loss: f64 },
    /// The card or its cable damages frames.
    CardErrors { loss: f64 },
    /// The clock is wrong; how far ahead in seconds, where that is known.
    ClockWrong { ahead: Option<f64> },
    /// The machine has no time for anybody.
    Overloaded,
    /// Nobody gave the machine an address.
    NoAddress,
    /// Neither the router nor any neighbour is there.
    LanSilent,
    /// The centre's own network loses packets.
    LanLossy { loss: f64 },
    /// The router is not there.
    GatewaySilent,
    /// The router answers late.
    GatewaySlow { rtt: Duration },
    /// Somebody's login page is in the way.
    Captive,
    /// Nothing behind the router answers; whether the router itself was seen.
    LineSilent { router: bool },
    /// The line loses packets.
    LineLossy { loss: f64 },
    /// The line's queue is long.
    LineFull { rtt: Duration },
    /// The line is late.
    LineSlow { rtt: Duration },
    /// Nothing behind the ISP's first router answers.
    IspSilent,
    /// The ISP loses packets.
    IspLossy { loss: f64 },
    /// The ISP is late.
    IspSlow { rtt: Duration },
    /// Large packets vanish.
    LargePacketsVanish,
    /// No resolver answers as it should.
    DnsSilent,
    /// The machine has no resolver.
    NoResolver,
    /// A resolver names wrong addresses.
    DnsLies { resolver: String },
    /// Everything but what services use gets through.
    Blocked,
    /// One service does not answer.
    ServiceDown { service: String },
    /// The name of one service is not known.
    ServiceUnnamed { service: String },
    /// One service answers late.
    ServiceSlow { service: String, took: Duration },
    /// One service answers with errors.
    ServiceError {
        service: String,
        status: Option<u16>,
    },
    /// One service's certificate is past its end.
    CertificateExpired { service: String },
    /// One service's certificate cannot be trusted.
    CertificateBad { service: String },
    /// The collector does not answer.
    CollectorSilent,
    /// Two causes are about as likely.
    Unsure { likelier: Box<Case>, other: Fault },
    /// Too little was measured.
    TooLittle,
}

impl Case {
    /// Its name in the contract; `None` when nothing is wrong.
    pub(crate) fn fault(&self) -> Option<Fault> {
        Some(match self {
            Self::Well { .. } => return None,
            Self::NoCard | Self::NoLink { .. } => Fault::PcLinkDown,
            Self::WifiLossy { .. } => Fault::PcWifiLossy,
            Self::CardErrors { .. } => Fault::PcNicErrors,
            Self::ClockWrong { .. } => Fault::PcClockWrong,
            Self::Overloaded => Fault::PcOverloaded,
            Self::LanSilent => Fault::LanDown,
            Self::LanLossy { .. } => Fault::LanLossy,
            Self::NoAddress | Self::GatewaySilent => Fault::GatewayDown,
            Self::GatewaySlow { .. } => Fault::GatewayOverloaded,
            Self::Captive => Fault::CaptivePortal,
            Self::LineSilent { .. } => Fault::LineDown,
            Self::LineLossy { .. } => Fault::LineLossy,
            Self::LineFull { .. } => Fault::LineSaturated,
            Self::LineSlow { .. } => Fault::LineSlow,
            Self::IspSilent => Fault::IspDown,
            Self::IspLossy { .. } | Self::IspSlow { .. } => Fault::IspDegraded,
            Self::LargePacketsVanish => Fault::MtuBlackhole,
            Self::DnsSilent | Self::NoResolver | Self::DnsLies { .. } => Fault::DnsDown,
            Self::Blocked => Fault::RouteBlocked,
            Self::ServiceDown { .. } | Self::ServiceUnnamed { .. } => Fault::ServiceDown,
            Self::ServiceSlow { .. } => Fault::ServiceSlow,
            Self::ServiceError { .. } | Self::CertificateBad { .. } => Fault::ServiceError,
            Self::CertificateExpired { .. } => Fault::CertificateExpired,
            Self::CollectorSilent => Fault::CollectorDown,
            Self::Unsure { .. } | Self::TooLittle => Fault::Unknown,
        })
    }
}

/// What is worth a look although all is well.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Weakness {
    /// The clock is off; how far ahead in seconds.
    ClockOff { ahead: f64 },
    /// One of the resolvers fails, another helps.
    ResolverFails { resolver: String },
    /// The search of the largest packet says that large ones vanish, services say otherwise.
    LargePackets { target: String },
}

/// A fact that speaks for a verdict.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reason {
    CardHasLink,
    CardHasNoLink,
    NeighboursAnswer,
    /// They answer no echoes, but have their addresses.
    NeighboursThere,
    NeighboursSilent,
    /// Nobody has their addresses any more.
    NeighboursGone,
    NoWayOut,
    GatewayAnswers,
    /// It answers no echoes but is there, or forwards.
    GatewayIsThere,
    GatewaySilent,
    HopAnswers {
        hop: u8,
    },
    NothingBehindAnswers {
        sent: u32,
    },
    FarAnswers,
    Loss {
        target: String,
        lost: u32,
        sent: u32,
    },
    Clean {
        target: String,
        sent: u32,
    },
    Late {
        target: String,
        rtt: Duration,
    },
    DamagedFrames {
        frames: u64,
    },
    ClockWitnesses {
        witnesses: usize,
    },
    CertificatesRefused {
        services: usize,
    },
    Busy {
        cpu: f64,
        lag: Duration,
    },
    ResolversFail {
        resolvers: usize,
    },
    OtherResolverAnswers {
        resolver: String,
    },
    LargePacketsLost {
        target: String,
    },
    LoginPage {
        service: String,
    },
    ServiceFails {
        service: String,
    },
    OthersWork {
        services: usize,
    },
    AllServicesFail {
        services: usize,
    },
}
