//! Nobody came: the doors are open, and of those who are there on other mornings nobody was heard.
//!
//! A centre that was cut off in the night has nobody whose silence could surprise. What surprises is that nobody begins
//! to speak. For that the mornings are remembered: who was heard around opening, day by day, by the time it was measured.
//! Whether the machines are all off or merely cut off cannot be told from outside; if the public address answers, the
//! centre is connected, and nothing is said. A centre that is closed for once and told nobody is not told apart.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::scene::Scene;
use crate::Fault;
use crate::calendar::Calendar;
use crate::sentence::incident::Because;

/// Around opening somebody is heard, so long before and after, seconds.
const BEFORE: f64 = 1_200.0;
const AFTER: f64 = 600.0;

/// Until so long after opening it is worth saying, seconds: later it is no news.
const LATEST: f64 = 4.0 * 3_600.0;

/// Days that are remembered, and how many of them are looked at.
const DAYS: i32 = 15;
const LOOKED_AT: usize = 5;

/// Who was heard around opening, by day. Sixteen bytes a day: a set of so many names is counted by their hashes.
#[derive(Debug, Default)]
pub(super) struct Mornings(BTreeMap<i32, u64>);

impl Mornings {
    /// Remembers that an agent was heard at a time.
    pub(super) fn add(&mut self, calendar: &Calendar, agent: &str, t: f64) {
        let date = calendar.local(t).date;
        let Some(opening) = calendar.opening(date) else {
            return;
        };
        if !(opening - BEFORE..=opening + AFTER).contains(&t) {
            return;
        }
        let hash = agent.bytes().fold(7_u64, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        *self.0.entry(date.day()).or_default() |= 1 << (hash % 64);
        let newest = self.0.keys().next_back().copied().unwrap_or_default();
        self.0 = self.0.split_off(&(newest - DAYS));
    }

    /// Whether somebody is usually there at a time after opening.
    pub(super) fn may_be_missed(&self, calendar: &Calendar, at: f64) -> bool {
        !self.0.is_empty() && since_opening(calendar, at).is_some()
    }

    /// The fewest that were there on the last mornings before a day; nothing when none is known.
    fn usual(&self, day: i32) -> Option<u32> {
        let known = self.0.range(..day).rev().take(LOOKED_AT);
        known.map(|(_, heard)| heard.count_ones()).min()
    }
}

/// How long the doors are open, while it is worth saying that nobody came.
fn since_opening(calendar: &Calendar, at: f64) -> Option<f64> {
    let opening = calendar.opening(calendar.local(at).date)?;
    let since = at - opening;
    ((AFTER..=LATEST).contains(&since) && calendar.is_open(at)).then_some(since)
}

/// Nobody came, and the centre does not answer from outside either.
pub(super) fn finding(scene: &Scene) -> Option<Finding> {
    let calendar = &scene.centre.calendar;
    let date = calendar.local(scene.at).date;
    let opening = scene.at - since_opening(calendar, scene.at)?;
    if scene.history.has_witness(opening - 3_600.0, scene.at) {
        return None;
    }
    let usual = scene.mornings.usual(date.day())?;
    let pings = || {
        let known = scene.history.reverse.iter().rev();
        known.skip_while(|(t, ..)| *t > scene.at)
    };
    let newest = pings().take_while(|(t, ..)| *t > scene.at - AFTER);
    let (sent, received) = newest.fold((0, 0), |sum, one| (sum.0 + one.1, sum.1 + one.2));
    let answered = pings().find(|(.., received)| *received > 0);
    let dark = answered.map(|(t, ..)| *t + 1.0);
    // An address that is silent since the evening went with the mains, as every evening.
    let since = dark.filter(|t| *t > opening - 6.0 * 3_600.0);
    // Who went dark this morning did not stay at home; of others more have to be missed, and for longer.
    let went_dark = sent > 0 && since.is_some();
    let is_missed = usual >= 2 && went_dark || usual >= 3 && scene.at - opening >= 2.0 * AFTER;
    if received > 0 || !is_missed {
        return None;
    }
    let mut finding = Finding::new(Fault::LineDown, 0.45, since.unwrap_or(opening))
        .or(Fault::PowerOutage, 0.4)
        .or(Fault::GatewayDown, 0.1)
        .because(Because::NobodyCame {
            usual: u64::from(usual),
        });
    finding.silent = true;
    if sent > 0 {
        finding = finding.because(Because::ReverseSilent {
            sent: u64::from(sent),
        });
    }
    Some(finding)
}
