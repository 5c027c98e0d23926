//! Việt Nam's public holidays as data: the days on which the state's offices are closed although it is no weekend.
//!
//! The days are those of article 112 of the Labour Code of 2019: New Year 1 January; Tết five days; Victory Day 30 April;
//! Labour Day 1 May; National Day 2 September and one day beside it; Hùng Kings' day, the 10th of the third lunar month.
//! One that falls on a weekend is made up on the next working day (article 111). Which days beside 2 September and around
//! Tết, and whether a working day is moved, the Government decides each year, usually in the autumn before: what it
//! decided for 2025 and 2026 is here, for later years the rule it has followed most often. A province writes what differs
//! as exceptions.
//!
//! Lunar dates follow the civil calendar of Việt Nam (astronomical, at UTC+7, after Hồ Ngọc Đức's rules), which in 2030
//! begins its year a day before China's. They end with 2032; the solar holidays go on.

use std::sync::OnceLock;

use super::civil::Date;

/// A holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// The day nobody works.
    pub date: Date,
    /// Its name, Vietnamese.
    pub vi: &'static str,
    /// Its name, English.
    pub en: &'static str,
}

/// The years whose lunar holidays are known.
pub const LUNAR_YEARS: std::ops::RangeInclusive<i32> = 2025..=2032;

/// The years there are holidays for.
const YEARS: std::ops::RangeInclusive<i32> = 2025..=2060;

type MonthDay = (u8, u8);
type YearMonthDay = (i32, u8, u8);

/// Year; first day of the lunar year; Hùng Kings' day: each month and day.
const LUNAR: [(i32, MonthDay, MonthDay); 8] = [
    (2025, (1, 29), (4, 7)),
    (2026, (2, 17), (4, 26)),
    (2027, (2, 6), (4, 16)),
    (2028, (1, 26), (4, 4)),
    (2029, (2, 13), (4, 23)),
    (2030, (2, 2), (4, 12)),
    (2031, (1, 23), (4, 1)),
    (2032, (2, 11), (4, 19)),
];

/// Working days that were moved to a Saturday: the free day, and the Saturday that is worked instead.
const MOVED: [(YearMonthDay, YearMonthDay); 3] = [
    ((2025, 5, 2), (2025, 4, 26)),
    ((2026, 1, 2), (2026, 1, 10)),
    ((2026, 8, 31), (2026, 8, 22)),
];

/// How many days before the lunar New Year's Day Tết begins: one, unless decided otherwise.
const EARLY_TET: [(i32, i32); 1] = [(2025, 2)];

const NEW_YEAR: (&str, &str) = ("Tết Dương lịch", "New Year");
const TET: (&str, &str) = ("Tết Nguyên đán", "Tết");
const HUNG_KINGS: (&str, &str) = ("Giỗ Tổ Hùng Vương", "Hùng Kings' day");
const VICTORY: (&str, &str) = ("Ngày Chiến thắng 30/4", "Victory Day");
const LABOUR: (&str, &str) = ("Quốc tế Lao động 1/5", "Labour Day");
const NATIONAL: (&str, &str) = ("Quốc khánh 2/9", "National Day");

/// The holiday a day is.
#[must_use]
pub fn of(date: Date) -> Option<&'static Holiday> {
    let all = table();
    let found = all
        .binary_search_by_key(&date, |holiday| holiday.date)
        .ok()?;
    all.get(found)
}

/// Whether a day of a weekend is worked in place of another.
#[must_use]
pub fn is_made_up(date: Date) -> bool {
    // A weekday never is: most questions end here.
    date.weekday() >= SATURDAY
        && MOVED
            .into_iter()
            .any(|(_, (year, month, day))| Date::new(year, month, day) == Some(date))
}

const SATURDAY: usize = 5;

/// All holidays, by date; made once.
fn table() -> &'static [Holiday] {
    static TABLE: OnceLock<Vec<Holiday>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut all: Vec<Holiday> = YEARS.flat_map(of_year).collect();
        all.sort_by_key(|holiday| holiday.date);
        all
    })
}

