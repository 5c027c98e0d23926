//! What fails in many centres at once: a portal that is down is one thing, not as many as there are
//! lines to it.

use super::{CentreNow, Outcomes, Standing};
use crate::registry::Centre;

/// Different services that are counted; more than any province names.
const MOST_SERVICES: usize = 100;

/// A service that fails somewhere.
#[derive(Debug)]
pub(in crate::web) struct Failing<'a> {
    pub(in crate::web) service: &'a str,
    /// Where it does, and how for most devices there.
    pub(in crate::web) fails_in: Vec<(&'a Centre, &'a str)>,
    /// Centres that use it, and whose connection does not explain that it fails.
    pub(in crate::web) used_in: usize,
    /// How it ended where it fails.
    pub(in crate::web) outcomes: Outcomes,
}

impl<'a> Failing<'a> {
    /// Every service that fails for at least half the devices of some centre, what fails most first.
    pub(in crate::web) fn in_any_of(centres: &'a [CentreNow]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        // Where the connection itself is poor, it is known why.
        let connected = centres.iter().filter(|now| now.standing > Standing::Poor);
        for now in connected {
            for (service, outcomes) in &now.services {
                if let Some(known) = all.iter_mut().find(|known| known.service == service) {
                    known.add(now, outcomes);
                } else if all.len() < MOST_SERVICES {
                    let mut new = Self {
                        service,
                        fails_in: Vec::new(),
                        used_in: 0,
                        outcomes: Outcomes::default(),
                    };
                    new.add(now, outcomes);
                    all.push(new);
                }
            }
        }
        all.retain(|failing| !failing.fails_in.is_empty());
        all.sort_by(|one, other| {
            let by_count = other.fails_in.len().cmp(&one.fails_in.len());
            by_count.then_with(|| one.service.cmp(other.service))
        });
        all
    }

    fn add(&mut self, now: &'a CentreNow, outcomes: &'a Outcomes) {
        self.used_in += usize::from(outcomes.devices() > 0);
        if outcomes.mostly_fail()
            && let Some((how, _)) = outcomes.failures().first()
        {
            self.fails_in.push((&now.centre, how));
            self.outcomes.add(outcomes);
        }
    }

    /// Whether so many centres have the same trouble that it lies with none of them.
    pub(in crate::web) fn is_widespread(&self) -> bool {
        self.fails_in.len() > 2 && self.fails_in.len() * 2 > self.used_in
    }
}
