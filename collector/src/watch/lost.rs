//! Opening hours in which people could not be served, by centre and segment.
//!
//! Two faults of one segment at the same time count once. A fault that is known only afterwards counts from
//! its beginning; what was counted is never taken back, since it is a counter. Whole outages alone count: a
//! line that is slow or loses packets costs service too, but nobody can say how much.

use std::collections::{BTreeMap, HashMap};

use diagnosis::Fault;
use diagnosis::calendar::Centre;
use diagnosis::event::Incident;

use super::Lost;

/// Longer is looked at in steps: whether a centre is open changes between.
const STEP: f64 = 60.0;

/// The longest that is counted at once: as far as buffers reach back.
const LONGEST: f64 = 7.0 * 86_400.0;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct LostService {
    lost: Lost,
    /// By centre and segment: until when.
    counted: HashMap<(String, String), f64>,
}

impl LostService {
    /// What was lost before the collector was started is not counted again.
    pub(super) fn begin(incidents: &[Incident], now: f64) -> Self {
        let mut lost = Self::default();
        for incident in incidents.iter().filter(|one| stops_service(one)) {
            for key in keys(incident) {
                lost.counted.insert(key.clone(), now);
                lost.lost.insert(key, 0.0);
            }
        }
        lost
    }

    /// Counts what these incidents cost until now, or until they ended. Whether anything changed.
    pub(super) fn count<'i>(
        &mut self,
        incidents: impl Iterator<Item = &'i Incident>,
        centres: &BTreeMap<String, Centre>,
        now: f64,
    ) -> bool {
        let mut changed = false;
        for incident in incidents.filter(|one| stops_service(one)) {
            let end = incident.until.unwrap_or(now).min(now);
            for key in keys(incident) {
                let Some(centre) = centres.get(&key.0) else {
                    continue;
                };
                let counted = self.counted.entry(key.clone()).or_insert(f64::NEG_INFINITY);
                let begin = incident.since.max(*counted).max(end - LONGEST);
                if begin >= end {
                    continue;
                }
                *counted = end;
                let seconds = open_seconds(centre, begin, end);
                *self.lost.entry(key).or_insert(0.0) += seconds;
                changed = true;
            }
        }
        changed
    }

    pub(super) fn all(&self) -> Lost {
        self.lost.clone()
    }
}

fn keys(incident: &Incident) -> impl Iterator<Item = (String, String)> {
    let segment = super::segment_of(incident);
    let of = move |centre: &String| (centre.clone(), segment.to_owned());
    incident.scope.iter().map(of)
}

/// Seconds between in which a centre is open; all of them where its hours are not known.
fn open_seconds(centre: &Centre, begin: f64, end: f64) -> f64 {
    let is_open = |at: f64| !centre.calendar.is_known() || centre.calendar.is_open(at);
    let mut at = begin;
    let mut seconds = 0.0;
    while at < end {
        let next = ((at / STEP).floor() * STEP + STEP).min(end);
        if is_open(at) {
            seconds += next - at;
        }
        at = next;
    }
    seconds
}

/// Whether nobody of the centre can be served at all, as far as this service or way goes.
fn stops_service(incident: &Incident) -> bool {
    use Fault::{
        CaptivePortal, CertificateExpired, DnsDown, DnsIspDown, GatewayDown, IspAreaDown, IspDown,
        LanDown, LineDown, MtuBlackhole, PowerOutage, RouteBlocked, ServiceDown, ServiceError,
    };
    let fault = incident.fault.parse::<Fault>();
    matches!(
        fault,
        Ok(CaptivePortal
            | CertificateExpired
            | DnsDown
            | DnsIspDown
            | GatewayDown
            | IspAreaDown
            | IspDown
            | LanDown
            | LineDown
            | MtuBlackhole
            | PowerOutage
            | RouteBlocked
            | ServiceDown
            | ServiceError)
    )
}

#[cfg(test)]
mod tests {
    use diagnosis::calendar::{Calendar, Hours};

    use super::*;
    use crate::watch::fixture::incident;

    /// 2026-07-24 is a Friday; 08:00 in UTC+7.
    const OPEN: f64 = 1_784_854_800.0;

    fn centres() -> BTreeMap<String, Centre> {
        let hours = Hours::parse("07:30-11:30", "mon-fri").ok();
        let centre = Centre {
            id: "cong-son".into(),
            calendar: Calendar::weekly(hours, 7 * 3_600),
            ..Centre::default()
        };
        [(centre.id.clone(), centre)].into()
    }

    fn seconds(lost: &LostService) -> f64 {
        lost.all().values().sum()
    }

    #[test]
    fn opening_hours_count_once_and_from_the_beginning() {
        let centres = centres();
        let mut lost = LostService::default();
        let one = incident("one", &["cong-son", "unknown"], OPEN);
        let other = incident("other", &["cong-son"], OPEN + 30.0);
        // It is told only after ten minutes.
        assert!(lost.count([&one, &other].into_iter(), &centres, OPEN + 600.0));
        assert!((seconds(&lost) - 600.0).abs() < 0.001);
        assert!(lost.count([&one].into_iter(), &centres, OPEN + 601.0));
        assert!((seconds(&lost) - 601.0).abs() < 0.001);
        // 11:30 ends it for that day.
        assert!(lost.count([&one].into_iter(), &centres, OPEN + 86_400.0 / 2.0));
        assert!((seconds(&lost) - 3.5 * 3_600.0).abs() < 0.001);
        assert_eq!(lost.all().len(), 1);
    }

    #[test]
    fn what_is_slow_and_what_was_counted_before_a_restart_do_not_count() {
        let centres = centres();
        let down = incident("one", &["cong-son"], OPEN);
        let mut slow = incident("two", &["cong-son"], OPEN);
        slow.fault = "line_slow".into();
        let mut lost = LostService::begin(std::slice::from_ref(&down), OPEN + 900.0);
        assert!(!lost.count([&slow].into_iter(), &centres, OPEN + 960.0));
        assert!(lost.count([&down].into_iter(), &centres, OPEN + 960.0));
        assert!((seconds(&lost) - 60.0).abs() < 0.001);
    }
}
