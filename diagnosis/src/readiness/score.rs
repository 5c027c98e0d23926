//! What an opening really was, from what was measured in its first quarter of an hour, and the record of verdicts
//! compared with it.

use serde::{Deserialize, Serialize};

use super::agent::Echoes;
use super::schedule::Step;
use super::severity::{self, Severity};
use crate::event::{Incident, Readiness, State};
use crate::record::{DnsWord, Measured, Place, ServiceWord};

/// How long after opening it is judged by, seconds.
pub const JUDGED: f64 = 900.0;

/// What an opening really was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// People could be served.
    Good,
    /// They could, badly or not with everything.
    Weak,
    /// They could not.
    Bad,
}

/// What was measured in the first quarter of an hour of an opening, whenever it arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    outside: Echoes,
    names: (u32, u32),
    services: (u32, u32),
    rounds: u32,
}

impl Measurements {
    /// Adds what one agent measured.
    pub fn add(&mut self, measured: &Measured) {
        self.rounds = self.rounds.saturating_add(1);
        for link in &measured.links {
            if matches!(link.segment, Place::Collector | Place::Anchor) {
                self.outside.add(link.sent, link.received, link.rtt_ms);
            }
        }
        for round in &measured.dns {
            let good = matches!(round.outcome, DnsWord::Answered | DnsWord::Nxdomain);
            count(&mut self.names, 1, u32::from(!good));
        }
        for round in &measured.services {
            if round.outcome != ServiceWord::DnsFailed {
                let attempts = round.attempts.max(1);
                count(&mut self.services, attempts, round.failed.min(attempts));
            }
        }
    }

    /// What they show; nothing when there are none.
    #[must_use]
    pub fn truth(&self) -> Option<Truth> {
        if self.rounds == 0 {
            return None;
        }
        let failed = |(all, failed): (u32, u32)| {
            if all == 0 {
                0.0
            } else {
                f64::from(failed) / f64::from(all)
            }
        };
        let loss = self.outside.loss().unwrap_or_default();
        let worst = loss.max(failed(self.names)).max(failed(self.services));
        Some(if worst >= 0.6 {
            Truth::Bad
        } else if loss >= 0.04 || worst >= 0.2 {
            Truth::Weak
        } else {
            Truth::Good
        })
    }
}

fn count(sums: &mut (u32, u32), all: u32, failed: u32) {
    sums.0 = sums.0.saturating_add(all);
    sums.1 = sums.1.saturating_add(failed);
}

/// What an opening really was, by what was measured and by the incidents of this centre as they are known now; nothing
/// when neither says anything.
#[must_use]
pub fn truth(measured: &Measurements, incidents: &[&Incident], opening: f64) -> Option<Truth> {
    let mut truth = measured.truth();
    let end = opening + JUDGED;
    for incident in incidents {
        let lasted = incident.until.unwrap_or(end).min(end) - incident.since.max(opening);
        let said = match severity::of(severity::fault(incident)) {
            _ if lasted <= 0.0 => continue,
            Severity::Hard if lasted >= JUDGED / 3.0 => Truth::Bad,
            _ => Truth::Weak,
        };
        truth = match (truth, said) {
            (Some(Truth::Bad), _) | (_, Truth::Bad) => Some(Truth::Bad),
            _ => Some(Truth::Weak),
        };
    }
    truth
}

/// What became of one verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// As said.
    Right,
    /// Somebody was called for nothing.
    TooDark,
    /// People waited before a door that was said to be fine.
    TooBright,
    /// It said that it cannot know.
    Unanswered,
}

/// Compares a verdict with what was.
#[must_use]
pub fn score(verdict: &Readiness, truth: Truth) -> Score {
    compare(verdict.state, truth)
}

/// Compares what was said with what was.
#[must_use]
pub fn compare(state: State, truth: Truth) -> Score {
    match (state, truth) {
        (State::Unknown, _) => Score::Unanswered,
        (State::Ready, Truth::Good)
        | (State::AtRisk, Truth::Weak)
        | (State::NotReady, Truth::Bad) => Score::Right,
        // A warning in time was heeded, or a weakness grew: it named the place.
        (State::AtRisk, Truth::Bad) => Score::Right,
        (State::Ready, Truth::Weak | Truth::Bad) => Score::TooBright,
        (State::AtRisk, Truth::Good) | (State::NotReady, Truth::Good | Truth::Weak) => {
            Score::TooDark
        }
    }
}

/// One opening with its verdicts, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// The centre.
    pub centre: String,
    /// When its doors opened, Unix seconds.
    pub at: f64,
    /// What it was; nothing when nobody knows.
    pub truth: Option<Truth>,
    /// The verdicts at T-60, T-30, T-10 and T-0.
    pub verdicts: [Option<State>; 4],
}

/// How often which verdict met which truth, check by check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Of each check: by state (ready, at risk, not ready, unknown) and truth (good, weak, bad).
    counts: [[[u32; 3]; 4]; 4],
    /// Openings nobody knows the truth of.
    pub unseen: u32,
}

impl Tally {
    /// Adds an opening.
    pub fn add(&mut self, opening: &Opening) {
        let Some(truth) = opening.truth else {
            self.unseen = self.unseen.saturating_add(1);
            return;
        };
        for (states, verdict) in self.counts.iter_mut().zip(opening.verdicts) {
            let Some(state) = verdict else { continue };
            let count = states
                .get_mut(state as usize)
                .and_then(|truths| truths.get_mut(truth as usize));
            if let Some(count) = count {
                *count = count.saturating_add(1);
            }
        }
    }

    /// How often a check said one thing and another was true.
    #[must_use]
    pub fn count(&self, check: Step, state: State, truth: Truth) -> u32 {
        let position = Step::CHECKS.iter().position(|step| *step == check);
        let states = position.and_then(|check| self.counts.get(check));
        let truths = states.and_then(|states| states.get(state as usize));
        let count = truths.and_then(|truths| truths.get(truth as usize));
        count.copied().unwrap_or_default()
    }

    /// How often verdicts of a check fared so.
    #[must_use]
    pub fn scored(&self, check: Step, score: Score) -> u32 {
        let states = [State::Ready, State::AtRisk, State::NotReady, State::Unknown];
        let truths = [Truth::Good, Truth::Weak, Truth::Bad];
        let pairs = states
            .into_iter()
            .flat_map(|state| truths.map(|truth| (state, truth)));
        pairs
            .filter(|(state, truth)| compare(*state, *truth) == score)
            .map(|(state, truth)| self.count(check, state, truth))
            .sum()
    }
}
