//! A centre where all is well, and what can be broken in it.

use std::net::IpAddr;
use std::time::Duration;

use crate::evidence::{
    Clock, Dns, DnsOutcome, Evidence, Host, Link, Medium, Mtu, Nic, Phases, Place, Rtt, Service,
    ServiceOutcome,
};

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn link(place: Place, target: &str, rtt: u64) -> Link {
    Link {
        place,
        target: target.into(),
        sent: 50,
        received: 50,
        rtt: Some(steady(rtt)),
        present: None,
        network: None,
    }
}

/// Hardly any spread.
pub(super) fn steady(rtt: u64) -> Rtt {
    Rtt {
        min: ms(rtt),
        median: ms(rtt),
        p95: ms(rtt + 2),
    }
}

pub(super) fn resolver(name: &str, is_own: bool) -> Dns {
    Dns {
        resolver: name.into(),
        outcome: DnsOutcome::Answered,
        took: Some(ms(12)),
        is_own,
        is_beyond: !is_own,
        network: None,
    }
}

pub(super) fn service(name: &str) -> Service {
    Service {
        service: name.into(),
        outcome: ServiceOutcome::Answered,
        // One for each, and the same for the same.
        address: Some(IpAddr::from([203, 0, 113, name.len().try_into().unwrap()])),
        phases: Phases {
            dns: Some(ms(12)),
            connect: Some(ms(20)),
            tls: Some(ms(40)),
            first_byte: Some(ms(90)),
            transfer: Some(ms(30)),
        },
        status: Some(200),
        network: None,
    }
}

pub(super) fn well() -> Evidence {
    Evidence {
        links: vec![
            link(Place::Gateway, "192.168.1.1", 1),
            link(Place::Hop(1), "10.0.0.1", 4),
            link(Place::Hop(2), "10.0.1.1", 8),
            link(Place::Anchor, "one", 20),
            link(Place::Anchor, "two", 24),
            link(Place::Collector, "collector", 15),
        ],
        dns: vec![resolver("192.168.1.1", true), resolver("8.8.8.8", false)],
        services: vec![service("portal"), service("login"), service("vneid")],
        mtu: vec![Mtu {
            target: "one".into(),
            ok: true,
            network: None,
        }],
        nic: Some(Nic {
            interface: "eth0".into(),
            up: Some(true),
            medium: Some(Medium::Wired),
            errors: 0,
        }),
        host: Host {
            cpu: Some(0.2),
            lag: Some(ms(1)),
            clock: Some(Clock {
                ahead: 0.4,
                witnesses: 3,
            }),
        },
        has_route: Some(true),
    }
}

/// Nothing at these places, nor behind, answers.
pub(super) fn silent_from(evidence: &mut Evidence, is_silent: impl Fn(Place) -> bool) {
    for link in &mut evidence.links {
        if is_silent(link.place) {
            (link.received, link.rtt) = (0, None);
        }
    }
    evidence
        .links
        .retain(|link| !matches!(link.place, Place::Hop(_)) || link.received > 0);
    for resolver in &mut evidence.dns {
        (resolver.outcome, resolver.took) = (DnsOutcome::Timeout, None);
    }
    services(evidence, ServiceOutcome::DnsFailed);
    evidence.mtu.clear();
    evidence.host.clock = None;
}

/// Every service ends so.
pub(super) fn services(evidence: &mut Evidence, outcome: ServiceOutcome) {
    for service in &mut evidence.services {
        fails(service, outcome);
    }
}

pub(super) fn fails(service: &mut Service, outcome: ServiceOutcome) {
    service.outcome = outcome;
    (service.phases, service.status) = (Phases::default(), None);
}

/// So many of 50 are lost at these places.
pub(super) fn lossy(evidence: &mut Evidence, lost: u32, is_lossy: impl Fn(Place) -> bool) {
    for link in &mut evidence.links {
        if is_lossy(link.place) {
            link.received = link.sent - lost;
        }
    }
}

/// Later by so much at these places.
pub(super) fn late(evidence: &mut Evidence, by: u64, is_late: impl Fn(Place) -> bool) {
    for link in &mut evidence.links {
        if let Some(rtt) = link.rtt.as_mut().filter(|_| is_late(link.place)) {
            rtt.min += ms(by);
            rtt.median += ms(by);
            rtt.p95 += ms(by);
        }
    }
}
