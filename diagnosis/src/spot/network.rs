//! A machine's networks, apart: what answers through one proves nothing of the way through another.
//!
//! Everything goes the usual way, but for what was sent through a network of its own. The machine itself,
//! its card and its router are judged with the usual way; of another network only what is beyond is known.

use std::collections::BTreeSet;

use crate::evidence::{Evidence, Host, ServiceOutcome};

/// Networks of their own, in the order of their names.
pub(super) fn names(evidence: &Evidence) -> BTreeSet<&str> {
    let Evidence {
        links,
        dns,
        services,
        mtu,
        ..
    } = evidence;
    let links = links.iter().map(|one| one.network.as_deref());
    let dns = dns.iter().map(|one| one.network.as_deref());
    let services = services.iter().map(|one| one.network.as_deref());
    let mtu = mtu.iter().map(|one| one.network.as_deref());
    let all = links.chain(dns).chain(services).chain(mtu);
    all.flatten().collect()
}

/// What was seen through one network; `None` is the usual way.
pub(super) fn part(evidence: &Evidence, network: Option<&str>) -> Evidence {
    let mut part = evidence.clone();
    let is_ours = |other: &Option<String>| other.as_deref() == network;
    part.links.retain(|one| is_ours(&one.network));
    part.services.retain(|one| is_ours(&one.network));
    part.mtu.retain(|one| is_ours(&one.network));
    let Some(_) = network else {
        // A machine depends on its own resolvers, through whichever network it asks them.
        part.dns.retain(|one| one.is_own || is_ours(&one.network));
        for dns in &mut part.dns {
            dns.is_beyond &= is_ours(&dns.network);
        }
        return part;
    };
    part.dns.retain(|one| is_ours(&one.network));
    for dns in &mut part.dns {
        dns.is_own = true;
    }
    if part.dns.is_empty() {
        // Names of this network come from the machine's own resolvers.
        let own = evidence.dns.iter().filter(|one| one.is_own).cloned();
        part.dns.extend(own);
        for dns in &mut part.dns {
            dns.is_beyond = false;
        }
    }
    (part.nic, part.has_route, part.host) = (None, None, Host::default());
    part
}

/// Whether a service fails.
pub(super) fn suffers(part: &Evidence) -> bool {
    let mut services = part.services.iter();
    services.any(|service| service.outcome != ServiceOutcome::Answered)
}
