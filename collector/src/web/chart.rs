//! The last hour as a small picture: inline SVG, drawn on the server, a gap where nothing was
//! measured. The scale starts at 0, so that a flat line near the bottom means little.

use std::fmt::Write as _;

use maud::{Markup, html};

const WIDTH: f32 = 240.0;
const HEIGHT: f32 = 40.0;

/// The smallest and the largest value. `None` when nothing was measured.
pub(super) fn range(values: &[Option<f32>]) -> Option<(f32, f32)> {
    values.iter().flatten().fold(None, |range, value| {
        let (low, high) = range.unwrap_or((*value, *value));
        Some((value.min(low), value.max(high)))
    })
}

/// The picture, which whoever shows it says in words. `top` is the value at its upper edge unless a value
/// lies higher.
pub(super) fn sparkline(values: &[Option<f32>], top: f32) -> Markup {
    let line = path(values, top);
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
            path d=(line);
        }
    }
}

/// One `M` per stretch without a gap, then steps relative to the point before, in whole units: a page has
/// dozens of these. A lone value becomes a short stroke, so that it is seen.
fn path(values: &[Option<f32>], top: f32) -> String {
    let high = range(values).map_or(top, |(_, high)| high.max(top));
    let scale = if high > 0.0 { high } else { 1.0 };
    let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
    let step = WIDTH / f32::from(count.max(1));
    let mut line = String::new();
    let mut last: Option<(f32, f32)> = None;
    for (position, value) in (0..count).zip(values) {
        let Some(value) = value else {
            last = None;
            continue;
        };
        let x = (f32::from(position) * step).round();
        // Half a stroke from either edge.
        let y = (1.0 + (HEIGHT - 2.0) * (1.0 - value.max(0.0) / scale)).round();
        let _ = match last {
            Some((from, level)) if level == y => write!(line, "h{:.0}", x - from),
            Some((from, level)) => write!(line, "l{:.0} {:.0}", x - from, y - level),
            // To the right by one and back again.
            None => write!(line, "M{x:.0} {y:.0}h1h-1"),
        };
        last = Some((x, y));
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "whole numbers")]
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        let values = [Some(0.0), Some(1.0), None, Some(0.5)];
        assert_eq!(path(&values, 1.0), "M0 39h1h-1l60 -38M180 20h1h-1");
        assert_eq!(range(&values), Some((0.0, 1.0)));
    }

    #[test]
    fn steps_are_relative_and_do_not_drift() {
        let values: Vec<_> = (0..60_u8)
            .map(|minute| Some(f32::from(minute) / 59.0))
            .collect();
        let line = path(&values, 1.0);
        let rises = line.split(['l', 'h']).skip(3).filter_map(|step| {
            let (_, up) = step.split_once(' ')?;
            up.parse::<f32>().ok()
        });
        assert_eq!(rises.sum::<f32>(), -38.0, "{line}");
    }

    #[test]
    fn an_empty_or_level_hour_draws_without_dividing_by_zero() {
        assert_eq!(path(&[], 0.0), "");
        assert_eq!(path(&[None, None], 0.0), "");
        assert_eq!(path(&[Some(0.0)], 0.0), "M0 39h1h-1");
        assert_eq!(range(&[None]), None);
    }
}
