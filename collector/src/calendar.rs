//! When a centre is open: hours of the day on days of the week, in the centre's local time.
//!
//! Written as in the centres file: hours `07:30-11:30 13:30-17:00`, days `mon-fri`. Pure: the time
//! and the offset from UTC are passed in. Deliberately absent so far: seasons and holidays.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;

/// The offset of Việt Nam, which has no daylight saving time.
pub const UTC_PLUS_7: Offset = Offset::constant(7);

/// The days a centre is open when its row says nothing of them.
pub const USUAL_DAYS: &str = "mon-fri";

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MINUTES_PER_DAY: u16 = 24 * 60;

/// Opening hours of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Ascending, without overlap, never empty.
    periods: Vec<Period>,
    /// From Monday; at least one.
    days: [bool; 7],
}

/// From the start of minute `opens` to the start of minute `closes`, counted from midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    opens: u16,
    closes: u16,
}

/// Why a text is no opening time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidHours {
    #[error("{text:?} is no period: write it as 07:30-11:30, two periods with a space between")]
    Period { text: String },
    #[error("{text:?} ends before it begins")]
    Backwards { text: String },
    #[error("{text:?} begins before the period in front of it ends")]
    Overlap { text: String },
    #[error(
        "{text:?} is no day: use mon, tue, wed, thu, fri, sat, sun, such as mon-fri or mon,wed"
    )]
    Day { text: String },
    #[error("{text:?} runs backwards: name the earlier day first, or write fri,sat,sun,mon")]
    BackwardDays { text: String },
}

impl Hours {
    /// Reads both texts, as the centres file has them.
    ///
    /// # Errors
    /// The first thing in them that makes no sense.
    pub fn parse(hours: &str, days: &str) -> Result<Self, InvalidHours> {
        Ok(Self {
            periods: parse_periods(hours)?,
            days: parse_days(days)?,
        })
    }

    /// Whether the centre is open at a moment. It is at the first minute of a period, and no longer
    /// at the last.
    #[must_use]
    pub fn is_open(&self, at: Timestamp, offset: Offset) -> bool {
        let local = offset.to_datetime(at);
        let day = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
        let minute =
            u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let contains = |period: &Period| period.opens <= minute && minute < period.closes;
        self.days.get(day) == Some(&true) && self.periods.iter().any(contains)
    }

    /// The periods, as the centres file has them.
    #[must_use]
    pub fn hours(&self) -> String {
        let periods: Vec<_> = self.periods.iter().map(ToString::to_string).collect();
        periods.join(" ")
    }

    /// The days, as the centres file has them: runs of three and more as `mon-wed`.
    #[must_use]
    pub fn days(&self) -> String {
        let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
        for (name, open) in DAYS.into_iter().zip(self.days) {
            match runs.last_mut() {
                Some(run) if open => run.push(name),
                _ => runs.push(Vec::new()),
            }
        }
        let words: Vec<String> = runs
            .iter()
            .filter(|run| !run.is_empty())
            .map(|run| match run.as_slice() {
                [first, _, .., last] => format!("{first}-{last}"),
                few => few.join(","),
            })
            .collect();
        words.join(",")
    }
}

fn parse_periods(text: &str) -> Result<Vec<Period>, InvalidHours> {
    let mut periods: Vec<Period> = Vec::new();
    for word in text.split_whitespace() {
        let period = parse_period(word)?;
        if periods
            .last()
            .is_some_and(|last| last.closes > period.opens)
        {
            return Err(InvalidHours::Overlap { text: word.into() });
        }
        periods.push(period);
    }
    if periods.is_empty() {
        return Err(InvalidHours::Period { text: text.into() });
    }
    Ok(periods)
}

fn parse_period(text: &str) -> Result<Period, InvalidHours> {
    let invalid = || InvalidHours::Period { text: text.into() };
    let (opens, closes) = text.split_once('-').ok_or_else(invalid)?;
    let opens = parse_minute(opens).ok_or_else(invalid)?;
    let closes = parse_minute(closes).ok_or_else(invalid)?;
    if closes <= opens {
        return Err(InvalidHours::Backwards { text: text.into() });
    }
    Ok(Period { opens, closes })
}

/// `07:30` or `7:30`; `24:00` is the end of the day.
fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(hour) || hour.len() > 2 || !digits(minute) || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
}

