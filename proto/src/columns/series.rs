//! One series: what is expected of its next value.

use super::lane::{Lane, PerLane};
use super::number::{Expectation, Habits, bit_length};
use super::range_coder::{Coder, Context, nth};
use super::scale::{Counted, Habit, Scale};

/// What a series was like so far.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// In which lanes it was.
    seen: PerLane<bool>,
    scale: Scale,
    /// The sending side's knowledge alone.
    habit: Habit,
    /// Of the integers.
    mean: i64,
    /// Average step from integer to integer, in sixteenths.
    drift: i64,
    /// By [`Prediction`]: how far it has been off, as average bit length in 256ths.
    errors: [u16; 4],
    /// Whether the value before differed from the one before it.
    changed: bool,
    /// Whether the last step was that of the neighbour.
    followed: bool,
    expected: Expectation,
    noise: Expectation,
    /// By `changed` and whether the neighbour did: whether the value is the same.
    same: [Context; 4],
    /// Whether the value has another unit or is no whole number of it.
    irregular: Context,
    rescaled: Context,
    /// By `followed`: whether the step is that of the neighbour.
    follows: [Context; 2],
    /// Whether the step is the one before.
    repeats: Context,
    /// By the direction of the neighbour's step, and whether anything but the last value predicts.
    negative: [[Context; 3]; 2],
}

/// A collector holds one for every series of every agent.
const _: () = assert!(size_of::<Series>() <= 72);

/// Where a series is in one lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Last {
    value: f64,
    integer: i64,
    step: i64,
}

/// Where a series is in the lane at hand, and in the other one, if that ever had so many series: most
/// streams have no backlog.
pub(super) struct Lasts<'a> {
    pub(super) here: &'a mut Last,
    pub(super) there: Option<&'a mut Last>,
}

/// What all series of a stream share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    steps: Habits,
    noise: Habits,
    noisy: Context,
    noise_negative: Context,
    /// A binary tree of [`Scale::WIDTH`] levels, its root at 1.
    scale: [Context; 1 << Scale::WIDTH],
}

/// From what the residual of a step is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Prediction {
    Unchanged,
    Drift,
    Mean,
    Neighbour,
}

impl Prediction {
    const ALL: [Self; 4] = [Self::Unchanged, Self::Drift, Self::Mean, Self::Neighbour];
}

