//! Every recorded printer of `../shared/devices`, whose truth is what was derived from the MIBs' rules.
//!
//! Everything of the truth about printers is compared, under SNMPv1 and v2c. Where we say something else, it
//! is listed here with the reason.

use std::path::Path;

use serde_json::Value as Json;

use super::super::super::snmp::recorded::shared;
use super::*;

/// Recording, reading, and why it is not as the truth has it.
const OTHERWISE: [(&str, &str, &str); 3] = [
    (
        "konica_c250i",
        "tray 1.1",
        "has no name: a tray is called something",
    ),
    (
        "konica_c250i",
        "tray 1.2",
        "has no name: a tray is called something",
    ),
    (
        "konica_c250i",
        "tray 1.7",
        "has no name: a tray is called something",
    ),
];

#[tokio::test]
async fn every_recorded_printer_is_read_as_its_truth_has_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/devices/snmp");
    let mut differences = Vec::new();
    let mut compared = 0;
    for (file, folder_of) in [
        ("truth.json", "printers"),
        ("truth_overlay.json", "overlay"),
    ] {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
            println!(
                "skipped, because there is no {}",
                folder.join(file).display()
            );
            return;
        };
        let truth: Json = serde_json::from_str(&text).unwrap();
        let recordings = truth["recordings"].as_object().unwrap();
        for (name, truth) in recordings {
            let Some(truth) = truth.get("printer") else {
                continue;
            };
            let recorded = shared(&format!("{folder_of}/{name}.snmprec")).unwrap();
            let mut session = Counting::new(recorded.clone(), usize::MAX);
            let mut told = Said::default();
            assert_eq!(read(&mut session, &mut told).await, Ok(()), "{name}");
            assert!(
                session.requests < 30,
                "{name}: {} requests",
                session.requests
            );
            assert_eq!(told, said(recorded.v1()).await, "{name} by SNMPv1");
            compared += 1;
            let mut found = Vec::new();
            compare(truth, &told, &mut found);
            differences.extend(found.into_iter().map(|what| (name.clone(), what)));
        }
    }
    assert!(compared > 12, "{compared} recordings of printers");
    let is = |(name, what): &(String, String), known: &(&str, &str, &str)| {
        name == known.0 && what.starts_with(&format!("{}: ", known.1))
    };
    for known in &OTHERWISE {
        let mut differences = differences.iter();
        assert!(differences.any(|one| is(one, known)), "{known:?} is so now");
    }
    differences.retain(|one| !OTHERWISE.iter().any(|known| is(one, known)));
    assert_eq!(differences, []);
}

fn compare(truth: &Json, said: &Said, differences: &mut Vec<String>) {
    let mut same = |what: &str, expected: Json, told: Json| {
        if expected != told {
            differences.push(format!("{what}: {told} instead of {expected}"));
        }
    };
    let supplies = truth["supplies"].as_array().unwrap();
    same(
        "supplies",
        supplies.len().into(),
        said.supplies.len().into(),
    );
    for (truth, supply) in supplies.iter().zip(&said.supplies) {
        let what = format!("supply {}", truth["index"].as_str().unwrap());
        same(
            &what,
            truth["description"].clone(),
            (*supply.description).into(),
        );
        let kind = truth["type"].as_str().unwrap_or_default();
        same(&what, kind.into(), (*supply.kind).into());
        same(&what, truth["receptacle"].clone(), supply.receptacle.into());
        same(&what, meaning(truth), level(supply.level));
    }
    let inputs = truth["inputs"].as_array().unwrap();
    same("trays", inputs.len().into(), said.trays.len().into());
    for (truth, tray) in inputs.iter().zip(&said.trays) {
        let what = format!("tray {}", truth["index"].as_str().unwrap());
        same(&what, truth["name"].clone(), (*tray.name).into());
        same(&what, meaning(truth), level(tray.level));
        if truth["empty"] == true {
            same(&what, level(Level::Measured(0.0)), level(tray.level));
        }
    }
    let count = truth["life_count"].get(0).map(|life| &life["count"]);
    let count = count.cloned().unwrap_or_default();
    let pages = said.pages_total.map_or(Json::Null, Json::from);
    same("pages", count, pages);
    if let Some(serial) = truth.get("serial") {
        same("serial", serial.clone(), said.serial.clone().into());
    }
    if let Some(model) = truth.get("hrDeviceDescr") {
        let model = model.as_object().unwrap().values().next();
        same(
            "model",
            model.cloned().unwrap_or_default(),
            said.model.clone().into(),
        );
    }
    let conditions = said.conditions.as_ref();
    let told = conditions.map(|all| all.iter().map(|one| one.as_str()).collect::<Vec<_>>());
    same("conditions", expected_conditions(truth), told.into());
    let status = said.status.map(Status::as_str);
    same("status", expected_status(truth), status.into());
    let alerts = truth["alerts"].as_array().unwrap().iter();
    let alerts = alerts.map(|alert| &alert["description"]);
    let console = truth.get("console").and_then(Json::as_array);
    for message in alerts.chain(console.into_iter().flatten()) {
        let has = said.messages.iter().any(|told| message == told);
        same(
            "message",
            message.clone(),
            if has { message.clone() } else { Json::Null },
        );
    }
}

/// A level as the truth has it: percent with two decimals, or in words.
fn meaning(truth: &Json) -> Json {
    let semantics = truth["semantics"].as_str().unwrap();
    match truth["percent"].as_f64() {
        Some(percent) => format!("{percent:.2}").into(),
        None if semantics.starts_with("some_remaining") => "some_remaining".into(),
        None if semantics.starts_with("no_restriction") => "unlimited".into(),
        None => {
            let is_known =
                semantics.starts_with("unknown") || semantics.starts_with("level_without_capacity");
            assert!(is_known, "{semantics}");
            "unknown".into()
        }
    }
}

fn level(level: Level) -> Json {
    let number = level.ratio().map(|ratio| format!("{:.2}", ratio * 100.0));
    number.unwrap_or_else(|| level.state().to_owned()).into()
}

/// From the names of bits in the truth.
fn expected_conditions(truth: &Json) -> Json {
    let Some(errors) = truth["hrPrinterDetectedErrorState"].get("1") else {
        return Json::Null;
    };
    let bits = errors["bits"].as_array().unwrap().iter();
    let words: Vec<&str> = bits
        .map(|bit| match bit.as_str().unwrap() {
            "jammed" => "jam",
            "doorOpen" => "cover_open",
            "inputTrayEmpty" | "noPaper" => "paper_empty",
            "lowPaper" => "paper_low",
            "noToner" => "toner_empty",
            "lowToner" => "toner_low",
            "offline" => "offline",
            "serviceRequested" => "service",
            other => panic!("no word for {other}"),
        })
        .collect();
    words.into()
}

/// From the names of both states in the truth, by the table of RFC 3805.
fn expected_status(truth: &Json) -> Json {
    let name = |of: &str| truth[of]["1"]["name"].as_str().map(str::to_owned);
    let (device, printer) = (name("hrDeviceStatus"), name("hrPrinterStatus"));
    match (device.as_deref(), printer.as_deref()) {
        (Some("running"), Some("other")) => "standby".into(),
        (Some("down"), _) => "stopped".into(),
        (_, Some(printer)) => printer.into(),
        (_, None) => Json::Null,
    }
}
