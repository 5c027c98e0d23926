//! This machine's addresses in the network of its centre: those of cabled interfaces that lead everywhere.
//!
//! Others of the centre probe them, to tell a fault of the cables in the house from one of the line; over
//! the air they would measure the air. IPv4 from `/proc/net/fib_trie`, which does not name interfaces, and
//! `/proc/net/route`, which does; IPv6 from `/proc/net/if_inet6`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proto::plan::Mac;

use super::super::{Root, Unreadable};
use super::routes::{self, default_routes};

/// `/proc/net/if_inet6`: replaced by another soon (RFC 8981), or of no use (any more).
const FLEETING: u32 = 0x01 | 0x08 | 0x20 | 0x40;

/// Of IPv4 first. A kernel that does not tell has none.
pub fn own_addresses(root: &Root) -> Result<Vec<IpAddr>, Unreadable> {
    let cabled = cabled(root)?;
    let read = |path| match root.read(path) {
        Err(error) if error.is_missing() => Ok(String::new()),
        read => read,
    };
    let is_cabled = |interface: &str| cabled.iter().any(|one| one == interface);
    let networks = parse_networks(&read("proc/net/route")?, is_cabled);
    let mut own: Vec<IpAddr> = Vec::new();
    for address in parse_local(&read("proc/net/fib_trie")?) {
        let is_theirs = networks.iter().any(|network| network.has(address));
        // The trie has each address in two tables.
        if is_theirs && !own.contains(&address.into()) {
            own.push(address.into());
        }
    }
    let v6 = read("proc/net/if_inet6")?;
    own.extend(parse_v6(&v6, &cabled).into_iter().map(IpAddr::from));
    Ok(own)
}

/// The hardware addresses of the same interfaces: by those this machine can be woken.
pub fn own_macs(root: &Root) -> Result<Vec<Mac>, Unreadable> {
    let address = |interface: &String| {
        let text = root.read(&format!("sys/class/net/{interface}/address"));
        text.ok()?.trim().parse::<Mac>().ok()
    };
    let macs = cabled(root)?.iter().filter_map(address).collect::<Vec<_>>();
    Ok(macs.into_iter().filter(|mac| mac.is_of_one()).collect())
}

/// Cabled interfaces that lead everywhere.
fn cabled(root: &Root) -> Result<Vec<String>, Unreadable> {
    let mut cabled = Vec::new();
    for route in default_routes(root)? {
        if !cabled.contains(&route.interface) && !is_wireless(root, &route.interface) {
            cabled.push(route.interface);
        }
    }
    Ok(cabled)
}

/// Whether an address is this machine's own, or reached without a router. What the kernel does not tell is not.
#[must_use]
pub fn is_near(root: &Root, ip: IpAddr) -> bool {
    let read = |path| root.read(path).unwrap_or_default();
    match ip {
        _ if ip.is_loopback() => true,
        IpAddr::V4(ip) => {
            let networks = parse_networks(&read("proc/net/route"), |_| true);
            networks.iter().any(|network| network.has(ip)) || local_addresses(root).contains(&ip)
        }
        IpAddr::V6(ip) => parse_networks_v6(&read("proc/net/if_inet6"))
            .any(|(own, mask)| (own ^ ip.to_bits()) & mask == 0),
    }
}

/// Whether an interface is one of Wi-Fi, with or without the kernel's older interface for it.
#[must_use]
pub fn is_wireless(root: &Root, interface: &str) -> bool {
    let of_interface = root.join("sys/class/net").join(interface);
    let is_there = |name: &str| of_interface.join(name).exists();
    is_there("wireless") || is_there("phy80211")
}

/// A network whose machines are reached without a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    destination: u32,
    mask: u32,
}

impl Network {
    fn has(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask == self.destination
    }
}

/// Those that such interfaces are in.
fn parse_networks(table: &str, is_theirs: impl Fn(&str) -> bool) -> Vec<Network> {
    let near = routes::parse_v4(table).into_iter().filter(|route| {
        let is_near = route.gateway.is_none() && !route.mask.is_unspecified();
        is_near && route.leads_somewhere && is_theirs(&route.interface)
    });
    near.map(|route| Network {
        destination: route.destination.to_bits(),
        mask: route.mask.to_bits(),
    })
    .collect()
}

/// Every address of IPv4 of this machine, loopback included; some are there twice.
pub(super) fn local_addresses(root: &Root) -> Vec<Ipv4Addr> {
    parse_local(&root.read("proc/net/fib_trie").unwrap_or_default())
}

/// The addresses of the machine itself: a leaf, and below it `/32 host LOCAL`.
fn parse_local(trie: &str) -> Vec<Ipv4Addr> {
    let mut leaf: Option<Ipv4Addr> = None;
    let mut local = Vec::new();
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
        } else if line == "/32 host LOCAL" {
            local.extend(leaf);
        }
    }
    local
}

/// `address index length scope flags interface`, all in hex; the scope of what means something anywhere is 0.
fn parse_v6(table: &str, interfaces: &[String]) -> Vec<Ipv6Addr> {
    let parse = |line: &str| {
        let mut fields = line.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let mut hex = |skipped| u32::from_str_radix(fields.nth(skipped)?, 16).ok();
        let (scope, flags) = (hex(2)?, hex(0)?);
        let interface = fields.next()?;
        let is_theirs = interfaces.iter().any(|one| one == interface);
        (scope == 0 && flags & FLEETING == 0 && is_theirs).then(|| Ipv6Addr::from(address))
    };
    table.lines().filter_map(parse).collect()
}

