//! Days of a centre as people would check them against the paper on its door.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Unix seconds of a local time at UTC+7, such as `2026-07-24 07:30`.
fn at(text: &str) -> f64 {
    let (date, time) = text.split_once(' ').unwrap();
    let (hour, minute) = time.split_once(':').unwrap();
    let minute = hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap();
    civil::moment(date.parse().unwrap(), minute, UTC_PLUS_7)
}

/// The usual week in a year of its own.
fn yearly(year: Year) -> Calendar {
    Calendar {
        year: Arc::new(year),
        ..Calendar::default()
    }
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn open_hours_are_local() {
    let calendar = Calendar::default();
    // 2026-07-24 is a Friday.
    for (t, expected) in [
        (at("2026-07-24 07:30") - 1.0, false),
        (at("2026-07-24 07:30"), true),
        (at("2026-07-24 11:30") - 0.5, true),
        (at("2026-07-24 11:30"), false),
        (at("2026-07-24 13:30"), true),
        (at("2026-07-24 17:00"), false),
        (at("2026-07-25 08:00"), false),
        (at("2026-07-26 08:00"), false),
        (at("2026-07-27 08:00"), true),
    ] {
        assert_eq!(calendar.is_open(t), expected, "{t}");
    }
    let elsewhere = Calendar::weekly(Some(Hours::default()), 0);
    assert!(
        !elsewhere.is_open(at("2026-07-24 07:45")) && elsewhere.is_open(at("2026-07-24 14:45"))
    );
}

#[test]
fn the_next_opening_is_of_a_day_and_not_after_lunch() {
    let calendar = Calendar::default();
    let check = |t: &str, expected: &str| {
        assert_eq!(calendar.next_opening(at(t)), Some(at(expected)), "{t}");
    };
    check("2026-07-24 07:29", "2026-07-24 07:30");
    check("2026-07-24 07:30", "2026-07-27 07:30");
    check("2026-07-24 12:00", "2026-07-27 07:30");
    assert_eq!(
        calendar.closing(date("2026-07-24")),
        Some(at("2026-07-24 17:00"))
    );
    assert_eq!(calendar.opening(date("2026-07-25")), None);
}

#[test]
fn closings_near_are_found_lunch_among_them() {
    let calendar = Calendar::default();
    let check = |t: &str, nearest: &str| {
        assert_eq!(calendar.nearest_closing(at(t)), Some(at(nearest)), "{t}");
    };
    check("2026-07-24 11:40", "2026-07-24 11:30");
    check("2026-07-24 16:00", "2026-07-24 17:00");
    check("2026-07-25 02:00", "2026-07-24 17:00");
    assert_eq!(
        calendar.nearest_closing(at("2026-07-26 12:00")),
        Some(at("2026-07-27 11:30"))
    );
    assert_eq!(calendar.since_opened(at("2026-07-24 13:31")), Some(60.0));
    assert_eq!(calendar.until_closes(at("2026-07-24 11:00")), Some(1800.0));
    assert_eq!(calendar.since_closed(at("2026-07-24 12:00")), Some(1800.0));
    assert_eq!(calendar.since_closed(at("2026-07-24 14:00")), None);
    assert_eq!(calendar.since_opened(at("2026-07-24 12:00")), None);
}

#[test]
fn exceptions_go_before_holidays_and_these_before_seasons() {
    let mut year = Year {
        holidays: Holidays::Vietnam,
        ..Year::default()
    };
    let summer = Season {
        from: "04-15".parse().unwrap(),
        to: "10-15".parse().unwrap(),
        hours: Hours::parse("07:00-11:00 13:30-17:00", "mon-sat").unwrap(),
    };
    year.seasons.push(summer);
    year.exceptions
        .insert(date("2026-09-02"), parse_periods("08:00-10:00").unwrap());
    year.exceptions.insert(date("2026-07-24"), Vec::new());
    let calendar = yearly(year);
    let opening = |text: &str| calendar.opening(date(text));
    assert_eq!(opening("2026-09-01"), None, "a holiday in a season");
    assert_eq!(
        opening("2026-09-02"),
        Some(at("2026-09-02 08:00")),
        "an exception on a holiday"
    );
    assert_eq!(opening("2026-07-24"), None, "an exception");
    assert_eq!(
        opening("2026-07-25"),
        Some(at("2026-07-25 07:00")),
        "a Saturday in a season"
    );
    assert_eq!(
        opening("2026-01-10"),
        Some(at("2026-01-10 07:30")),
        "a Saturday worked for a Friday"
    );
    assert_eq!(opening("2026-01-02"), None, "that Friday");
    // Tết: from the Friday before to the Monday after.
    assert_eq!(
        calendar.next_opening(at("2026-02-13 08:00")),
        Some(at("2026-02-23 07:30"))
    );
    assert_eq!(
        calendar.holiday(date("2026-02-17")).map(|day| day.vi),
        Some("Tết Nguyên đán")
    );
}

#[test]
fn without_hours_nothing_is_claimed() {
    let calendar = Calendar::weekly(None, UTC_PLUS_7);
    let t = at("2026-07-24 08:00");
    assert!(!calendar.is_known() && !calendar.is_open(t));
    assert_eq!(
        (calendar.next_opening(t), calendar.nearest_closing(t)),
        (None, None)
    );
}

#[test]
fn a_window_of_maintenance_has_a_beginning_and_an_end() {
    let mut year = Year::default();
    let (from, until) = (at("2026-07-24 12:00"), at("2026-07-24 13:00"));
    year.maintenance.push((from, until));
    let calendar = yearly(year);
    assert!(calendar.is_maintained(from) && !calendar.is_maintained(until));
    assert!(!calendar.is_maintained(from - 1.0));
}

proptest! {
    /// What the functions say of a moment agrees, whatever the moment.
    #[test]
    fn answers_agree(t in 1_700_000_000.0..2_000_000_000.0_f64, vietnam: bool) {
        let holidays = if vietnam { Holidays::Vietnam } else { Holidays::None };
        let calendar = yearly(Year { holidays, ..Year::default() });
        let open = calendar.is_open(t);
        prop_assert_eq!(calendar.since_opened(t).is_some(), open);
        prop_assert_eq!(calendar.until_closes(t).is_some_and(|left| left > 0.0), open);
        let next = calendar.next_opening(t).unwrap();
        prop_assert!(next > t && !calendar.is_open(next - 1.0) && calendar.is_open(next));
        prop_assert!(next - t < 12.0 * 86_400.0);
        prop_assert_eq!(calendar.opening(calendar.local(next).date), Some(next));
        prop_assert!(calendar.minute_of_week(t) < 7 * MINUTES_PER_DAY);
    }

    /// No time makes it fail.
    #[test]
    fn no_time_is_too_odd(t: f64, offset in -50_400..=50_400) {
        let holidays = Holidays::Vietnam;
        let calendar = Calendar { utc_offset: offset, ..yearly(Year { holidays, ..Year::default() }) };
        let _ = (calendar.is_open(t), calendar.next_opening(t), calendar.nearest_closing(t), calendar.since_closed(t));
    }
}
