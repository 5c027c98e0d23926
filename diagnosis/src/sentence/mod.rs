//! What is said to people, in both languages: one sentence what is wrong, one what to do and who does it.
//! The reader is a clerk or a volunteer; what a protocol returned belongs in the figures, not here.
//!
//! What one machine finds on the spot has a file for each language, matched over every case; what is said of a province's
//! incidents ([`incident`]) has both side by side. Either way none can be forgotten in one.

mod alert;
pub mod digest;
mod en;
pub mod incident;
mod outcomes;
mod vi;

pub use alert::alert_text;
pub use outcomes::{Phrase, outcome};

use std::time::Duration;

use crate::Fault;
use crate::spot::{Case, Reason, Weakness};

/// The same in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Words {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// The name of a fault in a few words.
#[must_use]
pub fn fault(fault: Fault) -> Words {
    Words {
        vi: vi::fault(fault).into(),
        en: en::fault(fault).into(),
    }
}

pub(crate) fn sentence(case: &Case) -> Words {
    Words {
        vi: vi::sentence(case),
        en: en::sentence(case),
    }
}

/// A sentence that is about one network of several.
pub(crate) fn of_network(name: &str, sentence: &Words) -> Words {
    Words {
        vi: format!("Mạng “{name}”: {}", sentence.vi),
        en: format!("Network “{name}”: {}", sentence.en),
    }
}

/// What is odd, one after the other.
fn listed(weaknesses: &[Weakness], say: impl Fn(&Weakness) -> String) -> String {
    let said: Vec<String> = weaknesses.iter().map(say).collect();
    said.join("; ")
}

pub(crate) fn action(case: &Case) -> Words {
    Words {
        vi: vi::action(case).into(),
        en: en::action(case).into(),
    }
}

pub(crate) fn reason(reason: &Reason) -> Words {
    Words {
        vi: vi::reason(reason),
        en: en::reason(reason),
    }
}

/// A share as whole percent, at least 1 of what is not nothing.
fn percent(share: f64) -> String {
    format!(
        "{:.0}%",
        (share * 100.0).max(if share > 0.0 { 1.0 } else { 0.0 })
    )
}

fn milliseconds(time: Duration) -> u128 {
    time.as_millis()
}

/// How long in the unit a person would choose: how many, and of what.
fn span(seconds: f64) -> (String, Unit) {
    let (size, unit) = match seconds {
        s if s < 120.0 => (1.0, Unit::Second),
        s if s < 7_200.0 => (60.0, Unit::Minute),
        s if s < 172_800.0 => (3_600.0, Unit::Hour),
        s if s < 63_072_000.0 => (86_400.0, Unit::Day),
        _ => (31_557_600.0, Unit::Year),
    };
    (format!("{:.0}", seconds / size), unit)
}

/// Of a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Year,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_as_people_tell_them() {
        let check = |seconds, number: &str, unit| {
            assert_eq!(span(seconds), (number.to_owned(), unit), "{seconds}");
        };
        check(90.0, "90", Unit::Second);
        check(600.0, "10", Unit::Minute);
        check(10_800.0, "3", Unit::Hour);
        check(864_000.0, "10", Unit::Day);
        check(789_000_000.0, "25", Unit::Year);
    }

    #[test]
    fn some_loss_is_never_none() {
        assert_eq!(percent(0.001), "1%");
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.204), "20%");
    }

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for language in [|fault| self::fault(fault).vi, |fault| self::fault(fault).en] {
            let names: Vec<String> = Fault::ALL.iter().map(|fault| language(*fault)).collect();
            let distinct: std::collections::HashSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{names:?}");
        }
    }
}