fn parse_days(text: &str) -> Result<[bool; 7], InvalidHours> {
    let mut open = [false; 7];
    for word in text.split(',').map(str::trim) {
        let position = |day: &str| {
            DAYS.iter()
                .position(|known| known.eq_ignore_ascii_case(day.trim()))
                .ok_or_else(|| InvalidHours::Day { text: word.into() })
        };
        let (first, last) = match word.split_once('-') {
            Some((first, last)) => (position(first)?, position(last)?),
            None => (position(word)?, position(word)?),
        };
        let run = open
            .get_mut(first..=last)
            .ok_or_else(|| InvalidHours::BackwardDays { text: word.into() })?;
        run.fill(true);
    }
    Ok(open)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opens, closes) = (self.opens, self.closes);
        write!(f, "{:02}:{:02}-", opens / 60, opens % 60)?;
        write!(f, "{:02}:{:02}", closes / 60, closes % 60)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.days(), self.hours())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn usual() -> Hours {
        Hours::parse("07:30-11:30 13:30-17:00", "mon-fri").unwrap()
    }

    #[test]
    fn open_hours_are_local() {
        let check = |local: &str, expected: bool| {
            let at: Timestamp = format!("{local}+07:00").parse().unwrap();
            assert_eq!(usual().is_open(at, UTC_PLUS_7), expected, "{local}");
        };
        // 2026-07-24 is a Friday.
        check("2026-07-24T07:29:59", false);
        check("2026-07-24T07:30:00", true);
        check("2026-07-24T11:29:59", true);
        check("2026-07-24T11:30:00", false);
        check("2026-07-24T13:30:00", true);
        check("2026-07-24T17:00:00", false);
        check("2026-07-25T08:00:00", false);
        check("2026-07-26T08:00:00", false);
        check("2026-07-27T08:00:00", true);
    }

    #[test]
    fn the_same_moment_is_another_hour_elsewhere() {
        let at: Timestamp = "2026-07-24T00:45:00Z".parse().unwrap();
        assert!(usual().is_open(at, UTC_PLUS_7));
        assert!(!usual().is_open(at, Offset::UTC));
    }

    #[test]
    fn midnight_can_end_a_period() {
        let hours = Hours::parse("00:00-24:00", "sun").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(hours.is_open(at("2026-07-26T23:59:59Z"), Offset::UTC));
        assert!(!hours.is_open(at("2026-07-27T00:00:00Z"), Offset::UTC));
    }

    #[test]
    fn texts_come_back_in_one_spelling() {
        let check = |hours: &str, days: &str, expected: &str| {
            let parsed = Hours::parse(hours, days).unwrap();
            assert_eq!(parsed.to_string(), expected, "{hours} {days}");
            let again = Hours::parse(&parsed.hours(), &parsed.days()).unwrap();
            assert_eq!(again, parsed);
        };
        check(
            "7:30-11:30  13:30-17:00",
            "Mon-Fri",
            "mon-fri 07:30-11:30 13:30-17:00",
        );
        check("07:30-11:30", "fri, mon,wed", "mon,wed,fri 07:30-11:30");
        check(
            "07:30-11:30",
            "mon,tue,wed,sat,sun",
            "mon-wed,sat,sun 07:30-11:30",
        );
        check(
            "07:30-11:30 11:30-12:00",
            "sun",
            "sun 07:30-11:30 11:30-12:00",
        );
        check("00:00-24:00", "mon-sun", "mon-sun 00:00-24:00");
    }

    #[test]
    fn nonsense_is_named() {
        let check = |hours: &str, days: &str, expected: &str| {
            let error = Hours::parse(hours, days).unwrap_err().to_string();
            assert!(error.contains(expected), "{hours} {days}: {error}");
        };
        check("", "mon", "no period");
        check("0730-1130", "mon", "no period");
        check("07:30", "mon", "no period");
        check("07:60-08:00", "mon", "no period");
        check("07:30-24:01", "mon", "no period");
        check("+7:30-08:00", "mon", "no period");
        check("11:30-07:30", "mon", "ends before");
        check("07:30-07:30", "mon", "ends before");
        check(
            "07:30-11:30 11:00-12:00",
            "mon",
            "\"11:00-12:00\" begins before",
        );
        check("13:30-17:00 07:30-11:30", "mon", "begins before");
        check("07:30-11:30", "", "no day");
        check("07:30-11:30", "monday", "no day");
        check("07:30-11:30", "mon-", "no day");
        check("07:30-11:30", "fri-mon", "backwards");
    }
}
