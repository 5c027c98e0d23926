//! Printers: what they do, what is the matter, how much is left.

use proto::metrics::{self, Metric};

use super::labels::Labels;
use super::push_some;
use crate::sources::Readings;
use crate::sources::device::poll::memory::Memory;
use crate::sources::device::poll::states::States;
use crate::sources::device::said::{Level, Said, Supply, Tray};
use crate::sources::host::{display_text, number};

/// Supplies of one printer, and trays: a press has a dozen.
const BOUND: usize = 32;

/// What is told at once, and first.
pub(super) fn state(said: &Said, memory: &mut Memory, readings: &mut Readings) {
    if let Some(status) = said.status {
        for (status, value) in memory.status.with(&[status.as_str()]) {
            readings.push(&metrics::PRINTER_STATUS, &[status], value);
        }
    }
    if let Some(conditions) = &said.conditions {
        let present: Vec<_> = conditions.iter().map(|one| one.as_str()).collect();
        for (condition, value) in memory.conditions.with(&present) {
            readings.push(&metrics::PRINTER_CONDITION, &[condition], value);
        }
    }
    let pages = said.pages_total.map(number);
    push_some(&metrics::PRINTER_PAGES, &[], pages, readings);
    let jobs = said.queued_jobs.map(number);
    push_some(&metrics::PRINTER_JOBS, &[], jobs, readings);
}

/// What it uses up, or fills.
pub(super) fn supplies(supplies: &[Supply], memory: &mut Memory, readings: &mut Readings) {
    let mut labels = Labels::default();
    let mut before = std::mem::take(&mut memory.supplies);
    for supply in supplies.iter().take(BOUND) {
        let names = [&supply.description, &supply.kind];
        let Some(name) = names
            .into_iter()
            .find(|name| !display_text(name).is_empty())
        else {
            continue;
        };
        let Some(label) = labels.next(name) else {
            continue;
        };
        let colour = display_text(&supply.colour);
        let ratio = supply.level.ratio();
        push_some(
            &metrics::PRINTER_SUPPLY_RATIO,
            &[label, &colour],
            ratio,
            readings,
        );
        let mut states = before.remove(label).unwrap_or_default();
        level_state(
            &metrics::PRINTER_SUPPLY_STATE,
            label,
            supply.level,
            &mut states,
            readings,
        );
        memory.supplies.insert(label.to_owned(), states);
        let receptacle = if supply.receptacle { "true" } else { "false" };
        let kind = display_text(&supply.kind);
        let info = [label, &kind, receptacle];
        readings.push(&metrics::PRINTER_SUPPLY_INFO, &info, 1.0);
    }
}

/// Where it takes paper from.
pub(super) fn trays(trays: &[Tray], memory: &mut Memory, readings: &mut Readings) {
    let mut labels = Labels::default();
    let mut before = std::mem::take(&mut memory.trays);
    for tray in trays.iter().take(BOUND) {
        let Some(label) = labels.next(&tray.name) else {
            continue;
        };
        let ratio = tray.level.ratio();
        push_some(&metrics::PRINTER_TRAY_LEVEL, &[label], ratio, readings);
        let mut states = before.remove(label).unwrap_or_default();
        level_state(
            &metrics::PRINTER_TRAY_STATE,
            label,
            tray.level,
            &mut states,
            readings,
        );
        memory.trays.insert(label.to_owned(), states);
    }
}

fn level_state(
    metric: &'static Metric,
    label: &str,
    level: Level,
    states: &mut States,
    readings: &mut Readings,
) {
    for (state, value) in states.with(&[level.state()]) {
        readings.push(metric, &[label, state], value);
    }
}
