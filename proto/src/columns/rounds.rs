//! Moments and what was measured at each, as columns: what goes into the codec and comes out of it.
//!
//! Bounded by construction, so that whatever is in one can be coded, and whatever was decoded can be
//! relied on. What the ids and values mean is no business of this file.

use crate::limits::{ROUNDS_PER_BATCH, SAMPLES_PER_BATCH, SERIES_PER_AGENT};

/// Moments and what was measured at each.
///
/// Never holds more than [`ROUNDS_PER_BATCH`] rounds, [`SAMPLES_PER_BATCH`] samples,
/// [`SERIES_PER_AGENT`] samples in one round, or an id from there up. Equal when all times, ids and values are; as with any float, no NaN
/// equals another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rounds {
    times: Vec<i64>,
    /// For each round, where its samples end in the columns below.
    ends: Vec<usize>,
    series: Vec<u32>,
    values: Vec<f64>,
}

/// What was measured at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Round<'a> {
    /// By the agent's wall clock, Unix milliseconds, uncorrected.
    pub time_unix_ms: i64,
    /// Ids, in the order they were pushed.
    pub series: &'a [u32],
    /// Their values: as many.
    pub values: &'a [f64],
}

impl<'a> Round<'a> {
    /// Ids with their values.
    pub fn samples(&self) -> impl Iterator<Item = (u32, f64)> + use<'a> {
        self.series.iter().copied().zip(self.values.iter().copied())
    }
}

/// A round that does not fit into one batch; nothing of it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is room for it in another batch, or in none.
    #[error(
        "start another batch: one holds {ROUNDS_PER_BATCH} rounds and {SAMPLES_PER_BATCH} samples, a round {SERIES_PER_AGENT}"
    )]
    Full,
    /// The id can be on no stream.
    #[error("{id} is no id of a series: they end before {SERIES_PER_AGENT}")]
    Id {
        /// What was given as one.
        id: u32,
    },
}

impl Rounds {
    /// Adds a round, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it does not fit; see [`Unfit`].
    pub fn push(
        &mut self,
        time_unix_ms: i64,
        samples: impl IntoIterator<Item = (u32, f64)>,
    ) -> Result<(), Unfit> {
        if self.times.len() >= ROUNDS_PER_BATCH {
            return Err(Unfit::Full);
        }
        let before = self.series.len();
        for (id, value) in samples {
            let wide = self.series.len() - before >= SERIES_PER_AGENT;
            let unfit = if wide || self.series.len() >= SAMPLES_PER_BATCH {
                Some(Unfit::Full)
            } else if id as usize >= SERIES_PER_AGENT {
                Some(Unfit::Id { id })
            } else {
                None
            };
            if let Some(unfit) = unfit {
                self.series.truncate(before);
                self.values.truncate(before);
                return Err(unfit);
            }
            self.series.push(id);
            self.values.push(value);
        }
        self.times.push(time_unix_ms);
        self.ends.push(self.series.len());
        Ok(())
    }

    /// The rounds, in the order they were pushed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Round<'_>> {
        let mut start = 0;
        self.times
            .iter()
            .zip(&self.ends)
            .map(move |(time_unix_ms, end)| {
                let samples = std::mem::replace(&mut start, *end)..*end;
                Round {
                    time_unix_ms: *time_unix_ms,
                    series: self.series.get(samples.clone()).unwrap_or_default(),
                    values: self.values.get(samples).unwrap_or_default(),
                }
            })
    }

    /// How many rounds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// How many samples, over all rounds.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no round.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Forgets the rounds and keeps the memory.
    pub fn clear(&mut self) {
        self.times.clear();
        self.ends.clear();
        self.series.clear();
        self.values.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn rounds_come_out_as_they_went_in() {
        let mut rounds = Rounds::default();
        rounds.push(5, [(1, 0.5), (0, -0.0)]).unwrap();
        rounds.push(-7, []).unwrap();
        rounds.push(6, [(1, 2.0)]).unwrap();
        let seen: Vec<_> = rounds
            .iter()
            .map(|round| (round.time_unix_ms, round.samples().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            seen,
            [
                (5, vec![(1, 0.5), (0, -0.0)]),
                (-7, vec![]),
                (6, vec![(1, 2.0)])
            ]
        );
        assert_eq!((rounds.len(), rounds.samples()), (3, 3));
        rounds.clear();
        assert!(rounds.is_empty());
        assert_eq!(rounds, Rounds::default());
    }

    #[test]
    fn what_does_not_fit_is_refused_whole() {
        let mut rounds = Rounds::default();
        let beyond = u32::try_from(SERIES_PER_AGENT).unwrap();
        let refused = rounds.push(1, [(0, 1.0), (beyond, 1.0)]);
        assert_eq!(refused, Err(Unfit::Id { id: beyond }));
        assert_eq!(rounds, Rounds::default());

        let wide = std::iter::repeat_n((0, 1.0), SERIES_PER_AGENT + 1);
        assert_eq!(rounds.push(1, wide), Err(Unfit::Full));
        for _ in 1..SAMPLES_PER_BATCH / SERIES_PER_AGENT {
            let widest = std::iter::repeat_n((0, 1.0), SERIES_PER_AGENT);
            rounds.push(1, widest).unwrap();
        }
        let nearly = std::iter::repeat_n((0, 1.0), SERIES_PER_AGENT - 1);
        rounds.push(1, nearly).unwrap();
        assert_eq!(rounds.push(2, [(0, 1.0), (1, 1.0)]), Err(Unfit::Full));
        rounds.push(2, [(0, 1.0)]).unwrap();
        while rounds.len() < ROUNDS_PER_BATCH {
            rounds.push(3, []).unwrap();
        }
        assert_eq!(rounds.push(4, []), Err(Unfit::Full));
        assert_eq!(
            (rounds.len(), rounds.samples()),
            (ROUNDS_PER_BATCH, SAMPLES_PER_BATCH)
        );
    }
}
