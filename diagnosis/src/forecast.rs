//! When a disk will be full: by the trend of its daily values, or because hardly anything is left already.
//!
//! The trend is the median of all slopes between two days (Theil and Sen), which a day of cleaning up or a large
//! download does not bend, and it counts only where the order of the values is hardly chance (Mann and Kendall). What
//! fills a disk within hours has no trend; a floor below which nothing may fall stands for that. Deliberately absent:
//! seasons, and anything that needs more than a month of one number a day.

/// Fewer days say nothing.
const FEWEST: usize = 7;

/// At most so many days count: what was before is another story.
const MOST: usize = 30;

/// Standard normal quantile of 0.99: a disk in a hundred that does not fill passes by chance.
const GATE: f64 = 2.33;

/// Quantiles of the slopes that span four of five forecasts.
const SPAN: [f64; 2] = [0.1, 0.9];

/// Less than this share left is too little, whatever the trend.
const FLOOR_SHARE: f64 = 0.03;

/// And so is less than this, on disks on which it is not most of all there is.
const FLOOR_BYTES: f64 = 1.5e9;

/// What is to be expected of a disk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Forecast {
    /// Hardly anything is left.
    Full,
    /// It fills up, and is full in so many days: the likeliest, the earliest and the latest.
    Fills {
        /// Days from the newest value on.
        days: f64,
        /// If it goes on as on its worst days.
        earliest: f64,
        /// If it goes on as on its best days; endless where those free space.
        latest: f64,
    },
}

/// Forecasts a disk. `days`: day and bytes available on it, in any order; `size`: bytes it has. Nothing where nothing is
/// to be feared within `horizon` days, or too little is known.
#[must_use]
pub fn disk(days: &[(i64, f64)], size: f64, horizon: f64) -> Option<Forecast> {
    let mut days: Vec<(i64, f64)> = days
        .iter()
        .filter(|(_, left)| left.is_finite() && *left >= 0.0)
        .copied()
        .collect();
    days.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    // The lowest of a day.
    days.dedup_by_key(|one| one.0);
    days.drain(..days.len().saturating_sub(MOST));
    let (newest, left) = *days.last()?;
    if size.is_finite() && size > 0.0 && left < floor(size) {
        return Some(Forecast::Full);
    }
    if days.len() < FEWEST || !falls(&days) {
        return None;
    }
    let slopes = slopes(&days);
    let slope = quantile(&slopes, 0.5)?;
    // The newest value alone may be a bad day: what the trend says of today, unless less is left.
    let levels = days
        .iter()
        .map(|(day, value)| value + slope * gap(*day, newest));
    let left = left.min(quantile(&sorted(levels.collect()), 0.5)?).max(0.0);
    let until = |slope: f64| {
        if slope < 0.0 {
            left / -slope
        } else {
            f64::INFINITY
        }
    };
    let expected = until(slope);
    let [worst, best] = SPAN;
    (expected <= horizon).then_some(Forecast::Fills {
        days: expected,
        earliest: until(quantile(&slopes, worst)?).min(expected),
        latest: until(quantile(&slopes, best)?).max(expected),
    })
}

/// What has to be left of a disk of this size.
fn floor(size: f64) -> f64 {
    (size * FLOOR_SHARE).max(FLOOR_BYTES.min(size * 0.1))
}

#[expect(clippy::cast_precision_loss, reason = "days")]
fn gap(from: i64, to: i64) -> f64 {
    to.saturating_sub(from) as f64
}

/// Whether the values fall in an order that is hardly chance.
fn falls(days: &[(i64, f64)]) -> bool {
    let mut score = 0.0;
    for (at, (_, earlier)) in days.iter().enumerate() {
        for (_, later) in days.iter().skip(at + 1) {
            score += match later.total_cmp(earlier) {
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Greater => 1.0,
            };
        }
    }
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    // Equal values tell less.
    let mut values = sorted(days.iter().map(|(_, value)| *value).collect());
    let mut ties = 0.0;
    while let Some(value) = values.last().copied() {
        let before = values.len();
        values.retain(|other| other.total_cmp(&value).is_ne());
        ties += spread(count(before - values.len()));
    }
    let variance = (spread(count(days.len())) - ties) / 18.0;
    variance > 0.0 && (score + 1.0) / variance.sqrt() < -GATE
}

