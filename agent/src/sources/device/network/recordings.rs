//! Every recording of a real device, read as SNMPv1 and v2c, against what a correct reader must find.
//!
//! The recordings and what is expected of them (`truth.json`) are not part of the project; the rules
//! have tests of their own beside each reader.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests, and why one is skipped"
)]

use std::path::Path;

use serde_json::Value as Json;

use super::super::said::{Interface, Said};
use super::super::snmp::recorded::{Recorded, shared};
use super::super::{network, system, ups};

/// What is expected and cannot be had, as `recording reading`, and why.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "draytek_vigor2962 memory",
    "it tells a share of memory, and not of how much",
)];

/// Its counters of errors have 64 bits too, which SNMPv1 does not have.
const WIDE_FAULTS: &str = "ciscosb_c1200-8t-e-2g";

/// Other programs' names for what is read here as the device calls it.
const OTHER_NAMES: &[(&str, &str)] = &[
    (
        "apc_smt750x-nmc2 version",
        "that of the network card; the UPS has its own",
    ),
    (
        "apc_sua1500rmi2u version",
        "that of the network card; the UPS has its own",
    ),
    (
        "brother_hl5370dw hardware",
        "with the MAC address behind the model",
    ),
    ("fortigate_60f hardware", "it calls itself FGT_60F"),
    (
        "jetdirect_m130nw hardware",
        "of its series; it calls itself M130nw",
    ),
    (
        "vrp_ar169sfp version",
        "with a patch behind it, without the series within",
    ),
    ("windows_svr_2019_1809 hardware", "it says Intel64 Family 6"),
    (
        "windows_svr_2019_1809 version",
        "it says 6.3, which is sold as Server 2019",
    ),
];

fn truth() -> Option<Json> {
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/devices/snmp/truth.json"
    ));
    let Ok(text) = std::fs::read(path) else {
        println!("skipped, because there is no {}", path.display());
        return None;
    };
    serde_json::from_slice(&text).unwrap()
}

async fn read(mut session: Recorded) -> Said {
    let mut said = Said::default();
    system::read(&mut session, &mut said).await.unwrap();
    network::read(&mut session, None, &mut said).await.unwrap();
    ups::read(&mut session, &mut said).await.unwrap();
    said
}

/// Gathers what differs, so that one run tells all.
struct Differences<'t> {
    name: &'t str,
    found: Vec<String>,
}

