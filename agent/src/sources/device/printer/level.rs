//! A level and its maximum as the Printer MIB has them, of supplies and trays alike.
//!
//! What they mean is [`Level::of`], which IPP shares. Deliberately absent: a guess from a name.

use super::super::said::Level;
use super::super::snmp::{Oid, Value};
use super::super::table::Row;

/// A level and its maximum as a device tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) level: Option<i64>,
    pub(super) max: Option<i64>,
}

impl Told {
    /// Of these two columns.
    pub(super) fn read(row: Row<'_>, level: &Oid, max: &Oid) -> Self {
        Self {
            level: row.get(level).and_then(signed),
            max: row.get(max).and_then(signed),
        }
    }

    /// What it means.
    pub(super) fn meaning(self) -> Level {
        Level::of(self.level, self.max)
    }

    /// What cannot be: for people, after the name of what has it.
    pub(super) fn problem(self) -> Option<String> {
        let (level, max) = (self.level?, self.max?);
        (max > 0 && level > max)
            .then(|| format!("its level of {level} is beyond its maximum of {max}"))
    }
}

/// A number that may be negative, also where a device sends it as an unsigned one.
pub(super) fn signed(value: &Value) -> Option<i64> {
    match *value {
        Value::Counter32(number) | Value::Gauge32(number) => Some(number.cast_signed().into()),
        _ => value.as_i64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_beyond_its_maximum_is_full_and_told() {
        let told = Told {
            level: Some(120),
            max: Some(100),
        };
        assert_eq!(told.meaning(), Level::Measured(1.0));
        let expected = "its level of 120 is beyond its maximum of 100";
        assert_eq!(told.problem().as_deref(), Some(expected));
    }

    #[test]
    fn a_sentinel_sent_as_unsigned_is_one() {
        assert_eq!(signed(&Value::Gauge32(u32::MAX - 2)), Some(-3));
        assert_eq!(signed(&Value::Gauge32(40)), Some(40));
        assert_eq!(signed(&Value::Integer(-2)), Some(-2));
        assert_eq!(signed(&Value::Bytes(b"40".to_vec())), None);
    }
}
