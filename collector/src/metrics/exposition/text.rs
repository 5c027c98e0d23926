//! The small pieces of the text format: labels, numbers, what stands above a family.

use std::io::Write as _;

use proto::metrics::{Kind, Metric};
use proto::stream::Series;

/// The series' own labels and what closes them; those of its device come before.
#[must_use]
pub fn tail_of(series: &Series) -> String {
    let mut tail = String::new();
    for (label, value) in &series.labels {
        push_label(&mut tail, label, value);
    }
    tail.push_str("} ");
    tail
}

/// Appends `,label="value"`, escaped.
pub(super) fn push_label(text: &mut String, label: &str, value: &str) {
    for piece in [",", label, "=\""] {
        text.push_str(piece);
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Appends the two lines above a family.
pub(super) fn push_header(text: &mut Vec<u8>, metric: &Metric) {
    let Metric { name, help, .. } = metric;
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    // Writing into memory cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// Appends a number in its shortest form and ends the line. Most numbers are whole, and those are
/// much the faster to write.
pub(super) fn push_value(text: &mut Vec<u8>, value: f64) {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "compared with what it came from"
    )]
    let whole = value as i64;
    #[allow(
        clippy::cast_precision_loss,
        reason = "compared with what it came from"
    )]
    if whole as f64 == value {
        text.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else {
        text.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back_as_they_were() {
        let check = |value: f64, expected: &str| {
            let mut text = Vec::new();
            push_value(&mut text, value);
            let text = String::from_utf8(text).expect("text");
            assert_eq!(text, format!("{expected}\n"));
            assert_eq!(text.trim().parse(), Ok(value), "{text}");
        };
        check(0.0, "0");
        check(-0.0, "0");
        check(1.0, "1");
        check(-17.0, "-17");
        check(0.5, "0.5");
        check(0.000_25, "0.00025");
        check(1_793_021_000.25, "1793021000.25");
        check(0.1 + 0.2, "0.30000000000000004");
        check(9_007_199_254_740_992.0, "9007199254740992");
        check(1e300, "1e+300");
        check(5e-324, "5e-324");
        check(f64::INFINITY, "inf");
    }

    #[test]
    fn labels_are_escaped() {
        let mut line = String::new();
        push_label(&mut line, "mountpoint", "C:\\a \"b\"\nđ");
        assert_eq!(line, ",mountpoint=\"C:\\\\a \\\"b\\\"\\nđ\"");
    }
}
