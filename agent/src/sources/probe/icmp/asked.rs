//! Bursts that the collector asks for, when two explanations are close and a look at one link tells them apart.
//!
//! They wait here for the next round, which does not wait for its time then. What is asked too often, or of a link
//! that is not probed anyway, is refused and counted; so a collector can neither drive a line nor aim at a place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::limits::{BURST_ECHOES, BURSTS_PER_HOUR};
use proto::metrics::AGENT_BURSTS;
use proto::plan::Segment;
use proto::wire;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::burst;
use super::link::Key;
use crate::sources::Readings;
use crate::uplink::Bucket;

/// Links that may wait for theirs.
const WAITING: usize = 4;

/// The bursts that are asked for. Clones share them.
#[derive(Debug, Clone)]
pub struct Asked {
    shared: Arc<Mutex<State>>,
    soon: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    /// How many echoes, by link.
    waiting: BTreeMap<Name, u32>,
    allowed: Bucket,
    sent: u64,
    refused: u64,
    failed: u64,
}

/// The labels of a link.
type Name = (&'static str, String);

/// What became of a burst that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is counted with the link.
    Sent,
    /// There is no such link, or nothing to send.
    Refused,
    /// It was not over in time.
    Failed,
}

impl Default for Asked {
    fn default() -> Self {
        let per_hour = f64::from(BURSTS_PER_HOUR);
        let state = State {
            waiting: BTreeMap::new(),
            allowed: Bucket::new(per_hour / 3_600.0, per_hour / 2.0),
            sent: 0,
            refused: 0,
            failed: 0,
        };
        Self {
            shared: Arc::new(Mutex::new(state)),
            soon: Arc::default(),
        }
    }
}

impl Asked {
    /// The collector asks for one.
    pub(crate) fn ask(&self, burst: &wire::Burst) {
        let mut state = self.lock();
        let is_allowed = state.allowed.wait_for(1.0).is_zero() && state.waiting.len() < WAITING;
        let segment = Segment::of(burst.segment()).filter(|_| burst.echoes <= BURST_ECHOES);
        let (Some(segment), true) = (segment, is_allowed) else {
            state.refused += 1;
            warn!(
                ?burst,
                "A burst is refused: too many, too often, or of no known segment."
            );
            return;
        };
        state.allowed.take(1.0);
        let echoes = match burst.echoes {
            0 => burst::ECHOES,
            echoes => echoes,
        };
        debug!(?burst, "A burst is asked for.");
        let name = (segment.as_str(), burst.target.clone());
        state.waiting.insert(name, echoes);
        self.soon.notify_one();
    }

    /// Notified when one waits.
    pub(super) fn soon(&self) -> Arc<Notify> {
        Arc::clone(&self.soon)
    }

    /// How many echoes are wanted of a link, once.
    pub(super) fn take(&self, (segment, target): &Key) -> Option<u32> {
        let name = (segment.as_str(), target.clone());
        self.lock().waiting.remove(&name)
    }

    /// What waits is of no link that can be asked.
    pub(super) fn refuse_rest(&self) {
        let mut state = self.lock();
        let rest = std::mem::take(&mut state.waiting);
        state.refused += u64::try_from(rest.len()).unwrap_or(u64::MAX);
    }

    /// Counts one that was taken.
    pub(super) fn note(&self, outcome: Outcome) {
        let mut state = self.lock();
        let count = match outcome {
            Outcome::Sent => &mut state.sent,
            Outcome::Refused => &mut state.refused,
            Outcome::Failed => &mut state.failed,
        };
        *count += 1;
    }

    /// Tells how many there were, once there was any.
    pub(super) fn push(&self, readings: &mut Readings) {
        let state = self.lock();
        let counts = [
            ("sent", state.sent),
            ("refused", state.refused),
            ("failed", state.failed),
        ];
        for (outcome, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            #[allow(clippy::cast_precision_loss, reason = "a count fits a double")]
            readings.push(&AGENT_BURSTS, &[outcome], count as f64);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(target: &str, echoes: u32) -> wire::Burst {
        wire::Burst {
            segment: wire::Segment::Line.into(),
            target: target.into(),
            echoes,
        }
    }

    fn counted(asked: &Asked) -> Vec<(String, f64)> {
        let mut readings = Readings::default();
        asked.push(&mut readings);
        let outcome = |series: &proto::stream::Series| series.labels.first().cloned();
        let told = readings.taken.iter();
        told.filter_map(|one| Some((outcome(&one.series)?.1, one.value)))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_limits_is_refused_and_counted() {
        let asked = Asked::default();
        assert_eq!(counted(&asked), []);
        let most = BURSTS_PER_HOUR / 2;
        for number in 0..2 * most {
            asked.ask(&burst("192.0.2.1", 0));
            let expected = (number < most).then_some(burst::ECHOES);
            let key = (Segment::Line, "192.0.2.1".to_owned());
            assert_eq!(asked.take(&key), expected, "{number}");
        }
        assert_eq!(counted(&asked), [("refused".to_owned(), f64::from(most))]);
        tokio::time::advance(std::time::Duration::from_hours(2)).await;
        asked.ask(&burst("192.0.2.1", BURST_ECHOES + 1));
        for place in 0..=WAITING {
            asked.ask(&burst(&place.to_string(), BURST_ECHOES));
        }
        assert_eq!(
            counted(&asked),
            [("refused".to_owned(), f64::from(most + 2))]
        );
        asked.refuse_rest();
        assert_eq!(
            counted(&asked),
            [("refused".to_owned(), f64::from(most + 6))]
        );
    }

    #[test]
    fn a_segment_of_a_newer_collector_is_refused() {
        let asked = Asked::default();
        asked.ask(&wire::Burst {
            segment: 77,
            ..burst("192.0.2.1", 0)
        });
        assert_eq!(counted(&asked), [("refused".to_owned(), 1.0)]);
    }
}