/// Of each address of the machine, with the mask of its network.
fn parse_networks_v6(table: &str) -> impl Iterator<Item = (u128, u128)> {
    table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let length = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?);
        Some((address, mask.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const TRIE: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/31 1 0 0
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 10.77.0.0/24 2 0 2
        |-- 10.77.0.0
           /24 link UNICAST
        |-- 10.77.0.2
           /32 host LOCAL
        |-- 10.77.0.255
           /32 link BROADCAST
     |-- 172.17.0.1
        /32 host LOCAL
     |-- 192.168.8.9
        /32 host LOCAL
Local:
     |-- 10.77.0.2
        /32 host LOCAL
";

    /// What the kernel writes on this machine for this address.
    fn word(address: [u8; 4]) -> String {
        format!("{:08X}", u32::from_ne_bytes(address))
    }

    /// A PC with a cable, a wireless card, and the bridge of a virtual machine.
    fn machine() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut routes =
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n".to_owned();
        let any = [0, 0, 0, 0];
        for (interface, destination, gateway, flags, mask) in [
            ("eth0", any, [10, 77, 0, 1], "0003", any),
            ("wlan0", any, [192, 168, 8, 1], "0003", any),
            ("eth0", [10, 77, 0, 0], any, "0001", [255, 255, 255, 0]),
            ("wlan0", [192, 168, 8, 0], any, "0001", [255, 255, 255, 0]),
            ("virbr0", [172, 17, 0, 0], any, "0001", [255, 255, 0, 0]),
        ] {
            let [destination, gateway, mask] = [destination, gateway, mask].map(word);
            routes += &format!(
                "{interface}\t{destination}\t{gateway}\t{flags}\t0\t0\t0\t{mask}\t0\t0\t0\n"
            );
        }
        let v6 = "\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000020000fffe000002 02 40 20 80     eth0
20010db8000000000000000000000002 02 40 00 80     eth0
20010db80000000012345678abcdef01 02 40 00 01     eth0
20010db8000000000000000000000003 03 40 00 80    wlan0
";
        let net = folder.path().join("proc/net");
        std::fs::create_dir_all(&net).unwrap();
        std::fs::create_dir_all(folder.path().join("sys/class/net/wlan0/wireless")).unwrap();
        for (name, text) in [("route", &*routes), ("fib_trie", TRIE), ("if_inet6", v6)] {
            std::fs::write(net.join(name), text).unwrap();
        }
        folder
    }

    fn told(folder: &tempfile::TempDir) -> Vec<String> {
        let own = own_addresses(&Root(folder.path().into())).unwrap();
        own.iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn a_cable_that_leads_everywhere_has_them() {
        let folder = machine();
        assert_eq!(told(&folder), ["10.77.0.2", "2001:db8::2"]);
        std::fs::remove_dir(folder.path().join("sys/class/net/wlan0/wireless")).unwrap();
        let all = ["10.77.0.2", "192.168.8.9", "2001:db8::2", "2001:db8::3"];
        assert_eq!(told(&folder), all);
    }

    #[test]
    fn what_is_missing_or_nonsense_tells_nothing() {
        let folder = machine();
        let net = folder.path().join("proc/net");
        std::fs::remove_file(net.join("if_inet6")).unwrap();
        std::fs::write(
            net.join("fib_trie"),
            "|-- x\n/32 host LOCAL\n/32 host LOCAL",
        )
        .unwrap();
        assert!(told(&folder).is_empty());
        std::fs::write(net.join("fib_trie"), TRIE).unwrap();
        assert_eq!(told(&folder), ["10.77.0.2"]);
        std::fs::write(net.join("route"), "Iface\neth0\neth0 zz\n").unwrap();
        assert!(told(&folder).is_empty());
    }

    #[test]
    fn what_no_router_is_needed_for_is_near() {
        let folder = machine();
        let root = Root(folder.path().into());
        for (ip, expected) in [
            ("10.77.0.2", true),
            ("10.77.0.99", true),
            ("192.168.8.40", true),
            ("172.17.3.3", true),
            ("127.0.0.1", true),
            ("10.78.0.2", false),
            ("203.0.113.9", false),
            ("2001:db8::77", true),
            ("2001:db8:0:1::77", false),
            ("fe80::9", true),
        ] {
            assert_eq!(is_near(&root, ip.parse().unwrap()), expected, "{ip}");
        }
        assert!(!is_near(
            &Root("/nowhere".into()),
            Ipv4Addr::new(10, 0, 0, 1).into()
        ));
    }

    #[test]
    fn wireless_is_known_with_and_without_the_older_interface() {
        let folder = machine();
        let root = Root(folder.path().into());
        assert!(is_wireless(&root, "wlan0") && !is_wireless(&root, "eth0"));
        let newer = folder.path().join("sys/class/net/wlp3s0/phy80211");
        std::fs::create_dir_all(newer).unwrap();
        assert!(is_wireless(&root, "wlp3s0"));
    }

    #[test]
    fn this_machine_has_none_of_its_loopback() {
        let own = own_addresses(&Root::default()).unwrap();
        assert!(own.iter().all(|address| !address.is_loopback()), "{own:?}");
    }
}
