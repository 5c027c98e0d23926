//! Versions of plans: made of their content alone, in three parts that tell what is another in another plan.
//!
//! 24 bits for the settings, 16 for the machines to probe, 24 for what a scout is to do. Of the messages that
//! are sent, secrets and all, not of debug text, which hides them: a device's new password is a new plan.

use prost::Message as _;
use proto::plan::{Machine, Plan, Target, Wake};
use proto::wire;
use ring::digest::{SHA256, digest};

use crate::scouts::Duties;

const DUTIES_BITS: u32 = 24;
const MACHINES_BITS: u32 = 16;
const SETTINGS_BITS: u32 = 24;

/// The part of the settings. Never 0, which means "the plan that is compiled in".
pub(super) fn of_settings(settings: &Plan) -> u64 {
    let settings = Plan {
        version: 0,
        ..settings.clone()
    };
    hash(&settings, SETTINGS_BITS).max(1) << (MACHINES_BITS + DUTIES_BITS)
}

/// The part of the machines to probe; 0 for none.
pub(super) fn of_machines(machines: &[Target]) -> u64 {
    if machines.is_empty() {
        return 0;
    }
    let targets = machines.to_vec();
    let plan = Plan {
        targets,
        ..Plan::default()
    };
    hash(&plan, MACHINES_BITS) << DUTIES_BITS
}

/// The part of what a scout is to do, and of whom to wake; 0 for nothing.
pub(super) fn of_duties(duties: &Duties, machines: &[Machine], wake: Option<&Wake>) -> u64 {
    if *duties == Duties::default() && machines.is_empty() {
        return 0;
    }
    let Duties { devices, discovery } = duties.clone();
    let plan = Plan {
        devices,
        discovery,
        machines: machines.to_vec(),
        wake: wake.cloned(),
        ..Plan::default()
    };
    hash(&plan, DUTIES_BITS).max(1)
}

/// Whether two plans differ in the machines to probe at most, which is no news to act upon at once.
pub(super) fn are_alike_but_for_machines(one: u64, other: u64) -> bool {
    let machines = ((1 << MACHINES_BITS) - 1) << DUTIES_BITS;
    one | machines == other | machines
}

fn hash(plan: &Plan, bits: u32) -> u64 {
    let bytes = wire::Plan::from(plan).encode_to_vec();
    let hash = digest(&SHA256, &bytes);
    let hash = hash.as_ref().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(hash) >> (u64::BITS - bits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::net::Ipv4Addr;

    use proto::plan::{Device, Kind, Secret, Security, Snmp};

    use super::*;

    fn duties(community: &str) -> Duties {
        let security = Security::V2c {
            community: Secret(community.to_owned()),
        };
        let device = Device {
            name: "printer".parse().unwrap(),
            kind: Kind::Printer,
            address: Ipv4Addr::LOCALHOST.into(),
            snmp: Some(Snmp {
                port: Snmp::PORT,
                security,
            }),
            ipp: None,
            serial: None,
            mac: None,
        };
        Duties {
            devices: vec![device],
            discovery: None,
        }
    }

    #[test]
    fn another_secret_is_another_version() {
        let [one, other] =
            ["public", "secret"].map(|community| of_duties(&duties(community), &[], None));
        assert_ne!(one, other);
        assert_ne!(one, 0);
        assert_eq!(of_duties(&duties("public"), &[], None), one);
        assert_eq!(of_duties(&Duties::default(), &[], None), 0);
    }

    #[test]
    fn a_version_tells_what_is_another() {
        let settings = of_settings(&Plan::default());
        let machines = of_machines(&[Target {
            name: "pc-1".into(),
            address: "10.0.0.1".into(),
            segment: proto::plan::Segment::Lan,
            network: None,
        }]);
        let duties = of_duties(&duties("public"), &[], None);
        assert!(settings > machines && machines > duties && duties > 0);
        let all = settings | machines | duties;
        assert!(are_alike_but_for_machines(all, settings | duties));
        assert!(!are_alike_but_for_machines(all, settings | machines));
        assert!(!are_alike_but_for_machines(all, machines | duties));
    }
}
