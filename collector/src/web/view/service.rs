//! Services and resolvers as devices find them: how attempts ended, for how many devices, and how long
//! each phase took.
//!
//! One device's and a whole centre's have the same shape, so that a page shows both alike.

use proto::metrics::{self as catalogue, Metric};
use proto::thresholds::RTT;

use super::measured::{OfRun, Run};
use super::{Standing, judge, median};
use crate::latest::Slot;

/// The outcome of what is as it should be, of services and of resolvers.
const ANSWERED: &str = "answered";

/// One page of a portal is some ten round trips: a whole attempt is judged by a tenth of its time.
const ROUND_TRIPS: f64 = 10.0;

/// How many devices an attempt ended which way for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::web) struct Outcomes(Vec<(String, usize)>);

impl Outcomes {
    fn of_one(word: &str) -> Self {
        Self(vec![(word.to_owned(), 1)])
    }

    pub(in crate::web) fn add(&mut self, other: &Self) {
        for (word, count) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| known == word) {
                Some((_, sum)) => *sum += count,
                None => self.0.push((word.clone(), *count)),
            }
        }
    }

    /// In no particular order.
    pub(in crate::web) fn all(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(word, count)| (word.as_str(), *count))
    }

    /// Devices that tried.
    pub(in crate::web) fn devices(&self) -> usize {
        self.all().map(|(_, count)| count).sum()
    }

    /// Devices for which all was well.
    pub(in crate::web) fn answered(&self) -> usize {
        let answered = self.all().filter(|(word, _)| *word == ANSWERED);
        answered.map(|(_, count)| count).sum()
    }

    /// How attempts failed, what befell most devices first.
    pub(in crate::web) fn failures(&self) -> Vec<(&str, usize)> {
        let mut failures: Vec<_> = self.all().filter(|(word, _)| *word != ANSWERED).collect();
        failures.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        failures
    }

    /// Whether it fails for at least half of those that tried.
    pub(in crate::web) fn mostly_fail(&self) -> bool {
        let devices = self.devices();
        devices > 0 && self.answered() * 2 <= devices
    }

    fn standing(&self) -> Option<Standing> {
        if self.devices() == 0 {
            None
        } else if self.mostly_fail() {
            Some(Standing::Poor)
        } else if self.answered() < self.devices() {
            Some(Standing::Notice)
        } else {
            Some(Standing::Good)
        }
    }
}

/// The phases of an attempt, in their order.
pub(in crate::web) const PHASES: [&str; 5] = ["dns", "connect", "tls", "first_byte", "transfer"];

/// Something people use over the network.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Service {
    pub(in crate::web) name: String,
    pub(in crate::web) outcomes: Outcomes,
    /// Seconds, in the order of [`PHASES`]; absent for those that were not finished.
    pub(in crate::web) phases: [Option<f64>; PHASES.len()],
    pub(in crate::web) status: Option<f64>,
    /// Unix seconds.
    pub(in crate::web) expires: Option<f64>,
    run: Run,
}

impl Service {
    pub(super) fn take(&mut self, slot: &Slot) {
        match self.run.sees(slot) {
            OfRun::Older => return,
            OfRun::Same => {}
            OfRun::Newer => {
                let (name, run) = (std::mem::take(&mut self.name), self.run);
                *self = Self {
                    name,
                    run,
                    ..Self::default()
                };
            }
        }
        let is = |metric: &'static Metric| slot.series().metric == metric;
        if is(&catalogue::PROBE_OUTCOME) {
            if slot.value > 0.0 {
                self.outcomes = Outcomes::of_one(slot.label("outcome"));
            }
        } else if is(&catalogue::PROBE_PHASE) {
            let place = PHASES.iter().position(|name| *name == slot.label("phase"));
            if let Some(phase) = place.and_then(|place| self.phases.get_mut(place)) {
                *phase = Some(slot.value);
            }
        } else if is(&catalogue::PROBE_STATUS) {
            self.status = Some(slot.value);
        } else if is(&catalogue::PROBE_TLS_EXPIRY) {
            self.expires = Some(slot.value);
        }
    }

    /// How long the finished phases took together. `None` when there is none.
    pub(in crate::web) fn took(&self) -> Option<f64> {
        self.phases
            .iter()
            .flatten()
            .copied()
            .reduce(|sum, phase| sum + phase)
    }

    /// What it deserves. `None` when nobody tried.
    pub(in crate::web) fn standing(&self) -> Option<Standing> {
        let outcomes = self.outcomes.standing()?;
        Some(self.speed().map_or(outcomes, |speed| speed.min(outcomes)))
    }

    /// Whether it answers, and so late that people notice.
    pub(in crate::web) fn is_slow(&self) -> bool {
        self.speed().is_some_and(Standing::is_weak)
    }

    /// What its time deserves, where anybody got an answer.
    fn speed(&self) -> Option<Standing> {
        let took = self.took().filter(|_| self.outcomes.answered() > 0)?;
        Some(judge(&RTT, took / ROUND_TRIPS))
    }

