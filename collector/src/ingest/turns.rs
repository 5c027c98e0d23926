//! What an agent's Hello says of its comings and goings: dated by its clocks, told, and the newest kept for the page.

use jiff::Timestamp;
use proto::limits::TURNS_PER_HELLO;
use proto::wire;
use tracing::{debug, info};

use super::stream::Stream;
use crate::clocks::{Boot, Reading};
use crate::comings::Turn;
use crate::latest;

impl Stream {
    /// Tells what became of the machine since the collector was last told. What has no plausible time is left out.
    pub(super) fn turns(&self, turns: &[wire::Turn], clock: wire::Clock, now: Timestamp) {
        let sent = Reading::new(self.boot, clock);
        let key = self.key();
        for turn in turns.iter().take(TURNS_PER_HELLO) {
            let recorded = turn.at.clone().unwrap_or_default();
            let boot = Boot::of(&recorded.boot_id).or(self.boot);
            let at = Reading::new(boot, recorded.clock.unwrap_or(clock));
            let now_ms = now.as_millisecond();
            let correction = self
                .account
                .with_clocks(|clocks| clocks.correction(at, sent, now_ms));
            let (Some(kind), Ok(correction)) = (Turn::of(turn.kind()), correction) else {
                self.own().turns.with_label_values(&["refused"]).inc();
                debug!(agent = %self.agent.id, ?turn, "A turn without a word or a time.");
                continue;
            };
            let at_unix_ms = at.wall_unix_ms.saturating_add(correction);
            self.own().turns.with_label_values(&["told"]).inc();
            info!(agent = %self.agent.id, centre = %self.agent.centre, device = %self.agent.device,
                turn = ?kind, "What became of a machine.");
            if let Turn::Came(how) = kind {
                latest::lock(&self.device).came(how, at_unix_ms);
            }
            let comings = &self.shared.parts.comings;
            comings.tell(&key, kind, at_unix_ms, now);
        }
    }
}
