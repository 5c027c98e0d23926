//! How all devices fare, for `status`, and how many series each needs: what the tasks of a scout share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use proto::ids::DeviceId;

use super::share::{self, PER_SCOUT};
use crate::sources::Unmeasurable;

/// Lines of `status` about devices: more are counted.
const LINES: usize = 16;

/// By device.
#[derive(Debug, Default)]
pub(super) struct Faring(Mutex<BTreeMap<DeviceId, One>>);

#[derive(Debug, Default)]
struct One {
    needs: usize,
    problems: Vec<Unmeasurable>,
}

impl Faring {
    fn all(&self) -> MutexGuard<'_, BTreeMap<DeviceId, One>> {
        // Whatever panicked, what is in it was whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how many series a device would have, and says how many it may have.
    pub(super) fn share(&self, device: &DeviceId, needs: usize) -> usize {
        let mut all = self.all();
        match all.get_mut(device) {
            Some(one) => one.needs = needs,
            None => {
                let problems = Vec::new();
                all.insert(device.clone(), One { needs, problems });
            }
        }
        share::fair(all.values().map(|one| one.needs))
    }

    /// Notes what is the matter with a device.
    pub(super) fn note(&self, device: &DeviceId, problems: Vec<Unmeasurable>) {
        self.all().entry(device.clone()).or_default().problems = problems;
    }

    /// Forgets whoever is no longer asked.
    pub(super) fn forget(&self, device: &DeviceId) {
        self.all().remove(device);
    }

    /// What is the matter with all of them, in few lines.
    pub(super) fn problems(&self) -> Vec<Unmeasurable> {
        let all = self.all();
        let mut problems = all.values().flat_map(|one| &one.problems);
        let mut lines: Vec<_> = problems.by_ref().take(LINES).cloned().collect();
        let more = problems.count();
        if more > 0 {
            lines.push(Unmeasurable {
                what: format!("{more} more problems of devices are not shown"),
                remedy: "look at the collector's page".to_owned(),
            });
        }
        lines
    }
}

/// Of a device that has more to tell than there is room for.
pub(super) fn left_out(device: &DeviceId, told: usize, needs: usize) -> Unmeasurable {
    Unmeasurable {
        what: format!("{device}: {told} of {needs} values are told"),
        remedy: format!("all devices together have at most {PER_SCOUT}: ask fewer"),
    }
}

/// Of a device that calls what it has otherwise all the time.
pub(super) fn too_new(device: &DeviceId, values: usize) -> Unmeasurable {
    Unmeasurable {
        what: format!("{device}: {values} values under new names are not told"),
        remedy: "see whether its interfaces or supplies are called otherwise all the time"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn device(n: usize) -> DeviceId {
        format!("switch-{n}").parse().unwrap()
    }

    fn problem(what: &str) -> Vec<Unmeasurable> {
        vec![Unmeasurable {
            what: what.to_owned(),
            remedy: "wait".to_owned(),
        }]
    }

    #[test]
    fn status_shows_few_lines_and_counts_the_rest() {
        let faring = Faring::default();
        for n in 0..20 {
            faring.note(&device(n), problem("is silent"));
        }
        let lines = faring.problems();
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines.last().unwrap().what.starts_with("4 more"));
        for n in 0..20 {
            faring.note(&device(n), Vec::new());
        }
        assert_eq!(faring.problems(), []);
    }

    #[test]
    fn who_is_no_longer_asked_makes_room() {
        let faring = Faring::default();
        for n in 0..4 {
            faring.share(&device(n), 600);
        }
        assert_eq!(faring.share(&device(0), 600), PER_SCOUT / 4);
        faring.forget(&device(1));
        assert_eq!(faring.share(&device(0), 600), 600);
    }
}
