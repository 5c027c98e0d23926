//! Times of day as people say them: 07:12, with the date where the day does not go without saying.

use super::{Told, Words, words};
use crate::calendar::{Date, Local};

/// "since 07:12", or "from 07:12 to 07:40".
pub(super) fn when(told: &Told) -> Words {
    let local = |t: f64| Local::at(t, told.offset_seconds);
    let today = told.now.map(|now| local(now).date);
    let since = local(told.since);
    let Some(until) = told.until.map(local) else {
        let since = moment(since, today);
        return words(format!("từ {}", since.vi), format!("since {}", since.en));
    };
    // The date of a span within one day is said once.
    let within_a_day = since.date == until.date;
    let first = moment(
        since,
        if within_a_day {
            Some(since.date)
        } else {
            today
        },
    );
    let last = moment(until, today);
    words(
        format!("từ {} đến {}", first.vi, last.vi),
        format!("from {} to {}", first.en, last.en),
    )
}

/// A time of day, with the date unless it is today's.
pub(in crate::sentence) fn moment(at: Local, today: Option<Date>) -> Words {
    let minute = at.minute();
    let time = format!("{:02}:{:02}", minute / 60, minute % 60);
    if today == Some(at.date) {
        return words(time.clone(), time);
    }
    let date = date(at.date);
    words(format!("{time} ngày {date}"), format!("{time} on {date}"))
}

/// Date and month: 24/11.
pub(in crate::sentence) fn date(date: Date) -> String {
    let (_, month, day) = date.parts();
    format!("{day}/{month}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_times_are_told_without_harm() {
        for t in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300] {
            let said = moment(Local::at(t, 25_200), None);
            assert!(said.vi.contains(" ngày "), "{said:?}");
        }
    }
}
