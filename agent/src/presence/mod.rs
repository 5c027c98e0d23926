//! What became of this machine and its agent: booted, lost its power, slept, was stopped; so that the collector can
//! tell a centre that was cut off from one that had no power, and one that was shut down from both.
//!
//! One small file says how the agent ended, in which boot, and what the collector was not told yet. An agent that is
//! asked to end writes there why; one whose machine loses its power cannot, and that is the evidence: another boot
//! ([`judge`]) and no word of an end. Turns are told with the next Hello and kept until one is welcomed, so a cut, a
//! restart or a reboot in between loses none.
//!
//! What this does not know: whether a machine without power crashed, was reset, or lost its mains (all three are
//! `power_loss_boot`); why it ended, where the system does not say so to everybody (see [`crate::os::shuts_down`]);
//! that it is about to sleep, before it does, which takes a word with the system's bus: that it slept is seen when it
//! wakes ([`asleep`]). A system without a name for its boots is not judged at all.

pub mod asleep;
pub mod judge;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::limits::TURNS_PER_HELLO;
use proto::wire;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use crate::clock;
use crate::storage;

const FILE: &str = "presence.json";

/// Something that became of the machine or its agent, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What.
    pub kind: Kind,
    /// When.
    pub at: Moment,
}

/// What became of the machine or its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the wire, which says it")]
pub enum Kind {
    CleanBoot,
    PowerLossBoot,
    Wake,
    Restart,
    Stopped,
    ShutDown,
    FellAsleep,
}

/// Why the agent will be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// It was stopped, and the machine goes on.
    Stop,
    /// The machine shuts down.
    Shutdown,
}

/// A moment, by both clocks of one boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    boot: String,
    wall_unix_ms: i64,
    monotonic_ms: u64,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The boot the agent ran in last.
    boot: String,
    /// How it ended, if it did in an orderly way.
    ended: Option<End>,
    /// What the collector was not told yet, the oldest first.
    untold: Vec<Turn>,
}

/// An orderly end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    why: Leaving,
    at: Moment,
    /// Whether the collector heard the goodbye.
    said: bool,
}

/// The one account of it. Clones share it.
#[derive(Debug, Clone)]
pub struct Presence {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    kept: Mutex<Kept>,
    /// Held by whoever writes the file: the newest content is written last.
    writing: Mutex<()>,
    woke: Notify,
}

impl Moment {
    /// This boot's, as the clocks stand.
    #[must_use]
    pub fn of(clock: wire::Clock) -> Self {
        Self {
            boot: clock::boot_id().to_owned(),
            wall_unix_ms: clock.wall_unix_ms,
            monotonic_ms: clock.monotonic_ms,
        }
    }
}

impl Leaving {
    /// Why an agent that is asked to end now will be silent.
    #[must_use]
    pub fn now() -> Self {
        if crate::os::shuts_down(&crate::os::Root::default()) {
            Self::Shutdown
        } else {
            Self::Stop
        }
    }
}

impl Presence {
    /// The account of an agent that starts now, in this boot; `None` on a system that does not name its boots. A
    /// file that is damaged or not there tells nothing, and one that cannot be written is told of in the log.
    #[must_use]
    pub fn begin(folder: &Path, boot: Option<&str>, now: wire::Clock) -> Self {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).ok();
        let before = text.and_then(|text| serde_json::from_slice(&text).ok());
        let kept = judge::begin(before, boot, now);
        if let Some(turn) = kept.untold.last() {
            info!(came = ?turn.kind, "How this agent came to start.");
        }
        let presence = Self {
            shared: Arc::new(Shared {
                path,
                kept: Mutex::new(kept),
                writing: Mutex::default(),
                woke: Notify::new(),
            }),
        };
        presence.write();
        presence
    }

    /// What the collector is to be told, the oldest first.
    #[must_use]
    pub fn untold(&self) -> Vec<Turn> {
        self.kept().untold.clone()
    }

    /// The collector was told these.
    pub async fn told(&self, turns: &[Turn]) {
        if turns.is_empty() {
            return;
        }
        self.kept().untold.retain(|turn| !turns.contains(turn));
        self.write_aside().await;
    }

    /// The machine slept from one moment to the other.
    pub async fn slept(&self, from: Moment, until: Moment) {
        let turn = |kind, at| Turn { kind, at };
        {
            let mut kept = self.kept();
            kept.untold.push(turn(Kind::FellAsleep, from));
            kept.untold.push(turn(Kind::Wake, until));
            judge::keep_newest(&mut kept.untold);
        }
        self.write_aside().await;
        self.shared.woke.notify_one();
    }

    /// Returns when the machine woke, once for each time.
    pub async fn woke(&self) {
        self.shared.woke.notified().await;
    }

    /// The agent is asked to end. Written before anything else is done: the power may be next.
    pub async fn ends(&self, why: Leaving) {
        let at = Moment::of(clock::now());
        let said = false;
        self.kept().ended = Some(End { why, at, said });
        self.write_aside().await;
    }

    /// Why it ends, if it does. Asked late, since a system may say only after a moment that it shuts down.
    pub fn leaving(&self) -> Option<Leaving> {
        let mut kept = self.kept();
        let end = kept.ended.as_mut()?;
        if end.why == Leaving::Stop {
            end.why = Leaving::now();
        }
        Some(end.why)
    }

    /// The collector heard the goodbye.
    pub fn said_goodbye(&self) {
        if let Some(end) = &mut self.kept().ended {
            end.said = true;
        }
    }

    /// The last word, before the program ends.
    pub async fn finish(&self) {
        self.leaving();
        self.write_aside().await;
    }

    async fn write_aside(&self) {
        let presence = self.clone();
        let _ = tokio::task::spawn_blocking(move || presence.write()).await;
    }

    fn write(&self) {
        let shared = &*self.shared;
        let _writing = shared
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_vec(&*self.kept()).unwrap_or_default();
        match storage::replace(&shared.path, &text) {
            Ok(()) => debug!("The account of comings and goings is written."),
            Err(error) => warn!(
                error = crate::chain(&error),
                "After its next start the agent will not know how this machine ended."
            ),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        let kept = self.shared.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
    }
}

