//! The project's own captures, one for each rule of the MIBs and each oddity of devices: `ask` says the same of
//! them in every version of SNMP, and what it says is what a scout tells and `/metrics` shows.
//!
//! That it is right is shown beside each reader.

use std::path::Path;

use serde_json::Value as Json;

use super::values::{INTERFACE, PRINTER, Values, unique};
use super::{Device, V2C, all_are_shown};
use crate::harness::binaries;
use crate::harness::process::{Folder, run};
use crate::harness::snmpsim::{COMMUNITY, PASSWORD, Recording, Snmpsim, USER};
use crate::needs;

const UPS: [&str; 6] = [
    "ups_on_battery",
    "ups_battery_ratio",
    "ups_runtime_seconds",
    "ups_load_ratio",
    "ups_battery_low",
    "ups_battery_replace",
];

const MACHINE: [&str; 3] = [
    "cpu_usage_ratio",
    "memory_size_bytes",
    "memory_available_bytes",
];

#[tokio::test]
async fn what_ask_says_of_every_capture_is_the_same_in_every_version_and_on_metrics() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/tests/captures");
    let kinds = ["network", "printer", "system", "ups"];
    let recordings = kinds.map(|kind| Recording::all_in(&folder.join(kind)).unwrap());
    let recordings = recordings.concat();
    assert!(recordings.len() > 30, "{recordings:?}");
    let simulator = needs!(Snmpsim::of(&recordings).await);
    let mut devices = Vec::new();
    for (number, recording) in recordings.iter().enumerate() {
        let name = &recording.name;
        let said = ask(&simulator, number, &["--snmp-version", "2c"]).await;
        let user = ["--snmp-version", "3", "--snmp-user", USER];
        assert_eq!(
            ask(&simulator, number, &user).await,
            said,
            "{name} by SNMPv3"
        );
        let by_v1 = ask(&simulator, number, &["--snmp-version", "1"]).await;
        assert_eq!(narrow(by_v1), narrow(said.clone()), "{name} by SNMPv1");
        devices.push(Device {
            recording: recording.clone(),
            kind: kind(&said),
            centre: "captures".to_owned(),
            uptime: Some(said["uptime_seconds"].as_f64()),
            expected: expected(&said),
        });
    }
    let series: usize = devices.iter().map(|device| device.expected.len()).sum();
    assert!(series > 150, "{series}");
    all_are_shown(&devices, &V2C, &simulator, &[]).await;
}

/// What `dawnwatch-agent ask --json` prints.
async fn ask(simulator: &Snmpsim, number: usize, how: &[&str]) -> Json {
    let at = format!("{}:{}", simulator.address(number), simulator.port());
    let mut command = binaries::agent();
    // A user has no community.
    match how.contains(&USER) {
        true => command.args(["ask", &format!("snmp://{at}")]),
        false => command.args(["ask", &format!("snmp://{COMMUNITY}@{at}")]),
    };
    command.args(how).args(["--json", "--timeout", "20s"]);
    command.env("DAWNWATCH_SNMP_AUTH_PASSWORD", PASSWORD);
    let printed = run("ask", &mut command, &Folder::new("ask")).await;
    serde_json::from_str(&printed.succeeded()).unwrap()
}

/// Without what SNMPv1 has no numbers for.
fn narrow(mut said: Json) -> Json {
    let interfaces = said["interfaces"].as_array_mut();
    for interface in interfaces.into_iter().flatten() {
        let interface = interface.as_object_mut().unwrap();
        for direction in ["receive", "transmit"] {
            interface.remove(&format!("{direction}_bytes_total"));
        }
        interface.remove("counter_bits");
    }
    said
}

fn kind(said: &Json) -> &'static str {
    match said["kind"].as_str() {
        Some("printer") => "printer",
        Some("router") => "router",
        Some("switch") => "switch",
        Some("ups") => "ups",
        Some("access-point") => "access-point",
        _ => "other",
    }
}

/// What must be shown where this is said; no more, and no less.
fn expected(said: &Json) -> Values {
    let mut values = Values::default();
    values.judge(&PRINTER);
    values.judge(&INTERFACE);
    let supplies = list(said, "supplies");
    let name = |one: &Json| match text(&one["description"]) {
        "" => text(&one["type"]).to_owned(),
        name => name.to_owned(),
    };
    for (one, name) in supplies.iter().zip(names(supplies, name)) {
        let named = ("supply", &*name);
        values.put_some("printer_supply_ratio", &[named], number(&one["ratio"]));
        let state = [named, ("state", text(&one["state"]))];
        values.put("printer_supply_state", &state, 1.0);
        let receptacle = one["receptacle"].to_string();
        let info = [
            named,
            ("type", text(&one["type"])),
            ("receptacle", &receptacle),
        ];
        values.put("printer_supply_info", &info, 1.0);
    }
    let trays = list(said, "trays");
    for (one, name) in trays
        .iter()
        .zip(names(trays, |one| text(&one["name"]).to_owned()))
    {
        let named = ("tray", &*name);
        values.put_some("printer_tray_level_ratio", &[named], number(&one["ratio"]));
        let state = [named, ("state", text(&one["state"]))];
        values.put("printer_tray_state", &state, 1.0);
    }
    values.put_some("printer_pages_total", &[], number(&said["pages_total"]));
    for (metric, label, words) in [
        ("printer_condition", "condition", list(said, "conditions")),
        (
            "printer_status",
            "status",
            std::slice::from_ref(&said["status"]),
        ),
        ("serial", "is", std::slice::from_ref(&said["serial"])),
    ] {
        for word in words.iter().filter_map(Json::as_str) {
            values.put(metric, &[(label, word)], 1.0);
        }
    }
    for one in list(said, "interfaces") {
        let named = [("interface", text(&one["name"]))];
        for metric in INTERFACE {
            let value = number(&one[metric.trim_start_matches("interface_")]);
            values.put_some(
                metric,
                &named,
                value.filter(|it| *it > 0.0 || !metric.contains("speed")),
            );
        }
    }
    for metric in UPS {
        let field = metric.trim_start_matches("ups_");
        values.put_some(metric, &[], number(&said["ups"][field]));
    }
    for metric in MACHINE {
        values.put_some(metric, &[], number(&said[metric]));
    }
    values
}

fn list<'j>(said: &'j Json, field: &str) -> &'j [Json] {
    said[field].as_array().map_or(&[], Vec::as_slice)
}

fn names(all: &[Json], name: impl Fn(&Json) -> String) -> Vec<String> {
    let names: Vec<String> = all.iter().map(name).collect();
    unique(names.iter().map(String::as_str))
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// Truths are 1 and 0.
fn number(value: &Json) -> Option<f64> {
    let truth = value.as_bool().map(|is| f64::from(u8::from(is)));
    value.as_f64().or(truth)
}
