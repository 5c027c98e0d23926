//! Who is to be the scout of a centre. Pure: the present scout, who is there, and the time in; what to do
//! about it out.
//!
//! A scout stays one while it is there, so that nothing flaps. One is replaced that said goodbye or was
//! revoked, at once; that is gone without a word, after a while; and that has no address in the network of
//! any device while another has, because routers between the two often let SNMP through to nobody. When
//! nobody else is there, its term goes on: it may have been cut off with its centre, and be asking.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::time::Duration;

use proto::ids::AgentId;
use tokio::time::Instant;

use crate::plans::{Departure, GATHER, Machine, is_same_network};

/// What is to be decided upon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    /// Whose term is open, and whether it is still of the centre.
    pub(super) scout: Option<(&'a AgentId, Enrolment)>,
    /// Whether there is anything to ask or to look for.
    pub(super) is_needed: bool,
    /// Who is there, or was; none that was revoked.
    pub(super) machines: &'a [Machine],
    /// Of the devices to be asked.
    pub(super) devices: &'a [IpAddr],
    /// How long a scout may be gone without a word.
    pub(super) patience: Duration,
    /// Since when agents may have come back.
    pub(super) started: Instant,
    pub(super) now: Instant,
}

/// Whether an agent is still one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enrolment {
    Valid,
    /// Or it belongs to another centre now.
    Revoked,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Leave it as it is.
    Stay,
    /// Look again then.
    Wait(Instant),
    /// Make this one the scout, or nobody.
    Give(Option<AgentId>),
}

/// Decides.
pub(super) fn decide(situation: &Situation<'_>) -> Decision {
    let best = best(situation);
    let Some((scout, enrolment)) = situation.scout else {
        return match best.filter(|_| situation.is_needed) {
            Some(best) => Decision::Give(Some(best.agent.clone())),
            None => Decision::Stay,
        };
    };
    if !situation.is_needed {
        return Decision::Give(None);
    }
    if enrolment == Enrolment::Revoked {
        return Decision::Give(best.map(|best| best.agent.clone()));
    }
    let Some(best) = best.filter(|best| best.agent != *scout) else {
        return Decision::Stay;
    };
    match replaceable_from(scout, best, situation) {
        Some(at) if at <= situation.now => Decision::Give(Some(best.agent.clone())),
        Some(at) => Decision::Wait(at),
        None => Decision::Stay,
    }
}

/// From when on the best of the others may take over.
fn replaceable_from(scout: &AgentId, best: &Machine, situation: &Situation<'_>) -> Option<Instant> {
    let known = situation.machines.iter().find(|one| one.agent == *scout);
    let Some(known) = known else {
        // It has not come back since the collector was started.
        return Some(situation.started + GATHER);
    };
    match known.left {
        Some(Departure::Goodbye) => Some(situation.now),
        Some(Departure::Silent { since }) => Some(since + situation.patience),
        None if !known.can_scout => Some(situation.now),
        None => {
            let devices = situation.devices;
            (!reaches(known, devices) && reaches(best, devices)).then_some(situation.now)
        }
    }
}

fn best<'a>(situation: &Situation<'a>) -> Option<&'a Machine> {
    let devices = situation.devices;
    let here = situation.machines.iter();
    let here = here.filter(|one| one.left.is_none() && one.can_scout);
    here.max_by_key(|one| {
        let near = devices
            .iter()
            .filter(|address| is_near(one, **address))
            .count();
        (
            reaches(one, devices),
            one.is_router,
            near,
            Reverse(&one.device),
        )
    })
}

/// Whether a machine is in the network of any of the devices, should there be any.
fn reaches(machine: &Machine, devices: &[IpAddr]) -> bool {
    devices.is_empty() || devices.iter().any(|address| is_near(machine, *address))
}