/// As a Hello has them.
#[must_use]
pub fn wire(turns: &[Turn]) -> Vec<wire::Turn> {
    let newest = turns.len().saturating_sub(TURNS_PER_HELLO);
    turns.iter().skip(newest).map(wire::Turn::from).collect()
}

impl From<&Turn> for wire::Turn {
    fn from(turn: &Turn) -> Self {
        use wire::turn::Kind as Word;
        let kind = match turn.kind {
            Kind::CleanBoot => Word::CleanBoot,
            Kind::PowerLossBoot => Word::PowerLossBoot,
            Kind::Wake => Word::Wake,
            Kind::Restart => Word::Restart,
            Kind::Stopped => Word::Stopped,
            Kind::ShutDown => Word::ShutDown,
            Kind::FellAsleep => Word::FellAsleep,
        };
        let Moment {
            boot,
            wall_unix_ms,
            monotonic_ms,
        } = turn.at.clone();
        let clock = wire::Clock {
            wall_unix_ms,
            monotonic_ms,
        };
        Self {
            kind: kind.into(),
            at: Some(wire::Recorded {
                boot_id: boot,
                clock: Some(clock),
            }),
        }
    }
}

impl From<Leaving> for wire::goodbye::Reason {
    fn from(why: Leaving) -> Self {
        match why {
            Leaving::Stop => Self::Stop,
            Leaving::Shutdown => Self::Shutdown,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const CLOCK: wire::Clock = wire::Clock {
        wall_unix_ms: 1_800_000_000_000,
        monotonic_ms: 60_000,
    };

    fn kinds(presence: &Presence) -> Vec<Kind> {
        presence.untold().iter().map(|turn| turn.kind).collect()
    }

    #[tokio::test]
    async fn a_power_cut_is_told_from_a_shutdown_by_what_was_written_before() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |boot| Presence::begin(folder.path(), Some(boot), CLOCK);
        assert_eq!(
            kinds(&begin("one")),
            [],
            "nothing is known of what was before"
        );
        let killed = begin("one");
        assert_eq!(kinds(&killed), [Kind::Restart]);
        killed.told(&killed.untold()).await;
        let after_a_cut = begin("two");
        assert_eq!(kinds(&after_a_cut), [Kind::PowerLossBoot]);
        after_a_cut.told(&after_a_cut.untold()).await;
        after_a_cut.ends(Leaving::Shutdown).await;
        let after_a_shutdown = begin("three");
        assert_eq!(kinds(&after_a_shutdown), [Kind::ShutDown, Kind::CleanBoot]);
    }

    #[tokio::test]
    async fn a_goodbye_that_was_heard_is_not_told_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Presence::begin(folder.path(), Some("one"), CLOCK);
        assert_eq!(first.leaving(), None);
        first.ends(Leaving::Stop).await;
        assert!(first.leaving().is_some());
        first.said_goodbye();
        first.finish().await;
        let second = Presence::begin(folder.path(), Some("one"), CLOCK);
        assert_eq!(kinds(&second), [Kind::Restart]);
    }

    #[tokio::test]
    async fn sleep_is_told_when_it_is_over_and_what_is_new_meanwhile_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let presence = Presence::begin(folder.path(), Some("one"), CLOCK);
        presence.slept(Moment::of(CLOCK), Moment::of(CLOCK)).await;
        presence.woke().await;
        let told = presence.untold();
        presence
            .slept(Moment::of(clock::now()), Moment::of(clock::now()))
            .await;
        presence.told(&told).await;
        assert_eq!(kinds(&presence), [Kind::FellAsleep, Kind::Wake]);
        assert_ne!(presence.untold(), told);
    }

    #[tokio::test]
    async fn a_damaged_file_tells_nothing_and_many_turns_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        let presence = Presence::begin(folder.path(), Some("one"), CLOCK);
        assert_eq!(kinds(&presence), []);
        for _ in 0..TURNS_PER_HELLO {
            presence.slept(Moment::of(CLOCK), Moment::of(CLOCK)).await;
        }
        assert_eq!(wire(&presence.untold()).len(), TURNS_PER_HELLO);
        assert_eq!(presence.untold().len(), TURNS_PER_HELLO);
    }
}
