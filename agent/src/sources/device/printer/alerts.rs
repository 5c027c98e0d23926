//! `prtAlertTable` and `prtCoverTable`: what a printer says is the matter, in more words than bits.
//!
//! An alert adds what the bits of `hrPrinterDetectedErrorState` cannot say. Where they can and say no, they
//! are believed: tables of alerts keep what is over. Unless no bit is set at all while `hrDeviceStatus`
//! says that something is the matter: then the printer just does not use its bits. Deliberately absent:
//! events (`warningBinaryChangeEvent`), which are over when they are told.

use std::collections::BTreeSet;

use super::super::said::Condition;
use super::super::snmp::{Binding, Oid, Value, oid};
use super::super::table::Table;
use super::status::{Errors, is_troubled};

pub(super) const SEVERITY: Oid = oid!("1.3.6.1.2.1.43.18.1.1.2");
pub(super) const GROUP: Oid = oid!("1.3.6.1.2.1.43.18.1.1.4");
pub(super) const CODE: Oid = oid!("1.3.6.1.2.1.43.18.1.1.7");
pub(super) const DESCRIPTION: Oid = oid!("1.3.6.1.2.1.43.18.1.1.8");
pub(super) const COVER_STATUS: Oid = oid!("1.3.6.1.2.1.43.6.1.1.3");

/// `prtCoverStatus`: `coverOpen`, `interlockOpen`.
pub(super) const OPEN: [i64; 2] = [3, 5];

/// `PrtAlertSeverityLevelTC`.
const CRITICAL: i64 = 3;
const WARNING: i64 = 4;
const EVENT: i64 = 5;

/// `PrtAlertGroupTC`.
const GENERAL: i64 = 5;
const INPUT: i64 = 8;
const OUTPUT: i64 = 9;
const SUPPLIES: i64 = 11;
const ANY: i64 = 0;

/// `PrtAlertCodeTC`: code, the group it has this meaning in, and the meaning. Codes below 501 are common to
/// all groups. What is not here is nothing to worry about, or `other` when it is critical.
const MEANINGS: [(i64, i64, Condition); 53] = [
    (3, ANY, Condition::CoverOpen),             // coverOpen
    (5, ANY, Condition::CoverOpen),             // interlockOpen
    (8, ANY, Condition::Jam),                   // jam
    (9, INPUT, Condition::TrayMissing),         // subunitMissing
    (9, OUTPUT, Condition::OutputTrayMissing),  // subunitMissing
    (9, SUPPLIES, Condition::SupplyMissing),    // subunitMissing
    (9, ANY, Condition::Other),                 // subunitMissing
    (11, ANY, Condition::Service),              // subunitLifeOver
    (12, INPUT, Condition::PaperLow),           // subunitAlmostEmpty
    (12, SUPPLIES, Condition::TonerLow),        // subunitAlmostEmpty
    (13, INPUT, Condition::PaperEmpty),         // subunitEmpty
    (13, SUPPLIES, Condition::TonerEmpty),      // subunitEmpty
    (14, OUTPUT, Condition::OutputNearlyFull),  // subunitAlmostFull
    (14, SUPPLIES, Condition::WasteNearlyFull), // subunitAlmostFull
    (15, OUTPUT, Condition::OutputFull),        // subunitFull
    (15, SUPPLIES, Condition::WasteFull),       // subunitFull
    (22, GENERAL, Condition::Offline),          // subunitOffline
    (30, ANY, Condition::Service),              // subunitUnrecoverableFailure
    (32, ANY, Condition::Service),              // subunitUnrecoverableStorageError
    (33, ANY, Condition::Service),              // subunitMotorFailure
    (35, ANY, Condition::Service),              // subunitUnderTemperature
    (36, ANY, Condition::Service),              // subunitOverTemperature
    (37, ANY, Condition::Service),              // subunitTimingFailure
    (38, ANY, Condition::Service),              // subunitThermistorFailure
    (501, ANY, Condition::CoverOpen),           // doorOpen
    (801, ANY, Condition::TrayMissing),         // inputMediaTrayMissing
    (807, ANY, Condition::PaperLow),            // inputMediaSupplyLow
    (808, ANY, Condition::PaperEmpty),          // inputMediaSupplyEmpty
    (811, ANY, Condition::Service),             // inputTrayPositionFailure
    (812, ANY, Condition::Service),             // inputTrayElevationFailure
    (901, ANY, Condition::OutputTrayMissing),   // outputMediaTrayMissing
    (902, ANY, Condition::OutputNearlyFull),    // outputMediaTrayAlmostFull
    (903, ANY, Condition::OutputFull),          // outputMediaTrayFull
    (1001, ANY, Condition::Service),            // markerFuserUnderTemperature
    (1002, ANY, Condition::Service),            // markerFuserOverTemperature
    (1003, ANY, Condition::Service),            // markerFuserTimingFailure
    (1004, ANY, Condition::Service),            // markerFuserThermistorFailure
    (1101, ANY, Condition::TonerEmpty),         // markerTonerEmpty
    (1102, ANY, Condition::TonerEmpty),         // markerInkEmpty
    (1103, ANY, Condition::TonerEmpty),         // markerPrintRibbonEmpty
    (1104, ANY, Condition::TonerLow),           // markerTonerAlmostEmpty
    (1105, ANY, Condition::TonerLow),           // markerInkAlmostEmpty
    (1106, ANY, Condition::TonerLow),           // markerPrintRibbonAlmostEmpty
    (1107, ANY, Condition::WasteNearlyFull),    // markerWasteTonerReceptacleAlmostFull
    (1108, ANY, Condition::WasteNearlyFull),    // markerWasteInkReceptacleAlmostFull
    (1109, ANY, Condition::WasteFull),          // markerWasteTonerReceptacleFull
    (1110, ANY, Condition::WasteFull),          // markerWasteInkReceptacleFull
    (1112, ANY, Condition::Service),            // markerOpcLifeOver
    (1114, ANY, Condition::Service),            // markerDeveloperEmpty
    (1115, ANY, Condition::SupplyMissing),      // markerTonerCartridgeMissing
    (1301, ANY, Condition::OutputTrayMissing),  // mediaPathMediaTrayMissing
    (1302, ANY, Condition::OutputNearlyFull),   // mediaPathMediaTrayAlmostFull
    (1303, ANY, Condition::OutputFull),         // mediaPathMediaTrayFull
];

