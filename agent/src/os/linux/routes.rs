//! Default gateways and the interfaces behind default routes, from the kernel's routing table.
//!
//! `/proc/net/route` and `/proc/net/ipv6_route` show the main table: routes of policy tables, and
//! IPv4 routes by way of an IPv6 gateway, stay unseen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::{Address, Root, Unreadable};

const UP: u32 = 0x1;
const THROUGH_GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;

/// One of IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) interface: String,
    pub(super) destination: Ipv4Addr,
    pub(super) mask: Ipv4Addr,
    /// `None` for what is reached without a router.
    pub(super) gateway: Option<Ipv4Addr>,
    /// Whether it is up, and no way of saying that there is none.
    pub(super) leads_somewhere: bool,
    metric: u32,
}

/// A route to everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DefaultRoute {
    pub(super) interface: String,
    /// `None` on lines without addresses in between, such as PPP.
    gateway: Option<IpAddr>,
    metric: u32,
}

/// The default gateways, best metric first; one per interface and address family.
pub fn gateways(root: &Root) -> Result<Vec<Address>, Unreadable> {
    let mut gateways = Vec::new();
    for route in best_per_interface(default_routes(root)?) {
        let Some(ip) = route.gateway else { continue };
        if let Some(address) = Address::on_interface(ip, &route.interface, root)
            && !gateways.contains(&address)
        {
            gateways.push(address);
        }
    }
    Ok(gateways)
}

/// Every default route of both families. A system without IPv6 has no table of it.
pub(super) fn default_routes(root: &Root) -> Result<Vec<DefaultRoute>, Unreadable> {
    let v4 = parse_v4(&root.read("proc/net/route")?);
    let v4 = v4.into_iter().filter_map(Route::into_default);
    let mut routes: Vec<DefaultRoute> = v4.collect();
    match root.read("proc/net/ipv6_route") {
        Ok(table) => routes.extend(parse_v6(&table)),
        Err(error) if error.is_missing() => {}
        Err(error) => return Err(error),
    }
    Ok(routes)
}

fn best_per_interface(mut routes: Vec<DefaultRoute>) -> Vec<DefaultRoute> {
    routes.retain(|route| route.gateway.is_some());
    routes.sort_by_key(|route| route.metric);
    let mut best: Vec<DefaultRoute> = Vec::new();
    for route in routes {
        let family = |route: &DefaultRoute| route.gateway.is_some_and(|ip| ip.is_ipv4());
        let known = best
            .iter()
            .any(|other| other.interface == route.interface && family(other) == family(&route));
        if !known {
            best.push(route);
        }
    }
    best
}

/// Every route of the table of IPv4, also those that lead nowhere.
pub(super) fn parse_v4(table: &str) -> Vec<Route> {
    table.lines().skip(1).filter_map(parse_v4_line).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses as the host's integers.
fn parse_v4_line(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [
        interface,
        destination,
        gateway,
        flags,
        _,
        _,
        metric,
        mask,
        ..,
    ] = fields.as_slice()
    else {
        return None;
    };
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let address = |text: &str| Some(Ipv4Addr::from(hex(text)?.to_ne_bytes()));
    let flags = hex(flags)?;
    let gateway = address(gateway)?;
    Some(Route {
        interface: (*interface).to_owned(),
        destination: address(destination)?,
        mask: address(mask)?,
        gateway: (flags & THROUGH_GATEWAY != 0).then_some(gateway),
        leads_somewhere: leads_somewhere(flags),
        metric: metric.parse().ok()?,
    })
}

impl Route {
    /// A default route.
    fn into_default(self) -> Option<DefaultRoute> {
        let is_it =
            self.destination.is_unspecified() && self.mask.is_unspecified() && self.leads_somewhere;
        is_it.then(|| DefaultRoute {
            interface: self.interface,
            gateway: self.gateway.map(IpAddr::from),
            metric: self.metric,
        })
    }
}

fn parse_v6(table: &str) -> Vec<DefaultRoute> {
    table.lines().filter_map(parse_v6_line).collect()
}

/// `destination length source length gateway metric refcnt use flags interface`, all in hex.
fn parse_v6_line(line: &str) -> Option<DefaultRoute> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [
        destination,
        length,
        _,
        _,
        gateway,
        metric,
        _,
        _,
        flags,
        interface,
    ] = fields.as_slice()
    else {
        return None;
    };
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let address = |text: &str| Some(Ipv6Addr::from(u128::from_str_radix(text, 16).ok()?));
    let flags = hex(flags)?;
    if !address(destination)?.is_unspecified() || hex(length)? != 0 || !leads_somewhere(flags) {
        return None;
    }
    Some(DefaultRoute {
        interface: (*interface).to_owned(),
        gateway: (flags & THROUGH_GATEWAY != 0).then_some(address(gateway)?.into()),
        metric: hex(metric)?,
    })
}

