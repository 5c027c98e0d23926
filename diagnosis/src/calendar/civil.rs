//! Days and minutes of a place whose offset from UTC never changes: Unix seconds to local date and back, by arithmetic
//! alone. Deliberately absent: time zones with daylight saving time, which no centre has.

use std::fmt;
use std::str::FromStr;

/// Minutes of a day.
pub const MINUTES_PER_DAY: u16 = 24 * 60;

const SECONDS_PER_DAY: i64 = 86_400;

/// The farthest day either way, some 27,000 years: so that no sum of dates overflows.
const FARTHEST: i64 = 10_000_000;

/// A day of the Gregorian calendar, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no date: write it as 2026-02-17")]
pub struct InvalidDate {
    /// The text.
    pub text: String,
}

impl Date {
    /// A date, if its month has such a day.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let possible = (1..=9999).contains(&year) && (1..=days_of(year, month)).contains(&day);
        possible.then(|| Self(days_from_civil(year, month, day)))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn day(self) -> i32 {
        self.0
    }

    /// The date so many days later, or earlier.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// 0 is Monday.
    #[must_use]
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        usize::try_from((i64::from(self.0) + 3).rem_euclid(7)).unwrap_or_default()
    }

    /// Year, month and day.
    #[must_use]
    pub fn parts(self) -> (i32, u8, u8) {
        // Years that begin in March have their leap day at the end; eras have 400 years.
        let shifted = self.0.saturating_add(719_468);
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, narrow(month), narrow(day))
    }
}

fn narrow(number: i32) -> u8 {
    u8::try_from(number).unwrap_or_default()
}

/// How many days a month has; 0 when there is no such month.
pub(super) fn days_of(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn days_from_civil(year: i32, month: u8, day: u8) -> i32 {
    let (month, day) = (i32::from(month), i32::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let invalid = || InvalidDate { text: text.into() };
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        let year = digits(year, 4).ok_or_else(invalid)?;
        let month = digits(month, 2).ok_or_else(invalid)?;
        let day = digits(day, 2).ok_or_else(invalid)?;
        let whole = parts.next().is_none();
        let date = Self::new(i32::from(year), narrow(month.into()), narrow(day.into()));
        date.filter(|_| whole).ok_or_else(invalid)
    }
}

/// A number of exactly so many digits.
pub(super) fn digits(text: Option<&str>, count: usize) -> Option<u16> {
    let text = text?;
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A moment as the clock on the wall of a place shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local {
    /// The day.
    pub date: Date,
    /// Seconds since its midnight.
    pub second: u32,
}

impl Local {
    /// What the clock shows at a moment (Unix seconds), so many seconds east of UTC. What is no number counts as 0.
    #[must_use]
    pub fn at(t: f64, offset: i32) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and is bounded next"
        )]
        let whole = t.floor() as i64;
        let limit = FARTHEST * SECONDS_PER_DAY;
        let local = whole.clamp(-limit, limit) + i64::from(offset);
        Self {
            date: Date(i32::try_from(local.div_euclid(SECONDS_PER_DAY)).unwrap_or_default()),
            second: u32::try_from(local.rem_euclid(SECONDS_PER_DAY)).unwrap_or_default(),
        }
    }

    /// Minutes since midnight.
    #[must_use]
    pub fn minute(self) -> u16 {
        u16::try_from(self.second / 60).unwrap_or_default()
    }
}

/// When a minute of a day begins, Unix seconds.
#[must_use]
pub(super) fn moment(date: Date, minute: u16, offset: i32) -> f64 {
    f64::from(date.0) * 86_400.0 + f64::from(minute) * 60.0 - f64::from(offset)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days_are_right() {
        for (text, day, weekday) in [
            ("1970-01-01", 0, 3),
            ("2000-02-29", 11_016, 1),
            ("2026-07-24", 20_658, 4),
            ("2024-12-31", 20_088, 1),
        ] {
            let date: Date = text.parse().unwrap();
            assert_eq!((date.day(), date.weekday()), (day, weekday), "{text}");
            assert_eq!(date.to_string(), text);
        }
    }

    #[test]
    fn what_no_month_has_is_no_date() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-04-31",
            "26-04-30",
            "2026-4-30",
            "2026-04-30-1",
            "",
            "2026-+4-30",
            "2100-02-29",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_number_is_out_of_reach() {
        for t in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            1e18,
            -1e18,
        ] {
            let local = Local::at(t, 7 * 3600);
            assert!(local.second < 86_400);
            let _ = (
                local.date.parts(),
                local.date.weekday(),
                local.date.plus(400),
            );
        }
    }

    proptest! {
        #[test]
        fn dates_and_days_are_the_same(day in -700_000i32..2_900_000) {
            let (year, month, of_month) = Date(day).parts();
            prop_assert_eq!(days_from_civil(year, month, of_month), day);
            let next = Date(day + 1).parts();
            let follows = next == (year, month, of_month + 1)
                || next == (year, month + 1, 1) && of_month == days_of(year, month)
                || next == (year + 1, 1, 1) && (month, of_month) == (12, 31);
            prop_assert!(follows);
        }

        #[test]
        fn local_times_come_back(t in -1_000_000_000i64..10_000_000_000, hours in -12i32..=14) {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let t = t as f64;
            let local = Local::at(t, hours * 3600);
            let again = moment(local.date, local.minute(), hours * 3600) + f64::from(local.second % 60);
            prop_assert_eq!(again, t);
        }
    }
}
