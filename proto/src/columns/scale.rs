//! Floating point ↔ integers, exactly: most values are whole numbers of some unit.
//!
//! A value is `m × 4096`, `m`, `m / 1000` … for a small integer `m`, and a series keeps its unit, so
//! the integers can be predicted from each other. Values without such a unit (NaN, -0.0, a third)
//! have their bits as integer, ordered as the values are. No unit is tried that does not give back
//! the very bits.

/// The unit that the integers of a series count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scale(u8);

/// Coarse to fine: pages, kilobytes, disk sectors, thousands.
const MULTIPLES: [i64; 4] = [4_096, 1_024, 512, 1_000];

/// Powers of ten by which a value may be divided; all are exact as floating point.
const DECIMALS: [i64; 13] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
];

/// The largest integer up to which floating point has them all.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How far off a value may be, times its integer: what floating point makes of sums and products of
/// decimals stays far below, one value in a hundred without unit comes below by chance.
const NEAR: u64 = 1 << 45;

/// A value as a series counts it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    /// The unit.
    pub(super) scale: Scale,
    /// How many of it.
    pub(super) integer: i64,
    /// By how many of the smallest steps of floating point the value is off.
    pub(super) noise: i64,
}

impl Default for Scale {
    /// Whole numbers.
    fn default() -> Self {
        Self(4)
    }
}

impl Scale {
    /// The bits themselves.
    const BITS: Self = Self(17);

    /// Bits that tell a scale from the others.
    pub(super) const WIDTH: u32 = 5;

    /// From its number; the largest stand for the bits themselves.
    pub(super) fn from_index(index: usize) -> Self {
        u8::try_from(index).map_or(Self::BITS, |index| Self(index.min(Self::BITS.0)))
    }

    /// Coarse to fine.
    pub(super) fn index(self) -> usize {
        self.0.into()
    }

    fn multiple(self) -> Option<i64> {
        MULTIPLES.get(usize::from(self.0)).copied()
    }

    fn decimal(self) -> Option<i64> {
        DECIMALS
            .get(usize::from(self.0).checked_sub(MULTIPLES.len())?)
            .copied()
    }

    /// The value counted in the coarsest unit that it is a whole number of, or nearly.
    fn coarsest(value: f64) -> Counted {
        (0..Self::BITS.0)
            .find_map(|scale| Self(scale).count(value))
            .unwrap_or_else(|| Self::BITS.counted(bits(value), 0))
    }

    /// The value counted in this unit, if it is a whole number of it, or nearly.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "what was lost is found when the value does not come back"
    )]
    fn count(self, value: f64) -> Option<Counted> {
        if let Some(multiple) = self.multiple() {
            let counted = self.counted((value / multiple as f64) as i64, 0);
            (counted.value().to_bits() == value.to_bits()).then_some(counted)
        } else if let Some(decimal) = self.decimal() {
            let scaled = (value * decimal as f64).round_ties_even();
            // Neither is a NaN.
            if !(-EXACT..=EXACT).contains(&scaled) {
                return None;
            }
            let exact = self.counted(scaled as i64, 0);
            let noise = bits(value).wrapping_sub(bits(exact.value()));
            let weight = exact.integer.unsigned_abs().max(1);
            let near = weight.saturating_mul(noise.unsigned_abs()) < NEAR;
            near.then_some(Counted { noise, ..exact })
        } else {
            Some(self.counted(bits(value), 0))
        }
    }

    fn counted(self, integer: i64, noise: i64) -> Counted {
        Counted {
            scale: self,
            integer,
            noise,
        }
    }

    /// About the same value as an integer of another unit, for predictions alone. Without floating
    /// point, so that both sides get the same; nothing is known across [`Scale::BITS`].
    pub(super) fn convert(self, integer: i64, to: Self) -> i64 {
        let (Some((up, down)), Some((to_up, to_down))) = (self.ratio(), to.ratio()) else {
            return 0;
        };
        integer
            .wrapping_mul(up)
            .wrapping_mul(to_down)
            .wrapping_div(to_up)
            .wrapping_div(down)
    }

    /// What the integer is multiplied with, and what divided by.
    fn ratio(self) -> Option<(i64, i64)> {
        let multiple = self.multiple().map(|multiple| (multiple, 1));
        multiple.or_else(|| self.decimal().map(|decimal| (1, decimal)))
    }
}

