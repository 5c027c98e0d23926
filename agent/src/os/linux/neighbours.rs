//! Who is there on the local network, as far as the kernel knows: `/proc/net/arp`, IPv4 alone.
//!
//! The kernel learns from what was sent: nobody is asked here. What answered once stays known for a
//! while after it is gone; what was asked for in vain is known as nobody's, for some seconds.

use std::net::IpAddr;

use proto::plan::Mac;

use super::super::{Neighbour, Root};

/// A kernel that does not tell knows nobody.
#[must_use]
pub fn neighbours(root: &Root) -> Vec<Neighbour> {
    parse(&root.read("proc/net/arp").unwrap_or_default())
}

/// `IP-address HW-type flags HW-address mask device`; flag 2 says that the address is somebody's.
fn parse(arp: &str) -> Vec<Neighbour> {
    let lines = arp.lines().skip(1);
    let parsed = lines.map(|line| {
        let mut words = line.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        let flags = words.nth(1)?.strip_prefix("0x")?;
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let mac = words.next()?.parse().ok();
        let interface = words.nth(1)?.to_owned();
        let is_there = flags & 2 != 0;
        Some(Neighbour {
            ip,
            interface,
            is_there,
            mac: mac.filter(|mac| is_there && *mac != Mac([0; 6])),
        })
    });
    parsed.flatten().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ARP: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         00:11:22:33:44:55     *        eth0
192.168.1.9      0x1         0x0         00:00:00:00:00:00     *        eth0
10.9.0.7         0x1         0x6         00:11:22:33:44:66     *        wlan0
10.8.0.1         0x200       0x2         *                     *        ppp0
torn
";

    #[test]
    fn neighbours_are_known_with_their_interface_and_whether_they_are_there() {
        let found: Vec<_> = parse(ARP)
            .into_iter()
            .map(|one| {
                let mac = one.mac.map(|mac| mac.to_string());
                (one.ip.to_string(), one.interface, one.is_there, mac)
            })
            .collect();
        let expected = [
            ("192.168.1.1", "eth0", true, Some("001122334455")),
            ("192.168.1.9", "eth0", false, None),
            ("10.9.0.7", "wlan0", true, Some("001122334466")),
            ("10.8.0.1", "ppp0", true, None),
        ];
        let expected = expected.map(|(ip, interface, is_there, mac)| {
            let (ip, interface) = (ip.to_owned(), interface.to_owned());
            (ip, interface, is_there, mac.map(str::to_owned))
        });
        assert_eq!(found, expected);
        assert!(parse("").is_empty());
    }

    #[test]
    fn a_system_without_the_table_knows_nobody() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(neighbours(&Root(folder.path().into())), []);
    }
}
