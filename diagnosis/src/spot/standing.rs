//! How single things stand, by the rules and thresholds of the verdict, so that what is shown beside it does
//! not contradict it. What is odd without keeping anybody from work is mentioned by a good verdict.

use super::way::{Point, Way, loss};
use super::{Finding, Weakness, delay, device, dns, lossy, network, route, service};
use crate::evidence::{Dns, Evidence, Link, Service};

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it should.
    Good,
    /// Not as it should, and that keeps nobody from work.
    Odd,
    /// A fault.
    Bad,
}

impl Standing {
    /// Of the loss of a link that answers, beside all others: a router that answers few echoes loses no packets when
    /// those that go on are not lost.
    #[must_use]
    pub fn of_link(link: &Link, evidence: &Evidence) -> Self {
        if !loss(link).is_lossy() {
            return Self::Good;
        }
        let part = network::part(evidence, link.network.as_deref());
        let way = Way { evidence: &part };
        let begins = lossy::begins_at(&way);
        let point = Point::of(link.place);
        let loses = point.is_some_and(|point| {
            begins.is_some_and(|begins| point >= begins) && !way.is_reluctant(point, link)
        });
        if loses { Self::Bad } else { Self::Odd }
    }

    /// Of the time that the answers of a link take, beside all others.
    #[must_use]
    pub fn of_delay(link: &Link, evidence: &Evidence) -> Self {
        let part = network::part(evidence, link.network.as_deref());
        let way = Way { evidence: &part };
        let point = Point::of(link.place);
        if point.is_some_and(|point| delay::is_late(&way, point, link)) {
            Self::Bad
        } else {
            Self::Good
        }
    }

    /// Of a resolver, beside all others.
    #[must_use]
    pub fn of_resolver(resolver: &Dns, evidence: &Evidence) -> Self {
        dns::standing(&Way { evidence }, resolver)
    }

    /// Of a clock that is so many seconds ahead.
    #[must_use]
    pub fn of_clock(ahead: f64) -> Self {
        device::clock_standing(ahead)
    }

    /// Of large packets that vanish.
    #[must_use]
    pub fn of_large_packets(evidence: &Evidence) -> Self {
        match route::large_packets(&Way { evidence }) {
            Finding::Fault(_) => Self::Bad,
            Finding::Well | Finding::NotEnough => Self::Odd,
        }
    }

    /// Of a service that answered: late is felt.
    #[must_use]
    pub fn of_answered(service: &Service) -> Self {
        if service::is_slow(service) {
            Self::Bad
        } else {
            Self::Good
        }
    }
}

/// What is odd where all is well.
pub(super) fn weaknesses(way: &Way) -> Vec<Weakness> {
    let evidence = way.evidence;
    let clock = evidence.host.clock.map(|clock| clock.ahead);
    let clock = clock.filter(|ahead| Standing::of_clock(*ahead) != Standing::Good);
    let own = evidence.dns.iter().filter(|dns| dns.is_own);
    let failing = own.filter(|dns| Standing::of_resolver(dns, evidence) != Standing::Good);
    let lost = evidence.mtu.iter().find(|target| !target.ok);
    let mut found: Vec<Weakness> = Vec::new();
    found.extend(clock.map(|ahead| Weakness::ClockOff { ahead }));
    found.extend(failing.map(|dns| Weakness::ResolverFails {
        resolver: dns.resolver.clone(),
    }));
    found.extend(lost.map(|target| Weakness::LargePackets {
        target: target.target.clone(),
    }));
    found
}
