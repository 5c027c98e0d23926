//! Which links are probed: what this machine finds for itself, and what the plan adds. Pure.

use std::collections::HashSet;

use proto::limits::LINES_PER_PLAN;
use proto::plan::{Plan, Segment, Target};

use super::super::Hop;
use super::surroundings::Surroundings;
use crate::os::{Address, Root};

/// Links of one agent, beside the lines that a province sees from outside. Each costs 30 series, and all must fit into `proto::limits::SERIES_PER_AGENT`
/// beside the host's, services', resolvers' and paths'.
pub(super) const BOUND: usize = 32;

/// Gateways, resolvers and hops that are probed: a machine with more is misconfigured.
const OWN_BOUND: usize = 8;

const DNS_PORT: u16 = 53;

/// One link to probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) segment: Segment,
    /// The `target` label, unique within the segment.
    pub(super) name: String,
    pub(super) place: Place,
    /// Where a TCP connection is tried when ICMP is not possible, the likeliest first.
    pub(super) ports: Vec<u16>,
    /// What it is reached through, unless the system chooses.
    pub(super) interface: Option<String>,
    /// For a router on the way to somewhere.
    pub(super) hop: Option<Hop>,
}

impl Link {
    /// Whether it is the line of another centre, seen from outside.
    pub(super) fn is_reverse(&self) -> bool {
        self.segment == Segment::Reverse
    }
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Address(Address),
    Name(String),
}

impl Place {
    fn parse(text: &str, root: &Root) -> Self {
        match Address::parse(text, root) {
            Some(address) => Self::Address(address),
            None => Self::Name(text.to_owned()),
        }
    }
}

/// Everything there may be a link to.
pub(super) struct Known<'k> {
    pub(super) surroundings: &'k Surroundings,
    pub(super) collector: Option<&'k (String, u16)>,
    pub(super) hops: &'k [Hop],
    pub(super) plan: &'k Plan,
    /// The interface a network is reached through.
    pub(super) interface: &'k (dyn Fn(&str) -> Option<String> + Sync),
}

/// The links to probe, and how many more there are beyond the bound. Of two with one name in one
/// segment the first counts.
pub(super) fn links(known: &Known<'_>, root: &Root) -> (Vec<Link>, usize) {
    let own = |segment, ports: &'static [u16]| {
        move |address: &Address| Link {
            segment,
            name: address.to_string(),
            place: Place::Address(address.clone()),
            ports: ports.to_vec(),
            interface: None,
            hop: None,
        }
    };
    // A home router answers DNS, nearly always; else it has a page.
    let gateways = known.surroundings.gateways.iter().take(OWN_BOUND);
    let gateways = gateways.map(own(Segment::Gateway, &[DNS_PORT, 80, 443]));
    let collector = known.collector.map(|(host, port)| Link {
        segment: Segment::Core,
        name: "collector".to_owned(),
        place: Place::parse(host, root),
        ports: vec![*port],
        interface: None,
        hop: None,
    });
    let resolvers = known.surroundings.resolvers.iter().take(OWN_BOUND);
    let resolvers = resolvers.map(own(Segment::Dns, &[DNS_PORT]));
    let hops = known.hops.iter().take(OWN_BOUND).map(on_the_way);
    let planned = known.plan.targets.iter().map(|target| Link {
        interface: target.network.as_deref().and_then(known.interface),
        ..planned(target, root)
    });

    let mut seen = HashSet::new();
    let mut links: Vec<Link> = gateways
        .chain(collector)
        .chain(resolvers)
        .chain(hops)
        .chain(planned)
        .filter(|link| seen.insert((link.segment, link.name.clone())))
        .collect();
    let lines = links.extract_if(.., |link| link.is_reverse());
    let lines: Vec<Link> = lines.take(LINES_PER_PLAN).collect();
    let left_out = links.len().saturating_sub(BOUND);
    links.truncate(BOUND);
    links.extend(lines);
    (links, left_out)
}

