//! Ways that let some traffic through and other not: login pages, and large packets that vanish.

use super::way::Way;
use super::{Case, Finding, Reason};
use crate::Fault;
use crate::evidence::ServiceOutcome;

/// Whether somebody's login page answers for everybody.
pub(super) fn captive(way: &Way) -> Finding {
    let services = &way.evidence.services;
    let with = |outcome| services.iter().filter(move |one| one.outcome == outcome);
    let Some(service) = with(ServiceOutcome::Captive).next() else {
        return untrusted(way);
    };
    if with(ServiceOutcome::Answered).next().is_some() {
        // One service behaves oddly, others are themselves.
        return Finding::Well;
    }
    let service = service.service.clone();
    let because = vec![Reason::LoginPage { service }];
    Finding::fault(Case::Captive, 0.95, [(Fault::RouteBlocked, 0.04)], because)
}

/// A login page that cannot speak for others' names shows as certificates nobody vouches for: of all
/// services, not of one.
fn untrusted(way: &Way) -> Finding {
    use ServiceOutcome::{CertificateName, CertificateUntrusted, DnsFailed, Refused, Timeout};
    let outcomes = way.evidence.services.iter().map(|service| service.outcome);
    let foreign = outcomes
        .clone()
        .filter(|outcome| matches!(outcome, CertificateName | CertificateUntrusted));
    let foreign = foreign.count();
    let mut rest =
        outcomes.filter(|outcome| !matches!(outcome, CertificateName | CertificateUntrusted));
    if foreign < 2 || rest.any(|outcome| !matches!(outcome, DnsFailed | Refused | Timeout)) {
        return Finding::Well;
    }
    Finding::fault(
        Case::Captive,
        0.62,
        [(Fault::RouteBlocked, 0.3)],
        vec![Reason::CertificatesRefused { services: foreign }],
    )
}

/// Whether large packets vanish although small ones arrive. Certificates are large: where every service
/// showed its own, they do not vanish on the way to anything that matters.
pub(super) fn large_packets(way: &Way) -> Finding {
    let targets = &way.evidence.mtu;
    let Some(lost) = targets.iter().find(|target| !target.ok) else {
        return if targets.is_empty() {
            Finding::NotEnough
        } else {
            Finding::Well
        };
    };
    let services = &way.evidence.services;
    let shown = services.iter().filter(|service| {
        service.outcome == ServiceOutcome::Answered && service.phases.tls.is_some()
    });
    let shown = shown.count();
    if shown > 0 && shown == services.len() {
        return Finding::Well;
    }
    let because = vec![Reason::LargePacketsLost {
        target: lost.target.clone(),
    }];
    // Where others get theirs, it is that target's way alone.
    let confidence = if shown > 0 || targets.iter().any(|target| target.ok) {
        0.65
    } else {
        0.9
    };
    let others = [(Fault::RouteBlocked, 0.06)];
    Finding::fault(Case::LargePacketsVanish, confidence, others, because)
}
