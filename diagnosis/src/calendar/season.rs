//! Parts of the year with another week: summer hours that begin on 15 April every year, say.

use std::str::FromStr;

use super::civil::{Date, days_of, digits};
use super::hours::Hours;

/// A day of every year. 29 February counts as such in leap years, and lies between its neighbours in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct YearDay {
    month: u8,
    day: u8,
}

/// A text that is no day of the year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no day of the year: write it as 04-15, month first")]
pub struct InvalidSeason {
    /// The text.
    pub text: String,
}

impl FromStr for YearDay {
    type Err = InvalidSeason;

    fn from_str(text: &str) -> Result<Self, InvalidSeason> {
        let invalid = || InvalidSeason { text: text.into() };
        let (month, day) = text.split_once('-').ok_or_else(invalid)?;
        let number = |text| digits(Some(text), 2).and_then(|number| u8::try_from(number).ok());
        let month = number(month).ok_or_else(invalid)?;
        let day = number(day).ok_or_else(invalid)?;
        let leap_year = 2000;
        let possible = (1..=days_of(leap_year, month)).contains(&day);
        possible.then_some(Self { month, day }).ok_or_else(invalid)
    }
}

/// A part of the year, every year, and its week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// Its first day.
    pub from: YearDay,
    /// Its last day; before the first when the season goes over New Year.
    pub to: YearDay,
    /// Its week.
    pub hours: Hours,
}

impl Season {
    /// Whether a day is in it.
    #[must_use]
    pub fn contains(&self, date: Date) -> bool {
        let (_, month, day) = date.parts();
        let day = YearDay { month, day };
        if self.from <= self.to {
            self.from <= day && day <= self.to
        } else {
            day >= self.from || day <= self.to
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn seasons_contain_their_ends_and_go_over_new_year() {
        let season = |from: &str, to: &str| Season {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            hours: Hours::default(),
        };
        let check = |season: &Season, date: &str, expected| {
            assert_eq!(season.contains(date.parse().unwrap()), expected, "{date}");
        };
        let summer = season("04-15", "10-15");
        for (date, expected) in [
            ("2026-04-14", false),
            ("2026-04-15", true),
            ("2026-10-15", true),
            ("2026-10-16", false),
        ] {
            check(&summer, date, expected);
        }
        let winter = season("10-16", "04-14");
        for (date, expected) in [
            ("2026-10-15", false),
            ("2026-12-31", true),
            ("2027-01-01", true),
            ("2027-04-14", true),
            ("2027-04-15", false),
        ] {
            check(&winter, date, expected);
        }
    }

    #[test]
    fn days_no_month_has_are_refused() {
        assert!("02-29".parse::<YearDay>().is_ok());
        for text in [
            "02-30", "4-15", "13-01", "00-10", "04-31", "15/4", "", "04-15-",
        ] {
            assert!(text.parse::<YearDay>().is_err(), "{text}");
        }
    }
}
