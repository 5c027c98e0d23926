//! What devices say of themselves, from captures written by the MIBs, one for each rule.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::snmp::recorded::{Recorded, capture};
use super::*;

async fn read(mut session: Recorded) -> Said {
    let mut said = Said::default();
    super::read(&mut session, &mut said).await.unwrap();
    said
}

#[track_caller]
fn check(
    said: &Said,
    kind: Kind,
    vendor: &str,
    [model, serial, firmware]: [&str; 3],
    uptime: Option<f64>,
) {
    let text = |told: &Option<String>| told.clone().unwrap_or_default();
    let identity = [&said.model, &said.serial, &said.firmware].map(text);
    assert_eq!(identity, [model, serial, firmware]);
    assert_eq!(
        (said.kind, text(&said.vendor).as_str()),
        (Some(kind), vendor)
    );
    assert_eq!(said.uptime_seconds, uptime);
    assert_eq!(said.problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_maker_keeps_serial_and_firmware_in_places_of_its_own() {
    let said = read(capture("system/brother_like")).await;
    let identity = ["Brother HL-1000 series", "E12345A6N789012", "1.07"];
    check(&said, Kind::Printer, "Brother", identity, Some(1234.56));
    assert_eq!(said.name.as_deref(), Some("PRINTER-2"));
}

#[tokio::test]
async fn model_and_version_are_taken_from_a_description() {
    let said = read(capture("system/described_router")).await;
    let identity = ["Vigor1000", "", "4.0.1"];
    check(&said, Kind::Router, "DrayTek", identity, Some(42.0));
}

#[tokio::test]
async fn of_what_contains_the_parts_the_chassis_has_the_serial_number() {
    let said = read(capture("system/chassis")).await;
    let identity = ["C1000/K9", "FOC1234X0AB", "15.1(4)M"];
    check(&said, Kind::Router, "Cisco", identity, Some(1.0));
    assert_eq!(said.name.as_deref(), Some("router.example"));
}

#[tokio::test]
async fn what_nobody_knows_is_what_it_has() {
    let said = read(capture("system/unknown_printer")).await;
    check(
        &said,
        Kind::Printer,
        "",
        ["Laser 100", "S-1", ""],
        Some(1.0),
    );
    let said = read(capture("system/unknown_ups")).await;
    check(
        &said,
        Kind::Ups,
        "Maker",
        ["Power 1000", "", "V1.2"],
        Some(1.0),
    );
    let said = read(capture("system/bridge")).await;
    check(&said, Kind::Switch, "", ["", "", ""], Some(77.0));
    let said = read(Recorded::parse(
        "1.3.6.1.2.1.4.1.0|2|1\n1.3.6.1.2.1.1.5.0|4|r",
    ))
    .await;
    check(&said, Kind::Router, "", ["", "", ""], None);
    let said = read(Recorded::parse("1.3.6.1.2.1.1.1.0|4|thing")).await;
    check(&said, Kind::Other, "", ["", "", ""], None);
}

#[tokio::test]
async fn a_first_device_that_is_a_disk_is_no_model_of_a_printer() {
    let disk = "\
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.1248.1
1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.6
1.3.6.1.2.1.25.3.2.1.3.1|4|A disk
";
    let said = read(Recorded::parse(disk)).await;
    check(&said, Kind::Printer, "Epson", ["", "", ""], None);
}

#[tokio::test]
async fn who_does_not_answer_says_nothing_and_who_stops_answering_said_something() {
    let mut silent = Recorded::parse("1.3.1|2|1");
    silent.in_context("nobody");
    let answer = super::read(&mut silent, &mut Said::default()).await;
    assert_eq!(answer, Err(Trouble::Timeout));

    let said = read(capture("system/chassis").failing(oid!("1.3.6.1.2.1.47"))).await;
    let identity = ["", "", "15.1(4)M"];
    check(&said, Kind::Router, "Cisco", identity, Some(1.0));
}
