//! Which addresses are looked at, and in which order. Pure.
//!
//! Private addresses of the machine's own networks and nothing else: not the provider's, not those behind a
//! router. Whoever is known to be there comes first, so that a look that is cut short has seen them. A
//! network too large to look at is looked at around this machine's own address: that is where people put
//! what they set up by hand.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use crate::os::LocalNetwork;

/// Addresses of one look: at twenty a second, less than two minutes.
pub(super) const MOST: usize = 1_024;

/// What to look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// In this order.
    pub(super) addresses: Vec<Ipv4Addr>,
    /// Addresses of these networks that are not looked at: there are too many.
    pub(super) left_out: u64,
}

/// `known` are those that somebody has, or had: what is not in one of the networks is not asked.
pub(super) fn places(networks: &[LocalNetwork], known: &[Ipv4Addr]) -> Places {
    let networks: Vec<Own> = networks.iter().filter_map(Own::of).collect();
    let mut chosen = Chosen::default();
    for address in known {
        if networks.iter().any(|network| network.has(*address)) {
            chosen.add(*address);
        }
    }
    let mut smallest_first: Vec<&Own> = networks.iter().collect();
    // Stable: of two alike that which leads everywhere stays first.
    smallest_first.sort_by_key(|network| network.size());
    let mut left_out = 0;
    for network in smallest_first {
        let around = network.around(MOST - chosen.order.len());
        left_out += network.size() - around.as_ref().map_or(0, size);
        for address in around.into_iter().flatten() {
            chosen.add(Ipv4Addr::from_bits(address));
        }
    }
    Places {
        addresses: chosen.order,
        left_out,
    }
}

/// Whether somebody with this address may be asked.
pub(super) fn may_ask(networks: &[LocalNetwork], address: Ipv4Addr) -> bool {
    let mut own = networks.iter().filter_map(Own::of);
    own.any(|network| network.has(address))
}

/// Each once.
#[derive(Debug, Default)]
struct Chosen {
    order: Vec<Ipv4Addr>,
    seen: HashSet<Ipv4Addr>,
}

impl Chosen {
    fn add(&mut self, address: Ipv4Addr) {
        if self.order.len() < MOST && self.seen.insert(address) {
            self.order.push(address);
        }
    }
}

/// A network that may be looked at.
#[derive(Debug)]
struct Own {
    own: u32,
    /// Of machines.
    hosts: RangeInclusive<u32>,
}

impl Own {
    fn of(network: &LocalNetwork) -> Option<Self> {
        let first = network.address.to_bits();
        let rest = u32::MAX.checked_shr(network.length).unwrap_or_default();
        let last = first.checked_add(rest)?;
        let is_private = |bits| Ipv4Addr::from_bits(bits).is_private();
        if !is_private(first) || !is_private(last) {
            return None;
        }
        let hosts = match network.length {
            // RFC 3021: no address is that of the network, none for broadcast.
            31 => first..=last,
            32.. => return None,
            _ => first + 1..=last - 1,
        };
        let own = network.own.to_bits();
        hosts.contains(&own).then_some(Self { own, hosts })
    }

    fn has(&self, address: Ipv4Addr) -> bool {
        self.hosts.contains(&address.to_bits())
    }

    fn size(&self) -> u64 {
        size(&self.hosts)
    }

    /// At most so many, with its own in the middle where there are more; `None` for none.
    fn around(&self, most: usize) -> Option<RangeInclusive<u32>> {
        let more = u32::try_from(most).unwrap_or(u32::MAX).checked_sub(1)?;
        let (first, last) = (*self.hosts.start(), *self.hosts.end());
        if last - first <= more {
            return Some(self.hosts.clone());
        }
        let begin = self.own.saturating_sub(more / 2);
        let begin = begin.clamp(first, last - more);
        Some(begin..=begin + more)
    }
}

