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

/// The picture. `top` is the value at its upper edge unless a value lies higher; `label` says in
/// words what it shows.
pub(super) fn sparkline(values: &[Option<f32>], top: f32, label: &str) -> Markup {
    let line = path(values, top);
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
            path d=(line);
        }
    }
}

/// One `M` per stretch without a gap. A lone value becomes a short stroke, so that it is seen.
fn path(values: &[Option<f32>], top: f32) -> String {
    let high = range(values).map_or(top, |(_, high)| high.max(top));
    let scale = if high > 0.0 { high } else { 1.0 };
    let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
    let step = WIDTH / f32::from(count.max(1));
    let mut line = String::new();
    let mut drawing = false;
    for (position, value) in (0..count).zip(values) {
        let Some(value) = value else {
            drawing = false;
            continue;
        };
        let x = f32::from(position) * step;
        // Half a stroke from either edge.
        let y = 1.0 + (HEIGHT - 2.0) * (1.0 - value.max(0.0) / scale);
        let _ = if drawing {
            write!(line, "L{x:.0} {y:.1}")
        } else {
            write!(line, "M{x:.0} {y:.1}h1")
        };
        drawing = true;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        let values = [Some(0.0), Some(1.0), None, Some(0.5)];
        assert_eq!(path(&values, 1.0), "M0 39.0h1L60 1.0M180 20.0h1");
        assert_eq!(range(&values), Some((0.0, 1.0)));
    }

    #[test]
    fn an_empty_or_level_hour_draws_without_dividing_by_zero() {
        assert_eq!(path(&[], 0.0), "");
        assert_eq!(path(&[None, None], 0.0), "");
        assert_eq!(path(&[Some(0.0)], 0.0), "M0 39.0h1");
        assert_eq!(range(&[None]), None);
    }

    #[test]
    fn its_label_is_escaped() {
        let svg = sparkline(&[Some(1.0)], 1.0, "\"><script>").into_string();
        assert!(!svg.contains("<script>"), "{svg}");
    }
}
