//! What an incident means for people at the counter: whether they can be served at all, badly, or with less.

use crate::event::Incident;
use crate::{Fault, Segment};

/// What a fault takes from a centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// One machine of several.
    Part,
    /// Everything works, and badly; or one service of several does not.
    Soft,
    /// Nothing that needs the network works.
    Hard,
}

/// How much a fault takes.
pub(super) fn of(fault: Fault) -> Severity {
    match fault {
        Fault::LanDown
        | Fault::GatewayDown
        | Fault::LineDown
        | Fault::IspAreaDown
        | Fault::IspDown
        | Fault::DnsDown
        | Fault::DnsIspDown
        | Fault::CaptivePortal
        | Fault::PowerOutage
        | Fault::Unknown => Severity::Hard,
        Fault::LanPartial
        | Fault::LanLossy
        | Fault::GatewayOverloaded
        | Fault::LineLossy
        | Fault::LineSaturated
        | Fault::LineSlow
        | Fault::LineDegrading
        | Fault::IspDegraded
        | Fault::CollectorDown
        | Fault::CollectorPathDown
        | Fault::ServiceDown
        | Fault::ServiceSlow
        | Fault::ServiceError
        | Fault::CertificateExpired
        | Fault::RouteBlocked
        | Fault::MtuBlackhole => Severity::Soft,
        Fault::PcLinkDown
        | Fault::PcWifiLossy
        | Fault::PcOverloaded
        | Fault::PcNicErrors
        | Fault::PcBlocked
        | Fault::PcClockWrong
        | Fault::PrinterFault => Severity::Part,
    }
}

/// The fault of an incident; a word this version does not know is unknown.
pub(super) fn fault(incident: &Incident) -> Fault {
    incident.fault.parse().unwrap_or(Fault::Unknown)
}

/// Whether a fault ends everything the centre's own machines send: who is heard all the same is not cut off.
pub(super) fn silences(fault: Fault) -> bool {
    let cuts = [
        Fault::LanDown,
        Fault::GatewayDown,
        Fault::LineDown,
        Fault::IspAreaDown,
        Fault::IspDown,
        Fault::PowerOutage,
        Fault::Unknown,
    ];
    cuts.contains(&fault)
}

/// Whether it may hit centres that are not known to be hit yet.
pub(super) fn is_wide(incident: &Incident) -> bool {
    is_of_an_isp(incident) || service(incident).is_some()
}

fn is_of_an_isp(incident: &Incident) -> bool {
    matches!(fault(incident), Fault::IspDown | Fault::DnsIspDown)
}

/// Whether it hits every centre of one ISP, those among them of which nothing is heard.
pub(super) fn is_of_isp(incident: &Incident, isp: &str) -> bool {
    is_of_an_isp(incident) && !isp.is_empty() && incident.culprit.as_deref() == Some(isp)
}

/// The service that fails in so many centres that it is hardly theirs.
pub(super) fn service(incident: &Incident) -> Option<&str> {
    let is_failing = matches!(fault(incident), Fault::ServiceDown | Fault::ServiceError);
    let is_wide = is_failing && incident.scope.len() >= 3;
    incident.culprit.as_deref().filter(|_| is_wide)
}

/// Whether neither the centre nor its technician can mend it.
pub(super) fn is_not_ours(incident: &Incident) -> bool {
    let segment = incident
        .segment
        .as_deref()
        .and_then(|word| word.parse().ok());
    let beyond = [Segment::Isp, Segment::Core, Segment::Service];
    segment.is_some_and(|segment| beyond.contains(&segment))
        || fault(incident) == Fault::DnsIspDown
        || incident.scope.len() > 1
}