/// Of a range that is not empty.
fn size(addresses: &RangeInclusive<u32>) -> u64 {
    u64::from(addresses.end() - addresses.start()) + 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn network(own: &str, length: u32) -> LocalNetwork {
        let own: Ipv4Addr = own.parse().unwrap();
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
        LocalNetwork {
            interface: "eth0".to_owned(),
            own,
            address: Ipv4Addr::from_bits(own.to_bits() & mask),
            length,
            leads_everywhere: true,
        }
    }

    fn addresses(texts: &[&str]) -> Vec<Ipv4Addr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn looked_at(networks: &[(&str, u32)]) -> Vec<Ipv4Addr> {
        let networks: Vec<_> = networks.iter().map(|(own, n)| network(own, *n)).collect();
        let places = places(&networks, &[]);
        assert!(places.addresses.len() <= MOST);
        places.addresses
    }

    #[test]
    fn every_machine_of_a_network_is_looked_at_and_neither_its_name_nor_its_broadcast() {
        let all = looked_at(&[("192.168.1.7", 24)]);
        assert_eq!(all.len(), 254);
        assert_eq!(all.first(), addresses(&["192.168.1.1"]).first());
        assert_eq!(all.last(), addresses(&["192.168.1.254"]).first());
        let small = looked_at(&[("10.0.0.6", 30)]);
        assert_eq!(small, addresses(&["10.0.0.5", "10.0.0.6"]));
        assert_eq!(looked_at(&[("10.0.0.6", 31)]).len(), 2);
        assert_eq!(looked_at(&[("10.0.0.6", 32)]).len(), 0);
    }

    #[test]
    fn what_is_not_private_is_the_business_of_others() {
        for (own, length) in [
            ("203.0.113.9", 24),
            // Of the provider (RFC 6598), without DHCP (RFC 3927), half private.
            ("100.64.3.9", 24),
            ("169.254.7.7", 16),
            ("172.31.0.9", 11),
            ("10.0.0.9", 4),
        ] {
            assert!(looked_at(&[(own, length)]).is_empty(), "{own}/{length}");
        }
        // Its own name is no address that a machine has.
        assert!(looked_at(&[("10.0.0.0", 24)]).is_empty());
    }

    #[test]
    fn a_large_network_is_looked_at_around_this_machine() {
        let check = |own: &str, first: &str, last: &str| {
            let all = looked_at(&[(own, 16)]);
            assert_eq!(all.len(), MOST, "{own}");
            assert_eq!([all[0], all[MOST - 1]], addresses(&[first, last])[..]);
        };
        check("10.7.9.9", "10.7.7.10", "10.7.11.9");
        check("10.7.0.3", "10.7.0.1", "10.7.4.0");
        check("10.7.255.250", "10.7.251.255", "10.7.255.254");
        let places = places(&[network("10.7.9.9", 16)], &[]);
        assert_eq!(places.left_out, 65_534 - 1_024);
    }

    #[test]
    fn small_networks_are_seen_whole_before_large_ones_take_the_rest() {
        let networks = [network("10.7.9.9", 16), network("192.168.1.7", 24)];
        let places = places(&networks, &[]);
        let small = addresses(&["192.168.1.200"])[0];
        assert!(places.addresses.contains(&small));
        assert_eq!(places.addresses.len(), MOST);
        // No room at all for a third.
        let networks = [
            network("10.7.9.9", 16),
            network("10.8.9.9", 16),
            network("192.168.1.7", 24),
        ];
        let known = addresses(&["10.8.200.200"]);
        let places = super::places(&networks, &known);
        assert_eq!(places.addresses.len(), MOST);
        assert_eq!(places.addresses[0], known[0], "wherever in the network");
    }

    #[test]
    fn who_is_known_comes_first_and_is_looked_at_once() {
        let known = addresses(&["192.168.1.99", "10.0.0.1", "192.168.1.3", "192.168.1.99"]);
        let places = places(&[network("192.168.1.7", 24)], &known);
        assert_eq!(
            places.addresses[..3],
            addresses(&["192.168.1.99", "192.168.1.3", "192.168.1.1"])
        );
        assert_eq!(places.addresses.len(), 254, "and nobody beyond the network");
        assert_eq!(places.left_out, 0);
    }

    #[test]
    fn nobody_outside_may_be_asked() {
        let networks = [network("192.168.1.7", 24)];
        let may = |text: &str| may_ask(&networks, text.parse().unwrap());
        assert!(may("192.168.1.1") && may("192.168.1.254"));
        for address in [
            "192.168.1.0",
            "192.168.1.255",
            "192.168.2.1",
            "8.8.8.8",
            "127.0.0.1",
        ] {
            assert!(!may(address), "{address}");
        }
    }
}
