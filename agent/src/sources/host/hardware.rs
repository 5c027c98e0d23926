//! Make, model and serial number of this machine, from its firmware.
//!
//! Serial numbers are often for root alone, and home-built PCs have placeholders everywhere; both
//! are left empty.

use proto::metrics;
use sysinfo::{Product, System};

use super::{HostSource, Hourly, Readings, Unmeasurable, display_text};

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
    labels: Hourly<[String; 4]>,
}

impl HostSource for Hardware {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let labels = self.labels.get(|| {
            let told = [
                Product::vendor_name(),
                Product::name(),
                Product::serial_number(),
            ];
            let [vendor, model, serial] = told.map(|text| fact(&text.unwrap_or_default()));
            let os = System::long_os_version().unwrap_or_default();
            [vendor, model, serial, display_text(&os)]
        });
        let labels = labels.each_ref().map(String::as_str);
        readings.push(&metrics::DEVICE_INFO, &labels, 1.0);
        Ok(())
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
