//! Times in which nothing was heard from a centre, and what its machines told of them afterwards.
//!
//! Fed with the records of the diagnosis in the order of arrival, and read by the pages. A gap is a time without any
//! arrival; what was measured in it and comes later is summed up by the minute, coarser when it is long. In memory alone:
//! after a restart what the diagnosis is told again is known again. Deliberately absent: causes, which are the diagnosis'.

mod gap;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use diagnosis::record::{Kind, Record};

pub use self::gap::{Gap, STRETCHES, Slot, Stretch, Tally};

/// Nobody was heard for so long: seconds. Agents report each minute.
const SILENCE: f64 = 180.0;

/// Gaps of a centre that are kept; those nobody told anything of go first.
const KEPT: usize = 3;

/// What arrives so much before what arrived already is told again after a restart, seconds.
const AGAIN: f64 = 30.0;

/// The gaps of all centres. Made once and cloned.
#[derive(Debug, Clone, Default)]
pub struct Blind {
    centres: Arc<Mutex<HashMap<String, Known>>>,
}

/// What is known of a centre.
#[derive(Debug, Default)]
struct Known {
    /// When something arrived last.
    heard: Option<f64>,
    /// The oldest first.
    gaps: VecDeque<Gap>,
}

impl Blind {
    /// Takes a record, in the order of arrival.
    pub fn take(&self, record: &Record) {
        let Some(what) = &record.what else { return };
        // What the province's side measures is not heard from the centre.
        if what.agent.is_empty() || !record.arrived.is_finite() || !what.t.is_finite() {
            return;
        }
        let mut centres = self.centres.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match centres.get_mut(&what.centre) {
            Some(known) => known,
            None => centres.entry(what.centre.clone()).or_default(),
        };
        if !known.hear(record.arrived) {
            return;
        }
        if let Kind::Measured(measured) = &what.kind {
            let mut gaps = known.gaps.iter_mut().rev();
            if let Some(gap) = gaps.find(|gap| gap.holds(what.t)) {
                gap.add(what.t, &what.agent, measured);
            }
        }
    }

    /// The gaps of a centre of which its machines told something, the newest first.
    #[must_use]
    pub fn of(&self, centre: &str) -> Vec<Gap> {
        let centres = self.centres.lock().unwrap_or_else(PoisonError::into_inner);
        let known = centres.get(centre);
        let gaps = known.into_iter().flat_map(|known| known.gaps.iter().rev());
        gaps.filter(|gap| gap.is_told()).cloned().collect()
    }
}

impl Known {
    /// Something arrived; whether it is new.
    fn hear(&mut self, arrived: f64) -> bool {
        let Some(heard) = self.heard else {
            self.heard = Some(arrived);
            return true;
        };
        if arrived < heard - AGAIN {
            return false;
        }
        if arrived - heard >= SILENCE {
            self.gaps.push_back(Gap::new(heard, arrived));
            if self.gaps.len() > KEPT {
                let untold = self.gaps.iter().position(|gap| !gap.is_told());
                let newest = self.gaps.len() - 1;
                self.gaps
                    .remove(untold.filter(|place| *place < newest).unwrap_or(0));
            }
        }
        self.heard = Some(heard.max(arrived));
        true
    }
}
