//! Devices that a scout found, handed over to whoever keeps the registry. They are found again, so what
//! cannot be handed over is counted and forgotten.

use std::time::Duration;

use jiff::Timestamp;
use proto::limits::FOUND_PER_MESSAGE;
use proto::wire::{Found, FoundDevice};
use tokio::time::timeout;

use super::stream::Stream;
use crate::registry::Agent;

/// What one agent found at one look.
pub type Look = (Agent, Vec<FoundDevice>);

/// What a look costs its sender, in samples: a scout has one in a quarter of an hour.
const COST: u32 = 1_000;

/// How long whoever keeps the registry may take to make room.
const ROOM_WITHIN: Duration = Duration::from_secs(20);

impl Stream {
    pub(super) async fn found(&self, found: Found) {
        let mut devices = found.devices;
        let too_many = devices.len().saturating_sub(FOUND_PER_MESSAGE);
        devices.truncate(FOUND_PER_MESSAGE);
        self.refuse_found("too_many", too_many);
        let (count, parts, agent) = (devices.len(), &self.shared.parts, &self.agent);
        let now_unix_ms = Timestamp::now().as_millisecond();
        if !parts.terms.holds(&agent.id, &agent.centre, now_unix_ms) {
            self.refuse_found("not_scout", count);
        } else if count > 0 {
            // Told once a look, of which the next one may be tomorrow: it had better wait for room.
            let handed = parts.found.send((agent.clone(), devices));
            if !matches!(timeout(ROOM_WITHIN, handed).await, Ok(Ok(()))) {
                self.refuse_found("busy", count);
            }
        }
        self.pace.keep(COST).await;
    }

    fn refuse_found(&self, reason: &str, count: usize) {
        let refused = self.own().found_refused.with_label_values(&[reason]);
        refused.inc_by(count as u64);
    }
}