/// A row of `prtAlertTable`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alert {
    index: Vec<u32>,
    pub(super) severity: Option<i64>,
    pub(super) group: Option<i64>,
    pub(super) code: Option<i64>,
    pub(super) description: Option<String>,
}

/// The last so many rows that tell of more than an event, with their severities alone.
pub(super) fn newest(severities: &Table, most: usize) -> Vec<Alert> {
    let rows = severities.rows().map(|row| Alert {
        index: row.index.to_vec(),
        severity: row.i64(&SEVERITY),
        ..Alert::default()
    });
    let mut alerts: Vec<Alert> = rows.filter(|alert| !alert.is_event()).collect();
    alerts.drain(..alerts.len().saturating_sub(most));
    alerts
}

impl Alert {
    /// Where the rest of it is.
    pub(super) fn cells(&self) -> [Oid; 3] {
        [GROUP, CODE, DESCRIPTION].map(|column| column.child(&self.index))
    }

    /// The same with what was told there.
    pub(super) fn with(self, told: &[Binding]) -> Self {
        let [group, code, description] = self.cells();
        let value = |cell: &Oid| {
            let binding = told.iter().find(|binding| binding.oid == *cell);
            binding.map(|binding| &binding.value)
        };
        Self {
            group: value(&group).and_then(Value::as_i64),
            code: value(&code).and_then(Value::as_i64),
            description: value(&description).and_then(Value::as_text),
            ..self
        }
    }

    /// Whether it is over as soon as it is told.
    fn is_event(&self) -> bool {
        self.severity == Some(EVENT)
    }

    fn condition(&self) -> Option<Condition> {
        let severity = self.severity?;
        if !matches!(severity, CRITICAL | WARNING) {
            return None;
        }
        let known = MEANINGS.iter().find(|(code, group, _)| {
            self.code == Some(*code) && (*group == ANY || self.group == Some(*group))
        });
        let otherwise = (severity == CRITICAL).then_some(Condition::Other);
        known.map(|(_, _, condition)| *condition).or(otherwise)
    }
}