fn planned(target: &Target, root: &Root) -> Link {
    let ports = match target.segment {
        Segment::Dns => vec![DNS_PORT],
        _ => vec![443, 80, DNS_PORT],
    };
    Link {
        segment: target.segment,
        name: target.name.clone(),
        place: Place::parse(&target.address, root),
        ports,
        interface: None,
        hop: None,
    }
}

fn on_the_way(hop: &Hop) -> Link {
    let address = Address {
        ip: hop.address,
        zone: None,
    };
    Link {
        segment: hop.segment,
        name: address.to_string(),
        place: Place::Address(address),
        ports: vec![443, 80, DNS_PORT],
        interface: None,
        hop: Some(hop.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text, &Root::default()).unwrap()
    }

    /// Of a machine with a collector and one network.
    fn found(surroundings: &Surroundings, hops: &[Hop], plan: &Plan) -> (Vec<Link>, usize) {
        let known = Known {
            surroundings,
            collector: Some(&("192.0.2.7".to_owned(), 9781)),
            hops,
            plan,
            interface: &|network| (network == "state").then(|| "eth1".to_owned()),
        };
        links(&known, &Root::default())
    }

    fn target(name: &str, address: &str, segment: Segment) -> Target {
        Target {
            name: name.into(),
            address: address.into(),
            segment,
            network: None,
        }
    }

    #[test]
    fn own_links_come_before_those_of_the_plan() {
        let surroundings = Surroundings {
            gateways: vec![address("192.0.2.1")],
            resolvers: vec![address("192.0.2.1"), address("2001:db8::53")],
        };
        let plan = Plan {
            targets: vec![
                target("ix", "ix.example", Segment::Isp),
                target("collector", "192.0.2.66", Segment::Core),
            ],
            ..Plan::default()
        };
        let line = Hop {
            address: "198.51.100.1".parse().unwrap(),
            ttl: 2,
            towards: "203.0.113.1".parse().unwrap(),
            segment: Segment::Line,
        };
        let (links, left_out) = found(&surroundings, std::slice::from_ref(&line), &plan);
        let facts: Vec<_> = links
            .iter()
            .map(|link| {
                (
                    link.segment.as_str(),
                    link.name.as_str(),
                    link.ports.first(),
                )
            })
            .collect();
        assert_eq!(
            facts,
            [
                ("gateway", "192.0.2.1", Some(&53)),
                ("core", "collector", Some(&9781)),
                ("dns", "192.0.2.1", Some(&53)),
                ("dns", "2001:db8::53", Some(&53)),
                ("line", "198.51.100.1", Some(&443)),
                ("isp", "ix", Some(&443)),
            ],
            "a plan cannot take the name of an own link"
        );
        assert_eq!(left_out, 0);
        assert_eq!(links[1].place, Place::Address(address("192.0.2.7")));
        assert_eq!(links[4].hop, Some(line));
        assert_eq!(links[5].place, Place::Name("ix.example".into()));
    }

    #[test]
    fn a_target_of_a_network_is_reached_through_its_interface() {
        let mut targets = vec![
            target("population", "192.0.2.10", Segment::Core),
            target("internet", "192.0.2.11", Segment::Core),
        ];
        targets[0].network = Some("state".into());
        let plan = Plan {
            targets,
            ..Plan::default()
        };
        let (links, _) = found(&Surroundings::default(), &[], &plan);
        let through: Vec<_> = links.iter().map(|link| link.interface.as_deref()).collect();
        assert_eq!(
            through,
            [None, Some("eth1"), None],
            "the collector is first"
        );
    }

    #[test]
    fn links_are_bounded() {
        let many = (0..20).map(|n| address(&format!("192.0.2.{n}"))).collect();
        let surroundings = Surroundings {
            gateways: many,
            resolvers: Vec::new(),
        };
        let targets = (0..64).map(|n| target(&format!("t{n}"), "192.0.2.99", Segment::Isp));
        let plan = Plan {
            targets: targets.collect(),
            ..Plan::default()
        };
        let (links, left_out) = found(&surroundings, &[], &plan);
        assert_eq!((links.len(), left_out), (BOUND, 8 + 1 + 64 - BOUND));
    }
}
