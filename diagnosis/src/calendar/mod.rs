//! When a centre is open. A [`Calendar`] is its week, with seasons, holidays and exceptions, in its own local time;
//! everything is asked by Unix seconds and answered without a clock.
//!
//! What decides a day, the first that says anything: an exception of that date, a working day moved to it, a public
//! holiday, a season, the week. Maintenance does not close a centre: it is a time in which nobody is to be alerted.
//!
//! Deliberately absent: time zones with daylight saving time, and periods that cross midnight.

mod civil;
pub mod holidays;
mod hours;
mod season;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use civil::{Date, InvalidDate, Local, MINUTES_PER_DAY};
pub use hours::{Hours, InvalidHours, Period, USUAL_DAYS, USUAL_HOURS, parse_periods};
pub use season::{InvalidSeason, Season, YearDay};

/// The offset of Việt Nam from UTC, seconds east.
pub const UTC_PLUS_7: i32 = 7 * 3600;

/// How far the next opening is looked for: a year, and what the longest season may add.
const HORIZON_DAYS: i32 = 400;

/// A centre.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Centre {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A free grouping, such as a district; empty when it has none.
    pub area: String,
    /// The ISP of its line; empty when it is not known.
    pub isp: String,
    /// When it is open.
    pub calendar: Calendar,
}

/// When a centre is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Its week; nothing when its hours are not known, and then it is never said to be open.
    pub hours: Option<Hours>,
    /// Its local time, seconds east of UTC.
    pub utc_offset: i32,
    /// What differs from its week; the same for many centres.
    pub year: Arc<Year>,
}

/// What differs from the week in the course of years.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Year {
    /// Other weeks for parts of the year; the first that has a day counts.
    pub seasons: Vec<Season>,
    /// Whose public holidays are kept.
    pub holidays: Holidays,
    /// Single days that are otherwise: their periods, none when it is closed.
    pub exceptions: BTreeMap<Date, Vec<Period>>,
    /// Times in which nobody is to be alerted, Unix seconds: from, until.
    pub maintenance: Vec<(f64, f64)>,
}

/// Whose public holidays are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Holidays {
    /// None.
    #[default]
    None,
    /// Those of Việt Nam.
    Vietnam,
}

impl Default for Calendar {
    /// The usual week at UTC+7, without holidays.
    fn default() -> Self {
        Self::weekly(Some(Hours::default()), UTC_PLUS_7)
    }
}

impl Calendar {
    /// A week and nothing else.
    #[must_use]
    pub fn weekly(hours: Option<Hours>, utc_offset: i32) -> Self {
        Self {
            hours,
            utc_offset,
            year: Arc::default(),
        }
    }

