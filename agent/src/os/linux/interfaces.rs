//! Network interfaces: counters from `/proc/net/dev`, link, speed and duplex from `/sys/class/net`.
//!
//! Which ones: those that are hardware of this machine (they have a `device`), and virtual ones that
//! a default route goes through (PPP, VLAN, VPN, bridge). That leaves out loopback and the many
//! that containers and traffic shaping make.

use super::super::{Interface, Root, Traffic, Unreadable};
use super::routes::default_routes;

/// The interfaces that lead out of this machine.
pub fn interfaces(root: &Root) -> Result<Vec<Interface>, Unreadable> {
    let routes = default_routes(root)?;
    let mut interfaces = parse(&root.read("proc/net/dev")?);
    interfaces.retain(|interface| {
        let name = &interface.name;
        root.join(format!("sys/class/net/{name}/device")).exists()
            || routes.iter().any(|route| route.interface == *name)
    });
    for interface in &mut interfaces {
        let fact = |file: &str| {
            let path = format!("sys/class/net/{}/{file}", interface.name);
            root.read(&path).ok()
        };
        interface.up = parse_up(fact("operstate").as_deref(), fact("carrier").as_deref());
        interface.speed = fact("speed").as_deref().and_then(parse_speed);
        interface.full_duplex = fact("duplex").as_deref().and_then(parse_duplex);
        interface.carrier_changes =
            fact("carrier_changes").and_then(|text| text.trim().parse().ok());
    }
    Ok(interfaces)
}

/// What a socket address calls the scope of this interface. The name may come from a plan.
#[must_use]
pub fn interface_index(root: &Root, interface: &str) -> Option<u32> {
    if interface.contains('/') {
        return None;
    }
    let index = root.read(&format!("sys/class/net/{interface}/ifindex"));
    index.ok()?.trim().parse().ok()
}

fn parse(dev: &str) -> Vec<Interface> {
    dev.lines().skip(2).filter_map(parse_line).collect()
}

/// `name: bytes packets errs drop fifo frame compressed multicast`, then eight fields of sending
/// that start alike.
fn parse_line(line: &str) -> Option<Interface> {
    let (name, counters) = line.rsplit_once(':')?;
    let counters: Vec<u64> = counters
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    let traffic = |offset: usize| {
        let [bytes, _packets, errors, drops] = counters.get(offset..offset + 4)?.try_into().ok()?;
        Some(Traffic {
            bytes,
            errors,
            drops,
        })
    };
    Some(Interface {
        name: name.trim().to_owned(),
        up: None,
        speed: None,
        full_duplex: None,
        carrier_changes: None,
        received: traffic(0)?,
        transmitted: traffic(8)?,
    })
}

/// Tunnels and PPP call their state "unknown"; what counts then is the carrier. That file cannot be
/// read while the interface is switched off.
fn parse_up(operstate: Option<&str>, carrier: Option<&str>) -> Option<bool> {
    match operstate?.trim() {
        "up" => Some(true),
        "unknown" => Some(carrier.is_some_and(|text| text.trim() == "1")),
        _ => Some(false),
    }
}

/// Mbit/s, or -1 where there is none.
fn parse_speed(speed: &str) -> Option<f64> {
    let megabits: u32 = speed.trim().parse().ok()?;
    (megabits > 0).then_some(f64::from(megabits) * 1e6)
}

/// `full`, `half`, or `unknown` where there is nothing to negotiate.
fn parse_duplex(duplex: &str) -> Option<bool> {
    match duplex.trim() {
        "full" => Some(true),
        "half" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const DEV: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
  eth0:328042580 10970    1    2    0     0          0         0   789193    6932    3    4    0     0       0          0
veth1a: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
 br-lan: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0
 torn0: 5 1 0
";

    #[test]
    fn counters_are_read_by_column() {
        let names: Vec<String> = parse(DEV).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["lo", "eth0", "veth1a", "br-lan"]);
        let eth0 = parse(DEV).into_iter().nth(1).unwrap();
        let received = Traffic {
            bytes: 328_042_580,
            errors: 1,
            drops: 2,
        };
        let transmitted = Traffic {
            bytes: 789_193,
            errors: 3,
            drops: 4,
        };
        assert_eq!((eth0.received, eth0.transmitted), (received, transmitted));
    }

    #[test]
    fn link_and_speed_are_absent_where_the_kernel_is_silent() {
        assert_eq!(parse_up(Some("up\n"), None), Some(true));
        assert_eq!(parse_up(Some("down\n"), None), Some(false));
        assert_eq!(parse_up(Some("lowerlayerdown\n"), Some("0\n")), Some(false));
        assert_eq!(parse_up(Some("unknown\n"), Some("1\n")), Some(true));
        assert_eq!(parse_up(Some("unknown\n"), None), Some(false));
        assert_eq!(parse_up(None, None), None);
        assert_eq!(parse_speed("1000\n"), Some(1e9));
        assert_eq!(parse_speed("-1\n"), None);
        assert_eq!(parse_speed("0\n"), None);
        assert_eq!(parse_duplex("full\n"), Some(true));
        assert_eq!(parse_duplex("half\n"), Some(false));
        assert_eq!(parse_duplex("unknown\n"), None);
    }

    #[test]
    fn hardware_and_ways_out_are_listed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/net/dev", DEV);
        write(
            "proc/net/route",
            "header\nbr-lan 00000000 00000000 0001 0 0 0 00000000 0 0 0\n",
        );
        write("sys/class/net/eth0/device/vendor", "0x1af4\n");
        write("sys/class/net/eth0/operstate", "up\n");
        write("sys/class/net/eth0/speed", "100\n");
        write("sys/class/net/eth0/duplex", "half\n");
        write("sys/class/net/eth0/carrier_changes", "7\n");
        let found = interfaces(&Root(folder.path().to_owned())).unwrap();
        let facts: Vec<_> = found
            .iter()
            .map(|one| (one.name.as_str(), one.up, one.speed))
            .collect();
        let negotiated: Vec<_> = found
            .iter()
            .map(|one| (one.full_duplex, one.carrier_changes))
            .collect();
        assert_eq!(negotiated, [(Some(false), Some(7)), (None, None)]);
        assert_eq!(
            facts,
            [("eth0", Some(true), Some(1e8)), ("br-lan", None, None)]
        );
    }
}
