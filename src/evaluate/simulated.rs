//! A simulated province that is judged as it happens: nothing of it is written, so that memory holds no more than what
//! is on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diagnosis::calendar::Centre;
use diagnosis::record::Record;

use super::labels::{Label, Opening, Seen, Truth};
use super::province::Province;
use crate::simulate::scenario::Scenario;
use crate::simulate::truth;
use crate::simulate::world::World;

/// How often a run looks at how far it is, records.
const LOOK_EVERY: u32 = 1 << 14;

/// Progress is told each time so many hundredths are done.
const TELL_EVERY: u64 = 5;

/// How far all runs together are, told in hundredths.
#[derive(Debug)]
pub(crate) struct Progress {
    runs: u64,
    /// Thousandths of runs that are done.
    done: AtomicU64,
    told: AtomicU64,
}

impl Progress {
    /// Of so many runs.
    pub(crate) fn of(runs: usize) -> Arc<Self> {
        Arc::new(Self {
            runs: u64::try_from(runs).unwrap_or(u64::MAX).max(1),
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
        })
    }

    /// Adds thousandths of one run, and says what is to be told of it.
    fn add(&self, thousandths: u64) -> Option<u64> {
        let done = self.done.fetch_add(thousandths, Ordering::Relaxed) + thousandths;
        let hundredths = done / self.runs / 10 / TELL_EVERY * TELL_EVERY;
        (self.told.fetch_max(hundredths, Ordering::Relaxed) < hundredths).then_some(hundredths)
    }
}

/// A province under way.
#[derive(Debug)]
pub(crate) struct Simulated {
    world: World,
    start: f64,
    progress: Arc<Progress>,
    /// What of it was counted, thousandths.
    counted: u64,
    until_look: u32,
}

impl Simulated {
    pub(crate) fn new(scenario: &Scenario, progress: Arc<Progress>) -> Self {
        Self {
            world: World::new(scenario),
            start: scenario.start,
            progress,
            counted: 0,
            until_look: LOOK_EVERY,
        }
    }

    fn count(&mut self, thousandths: u64) {
        let more = thousandths.saturating_sub(self.counted);
        self.counted += more;
        if let Some(hundredths) = self.progress.add(more) {
            crate::tell(&format!("{hundredths} %"));
        }
    }
}

impl Province for Simulated {
    fn centres(&self) -> Vec<Centre> {
        self.world.centres()
    }

    fn next(&mut self) -> anyhow::Result<Option<Record>> {
        let record = self.world.next();
        self.until_look -= 1;
        if record.is_none() {
            self.count(1000);
            self.until_look = LOOK_EVERY;
        } else if self.until_look == 0 {
            self.until_look = LOOK_EVERY;
            self.count(thousandths(self.world.progress(self.start)));
        }
        Ok(record)
    }

    fn truth(&mut self) -> anyhow::Result<(Vec<Label>, Vec<Opening>)> {
        let labels = self.world.labels().into_iter().map(Label::from);
        let openings = self.world.openings().into_iter().map(Opening::from);
        Ok((labels.collect(), openings.collect()))
    }
}

/// A run is done when it has no more records, not before.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 999"
)]
fn thousandths(share: f64) -> u64 {
    (share * 1000.0).clamp(0.0, 999.0) as u64
}

impl From<truth::Label> for Label {
    fn from(label: truth::Label) -> Self {
        Self {
            id: label.id,
            scope: label.scope,
            segment: label.segment.to_owned(),
            fault: label.fault.to_owned(),
            culprit: label.culprit,
            start: label.start,
            end: label.end,
            fails: label.fails,
            wide: label.wide,
            silent: label.silent,
            seen: match label.seen {
                truth::Seen::Known => Seen::Known,
                truth::Seen::Unseen => Seen::Unseen,
            },
        }
    }
}

impl From<truth::Opening> for Opening {
    fn from(opening: truth::Opening) -> Self {
        Self {
            centre: opening.centre,
            opening: opening.opening,
            truth: match opening.truth {
                truth::Truth::Good => Truth::Good,
                truth::Truth::Weak => Truth::Weak,
                truth::Truth::Bad => Truth::Bad,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::evaluate::province::Folder;

    /// Everything a province says.
    fn all(mut province: impl Province) -> (Vec<Centre>, Vec<Record>, Vec<Label>, Vec<Opening>) {
        let centres = province.centres();
        let mut records = Vec::new();
        while let Some(record) = province.next().unwrap() {
            records.push(record);
        }
        let (labels, openings) = province.truth().unwrap();
        (centres, records, labels, openings)
    }

    #[test]
    fn what_is_judged_as_it_happens_is_what_would_have_been_written() {
        let scenario = Scenario {
            seed: 5,
            centres: 3,
            days: 2,
            faults: 8.0,
            ..Scenario::default()
        };
        let folder = tempfile::tempdir().unwrap();
        crate::simulate::write(&scenario, folder.path()).unwrap();
        let written = all(Folder::open(folder.path()).unwrap());
        let happened = all(Simulated::new(&scenario, Progress::of(1)));
        assert!(happened.1.len() > 10_000 && !happened.2.is_empty());
        assert_eq!(format!("{:?}", written.0), format!("{:?}", happened.0));
        assert!(written.1 == happened.1, "the records differ");
        assert_eq!(written.2, happened.2);
        assert_eq!(written.3, happened.3);
    }

    #[test]
    fn progress_is_told_once_for_each_step() {
        let progress = Progress::of(2);
        let told: Vec<u64> = (0..2000).filter_map(|_| progress.add(1)).collect();
        let steps: Vec<u64> = (1..=20).map(|step| step * 5).collect();
        assert_eq!(told, steps);
    }
}
