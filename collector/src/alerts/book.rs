//! What Alertmanager was told, and is to be told: which alerts fire, which are over, and when each is sent next.
//!
//! Pure: incidents and time in, alerts out. All of it can be kept in a file, so that a collector that is started again
//! goes on with the same labels, and ends what was over meanwhile.
//!
//! * One alert per incident, from the moment people are to be told. What late data brought and is over never comes here.
//! * An alert that fires is sent each minute and holds for [`HOLD`] beyond that: a collector that is restarted, or a
//!   machine that reboots, does not look like a mended line.
//! * An alert that is over is sent until Alertmanager took it, and for [`REPEATED`] in any case, in case that one dies
//!   before it tells anybody. Over and not taken within a day, it is forgotten.
//! * An incident that comes back is one with the same name. Alertmanager hears of it after [`BACK`]: what flaps is not
//!   told again and again, and nobody believes for ever what was over for a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use diagnosis::event::Incident;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::alert::{self, Alert, Links, Pairs};
use super::severity::{Centres, Severity};
use crate::watch::Open;

/// How often an alert is sent that fires.
pub const RESEND: Duration = Duration::from_secs(60);

/// How soon texts that changed are sent.
pub const REFRESH: Duration = Duration::from_secs(5);

/// How long one fires that is not sent again.
const HOLD: f64 = 15.0 * 60.0;

/// The watchdog holds for less: it is what tells that nothing is sent any more.
const WATCHDOG_HOLD: f64 = 5.0 * 60.0;

/// How long one is sent that is over.
const REPEATED: f64 = 15.0 * 60.0;

/// How long one is kept whose incident may come back.
const KEPT: f64 = 45.0 * 60.0;

/// How long one is kept that Alertmanager never took.
const UNTAKEN: f64 = 24.0 * 3600.0;

/// How long an incident is back before that is told.
const BACK: f64 = 5.0 * 60.0;

/// Alerts at once; a cause is one, so that more of them are no work of the diagnosis.
pub const MOST: usize = 5_000;

/// Where the watchdog is kept.
const WATCHDOG: &str = "watchdog";

/// Every alert that Alertmanager may know of.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Book {
    told: BTreeMap<String, Told>,
    /// The newest digest of each kind: its day.
    #[serde(default)]
    digests: BTreeMap<String, i32>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    /// Of the incident, if it is about one.
    incident: Option<String>,
    severity: Severity,
    labels: Pairs,
    annotations: Pairs,
    since: f64,
    /// When it is over, or was.
    until: Option<f64>,
    /// Whether Alertmanager took it as it is now, firing or over.
    taken: bool,
    /// Since when an incident is there again that was over.
    #[serde(default)]
    back: Option<f64>,
    /// When it was sent last.
    #[serde(skip)]
    sent: Option<Instant>,
    /// Whether its texts changed since.
    #[serde(skip)]
    is_stale: bool,
}

/// What changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Whether the file has to be written again.
    pub labels: bool,
    /// Incidents for which there is no room.
    pub without_room: usize,
}

impl Book {
    /// Takes in what is open now.
    pub fn follow(
        &mut self,
        open: &Open,
        centres: &Centres<'_>,
        links: &Links,
        now: f64,
    ) -> Changed {
        let mut changed = Changed::default();
        for standing in open.values() {
            let incident = &*standing.incident;
            if incident.until.is_some() {
                continue;
            }
            match self.current(&incident.id) {
                Some(key) => changed.labels |= self.update(&key, incident, centres, links, now),
                None if !standing.notified || centres.are_maintained(incident, now) => {}
                None if self.firing() >= MOST => changed.without_room += 1,
                None => {
                    self.begin(incident, incident.since.min(now), centres, links, now);
                    changed.labels = true;
                }
            }
        }
        changed.labels |= self.end_others(open, now);
        changed.labels |= self.forget(now);
        changed
    }

    /// The alert of an incident that is or was its last.
    fn current(&self, incident: &str) -> Option<String> {
        let of_it = self
            .told
            .iter()
            .filter(|(_, told)| told.incident.as_deref() == Some(incident));
        let newest = of_it.max_by_key(|(_, told)| told.severity)?;
        Some(newest.0.clone())
    }

    fn firing(&self) -> usize {
        self.told
            .values()
            .filter(|told| told.until.is_none())
            .count()
    }

    fn begin(
        &mut self,
        incident: &Incident,
        since: f64,
        centres: &Centres<'_>,
        links: &Links,
        now: f64,
    ) {
        let severity = centres.severity(incident, now);
        let labels = alert::with_severity(alert::labels(incident, centres), severity);
        let told = Told {
            incident: Some(incident.id.clone()),
            severity,
            labels,
            annotations: alert::annotations(incident, links),
            since,
            until: None,
            taken: false,
            back: None,
            sent: None,
            is_stale: false,
        };
        self.told
            .insert(format!("{}/{severity}", incident.id), told);
    }

