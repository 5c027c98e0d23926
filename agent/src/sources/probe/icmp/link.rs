//! What is remembered of a link between its rounds, and what becomes of one.

use proto::plan::{Plan, Segment};

use super::super::due::Due;
use super::super::echo::{Means, Method, Way};
use super::super::statistics::{Counts, Echo};
use super::super::targets::Link;
use crate::os::Address;

/// Of a link: its labels.
pub(super) type Key = (Segment, String);

pub(super) fn key(link: &Link) -> Key {
    (link.segment, link.name.clone())
}

/// What is remembered of a link between rounds.
#[derive(Debug)]
pub(super) struct State {
    /// Whose turn is sooner.
    pub(super) turn: u32,
    /// Which of its ports is tried.
    pub(super) port: usize,
    pub(super) counts: Counts,
    /// Whether its last round was.
    pub(super) is_answered: bool,
    /// Whether any round was: then a router is asked as it was then.
    pub(super) was_answered: bool,
    /// Whether a router is asked by packets that expire there.
    pub(super) by_expiry: bool,
    pub(super) next_burst: Due,
}

impl State {
    pub(super) fn new(plan: &Plan) -> Self {
        let phase = rand::random::<f64>();
        Self {
            turn: rand::random(),
            port: 0,
            counts: Counts::default(),
            is_answered: false,
            was_answered: false,
            by_expiry: false,
            next_burst: Due::after(plan.path_interval.mul_f64(phase)),
        }
    }
}

/// What a link is probed through.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) address: Address,
    pub(super) way: Way,
    pub(super) means: Means,
}

/// One link's round, after it.
pub(super) struct Round {
    pub(super) link: Link,
    /// `None` for a name without address, and without its interface.
    pub(super) through: Option<(Address, Way, Method)>,
    pub(super) echoes: Vec<Echo>,
}

impl Round {
    pub(super) fn lost(link: Link, echoes: u32) -> Self {
        Self {
            link,
            through: None,
            echoes: (0..echoes).map(|_| Echo::default()).collect(),
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        self.echoes.iter().any(|echo| echo.rtt.is_some())
    }
}
