//! `ask` against real parts: captured devices behind snmpsim in every version of SNMP, Debian's `snmpd`, and
//! a live IPP printer. Each in a network namespace of its own with nothing but loopback. Captures are our own;
//! recordings of others are asked too where they are there. What every rule means is tested beside its reader.
#![cfg(target_os = "linux")]
#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests, which say what they skip"
)]

mod devices;

use std::path::PathBuf;
use std::process::Output;

use devices::{Network, ipp_recordings, ippeveprinter, recordings, snmpd, snmpsim};
use serde_json::Value;

const PASSWORDS: [(&str, &str); 2] = [
    ("DAWNWATCH_SNMP_AUTH_PASSWORD", "auctoritas1"),
    ("DAWNWATCH_SNMP_PRIVACY_PASSWORD", "privatus11"),
];

/// What the program prints for programs, which it must as long as the device says anything.
fn told(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn by_community(network: &Network, recording: &str, version: &str) -> Value {
    let target = format!("snmp://{}@127.0.0.1:1161", recording.replace('/', "%2F"));
    told(&network.ask(&[&target, "--snmp-version", version, "--json"], &[]))
}

fn by_user(network: &Network, recording: &str) -> Value {
    let user = ["--snmp-user", "monitor", "--snmp-context", recording];
    let target = ["snmp://127.0.0.1:1161", "--json"];
    let [to_sign, _] = PASSWORDS;
    told(&network.ask(&[&target[..], &user].concat(), &[to_sign]))
}

/// Nothing else about a device depends on the version.
fn without_wide_counters(mut told: Value) -> Value {
    for interface in told["interfaces"].as_array_mut().into_iter().flatten() {
        let fields = interface.as_object_mut().expect("an object");
        fields.retain(|name, _| !name.ends_with("_total") && name != "counter_bits");
    }
    told
}

/// The folders of recordings of others.
fn folders() -> Option<[PathBuf; 4]> {
    let folder = recordings("snmp")?;
    Some(["printers", "routers", "ups", "overlay"].map(|kind| folder.join(kind)))
}

fn says_the_same_in_every_version(network: &Network, recordings: &[&str]) {
    for recording in recordings {
        let by_2c = by_community(network, recording, "2c");
        assert_eq!(by_user(network, recording), by_2c, "{recording} by SNMPv3");
        let by_1 = by_community(network, recording, "1");
        let [by_1, by_2c] = [by_1, by_2c].map(without_wide_counters);
        assert_eq!(by_1, by_2c, "{recording} by SNMPv1");
    }
}

#[test]
fn a_device_says_the_same_in_every_version() {
    let Some(network) = snmpsim(&[]) else {
        return;
    };
    let captures = [
        "printer/healthy",
        "network/mixed_interfaces",
        "ups/on_battery",
    ];
    says_the_same_in_every_version(&network, &captures);
    let told = by_community(&network, "printer/healthy", "2c");
    assert_eq!(told["pages_total"], 4711, "{told:#}");
}

#[test]
fn supplies_that_are_told_in_a_context_alone_are_found() {
    let Some(network) = snmpsim(&[]) else {
        return;
    };
    for version in ["1", "2c"] {
        let told = by_community(&network, "printer/jetdirect", version);
        assert_eq!(told["supplies"][0]["ratio"], 0.61, "{version}: {told:#}");
    }
}

#[test]
fn a_recorded_device_says_the_same_in_every_version() {
    let Some(network) = folders().and_then(|folders| snmpsim(&folders)) else {
        return;
    };
    // Of each kind, and among them: a printer whose supplies are in another context, a device with
    // only some 64-bit counters, and one that is alone in what it lacks.
    let recordings = [
        "brother_hl5370dw",
        "canonprinter_lbp",
        "ov_jam",
        "routeros_rb760igs",
        "tplink_td-w9970",
        "apc_smt750x-nmc2",
    ];
    says_the_same_in_every_version(&network, &recordings);
}

#[test]
fn every_recorded_device_answers_with_what_it_is_known_to_hold() {
    let Some(folder) = recordings("snmp") else {
        return;
    };
    let Some(network) = folders().and_then(|folders| snmpsim(&folders)) else {
        return;
    };
    for file in ["truth.json", "truth_overlay.json"] {
        let truth = std::fs::read(folder.join(file)).expect("the truth");
        let truth: Value = serde_json::from_slice(&truth).expect("JSON");
        for (recording, truth) in truth["recordings"].as_object().expect("recordings") {
            let told = by_community(&network, recording, "2c");
            supplies_are(recording, &told, &truth["printer"]["supplies"]);
            trays_are(recording, &told, &truth["printer"]["inputs"]);
            interfaces_are(recording, &told, &truth["interfaces"]);
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn supplies_are(recording: &str, told: &Value, truth: &Value) {
    let told = list(&told["supplies"]);
    assert_eq!(told.len(), list(truth).len(), "{recording}: {told:#?}");
    for (told, truth) in told.iter().zip(list(truth)) {
        let percent = told["ratio"].as_f64().map(|ratio| ratio * 100.0);
        is_near(recording, percent, truth["percent"].as_f64());
        let kind = truth["type"].as_str().unwrap_or_default();
        assert_eq!(told["type"], kind, "{recording}: {told:#}");
        assert_eq!(
            told["receptacle"], truth["receptacle"],
            "{recording}: {told:#}"
        );
    }
}

fn trays_are(recording: &str, told: &Value, truth: &Value) {
    let told = list(&told["trays"]);
    assert_eq!(told.len(), list(truth).len(), "{recording}: {told:#?}");
    for (told, truth) in told.iter().zip(list(truth)) {
        let percent = told["ratio"].as_f64().map(|ratio| ratio * 100.0);
        is_near(recording, percent, truth["percent"].as_f64());
    }
}

fn interfaces_are(recording: &str, told: &Value, truth: &Value) {
    for truth in list(truth) {
        let mut told = list(&told["interfaces"]).iter();
        let told = told.find(|told| told["index"] == truth["index"]);
        let told = told.unwrap_or_else(|| panic!("{recording} has no interface {truth:#}"));
        for (field, known) in [
            ("receive_bytes_total", "in_octets"),
            ("transmit_bytes_total", "out_octets"),
            ("receive_errors_total", "in_errors"),
            ("transmit_drops_total", "out_discards"),
        ] {
            assert_eq!(
                told[field], truth[known],
                "{recording}: {field} of {told:#}"
            );
        }
    }
}

/// The truth is rounded to hundredths.
fn is_near(recording: &str, told: Option<f64>, truth: Option<f64>) {
    let is_near = match (told, truth) {
        (Some(told), Some(truth)) => (told - truth.min(100.0)).abs() < 0.01,
        (told, truth) => told == truth,
    };
    assert!(is_near, "{recording}: {told:?} instead of {truth:?}");
}

#[test]
fn a_device_that_knows_only_version_1_is_asked_in_it_after_2c() {
    let only_1 = "com2sec one 127.0.0.1 only1\ngroup one v1 one\nview all included .1\n\
                  access one \"\" v1 noauth exact all none none\n";
    let Some(network) = snmpd(only_1) else {
        return;
    };
    let output = network.ask(&["snmp://only1@127.0.0.1:1161", "--lang", "en"], &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("SNMP 1: answered"), "{text}");
}

#[test]
fn a_live_machine_says_what_it_is() {
    let Some(network) = snmpd("rocommunity public 127.0.0.1\nsysName mot-cua\n") else {
        return;
    };
    let told = told(&network.ask(&["snmp://127.0.0.1:1161", "--json"], &[]));
    assert_eq!(told["name"], "mot-cua");
    assert_eq!(told["interfaces"][0]["name"], "lo", "{told:#}");
    assert_eq!(told["origins"]["interfaces"], "snmp");
    assert!(
        told["memory_size_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 1 << 20)
    );
}

#[test]
fn a_live_machine_is_told_encrypted() {
    let settings = "rocommunity public 127.0.0.1\nsysName mot-cua\nrouser monitor priv\n\
                    createUser monitor SHA auctoritas1 AES privatus11\n";
    let Some(network) = snmpd(settings) else {
        return;
    };
    let user = ["snmp://127.0.0.1:1161", "--json", "--snmp-user", "monitor"];
    let by_user = told(&network.ask(&user, &PASSWORDS));
    assert_eq!(by_user["name"], "mot-cua");
    assert_eq!(by_user["interfaces"][0]["name"], "lo", "{by_user:#}");
    assert!(by_user["problems"].is_null(), "{by_user:#}");
}

#[test]
fn whoever_is_not_let_in_or_not_there_is_told_so_and_exits_with_1() {
    let Some(network) = snmpd("rocommunity public 127.0.0.1\n") else {
        return;
    };
    let fails = |arguments: &[&str], environment: &[(&str, &str)], says: &str| {
        let output = network.ask(arguments, environment);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let problems = told["problems"].to_string();
        assert!(problems.contains(says), "{arguments:?}: {problems}");
        for secret in ["geheim", "auctoritas1"] {
            assert!(!problems.contains(secret), "{problems}");
        }
    };
    let soon = ["--json", "--timeout", "1s"];
    let ask = |rest: &[&'static str]| [&soon[..], rest].concat();
    fails(&ask(&["snmp://geheim@127.0.0.1:1161"]), &[], "community");
    fails(&ask(&["snmp://127.0.0.1:9"]), &[], "refuses");
    fails(&ask(&["ipp://127.0.0.1:9"]), &[], "nothing listens");
    fails(
        &ask(&["snmp://127.0.0.1:1161", "--snmp-user", "nobody"]),
        &PASSWORDS,
        "SNMPv3",
    );
    fails(&ask(&["127.0.0.1"]), &[], "nothing listens");
}

#[test]
fn a_live_printer_is_told_by_ipp_as_it_changes() {
    let Some(network) = ippeveprinter() else {
        return;
    };
    let ask = || told(&network.ask(&["ipp://127.0.0.1:8631/ipp/print", "--json"], &[]));
    let before = ask();
    assert_eq!(before["kind"], "printer");
    assert_eq!(before["model"], "Example Printer");
    assert_eq!(before["status"], "idle");
    assert_eq!(before["conditions"], serde_json::json!([]), "{before:#}");
    assert_eq!(before["origins"]["supplies"], "ipp");

    // The waste box and the toner of its web form: nearly out of toner.
    network.get("http://127.0.0.1:8631/supplies?supply0=25&supply1=3");
    let low = ask();
    assert_eq!(
        low["conditions"],
        serde_json::json!(["toner_low"]),
        "{low:#}"
    );
    assert_eq!(low["supplies"][1]["ratio"], 0.03);
    assert_eq!(low["supplies"][0]["receptacle"], true);

    // No paper in its main tray.
    network.get(
        "http://127.0.0.1:8631/media?size1=iso_a4_210x297mm&type1=stationery&level1=0&size3=&type3=&level3=-2",
    );
    let empty = ask();
    let conditions = empty["conditions"].to_string();
    assert!(conditions.contains("paper_empty"), "{empty:#}");
    let main = |told: &Value| {
        let mut trays = list(&told["trays"]).iter();
        trays
            .find(|tray| tray["name"] == "main")
            .map(|tray| tray["ratio"].clone())
    };
    assert_eq!(main(&empty), Some(0.0.into()));

    network.get("http://127.0.0.1:8631/supplies?supply0=25&supply1=75");
    network.get(
        "http://127.0.0.1:8631/media?size1=iso_a4_210x297mm&type1=stationery&level1=250&size3=&type3=&level3=-2",
    );
    let well = ask();
    assert_eq!(well["conditions"], serde_json::json!([]), "{well:#}");
    assert_eq!(main(&well), Some(1.0.into()));
}

#[test]
fn recorded_printers_answer_ipp_and_one_that_refuses_is_no_printer_that_is_down() {
    let Some(network) = ipp_recordings() else {
        return;
    };
    let jammed = "ipp://127.0.0.1:8632/ipp/xerox_b210_printer-stopped-media-jam";
    let jammed = told(&network.ask(&[jammed, "--json"], &[]));
    assert_eq!(jammed["conditions"], serde_json::json!(["jam"]));
    assert_eq!(jammed["status"], "stopped");
    let refusing = "ipp://127.0.0.1:8632/ipp/pyipp_get-printer-attributes-error-0x0503";
    let output = network.ask(&[refusing, "--json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("0x0503"), "{text}");
}
