//! Numbers as decisions, few for those of the expected size.
//!
//! A magnitude is its bit length, the bit below the highest, and the rest plainly: the rest of a
//! measurement is noise, and costs what it costs. The length is told by its distance from the average
//! of those before it.

use super::range_coder::{Coder, Context, nth};

/// Distances of a length from the expected one that are told apart.
const DISTANCES: usize = 10;

/// Lengths whose second bits are told apart.
const LENGTHS: usize = 12;

/// What all numbers of one kind have in common.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// By the fraction of the expected length: whether this one is above it, whether below.
    above: [Context; 4],
    below: [Context; 4],
    /// By the distance so far: whether it is farther still.
    far_above: [Context; DISTANCES],
    far_below: [Context; DISTANCES],
    /// By length: the bit below the highest.
    second: [Context; LENGTHS],
}

/// What is expected of the next number of one series: the average bit length, in sixteenths.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expectation(u16);

impl Expectation {
    /// Codes a number of either sign.
    pub(super) fn signed<C: Coder>(
        &mut self,
        coder: &mut C,
        habits: &mut Habits,
        negative: &mut Context,
        number: i64,
    ) -> i64 {
        let magnitude = self.code(coder, habits, number.unsigned_abs());
        let told = magnitude.cast_signed();
        if magnitude != 0 && coder.decide(negative, number < 0) {
            told.wrapping_neg()
        } else {
            told
        }
    }

    /// Codes a magnitude.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        habits: &mut Habits,
        magnitude: u64,
    ) -> u64 {
        let length = self.length(coder, habits, bit_length(magnitude));
        self.learn(length);
        if length < 2 {
            return length.into();
        }
        let open = length - 2;
        let context = nth(&mut habits.second, open as usize);
        let second = coder.decide(context, magnitude >> open & 1 == 1);
        let plain = coder.bits(open, magnitude & ((1 << open) - 1));
        (2 | u64::from(second)) << open | plain
    }

    fn learn(&mut self, length: u32) {
        // 64 at most, so that all of this is far from any bound.
        let (average, length) = (i32::from(self.0), length.cast_signed() << 4);
        let average = average + ((length - average) >> 2);
        self.0 = u16::try_from(average).unwrap_or_default();
    }

    fn length<C: Coder>(&self, coder: &mut C, habits: &mut Habits, length: u32) -> u32 {
        let rounded = u32::from(self.0) + 8;
        let expected = rounded >> 4;
        let fraction = (rounded >> 2 & 3) as usize;
        let mut told = expected;
        if expected < u64::BITS && coder.decide(nth(&mut habits.above, fraction), length > expected)
        {
            told += 1;
            while told < u64::BITS {
                let context = nth(&mut habits.far_above, (told - expected - 1) as usize);
                if !coder.decide(context, length > told) {
                    break;
                }
                told += 1;
            }
        } else if expected > 0 && coder.decide(nth(&mut habits.below, fraction), length < expected)
        {
            told -= 1;
            while told > 0 {
                let context = nth(&mut habits.far_below, (expected - told - 1) as usize);
                if !coder.decide(context, length < told) {
                    break;
                }
                told -= 1;
            }
        }
        told
    }
}

/// Bits of a magnitude, none for 0.
pub(super) fn bit_length(magnitude: u64) -> u32 {
    u64::BITS - magnitude.leading_zeros()
}