#[expect(clippy::cast_precision_loss, reason = "at most a month")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Bytes a day between any two days, ascending.
fn slopes(days: &[(i64, f64)]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(days.len() * days.len() / 2);
    for (at, (day, value)) in days.iter().enumerate() {
        for (later, then) in days.iter().skip(at + 1) {
            slopes.push((then - value) / gap(*day, *later));
        }
    }
    sorted(slopes)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Of ascending values.
fn quantile(values: &[f64], share: f64) -> Option<f64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = (count(values.len().checked_sub(1)?) * share).round() as usize;
    values.get(at).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const GB: f64 = 1e9;

    /// Some noise that is the same every time, from -1 to 1.
    fn noise(seed: &mut u64) -> f64 {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        f64::from(u32::try_from(*seed >> 40).unwrap()) / f64::from(1_u32 << 23) - 1.0
    }

    fn falling(days: i64, start: f64, a_day: f64, spread: f64, seed: &mut u64) -> Vec<(i64, f64)> {
        let values = (0..days).map(|day| (day, start - a_day * gap(0, day) + spread * noise(seed)));
        values.collect()
    }

    #[test]
    fn a_disk_that_fills_up_is_told_with_its_date() {
        let days = falling(14, 30.0 * GB, GB, 0.5 * GB, &mut 7);
        let Some(Forecast::Fills {
            days,
            earliest,
            latest,
        }) = disk(&days, 120.0 * GB, 30.0)
        else {
            panic!("{days:?}");
        };
        assert!((days - 17.0).abs() < 2.0, "{days}");
        assert!(earliest <= days && days <= latest && latest < 40.0);
    }

    #[test]
    fn one_large_download_and_a_cleaning_up_do_not_bend_it() {
        let mut days = falling(21, 60.0 * GB, 0.01 * GB, 0.0, &mut 7);
        days.last_mut().unwrap().1 -= 20.0 * GB;
        assert_eq!(disk(&days, 120.0 * GB, 30.0), None);
        let mut days = falling(21, 30.0 * GB, GB, 0.2 * GB, &mut 7);
        for day in days.iter_mut().skip(10) {
            day.1 += 4.0 * GB;
        }
        assert!(
            matches!(disk(&days, 120.0 * GB, 30.0), Some(Forecast::Fills { days, .. }) if days < 25.0)
        );
    }

    #[test]
    fn what_only_wavers_fills_in_hardly_any_month() {
        let mut seed = 11;
        let told = (0..2_000).filter(|_| {
            let days = falling(28, 12.0 * GB, 0.0, 3.0 * GB, &mut seed);
            disk(&days, 120.0 * GB, 30.0).is_some()
        });
        let told = told.count();
        // The gate lets one in a hundred pass, and of those few fill within the horizon.
        assert!(told <= 20, "{told}");
    }

    #[test]
    fn hardly_anything_left_needs_no_trend() {
        assert_eq!(disk(&[(3, GB)], 120.0 * GB, 30.0), Some(Forecast::Full));
        assert_eq!(disk(&[(3, GB)], 4.0 * GB, 30.0), None);
    }

    #[test]
    fn nonsense_is_no_forecast() {
        assert_eq!(disk(&[], 120.0 * GB, 30.0), None);
        let mut days = falling(14, 30.0 * GB, GB, 0.0, &mut 7);
        days.push((i64::MAX, f64::NAN));
        days.push((i64::MIN, -1.0));
        days.reverse();
        assert!(disk(&days, f64::NAN, 30.0).is_some());
        assert_eq!(
            disk(&[(i64::MIN, 5.0 * GB), (i64::MAX, 4.0 * GB)], 0.0, 30.0),
            None
        );
    }
}
