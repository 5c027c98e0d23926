//! Which batches of an agent were already taken, so that none is counted twice.
//!
//! Batches come in any order, so a high-water mark is not enough. Bounded, by forgetting the oldest
//! run: to count a batch twice is the smaller harm, to take a new one for a duplicate would lose it.
//!
//! In memory: after a restart of the collector a batch whose acknowledgement was lost is counted
//! again; its samples, which have the same times, change nothing in the live view.

use std::collections::VecDeque;

use spool::Ranges;

/// Runs of numbers that are remembered: one more than there may be gaps.
const RUNS: usize = 64;

/// Instances of one agent that are remembered: its last few processes.
const INSTANCES: usize = 4;

/// What was taken of one agent.
#[derive(Debug, Default)]
pub struct Seen {
    instances: VecDeque<(u64, Ranges)>,
}

impl Seen {
    /// Notes a batch. Says whether it is new.
    pub fn is_new(&mut self, instance: u64, sequence: u64) -> bool {
        if let Some((_, taken)) = self
            .instances
            .iter_mut()
            .find(|(known, _)| *known == instance)
        {
            return insert(taken, sequence);
        }
        if self.instances.len() >= INSTANCES {
            self.instances.pop_front();
        }
        let mut taken = Ranges::default();
        let new = insert(&mut taken, sequence);
        self.instances.push_back((instance, taken));
        new
    }
}

fn insert(taken: &mut Ranges, sequence: u64) -> bool {
    if taken.contains(sequence) {
        return false;
    }
    taken.insert(sequence);
    let second = taken.iter().nth(1).map(|(first, _)| first);
    if let Some(second) = second.filter(|_| taken.len() > RUNS) {
        taken.remove_below(second);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_new_once() {
        let mut seen = Seen::default();
        for sequence in [3, 1, 2, 7, u64::MAX] {
            assert!(seen.is_new(1, sequence));
            assert!(!seen.is_new(1, sequence));
        }
        assert!(seen.is_new(2, 1), "another instance counts for itself");
    }

    #[test]
    fn memory_is_bounded_against_gaps_and_instances() {
        let mut seen = Seen::default();
        for sequence in (2..100_000).step_by(2) {
            assert!(seen.is_new(1, sequence));
        }
        let (_, taken) = seen.instances.front().expect("one instance");
        assert!(taken.len() <= RUNS);
        assert!(!seen.is_new(1, 99_998), "the newest are known");
        assert!(
            seen.is_new(1, 2),
            "the oldest are forgotten, not taken for known"
        );
        for instance in 0..100 {
            seen.is_new(instance, 1);
        }
        assert_eq!(seen.instances.len(), INSTANCES);
    }
}