impl Differences<'_> {
    fn check(&mut self, reading: &str, said: impl Into<Json>, expected: impl Into<Json>) {
        let (said, expected) = (said.into(), expected.into());
        let is_equal = match (said.as_f64(), expected.as_f64()) {
            (Some(said), Some(expected)) => (said - expected).abs() <= expected.abs() * 1e-9,
            _ => said == expected,
        };
        let what = format!("{} {reading}", self.name);
        if !is_equal && !EXCEPTIONS.iter().any(|(known, _)| *known == what) {
            self.found
                .push(format!("{what}: {said}, expected {expected}"));
        }
    }

    fn check_interface(&mut self, said: &Interface, expected: &Json, is_v1: bool) {
        let index = said.index;
        let name_of_recording = self.name;
        let mut check = |field: &str, said: Json, expected: Json| {
            self.check(&format!("interface {index} {field}"), said, expected);
        };
        let status = |word: &Json| match word.as_str() {
            None | Some("unknown") => Json::Null,
            Some(word) => (word == "up").into(),
        };
        let has_name = expected["name"]
            .as_str()
            .is_some_and(|name| !name.is_empty());
        let name = &expected[if has_name { "name" } else { "descr" }];
        let name = name.as_str().unwrap_or_default().split(" (").next();
        let said_name = said.name.split(" (").next();
        check("name", said_name.into(), name.into());
        check("up", said.up.into(), status(&expected["oper"]));
        check("enabled", said.enabled.into(), status(&expected["admin"]));
        let speed = &expected["speed_bps"];
        check("speed", said.speed_bits_per_second.into(), speed.clone());
        check("type", said.if_type.into(), expected["type"].clone());
        let mac = expected["mac"].as_str().filter(|mac| !mac.is_empty());
        check(
            "mac",
            said.mac.map(|mac| mac.to_string()).into(),
            mac.into(),
        );
        let alias = expected["alias"].as_str().filter(|alias| !alias.is_empty());
        check("alias", said.alias.clone().into(), alias.into());
        let faults = [
            ("in_errors", said.receive_errors_total),
            ("out_errors", said.transmit_errors_total),
            ("in_discards", said.receive_drops_total),
            ("out_discards", said.transmit_drops_total),
        ];
        let has_wide_faults = is_v1 && name_of_recording == WIDE_FAULTS;
        for (field, said) in faults.into_iter().filter(|_| !has_wide_faults) {
            check(field, said.into(), expected[field].clone());
        }
        // SNMPv1 has no 64-bit counters, and the recordings no others beside them.
        if !(is_v1 && expected["octets_bits"] == 64) {
            for (field, said) in [
                ("in_octets", Json::from(said.receive_bytes_total)),
                ("out_octets", said.transmit_bytes_total.into()),
                ("octets_bits", said.counter_bits.into()),
            ] {
                check(field, said, expected[field].clone());
            }
        }
    }

    fn check_interfaces(&mut self, said: &Said, expected: &Json, is_v1: bool) {
        let expected = expected.as_array().unwrap();
        self.check("interfaces", said.interfaces.len(), expected.len());
        for (said, expected) in said.interfaces.iter().zip(expected) {
            self.check("index", said.index, expected["index"].clone());
            self.check_interface(said, expected, is_v1);
        }
    }

    /// The standard's average, or the figures of the maker's that are for all processors.
    fn check_processors(&mut self, said: &Said, expected: &Json) {
        let average = &expected["host"]["hrProcessorLoad"]["average"];
        let own = expected["cpu_readings"][0]["percent"].clone();
        let percent = average.as_f64().or(own.as_f64());
        if let Some(percent) = percent {
            self.check("cpu", said.cpu_usage_ratio, percent / 100.0);
        }
    }

    fn check_memory(&mut self, said: &Said, expected: &Json) {
        let none = Vec::new();
        let readings = expected["memory_readings"].as_array().unwrap_or(&none);
        let main = readings.iter().find(|one| {
            let name = one["descr"].as_str().unwrap().to_lowercase();
            !name.contains("virtual") && !name.contains("flash")
        });
        let Some(main) = main else { return };
        let percent = said.memory_size_bytes.zip(said.memory_available_bytes);
        #[allow(clippy::cast_precision_loss, reason = "a share")]
        let percent = percent.map(|(size, free)| 100.0 * (1.0 - free as f64 / size as f64));
        self.check(
            "memory",
            percent.map(f64::round),
            main["librenms_percent"].clone(),
        );
        let storage = expected["host"]["hrStorage"].as_array().unwrap_or(&none);
        if let Some(ram) = storage.iter().find(|row| row["type"] == "ram") {
            self.check(
                "memory size",
                said.memory_size_bytes,
                ram["size_bytes"].clone(),
            );
        }
    }

    fn check_ups(&mut self, said: &Said, expected: &Json) {
        let standard = &expected["ups"]["UPS-MIB"];
        let apc = &expected["ups"]["PowerNet-MIB"];
        let ups = said.ups.clone().unwrap_or_default();
        let share = |value: &Json, whole: f64| value.as_f64().map(|value| value / whole);
        if !standard.is_null() {
            self.check("on battery", ups.on_battery, standard["outputSource"] == 5);
            self.check(
                "charge",
                ups.battery_ratio,
                share(&standard["estimatedChargeRemaining"], 100.0),
            );
            let minutes = standard["estimatedMinutesRemaining"].as_f64();
            let minutes = minutes.filter(|minutes| *minutes < f64::from(u32::MAX));
            self.check(
                "runtime",
                ups.runtime_seconds,
                minutes.map(|minutes| minutes * 60.0),
            );
            self.check(
                "load",
                ups.load_ratio,
                share(&standard["outputPercentLoad"]["1"], 100.0),
            );
            self.check("low", ups.battery_low, standard["batteryStatus"] != 2);
        }
        if !apc.is_null() {
            self.check("on battery", ups.on_battery, apc["basicOutputStatus"] == 3);
            self.check(
                "charge",
                ups.battery_ratio,
                share(&apc["capacity_hiprec_0.1pct"], 1000.0),
            );
            self.check(
                "runtime",
                ups.runtime_seconds,
                share(&apc["runtimeRemaining_ticks"], 100.0),
            );
            self.check(
                "load",
                ups.load_ratio,
                share(&apc["outputLoad_hiprec_0.1pct"], 1000.0),
            );
            self.check("replace", ups.battery_replace, apc["replaceIndicator"] == 2);
        }
    }

    /// What another program calls it must be in what it says, or the other way round.
    fn check_identity(&mut self, said: &Said, expected: &Json) {
        let os = &expected["librenms"]["os"];
        for (field, said) in [
            ("hardware", &said.model),
            ("serial", &said.serial),
            ("version", &said.firmware),
        ] {
            let what = format!("{} {field}", self.name);
            let Some(expected) = os[field].as_str() else {
                continue;
            };
            let said = said.clone().unwrap_or_default();
            let is_alike =
                !said.is_empty() && (expected.contains(&said) || said.contains(expected));
            if !is_alike && !OTHER_NAMES.iter().any(|(known, _)| *known == what) {
                self.found
                    .push(format!("{what}: {said:?}, expected {expected:?}"));
            }
        }
    }
}

