//! What an agent that starts can say of how it came to: pure, from what was written before and the name of this boot.
//!
//! A machine that is shut down asks its agent to end, whether the agent knows why or not; so an orderly end in
//! another boot is a clean boot, and none is a loss of power.

use proto::limits::TURNS_PER_HELLO;
use proto::wire;

use super::{End, Kept, Kind, Leaving, Moment, Turn};

/// The account to go on with.
pub(super) fn begin(before: Option<Kept>, boot: Option<&str>, now: wire::Clock) -> Kept {
    let boot = boot.unwrap_or_default();
    let mut untold = Vec::new();
    if let Some(before) = before {
        let came = came(&before, boot, now);
        untold = before.untold;
        untold.extend(before.ended.filter(|end| !end.said).map(Turn::from));
        untold.extend(came);
        keep_newest(&mut untold);
    }
    Kept {
        boot: boot.to_owned(),
        ended: None,
        untold,
    }
}

/// How the agent came to start; nothing where it cannot be known.
fn came(before: &Kept, boot: &str, now: wire::Clock) -> Option<Turn> {
    if boot.is_empty() || before.boot.is_empty() {
        return None;
    }
    let at = |clock: wire::Clock| Moment {
        boot: boot.to_owned(),
        wall_unix_ms: clock.wall_unix_ms,
        monotonic_ms: clock.monotonic_ms,
    };
    let beginning = wire::Clock {
        wall_unix_ms: crate::clock::lead_ms(now),
        monotonic_ms: 0,
    };
    Some(if before.boot == boot {
        Turn {
            kind: Kind::Restart,
            at: at(now),
        }
    } else {
        let kind = match before.ended {
            Some(_) => Kind::CleanBoot,
            None => Kind::PowerLossBoot,
        };
        Turn {
            kind,
            at: at(beginning),
        }
    })
}

/// What happened last is what is asked for.
pub(super) fn keep_newest(turns: &mut Vec<Turn>) {
    turns.drain(..turns.len().saturating_sub(TURNS_PER_HELLO));
}

impl From<End> for Turn {
    fn from(end: End) -> Self {
        let kind = match end.why {
            Leaving::Stop => Kind::Stopped,
            Leaving::Shutdown => Kind::ShutDown,
        };
        Self { kind, at: end.at }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const NOW: wire::Clock = wire::Clock {
        wall_unix_ms: 1_800_000_100_000,
        monotonic_ms: 40_000,
    };

    fn ended(boot: &str, why: Option<Leaving>) -> Option<Kept> {
        let at = Moment::of(NOW);
        let said = true;
        Some(Kept {
            boot: boot.into(),
            ended: why.map(|why| End { why, at, said }),
            untold: Vec::new(),
        })
    }

    #[test]
    fn the_file_and_the_boot_say_how_it_came() {
        let check = |before: Option<Kept>, boot: Option<&str>, expected: Option<Kind>| {
            let kept = begin(before.clone(), boot, NOW);
            let came = kept.untold.last().map(|turn| turn.kind);
            assert_eq!(came, expected, "{before:?} {boot:?}");
        };
        check(None, Some("b"), None);
        check(ended("a", None), Some("a"), Some(Kind::Restart));
        check(
            ended("a", Some(Leaving::Stop)),
            Some("a"),
            Some(Kind::Restart),
        );
        check(
            ended("a", Some(Leaving::Shutdown)),
            Some("b"),
            Some(Kind::CleanBoot),
        );
        // Where the system does not say that it shuts down, it stops the agent all the same.
        check(
            ended("a", Some(Leaving::Stop)),
            Some("b"),
            Some(Kind::CleanBoot),
        );
        check(ended("a", None), Some("b"), Some(Kind::PowerLossBoot));
        check(ended("a", None), None, None);
        check(ended("", None), Some("b"), None);
    }

    #[test]
    fn a_boot_is_at_its_beginning() {
        let kept = begin(ended("a", None), Some("b"), NOW);
        let at = &kept.untold[0].at;
        assert_eq!((at.wall_unix_ms, at.monotonic_ms), (1_800_000_060_000, 0));
        assert_eq!(at.boot, "b");
    }
}
