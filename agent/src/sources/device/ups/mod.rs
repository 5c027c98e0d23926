//! What a UPS says: UPS-MIB (RFC 1628), and where a maker's card does not speak it, or not all of it,
//! the maker's own objects, from a table ([`makers`]).
//!
//! Cards answer carelessly: numbers in texts, empty texts, tenths where percent are meant, times of
//! 4294967295 minutes for "not known", objects without their `.0`. UPS-MIB goes first, because it says
//! in which unit it speaks; that the battery is low or old counts whoever says so. Deliberately absent:
//! voltages and temperatures, of which nobody at a centre does anything.

mod makers;

use super::said::{Said, Ups};
use super::snmp::{Oid, Session, Trouble, Value, oid};
use super::system::SYS_OBJECT_ID;

/// Groups are walked whole: a few objects each, and some cards leave out the `.0` that a GET needs.
const UPS_BATTERY: Oid = oid!("1.3.6.1.2.1.33.1.2");
const UPS_OUTPUT: Oid = oid!("1.3.6.1.2.1.33.1.4");
const UPS_ALARM: Oid = oid!("1.3.6.1.2.1.33.1.6");

/// Arcs below the groups.
const BATTERY_STATUS: u32 = 1;
const SECONDS_ON_BATTERY: u32 = 2;
const ESTIMATED_MINUTES_REMAINING: u32 = 3;
const ESTIMATED_CHARGE_REMAINING: u32 = 4;
const OUTPUT_SOURCE: u32 = 1;
/// `upsOutputTable`, `upsOutputEntry`, `upsOutputPercentLoad`.
const OUTPUT_PERCENT_LOAD: [u32; 3] = [4, 1, 5];
const ALARMS_PRESENT: u32 = 1;
/// `upsAlarmTable`, `upsAlarmEntry`, `upsAlarmDescr`.
const ALARM_DESCR: [u32; 3] = [2, 1, 2];
const ALARM_BATTERY_BAD: Oid = oid!("1.3.6.1.2.1.33.1.6.3.1");

/// Objects of one group that are read: three outputs, ten alarms.
const MOST: usize = 48;

/// Longer than this no battery lasts: a number of minutes that says "not known".
const LONGEST: f64 = 31.0 * 86_400.0;

/// Reads it into `said.ups`, which stays empty where the device is none.
pub(crate) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    let battery = Group::read(session, said, UPS_BATTERY).await?;
    let output = Group::read(session, said, UPS_OUTPUT).await?;
    let mut ups = standard(&battery, &output);
    if !(battery.is_empty() && output.is_empty()) {
        let alarms = Group::read(session, said, UPS_ALARM).await?;
        ups.battery_replace = is_battery_bad(&alarms);
    }
    // Also where UPS-MIB says everything: some cards tell only in their own way that the battery is old.
    let told = session.get(&[SYS_OBJECT_ID]).await?;
    if let Some(Value::Oid(object)) = told.first().map(|told| &told.value) {
        makers::fill(session, object, &mut ups).await?;
    }
    if ups.battery_ratio.is_some_and(|ratio| ratio > 1.0) {
        ups.battery_ratio = Some(1.0);
        let problem = "it says that its battery is fuller than full";
        said.problems.push(problem.to_owned());
    }
    said.ups = (ups != Ups::default()).then_some(ups);
    Ok(())
}

/// What UPS-MIB says.
fn standard(battery: &Group, output: &Group) -> Ups {
    // upsOutputSource: other(1), none(2), normal(3), bypass(4), battery(5), booster(6), reducer(7).
    let on_battery = match output.scalar(OUTPUT_SOURCE) {
        Some(5) => Some(true),
        Some(3 | 4 | 6 | 7) => Some(false),
        _ => battery
            .scalar(SECONDS_ON_BATTERY)
            .map(|seconds| seconds > 0),
    };
    // upsBatteryStatus: unknown(1), batteryNormal(2), batteryLow(3), batteryDepleted(4).
    let battery_low = match battery.scalar(BATTERY_STATUS) {
        Some(2) => Some(false),
        Some(3 | 4) => Some(true),
        _ => None,
    };
    let loads = output.column(&OUTPUT_PERCENT_LOAD).filter_map(number);
    Ups {
        on_battery,
        battery_ratio: (battery.scalar(ESTIMATED_CHARGE_REMAINING))
            .and_then(|told| ratio(told, 100)),
        runtime_seconds: (battery.scalar(ESTIMATED_MINUTES_REMAINING))
            .and_then(|minutes| time(minutes, 60.0)),
        load_ratio: loads.filter_map(|told| ratio(told, 100)).reduce(f64::max),
        battery_low,
        battery_replace: None,
    }
}

/// Whether the alarms that are present say so; `None` where alarms are not told.
fn is_battery_bad(alarms: &Group) -> Option<bool> {
    let present = alarms.scalar(ALARMS_PRESENT)?;
    let mut told = alarms.column(&ALARM_DESCR);
    let is_bad = told.any(|alarm| *alarm == Value::Oid(ALARM_BATTERY_BAD));
    // More than are told may hide it.
    (is_bad || present == 0 || alarms.column(&ALARM_DESCR).next().is_some()).then_some(is_bad)
}

/// A group of a MIB: what is below it, by the arcs that follow.
struct Group(Vec<(Vec<u32>, Value)>);

impl Group {
    async fn read(session: &mut dyn Session, said: &mut Said, root: Oid) -> Result<Self, Trouble> {
        let walked = session.walk(&root, MOST).await;
        match walked.trouble {
            Some(trouble) if trouble.is_final() => return Err(trouble),
            // Of the outputs and alarms the first are enough.
            None | Some(Trouble::TooMany) => {}
            Some(trouble) => {
                let problem = format!("of the UPS not all could be read: {trouble}");
                said.problems.push(problem);
            }
        }
        let rows = walked.rows.into_iter().filter_map(|row| {
            let arcs = row.oid.suffix(&root)?.to_vec();
            Some((arcs, row.value))
        });
        Ok(Self(rows.collect()))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of an object, with the `.0` behind it or without.
    fn scalar(&self, object: u32) -> Option<i64> {
        let told = self.0.iter().find(|(arcs, _)| match arcs.as_slice() {
            [arc] | [arc, 0] => *arc == object,
            _ => false,
        });
        number(&told?.1)
    }

    fn column<'g>(&'g self, column: &'g [u32]) -> impl Iterator<Item = &'g Value> {
        let below = self.0.iter().filter(|(arcs, _)| arcs.starts_with(column));
        below.map(|(_, value)| value)
    }
}

/// A number, also where it is in a text, with or without a unit behind it.
fn number(value: &Value) -> Option<i64> {
    if let Value::Bytes(_) = value {
        let text = value.as_text()?;
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '-'));
        return text.get(..end.unwrap_or(text.len()))?.parse().ok();
    }
    value.as_i64()
}

/// A share of `whole`. Negative ones and such as no UPS has are none.
fn ratio(told: i64, whole: u32) -> Option<f64> {
    let told = u32::try_from(told).ok()?;
    let is_possible = told <= whole.saturating_mul(3);
    is_possible.then(|| f64::from(told) / f64::from(whole))
}

/// A time in such units. Negative ones and those of months are not known.
fn time(told: i64, unit_seconds: f64) -> Option<f64> {
    let seconds = f64::from(u32::try_from(told).ok()?) * unit_seconds;
    (seconds <= LONGEST).then_some(seconds)
}

#[cfg(test)]
mod tests;