    /// Whether it is known when the centre is open.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.hours.is_some()
    }

    /// The clock on the centre's wall.
    #[must_use]
    pub fn local(&self, t: f64) -> Local {
        Local::at(t, self.utc_offset)
    }

    /// When a minute of one of its days begins.
    #[must_use]
    pub fn moment(&self, date: Date, minute: u16) -> f64 {
        civil::moment(date, minute, self.utc_offset)
    }

    /// When it is open on a day, ascending; empty when it is closed or nothing is known.
    #[must_use]
    pub fn periods(&self, date: Date) -> &[Period] {
        if let Some(periods) = self.year.exceptions.get(&date) {
            return periods;
        }
        let season = self
            .year
            .seasons
            .iter()
            .find(|season| season.contains(date));
        let Some(hours) = season.map(|season| &season.hours).or(self.hours.as_ref()) else {
            return &[];
        };
        let open = match self.year.holidays {
            Holidays::Vietnam if holidays::is_made_up(date) => true,
            Holidays::Vietnam if holidays::of(date).is_some() => false,
            _ => hours.opens_on(date.weekday()),
        };
        if open { hours.periods() } else { &[] }
    }

    /// The public holiday a day is, if the centre keeps it.
    #[must_use]
    pub fn holiday(&self, date: Date) -> Option<&'static holidays::Holiday> {
        match self.year.holidays {
            Holidays::None => None,
            Holidays::Vietnam if self.year.exceptions.contains_key(&date) => None,
            Holidays::Vietnam => holidays::of(date),
        }
    }

    /// Whether it is open: at the first second of a period, and no longer at its end.
    #[must_use]
    pub fn is_open(&self, t: f64) -> bool {
        let local = self.local(t);
        let minute = local.minute();
        self.periods(local.date)
            .iter()
            .any(|period| period.contains(minute))
    }

    /// Whether nobody is to be alerted.
    #[must_use]
    pub fn is_maintained(&self, t: f64) -> bool {
        self.year
            .maintenance
            .iter()
            .any(|(from, until)| *from <= t && t < *until)
    }

    /// When its doors open on a day.
    #[must_use]
    pub fn opening(&self, date: Date) -> Option<f64> {
        let first = self.periods(date).first()?;
        Some(self.moment(date, first.opens))
    }

    /// When its doors close on a day, for the last time.
    #[must_use]
    pub fn closing(&self, date: Date) -> Option<f64> {
        let last = self.periods(date).last()?;
        Some(self.moment(date, last.closes))
    }

    /// When its doors open next for a day, after a moment: not after lunch. Nothing when that is more than a year away.
    #[must_use]
    pub fn next_opening(&self, t: f64) -> Option<f64> {
        let today = self.local(t).date;
        let mut days = (0..=self.horizon()).map(|days| today.plus(days));
        days.find_map(|date| self.opening(date).filter(|at| *at > t))
    }

    /// The end of a period that is nearest, lunch among them: when PCs go silent without a fault. Looks at today,
    /// yesterday and tomorrow.
    #[must_use]
    pub fn nearest_closing(&self, t: f64) -> Option<f64> {
        let near = |a: &f64, b: &f64| (a - t).abs().total_cmp(&(b - t).abs());
        self.around(t).map(|(_, closes)| closes).min_by(near)
    }

    /// Seconds since the present period began; nothing while it is closed.
    #[must_use]
    pub fn since_opened(&self, t: f64) -> Option<f64> {
        let (opens, _) = self.present(t)?;
        Some(t - opens)
    }

    /// Seconds until the present period ends; nothing while it is closed.
    #[must_use]
    pub fn until_closes(&self, t: f64) -> Option<f64> {
        let (_, closes) = self.present(t)?;
        Some(closes - t)
    }

    /// Seconds since the last period ended, within two days; nothing while it is open.
    #[must_use]
    pub fn since_closed(&self, t: f64) -> Option<f64> {
        if self.is_open(t) {
            return None;
        }
        let closed = self
            .around(t)
            .map(|(_, closes)| closes)
            .filter(|closes| *closes <= t);
        closed.max_by(f64::total_cmp).map(|closes| t - closes)
    }

    /// Minutes since Monday, midnight: the place of a moment in its week.
    #[must_use]
    pub fn minute_of_week(&self, t: f64) -> u16 {
        let local = self.local(t);
        let weekday = u16::try_from(local.date.weekday()).unwrap_or_default();
        weekday * MINUTES_PER_DAY + local.minute()
    }

    /// The period that contains a moment.
    fn present(&self, t: f64) -> Option<(f64, f64)> {
        self.around(t)
            .find(|(opens, closes)| *opens <= t && t < *closes)
    }

    /// The periods of yesterday, today and tomorrow.
    fn around(&self, t: f64) -> impl Iterator<Item = (f64, f64)> {
        let today = self.local(t).date;
        (-1..=1)
            .map(move |days| today.plus(days))
            .flat_map(move |date| {
                let times = move |period: &Period| {
                    (
                        self.moment(date, period.opens),
                        self.moment(date, period.closes),
                    )
                };
                self.periods(date).iter().map(times)
            })
    }

    /// Days in which something can be open.
    fn horizon(&self) -> i32 {
        let something =
            self.is_known() || !self.year.seasons.is_empty() || !self.year.exceptions.is_empty();
        if something { HORIZON_DAYS } else { -1 }
    }
}

#[cfg(test)]
mod tests;
