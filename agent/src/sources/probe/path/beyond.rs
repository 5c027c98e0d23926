//! Which routers of a way are beyond the centre: where its line ends, and the next. Pure.
//!
//! A router of the centre's own behind that of the ISP (double NAT) puts a cable, not the line, between
//! the first two hops. It is known by a private address at the second hop: one that homes use, or any
//! that answers about as soon as the first. An ISP that uses such addresses so near by has its line
//! taken to end one router later.

use std::net::IpAddr;
use std::time::Duration;

use proto::plan::Segment;

use super::super::super::Hop;
use super::trace::{End, Seen, Traced};
use crate::os::Address;

/// Hops that are published for probing.
const PUBLISHED: usize = 3;

/// More than a cable and a small router take, less than nearly every line does.
const CABLE: Duration = Duration::from_millis(2);

/// How many hops away the line's end is at least, where there is a gateway: all that is nearer belongs to
/// the centre.
fn line_begins(hops: &[Option<Seen>]) -> u8 {
    let at = |place: usize| hops.get(place).copied().flatten();
    match at(1) {
        Some(second) if is_of_the_centre(second, at(0)) => 3,
        _ => 2,
    }
}

fn is_of_the_centre(second: Seen, first: Option<Seen>) -> bool {
    let IpAddr::V4(address) = second.address else {
        return false;
    };
    let is_home = matches!(address.octets(), [192, 168, ..]);
    let is_near = first.is_some_and(|first| second.rtt <= first.rtt + CABLE);
    is_home || (address.is_private() && is_near)
}

/// The nearest routers behind the gateway on the way to a target, without the target itself.
pub(crate) fn beyond(traced: &Traced, gateways: &[Address], to: IpAddr) -> Vec<Hop> {
    let is_gateway = |ip: IpAddr| gateways.iter().any(|gateway| gateway.ip == ip);
    let is_family = |gateway: &Address| gateway.ip.is_ipv4() == to.is_ipv4();
    // A line without addresses in between, such as PPP, has no gateway: its end is the first hop.
    let nearest = match gateways.iter().any(is_family) {
        true => line_begins(&traced.hops),
        false => 1,
    };
    let mut hops: Vec<Hop> = Vec::new();
    for (ttl, seen) in (1_u8..).zip(&traced.hops) {
        let Some(Seen { address, .. }) = *seen else {
            continue;
        };
        let is_known = address == to || is_gateway(address);
        if ttl < nearest || is_known || hops.iter().any(|hop| hop.address == address) {
            continue;
        }
        let segment = match hops.len() {
            0 => Segment::Line,
            _ => Segment::Isp,
        };
        hops.push(Hop {
            address,
            ttl,
            towards: to,
            segment,
        });
    }
    hops.truncate(PUBLISHED);
    hops
}

