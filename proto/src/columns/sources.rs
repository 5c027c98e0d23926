//! Which series a round has, and when it was.
//!
//! Rounds come from *sources*, each of which measures at its own regular times. The one that is due
//! first comes next, nearly always, at the expected millisecond or near it, and with the same series
//! as before. A source is recognised by the first series of its rounds; a list of series is a
//! *shape*. When there are too many of either, all are forgotten: that bounds memory, and costs a
//! few hundred bytes once in a long while.

use super::lane::{Lane, PerLane};
use super::number::{Expectation, Habits};
use super::range_coder::{Coder, Context};
use super::rounds::Round;
use crate::limits::SERIES_PER_AGENT;

/// Sources remembered, as bits of their number.
const SOURCE_WIDTH: u32 = 7;

/// Shapes remembered, as bits of their number.
const SHAPE_WIDTH: u32 = 8;

/// Series in remembered shapes, before the last one. Both sides forget at the same number: it is part of the
/// format.
const IDS: usize = 4_000;

/// Sources due before the one that comes, from which on it is named instead.
const PASSED: usize = 6;

/// Times are expected in sixteenths of a millisecond.
const FINE: i64 = 16;

/// A round so far from where it was expected changes the expectation at once. In sixteenths.
const PUNCTUAL: u64 = 250 * 16;

/// Assumed of the first source, in sixteenths: 15 s.
const FIRST_INTERVAL: i64 = 15_000 * FINE;

/// Everything known of the sources of a stream.
#[derive(Debug)]
pub(super) struct Sources {
    sources: Vec<Source>,
    shapes: Vec<Box<[u16]>>,
    /// Over all shapes.
    ids: usize,
    /// One above the last id of the newest shape.
    next_id: i64,
    /// Of the source that told it last.
    interval: i64,
    /// The latest time of each lane.
    now: PerLane<i64>,
    /// Whether no round of this message was coded yet.
    opening: bool,
    told: Told,
}

#[derive(Debug)]
struct Source {
    /// The first series of its rounds; none for rounds without any.
    key: Option<u16>,
    /// When its next round is expected.
    due: PerLane<i64>,
    interval: i64,
    /// Of its last round.
    shape: usize,
    /// Whether it had a round before.
    met: bool,
    off: Expectation,
}

/// Contexts and expectations.
#[derive(Debug, Default)]
struct Told {
    /// By the number of sources passed over: whether it is the next one.
    due: [Context; PASSED],
    known_source: Context,
    same_shape: Context,
    known_shape: Context,
    off: Habits,
    late: Context,
    count: Expectation,
    gap: Expectation,
    lists: Habits,
    backwards: Context,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            shapes: Vec::new(),
            ids: 0,
            next_id: 0,
            interval: FIRST_INTERVAL,
            now: PerLane::default(),
            opening: true,
            told: Told::default(),
        }
    }
}

impl Sources {
    /// A message begins.
    pub(super) fn begin(&mut self) {
        self.opening = true;
    }