fn is_near(machine: &Machine, address: IpAddr) -> bool {
    let mut own = machine.addresses.iter();
    own.any(|own| is_same_network(*own, address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::registry::KeyHash;

    fn machine(name: &str, address: &str) -> Machine {
        Machine {
            agent: name.parse().unwrap(),
            key: KeyHash([0; 32]),
            device: name.parse().unwrap(),
            is_router: name.starts_with("router"),
            can_scout: true,
            addresses: vec![address.parse().unwrap()],
            left: None,
        }
    }

    /// What is decided with this scout, these machines and devices in 10.0.0.0/24, a minute after the start.
    fn decided(
        scout: Option<&str>,
        machines: &[Machine],
        change: impl FnOnce(&mut Situation<'_>),
    ) -> Decision {
        let scout: Option<AgentId> = scout.map(|scout| scout.parse().unwrap());
        let devices = ["10.0.0.200", "10.0.0.201"].map(|address| address.parse().unwrap());
        let started = Instant::now();
        let mut situation = Situation {
            scout: scout.as_ref().map(|scout| (scout, Enrolment::Valid)),
            is_needed: true,
            machines,
            devices: &devices,
            patience: Duration::from_secs(30),
            started,
            now: started + Duration::from_mins(1),
        };
        change(&mut situation);
        decide(&situation)
    }

    fn give(name: &str) -> Decision {
        Decision::Give(Some(name.parse().unwrap()))
    }

    #[test]
    fn the_first_scout_is_a_router_or_near_the_devices_or_first_by_name() {
        let check = |machines: &[Machine], expected: Decision| {
            assert_eq!(decided(None, machines, |_| {}), expected);
        };
        let (b, a) = (machine("pc-b", "10.0.0.2"), machine("pc-a", "10.0.0.1"));
        let far = machine("pc-0", "10.0.1.1");
        let router = machine("router", "10.0.0.254");
        check(&[], Decision::Stay);
        check(&[b.clone(), a.clone()], give("pc-a"));
        check(&[far.clone(), b.clone()], give("pc-b"));
        check(&[a.clone(), router, far], give("router"));
        let router_elsewhere = machine("router", "192.168.1.1");
        check(&[router_elsewhere.clone(), a.clone()], give("pc-a"));
        check(&[router_elsewhere], give("router"));
        let unable = Machine {
            can_scout: false,
            ..a
        };
        check(&[unable, b], give("pc-b"));
    }

    #[test]
    fn a_scout_stays_one_while_it_is_there() {
        let both = [machine("pc-b", "10.0.0.2"), machine("router", "10.0.0.254")];
        assert_eq!(decided(Some("pc-b"), &both, |_| {}), Decision::Stay);
        // Unless it is in no network of the devices.
        let apart = [machine("pc-b", "10.0.1.2"), machine("pc-c", "10.0.0.3")];
        assert_eq!(decided(Some("pc-b"), &apart, |_| {}), give("pc-c"));
        assert_eq!(decided(Some("pc-c"), &apart, |_| {}), Decision::Stay);
        let nothing_known = |situation: &mut Situation<'_>| situation.devices = &[];
        assert_eq!(decided(Some("pc-b"), &apart, nothing_known), Decision::Stay);
    }

    #[test]
    fn one_that_left_is_waited_for_unless_it_said_so() {
        let left = |left: Departure| {
            let gone = Machine {
                left: Some(left),
                ..machine("pc-a", "10.0.0.1")
            };
            [gone, machine("pc-b", "10.0.0.2")]
        };
        let since = Instant::now() + Duration::from_secs(50);
        let silent = left(Departure::Silent { since });
        let later = since + Duration::from_secs(30);
        assert_eq!(
            decided(Some("pc-a"), &silent, |_| {}),
            Decision::Wait(later)
        );
        let patient = |situation: &mut Situation<'_>| situation.now = later;
        assert_eq!(decided(Some("pc-a"), &silent, patient), give("pc-b"));
        let goodbye = left(Departure::Goodbye);
        assert_eq!(decided(Some("pc-a"), &goodbye, |_| {}), give("pc-b"));
        // Nobody else is there: its term goes on.
        let alone = goodbye.split_first().unwrap().0.clone();
        assert_eq!(decided(Some("pc-a"), &[alone], |_| {}), Decision::Stay);
    }

    #[test]
    fn after_a_start_the_scout_of_before_has_time_to_come_back() {
        let others = [machine("pc-b", "10.0.0.2")];
        let decision = decided(Some("pc-a"), &others, |_| {});
        assert!(matches!(decision, Decision::Wait(_)), "{decision:?}");
        let late = |situation: &mut Situation<'_>| situation.now = situation.started + GATHER;
        assert_eq!(decided(Some("pc-a"), &others, late), give("pc-b"));
    }

    #[test]
    fn a_revoked_scout_is_none_at_once_and_so_is_one_that_nobody_needs() {
        let revoked = |situation: &mut Situation<'_>| {
            situation.scout = situation
                .scout
                .map(|(scout, _)| (scout, Enrolment::Revoked));
        };
        let others = [machine("pc-b", "10.0.0.2")];
        assert_eq!(decided(Some("pc-a"), &others, revoked), give("pc-b"));
        assert_eq!(decided(Some("pc-a"), &[], revoked), Decision::Give(None));
        let unneeded = |situation: &mut Situation<'_>| situation.is_needed = false;
        assert_eq!(
            decided(Some("pc-b"), &others, unneeded),
            Decision::Give(None)
        );
        assert_eq!(decided(None, &others, unneeded), Decision::Stay);
    }
}