/// What is the matter, by everything that tells something of it. `None` where nothing does.
pub(super) fn conditions(
    device: Option<i64>,
    errors: Option<&Errors>,
    alerts: &[Alert],
    has_open_cover: bool,
) -> Option<Vec<Condition>> {
    let uses_bits = errors.is_some_and(|errors| !errors.are_none() || !is_troubled(device));
    let is_believed = |condition: &Condition| {
        !(uses_bits && errors.is_some_and(|errors| errors.denies(*condition)))
    };
    let told = alerts.iter().filter_map(Alert::condition);
    let told = told.chain(has_open_cover.then_some(Condition::CoverOpen));
    let told = told.filter(is_believed);
    let bits = errors.into_iter().flat_map(Errors::conditions);
    let all: BTreeSet<Condition> = bits.chain(told).collect();
    (errors.is_some() || !all.is_empty()).then(|| all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(severity: i64, group: i64, code: i64) -> Alert {
        Alert {
            severity: Some(severity),
            group: Some(group),
            code: Some(code),
            ..Alert::default()
        }
    }

    #[track_caller]
    fn check(severity: i64, group: i64, code: i64, expected: Option<Condition>) {
        assert_eq!(alert(severity, group, code).condition(), expected);
    }

    #[test]
    fn a_code_common_to_all_means_what_its_group_makes_of_it() {
        check(CRITICAL, 13, 8, Some(Condition::Jam));
        check(CRITICAL, 6, 3, Some(Condition::CoverOpen));
        check(WARNING, INPUT, 12, Some(Condition::PaperLow));
        check(WARNING, SUPPLIES, 12, Some(Condition::TonerLow));
        check(CRITICAL, SUPPLIES, 15, Some(Condition::WasteFull));
        check(WARNING, OUTPUT, 15, Some(Condition::OutputFull));
        check(WARNING, GENERAL, 22, Some(Condition::Offline));
        check(WARNING, 14, 22, None);
    }

    #[test]
    fn a_code_of_one_group_means_one_thing() {
        check(WARNING, INPUT, 808, Some(Condition::PaperEmpty));
        check(WARNING, SUPPLIES, 1104, Some(Condition::TonerLow));
        check(CRITICAL, SUPPLIES, 1109, Some(Condition::WasteFull));
        check(CRITICAL, 1, 1115, Some(Condition::SupplyMissing));
    }

    #[test]
    fn what_is_unknown_matters_when_it_is_critical() {
        check(CRITICAL, GENERAL, 1, Some(Condition::Other));
        check(WARNING, GENERAL, 1, None);
        check(WARNING, GENERAL, 503, None);
        check(EVENT, INPUT, 808, None);
        check(1, INPUT, 808, None);
    }

    fn told(device: i64, octets: &[u8], alerts: &[Alert], cover: bool) -> Option<Vec<Condition>> {
        conditions(Some(device), Some(&Errors(octets.to_vec())), alerts, cover)
    }

    #[test]
    fn an_alert_that_the_bits_deny_is_over() {
        let jam = [alert(CRITICAL, 13, 8)];
        assert_eq!(told(2, &[0x00], &jam, true), Some(vec![]));
        assert_eq!(told(5, &[0x04], &jam, false), Some(vec![Condition::Jam]));
        // The cover is open while another bit says what else is the matter: the bits are in use.
        assert_eq!(told(5, &[0x04], &jam, true), Some(vec![Condition::Jam]));
    }

    #[test]
    fn a_printer_that_does_not_use_its_bits_tells_by_alerts() {
        let jam = [alert(CRITICAL, 13, 8)];
        assert_eq!(told(5, &[0x00], &jam, false), Some(vec![Condition::Jam]));
        assert_eq!(told(3, &[], &[], true), Some(vec![Condition::CoverOpen]));
        assert_eq!(
            conditions(None, None, &jam, false),
            Some(vec![Condition::Jam])
        );
        assert_eq!(conditions(Some(2), None, &[], false), None);
    }

    #[test]
    fn an_alert_says_what_bits_cannot() {
        let waste = [alert(WARNING, SUPPLIES, 1107), alert(WARNING, INPUT, 808)];
        let expected = vec![Condition::PaperEmpty, Condition::WasteNearlyFull];
        assert_eq!(told(2, &[0x00], &waste, false), Some(expected));
    }
}
