//! What does not answer at all: the first silent point of the way, and nothing behind it.

use super::way::{FEWEST_FOR_SILENCE, Point, Way};
use super::{Case, Finding, Reason};
use crate::Fault;
use crate::evidence::{Link, Place, ServiceOutcome};

/// Whether the machine was given an address and a way out.
pub(super) fn address(way: &Way) -> Finding {
    match way.evidence.has_route {
        Some(false) if !way.reaches(Point::Gateway) => Finding::fault(
            Case::NoAddress,
            0.62,
            [(Fault::LanDown, 0.3)],
            vec![Reason::NoWayOut, Reason::CardHasLink],
        ),
        Some(_) => Finding::Well,
        None => Finding::NotEnough,
    }
}

/// Whether the router is there. When it is not, neighbours tell whether the cabling is: those that answer, or
/// have their addresses. Silence alone tells nothing of them: PCs answer no echoes of strangers.
pub(super) fn gateway(way: &Way) -> Finding {
    if way.reaches(Point::Gateway) || is_there(way) {
        return Finding::Well;
    }
    let sent: u32 = way.at(Point::Gateway).map(|link| link.sent).sum();
    if sent < FEWEST_FOR_SILENCE {
        return Finding::NotEnough;
    }
    let silent = Reason::GatewaySilent;
    if way.neighbours().any(Link::answers) {
        let because = vec![silent, Reason::NeighboursAnswer];
        return Finding::fault(
            Case::GatewaySilent,
            0.93,
            [(Fault::LanPartial, 0.05)],
            because,
        );
    }
    if way.neighbours().any(|link| link.present == Some(true)) {
        let because = vec![silent, Reason::NeighboursThere];
        return Finding::fault(Case::GatewaySilent, 0.75, [(Fault::LanDown, 0.2)], because);
    }
    let mut neighbours = way.neighbours().peekable();
    if neighbours.peek().is_some() {
        if neighbours.all(|link| link.present == Some(false)) {
            let because = vec![silent, Reason::NeighboursGone];
            return Finding::fault(Case::LanSilent, 0.7, [(Fault::GatewayDown, 0.25)], because);
        }
        let because = vec![silent, Reason::NeighboursSilent];
        return Finding::fault(Case::GatewaySilent, 0.5, [(Fault::LanDown, 0.4)], because);
    }
    let because = vec![silent, Reason::CardHasLink];
    if way.is_wifi() {
        let others = [(Fault::PcWifiLossy, 0.2), (Fault::LanDown, 0.1)];
        return Finding::fault(Case::GatewaySilent, 0.65, others, because);
    }
    Finding::fault(Case::GatewaySilent, 0.7, [(Fault::LanDown, 0.25)], because)
}

/// It answers no echoes, but the card has seen it.
fn is_there(way: &Way) -> bool {
    way.at(Point::Gateway)
        .any(|link| link.present == Some(true))
}

/// Whether anything behind the router answers.
pub(super) fn line(way: &Way) -> Finding {
    if way.reaches(Point::Line) {
        return Finding::Well;
    }
    let sent = way.asked(Point::Line);
    if sent < FEWEST_FOR_SILENCE {
        return Finding::NotEnough;
    }
    let nothing = Reason::NothingBehindAnswers { sent };
    let silent = |router| Case::LineSilent { router };
    if way.at(Point::Gateway).any(Link::answers) {
        let because = vec![Reason::GatewayAnswers, nothing];
        Finding::fault(silent(true), 0.85, [(Fault::IspDown, 0.1)], because)
    } else if is_there(way) {
        let because = vec![Reason::GatewayIsThere, nothing];
        Finding::fault(silent(true), 0.75, [(Fault::GatewayDown, 0.2)], because)
    } else {
        // A line without addresses in between, such as PPP.
        Finding::fault(silent(false), 0.65, [(Fault::IspDown, 0.2)], vec![nothing])
    }
}

/// Whether anything behind the ISP's first routers answers.
pub(super) fn isp(way: &Way) -> Finding {
    if way.reaches(Point::Far) {
        return Finding::Well;
    }
    let sent = way.asked(Point::Far);
    if sent < FEWEST_FOR_SILENCE {
        return Finding::NotEnough;
    }
    let hops = way.evidence.links.iter().filter(|link| link.answers());
    let hop = hops.filter_map(|link| match link.place {
        Place::Hop(hop) => Some(hop),
        _ => None,
    });
    let Some(hop) = hop.max() else {
        return Finding::NotEnough;
    };
    let nothing = Reason::NothingBehindAnswers { sent };
    let because = vec![Reason::HopAnswers { hop }, nothing];
    let services = &way.evidence.services;
    let refused = |outcome| outcome == ServiceOutcome::Refused;
    if !services.is_empty() && services.iter().all(|service| refused(service.outcome)) {
        return Finding::fault(Case::Blocked, 0.65, [(Fault::IspDown, 0.25)], because);
    }
    let others = [(Fault::IspAreaDown, 0.1), (Fault::RouteBlocked, 0.1)];
    Finding::fault(Case::IspSilent, 0.75, others, because)
}

/// Whether the collector answers. Last: people are served without it.
pub(super) fn collector(way: &Way) -> Finding {
    let mut collectors = way
        .at(Point::Far)
        .filter(|link| link.place == Place::Collector);
    match collectors.next() {
        Some(link) if link.sent < FEWEST_FOR_SILENCE && !link.answers() => Finding::NotEnough,
        None => Finding::NotEnough,
        Some(link) if link.answers() => Finding::Well,
        Some(_) if way.reaches(Point::Far) => Finding::fault(
            Case::CollectorSilent,
            0.7,
            [(Fault::CollectorPathDown, 0.25)],
            vec![Reason::FarAnswers],
        ),
        Some(_) => Finding::NotEnough,
    }
}
