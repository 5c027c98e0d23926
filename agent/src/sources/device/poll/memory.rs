//! What was told of a device before, where what is told next depends on it. One per device, small.
//!
//! Another device behind the same name begins anew. Nothing is kept on disk: who takes over tells the same
//! series from what the device says.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::identity::essence;
use super::states::States;
use super::tellers::Tellers;
use super::traffic::Traffic;
use crate::sources::device::network::usage;
use crate::sources::device::said::{Origin, Said};
use crate::sources::device::system::UPTIME_WRAP;

/// A start that moved by less is the same: answers take different times, clocks wobble. Seconds.
const SAME_START: f64 = 5.0;

/// A start that moved by 497 days and less than this is a wrap. Seconds.
const SAME_WRAP: f64 = 60.0;

/// What was told before.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) outcomes: BTreeMap<Origin, States>,
    /// How long asking took, as it was told.
    pub(super) durations: BTreeMap<Origin, Duration>,
    pub(super) facts: Facts,
    pub(super) tellers: Tellers,
    /// When it was started, as it was told.
    began: Option<f64>,
    /// How long it ran when it said so last.
    uptime: Option<(f64, Instant)>,
    pub(super) status: States,
    pub(super) conditions: States,
    pub(super) supplies: BTreeMap<String, States>,
    pub(super) trays: BTreeMap<String, States>,
    /// By name.
    pub(super) interfaces: BTreeMap<String, Interface>,
}

/// Of an interface.
#[derive(Debug, Default)]
pub(super) struct Interface {
    pub(super) traffic: Traffic,
    /// Whose traffic it is: names move from one to another.
    pub(super) index: u32,
    /// How much it mattered at its best: what was told goes on to be told.
    pub(super) rank: Option<u8>,
}

/// What a device is. It does not change when one answer of several is lost.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) vendor: String,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) firmware: String,
}

impl Memory {
    /// Notes who says this. Whoever shows another serial number than before is another device, of which
    /// nothing was told.
    pub(super) fn meet(&mut self, said: &Said) {
        let known = essence(&self.facts.serial);
        let found = said.serial.as_deref().map(essence).unwrap_or_default();
        if !known.is_empty() && !found.is_empty() && known != found {
            *self = Self {
                outcomes: std::mem::take(&mut self.outcomes),
                durations: std::mem::take(&mut self.durations),
                ..Self::default()
            };
        }
        let facts = &mut self.facts;
        // Another way to write the same serial number would be another series.
        if known.is_empty() || known != found {
            learn(&mut facts.serial, said.serial.as_deref());
        }
        learn(&mut facts.vendor, said.vendor.as_deref());
        learn(&mut facts.model, said.model.as_deref());
        learn(&mut facts.firmware, said.firmware.as_deref());
    }

    /// Notes how long it runs, and says whether it was started since it said so last.
    pub(super) fn restarted(&mut self, uptime: f64, now: Instant) -> bool {
        let before = self.uptime.replace((uptime, now));
        before.is_some_and(|(before, at)| {
            usage::restarted(before, uptime, now.saturating_duration_since(at))
        })
    }

    /// When it was started, Unix seconds, as told before while that is the same.
    pub(super) fn began(&mut self, now_unix: f64, uptime: f64) -> f64 {
        let began = (now_unix - uptime).round();
        let same = self.began.filter(|told| {
            let moved = began - told;
            let wraps = (moved / UPTIME_WRAP).round();
            let by_wrap = (moved - wraps * UPTIME_WRAP).abs() <= SAME_WRAP;
            moved.abs() <= SAME_START || (wraps >= 1.0 && by_wrap)
        });
        *self.began.insert(same.unwrap_or(began))
    }
}

fn learn(known: &mut String, found: Option<&str>) {
    match found {
        Some(found) if known != found => found.clone_into(known),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(serial: &str, firmware: Option<&str>) -> Said {
        Said {
            serial: Some(serial.to_owned()),
            firmware: firmware.map(str::to_owned),
            ..Said::default()
        }
    }

    #[test]
    fn a_start_stands_still_until_the_device_is_started_again() {
        let mut memory = Memory::default();
        let mut began = |now, uptime| memory.began(now, uptime);
        assert_eq!(began(1_000_000.0, 5_000.2), 995_000.0);
        assert_eq!(began(1_000_060.0, 5_057.0), 995_000.0, "answered late");
        assert_eq!(began(1_000_120.0, 10.0), 1_000_110.0, "was started");
    }

    #[test]
    fn an_uptime_that_wraps_is_no_start() {
        let mut memory = Memory::default();
        let start = memory.began(1e9, UPTIME_WRAP - 30.0);
        assert_eq!(memory.began(1e9 + 60.0, 30.0), start);
        assert_eq!(memory.began(1e9 + 120.0, 90.0), start);
        assert_eq!(memory.began(1e9 + 120.0 + UPTIME_WRAP, 90.0), start);
        assert_ne!(memory.began(1e9 + 180.0, 3.0), start);
    }

    #[test]
    fn a_fact_that_is_not_told_once_stays() {
        let mut memory = Memory::default();
        memory.meet(&said("A1", Some("1.0")));
        memory.meet(&said("A1", None));
        assert_eq!(memory.facts.firmware, "1.0");
        memory.meet(&said("a-1", Some("1.1")));
        let facts = &memory.facts;
        assert_eq!((&*facts.serial, &*facts.firmware), ("A1", "1.1"));
    }

    #[test]
    fn another_serial_number_is_another_device() {
        let mut memory = Memory::default();
        memory.meet(&said("A1", Some("1.0")));
        memory.conditions.with(&["jam"]).for_each(drop);
        memory.meet(&said("B2", None));
        assert_eq!(memory.facts.firmware, "");
        assert_eq!(memory.conditions.with(&[]).count(), 0);
    }
}
