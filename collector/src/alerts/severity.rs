//! How loudly an incident is told: by what it stops, and by whether anybody is to be served.
//!
//! An incident begins as loud as it is then. The clock alone makes it louder, once: from `info` when doors open within
//! the hour. It never becomes quieter, and what is learned of it later does not change it: people were told, and a
//! revision is no second alarm.

use std::collections::HashMap;
use std::fmt;

use diagnosis::Fault;
use diagnosis::calendar::{Calendar, Centre};
use diagnosis::event::Incident;
use serde::{Deserialize, Serialize};

/// Doors that open within this are as good as open: there is still time to mend something.
const SOON: f64 = 3600.0;

/// A word of the label `severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For nobody: the watchdog.
    None,
    /// Nobody is to be served now; also digests.
    Info,
    /// People can be served, with trouble.
    Warning,
    /// People cannot be served.
    Critical,
}

impl Severity {
    /// The label's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The centres by id.
#[derive(Debug, Default)]
pub struct Centres<'a>(HashMap<&'a str, &'a Centre>);

impl<'a> Centres<'a> {
    /// Of a list.
    #[must_use]
    pub fn of(centres: &'a [Centre]) -> Self {
        let pairs = centres.iter().map(|centre| (centre.id.as_str(), centre));
        Self(pairs.collect())
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&'a Centre> {
        self.0.get(id).copied()
    }

    /// As people call it; its id where that is all there is.
    #[must_use]
    pub fn name<'b>(&'b self, id: &'b str) -> &'b str {
        let name = self.get(id).map(|centre| centre.name.as_str());
        name.filter(|name| !name.is_empty()).unwrap_or(id)
    }

    /// How loud an incident is, at Unix seconds.
    #[must_use]
    pub fn severity(&self, incident: &Incident, now: f64) -> Severity {
        let is_served = |id: &String| self.get(id).is_none_or(|it| serves(&it.calendar, now));
        match incident.scope.is_empty() || incident.scope.iter().any(is_served) {
            true if stops_service(incident) => Severity::Critical,
            true => Severity::Warning,
            false => Severity::Info,
        }
    }

    /// Whether every centre of an incident is being worked at, so that nobody is to be told.
    #[must_use]
    pub fn are_maintained(&self, incident: &Incident, now: f64) -> bool {
        let is_maintained = |id: &String| {
            let centre = self.get(id);
            centre.is_some_and(|centre| centre.calendar.is_maintained(now))
        };
        !incident.scope.is_empty() && incident.scope.iter().all(is_maintained)
    }
}

/// Whether it is open or will be within the hour; always where hours are not known.
fn serves(calendar: &Calendar, now: f64) -> bool {
    if !calendar.is_known() || calendar.is_open(now) {
        return true;
    }
    let local = calendar.local(now);
    (0..=1).map(|days| local.date.plus(days)).any(|date| {
        let opens = |period: &diagnosis::calendar::Period| calendar.moment(date, period.opens);
        let mut openings = calendar.periods(date).iter().map(opens);
        openings.any(|at| at > now && at - now <= SOON)
    })
}

/// Whether people cannot be served by it. Of what is not known, the likeliest candidate decides.
fn stops_service(incident: &Incident) -> bool {
    let candidate = match incident.fault.parse() {
        Ok(Fault::Unknown) => incident.alternatives.first().map(|it| it.fault.parse()),
        fault => Some(fault),
    };
    matches!(candidate, Some(Ok(fault)) if is_hard(fault))
}

fn is_hard(fault: Fault) -> bool {
    use Fault::*;
    match fault {
        LanDown | GatewayDown | LineDown | IspAreaDown | IspDown | DnsDown | DnsIspDown
        | ServiceDown | ServiceError | CertificateExpired | RouteBlocked | MtuBlackhole
        | CaptivePortal | PowerOutage => true,
        PcLinkDown | PcWifiLossy | PcOverloaded | PcNicErrors | PcBlocked | PcClockWrong
        | LanPartial | LanLossy | GatewayOverloaded | LineLossy | LineSaturated | LineSlow
        | LineDegrading | IspDegraded | CollectorDown | CollectorPathDown | ServiceSlow
        | PrinterFault | Unknown => false,
    }
}
