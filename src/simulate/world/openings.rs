//! How a day of a centre began: whether people could be served in the quarter of an hour after the doors opened.
//!
//! Bad is what stops the work of the whole centre: no electricity, no network, a portal that does not work, nobody who
//! came. Weak is what makes it slow or hits one machine or printer. What only the collector suffers from is neither.

use super::class::Class;
use super::effects::Town;
use super::fault::Fault;
use super::people::is_on;
use crate::simulate::truth::{Opening, Truth};

/// How long it is looked at after the opening, and how much of that something has to last to matter, seconds.
const WINDOW: f64 = 900.0;
const MATTERS: f64 = 180.0;

pub(crate) fn opening(town: &Town, opens: f64) -> Opening {
    let until = opens + WINDOW;
    let mut worst: (Truth, Option<&'static str>) = (Truth::Good, None);
    for fault in &town.faults {
        let lasts = fault.end.min(until) - fault.start.max(opens);
        if lasts >= MATTERS {
            let truth = weight(fault, town.sessions.len());
            if truth > worst.0 {
                worst = (truth, Some(fault.class.word()));
            }
        }
    }
    let is_anybody = (1..=3).any(|part| {
        let t = opens + WINDOW * f64::from(part) / 3.0;
        town.sessions.iter().any(|sessions| is_on(sessions, t))
    });
    if !is_anybody && worst.0 < Truth::Bad {
        worst = (Truth::Bad, Some("nobody_there"));
    }
    Opening {
        centre: town.place.id.clone(),
        opening: opens,
        truth: worst.0,
        cause: worst.1,
    }
}

/// How much a fault matters to the people before the counter.
fn weight(fault: &Fault, machines: usize) -> Truth {
    match fault.class {
        Class::CollectorDown | Class::CollectorPathDown => Truth::Good,
        Class::PcLinkDown | Class::PcOverloaded | Class::PcNicErrors | Class::PcWifiLossy
            if machines < 2 =>
        {
            Truth::Bad
        }
        Class::PcClockWrong if machines < 2 => Truth::Weak,
        Class::LanDown
        | Class::GatewayDown
        | Class::LineDown
        | Class::IspAreaDown
        | Class::IspDown
        | Class::DnsDown
        | Class::DnsIspDown
        | Class::ServiceDown
        | Class::CertificateExpired
        | Class::RouteBlocked
        | Class::MtuBlackhole
        | Class::CaptivePortal
        | Class::PowerOutage
        | Class::AreaPowerOutage
        | Class::ProxyBlocks
        | Class::RouteLeak
        | Class::Brownout => Truth::Bad,
        Class::ServiceError | Class::TranslationTableFull if fault.severity > 0.5 => Truth::Bad,
        Class::AccessPointDead if fault.machines.len() >= machines => Truth::Bad,
        _ => Truth::Weak,
    }
}