impl Series {
    /// Codes a value. The neighbour's step is that of the series before it in the round, and becomes
    /// that of this one.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        shared: &mut Shared,
        lane: Lane,
        mut lasts: Lasts<'_>,
        neighbour: &mut i64,
        value: f64,
    ) -> f64 {
        let fresh = self.enter(lane, &mut lasts);
        let last = *lasts.here;
        let context = usize::from(self.changed) | usize::from(*neighbour != 0) << 1;
        let same = value.to_bits() == last.value.to_bits();
        self.changed = !coder.decide(nth(&mut self.same, context), same);
        if !self.changed {
            lasts.here.step = 0;
            self.followed = false;
            *neighbour = 0;
            return last.value;
        }
        let given = if C::WRITES {
            self.habit.count(self.scale, value)
        } else {
            Counted::default()
        };
        let noisy = self.rescale(coder, shared, &mut lasts, given);
        let Last { integer, step, .. } = *lasts.here;
        let given_step = given.integer.wrapping_sub(integer);
        let step = self.step(coder, shared, integer, step, *neighbour, given_step);
        let integer = integer.wrapping_add(step);
        let noise = if noisy {
            let negative = &mut shared.noise_negative;
            self.noise
                .signed(coder, &mut shared.noise, negative, given.noise)
        } else {
            0
        };
        if fresh {
            self.mean = integer;
            self.expected = Expectation::default();
        } else {
            self.learn(integer, step, *neighbour);
        }
        let scale = self.scale;
        let value = Counted {
            scale,
            integer,
            noise,
        }
        .value();
        *lasts.here = Last {
            value,
            integer,
            step,
        };
        *neighbour = step;
        value
    }

    /// A lane starts where the other is. Whether nothing is known of the series at all.
    fn enter(&mut self, lane: Lane, lasts: &mut Lasts<'_>) -> bool {
        let (here, there) = self.seen.apart_mut(lane);
        if std::mem::replace(here, true) {
            return false;
        }
        if let Some(there) = &lasts.there {
            *lasts.here = **there;
        }
        !*there
    }

    /// Codes the unit, where it changes; returns whether the value is off it.
    fn rescale<C: Coder>(
        &mut self,
        coder: &mut C,
        shared: &mut Shared,
        lasts: &mut Lasts<'_>,
        given: Counted,
    ) -> bool {
        let (rescaled, noisy) = (given.scale != self.scale, given.noise != 0);
        if !coder.decide(&mut self.irregular, rescaled || noisy) {
            return false;
        }
        if !coder.decide(&mut self.rescaled, rescaled) {
            return true;
        }
        let mut node = 1;
        for level in (0..Scale::WIDTH).rev() {
            let bit = coder.decide(
                nth(&mut shared.scale, node),
                given.scale.index() >> level & 1 == 1,
            );
            node = node << 1 | usize::from(bit);
        }
        let scale = Scale::from_index(node & ((1 << Scale::WIDTH) - 1));
        for last in [Some(&mut *lasts.here), lasts.there.as_deref_mut()]
            .into_iter()
            .flatten()
        {
            last.integer = self.scale.convert(last.integer, scale);
            last.step = self.scale.convert(last.step, scale);
        }
        self.drift = self.scale.convert(self.drift, scale);
        self.mean = self.scale.convert(self.mean, scale);
        self.scale = scale;
        coder.decide(&mut shared.noisy, noisy)
    }

    /// Codes the step of a value that is not the same.
    fn step<C: Coder>(
        &mut self,
        coder: &mut C,
        shared: &mut Shared,
        from: i64,
        before: i64,
        neighbour: i64,
        step: i64,
    ) -> i64 {
        let context = nth(&mut self.follows, usize::from(self.followed));
        self.followed = neighbour != 0 && coder.decide(context, step == neighbour);
        if self.followed {
            return neighbour;
        }
        if before != 0 && before != neighbour && coder.decide(&mut self.repeats, step == before) {
            return before;
        }
        let mut best = (u16::MAX, Prediction::Unchanged);
        for (error, prediction) in self.errors.into_iter().zip(Prediction::ALL) {
            if error < best.0 {
                best = (error, prediction);
            }
        }
        let predicted = self.predict(best.1, from, neighbour);
        let signs = &mut self.negative;
        let sign = match signs {
            [last, _] if best.1 == Prediction::Unchanged => last,
            [_, other] => other,
        };
        let sign = nth(
            sign,
            match neighbour {
                ..0 => 0,
                0 => 1,
                1.. => 2,
            },
        );
        let off = step.wrapping_sub(predicted);
        let off = self.expected.signed(coder, &mut shared.steps, sign, off);
        predicted.wrapping_add(off)
    }

    fn predict(&self, prediction: Prediction, from: i64, neighbour: i64) -> i64 {
        match prediction {
            Prediction::Unchanged => 0,
            Prediction::Drift => self.drift >> 4,
            Prediction::Mean => self.mean.wrapping_sub(from),
            Prediction::Neighbour => neighbour,
        }
    }

    fn learn(&mut self, integer: i64, step: i64, neighbour: i64) {
        let from = integer.wrapping_sub(step);
        for (index, prediction) in Prediction::ALL.into_iter().enumerate() {
            let off = step.wrapping_sub(self.predict(prediction, from, neighbour));
            let length = bit_length(off.unsigned_abs()).cast_signed() << 8;
            if let Some(error) = self.errors.get_mut(index) {
                let average = i32::from(*error);
                *error = u16::try_from(average + ((length - average) >> 3)).unwrap_or_default();
            }
        }
        self.mean = self.mean.wrapping_add(integer.wrapping_sub(self.mean) >> 2);
        let drift = step.wrapping_mul(16).wrapping_sub(self.drift) >> 2;
        self.drift = self.drift.wrapping_add(drift);
    }
}