    /// The same services as all these devices find them, in order of name: outcomes counted, times the
    /// middle ones.
    pub(in crate::web) fn middle<'s>(services: impl Iterator<Item = &'s Self>) -> Vec<Self> {
        let merge = |services: &[&Self]| {
            let of = |value: fn(&Self) -> Option<f64>| {
                median(services.iter().filter_map(|one| value(one)).collect())
            };
            let mut phases = [None; PHASES.len()];
            for (place, phase) in phases.iter_mut().enumerate() {
                let times = services
                    .iter()
                    .filter_map(|one| *one.phases.get(place)?)
                    .collect();
                *phase = median(times);
            }
            let mut outcomes = Outcomes::default();
            services.iter().for_each(|one| outcomes.add(&one.outcomes));
            Self {
                name: services
                    .first()
                    .map(|one| one.name.clone())
                    .unwrap_or_default(),
                outcomes,
                phases,
                status: of(|one| one.status),
                expires: of(|one| one.expires),
                run: Run::default(),
            }
        };
        by_name(services, |one| &one.name, merge)
    }
}

/// Somebody who is asked for names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Resolver {
    pub(in crate::web) name: String,
    pub(in crate::web) outcomes: Outcomes,
    /// Seconds.
    pub(in crate::web) took: Option<f64>,
    run: Run,
}

impl Resolver {
    /// What agents call the machine's own resolution.
    pub(in crate::web) const SYSTEM: &str = "system";

    pub(super) fn take(&mut self, slot: &Slot) {
        match self.run.sees(slot) {
            OfRun::Older => return,
            OfRun::Same => {}
            OfRun::Newer => (self.outcomes, self.took) = (Outcomes::default(), None),
        }
        let is = |metric: &'static Metric| slot.series().metric == metric;
        if is(&catalogue::DNS_OUTCOME) {
            if slot.value > 0.0 {
                self.outcomes = Outcomes::of_one(slot.label("outcome"));
            }
        } else if is(&catalogue::DNS_DURATION) {
            self.took = Some(slot.value);
        }
    }

    /// What it deserves. `None` when nobody asked it.
    pub(in crate::web) fn standing(&self) -> Option<Standing> {
        self.outcomes.standing()
    }

    /// As [`Service::middle`].
    pub(in crate::web) fn middle<'r>(resolvers: impl Iterator<Item = &'r Self>) -> Vec<Self> {
        let merge = |resolvers: &[&Self]| {
            let mut outcomes = Outcomes::default();
            resolvers.iter().for_each(|one| outcomes.add(&one.outcomes));
            Self {
                name: resolvers
                    .first()
                    .map(|one| one.name.clone())
                    .unwrap_or_default(),
                outcomes,
                took: median(resolvers.iter().filter_map(|one| one.took).collect()),
                run: Run::default(),
            }
        };
        by_name(resolvers, |one| &one.name, merge)
    }
}

fn by_name<'t, T: 't>(
    all: impl Iterator<Item = &'t T>,
    name: fn(&T) -> &String,
    merge: impl Fn(&[&'t T]) -> T,
) -> Vec<T> {
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|one| name(one));
    all.chunk_by(|one, other| name(one) == name(other))
        .map(merge)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn service(outcome: &str, took: f64) -> Service {
        Service {
            name: "portal".into(),
            outcomes: Outcomes::of_one(outcome),
            phases: [None, None, None, Some(took), None],
            ..Service::default()
        }
    }

    #[test]
    fn a_service_is_judged_by_its_outcomes_and_its_time() {
        let check = |services: &[Service], expected: Option<Standing>| {
            let middle = Service::middle(services.iter());
            let standing = middle.first().and_then(Service::standing);
            assert_eq!(standing, expected, "{services:?}");
        };
        let good = || service("answered", 0.4);
        let dead = || service("timeout", 0.0);
        check(&[], None);
        check(&[Service::default()], None);
        check(&[good()], Some(Standing::Good));
        check(&[good(), good(), dead()], Some(Standing::Notice));
        check(&[good(), dead()], Some(Standing::Poor));
        check(&[service("answered", 1.6)], Some(Standing::Notice));
        check(&[service("answered", 3.1)], Some(Standing::Poor));
        // How long a refusal took says nothing.
        check(&[good(), good(), good(), dead()], Some(Standing::Notice));
    }

    #[test]
    fn the_middle_counts_outcomes_and_takes_the_middle_times() {
        let all = [
            service("answered", 0.1),
            service("answered", 0.3),
            service("timeout", 0.9),
        ];
        let middle = Service::middle(all.iter());
        assert_eq!(middle.len(), 1);
        assert_eq!(middle[0].took(), Some(0.3));
        let outcomes = &middle[0].outcomes;
        assert_eq!((outcomes.devices(), outcomes.answered()), (3, 2));
        assert_eq!(outcomes.failures(), [("timeout", 1)]);
    }
}
