//! What is published: every centre as it looks now, with the checks of its opening, its witnesses, and how verdicts on
//! it fared.
//!
//! Made once and cloned; who reads never holds up who tells. Looked at anew every few seconds, and at once when an
//! incident changes, so that what is shown before opening is as of now and not of the last check.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnosis::event::Readiness;
use diagnosis::readiness::Step;
use diagnosis::readiness::score::{Score, Tally, Truth};
use diagnosis::sentence::Words;
use diagnosis::sentence::incident::Owner;
use tokio::sync::watch;

/// Where it is published and read.
#[derive(Debug, Clone, Default)]
pub struct Board {
    morning: watch::Sender<Arc<Morning>>,
    digest: watch::Sender<Arc<Vec<Readiness>>>,
}

/// All centres at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Morning {
    /// When this was looked at, Unix seconds; 0 before the first look.
    pub at: f64,
    /// By id. Every centre there is, once there was a look.
    pub centres: BTreeMap<String, Arc<Standing>>,
    /// How verdicts fared, of all centres together.
    pub fares: Fares,
}

/// One centre.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// How it looks now: state and reason as a check would give them. `check` is the newest check of `opening`, or empty.
    pub verdict: Readiness,
    /// Who is to act; nobody where nothing is to be done.
    pub owner: Option<Owner>,
    /// The opening this is about: that of today until the doors close, then the next. Unix seconds; nothing when its
    /// hours are not known.
    pub opening: Option<f64>,
    /// What was said at the checks of that opening, the first check first.
    pub checks: Vec<Readiness>,
    /// What that opening really was; nothing until it was compared, or when nobody knows.
    pub truth: Option<Truth>,
    /// Who is there to say anything.
    pub witnesses: Witnesses,
    /// How verdicts on it fared.
    pub fares: Fares,
}

/// The machines of a centre that can say anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Witnesses {
    /// Machines with an agent.
    pub expected: usize,
    /// Of them, those that are heard.
    pub awake: usize,
    /// Of those, the ones by cable.
    pub wired: usize,
    /// The machine that is to be awake an hour before opening, where one is named.
    pub named: Option<String>,
    /// Of the last openings, at most seven: how many were looked at an hour before …
    pub openings: u8,
    /// … and at how many of those nobody was awake.
    pub missed: u8,
    /// What to do so that somebody is awake tomorrow; nothing where somebody is.
    pub advice: Option<Words>,
    /// When the named machine was asked to be woken for this opening, Unix seconds.
    pub woken: Option<f64>,
}

/// How verdicts fared that were given ten minutes before opening, compared with the first quarter of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fares {
    /// As said.
    pub right: u32,
    /// Somebody was called for nothing.
    pub too_dark: u32,
    /// People waited before a door that was said to be fine.
    pub too_bright: u32,
    /// It said that it cannot know.
    pub unanswered: u32,
    /// Openings nobody knows the truth of.
    pub unseen: u32,
}

impl Fares {
    /// Those of a centre.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        let scored = |score| tally.scored(Step::TenMinutes, score);
        Self {
            right: scored(Score::Right),
            too_dark: scored(Score::TooDark),
            too_bright: scored(Score::TooBright),
            unanswered: scored(Score::Unanswered),
            unseen: tally.unseen,
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.right, other.right),
            (&mut self.too_dark, other.too_dark),
            (&mut self.too_bright, other.too_bright),
            (&mut self.unanswered, other.unanswered),
            (&mut self.unseen, other.unseen),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Board {
    /// All centres now.
    #[must_use]
    pub fn now(&self) -> Arc<Morning> {
        Arc::clone(&self.morning.borrow())
    }

    /// The same, and when it changes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Morning>> {
        self.morning.subscribe()
    }

    /// The newest verdicts of the centres that are about to open or have opened today: what the digest is made of.
    #[must_use]
    pub fn verdicts(&self) -> watch::Receiver<Arc<Vec<Readiness>>> {
        self.digest.subscribe()
    }

    pub(crate) fn publish(&self, morning: Morning, verdicts: Vec<Readiness>) {
        self.morning.send_replace(Arc::new(morning));
        self.digest.send_replace(Arc::new(verdicts));
    }
}
