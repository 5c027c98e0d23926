//! What people came for. One service of several is that service; all of them at once, while addresses far
//! away answer, is something in between.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use super::way::{Point, Way};
use super::{Case, Finding, Reason};
use crate::Fault;
use crate::evidence::{Service, ServiceOutcome};

/// A server that thinks for longer is felt as frozen.
const SLOW_FIRST_BYTE: Duration = Duration::from_secs(2);

/// As is a page that takes longer in all.
const SLOW: Duration = Duration::from_secs(4);

/// Judges the services.
pub(super) fn services(way: &Way) -> Finding {
    let services = &way.evidence.services;
    if services.is_empty() || !way.reaches(Point::Far) {
        return Finding::NotEnough;
    }
    let failing: Vec<&Service> = services
        .iter()
        .filter(|service| service.outcome != ServiceOutcome::Answered)
        .collect();
    let Some(first) = failing.first() else {
        return slow(services);
    };
    let addresses: HashSet<Option<IpAddr>> = services.iter().map(|one| one.address).collect();
    let all = failing.len() == services.len() && addresses.len() > 1;
    if all && failing.iter().all(|service| has_no_answer(service)) {
        let because = vec![
            Reason::AllServicesFail {
                services: services.len(),
            },
            Reason::FarAnswers,
        ];
        return Finding::fault(Case::Blocked, 0.7, [(Fault::ServiceDown, 0.2)], because);
    }
    let mut because = vec![Reason::ServiceFails {
        service: first.service.clone(),
    }];
    let works = services.len() - failing.len();
    let (confidence, other) = if works > 0 {
        because.push(Reason::OthersWork { services: works });
        (0.93, 0.05)
    } else {
        because.push(Reason::FarAnswers);
        (0.75, 0.2)
    };
    Finding::fault(
        case(first),
        confidence,
        [(Fault::RouteBlocked, other)],
        because,
    )
}

/// Nobody there spoke to us.
fn has_no_answer(service: &Service) -> bool {
    use ServiceOutcome::{Refused, Timeout, TlsFailed, Unreachable};
    matches!(service.outcome, Refused | Timeout | TlsFailed | Unreachable)
}

fn case(failing: &Service) -> Case {
    use ServiceOutcome as Outcome;
    let service = failing.service.clone();
    match failing.outcome {
        Outcome::DnsFailed => Case::ServiceUnnamed { service },
        Outcome::Refused | Outcome::Timeout | Outcome::Unreachable | Outcome::TlsFailed => {
            Case::ServiceDown { service }
        }
        Outcome::CertificateExpired => Case::CertificateExpired { service },
        Outcome::CertificateNotYetValid
        | Outcome::CertificateName
        | Outcome::CertificateUntrusted
        | Outcome::ClockWrong => Case::CertificateBad { service },
        // Others come with a status too, and it is 200.
        Outcome::HttpError => Case::ServiceError {
            service,
            status: failing.status,
        },
        Outcome::Answered | Outcome::Unexpected | Outcome::Captive | Outcome::TooLarge => {
            Case::ServiceError {
                service,
                status: None,
            }
        }
    }
}

/// Whether it answered, late.
pub(super) fn is_slow(service: &Service) -> bool {
    let phases = service.phases;
    let is_late = phases
        .first_byte
        .is_some_and(|took| took >= SLOW_FIRST_BYTE);
    service.outcome == ServiceOutcome::Answered && (is_late || phases.total() >= SLOW)
}

fn slow(services: &[Service]) -> Finding {
    let slow: Vec<&Service> = services.iter().filter(|one| is_slow(one)).collect();
    let slowest = slow.iter().max_by_key(|service| service.phases.total());
    let Some(slowest) = slowest else {
        return Finding::Well;
    };
    let mut because = vec![Reason::ServiceFails {
        service: slowest.service.clone(),
    }];
    let quick = services.len() - slow.len();
    let (confidence, path) = if quick > 0 {
        because.push(Reason::OthersWork { services: quick });
        (0.85, 0.1)
    } else {
        (0.65, 0.25)
    };
    let case = Case::ServiceSlow {
        service: slowest.service.clone(),
        took: slowest.phases.total(),
    };
    Finding::fault(case, confidence, [(Fault::IspDegraded, path)], because)
}
