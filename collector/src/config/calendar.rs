//! `[calendar]`, `[[season]]`, `[[exception]]` and `[[maintenance]]`: what differs from the weeks of the centres, for
//! all of them or for those that are named.

use std::collections::{HashMap, HashSet};

use diagnosis::calendar::{Calendar, Date, Holidays, Period, Season, Year, YearDay, parse_periods};
use jiff::tz::Offset;
use proto::ids::CentreId;
use settings::Table;

use crate::calendar::{Calendars, Hours, USUAL_DAYS};

/// Days one exception may last: a season is for more.
const EXCEPTION_DAYS: i32 = 62;

/// Tables of one kind: every centre of a country may have one.
const TABLES: usize = 5_000;

const HOURS: &str = "must be hours such as \"07:00-11:00 13:30-17:00\"";

/// Without a configuration: the public holidays of Việt Nam.
pub(super) fn usual() -> Calendars {
    let year = Year {
        holidays: Holidays::Vietnam,
        ..Year::default()
    };
    Calendars::new(crate::calendar::UTC_PLUS_7, year, HashMap::new())
}

/// Reads all of it.
pub(super) fn calendars(root: &Table<'_>, offset: Offset) -> Calendars {
    let calendar = root.table("calendar");
    let rules = Rules {
        holidays: holidays(&calendar),
        seasons: read(root, "season", season),
        exceptions: read(root, "exception", exception),
        maintenance: read(root, "maintenance", |table| maintenance(table, offset)),
    };
    let named = rules.named();
    let particular = named.into_iter().map(|id| {
        let year = rules.year(Some(&id));
        (id, year)
    });
    Calendars::new(offset, rules.year(None), particular.collect())
}

/// What was read, each part with the centres it is for; none means all.
struct Rules {
    holidays: Holidays,
    seasons: Vec<(Vec<CentreId>, Season)>,
    exceptions: Vec<(Vec<CentreId>, Exception)>,
    maintenance: Vec<(Vec<CentreId>, (f64, f64))>,
}

/// The first and last day, and when centres are open on them.
type Exception = (Date, Date, Vec<Period>);

impl Rules {
    fn named(&self) -> HashSet<CentreId> {
        let seasons = self.seasons.iter().flat_map(|(centres, _)| centres);
        let exceptions = self.exceptions.iter().flat_map(|(centres, _)| centres);
        let maintenance = self.maintenance.iter().flat_map(|(centres, _)| centres);
        let all = seasons.chain(exceptions).chain(maintenance);
        all.cloned().collect()
    }

    /// The year of a centre, or of those that are nowhere named. What names a centre goes before what is for all.
    fn year(&self, centre: Option<&CentreId>) -> Year {
        let mut year = Year {
            holidays: self.holidays,
            seasons: ordered(&self.seasons, centre).cloned().collect(),
            maintenance: ordered(&self.maintenance, centre).copied().collect(),
            ..Year::default()
        };
        for (from, to, periods) in ordered(&self.exceptions, centre) {
            let days = (0..=to.day() - from.day()).map(|days| from.plus(days));
            for date in days {
                let entry = year.exceptions.entry(date);
                entry.or_insert_with(|| periods.clone());
            }
        }
        year
    }
}

/// Those for a centre: the ones that name it first, then those for all.
fn ordered<'r, T>(
    rules: &'r [(Vec<CentreId>, T)],
    centre: Option<&'r CentreId>,
) -> impl Iterator<Item = &'r T> {
    let own = rules
        .iter()
        .filter(move |(centres, _)| centre.is_some_and(|centre| centres.contains(centre)));
    let all = rules.iter().filter(|(centres, _)| centres.is_empty());
    own.chain(all).map(|(_, rule)| rule)
}