    /// Follows what is known of it; true when anything but texts changed.
    fn update(
        &mut self,
        key: &str,
        incident: &Incident,
        centres: &Centres<'_>,
        links: &Links,
        now: f64,
    ) -> bool {
        let Some(told) = self.told.get_mut(key) else {
            return false;
        };
        let is_back = told.until.is_some();
        if is_back {
            let back = *told.back.get_or_insert(now);
            if now - back < BACK {
                return false;
            }
            told.fires_again(back);
        }
        let annotations = alert::annotations(incident, links);
        told.is_stale |= told.annotations != annotations;
        told.annotations = annotations;
        let severity = centres.severity(incident, now);
        if told.severity > Severity::Info || severity <= Severity::Info {
            return is_back;
        }
        // Its name stays, how loud it is does not: to Alertmanager that is another alert.
        let mut louder = told.clone();
        told.ends(now);
        louder.severity = severity;
        louder.labels = alert::with_severity(louder.labels, severity);
        louder.fires_again(louder.since);
        self.told
            .insert(format!("{}/{severity}", incident.id), louder);
        true
    }

    fn end_others(&mut self, open: &Open, now: f64) -> bool {
        let mut changed = false;
        for told in self.told.values_mut() {
            let Some(incident) = &told.incident else {
                continue;
            };
            if open.contains_key(incident) {
                continue;
            }
            told.back = None;
            if told.until.is_none() {
                told.ends(now);
                changed = true;
            }
        }
        changed
    }

    fn forget(&mut self, now: f64) -> bool {
        let before = self.told.len();
        self.told.retain(|_, told| {
            let kept = if told.taken { KEPT } else { UNTAKEN };
            told.until.is_none_or(|until| now - until < kept)
        });
        self.told.len() != before
    }

    /// Sees that the watchdog is there.
    pub fn watch_over(&mut self, annotations: Pairs, now: f64) {
        let labels = [
            ("alertname", "Watchdog"),
            ("source", "dawnwatch"),
            ("severity", "none"),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let told = self
            .told
            .entry(WATCHDOG.to_owned())
            .or_insert_with(|| Told {
                incident: None,
                severity: Severity::None,
                labels: labels.into(),
                annotations: Pairs::new(),
                since: now,
                until: None,
                taken: false,
                back: None,
                sent: None,
                is_stale: false,
            });
        told.annotations = annotations;
    }

    /// Whether the digest of a kind was made on that day, or on a later one.
    #[must_use]
    pub fn has_digest(&self, kind: &str, day: i32) -> bool {
        self.digests.get(kind).is_some_and(|made| *made >= day)
    }

    /// Takes in the digest of a day.
    pub fn digest(
        &mut self,
        kind: &str,
        day: i32,
        labels: Pairs,
        annotations: Pairs,
        span: (f64, f64),
    ) {
        self.digests.insert(kind.to_owned(), day);
        let told = Told {
            incident: None,
            severity: Severity::Info,
            labels: alert::with_severity(labels, Severity::Info),
            annotations,
            since: span.0,
            until: Some(span.1),
            taken: false,
            back: None,
            sent: None,
            is_stale: false,
        };
        self.told.insert(format!("digest/{kind}"), told);
    }

    /// The names of what is to be sent now: what is new first.
    #[must_use]
    pub fn due(&self, now: f64) -> Vec<String> {
        let is_due = |told: &Told| match told.sent {
            None => true,
            Some(sent) => sent.elapsed() >= told.period() && told.is_repeated(now),
        };
        let mut due: Vec<(&String, &Told)> =
            self.told.iter().filter(|(_, told)| is_due(told)).collect();
        due.sort_by_key(|(_, told)| told.sent.is_some());
        due.into_iter().map(|(key, _)| key.clone()).collect()
    }

    /// When something is due next, if nothing changes.
    #[must_use]
    pub fn next(&self, now: f64) -> Option<Instant> {
        let repeated = self.told.values().filter(|told| told.is_repeated(now));
        repeated
            .filter_map(|told| Some(told.sent? + told.period()))
            .min()
    }

    /// One alert, as it is to be sent.
    #[must_use]
    pub fn alert<'a>(&'a self, key: &str, now: f64) -> Option<Alert<'a>> {
        let told = self.told.get(key)?;
        let hold = if key == WATCHDOG { WATCHDOG_HOLD } else { HOLD };
        let ends = told.until.unwrap_or(now + hold);
        // Alertmanager refuses what ends before it begins.
        let starts = told.since.min(ends - 0.001);
        Some(Alert {
            labels: &told.labels,
            annotations: &told.annotations,
            starts_at: alert::moment(starts),
            ends_at: alert::moment(ends),
            generator: told.annotations.get("page_url").map(String::as_str),
        })
    }

    /// Notes that these were answered, and whether they were taken.
    pub fn sent(&mut self, keys: &[String], taken: bool) {
        let at = Instant::now();
        for key in keys {
            if let Some(told) = self.told.get_mut(key) {
                told.sent = Some(at);
                told.is_stale = false;
                told.taken |= taken;
            }
        }
    }

    /// How many fire, the watchdog aside, and how many are over and not taken.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let firing = self
            .told
            .values()
            .filter(|told| told.incident.is_some() && told.until.is_none());
        let waiting = self.told.values().filter(|told| !told.taken);
        (firing.count(), waiting.count())
    }
}

impl Told {
    fn period(&self) -> Duration {
        if self.is_stale { REFRESH } else { RESEND }
    }

    fn ends(&mut self, now: f64) {
        self.until = Some(now);
        self.taken = false;
        self.sent = None;
    }

    fn fires_again(&mut self, since: f64) {
        self.since = since;
        self.until = None;
        self.taken = false;
        self.back = None;
        self.sent = None;
    }

    /// Whether it is sent again and again.
    fn is_repeated(&self, now: f64) -> bool {
        match self.until {
            None => true,
            Some(until) => !self.taken || now - until < REPEATED,
        }
    }
}
