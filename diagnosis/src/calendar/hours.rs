//! Opening hours of a week: hours of the day on days of the week.
//!
//! Written as in the centres file: hours `07:30-11:30 13:30-17:00`, days `mon-fri`. What a day of the year makes of
//! them is the matter of the [`Calendar`](super::Calendar).

use std::fmt;

use super::civil::MINUTES_PER_DAY;

/// The hours a centre is open when nothing is said of them.
pub const USUAL_HOURS: &str = "07:30-11:30 13:30-17:00";

/// The days a centre is open when its row says nothing of them.
pub const USUAL_DAYS: &str = "mon-fri";

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

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
pub struct Period {
    /// The first minute it is open.
    pub opens: u16,
    /// The first minute it no longer is.
    pub closes: u16,
}

impl Period {
    /// Whether a minute of the day is in it.
    #[must_use]
    pub fn contains(self, minute: u16) -> bool {
        self.opens <= minute && minute < self.closes
    }
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

impl Default for Hours {
    /// The usual ones.
    fn default() -> Self {
        let morning = Period {
            opens: 7 * 60 + 30,
            closes: 11 * 60 + 30,
        };
        let afternoon = Period {
            opens: 13 * 60 + 30,
            closes: 17 * 60,
        };
        Self {
            periods: vec![morning, afternoon],
            days: [true, true, true, true, true, false, false],
        }
    }
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

    /// The periods of each open day, ascending.
    #[must_use]
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Whether it opens on a day of the week; 0 is Monday.
    #[must_use]
    pub fn opens_on(&self, weekday: usize) -> bool {
        self.days.get(weekday) == Some(&true)
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

/// Reads the periods of a day.
///
/// # Errors
/// The first thing in them that makes no sense.
pub fn parse_periods(text: &str) -> Result<Vec<Period>, InvalidHours> {
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

    #[test]
    fn the_usual_hours_are_as_written() {
        assert_eq!(Hours::parse(USUAL_HOURS, USUAL_DAYS), Ok(Hours::default()));
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
