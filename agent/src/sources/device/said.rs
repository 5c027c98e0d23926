//! What a device says of itself, in one form for every kind, vendor and protocol.
//!
//! Serialised, this is what `dawnwatch-agent ask --json` prints. What a device does not say is absent,
//! never 0: a level that is no number has a [`Level`] that says why. Deliberately absent: where a value
//! comes from within a MIB; the readers know that, and [`Said::origins`] which protocol it was.

use std::collections::BTreeMap;

use proto::plan::Mac;
use serde::Serialize;

/// All that a device said, once.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Said {
    /// `printer`, `router`, `switch`, `ups`, `access-point`, `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<proto::plan::Kind>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// What it is called by who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Of the device as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Version of its software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// What its owner called it (`sysName`, `printer-name`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of its interfaces, in their order, without those that are not its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<Mac>,
    /// Since it, or at least what answers, was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<f64>,
    /// What a printer does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What is the matter with it; empty when nothing is. Absent when it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Pages made since it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_total: Option<u64>,
    /// Jobs that wait at a printer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_jobs: Option<u64>,
    /// What a printer uses up, or fills.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supplies: Vec<Supply>,
    /// Where a printer takes paper from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trays: Vec<Tray>,
    /// Of a printer, what it shows people: alerts and console lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// Network interfaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// 0 to 1, over all processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_usage_ratio: Option<f64>,
    /// Of memory that programs can use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size_bytes: Option<u64>,
    /// Of it, what is free or can be freed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_available_bytes: Option<u64>,
    /// What a UPS says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ups: Option<Ups>,
    /// By reading (a field's name here), the protocol that told it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<&'static str, Origin>,
    /// What could not be read, and why, for people: "IPP unreadable: …".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Which protocol told a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Origin {
    Snmp,
    Ipp,
}

/// What a printer does: RFC 3805, appendix on `hrDeviceStatus` and `hrPrinterStatus`; RFC 8011,
/// `printer-state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Status {
    Idle,
    Printing,
    Warmup,
    Standby,
    /// Waits for somebody: a fault, an open cover, or it was paused.
    Stopped,
    Other,
    Unknown,
}

/// What is the matter with a printer. The first nine are the words of the diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Condition {
    Jam,
    CoverOpen,
    /// No paper in the tray it wants, or in one of several.
    PaperEmpty,
    PaperLow,
    TonerEmpty,
    TonerLow,
    Offline,
    /// Somebody has to come: a technician, or maintenance that is overdue.
    Service,
    /// What has no word of its own.
    Other,
    TrayMissing,
    SupplyMissing,
    OutputTrayMissing,
    OutputNearlyFull,
    OutputFull,
    WasteNearlyFull,
    WasteFull,
    Paused,
}

/// Something a printer uses up, or a receptacle that fills.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Supply {
    /// As the printer calls it.
    pub description: String,
    /// `PrtMarkerSuppliesTypeTC`: `toner`, `opc`, `wasteToner`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As told or recognised in the description: `black`, `cyan`. Empty for none.
    pub colour: String,
    /// Whether it fills up: the level is the space that is left.
    pub receptacle: bool,
    /// How much is left.
    #[serde(flatten)]
    pub level: Level,
}

/// Where a printer takes paper from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tray {
    /// As the printer calls it.
    pub name: String,
    /// How much is in it.
    #[serde(flatten)]
    pub level: Level,
}

/// How much is left, or why that is no number (RFC 3805, `prtMarkerSuppliesLevel`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Level {
    /// 0 to 1.
    Measured(f64),
    /// Some, the printer does not know how much (−3).
    SomeRemaining,
    /// Not known (−2), or a level without a maximum.
    Unknown,
    /// There is no end to it (−1).
    Unlimited,
}

/// A network interface of a device.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Interface {
    /// `ifIndex`.
    pub index: u32,
    /// `ifName`, or `ifDescr`; unique within the device.
    pub name: String,
    /// What its owner calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// `IANAifType`: 6 for Ethernet, 24 for loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_type: Option<u32>,
    /// `ifOperStatus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
    /// `ifAdminStatus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// `ifHighSpeed`, or `ifSpeed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_bits_per_second: Option<u64>,
    /// Both ways at once, where it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_duplex: Option<bool>,
    /// `ifHCInOctets`, or `ifInOctets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_bytes_total: Option<u64>,
    /// `ifHCOutOctets`, or `ifOutOctets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_bytes_total: Option<u64>,
    /// Width of the two above: 64, or 32 where they wrap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter_bits: Option<u8>,
    /// `ifInErrors`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_errors_total: Option<u64>,
    /// `ifOutErrors`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_errors_total: Option<u64>,
    /// `ifInDiscards`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_drops_total: Option<u64>,
    /// `ifOutDiscards`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_drops_total: Option<u64>,
    /// `ifPhysAddress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Whether the line is behind it.
    pub wan: bool,
}

/// What a UPS says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ups {
    /// Whether the mains are off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_battery: Option<bool>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_ratio: Option<f64>,
    /// At the present load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_seconds: Option<f64>,
    /// 0 to 1, and above when overloaded; the highest of several outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_ratio: Option<f64>,
    /// Nearly or quite empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_low: Option<bool>,
    /// Should be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_replace: Option<bool>,
}

