//! A set of sequences, small when they are neighbours.

use std::collections::BTreeMap;

/// A set of sequences, kept as runs: what is in the spool's state file, and how a receiver remembers what it already took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(
    /// First to last of each run, both inclusive, never touching each other.
    BTreeMap<u64, u64>,
);

impl Ranges {
    /// Whether a sequence is in the set.
    pub fn contains(&self, sequence: u64) -> bool {
        self.0
            .range(..=sequence)
            .next_back()
            .is_some_and(|(_, last)| *last >= sequence)
    }

    /// Adds one.
    pub fn insert(&mut self, sequence: u64) {
        self.insert_range(sequence, sequence);
    }

    /// Adds all from `first` to `last`, both included.
    pub fn insert_range(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last.max(first));
        // Each run that overlaps or touches the new one becomes part of it.
        while let Some((&start, &end)) = self.0.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            first = first.min(start);
            last = last.max(end);
            self.0.remove(&start);
        }
        self.0.insert(first, last);
    }

    /// Forgets everything below `sequence`.
    pub fn remove_below(&mut self, sequence: u64) {
        let cut = self.0.range(..sequence).next_back().map(|(_, last)| *last);
        self.0 = self.0.split_off(&sequence);
        if let Some(last) = cut.filter(|last| *last >= sequence) {
            self.0.insert(sequence, last);
        }
    }

    /// Forgets all from `first` to `last`, both included.
    pub fn remove_range(&mut self, first: u64, last: u64) {
        while let Some((&start, &end)) = self.0.range(..=last).next_back() {
            if end < first {
                break;
            }
            self.0.remove(&start);
            if end > last {
                self.0.insert(last + 1, end);
            }
            if start < first {
                self.0.insert(start, first - 1);
            }
        }
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// First and last of each run, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(steps in prop::collection::vec((0u64..40, 0u64..4, 0u8..12), 0..60)) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for (first, more, kind) in steps {
                let last = first + more;
                match kind {
                    0 => {
                        ranges.remove_below(first);
                        model.retain(|member| *member >= first);
                    }
                    1..4 => {
                        ranges.remove_range(first, last);
                        model.retain(|member| !(first..=last).contains(member));
                    }
                    _ => {
                        ranges.insert_range(first, last);
                        model.extend(first..=last);
                    }
                }
                let runs = model.iter().filter(|member| !model.contains(&(**member + 1))).count();
                prop_assert_eq!(ranges.len(), runs);
                prop_assert_eq!(ranges.is_empty(), model.is_empty());
                for member in 0..50 {
                    prop_assert_eq!(ranges.contains(member), model.contains(&member));
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_numbers_are_no_trouble() {
        let mut ranges = Ranges::default();
        ranges.insert(u64::MAX);
        ranges.insert(0);
        ranges.insert_range(1, u64::MAX - 1);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(0, u64::MAX)]);
        ranges.remove_below(u64::MAX);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(u64::MAX, u64::MAX)]);
        ranges.remove_range(0, u64::MAX);
        assert!(ranges.is_empty());
    }
}