impl Counted {
    /// The value, bit by bit.
    #[expect(
        clippy::cast_precision_loss,
        reason = "integers that lose some are refused by `count`"
    )]
    pub(super) fn value(self) -> f64 {
        let value = if let Some(multiple) = self.scale.multiple() {
            self.integer.wrapping_mul(multiple) as f64
        } else if let Some(decimal) = self.scale.decimal() {
            self.integer as f64 / decimal as f64
        } else {
            f64::from_bits(ordered(self.integer).cast_unsigned())
        };
        if self.noise == 0 {
            value
        } else {
            let bits = ordered(bits(value).wrapping_add(self.noise));
            f64::from_bits(bits.cast_unsigned())
        }
    }
}

/// What the sending side remembers of a series to choose its unit by.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habit {
    /// The finest unit needed lately; none before the first value but 0, which has any unit.
    finest: Option<Scale>,
    /// For how many values.
    values: u8,
}

/// So many values in a row that need no unit as fine as the series has make it coarser.
const COARSER_AFTER: u8 = 16;

impl Habit {
    /// The value in the unit that suits its series best, which so far is `usual`.
    pub(super) fn count(&mut self, usual: Scale, value: f64) -> Counted {
        let as_usual = usual.count(value);
        if value == 0.0 {
            return as_usual.unwrap_or_else(|| Scale::coarsest(value));
        }
        let coarsest = Scale::coarsest(value);
        let Some(finest) = self.finest else {
            self.finest = Some(coarsest.scale);
            return coarsest;
        };
        let finest = finest.max(coarsest.scale);
        self.finest = Some(finest);
        self.values += 1;
        if self.values >= COARSER_AFTER {
            *self = Self::default();
            self.finest = Some(coarsest.scale);
            if finest < usual {
                return finest.count(value).unwrap_or(coarsest);
            }
        }
        as_usual.or_else(|| finest.count(value)).unwrap_or(coarsest)
    }
}

/// The bits of a value as an integer that grows with it.
fn bits(value: f64) -> i64 {
    ordered(value.to_bits().cast_signed())
}

/// Bits to integers in the order of the values, and back.
fn ordered(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_whole_numbers_of_the_coarsest_unit_there_is() {
        let check = |value: f64, unit: &str, integer: i64, noise: i64| {
            let counted = Scale::coarsest(value);
            let scale = counted.scale;
            let found = match (scale.multiple(), scale.decimal()) {
                (Some(multiple), _) => format!("{multiple}"),
                (None, Some(decimal)) => format!("1/{decimal}"),
                (None, None) => "bits".to_owned(),
            };
            assert_eq!(
                (&*found, counted.integer, counted.noise),
                (unit, integer, noise),
                "{value}"
            );
            assert_eq!(counted.value().to_bits(), value.to_bits());
        };
        check(25_276_502_016.0, "4096", 6_171_021, 0);
        check(1_536.0, "512", 3, 0);
        check(1_000_000_000.0, "512", 1_953_125, 0);
        check(7.0, "1/1", 7, 0);
        check(-7.25, "1/100", -725, 0);
        check(22_205.0 * 0.001, "1/1000", 22_205, 1);
        check(0.1 + 0.2, "1/10", 3, 1);
        check(9.738_4e-5, "1/1000000000", 97_384, 0);
        check(-0.0, "1/1", 0, -1);
        check(1.0 / 3.0, "bits", 0x3fd5_5555_5555_5555, 0);
        check(f64::INFINITY, "bits", 0x7ff0_0000_0000_0000, 0);
        check(-f64::NAN, "bits", -0x7ff8_0000_0000_0001, 0);
    }

    #[test]
    fn a_series_keeps_its_unit_until_it_is_too_fine_for_long() {
        let mut habit = Habit::default();
        let mut scale = Scale::default();
        let mut units = |values: &[f64]| {
            let units = values.iter().map(|value| {
                scale = habit.count(scale, *value).scale;
                scale.decimal().unwrap_or_default()
            });
            units.collect::<Vec<_>>()
        };
        assert_eq!(units(&[0.0, 0.5, 0.25, 3.0, 0.0]), [1, 10, 100, 100, 100]);
        assert_eq!(units(&[0.5; 12]), [100; 12]);
        // The quarter is forgotten, and then that there was any fraction.
        assert_eq!(units(&[3.0; 64]).last(), Some(&1));
    }

    #[test]
    fn integers_go_from_unit_to_unit_as_their_values_do() {
        let of = |index| Scale::from_index(index);
        let [pages, sectors, ones, thousandths, bits] = [0, 2, 4, 7, 31].map(of);
        assert_eq!(pages.convert(3, sectors), 24);
        assert_eq!(ones.convert(3, thousandths), 3_000);
        assert_eq!(thousandths.convert(12_345_000, pages), 3);
        assert_eq!(bits, Scale::BITS);
        assert_eq!((bits.convert(3, ones), ones.convert(3, bits)), (0, 0));
    }
}