/// What is to be probed of a way. Behind where it ends today, routers are still what they were before, so
/// that their loss is measured.
pub(super) fn to_probe(mut hops: Vec<Hop>, end: End, before: &[Hop]) -> Vec<Hop> {
    let Some(last) = hops.last().cloned() else {
        return hops;
    };
    if end != End::Arrived {
        let is_behind = |hop: &&Hop| hop.towards == last.towards && hop.ttl > last.ttl;
        let behind = before.iter().filter(is_behind).map(|hop| Hop {
            segment: Segment::Isp,
            ..hop.clone()
        });
        hops.extend(behind);
        hops.truncate(PUBLISHED);
    }
    hops
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::super::packets::Carrier;
    use super::*;
    use crate::os::Root;

    const TARGET: &str = "192.0.2.99";

    fn address(text: &str) -> Address {
        Address::parse(text, &Root::default()).unwrap()
    }

    /// `10.0.0.1/1 - 192.0.2.1/5` is a way whose second hop is silent, with milliseconds.
    fn way(text: &str, end: End) -> Traced {
        let hop = |word: &str| {
            let (address, milliseconds) = word.split_once('/')?;
            Some(Seen {
                address: address.parse().ok()?,
                rtt: Duration::from_millis(milliseconds.parse().ok()?),
                carrier: Carrier::Echo,
            })
        };
        Traced {
            hops: text.split(' ').map(hop).collect(),
            end,
        }
    }

    /// `3 192.0.2.1 line`.
    fn text(hop: &Hop) -> String {
        format!("{} {} {}", hop.ttl, hop.address, hop.segment.as_str())
    }

    fn check(gateway: &str, hops: &str, expected: &[&str]) {
        let hops = way(hops, End::Arrived);
        let found = beyond(&hops, &[address(gateway)], address(TARGET).ip);
        let found: Vec<_> = found.iter().map(text).collect();
        assert_eq!(found, expected, "{hops:?}");
    }

    #[test]
    fn three_routers_are_published_none_twice_and_never_gateway_or_target() {
        check(
            "10.0.0.1",
            "10.0.0.1/1 - 192.0.2.1/9 192.0.2.1/9 192.0.2.2/9 192.0.2.3/9 192.0.2.4/9",
            &["3 192.0.2.1 line", "5 192.0.2.2 isp", "6 192.0.2.3 isp"],
        );
        check("10.0.0.1", "10.0.0.9/1 192.0.2.99/9", &[]);
        check("10.0.0.1", "192.0.2.99/9", &[]);
        check(
            "10.0.0.1",
            "- 10.0.0.1/1 192.0.2.1/9",
            &["3 192.0.2.1 line"],
        );
        // PPP: no gateway, and one of the other family does not count.
        check("fe80::1", "192.0.2.1/9 192.0.2.99/9", &["1 192.0.2.1 line"]);
        check(
            "fe80::1",
            "10.0.0.1/9 10.0.0.2/9",
            &["1 10.0.0.1 line", "2 10.0.0.2 isp"],
        );
    }

    #[test]
    fn a_router_behind_that_of_the_isp_is_not_the_line() {
        let line = ["3 192.0.2.1 line"];
        check(
            "192.168.1.1",
            "192.168.1.1/1 192.168.0.1/1 192.0.2.1/9",
            &line,
        );
        check(
            "192.168.1.1",
            "192.168.1.1/1 192.168.0.1/8 192.0.2.1/9",
            &line,
        );
        check("192.168.1.1", "- 192.168.0.1/8 192.0.2.1/9", &line);
        check("192.168.1.1", "192.168.1.1/1 10.0.0.1/3 192.0.2.1/9", &line);
        check(
            "192.168.1.1",
            "192.168.1.1/9 172.16.0.1/1 192.0.2.1/9",
            &line,
        );
        check("192.168.1.1", "192.168.1.1/1 192.168.0.1/1", &[]);

        // The ISP's own.
        let line = ["2 10.0.0.1 line", "3 192.0.2.1 isp"];
        check("192.168.1.1", "192.168.1.1/1 10.0.0.1/4 192.0.2.1/9", &line);
        check("192.168.1.1", "- 10.0.0.1/1 192.0.2.1/9", &line);
        let line = ["2 100.64.0.1 line"];
        check("192.168.1.1", "192.168.1.1/1 100.64.0.1/1", &line);
        let line = ["3 192.168.0.1 line"];
        check("192.168.1.1", "192.168.1.1/1 - 192.168.0.1/1", &line);
    }

    #[test]
    fn routers_behind_the_end_of_a_way_are_probed_as_before() {
        let to = address(TARGET).ip;
        let found = |hops: &str, end| beyond(&way(hops, end), &[address("10.0.0.1")], to);
        let usual = "10.0.0.1/1 192.0.2.1/9 192.0.2.2/9 192.0.2.3/9";
        let before = found(usual, End::Arrived);
        let check = |hops: &str, end, expected: &[&str]| {
            let probed = to_probe(found(hops, end), end, &before);
            let probed: Vec<_> = probed.iter().map(text).collect();
            assert_eq!(probed, expected, "{hops}");
        };
        let behind = ["2 192.0.2.1 line", "3 192.0.2.2 isp", "4 192.0.2.3 isp"];
        check("10.0.0.1/1 192.0.2.1/9", End::Silent, &behind);
        check("10.0.0.1/1 192.0.2.1/9", End::Blocked, &behind);
        check("10.0.0.1/1 192.0.2.1/9", End::Arrived, &behind[..1]);
        let other = ["2 192.0.2.7 line", "3 192.0.2.2 isp", "4 192.0.2.3 isp"];
        check("10.0.0.1/1 192.0.2.7/9", End::Silent, &other);
    }
}