#[tokio::test]
async fn every_recorded_device_is_read_as_the_mibs_say() {
    let Some(truth) = truth() else { return };
    let mut found = Vec::new();
    for (name, expected) in truth["recordings"].as_object().unwrap() {
        let file = expected["file"].as_str().unwrap().replace("/dev/", "/");
        let Some(session) = shared(&file) else { return };
        for (session, is_v1) in [(session.clone(), false), (session.v1(), true)] {
            let said = read(session).await;
            let mut differences = Differences {
                name,
                found: Vec::new(),
            };
            let uptime = &expected["uptime"]["seconds"];
            differences.check("uptime", said.uptime_seconds, uptime.clone());
            differences.check_interfaces(&said, &expected["interfaces"], is_v1);
            differences.check_processors(&said, expected);
            differences.check_memory(&said, expected);
            differences.check_ups(&said, expected);
            differences.check_identity(&said, expected);
            found.extend(differences.found);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What leads to the line, where the recorded device is a router and tells.
#[tokio::test]
async fn the_lines_of_recorded_routers_are_found() {
    for (name, expected) in [
        ("draytek_vigor2962", &["WAN1"] as &[&str]),
        // Neither has a cable, and both are switched on.
        ("fortigate_60f", &["wan1", "wan2"]),
        // By the next hop of its default route.
        ("routeros_rb760igs", &["vlan254"]),
        ("rutos-2xx", &["wwan0", "wwan0 (2)"]),
        // Down, while the port below it is up.
        ("tplink_td-w9970", &["ppp1"]),
        ("vrp_ar169sfp", &["Dialer1"]),
        // It tells no routes, and its ports are called like any others.
        ("iosxe_isr4321", &[]),
        ("dlink_dgs-1510-28", &[]),
        ("unifi_nanohd", &[]),
    ] {
        let Some(session) = shared(&format!("routers/{name}.snmprec")) else {
            return;
        };
        let said = read(session).await;
        let lines = said.interfaces.iter().filter(|one| one.wan);
        let names: Vec<_> = lines.map(|line| line.name.as_str()).collect();
        assert_eq!(names, expected, "{name}");
    }
}
