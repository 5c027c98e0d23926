//! Who was the scout of which centre when, in memory: what decides whether a sample about a device counts.

use std::collections::HashMap;

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId};
use proto::limits::SAMPLE_AGE;

use crate::registry::{Change, Term};

/// Clocks that are off by less are not corrected (`crate::clocks`): what a new scout measured first may seem
/// to have been measured that much before it was one.
const SLACK_MS: i64 = 2_000;

/// The terms of all centres.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<CentreId, Vec<Term>>);

impl History {
    pub(super) fn of(terms: Vec<Term>) -> Self {
        let mut history = Self::default();
        for term in terms {
            let centre = term.centre.clone();
            history.0.entry(centre).or_default().push(term);
        }
        history
    }

    /// Whether this agent was the scout at this time.
    pub(super) fn holds(&self, agent: &AgentId, centre: &CentreId, time_unix_ms: i64) -> bool {
        let terms = self.0.get(centre).map(Vec::as_slice).unwrap_or_default();
        let since = |term: &Term| term.since.as_millisecond().saturating_sub(SLACK_MS);
        terms.iter().enumerate().any(|(place, term)| {
            let until = term.until.map_or(i64::MAX, Timestamp::as_millisecond);
            // No moment is of two.
            let until = terms
                .get(place + 1)
                .map_or(until, |next| until.min(since(next)));
            term.agent == *agent && (since(term)..until).contains(&time_unix_ms)
        })
    }

    /// The present scout.
    pub(super) fn scout(&self, centre: &CentreId) -> Option<&AgentId> {
        let mut terms = self.0.get(centre)?.iter();
        let open = terms.find(|term| term.until.is_none())?;
        Some(&open.agent)
    }

    /// All present scouts.
    pub(super) fn scouts(&self) -> impl Iterator<Item = (&CentreId, &AgentId)> {
        let open = self
            .0
            .values()
            .flatten()
            .filter(|term| term.until.is_none());
        open.map(|term| (&term.centre, &term.agent))
    }

    /// One term ends and another one begins. Those of which nothing counts any more are forgotten.
    pub(super) fn change(&mut self, change: &Change) {
        let terms = self.0.entry(change.centre.clone()).or_default();
        for open in terms.iter_mut().filter(|term| term.until.is_none()) {
            open.until = Some(change.at);
        }
        let oldest = change
            .at
            .saturating_sub(SAMPLE_AGE)
            .unwrap_or(Timestamp::MIN);
        terms.retain(|term| term.until.is_none_or(|until| until >= oldest));
        if let Some(agent) = &change.agent {
            terms.push(Term {
                centre: change.centre.clone(),
                agent: agent.clone(),
                since: change.at,
                until: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn change(agent: Option<&str>, second: i64) -> Change {
        Change {
            centre: "cong-son".parse().unwrap(),
            agent: agent.map(|agent| agent.parse().unwrap()),
            at: at(second),
        }
    }

    #[test]
    fn what_was_measured_counts_for_the_scout_of_that_time() {
        let mut history = History::default();
        for (agent, second) in [
            (Some("a"), 0),
            (Some("b"), 100),
            (None, 200),
            (Some("a"), 300),
        ] {
            history.change(&change(agent, second));
        }
        let holds = |agent: &str, centre: &str, second: i64| {
            let (agent, centre) = (agent.parse().unwrap(), centre.parse().unwrap());
            history.holds(&agent, &centre, at(second).as_millisecond())
        };
        for (second, expected) in [
            (-3, [false, false]),
            (-1, [true, false]),
            (50, [true, false]),
            (97, [true, false]),
            (98, [false, true]),
            (99, [false, true]),
            (100, [false, true]),
            (199, [false, true]),
            (200, [false, false]),
            (1_000_000, [true, false]),
        ] {
            let told = ["a", "b"].map(|agent| holds(agent, "cong-son", second));
            assert_eq!(told, expected, "{second}");
        }
        assert!(!holds("a", "binh-gia", 50));
        let reloaded = History::of(history.0.into_values().flatten().collect());
        assert_eq!(reloaded.scouts().count(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_one_scout() {
        // As the registry had them, the newest term last or, of old, where its beginning puts it.
        for order in [[0, 1], [1, 0]] {
            let terms = [("a", 500, Some(100)), ("b", 100, None)];
            let terms = order.map(|place| {
                let (agent, since, until) = terms[place];
                Term {
                    centre: "cong-son".parse().unwrap(),
                    agent: agent.parse().unwrap(),
                    since: at(since),
                    until: until.map(at),
                }
            });
            let mut history = History::of(terms.into());
            let centre = "cong-son".parse().unwrap();
            assert_eq!(history.scout(&centre).unwrap().as_str(), "b", "{order:?}");
            history.change(&change(Some("c"), 200));
            assert_eq!(history.scout(&centre).unwrap().as_str(), "c", "{order:?}");
            assert_eq!(history.scouts().count(), 1, "{order:?}");
            assert!(!history.holds(&"b".parse().unwrap(), &centre, at(300).as_millisecond()));
        }
    }

    #[test]
    fn terms_are_forgotten_when_nothing_of_them_counts_any_more() {
        let mut history = History::default();
        let week = i64::try_from(SAMPLE_AGE.as_secs()).unwrap();
        for round in 0..20 {
            history.change(&change(Some("a"), round * week / 4));
        }
        let kept = history.0.into_values().next().unwrap();
        assert!(kept.len() <= 6, "{}", kept.len());
    }
}
