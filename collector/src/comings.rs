//! Who came and who went, with the reason and the true time: told by streams, read by the diagnosis.
//!
//! What agents say of it comes with a Hello, also long after it happened, and is dated by the same rules as
//! measurements ([`crate::clocks`]); so the same turn told twice has the same time, and is the same record. Deliberately
//! absent: any memory of it here. The registry keeps an agent's last goodbye, the live view how it came.

use std::sync::Arc;

use diagnosis::record::{Goodbye, Hello, Kind, Record, What};
use jiff::Timestamp;
use proto::wire::{goodbye::Reason, turn};
use tokio::sync::broadcast;

use crate::latest::DeviceKey;

/// Records that a reader may be behind before it misses some, which it is told: a province that comes back at once.
const BEHIND: usize = 16_384;

/// Where comings and goings are told, and read. Made once and cloned; no reader holds up who tells.
#[derive(Debug, Clone)]
pub struct Comings {
    told: broadcast::Sender<Arc<Record>>,
}

impl Default for Comings {
    fn default() -> Self {
        let told = broadcast::Sender::new(BEHIND);
        Self { told }
    }
}

impl Comings {
    /// Every hello with a reason and every goodbye from now on, as records of the diagnosis.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.told.subscribe()
    }

    /// Tells one. That nobody listens is no error.
    pub fn tell(&self, key: &DeviceKey, turn: Turn, at_unix_ms: i64, arrived: Timestamp) {
        let what = What {
            t: seconds(at_unix_ms),
            centre: key.centre.to_string(),
            agent: key.device.to_string(),
            kind: match turn {
                Turn::Came(hello) => Kind::Hello(hello),
                Turn::Went(goodbye) => Kind::Goodbye(goodbye),
            },
        };
        let _ = self.told.send(Arc::new(Record {
            arrived: seconds(arrived.as_millisecond()),
            what: Some(what),
        }));
    }
}

/// One machine or agent came, or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// How it came.
    Came(Hello),
    /// Why it went.
    Went(Goodbye),
}

impl Turn {
    /// As a message has it. `None` for a word of a newer agent.
    #[must_use]
    pub fn of(kind: turn::Kind) -> Option<Self> {
        Some(match kind {
            turn::Kind::CleanBoot => Self::Came(Hello::CleanBoot),
            turn::Kind::PowerLossBoot => Self::Came(Hello::PowerLossBoot),
            turn::Kind::Wake => Self::Came(Hello::Wake),
            turn::Kind::Restart => Self::Came(Hello::Restart),
            turn::Kind::Stopped => Self::Went(Goodbye::Stop),
            turn::Kind::ShutDown => Self::Went(Goodbye::Shutdown),
            turn::Kind::FellAsleep => Self::Went(Goodbye::Sleep),
            turn::Kind::Unspecified => return None,
        })
    }
}

/// Why an agent that says goodbye will be silent. One that does not say was stopped, as far as is known.
#[must_use]
pub fn goodbye(reason: Reason) -> Goodbye {
    match reason {
        Reason::Shutdown => Goodbye::Shutdown,
        Reason::Sleep => Goodbye::Sleep,
        Reason::Stop | Reason::Unspecified => Goodbye::Stop,
    }
}

/// The word for the reason of a goodbye: a label, and what the registry keeps.
#[must_use]
pub fn word(goodbye: Goodbye) -> &'static str {
    match goodbye {
        Goodbye::Shutdown => "shutdown",
        Goodbye::Sleep => "sleep",
        Goodbye::Stop | Goodbye::Other => "stop",
    }
}

#[allow(clippy::cast_precision_loss, reason = "moments fit a double")]
fn seconds(unix_ms: i64) -> f64 {
    unix_ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_turn_is_a_record_with_the_time_it_happened() {
        let comings = Comings::default();
        let mut heard = comings.subscribe();
        let key = DeviceKey {
            centre: "cong-son".parse().unwrap(),
            device: "pc-03".parse().unwrap(),
        };
        let turn = Turn::of(turn::Kind::PowerLossBoot).unwrap();
        let arrived = Timestamp::from_second(1_800_000_060).unwrap();
        comings.tell(&key, turn, 1_800_000_000_500, arrived);
        let record = heard.try_recv().unwrap();
        assert_eq!(record.arrived.to_bits(), 1_800_000_060_f64.to_bits());
        let what = record.what.clone().unwrap();
        assert_eq!(what.t.to_bits(), 1_800_000_000.5_f64.to_bits());
        assert_eq!((&*what.centre, &*what.agent), ("cong-son", "pc-03"));
        assert_eq!(what.kind, Kind::Hello(Hello::PowerLossBoot));
    }

    #[test]
    fn words_of_newer_agents_are_left_out_and_a_goodbye_without_reason_is_a_stop() {
        assert_eq!(Turn::of(turn::Kind::Unspecified), None);
        assert_eq!(goodbye(Reason::Unspecified), Goodbye::Stop);
        assert_eq!(goodbye(Reason::Sleep), Goodbye::Sleep);
        assert_eq!(
            Turn::of(turn::Kind::ShutDown),
            Some(Turn::Went(Goodbye::Shutdown))
        );
    }
}