/// The tables of one kind that make sense.
fn read<T>(
    root: &Table<'_>,
    key: &'static str,
    one: impl Fn(&Table<'_>) -> Option<T>,
) -> Vec<(Vec<CentreId>, T)> {
    let tables = root.tables(key);
    if tables.len() > TABLES {
        root.mistake_at(
            key,
            &format!("is there too often: {TABLES} times are allowed"),
        );
    }
    let read = tables.iter().take(TABLES).filter_map(|table| {
        let (centres, rule) = (centres(table), one(table));
        Some((centres?, rule?))
    });
    read.collect()
}

/// The centres a table is for: empty when it names none; nothing when that is a mistake.
fn centres(table: &Table<'_>) -> Option<Vec<CentreId>> {
    if !table.has("centres") {
        // Asked for all the same: only so is the key known.
        let _ = table.list("centres");
        return Some(Vec::new());
    }
    let names = table.list("centres")?;
    let ids: Result<Vec<CentreId>, _> = names.iter().map(|name| name.parse()).collect();
    match ids {
        Ok(ids) if !ids.is_empty() => Some(ids),
        _ => {
            let expected = "must be ids of centres, such as [\"cong-son\"]; leave it out for all";
            table.mistake_at("centres", expected);
            None
        }
    }
}

fn holidays(calendar: &Table<'_>) -> Holidays {
    match calendar.text("holidays").as_deref() {
        None | Some("vn") => Holidays::Vietnam,
        Some("none") => Holidays::None,
        Some(_) => {
            calendar.mistake_at("holidays", "must be \"vn\" or \"none\"");
            Holidays::None
        }
    }
}

fn season(table: &Table<'_>) -> Option<Season> {
    table.require(&["from", "to", "hours"]);
    let expected = "a day of the year, month first, such as \"04-15\"";
    let from = table.value::<YearDay>("from", expected);
    let to = table.value::<YearDay>("to", expected);
    let (hours, days) = (table.text("hours"), table.text("days"));
    let days = days.as_deref().unwrap_or(USUAL_DAYS);
    let hours = match Hours::parse(&hours?, days) {
        Ok(hours) => hours,
        Err(_) if parse_periods(&table.text("hours")?).is_ok() => {
            table.mistake_at("days", "must be days such as \"mon-fri\" or \"mon,wed\"");
            return None;
        }
        Err(_) => {
            table.mistake_at("hours", HOURS);
            return None;
        }
    };
    Some(Season {
        from: from?,
        to: to?,
        hours,
    })
}

fn exception(table: &Table<'_>) -> Option<Exception> {
    table.require(&["date"]);
    let expected = "a date such as \"2026-11-24\"";
    let from = table.value::<Date>("date", expected);
    let to = table.value::<Date>("to", expected);
    let hours = match table.text("hours") {
        Some(hours) => parse_periods(&hours)
            .inspect_err(|_| {
                table.mistake_at("hours", &format!("{HOURS}; leave it out when closed"))
            })
            .ok(),
        None => Some(Vec::new()),
    };
    let from = from?;
    let to = to.unwrap_or(from);
    if to < from || to.day() - from.day() >= EXCEPTION_DAYS {
        let message = format!(
            "must be a date at most {EXCEPTION_DAYS} days from the first; more is a [[season]]"
        );
        table.mistake_at("to", &message);
        return None;
    }
    Some((from, to, hours?))
}

fn maintenance(table: &Table<'_>, offset: Offset) -> Option<(f64, f64)> {
    table.require(&["from", "until"]);
    let expected = "a local time such as \"2026-08-01 22:00\"";
    let from = table.value::<LocalTime>("from", expected);
    let until = table.value::<LocalTime>("until", expected);
    let calendar = Calendar::weekly(None, offset.seconds());
    let moment = |time: LocalTime| calendar.moment(time.date, time.minute);
    let (from, until) = (moment(from?), moment(until?));
    if until <= from {
        table.mistake_at("until", "must be after `from`");
        return None;
    }
    Some((from, until))
}

/// `2026-08-01 22:00`, or with a `T` between.
struct LocalTime {
    date: Date,
    minute: u16,
}

impl std::str::FromStr for LocalTime {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (date, time) = text.split_once([' ', 'T']).ok_or(())?;
        // A period that ends at midnight has every minute of the day as its beginning.
        let period = parse_periods(&format!("{time}-24:00")).map_err(|_| ())?;
        let [period] = period.as_slice() else {
            return Err(());
        };
        Ok(Self {
            date: date.parse().map_err(|_| ())?,
            minute: period.opens,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use jiff::Timestamp;

    use super::super::Config;
    use crate::calendar::Hours;
    use crate::registry::Centre;

    fn centre(id: &str) -> Centre {
        let hours = Hours::parse("07:30-11:30 13:30-17:00", "mon-fri").ok();
        Centre {
            hours,
            ..Centre::named(id.parse().unwrap(), id)
        }
    }

    fn mistakes(text: &str) -> String {
        Config::parse("c.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn rules_are_for_all_or_for_those_they_name() {
        let text = r#"
[[season]]
from = "04-15"
to = "10-15"
hours = "07:00-11:00 13:30-17:00"

[[exception]]
date = "2026-11-24"

[[exception]]
date = "2026-11-23"
to = "2026-11-24"
hours = "08:00-10:00"
centres = ["cong-son"]

[[maintenance]]
from = "2026-11-25 22:00"
until = "2026-11-26T01:00"
centres = ["cong-son"]
"#;
        let calendars = Config::parse("c.toml", text).unwrap().calendars;
        let open = |id: &str, local: &str| {
            let at: Timestamp = format!("{local}:00+07:00").parse().unwrap();
            calendars.is_open(&centre(id), at).unwrap()
        };
        assert!(open("ba-son", "2026-07-24T07:10") && !open("ba-son", "2026-11-20T07:10"));
        assert!(!open("ba-son", "2026-11-24T09:00") && open("ba-son", "2026-11-23T10:30"));
        assert!(open("cong-son", "2026-11-24T09:00") && !open("cong-son", "2026-11-23T10:30"));
        assert!(open("cong-son", "2026-07-24T07:10"));
        assert!(!open("ba-son", "2026-09-02T09:00"), "a holiday");
        let at = |text: &str| {
            text.parse::<Timestamp>()
                .unwrap()
                .as_duration()
                .as_secs_f64()
        };
        let maintained = |id| {
            let calendar = calendars.of(&centre(id));
            [
                "2026-11-25T14:59:59Z",
                "2026-11-25T15:00:00Z",
                "2026-11-25T18:00:00Z",
            ]
            .map(|t| calendar.is_maintained(at(t)))
        };
        assert_eq!(maintained("cong-son"), [false, true, false]);
        assert_eq!(maintained("ba-son"), [false; 3]);
    }

    #[test]
    fn holidays_can_be_left_out() {
        let calendars = Config::parse("c.toml", "[calendar]\nholidays = 'none'")
            .unwrap()
            .calendars;
        let at: Timestamp = "2026-09-02T09:00:00+07:00".parse().unwrap();
        assert_eq!(calendars.is_open(&centre("a"), at), Some(true));
        assert_eq!(
            calendars.is_open(&Centre::named("b".parse().unwrap(), "b"), at),
            None
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = r#"[calendar]
holidays = "us"
[[season]]
from = "15/4"
to = "10-15"
hours = "7-11"
[[season]]
from = "04-15"
hours = "07:00-11:00"
days = "daily"
[[exception]]
date = "2026-02-29"
hours = "late"
centres = ["Công Sơn"]
[[exception]]
date = "2026-02-01"
to = "2026-12-31"
[[maintenance]]
from = "2026-08-01 22:00"
until = "2026-08-01 21:00"
[[maintenance]]
from = "tonight"
"#;
        let found = mistakes(text);
        for expected in [
            "c.toml:2: calendar.holidays must be \"vn\" or \"none\"",
            "c.toml:4: season.from must be a day of the year",
            "c.toml:6: season.hours must be hours",
            "c.toml:7:",
            "c.toml:10: season.days must be days",
            "c.toml:12: exception.date must be a date",
            "c.toml:13: exception.hours must be hours",
            "c.toml:14: exception.centres must be ids",
            "c.toml:17: exception.to must be a date at most",
            "c.toml:20: maintenance.until must be after",
            "c.toml:21:",
            "c.toml:22: maintenance.from must be a local time",
        ] {
            assert!(found.contains(expected), "{expected}\nis not in\n{found}");
        }
    }
}
