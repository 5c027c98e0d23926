//! Chance: everything random is drawn here, from streams that a seed and a number make the same each time.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::simulate::parameters::Range;

/// What a stream of chance is for. Apart, so that a province stays the same when only its faults change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Places = 1,
    People,
    Weather,
    Faults,
    Measuring,
}

pub(crate) fn stream(seed: u64, of: Stream) -> StdRng {
    let number = of as u64;
    StdRng::seed_from_u64(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)
            ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03),
    )
}

/// A value between bounds.
pub(crate) fn between(rng: &mut StdRng, from: f64, to: f64) -> f64 {
    from + rng.random::<f64>() * (to - from)
}

pub(crate) fn draw(rng: &mut StdRng, range: Range) -> f64 {
    between(rng, range.from, range.to)
}

/// A whole number of a range, both bounds included.
pub(crate) fn draw_count(rng: &mut StdRng, range: Range) -> usize {
    count(between(rng, range.from, range.to + 1.0)).min(count(range.to))
}

pub(crate) fn happens(rng: &mut StdRng, share: f64) -> bool {
    rng.random::<f64>() < share
}

/// One of several; nothing of none.
pub(crate) fn one<'a, T>(rng: &mut StdRng, of: &'a [T]) -> Option<&'a T> {
    of.get(index(rng, of.len()))
}

/// A place in a list of that length; 0 where it is empty.
pub(crate) fn index(rng: &mut StdRng, length: usize) -> usize {
    if length == 0 {
        0
    } else {
        rng.random_range(0..length)
    }
}

/// A time to wait for something that happens so often in that time.
pub(crate) fn wait(rng: &mut StdRng, times: f64, within: f64) -> f64 {
    if times <= 0.0 {
        return f64::INFINITY;
    }
    -(1.0 - rng.random::<f64>()).ln() * within / times
}

/// How many of the packets are lost.
pub(crate) fn lost(rng: &mut StdRng, sent: u32, share: f64) -> u32 {
    if share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return sent;
    }
    let mut lost = 0;
    for _ in 0..sent {
        lost += u32::from(happens(rng, share));
    }
    lost
}

/// A small number that is whole already or may be cut.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded and not negative"
)]
pub(crate) fn count(value: f64) -> usize {
    value.clamp(0.0, 1e9) as usize
}

/// Numbers of things, for arithmetic.
#[expect(clippy::cast_precision_loss, reason = "numbers of things are small")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// Something between 0 and 1 that is always the same for the same place and time.
pub(crate) fn steady(place: u64, time: u64) -> f64 {
    let mut z =
        place.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ time.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let bits = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}
