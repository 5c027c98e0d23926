//! The machine itself: its card, its clock, its load.

use std::time::Duration;

use super::way::{Point, Way};
use super::{Case, Finding, Reason, Standing};
use crate::Fault;
use crate::evidence::{Clock, Service, ServiceOutcome};

/// Further off than this, logins with time in them are refused; certificates survive much more.
const CLOCK_WRONG_SECONDS: f64 = 120.0;

/// Further off than this is worth a look: a clock that is set by others' is not.
const CLOCK_OFF_SECONDS: f64 = 5.0;

/// Busier than this the machine has no time left.
const BUSY: f64 = 0.95;

/// A program that waits longer than this for its turn is felt as a stutter at every key.
const LATE: Duration = Duration::from_millis(250);

/// Whether the card has a link.
pub(super) fn link(way: &Way) -> Finding {
    let evidence = way.evidence;
    if way.reaches(Point::Gateway) {
        return Finding::Well;
    }
    let Some(nic) = &evidence.nic else {
        return match evidence.has_route {
            Some(false) => Finding::fault(Case::NoCard, 0.9, [], vec![Reason::NoWayOut]),
            _ => Finding::NotEnough,
        };
    };
    let medium = nic.medium;
    match nic.up {
        Some(false) => Finding::fault(
            Case::NoLink { medium },
            0.97,
            [(Fault::LanDown, 0.03)],
            vec![Reason::CardHasNoLink],
        ),
        Some(true) => Finding::Well,
        None => Finding::NotEnough,
    }
}

/// How a clock that is so far ahead stands.
pub(super) fn clock_standing(ahead: f64) -> Standing {
    match ahead.abs() {
        ahead if ahead < CLOCK_OFF_SECONDS => Standing::Good,
        ahead if ahead < CLOCK_WRONG_SECONDS => Standing::Odd,
        _ => Standing::Bad,
    }
}

/// Whether the clock is right: others tell theirs, and certificates are refused when it is far off.
pub(super) fn clock(way: &Way) -> Finding {
    let blames = |service: &&Service| {
        use ServiceOutcome::{CertificateExpired, CertificateNotYetValid, ClockWrong};
        matches!(
            service.outcome,
            CertificateExpired | CertificateNotYetValid | ClockWrong
        )
    };
    let services = way.evidence.services.iter().filter(blames).count();
    let refused = || Reason::CertificatesRefused { services };
    match way.evidence.host.clock {
        Some(Clock { ahead, .. }) if clock_standing(ahead) != Standing::Bad => Finding::Well,
        Some(Clock { ahead, witnesses }) => {
            let confidence = match (witnesses, services) {
                (2.., _) => 0.95,
                (_, 1..) => 0.93,
                (_, 0) => 0.65,
            };
            let mut because = vec![Reason::ClockWitnesses { witnesses }];
            if services > 0 {
                because.push(refused());
            }
            let case = Case::ClockWrong { ahead: Some(ahead) };
            Finding::fault(case, confidence, [(Fault::ServiceError, 0.05)], because)
        }
        // Nobody told the time, but of several services none has expired at the same moment.
        None if services >= 2 => Finding::fault(
            Case::ClockWrong { ahead: None },
            0.8,
            [(Fault::CertificateExpired, 0.15)],
            vec![refused()],
        ),
        None => Finding::NotEnough,
    }
}

/// Whether the machine has time for its own programs.
pub(super) fn load(way: &Way) -> Finding {
    let host = &way.evidence.host;
    let (Some(cpu), Some(lag)) = (host.cpu, host.lag) else {
        return Finding::NotEnough;
    };
    if cpu < BUSY || lag < LATE {
        return Finding::Well;
    }
    let because = vec![Reason::Busy { cpu, lag }];
    Finding::fault(Case::Overloaded, 0.75, [(Fault::LineSlow, 0.1)], because)
}
