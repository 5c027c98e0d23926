//! What the many agents of a province share: the moment after a restart, and the line of a centre.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::ids::CentreId;

use crate::directory::Agents;

/// Agents that may come back in one second: a handshake costs half a millisecond.
const RETURNS_PER_SECOND: f64 = 1_200.0;

/// The least of a backlog that an agent may always send, bytes per second.
const LEAST_SHARE: u64 = 1_000;

/// Over how long so many agents should spread their return: long enough for the collector, and for
/// few of them not longer than needed to be no crowd.
pub(super) fn spread(agents: usize) -> Duration {
    #[allow(clippy::cast_precision_loss, reason = "a number of agents")]
    let agents = agents as f64;
    let crowd = (agents * 0.01).min(10.0);
    Duration::from_secs_f64((agents / RETURNS_PER_SECOND).max(crowd))
}

/// How many agents each centre has; counted again when the directory changed.
#[derive(Debug, Default)]
pub(super) struct Shares {
    counted: Mutex<(Agents, HashMap<CentreId, u64>)>,
}

impl Shares {
    /// What one agent of a centre may send of its backlog, bytes per second, where the centre may send
    /// `rate`.
    pub(super) fn of(&self, centre: &CentreId, agents: &Agents, rate: u64) -> u32 {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&counted.0, agents) {
            let mut counts = HashMap::new();
            for agent in agents.values() {
                *counts.entry(agent.centre.clone()).or_default() += 1;
            }
            *counted = (Arc::clone(agents), counts);
        }
        let agents = counted.1.get(centre).copied().unwrap_or(1);
        let share = (rate / agents.max(1)).max(LEAST_SHARE);
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_come_back_soon_and_a_country_within_a_minute() {
        let check = |agents, milliseconds| {
            assert_eq!(spread(agents).as_millis(), milliseconds, "{agents} agents");
        };
        check(0, 0);
        check(1, 10);
        check(100, 1_000);
        check(1_300, 10_000);
        check(66_000, 55_000);
    }
}