fn leads_somewhere(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const V4_HEADER: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    /// A little-endian machine's table, as captured, in the byte order of the machine that tests.
    fn v4(lines: &str) -> String {
        let swap = |word: &str| match u32::from_str_radix(word, 16) {
            Ok(number) if word.len() == 8 => {
                format!("{:08X}", u32::from_ne_bytes(number.to_le_bytes()))
            }
            _ => word.to_owned(),
        };
        let swapped: Vec<String> = lines
            .lines()
            .map(|line| {
                let words: Vec<String> = line.split_whitespace().map(swap).collect();
                words.join("\t")
            })
            .collect();
        format!("{V4_HEADER}{}\n", swapped.join("\n"))
    }

    fn route(interface: &str, gateway: Option<&str>, metric: u32) -> DefaultRoute {
        DefaultRoute {
            interface: interface.into(),
            gateway: gateway.map(|text| text.parse().unwrap()),
            metric,
        }
    }

    #[test]
    fn the_ipv4_table_gives_default_routes() {
        let check = |lines: &str, expected: &[DefaultRoute]| {
            let routes = parse_v4(&v4(lines)).into_iter();
            let found: Vec<_> = routes.filter_map(Route::into_default).collect();
            assert_eq!(found, expected, "{lines}");
        };
        check(
            "eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0\n\
             eth0 000200C0 00000000 0001 0 0 100 00FFFFFF 0 0 0",
            &[route("eth0", Some("192.0.2.1"), 100)],
        );
        check(
            "ppp0 00000000 00000000 0001 0 0 0 00000000 0 0 0",
            &[route("ppp0", None, 0)],
        );
        // An unreachable default, a half default of a VPN, a torn line, an empty table.
        check("* 00000000 00000000 0200 0 0 0 00000000 0 0 0", &[]);
        check("tun0 00000000 0100080A 0003 0 0 0 00000080 0 0 0", &[]);
        check("eth0 00000000 0102", &[]);
        check("", &[]);
    }

    #[test]
    fn the_ipv6_table_gives_default_routes() {
        let zero = "00000000000000000000000000000000";
        let table = format!(
            "fd000000000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001     eth0\n\
             {zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        );
        assert_eq!(parse_v6(&table), [route("eth0", Some("fe80::1"), 1024)]);
        assert_eq!(parse_v6("nonsense\n"), []);
    }

    #[test]
    fn one_gateway_per_interface_and_family_best_first() {
        let best = best_per_interface(vec![
            route("wlan0", Some("192.0.2.9"), 600),
            route("eth0", Some("192.0.2.2"), 200),
            route("eth0", Some("192.0.2.1"), 100),
            route("eth0", Some("2001:db8::1"), 1024),
            route("ppp0", None, 0),
        ]);
        let expected = [
            route("eth0", Some("192.0.2.1"), 100),
            route("wlan0", Some("192.0.2.9"), 600),
            route("eth0", Some("2001:db8::1"), 1024),
        ];
        assert_eq!(best, expected);
    }

    #[test]
    fn gateways_are_deduplicated_and_link_local_ones_know_their_interface() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root(folder.path().to_owned());
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "proc/net/route",
            &v4("eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0\n\
                 wlan0 00000000 010200C0 0003 0 0 600 00000000 0 0 0"),
        );
        let texts = || -> Vec<String> {
            let addresses = gateways(&root).unwrap();
            addresses.iter().map(ToString::to_string).collect()
        };
        assert_eq!(texts(), ["192.0.2.1"], "and no table of IPv6 is no error");

        let zero = "00000000000000000000000000000000";
        let link_local = "fe800000000000000000000000000001";
        write(
            "proc/net/ipv6_route",
            &format!(
                "{zero} 00 {zero} 00 {link_local} 00000400 0 0 00000003 eth0\n\
                 {zero} 00 {zero} 00 {link_local} 00000400 0 0 00000003 gone0\n"
            ),
        );
        write("sys/class/net/eth0/ifindex", "7\n");
        assert_eq!(texts(), ["192.0.2.1", "fe80::1%eth0"]);
        assert_eq!(gateways(&root).unwrap().last().unwrap().scope(), 7);
    }

    #[test]
    fn a_missing_table_is_an_error_that_names_the_file() {
        let error = gateways(&Root("/nowhere".into())).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/proc/net/route");
    }
}