impl Interface {
    /// `softwareLoopback` of `IANAifType`.
    pub(crate) const LOOPBACK: u32 = 24;

    /// `IANAifType` of what has a plug or an antenna: Ethernet in its ages, PPP, DSL, Wi-Fi, mobile, GPON.
    const PHYSICAL: [u32; 15] = [
        6, 7, 23, 62, 69, 71, 94, 95, 96, 97, 117, 169, 243, 244, 250,
    ];

    /// Whether an interface of this type has a plug or an antenna.
    pub(crate) fn is_physical(if_type: Option<u32>) -> bool {
        if_type.is_some_and(|it| Self::PHYSICAL.contains(&it))
    }
}

impl Level {
    /// What a level and its maximum mean, of supplies and trays alike, in the Printer MIB and in IPP: a number
    /// only where there is something to divide by. A maximum may be −1 or −2 too. More than full is full.
    #[must_use]
    pub fn of(level: Option<i64>, max: Option<i64>) -> Self {
        match (level, max) {
            (Some(-1), _) => Self::Unlimited,
            (Some(-3), _) => Self::SomeRemaining,
            (Some(level @ 0..), Some(max @ 1..)) => {
                Self::Measured((level as f64 / max as f64).min(1.0))
            }
            _ => Self::Unknown,
        }
    }

    /// The number, where there is one.
    #[must_use]
    pub fn ratio(self) -> Option<f64> {
        match self {
            Self::Measured(ratio) => Some(ratio),
            Self::SomeRemaining | Self::Unknown | Self::Unlimited => None,
        }
    }

    /// What kind of answer it is, in one word.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Measured(_) => "measured",
            Self::SomeRemaining => "some_remaining",
            Self::Unknown => "unknown",
            Self::Unlimited => "unlimited",
        }
    }
}

impl Serialize for Level {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut level = serializer.serialize_struct("Level", 2)?;
        level.serialize_field("ratio", &self.ratio())?;
        level.serialize_field("state", self.state())?;
        level.end()
    }
}

/// The word a value is serialised as, for a label.
macro_rules! word {
    ($($type:ident { $($variant:ident => $word:literal),* $(,)? })*) => {
        $(impl $type {
            /// The word of metrics and JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        })*
    };
}

word! {
    Status {
        Idle => "idle", Printing => "printing", Warmup => "warmup", Standby => "standby",
        Stopped => "stopped", Other => "other", Unknown => "unknown",
    }
    Condition {
        Jam => "jam", CoverOpen => "cover_open", PaperEmpty => "paper_empty", PaperLow => "paper_low",
        TonerEmpty => "toner_empty", TonerLow => "toner_low", Offline => "offline",
        Service => "service", Other => "other", TrayMissing => "tray_missing",
        SupplyMissing => "supply_missing", OutputTrayMissing => "output_tray_missing",
        OutputNearlyFull => "output_nearly_full", OutputFull => "output_full",
        WasteNearlyFull => "waste_nearly_full", WasteFull => "waste_full", Paused => "paused",
    }
    Origin { Snmp => "snmp", Ipp => "ipp" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        for condition in [Condition::CoverOpen, Condition::WasteNearlyFull] {
            let json = serde_json::to_value(condition).unwrap();
            assert_eq!(json, condition.as_str());
        }
        for status in [Status::Idle, Status::Warmup] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for origin in [Origin::Snmp, Origin::Ipp] {
            assert_eq!(serde_json::to_value(origin).unwrap(), origin.as_str());
        }
    }

    #[track_caller]
    fn check(level: Option<i64>, max: Option<i64>, expected: Level) {
        assert_eq!(Level::of(level, max), expected);
    }

    #[test]
    fn a_level_is_a_number_only_with_a_maximum_above_nothing() {
        check(Some(40), Some(100), Level::Measured(0.4));
        check(Some(0), Some(50), Level::Measured(0.0));
        check(Some(1), Some(1), Level::Measured(1.0));
        for max in [None, Some(0), Some(-1), Some(-2), Some(-100)] {
            check(Some(40), max, Level::Unknown);
        }
    }

    #[test]
    fn sentinels_are_no_numbers_whatever_the_maximum() {
        for max in [None, Some(-2), Some(0), Some(250)] {
            check(Some(-1), max, Level::Unlimited);
            check(Some(-2), max, Level::Unknown);
            check(Some(-3), max, Level::SomeRemaining);
            check(Some(-100), max, Level::Unknown);
            check(None, max, Level::Unknown);
        }
    }

    #[test]
    fn a_level_beyond_its_maximum_is_full() {
        check(Some(120), Some(100), Level::Measured(1.0));
    }

    #[test]
    fn a_level_that_is_no_number_is_null_with_its_reason() {
        let tray = Tray {
            name: "Tray 1".to_owned(),
            level: Level::SomeRemaining,
        };
        let expected =
            serde_json::json!({ "name": "Tray 1", "ratio": null, "state": "some_remaining" });
        assert_eq!(serde_json::to_value(tray).unwrap(), expected);
    }
}
