//! What speaks for or against a verdict, structured, so that the engine weighs and chooses without words.

use crate::Segment;
use crate::record::{DnsWord, ServiceWord};

/// Something that speaks for or against a verdict. Counts are of packets, machines (`agents`), users or centres.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "each field says it by its name; what is meant stands at the variant"
)]
pub enum Because {
    /// So many agents of so many are not heard.
    Silent { agents: u64, of: u64 },
    /// They went without goodbye.
    SilentWithoutGoodbye { agents: u64 },
    /// Nobody was heard since opening; so many are on other mornings, at least.
    NobodyCame { usual: u64 },
    /// People were working there when it went silent.
    UsersWereActive { n: u64 },
    /// So many said goodbye.
    Goodbyes { n: u64 },
    /// It is about the time at which the centre closes.
    NearClosing,
    /// A target answers.
    Answers {
        target: Target,
        received: u64,
        sent: u64,
    },
    /// A target does not answer, or not always.
    Fails {
        target: Target,
        received: u64,
        sent: u64,
    },
    /// Up to here nothing is lost, from here on this share.
    LossBegins {
        segment: Segment,
        ratio: f64,
        sent: u64,
    },
    /// Nothing is lost there.
    Clean { segment: Segment, sent: u64 },
    /// It is late there.
    Delay {
        segment: Segment,
        ms: f64,
        usual_ms: f64,
    },
    /// Much is transferred.
    TrafficHigh { bps: f64 },
    /// Little is transferred.
    TrafficLow { bps: f64 },
    /// Network cards without link.
    NicDown { agents: u64, of: u64 },
    /// Damaged frames.
    NicErrors { n: u64 },
    /// The machine is connected by Wi-Fi.
    Wifi,
    /// Laptops or PCs on a UPS lost the mains.
    OnBattery { agents: u64 },
    /// They started again after a loss of power.
    PowerLossBoot { agents: u64 },
    /// Machines started again just now, by themselves or after a loss of power.
    PowerIsBack,
    /// They started again after an orderly end.
    CleanBoots { agents: u64 },
    /// The centre's public address answers the province.
    ReverseAnswered { received: u64, sent: u64 },
    /// It does not.
    ReverseSilent { sent: u64 },
    /// Centres that share something fail too.
    OtherCentres { failing: u64, of: u64, what: Group },
    /// Centres that share something are well.
    OtherCentresWell { n: u64 },
    /// A service fails, seen from so many centres.
    ServiceFails {
        service: String,
        word: ServiceWord,
        failed: u64,
        attempts: u64,
        centres: u64,
    },
    /// The same service works in so many other centres.
    ServiceWorksElsewhere { service: String, centres: u64 },
    /// How a resolver answers.
    Resolver { name: String, outcome: DnsWord },
    /// Another resolver works.
    OtherResolverWorks,
    /// Large packets to so many targets vanish.
    LargePacketsVanish { targets: u64 },
    /// Small packets arrive.
    SmallPacketsPass,
    /// A login page answers in a service's place.
    LoginPage { service: String },
    /// The processor is busy, and programs wait.
    CpuBusy { ratio: f64, lag_ms: f64 },
    /// The clock is ahead by so much.
    ClockOff { seconds: f64 },
    /// The centre's other machines are well.
    SiblingsWell { n: u64 },
    /// What a printer says.
    Printer { conditions: Vec<String> },
    /// The share of packets lost rises.
    GettingWorse { from: f64, to: f64, minutes: f64 },
    /// Answers take longer and longer.
    GettingLater {
        from_ms: f64,
        to_ms: f64,
        minutes: f64,
    },
    /// A router answers few pings, and nothing is lost behind it.
    RateLimitedHop,
    /// What was measured during the silence has arrived: from and to, Unix seconds.
    Backlog { from: f64, to: f64 },
}

/// What answers or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the words of the path")]
pub enum Target {
    Gateway,
    Lan,
    Line,
    Isp,
    Anchors,
    Collector,
    Services,
    Dns,
}

/// What centres share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The ISP.
    Isp(String),
    /// The area.
    Area(String),
    /// The province.
    All,
}
