//! What a stream has taught about itself, and how a message is told with it.

use super::lane::{Lane, PerLane};
use super::number::{Expectation, Habits};
use super::range_coder::{Coder, Context};
use super::rounds::Round;
use super::series::{Last, Lasts, Series, Shared};
use super::sources::Sources;
use crate::limits::ROUNDS_PER_BATCH;

/// The state of a stream, the same on both sides. To what it is asked to code, a reader hands in
/// anything and gets what was written.
#[derive(Debug, Default)]
pub(super) struct Model {
    length: Length,
    sources: Sources,
    /// By id: agents number their series without gaps.
    series: Vec<Series>,
    /// Likewise, for each lane that was used.
    lasts: PerLane<Vec<Last>>,
    shared: Shared,
}

/// What a stream costs before its first series.
const _: () = assert!(size_of::<Model>() <= 2_048);

/// How many rounds messages have.
#[derive(Debug, Default)]
struct Length {
    before: PerLane<i64>,
    change: Expectation,
    fewer: Context,
    habits: Habits,
}

impl Model {
    /// Starts a message of so many rounds.
    pub(super) fn begin<C: Coder>(&mut self, coder: &mut C, lane: Lane, rounds: usize) -> usize {
        let length = &mut self.length;
        let before = length.before.of_mut(lane);
        let change = i64::try_from(rounds).unwrap_or(i64::MAX) - *before;
        let change = length
            .change
            .signed(coder, &mut length.habits, &mut length.fewer, change);
        let rounds = usize::try_from(before.saturating_add(change)).unwrap_or_default();
        let rounds = rounds.min(ROUNDS_PER_BATCH);
        *before = i64::try_from(rounds).unwrap_or(i64::MAX);
        self.sources.begin();
        rounds
    }

    /// Codes a round. Its values are coded as the iterator is used, which has to be to its end.
    pub(super) fn round<C: Coder>(
        &mut self,
        coder: &mut C,
        lane: Lane,
        round: Round<'_>,
    ) -> (i64, impl Iterator<Item = (u32, f64)>) {
        let (time, ids) = self.sources.code(coder, lane, round);
        let highest = ids.iter().max().map_or(0, |id| usize::from(*id) + 1);
        let (here, there) = self.lasts.apart_mut(lane);
        grow(&mut self.series, highest);
        grow(here, highest);
        let series = &mut self.series;
        let shared = &mut self.shared;
        let mut given = round.values.iter();
        let mut neighbour = 0;
        let samples = ids.iter().filter_map(move |id| {
            let value = given.next().copied().unwrap_or_default();
            let place = usize::from(*id);
            let series = series.get_mut(place)?;
            let lasts = Lasts {
                here: here.get_mut(place)?,
                there: there.get_mut(place),
            };
            let value = series.code(coder, shared, lane, lasts, &mut neighbour, value);
            Some((u32::from(*id), value))
        });
        (time, samples)
    }
}

/// Makes room for so many and no more: collectors are full of these.
fn grow<T: Default>(list: &mut Vec<T>, length: usize) {
    if let Some(more) = length.checked_sub(list.len()) {
        list.reserve_exact(more);
        list.resize_with(length, T::default);
    }
}
