//! One gap: from when to when, and what was measured in it, stretch by stretch.

use std::collections::{BTreeMap, BTreeSet};

use diagnosis::record::{DnsWord, Measured, Place, ServiceWord};

/// Times that are told apart; longer gaps have longer ones.
const SLOTS: usize = 48;

/// The shortest of them, seconds.
const FINEST: f64 = 60.0;

/// What was measured so shortly before contact is live, and tells nothing new: seconds.
const LIVE: f64 = 60.0;

/// What spans less was measured while contact was made: seconds.
const WORTH: f64 = 180.0;

/// Machines that are counted.
const MACHINES: usize = 200;

/// What is told of a gap, from the machines outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// The other machines.
    Lan,
    /// The router.
    Gateway,
    /// The line and the ISP's routers.
    Line,
    /// Anchors beyond the ISP.
    Internet,
    /// The collector.
    Server,
    /// Resolution of names.
    Names,
    /// Services and portals.
    Services,
}

/// All of them.
pub const STRETCHES: [Stretch; 7] = [
    Stretch::Lan,
    Stretch::Gateway,
    Stretch::Line,
    Stretch::Internet,
    Stretch::Server,
    Stretch::Names,
    Stretch::Services,
];

/// Attempts that went well, and not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answered.
    pub good: u16,
    /// Not.
    pub bad: u16,
}

/// What was measured in a part of a gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// Where it begins, Unix seconds.
    pub from: f64,
    /// Where it ends.
    pub until: f64,
    tallies: [Tally; STRETCHES.len()],
}

/// A time in which nothing was heard from a centre.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// When something was heard last before it, Unix seconds.
    pub from: f64,
    /// When something was heard again.
    pub until: f64,
    /// Measurements that were sent afterwards.
    pub records: u32,
    machines: BTreeSet<String>,
    span: Option<(f64, f64)>,
    width: f64,
    slots: BTreeMap<i64, [Tally; STRETCHES.len()]>,
}

impl Gap {
    pub(super) fn new(from: f64, until: f64) -> Self {
        Self {
            from,
            until,
            records: 0,
            machines: BTreeSet::new(),
            span: None,
            width: FINEST,
            slots: BTreeMap::new(),
        }
    }

    /// Whether a measurement of then was not heard when it was made.
    pub(super) fn holds(&self, t: f64) -> bool {
        self.from < t && t <= self.until - LIVE
    }

    /// Whether its machines told enough to say anything.
    pub(super) fn is_told(&self) -> bool {
        self.span.is_some_and(|(first, last)| last - first >= WORTH)
    }

    /// Machines that told of it.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.machines.len()
    }

    /// What was measured, the oldest first.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().map(|(number, tallies)| {
            #[expect(clippy::cast_precision_loss, reason = "minutes since 1970")]
            let from = *number as f64 * self.width;
            Slot {
                from: from.max(self.from),
                until: (from + self.width).min(self.until),
                tallies: *tallies,
            }
        })
    }

    pub(super) fn add(&mut self, t: f64, agent: &str, measured: &Measured) {
        self.records = self.records.saturating_add(1);
        if self.machines.len() < MACHINES && !self.machines.contains(agent) {
            self.machines.insert(agent.to_owned());
        }
        let (first, last) = self.span.unwrap_or((t, t));
        self.span = Some((first.min(t), last.max(t)));
        let tallies = self.slots.entry(number(t, self.width)).or_default();
        tell(measured, |stretch, good, bad| {
            if let Some(tally) = tallies.get_mut(stretch as usize) {
                tally.add(good, bad);
            }
        });
        while self.slots.len() > SLOTS {
            self.coarser();
        }
    }

    /// Twice as long slots.
    fn coarser(&mut self) {
        self.width *= 2.0;
        for (number, tallies) in std::mem::take(&mut self.slots) {
            let into = self.slots.entry(number.div_euclid(2)).or_default();
            for (into, tally) in into.iter_mut().zip(tallies) {
                into.add(u32::from(tally.good), u32::from(tally.bad));
            }
        }
    }
}

impl Slot {
    /// What was measured of a stretch; nothing where nothing was.
    #[must_use]
    pub fn of(&self, stretch: Stretch) -> Option<Tally> {
        let tally = self.tallies.get(stretch as usize).copied();
        tally.filter(|tally| *tally != Tally::default())
    }
}

impl Tally {
    /// Whether it could not be used.
    #[must_use]
    pub fn is_bad(self) -> bool {
        self.bad > self.good
    }

    fn add(&mut self, good: u32, bad: u32) {
        let more =
            |count: u16, more: u32| count.saturating_add(u16::try_from(more).unwrap_or(u16::MAX));
        self.good = more(self.good, good);
        self.bad = more(self.bad, bad);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "minutes of a time within a gap"
)]
fn number(t: f64, width: f64) -> i64 {
    (t / width).floor() as i64
}

fn tell(measured: &Measured, mut say: impl FnMut(Stretch, u32, u32)) {
    for link in &measured.links {
        let stretch = match link.segment {
            Place::Lan => Stretch::Lan,
            Place::Gateway => Stretch::Gateway,
            Place::Hop => Stretch::Line,
            Place::Anchor => Stretch::Internet,
            Place::Collector => Stretch::Server,
            Place::Other => continue,
        };
        say(
            stretch,
            link.received,
            link.sent.saturating_sub(link.received),
        );
    }
    for round in &measured.dns {
        let good = matches!(round.outcome, DnsWord::Answered | DnsWord::Nxdomain);
        say(Stretch::Names, u32::from(good), u32::from(!good));
    }
    for round in &measured.services {
        let attempts = round.attempts.max(1);
        let failed = if round.outcome == ServiceWord::Answered {
            0
        } else {
            round.failed.clamp(1, attempts)
        };
        say(Stretch::Services, attempts - failed, failed);
    }
}
