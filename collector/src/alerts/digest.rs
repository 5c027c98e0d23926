//! One message before the doors open, and one after they have closed: what is wrong, and where to go first.
//!
//! It is an alert of its own, `DawnwatchDigest`, which lasts ten minutes and is another one each day, so that
//! Alertmanager tells it once. A day on which no centre opens has none. The times are those of the province: half an hour
//! before its first centre opens, ten minutes after its last one has closed.

use diagnosis::calendar::{Centre, Date};

/// Before the first opening of a day.
const BEFORE: f64 = 30.0 * 60.0;

/// After the last closing of a day.
const AFTER: f64 = 10.0 * 60.0;

/// A digest that could not be made in time after closing is of no use the next day.
const LATEST: f64 = 4.0 * 3600.0;

/// How long its alert lasts.
pub const LASTS: f64 = 600.0;

/// Which of a day's two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Before opening.
    Opening,
    /// After closing.
    Closing,
}

impl Part {
    /// The value of the label `part`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Closing => "closing",
        }
    }
}

/// A digest that is to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Due {
    /// Which.
    pub part: Part,
    /// Of which day.
    pub date: Date,
    /// When the first centre opens that day, Unix seconds.
    pub opening: f64,
    /// When the last one closes.
    pub closing: f64,
}

/// The digest that is due at a moment.
#[must_use]
pub fn due(centres: &[Centre], now: f64) -> Option<Due> {
    let days = centres.iter().filter_map(|centre| {
        let date = centre.calendar.local(now).date;
        let opening = centre.calendar.opening(date)?;
        Some((date, opening, centre.calendar.closing(date)?))
    });
    let (date, opening, closing) = days.reduce(|one, other| {
        let (opening, closing) = (one.1.min(other.1), one.2.max(other.2));
        (one.0.max(other.0), opening, closing)
    })?;
    let part = if opening - BEFORE <= now && now < opening {
        Part::Opening
    } else if closing + AFTER <= now && now < closing + LATEST {
        Part::Closing
    } else {
        return None;
    };
    Some(Due {
        part,
        date,
        opening,
        closing,
    })
}
