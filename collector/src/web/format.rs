//! Numbers, units and times as people of each language write them.
//!
//! Bytes count in 1024s under the names KB, MB, GB, as Windows shows them: a clerk compares the two.
//! A number and its unit are joined by a no-break space.

use jiff::Timestamp;
use jiff::tz::Offset;
use proto::metrics::Unit;

use super::lang::{Language, fill};

/// A number with so many digits after the decimal mark.
pub(super) fn number(language: Language, value: f64, decimals: usize) -> String {
    let (group, mark) = match language {
        Language::Vietnamese => ('.', ','),
        Language::English => (',', '.'),
    };
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::with_capacity(plain.len() + 8);
    // "-0" is how a small negative number rounds, not a value.
    if value < 0.0 && plain.chars().any(|c| ('1'..='9').contains(&c)) {
        text.push('−');
    }
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 {
            text.push(group);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(mark);
        text.push_str(fraction);
    }
    text
}

/// A duration as a round trip takes it: `1,2 ms`, `35 ms`, `1,25 s`.
pub(super) fn seconds(language: Language, seconds: f64) -> String {
    let milliseconds = seconds * 1_000.0;
    if milliseconds.abs() < 999.5 {
        format!("{}\u{a0}ms", short_milliseconds(language, seconds))
    } else {
        format!("{}\u{a0}s", number(language, seconds, decimals_of(seconds)))
    }
}

/// Milliseconds without their unit, where a column's heading says it.
pub(super) fn short_milliseconds(language: Language, seconds: f64) -> String {
    let milliseconds = seconds * 1_000.0;
    if milliseconds > 0.0 && milliseconds < 0.05 {
        return format!("<\u{a0}{}", number(language, 0.1, 1));
    }
    let decimals = usize::from(milliseconds.abs() < 9.95);
    number(language, milliseconds, decimals)
}

fn decimals_of(value: f64) -> usize {
    match value.abs() {
        small if small < 9.95 => 1,
        _ => 0,
    }
}

/// `12%`, `0,3%`.
pub(super) fn percent(language: Language, ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = usize::from(percent > 0.0 && percent < 9.95);
    format!("{}%", number(language, percent, decimals))
}

/// A level as a text names it: `3%`, `2,5%`.
pub(super) fn level(language: Language, ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = usize::from((percent - percent.round()).abs() > 0.05);
    format!("{}%", number(language, percent, decimals))
}

/// `3,8 GB`.
pub(super) fn bytes(language: Language, bytes: f64) -> String {
    scaled(language, bytes, 1024.0, ["B", "KB", "MB", "GB", "TB"])
}

/// `9,4 Mb/s`.
pub(super) fn bit_rate(language: Language, bits_per_second: f64) -> String {
    let units = ["b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"];
    scaled(language, bits_per_second, 1_000.0, units)
}

fn scaled(language: Language, value: f64, step: f64, units: [&str; 5]) -> String {
    let mut value = value;
    let mut unit = units[0];
    for larger in &units[1..] {
        if value.abs() < step - 0.5 {
            break;
        }
        value /= step;
        unit = larger;
    }
    let decimals = if unit == units[0] {
        0
    } else {
        decimals_of(value)
    };
    format!("{}\u{a0}{unit}", number(language, value, decimals))
}

/// `3 ngày 4 giờ`: the two largest units of a time span.
pub(super) fn span(language: Language, seconds: i64) -> String {
    let texts = language.texts();
    let minutes = seconds.max(0) / 60;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let say = |text: &str, value: i64| fill(text, &[&value.to_string()]);
    match (days, hours) {
        (0, 0) => say(texts.minutes_unit, minutes),
        (0, _) => say(texts.hours_unit, hours) + " " + &say(texts.minutes_unit, minutes),
        _ => say(texts.days_unit, days) + " " + &say(texts.hours_unit, hours),
    }
}

/// `2 phút trước`.
pub(super) fn ago(language: Language, now: Timestamp, then: Timestamp) -> String {
    let texts = language.texts();
    let seconds = now.as_second() - then.as_second();
    let (text, value) = match seconds {
        // Clocks tick while a page is made.
        ..-5 => return texts.in_future.to_owned(),
        -5..60 => (texts.ago_seconds, seconds.max(0)),
        60..3_600 => (texts.ago_minutes, seconds / 60),
        3_600..172_800 => (texts.ago_hours, seconds / 3_600),
        _ => (texts.ago_days, seconds / 86_400),
    };
    fill(text, &[&value.to_string()])
}

/// A moment in the province's time: `07:12 12/03/2026`, `07:12, 12 Mar 2026`.
pub(super) fn moment(language: Language, offset: Offset, at: Timestamp) -> String {
    let format = match language {
        Language::Vietnamese => "%H:%M %d/%m/%Y",
        Language::English => "%H:%M, %-d %b %Y",
    };
    offset.to_datetime(at).strftime(format).to_string()
}

