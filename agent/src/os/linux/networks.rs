//! The networks of IPv4 that this machine is in: those on a link with others, such as Ethernet and Wi-Fi.
//!
//! Routes, addresses and the flags of interfaces, each from the kernel's own file. Left out: what leads to
//! one machine alone (PPP, modems, tunnels), and interfaces without a link.

use std::net::Ipv4Addr;

use super::super::{LocalNetwork, Root, Unreadable};
use super::addresses::local_addresses;
use super::routes::{self, Route, default_routes};

/// `if.h`: up, and with others on the link who have addresses of their own.
const WANTED: u32 = 0x1 | 0x2;

/// `if.h`: loopback, point to point, without address resolution.
const UNWANTED: u32 = 0x8 | 0x10 | 0x80;

/// Those that lead everywhere first. What the kernel does not tell is none.
pub fn local_networks(root: &Root) -> Result<Vec<LocalNetwork>, Unreadable> {
    let ways_out = default_routes(root)?;
    let own = local_addresses(root);
    let near = routes::parse_v4(&root.read("proc/net/route")?)
        .into_iter()
        .filter(|route| route.gateway.is_none() && route.leads_somewhere);
    let mut networks: Vec<LocalNetwork> = Vec::new();
    for route in near {
        let leads_everywhere = ways_out.iter().any(|way| way.interface == route.interface);
        let Some(network) = network(&route, &own, leads_everywhere) else {
            continue;
        };
        let is_known = networks
            .iter()
            .any(|known| known.address == network.address && known.length == network.length);
        if !is_known && has_others(root, &network.interface) {
            networks.push(network);
        }
    }
    networks.sort_by_key(|network| !network.leads_everywhere);
    Ok(networks)
}

fn network(route: &Route, own: &[Ipv4Addr], leads_everywhere: bool) -> Option<LocalNetwork> {
    let (destination, mask) = (route.destination.to_bits(), route.mask.to_bits());
    let length = mask.leading_ones();
    if length == 0 || mask.count_ones() != length {
        return None;
    }
    let own = own
        .iter()
        .find(|own| own.to_bits() & mask == destination)
        .copied()?;
    Some(LocalNetwork {
        interface: route.interface.clone(),
        own,
        address: route.destination,
        length,
        leads_everywhere,
    })
}

fn has_others(root: &Root, interface: &str) -> bool {
    let fact = |file: &str| {
        let text = root.read(&format!("sys/class/net/{interface}/{file}"));
        text.ok().map(|text| text.trim().to_owned())
    };
    let flags = fact("flags").and_then(|flags| {
        let digits = flags.strip_prefix("0x")?;
        u32::from_str_radix(digits, 16).ok()
    });
    let is_wanted = flags.is_some_and(|flags| flags & WANTED == WANTED && flags & UNWANTED == 0);
    is_wanted && fact("carrier").as_deref() == Some("1")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A machine with these routes and interfaces, and an address in each of its networks.
    fn told(routes: &[(&str, [u8; 4], [u8; 4])], interfaces: &[(&str, &str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let word = |address: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(address));
        let mut table = "header\n".to_owned();
        let mut trie = String::new();
        for (interface, destination, mask) in routes {
            let (destination, gateway, flags) = match destination {
                [0, 0, 0, 0] => ([0; 4], [10, 0, 0, 1], "0003"),
                near => (*near, [0; 4], "0001"),
            };
            let (to, by, mask) = (word(destination), word(gateway), word(*mask));
            table += &format!("{interface} {to} {by} {flags} 0 0 0 {mask} 0 0 0\n");
            let own = Ipv4Addr::from_bits(Ipv4Addr::from(destination).to_bits() + 9);
            trie += &format!("|-- {own}\n/32 host LOCAL\n");
        }
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/net/route", &table);
        write("proc/net/fib_trie", &trie);
        for (interface, flags, carrier) in interfaces {
            write(&format!("sys/class/net/{interface}/flags"), flags);
            write(&format!("sys/class/net/{interface}/carrier"), carrier);
        }
        let networks = local_networks(&Root(folder.path().into())).unwrap();
        let shown = |one: LocalNetwork| {
            let LocalNetwork {
                interface,
                own,
                address,
                length,
                leads_everywhere,
            } = one;
            format!("{interface} {own} {address}/{length} {leads_everywhere}")
        };
        networks.into_iter().map(shown).collect()
    }

    #[test]
    fn networks_with_others_are_told_and_those_that_lead_everywhere_first() {
        let routes = [
            ("br-lan", [192, 168, 1, 0], [255, 255, 255, 0]),
            ("eth0", [0, 0, 0, 0], [0, 0, 0, 0]),
            ("eth0", [10, 0, 0, 0], [255, 255, 254, 0]),
            // The same again, by another metric.
            ("eth0", [10, 0, 0, 0], [255, 255, 254, 0]),
        ];
        let up = [("br-lan", "0x1003\n", "1\n"), ("eth0", "0x1003\n", "1\n")];
        let both = [
            "eth0 10.0.0.9 10.0.0.0/23 true",
            "br-lan 192.168.1.9 192.168.1.0/24 false",
        ];
        assert_eq!(told(&routes, &up), both);
        let without_link = [("br-lan", "0x1003\n", "0\n"), ("eth0", "0x1003\n", "1\n")];
        assert_eq!(told(&routes, &without_link), both[..1]);
    }

    #[test]
    fn what_leads_to_one_machine_alone_is_no_network() {
        let of = |flags| {
            let routes = [("x", [10, 0, 0, 0], [255, 255, 255, 0])];
            told(&routes, &[("x", flags, "1")]).len()
        };
        assert_eq!(of("0x1003"), 1);
        // Switched off, PPP, loopback, a modem without address resolution, nonsense.
        for flags in ["0x1002", "0x10d1", "0x9", "0x1083", "", "zz"] {
            assert_eq!(of(flags), 0, "{flags}");
        }
    }

    #[test]
    fn a_route_to_a_network_without_an_address_of_ones_own_there_is_no_network() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root(folder.path().into());
        assert!(local_networks(&root).is_err());
        let line = "header\neth0 00000000 00000000 0001 0 0 0 00000000 0 0 0";
        let route = |destination: [u8; 4], mask: [u8; 4]| {
            let mut route = routes::parse_v4(line).pop().unwrap();
            route.destination = destination.into();
            route.mask = mask.into();
            route
        };
        let own = [Ipv4Addr::new(10, 0, 0, 9)];
        let is_one = |destination, mask| network(&route(destination, mask), &own, true).is_some();
        assert!(is_one([10, 0, 0, 0], [255, 255, 255, 0]));
        assert!(!is_one([10, 0, 1, 0], [255, 255, 255, 0]));
        assert!(!is_one([10, 0, 0, 0], [255, 0, 255, 0]), "no mask");
        assert!(!is_one([0, 0, 0, 0], [0, 0, 0, 0]), "everything");
    }
}
