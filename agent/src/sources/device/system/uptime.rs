//! Since when a device runs, from three clocks of which each may be missing, wrong in its kind, or wrapped.
//!
//! `sysUpTime` is what counters and indexes are relative to, so it comes first: a host that runs for a
//! year with an agent started today has counters of today. It has 32 bits of hundredths and wraps after
//! 497 days; `snmpEngineTime` (RFC 3411) has seconds and does not, so where both agree but for whole
//! wraps, the wraps are added. Without `sysUpTime`, `snmpEngineTime` and then `hrSystemUptime` stand in.
//! Deliberately absent: the greatest of the three, which would make a restarted agent look old.

use super::super::snmp::Value;

/// What `sysUpTime` counts before it begins again, in seconds.
pub(crate) const WRAP: f64 = 42_949_672.96;

/// How far `snmpEngineTime` may be from `sysUpTime` and still be of the same start.
const ALIKE: f64 = 600.0;

/// Seconds, of `sysUpTime`, `snmpEngineTime` and `hrSystemUptime` as they came.
pub(super) fn seconds(
    sys: Option<&Value>,
    engine: Option<&Value>,
    host: Option<&Value>,
) -> Option<f64> {
    let engine = engine.and_then(Value::as_u64).map(whole);
    let Some(sys) = sys.and_then(hundredths) else {
        return engine.or_else(|| host.and_then(hundredths));
    };
    let wraps = engine.map_or(0.0, |engine| ((engine - sys) / WRAP).round().max(0.0));
    let unwrapped = wraps.mul_add(WRAP, sys);
    let is_of_the_same_start = engine.is_some_and(|engine| (engine - unwrapped).abs() <= ALIKE);
    Some(if is_of_the_same_start { unwrapped } else { sys })
}

/// `TimeTicks`, or what some send instead: a number of another kind, negative where it has the highest
/// bit, or in a text.
fn hundredths(value: &Value) -> Option<f64> {
    let ticks = match value {
        Value::Integer(number) => number.cast_unsigned().into(),
        Value::Bytes(_) => value.as_text()?.parse().ok()?,
        _ => value.as_u64()?,
    };
    Some(whole(ticks) / 100.0)
}

fn whole(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sys: Option<Value>, engine: Option<u32>, host: Option<u32>, expected: Option<f64>) {
        let engine = engine.map(Value::Gauge32);
        let host = host.map(Value::TimeTicks);
        let seconds = seconds(sys.as_ref(), engine.as_ref(), host.as_ref());
        let difference = seconds.zip(expected).map(|(a, b)| (a - b).abs());
        assert_eq!(seconds.is_some(), expected.is_some());
        assert!(difference.unwrap_or_default() < 0.01, "{seconds:?}");
    }

    #[test]
    fn the_agents_own_time_is_what_counters_are_relative_to() {
        let ticks = Some(Value::TimeTicks(1_579_668));
        check(ticks.clone(), None, Some(127_716_610), Some(15_796.68));
        check(ticks, Some(16_000), None, Some(15_796.68));
    }

    #[test]
    fn a_time_that_wrapped_after_497_days_goes_on() {
        let ticks = Some(Value::TimeTicks(1_000_000));
        check(ticks.clone(), Some(42_959_700), None, Some(WRAP + 10_000.0));
        check(
            ticks.clone(),
            Some(85_909_300),
            None,
            Some(2.0 * WRAP + 10_000.0),
        );
        // The engine runs since long ago, the rest was started again: no wrap.
        check(ticks, Some(60_000_000), None, Some(10_000.0));
    }

    #[test]
    fn a_time_of_the_wrong_kind_is_a_time() {
        check(Some(Value::Integer(4_200)), None, None, Some(42.0));
        check(Some(Value::Gauge32(4_200)), None, None, Some(42.0));
        check(Some(Value::Integer(-1)), None, None, Some(WRAP - 0.01));
        check(Some(Value::Bytes(b"4200".to_vec())), None, None, Some(42.0));
    }

    #[test]
    fn another_clock_stands_in_for_a_missing_one() {
        check(None, Some(77), Some(9_900), Some(77.0));
        check(None, None, Some(9_900), Some(99.0));
        check(Some(Value::Other), None, Some(9_900), Some(99.0));
        check(Some(Value::Bytes(b"up".to_vec())), None, None, None);
        check(None, None, None, None);
    }
}
