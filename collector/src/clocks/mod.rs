//! What the collector knows of an agent's clocks, and the corrections that follow. Pure: no clock of
//! its own.
//!
//! A wall clock may be years off, may be set while measurements wait, and starts again in 2009 when a
//! battery is dead. The monotonic clock of one boot does none of that. So for each boot the collector
//! learns `K`, its own time less the agent's monotonic one, at each exchange, and a sample's true time
//! is
//!
//! ```text
//! wall clock of the sample − (wall − monotonic, as they stood when it was recorded) + K of that boot
//! ```
//!
//! `K` is kept for the last few boots, so what was measured before a reboot is corrected after it.
//! A measured `K` is too large by the time the message travelled, or stood in a queue on a bad line,
//! and never too small. Hence the rules: one in use stays until it is [`TOLERANCE`] off, so that the
//! time axis of a series does not wobble with the line; a smaller one is believed at once; a larger
//! one when the wall clock agrees with ours (so the message was not delayed), or when nothing else
//! was heard for [`PROOF`]. A correction below [`TOLERANCE`] is none.
//!
//! Without `K` (the collector never heard that boot) the wall clock's error of now is the best guess,
//! none the second best, and a guess must be plausible: not of the future, not older than anybody
//! keeps, and before the present boot began. What has no plausible time is refused.

use std::collections::VecDeque;
use std::time::Duration;

use proto::limits::SAMPLE_FUTURE;
use proto::stream::{Reject, timely};
use ring::digest::{SHA256, digest};

/// How far off a time may be: less is not worth a time axis that moves.
const TOLERANCE: i64 = 2_000;

/// How long every message must have said that `K` is larger.
const PROOF: i64 = 180_000;

/// Boots of one agent that are remembered.
pub const BOOTS: usize = 4;

/// A monotonic clock further than this from its beginning counts nothing.
const LONGEST_BOOT: u64 = 20 * 366 * 86_400_000;

/// One boot of one machine: a digest of what the agent calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Boot(pub u64);

impl Boot {
    /// `None` for the empty id of an agent that knows none.
    #[must_use]
    pub fn of(id: &str) -> Option<Self> {
        let hash = digest(&SHA256, id.as_bytes());
        let hash = hash.as_ref().first_chunk().copied().unwrap_or_default();
        (!id.is_empty()).then_some(Self(u64::from_be_bytes(hash)))
    }
}

/// Both clocks of an agent at one moment of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Unix milliseconds, as the agent has it.
    pub wall_unix_ms: i64,
    /// Milliseconds of the boot. `None` where it cannot be true.
    monotonic_ms: Option<i64>,
    boot: Option<Boot>,
}

impl Reading {
    /// As a message has it.
    #[must_use]
    pub fn new(boot: Option<Boot>, clock: proto::wire::Clock) -> Self {
        let monotonic = Some(clock.monotonic_ms).filter(|ms| *ms <= LONGEST_BOOT);
        Self {
            wall_unix_ms: clock.wall_unix_ms,
            monotonic_ms: monotonic.and_then(|ms| i64::try_from(ms).ok()),
            boot,
        }
    }

    /// The boot and how far its monotonic clock is, where both are known.
    fn place(self) -> Option<(Boot, i64)> {
        Some((self.boot?, self.monotonic_ms?))
    }
}

/// The `K` of the last boots of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The one heard last is the last.
    boots: VecDeque<Known>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    boot: Boot,
    /// The collector's time less the monotonic clock: when the boot began.
    began_unix_ms: i64,
    /// Since when every message said that it is larger, and the least they said.
    rising: Option<(i64, i64)>,
}

impl Clocks {
    /// As they were kept: boots and their `K`, the one heard last at the end.
    pub fn restore(kept: impl IntoIterator<Item = (Boot, i64)>) -> Self {
        let mut clocks = Self::default();
        for (boot, began_unix_ms) in kept {
            clocks.remember(boot, began_unix_ms);
        }
        clocks
    }

