//! Plans survive the wire, and those outside the limits are refused.

use super::*;
use crate::wire;

fn anchor(name: &str) -> Target {
    Target {
        name: name.into(),
        address: "203.0.113.1".into(),
        segment: Segment::Core,
        network: None,
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
        ..Plan::default()
    }
}

#[test]
fn a_plan_survives_the_wire() {
    let plan = full();
    assert_eq!(Plan::try_from(wire::Plan::from(&plan)), Ok(plan));
}

#[test]
fn a_plan_outside_the_limits_is_refused_whole() {
    let check = |change: fn(&mut wire::Plan), expected: &str| {
        let mut plan = wire::Plan::from(&Plan {
            targets: vec![anchor("a")],
            ..full()
        });
        change(&mut plan);
        let error = Plan::try_from(plan).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|p| p.host_interval_ms = 999, "interval");
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
    check(
        |p| p.targets = vec![wire::Target::from(&anchor("a")); 65],
        "65 targets",
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