/// A day: `12/03/2026`, `12 Mar 2026`.
pub(super) fn day(language: Language, offset: Offset, at: Timestamp) -> String {
    let format = match language {
        Language::Vietnamese => "%d/%m/%Y",
        Language::English => "%-d %b %Y",
    };
    offset.to_datetime(at).strftime(format).to_string()
}

/// `07:12:05`.
pub(super) fn time_of_day(offset: Offset, at: Timestamp) -> String {
    offset.to_datetime(at).strftime("%H:%M:%S").to_string()
}

/// `+7`, `−3:30`.
pub(super) fn utc_offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '−' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60);
    match minutes {
        0 => format!("{sign}{hours}"),
        _ => format!("{sign}{hours}:{minutes:02}"),
    }
}

/// A value of the catalogue, by what it means.
pub(super) fn value(language: Language, unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => seconds(language, value),
        Unit::Bytes => bytes(language, value),
        Unit::BitsPerSecond => bit_rate(language, value),
        Unit::Ratio => percent(language, value),
        Unit::DecibelMilliwatts => format!("{}\u{a0}dBm", number(language, value, 0)),
        Unit::Celsius => format!("{}\u{a0}°C", number(language, value, 0)),
        Unit::Count | Unit::Boolean | Unit::Info | Unit::Timestamp => {
            let decimals = if value.fract() == 0.0 { 0 } else { 2 };
            number(language, value, decimals)
        }
    }
}

/// The moment of a metric that counts Unix seconds. `None` for a nonsensical one.
pub(super) fn timestamp_of(unix_seconds: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond i64 saturates, and is then no timestamp"
    )]
    Timestamp::from_second(unix_seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VI: Language = Language::Vietnamese;
    const EN: Language = Language::English;

    #[test]
    fn numbers_follow_the_language() {
        let check = |vi: String, en: String, expected: [&str; 2]| {
            assert_eq!(
                [vi.replace('\u{a0}', " "), en.replace('\u{a0}', " ")],
                expected
            );
        };
        for (value, decimals, expected) in [
            (1_234_567.5, 1, ["1.234.567,5", "1,234,567.5"]),
            (999.0, 0, ["999", "999"]),
            (-1.25, 1, ["−1,2", "−1.2"]),
            (-0.01, 1, ["0,0", "0.0"]),
        ] {
            check(
                number(VI, value, decimals),
                number(EN, value, decimals),
                expected,
            );
        }
        for (value, expected) in [
            (0.0012, ["1,2 ms", "1.2 ms"]),
            (0.0349, ["35 ms", "35 ms"]),
            (1.25, ["1,2 s", "1.2 s"]),
            (62.0, ["62 s", "62 s"]),
        ] {
            check(seconds(VI, value), seconds(EN, value), expected);
        }
        for (value, expected) in [
            (0.0, ["0%", "0%"]),
            (0.005, ["0,5%", "0.5%"]),
            (0.125, ["12%", "12%"]),
            (1.0, ["100%", "100%"]),
        ] {
            check(percent(VI, value), percent(EN, value), expected);
        }
        for (value, expected) in [(0.03, ["3%", "3%"]), (0.025, ["2,5%", "2.5%"])] {
            check(level(VI, value), level(EN, value), expected);
        }
        for (value, expected) in [
            (512.0, ["512 B", "512 B"]),
            (8_589_934_592.0, ["8,0 GB", "8.0 GB"]),
            (1e15, ["909 TB", "909 TB"]),
        ] {
            check(bytes(VI, value), bytes(EN, value), expected);
        }
        let speed = |language| super::value(language, Unit::BitsPerSecond, 1e9);
        check(speed(VI), speed(EN), ["1,0 Gb/s", "1.0 Gb/s"]);
    }

    #[test]
    fn times_are_those_of_the_province() {
        let now: Timestamp = "2026-03-12T00:12:05Z".parse().expect("a moment");
        let hanoi = Offset::constant(7);
        assert_eq!(moment(VI, hanoi, now), "07:12 12/03/2026");
        assert_eq!(moment(EN, hanoi, now), "07:12, 12 Mar 2026");
        assert_eq!(time_of_day(hanoi, now), "07:12:05");
        assert_eq!(utc_offset(hanoi), "+7");
        let check = |seconds: i64, vi: &str, en: &str| {
            let then = Timestamp::from_second(now.as_second() - seconds).expect("a moment");
            assert_eq!([ago(VI, now, then), ago(EN, now, then)], [vi, en]);
        };
        check(-2, "0 giây trước", "0 s ago");
        check(-60, "trong tương lai", "in the future");
        check(59, "59 giây trước", "59 s ago");
        check(125, "2 phút trước", "2 min ago");
        check(7_200, "2 giờ trước", "2 h ago");
        check(200_000, "2 ngày trước", "2 d ago");
        assert_eq!(span(VI, 90), "1 phút");
        assert_eq!(span(VI, 273_700), "3 ngày 4 giờ");
        assert_eq!(span(EN, 3_700), "1 h 1 min");
        assert_eq!(timestamp_of(1e300), None);
    }
}
