//! Series of one device, as text and value, and how those that are shown differ from those that must be.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::scrape::{Page, Sample};

/// Series as text, without `dawnwatch_` and without whose they are, and their values.
#[derive(Debug, Default)]
pub struct Values {
    values: BTreeMap<String, f64>,
    /// Metrics that were looked at.
    judged: BTreeSet<&'static str>,
}

/// What the printers among them tell.
pub const PRINTER: [&str; 9] = [
    "printer_supply_ratio",
    "printer_supply_state",
    "printer_supply_info",
    "printer_tray_level_ratio",
    "printer_tray_state",
    "printer_pages_total",
    "printer_status",
    "printer_condition",
    "serial",
];

/// Of each interface.
pub const INTERFACE: [&str; 9] = [
    "interface_up",
    "interface_enabled",
    "interface_speed_bits_per_second",
    "interface_receive_bytes_total",
    "interface_transmit_bytes_total",
    "interface_receive_errors_total",
    "interface_transmit_errors_total",
    "interface_receive_drops_total",
    "interface_transmit_drops_total",
];

/// Percentages of the truth have two decimals.
const ROUNDED: f64 = 6e-5;

/// Whose it is, and what the truth says nothing of.
const NOT_COMPARED: [&str; 4] = ["centre", "device", "kind", "colour"];

/// What is shown of a device.
pub fn shown(page: &Page, centre: &str, device: &str) -> Values {
    let is_its = |sample: &&Sample| {
        sample.labels.get("centre").is_some_and(|it| it == centre)
            && sample.labels.get("device").is_some_and(|it| it == device)
    };
    let mut values = Values::default();
    for sample in page.samples.iter().filter(is_its) {
        let name = sample.name.trim_start_matches("dawnwatch_");
        let is_state = name.ends_with("_state") || name.ends_with("_status");
        // What was before is 0.
        if (is_state || name == "printer_condition") && sample.value == 0.0 {
            continue;
        }
        let labels = sample.labels.iter();
        let labels = labels.filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str()));
        let labels: Vec<_> = labels.map(|(name, value)| (&**name, &**value)).collect();
        values.put(name, &labels, sample.value);
        if let ("device_info", Some(serial)) = (name, sample.labels.get("serial")) {
            values.put("serial", &[("is", serial)], 1.0);
        }
    }
    let of = |name: &str| values.values.get(name).copied();
    if let (Some(size), Some(free)) = (of("memory_size_bytes"), of("memory_available_bytes")) {
        let used = 100.0 * (1.0 - free / size);
        values.put("memory_used_percent", &[], used.round());
    }
    values
}

impl Values {
    /// What is shown otherwise than it must be.
    pub fn differences(&self, shown: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (series, expected) in &self.values {
            match shown.values.get(series) {
                None => differences.push(format!("{series}: nothing instead of {expected}")),
                Some(told) if !is_close(*told, *expected) => {
                    differences.push(format!("{series}: {told} instead of {expected}"));
                }
                Some(_) => {}
            }
        }
        for (series, told) in &shown.values {
            let name = series.split('{').next().unwrap_or_default();
            if self.judged.contains(name) && !self.values.contains_key(series) {
                differences.push(format!("{series}: {told} instead of nothing"));
            }
        }
        differences
    }

    /// These metrics have the series that are put, and no others.
    pub fn judge(&mut self, metrics: &[&'static str]) {
        self.judged.extend(metrics);
    }

    /// What is not known of these metrics.
    pub fn forgive(&mut self, is_unknown: impl Fn(&str) -> bool) {
        self.judged.retain(|metric| !is_unknown(metric));
    }

    /// How many series must be there.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// By a version of SNMP that has no such numbers.
    pub fn without(&mut self, is_left_out: impl Fn(&str) -> bool) {
        self.values.retain(|series, _| !is_left_out(series));
    }

    /// Labels without a text are none.
    pub fn put(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut texts: Vec<String> = Vec::new();
        for (label, text) in labels.iter().filter(|(_, text)| !text.is_empty()) {
            texts.push(format!("{label}={text:?}"));
        }
        texts.sort();
        let series = match texts.is_empty() {
            true => name.to_owned(),
            false => format!("{name}{{{}}}", texts.join(",")),
        };
        self.values.insert(series, value);
    }

    pub fn put_some(&mut self, name: &'static str, labels: &[(&str, &str)], value: Option<f64>) {
        self.judged.insert(name);
        if let Some(value) = value {
            self.put(name, labels, value);
        }
    }
}

fn is_close(told: f64, expected: f64) -> bool {
    let difference = (told - expected).abs();
    difference <= expected.abs() * 1e-9 || (expected.abs() <= 1.5 && difference <= ROUNDED)
}

/// The second of a name is told apart from the first.
pub fn unique<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for name in names {
        let mut unique = name.to_owned();
        let mut number = 1;
        while known.contains(&unique) {
            number += 1;
            unique = format!("{name} ({number})");
        }
        known.push(unique);
    }
    known
}
