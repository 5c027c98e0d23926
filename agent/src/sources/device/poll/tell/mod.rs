//! What a device said → series about it, the most important first: where there is not room for all, the
//! last are left out.
//!
//! Texts of devices become labels: without control characters, cut to fit, and unique also when cut.
//! Deliberately absent: what the device did not say, which has no series, and is never 0.

mod interfaces;
mod labels;
mod printer;

use proto::metrics;
use tokio::time::Instant;

use super::memory::{Facts, Memory};
use crate::schedule::steady;
use crate::sources::Readings;
use crate::sources::device::ask::Attempt;
use crate::sources::device::said::{Said, Ups};
use crate::sources::device::witness::Moments;
use crate::sources::host::{display_text, number};

/// What has an origin and no series.
const UNTOLD: [&str; 3] = ["macs", "messages", "name"];

/// One moment, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// As far as this machine knows the true time, Unix seconds.
    pub(super) unix_seconds: f64,
    /// For what happens between two polls.
    pub(super) at: Instant,
}

impl Moment {
    /// One that was before it.
    fn back(self, to: Instant) -> Self {
        let ago = self.at.saturating_duration_since(to);
        Self {
            unix_seconds: self.unix_seconds - ago.as_secs_f64(),
            at: self.at - ago,
        }
    }
}

/// How asking it went.
pub(super) fn attempts(attempts: &[Attempt], memory: &mut Memory, readings: &mut Readings) {
    for attempt in attempts {
        let protocol = attempt.protocol.as_str();
        let outcomes = memory.outcomes.entry(attempt.protocol).or_default();
        for (outcome, value) in outcomes.with(&[attempt.outcome]) {
            readings.push(&metrics::DEVICE_POLL_OUTCOME, &[protocol, outcome], value);
        }
        if attempt.is_answered() {
            let told = memory.durations.entry(attempt.protocol).or_default();
            let took = steady(attempt.took, told).as_secs_f64();
            readings.push(&metrics::DEVICE_POLL_DURATION, &[protocol], took);
        }
    }
}

/// What it said, and when. What came at an unknown moment came now.
pub(super) fn said(
    said: &Said,
    moments: &Moments,
    now: Moment,
    memory: &mut Memory,
    readings: &mut Readings,
) {
    memory.meet(said);
    facts(&memory.facts, readings);
    let mut was_restarted = false;
    if let Some(uptime) = said.uptime_seconds {
        let then = moments.uptime.map_or(now, |then| now.back(then));
        was_restarted = memory.restarted(uptime, then.at);
        let began = memory.began(then.unix_seconds, uptime);
        readings.push(&metrics::DEVICE_BOOT_TIME, &[], began);
    }
    printer::state(said, memory, readings);
    if let Some(said) = &said.ups {
        ups(said, readings);
    }
    processor_and_memory(said, readings);
    printer::supplies(&said.supplies, memory, readings);
    printer::trays(&said.trays, memory, readings);
    let told = |reading: &&str| !UNTOLD.contains(reading);
    for (reading, origin) in said.origins.iter().filter(|(reading, _)| told(reading)) {
        let labels = [reading, origin.as_str()];
        readings.push(&metrics::DEVICE_READING_INFO, &labels, 1.0);
    }
    let at = |index: u32| moments.octets.get(&index).copied().unwrap_or(now.at);
    interfaces::tell(&said.interfaces, at, was_restarted, memory, readings);
}

fn facts(facts: &Facts, readings: &mut Readings) {
    let Facts {
        vendor,
        model,
        serial,
        firmware,
    } = facts;
    let labels = [vendor, model, serial, firmware].map(|text| display_text(text));
    let [vendor, model, serial, firmware] = labels.each_ref().map(String::as_str);
    if labels.iter().any(|label| !label.is_empty()) {
        let labels = [vendor, model, serial, "", firmware];
        readings.push(&metrics::DEVICE_INFO, &labels, 1.0);
    }
}

fn processor_and_memory(said: &Said, readings: &mut Readings) {
    let bytes = |bytes: Option<u64>| bytes.map(number);
    let values = [
        (&metrics::DEVICE_CPU_USAGE, said.cpu_usage_ratio),
        (&metrics::DEVICE_MEMORY_SIZE, bytes(said.memory_size_bytes)),
        (
            &metrics::DEVICE_MEMORY_AVAILABLE,
            bytes(said.memory_available_bytes),
        ),
    ];
    for (metric, value) in values {
        push_some(metric, &[], value, readings);
    }
}

fn ups(said: &Ups, readings: &mut Readings) {
    let flag = |flag: Option<bool>| flag.map(truth);
    let values = [
        (&metrics::UPS_ON_BATTERY, flag(said.on_battery)),
        (&metrics::UPS_BATTERY, said.battery_ratio),
        (&metrics::UPS_RUNTIME, said.runtime_seconds),
        (&metrics::UPS_LOAD, said.load_ratio),
        (&metrics::UPS_BATTERY_LOW, flag(said.battery_low)),
        (&metrics::UPS_BATTERY_REPLACE, flag(said.battery_replace)),
    ];
    for (metric, value) in values {
        push_some(metric, &[], value, readings);
    }
}

fn push_some(
    metric: &'static metrics::Metric,
    labels: &[&str],
    value: Option<f64>,
    readings: &mut Readings,
) {
    // A device may have any number in it.
    if let Some(value) = value.filter(|value| value.is_finite()) {
        readings.push(metric, labels, value);
    }
}

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[cfg(test)]
mod tests;
