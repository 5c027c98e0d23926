//! Make, model and serial number of this machine, from its firmware.
//!
//! Serial numbers are often for root alone, which is told, and home-built PCs have placeholders
//! everywhere; both are left empty.

use proto::metrics;
use sysinfo::{Product, System};

use super::{HostSource, Hourly, Readings, Unmeasurable, display_text};
use crate::os::{self, Root, Unreadable};

/// What makers of main boards forget to fill in, in lower case.
const PLACEHOLDERS: [&str; 13] = [
    "0",
    "0123456789",
    "1234567890",
    "default string",
    "invalid",
    "n/a",
    "none",
    "not applicable",
    "not specified",
    "o.e.m.",
    "system manufacturer",
    "system product name",
    "system serial number",
];

#[derive(Default)]
pub(super) struct Hardware {
    facts: Hourly<Facts>,
}

/// What is pushed at every run.
#[derive(Debug, Default)]
struct Facts {
    labels: [String; 5],
    limitation: Option<Unmeasurable>,
}

impl HostSource for Hardware {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let facts = self.facts.get(look);
        let labels = facts.labels.each_ref().map(String::as_str);
        readings.push(&metrics::DEVICE_INFO, &labels, 1.0);
        readings.limitations.extend(facts.limitation.clone());
        Ok(())
    }
}

fn look() -> Facts {
    let told = [
        Product::vendor_name(),
        Product::name(),
        Product::serial_number(),
    ];
    let [vendor, model, serial] = told.map(|text| fact(&text.unwrap_or_default()));
    let os = System::long_os_version().unwrap_or_default();
    Facts {
        limitation: os::hidden_serial_number(&Root::default()).map(no_serial_number),
        labels: [vendor, model, serial, display_text(&os), String::new()],
    }
}

fn no_serial_number(error: Unreadable) -> Unmeasurable {
    Unmeasurable {
        what: format!("the serial number is not known: {error}"),
        remedy: "let the agent's user read it, as root may".to_owned(),
    }
}

/// The text, or nothing when it says nothing.
fn fact(text: &str) -> String {
    let text = display_text(text);
    let lower = text.to_lowercase();
    if PLACEHOLDERS.contains(&lower.as_str()) || lower.starts_with("to be filled") {
        return String::new();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_facts() {
        let check = |text: &str, expected: &str| assert_eq!(fact(text), expected, "{text:?}");
        check("OptiPlex 3020\n", "OptiPlex 3020");
        check("To Be Filled By O.E.M.", "");
        check("Default string", "");
        check("System Product Name\n", "");
        check("", "");
    }
}
