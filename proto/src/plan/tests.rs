//! Plans survive the wire, and those outside the limits are refused.
#![allow(clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::limits::TARGETS_PER_PLAN;
use crate::wire;

fn anchor(name: &str) -> Target {
    Target {
        name: name.into(),
        address: "203.0.113.1".into(),
        segment: Segment::Core,
        network: None,
    }
}

fn v2c() -> Snmp {
    Snmp {
        port: Snmp::PORT,
        security: Security::V2c {
            community: Secret("public".into()),
        },
    }
}

fn v3() -> Snmp {
    Snmp {
        port: 1_161,
        security: Security::V3 {
            user: "monitor".into(),
            authentication: Some((Authentication::Sha256, Secret("auctoritas".into()))),
            privacy: Some((Privacy::Aes128, Secret("privatus1".into()))),
        },
    }
}

fn full() -> Plan {
    Plan {
        version: 7,
        link_echoes: 20,
        targets: vec![anchor("a"), anchor("b")],
        services: vec![Service {
            name: "portal".into(),
            url: "https://portal.example/".into(),
            expect: Some("Đăng nhập".into()),
            network: Some("state".into()),
        }],
        resolvers: vec![Resolver {
            name: "isp".into(),
            address: [203, 0, 113, 53].into(),
            network: None,
        }],
        networks: vec![Network {
            name: "state".into(),
            interface: "eth1".into(),
        }],
        throughput: Some(Throughput {
            interval: Duration::from_hours(6),
            bytes: 1_000_000,
        }),
        devices: vec![
            Device {
                name: "mfp-1".parse().expect("an id"),
                kind: Kind::Printer,
                address: [192, 0, 2, 7].into(),
                snmp: Some(v3()),
                ipp: Some("631/ipp/print".parse().expect("port and path")),
                serial: Some("VNB3K01234".into()),
                mac: Some("00:1b:a9:12:34:56".parse().expect("a MAC address")),
            },
            Device {
                name: "router".parse().expect("an id"),
                kind: Kind::Router,
                address: [192, 0, 2, 1].into(),
                snmp: Some(v2c()),
                ipp: None,
                serial: None,
                mac: None,
            },
        ],
        discovery: Some(Discovery {
            interval: Duration::from_hours(24),
            credentials: vec![Credential {
                name: "usual".into(),
                snmp: v2c(),
            }],
        }),
        ..Plan::default()
    }
}

#[test]
fn a_plan_survives_the_wire() {
    let plan = full();
    assert_eq!(Plan::try_from(wire::Plan::from(&plan)), Ok(plan));
}

#[test]
fn a_plan_does_not_show_its_secrets() {
    let shown = format!("{:?}", full());
    for secret in ["public", "auctoritas", "privatus1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn whoever_claims_to_be_a_printer_has_nothing_but_ipp_posted_to() {
    let ipp = |place: &str| place.parse::<Ipp>().expect(place);
    for place in ["631/ipp", "631/ipp/print", "8631/printers/May_in-2"] {
        assert!(ipp(place).is_usual(), "{place}");
        assert_eq!(String::from(ipp(place)), place);
    }
    for place in [
        "80/cgi-bin/reboot",
        "631/",
        "631/printers",
        "631/ipp/../cgi-bin/reboot",
        "631/ipp/%2e%2e/reboot",
        "631/ipp?reboot",
    ] {
        assert!(!ipp(place).is_usual(), "{place}");
    }
    for place in ["0/ipp", "ipp", "631/ipp print"] {
        let refused = place.parse::<Ipp>().expect_err(place);
        assert!(refused.to_string().contains(place), "{refused}");
    }
}

#[test]
fn a_plan_outside_the_limits_is_refused_whole() {
    fn check(change: impl FnOnce(&mut wire::Plan), expected: &str) {
        let mut plan = wire::Plan::from(&Plan {
            targets: vec![anchor("a")],
            ..full()
        });
        change(&mut plan);
        let error = Plan::try_from(plan).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    check(|p| p.host_interval_ms = 999, "interval");
    check(|p| p.devices[0].address.clear(), "an IP address");
    check(|p| p.devices[0].name = "Mfp 1".into(), "needs an id");
    check(|p| p.devices[1].snmp = None, "SNMP or IPP");
    check(|p| p.devices[1].name = "mfp-1".into(), "two devices");
    check(|p| p.devices = vec![p.devices[0].clone(); 65], "at most 64");
    check(|p| p.devices[0].ipp = "ipp/print".into(), "631/ipp/print");
    check(|p| p.devices[0].mac = "00:1b".into(), "MAC address");
    let snmp = |p: &mut wire::Plan, change: fn(&mut wire::Snmp)| {
        change(p.devices[0].snmp.as_mut().expect("SNMP"));
    };
    check(|p| snmp(p, |snmp| snmp.version = 4), "community");
    check(|p| snmp(p, |snmp| snmp.port = 65_536), "community");
    check(
        |p| snmp(p, |snmp| snmp.privacy_password = "short".into()),
        "8 characters",
    );
    check(
        |p| snmp(p, |snmp| snmp.auth_password.clear()),
        "8 characters",
    );
    check(
        |p| snmp(p, |snmp| snmp.set_auth(wire::Authentication::Unspecified)),
        "community",
    );
    let looks = |p: &mut wire::Plan, interval_ms| {
        p.discovery.as_mut().expect("discovery").interval_ms = interval_ms;
    };
    check(|p| looks(p, 59_999), "looking for devices");
    check(|p| p.link_interval_ms = 0, "interval");
    check(|p| p.report_interval_ms = u32::MAX, "interval");
    for (interval_ms, bytes) in [
        (59_000, 65_536),
        (60_000, 65_535),
        (60_000, 420_001),
        (600_000, 4_194_305),
    ] {
        let mut plan = wire::Plan::from(&full());
        plan.throughput = Some(wire::Throughput { interval_ms, bytes });
        let error = Plan::try_from(plan).expect_err("too much").to_string();
        assert!(error.contains("throughput"), "{error}");
    }
    let too_many = TARGETS_PER_PLAN + 1;
    check(
        |p| p.targets = vec![wire::Target::from(&anchor("a")); too_many],
        &format!("{too_many} targets"),
    );
    check(
        |p| p.targets.push(wire::Target::from(&anchor("a"))),
        "two targets",
    );
    check(
        |p| p.targets.push(wire::Target::from(&anchor("a\n"))),
        "control characters",
    );
    check(
        |p| {
            p.targets.push(wire::Target {
                segment: 99,
                name: "x".into(),
                address: "y".into(),
                network: String::new(),
            })
        },
        "update",
    );
    check(
        |p| {
            p.targets
                .push(wire::Target::from(&anchor(&"x".repeat(129))))
        },
        "128 bytes",
    );
}

#[test]
fn the_usual_plan_of_a_centre_is_valid() {
    let plan = Plan::of_a_service_centre();
    assert_eq!(plan.validate(), Ok(()));
    assert_eq!((plan.targets.len(), plan.services.len()), (2, 3));
}

#[test]
fn what_an_older_collector_does_not_tell_is_as_usual() {
    let told = wire::Plan {
        version: 1,
        host_interval_ms: 15_000,
        link_interval_ms: 15_000,
        report_interval_ms: 60_000,
        ..wire::Plan::default()
    };
    let plan = Plan::try_from(told);
    let version = 1;
    assert_eq!(
        plan,
        Ok(Plan {
            version,
            ..Plan::default()
        })
    );
}
