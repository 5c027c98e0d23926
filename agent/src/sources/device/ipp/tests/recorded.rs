//! Answers of real printers, recorded, beside what must be read of them. They are not part of the project:
//! where they are absent these tests say so.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::message;
use super::{Level, Status, said};

/// Where they are, as the design has it: beside the workspace.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/devices/ipp");
    let is_there = folder.join("truth_ipp.json").exists();
    if !is_there {
        skip("the recorded answers of real printers are not beside this workspace");
    }
    is_there.then_some(folder)
}

#[expect(clippy::print_stderr, reason = "a test says why it is skipped")]
fn skip(why: &str) {
    eprintln!("skipped, because {why}");
}

fn recordings() -> Vec<(String, Vec<u8>, Value)> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let truth = std::fs::read(folder.join("truth_ipp.json")).unwrap();
    let truth: serde_json::Map<String, Value> = serde_json::from_slice(&truth).unwrap();
    let read = |(name, truth): (String, Value)| {
        let bytes = std::fs::read(folder.join(format!("{name}.bin"))).unwrap();
        (name, bytes, truth)
    };
    truth.into_iter().map(read).collect()
}

#[test]
fn recorded_printers_are_read_as_they_are() {
    for (name, bytes, truth) in recordings() {
        let reply = message::answer(&bytes).unwrap();
        assert_eq!(format!("{:#06x}", reply.status), truth["status"], "{name}");
        let truth = &truth["expected"];
        if reply.status >= 0x0100 {
            assert_eq!(truth, &serde_json::json!({}), "{name}");
            continue;
        }
        let said = said(&bytes);
        let first = |attribute: &str| truth[attribute][0].clone();
        assert_eq!(
            said.name.as_deref(),
            first("printer-name").as_str(),
            "{name}"
        );
        assert_eq!(
            said.model.as_deref(),
            first("printer-make-and-model").as_str(),
            "{name}"
        );
        assert_eq!(
            said.queued_jobs,
            first("queued-job-count").as_u64(),
            "{name}"
        );
        let up = first("printer-up-time").as_f64().filter(|up| *up < 1e9);
        assert_eq!(said.uptime_seconds, up, "{name}");
        let status = match truth["printer-state-name"].as_str() {
            Some("idle") => Status::Idle,
            Some("processing") => Status::Printing,
            _ => Status::Stopped,
        };
        assert_eq!(said.status, Some(status), "{name}");
        let id = first("printer-device-id");
        let serial = id
            .as_str()
            .and_then(|id| id.split("SN:").nth(1)?.split(';').next());
        assert_eq!(said.serial.as_deref(), serial, "{name}");
        supplies_are(&name, &said.supplies, &truth["_supplies"]);
        trays_are(&name, &said.trays, truth["printer-input-tray"].as_array());
        conditions_are(
            &name,
            &said.conditions.unwrap(),
            &truth["printer-state-reasons"],
        );
    }
}

fn supplies_are(name: &str, read: &[super::super::super::said::Supply], truth: &Value) {
    let truth = truth.as_array().unwrap();
    assert_eq!(read.len(), truth.len(), "{name}");
    for (read, truth) in read.iter().zip(truth) {
        assert_eq!(read.description, truth["name"], "{name}");
        assert_eq!(read.kind.replace('-', "").to_lowercase(), {
            let kind = truth["type"].as_str().unwrap();
            kind.replace('-', "").to_lowercase()
        });
        let percent = read.level.ratio().map(|ratio| ratio * 100.0);
        assert_eq!(percent, truth["percent"].as_f64(), "{name}");
    }
}

fn trays_are(name: &str, read: &[super::super::super::said::Tray], truth: Option<&Vec<Value>>) {
    let truth = truth.map(Vec::as_slice).unwrap_or_default();
    assert_eq!(read.len(), truth.len(), "{name}");
    for (read, truth) in read.iter().zip(truth) {
        let truth = truth.as_str().unwrap();
        assert!(
            truth.contains(&format!("name={}", read.name)),
            "{name}: {truth}"
        );
        let expected = if truth.contains("maxcapacity=250;level=250") {
            Level::Measured(1.0)
        } else {
            Level::Unknown
        };
        assert_eq!(read.level, expected, "{name}: {truth}");
    }
}

/// By the words of the reasons that recordings hold.
fn conditions_are(name: &str, read: &[super::Condition], truth: &Value) {
    let expected: Vec<_> = truth
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|reason| match reason.as_str().unwrap() {
            "media-jam-error" => Some("jam"),
            "toner-low-warning" | "marker-supply-low-warning" => Some("toner_low"),
            "none" => None,
            reason => {
                assert!(reason.starts_with("cups-"), "{reason} is new");
                None
            }
        })
        .collect();
    let read: Vec<_> = read.iter().map(|condition| condition.as_str()).collect();
    assert_eq!(read, expected, "{name}");
}

#[test]
fn recorded_answers_cut_short_anywhere_are_unreadable_and_nothing_worse() {
    for (name, bytes, _) in recordings() {
        for end in 0..bytes.len() {
            assert!(message::answer(&bytes[..end]).is_err(), "{name} at {end}");
        }
    }
}
