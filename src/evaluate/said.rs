//! What was said of each incident and when, without the words: what a score needs, and small enough to keep for years.

use std::collections::HashMap;

use diagnosis::event::{Event, Happened};
use serde::Deserialize;

/// Where and what a fault is said to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub(crate) struct Verdict {
    /// Nothing where it is not known.
    #[serde(default)]
    pub(crate) segment: Option<String>,
    pub(crate) fault: String,
    #[serde(default)]
    pub(crate) culprit: Option<String>,
}

/// One event of an incident; a line of `dawnwatch diagnose`, as far as it is judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Said {
    pub(crate) at: f64,
    pub(crate) event: Happened,
    pub(crate) notify: bool,
    pub(crate) id: String,
    pub(crate) scope: Vec<String>,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    #[serde(default)]
    pub(crate) since: f64,
    #[serde(default)]
    pub(crate) until: Option<f64>,
    #[serde(default)]
    pub(crate) confidence: f64,
    /// Likeliest first.
    #[serde(default)]
    pub(crate) alternatives: Vec<Verdict>,
}

impl From<Event> for Said {
    fn from(event: Event) -> Self {
        let incident = event.incident;
        let other = |other: diagnosis::event::Alternative| Verdict {
            segment: other.segment,
            fault: other.fault,
            culprit: None,
        };
        Self {
            at: event.at,
            event: event.event,
            notify: event.notify,
            id: incident.id,
            scope: incident.scope,
            verdict: Verdict {
                segment: incident.segment,
                fault: incident.fault,
                culprit: incident.culprit,
            },
            since: incident.since,
            until: incident.until,
            confidence: incident.confidence,
            alternatives: incident.alternatives.into_iter().map(other).collect(),
        }
    }
}

/// Everything that was said, incident by incident.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// In the order in which they opened; of each, in order of time.
    incidents: Vec<Vec<Said>>,
    places: HashMap<String, usize>,
}

impl History {
    /// Adds what was said next.
    pub(crate) fn add(&mut self, said: Said) {
        let place = *self.places.entry(said.id.clone()).or_insert_with(|| {
            self.incidents.push(Vec::new());
            self.incidents.len() - 1
        });
        if let Some(incident) = self.incidents.get_mut(place) {
            incident.push(said);
        }
    }

    /// All messages that people got, in order of time.
    pub(crate) fn notifications(&self) -> Vec<&Said> {
        let mut all: Vec<&Said> = self
            .incidents
            .iter()
            .flatten()
            .filter(|said| said.notify)
            .collect();
        all.sort_by(|a, b| a.at.total_cmp(&b.at));
        all
    }

    /// How an incident stood at a time; nothing when it was taken back by then.
    pub(crate) fn stood(&self, id: &str, at: f64) -> Option<&Said> {
        let incident = self.incidents.get(*self.places.get(id)?)?;
        let last = incident.iter().rev().find(|said| said.at <= at)?;
        (last.event != Happened::Withdraw).then_some(last)
    }

    /// How every incident ended that was not taken back, in an order that does not depend on that of the events.
    pub(crate) fn finally(&self) -> Vec<&Said> {
        let last = self.incidents.iter().filter_map(|incident| incident.last());
        let mut all: Vec<&Said> = last
            .filter(|said| said.event != Happened::Withdraw)
            .collect();
        all.sort_by(|a, b| {
            a.since
                .total_cmp(&b.since)
                .then_with(|| a.scope.cmp(&b.scope))
                .then_with(|| a.verdict.cmp(&b.verdict))
        });
        all
    }

    /// All that was said of the incidents that touch these centres and this time.
    pub(crate) fn about(&self, scope: &[String], from: f64, to: f64) -> Vec<&Said> {
        let near = |said: &&Said| {
            from <= said.at && said.at <= to && said.scope.iter().any(|id| scope.contains(id))
        };
        let mut all: Vec<&Said> = self.incidents.iter().flatten().filter(near).collect();
        all.sort_by(|a, b| a.at.total_cmp(&b.at));
        all
    }
}

impl FromIterator<Said> for History {
    fn from_iter<I: IntoIterator<Item = Said>>(all: I) -> Self {
        let mut history = Self::default();
        for said in all {
            history.add(said);
        }
        history
    }
}