    /// What to keep; see [`Clocks::restore`].
    pub fn known(&self) -> impl Iterator<Item = (Boot, i64)> {
        self.boots
            .iter()
            .map(|known| (known.boot, known.began_unix_ms))
    }

    /// Notes that a message sent at `sent`, by the agent's clocks, was received at `now`.
    pub fn exchanged(&mut self, sent: Reading, now_unix_ms: i64) {
        let Some((boot, monotonic_ms)) = sent.place() else {
            return;
        };
        let measured = now_unix_ms.saturating_sub(monotonic_ms);
        let place = self.boots.iter().position(|known| known.boot == boot);
        let Some(mut known) = place.and_then(|place| self.boots.remove(place)) else {
            self.remember(boot, measured);
            return;
        };
        let undelayed = near(sent.wall_unix_ms, now_unix_ms);
        known.heard(measured, now_unix_ms, undelayed);
        self.boots.push_back(known);
    }

    /// What to add to the times of samples that were recorded while the clocks stood to each other as
    /// in `recorded`. `sent` is how they stood when the message was sent that was received at `now`;
    /// [`Clocks::exchanged`] knows it already.
    ///
    /// # Errors
    /// When nobody can tell when that was.
    pub fn correction(
        &self,
        recorded: Reading,
        sent: Reading,
        now_unix_ms: i64,
    ) -> Result<i64, Reject> {
        if let Some(correction) = self.by_boot(recorded) {
            return Ok(correction);
        }
        let now_wrong = self
            .by_boot(sent)
            .unwrap_or_else(|| worth(now_unix_ms.saturating_sub(sent.wall_unix_ms)));
        if recorded == sent {
            return Ok(now_wrong);
        }
        // Another boot than the present one ended before that began.
        let latest = match sent.place().and_then(|(boot, _)| self.began(boot)) {
            Some(began_unix_ms) if recorded.boot != sent.boot => {
                began_unix_ms.saturating_add(TOLERANCE)
            }
            _ => now_unix_ms.saturating_add(milliseconds(SAMPLE_FUTURE)),
        };
        let plausible = |correction: i64| {
            let time_unix_ms = recorded.wall_unix_ms.saturating_add(correction);
            timely(time_unix_ms, now_unix_ms)?;
            if time_unix_ms > latest {
                return Err(Reject::InFuture);
            }
            Ok(correction)
        };
        plausible(now_wrong).or_else(|_| plausible(0))
    }

    fn by_boot(&self, recorded: Reading) -> Option<i64> {
        let (boot, monotonic_ms) = recorded.place()?;
        let relation = recorded.wall_unix_ms.saturating_sub(monotonic_ms);
        Some(worth(self.began(boot)?.saturating_sub(relation)))
    }

    fn began(&self, boot: Boot) -> Option<i64> {
        let known = self.boots.iter().find(|known| known.boot == boot)?;
        Some(known.began_unix_ms)
    }

    fn remember(&mut self, boot: Boot, began_unix_ms: i64) {
        if self.boots.len() >= BOOTS {
            self.boots.pop_front();
        }
        self.boots.push_back(Known {
            boot,
            began_unix_ms,
            rising: None,
        });
    }
}

impl Known {
    fn heard(&mut self, measured: i64, now_unix_ms: i64, undelayed: bool) {
        let rising = std::mem::take(&mut self.rising);
        if near(measured, self.began_unix_ms) {
            return;
        }
        if measured < self.began_unix_ms || undelayed {
            self.began_unix_ms = measured;
            return;
        }
        let (since, least) = rising.unwrap_or((now_unix_ms, measured));
        let least = least.min(measured);
        if now_unix_ms.saturating_sub(since) >= PROOF {
            self.began_unix_ms = least;
        } else {
            self.rising = Some((since, least));
        }
    }
}

/// A correction that is too small to be one is none.
fn worth(correction: i64) -> i64 {
    if near(correction, 0) { 0 } else { correction }
}

fn near(one: i64, other: i64) -> bool {
    one.saturating_sub(other).saturating_abs() <= TOLERANCE
}

fn milliseconds(limit: Duration) -> i64 {
    i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