    /// Codes the time and the series of a round.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        lane: Lane,
        round: Round<'_>,
    ) -> (i64, &[u16]) {
        let known = self.source(coder, lane, round.series.first().copied());
        let shape = self.shape(coder, known, round.series);
        let known = known.filter(|source| *source < self.sources.len());
        let source = known.unwrap_or_else(|| self.meet(shape));
        let time = self.time(coder, lane, source, round.time_unix_ms);
        if let Some(source) = self.sources.get_mut(source) {
            source.shape = shape;
        }
        self.opening = false;
        let ids = self.shapes.get(shape).map(AsRef::as_ref);
        (time, ids.unwrap_or_default())
    }

    /// Codes which of the known sources this is, if any.
    fn source<C: Coder>(&mut self, coder: &mut C, lane: Lane, key: Option<u32>) -> Option<usize> {
        let given = self
            .sources
            .iter()
            .position(|s| s.key.map(u32::from) == key);
        let mut passed = None;
        for context in &mut self.told.due {
            let Some(next) = next_due(&self.sources, lane, *self.now.of(lane), passed) else {
                break;
            };
            if coder.decide(context, given == Some(next.1)) {
                return Some(next.1);
            }
            passed = Some(next);
        }
        if !coder.decide(&mut self.told.known_source, given.is_some()) {
            return None;
        }
        let index = coder.bits(SOURCE_WIDTH, given.unwrap_or_default() as u64);
        usize::try_from(index).ok()
    }

    /// Codes the series; returns the number of their shape.
    fn shape<C: Coder>(&mut self, coder: &mut C, source: Option<usize>, ids: &[u32]) -> usize {
        let is = |shape: &[u16]| shape.iter().copied().map(u32::from).eq(ids.iter().copied());
        let given = self.shapes.iter().position(|shape| is(shape));
        if let Some(source) = source.and_then(|source| self.sources.get(source))
            && coder.decide(&mut self.told.same_shape, given == Some(source.shape))
        {
            return source.shape;
        }
        if !self.shapes.is_empty() && coder.decide(&mut self.told.known_shape, given.is_some()) {
            let index = coder.bits(SHAPE_WIDTH, given.unwrap_or_default() as u64);
            return usize::try_from(index)
                .unwrap_or_default()
                .min(self.shapes.len() - 1);
        }
        let shape = self.list(coder, ids);
        if self.shapes.len() >> SHAPE_WIDTH != 0 || self.ids > IDS {
            self.sources.clear();
            self.shapes.clear();
            self.ids = 0;
        }
        self.ids += shape.len();
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    /// Codes series one by one: mostly each is the one after that before it.
    fn list<C: Coder>(&mut self, coder: &mut C, ids: &[u32]) -> Box<[u16]> {
        let told = &mut self.told;
        let count = told.count.code(coder, &mut told.lists, ids.len() as u64);
        let count =
            usize::try_from(count).map_or(SERIES_PER_AGENT, |count| count.min(SERIES_PER_AGENT));
        let mut shape = Vec::with_capacity(count);
        for index in 0..count {
            let given = ids.get(index).copied().map_or(0, i64::from);
            let gap = given - self.next_id;
            let gap = told
                .gap
                .signed(coder, &mut told.lists, &mut told.backwards, gap);
            let id = self.next_id.wrapping_add(gap);
            let id = u16::try_from(id).unwrap_or_default();
            let id = if usize::from(id) < SERIES_PER_AGENT {
                id
            } else {
                0
            };
            shape.push(id);
            self.next_id = i64::from(id) + 1;
        }
        shape.into()
    }

    /// A source seen for the first time.
    fn meet(&mut self, shape: usize) -> usize {
        if self.sources.len() >> SOURCE_WIDTH != 0 {
            self.sources.clear();
        }
        let key = self.shapes.get(shape).and_then(|ids| ids.first().copied());
        self.sources.push(Source {
            key,
            due: self.now,
            interval: self.interval,
            shape,
            met: false,
            off: Expectation::default(),
        });
        self.sources.len() - 1
    }

    /// Codes the time of a round, and learns from it when the next one is due.
    fn time<C: Coder>(&mut self, coder: &mut C, lane: Lane, source: usize, time: i64) -> i64 {
        let Some(known) = self.sources.get_mut(source) else {
            return time;
        };
        let due = *known.due.of(lane);
        let expected = due.wrapping_add(FINE / 2).div_euclid(FINE);
        let late = known.off.signed(
            coder,
            &mut self.told.off,
            &mut self.told.late,
            time.wrapping_sub(expected),
        );
        let time = expected.wrapping_add(late);
        let now = time.wrapping_mul(FINE);
        *self.now.of_mut(lane) = now;
        let late = now.wrapping_sub(due);
        if !std::mem::replace(&mut known.met, true) {
            for due in known.due.each_mut() {
                *due = now.wrapping_add(known.interval);
            }
        } else if late.unsigned_abs() < PUNCTUAL {
            known.interval = known.interval.wrapping_add(late / 16);
            *known.due.of_mut(lane) = due.wrapping_add(known.interval).wrapping_add(late / 2);
        } else if self.opening {
            // The message is about another time than the one before it: so is all of it.
            let next = due.wrapping_add(known.interval);
            *known.due.of_mut(lane) = next;
            for source in &mut self.sources {
                let due = source.due.of_mut(lane);
                *due = due.wrapping_add(late);
            }
        } else {
            let interval = known.interval.wrapping_add(late);
            if interval > 0 {
                known.interval = interval;
                self.interval = interval;
            }
            *known.due.of_mut(lane) = now.wrapping_add(known.interval);
        }
        time
    }
}

/// The source that is due first, but after `passed`. One whose time is long over is not waited for.
fn next_due(
    sources: &[Source],
    lane: Lane,
    now: i64,
    passed: Option<(i64, usize)>,
) -> Option<(i64, usize)> {
    sources
        .iter()
        .enumerate()
        .filter(|(_, source)| now.wrapping_sub(*source.due.of(lane)) <= source.interval / 4)
        .map(|(index, source)| (*source.due.of(lane), index))
        .filter(|next| passed.is_none_or(|passed| *next > passed))
        .min()
}