fn of_year(year: i32) -> Vec<Holiday> {
    let mut days = Days {
        year,
        free: Vec::new(),
        weekend: Vec::new(),
    };
    days.add(1, 1, 0, NEW_YEAR);
    if let Some((_, tet, hung)) = LUNAR.into_iter().find(|(of, ..)| *of == year) {
        let before = EARLY_TET
            .into_iter()
            .find(|(of, _)| *of == year)
            .map_or(1, |(_, days)| days);
        for offset in -before..5 - before {
            days.add(tet.0, tet.1, offset, TET);
        }
        days.make_up();
        days.add(hung.0, hung.1, 0, HUNG_KINGS);
    }
    days.make_up();
    days.add(4, 30, 0, VICTORY);
    days.add(5, 1, 0, LABOUR);
    days.make_up();
    days.add(9, 2, 0, NATIONAL);
    days.add(9, 2, beside_national_day(year), NATIONAL);
    days.make_up();
    for ((of, month, day), _) in MOVED {
        if of == year {
            days.moved(month, day);
        }
    }
    days.free
}

/// The day beside 2 September that makes the longer row of free days.
fn beside_national_day(year: i32) -> i32 {
    let weekday = Date::new(year, 9, 2).map_or(0, Date::weekday);
    let (monday, thursday, sunday) = (0, 3, 6);
    if [monday, thursday, sunday].contains(&weekday) {
        1
    } else {
        -1
    }
}

/// The holidays of a year while they are collected.
struct Days {
    year: i32,
    free: Vec<Holiday>,
    /// Those on a weekend, which are still to be made up.
    weekend: Vec<Holiday>,
}

impl Days {
    fn add(&mut self, month: u8, day: u8, offset: i32, (vi, en): (&'static str, &'static str)) {
        let Some(date) = Date::new(self.year, month, day) else {
            return;
        };
        let holiday = Holiday {
            date: date.plus(offset),
            vi,
            en,
        };
        self.free.push(holiday);
        if holiday.date.weekday() >= SATURDAY {
            self.weekend.push(holiday);
        }
    }

    /// Each on a weekend is made up on the next day that is neither weekend nor free.
    fn make_up(&mut self) {
        for holiday in std::mem::take(&mut self.weekend) {
            let mut date = holiday.date;
            while date.weekday() >= SATURDAY || self.free.iter().any(|free| free.date == date) {
                date = date.plus(1);
            }
            self.free.push(Holiday { date, ..holiday });
        }
    }

    /// A working day that is free because a Saturday is worked instead; it has the name of its neighbour.
    fn moved(&mut self, month: u8, day: u8) {
        let Some(date) = Date::new(self.year, month, day) else {
            return;
        };
        let near = self
            .free
            .iter()
            .min_by_key(|free| free.date.day().abs_diff(date.day()));
        if let Some(near) = near.copied() {
            self.free.push(Holiday { date, ..near });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    /// Working days that are free, as `MM-DD`.
    fn free(year: i32) -> Vec<String> {
        let free = table()
            .iter()
            .filter(|holiday| holiday.date.parts().0 == year);
        let weekdays = free.filter(|holiday| holiday.date.weekday() < SATURDAY);
        weekdays
            .map(|holiday| holiday.date.to_string()[5..].to_owned())
            .collect()
    }

    /// As the Government announced them.
    #[test]
    fn announced_years_are_as_announced() {
        let check = |year, expected: &str| {
            assert_eq!(free(year).join(" "), expected, "{year}");
        };
        check(
            2025,
            "01-01 01-27 01-28 01-29 01-30 01-31 04-07 04-30 05-01 05-02 09-01 09-02",
        );
        check(
            2026,
            "01-01 01-02 02-16 02-17 02-18 02-19 02-20 04-27 04-30 05-01 08-31 09-01 09-02",
        );
    }

    #[test]
    fn weekends_are_made_up() {
        // In 2027 the lunar New Year's Day is a Saturday: its eve is the Friday, two days are made up.
        let year = free(2027).join(" ");
        assert!(year.contains("02-05 02-08 02-09 02-10 02-11"), "{year}");
        // 1 May 2027 is a Saturday.
        assert!(year.contains("04-30 05-03"), "{year}");
    }

    #[test]
    fn every_year_has_its_eleven_days_and_none_twice() {
        assert!(table().windows(2).all(|pair| pair[0].date < pair[1].date));
        for year in LUNAR_YEARS {
            let moved = MOVED.iter().filter(|((of, ..), _)| *of == year).count();
            assert_eq!(free(year).len(), 11 + moved, "{year}");
        }
    }

    #[test]
    fn a_made_up_saturday_is_worked() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert!(is_made_up(date("2026-08-22")) && of(date("2026-08-22")).is_none());
        assert!(!is_made_up(date("2026-08-29")));
        assert_eq!(of(date("2026-08-31")).unwrap().en, "National Day");
    }
}
