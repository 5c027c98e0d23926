//! How people see what a device says.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use proto::plan::{Ipp, Kind, Secret};

use super::*;
use crate::sources::device::ask::Attempt;
use crate::sources::device::said::{
    Condition, Interface, Level, Origin, Status, Supply, Tray, Ups,
};

fn answer(said: Said, outcome: &'static str) -> Answer {
    let attempt = Attempt {
        protocol: Origin::Snmp,
        outcome,
        took: Duration::from_millis(1_250),
        problem: (outcome != "answered").then(|| "nobody there".to_owned()),
    };
    Answer {
        target: "snmp://secret@192.0.2.1".parse().unwrap(),
        asked: Asked {
            said,
            attempts: vec![attempt],
            ..Asked::default()
        },
        version: (outcome == "answered").then_some("2c"),
    }
}

fn printer() -> Said {
    let supply = |description: &str, level| Supply {
        description: description.to_owned(),
        kind: "toner".to_owned(),
        colour: String::new(),
        receptacle: description.contains("Waste"),
        level,
    };
    Said {
        kind: Some(Kind::Printer),
        vendor: Some("Make".to_owned()),
        model: Some("Make M1".to_owned()),
        uptime_seconds: Some(93_784.0),
        status: Some(Status::Stopped),
        conditions: Some(vec![Condition::Jam]),
        messages: vec!["Open\x1b[2J door".to_owned()],
        pages_total: Some(15_232),
        supplies: vec![
            supply("Black", Level::Measured(0.28)),
            supply("Waste box", Level::Measured(0.05)),
            supply("Drum", Level::SomeRemaining),
        ],
        trays: vec![Tray {
            name: "Tray 1".to_owned(),
            level: Level::Unknown,
        }],
        ..Said::default()
    }
}

/// The lines hold these, in this order.
#[track_caller]
fn shows(text: &str, expected: &[&str]) {
    let mut rest = text;
    for part in expected {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part:?} is missing, or not after those before it, in\n{text}");
        };
        rest = after;
    }
}

#[test]
fn what_is_the_matter_with_a_printer_comes_first_and_says_what_to_do() {
    let answer = answer(printer(), "answered");
    shows(
        &answer.text(Language::En),
        &[
            "Make M1 — printer, 192.0.2.1",
            "✗ Paper jam → open the covers",
            "“Open·[2J door”",
            "1 day 2 h",
            "stopped",
            "15 232",
            "[██████··············]  28 %",
            "5 % space left",
            "some, it does not know how much",
            "Tray 1",
            "SNMP 2c: answered (1.2 s)",
        ],
    );
    shows(
        &answer.text(Language::Vi),
        &[
            "máy in",
            "✗ Kẹt giấy → mở các nắp",
            "Số trang đã in",
            "chỗ trống",
            "đã trả lời",
        ],
    );
    assert!(!answer.text(Language::En).contains("secret"));
}

#[test]
fn a_device_that_is_well_says_so_and_one_that_does_not_say_is_not_called_well() {
    let well = Said {
        conditions: Some(vec![]),
        ..printer()
    };
    shows(
        &answer(well, "answered").text(Language::En),
        &["✓ Nothing is the matter"],
    );
    let untold = Said {
        conditions: None,
        ..printer()
    };
    let text = answer(untold, "answered").text(Language::En);
    assert!(!text.contains('✓') && !text.contains('✗'), "{text}");
}

#[test]
fn interfaces_are_a_table_that_ends() {
    let interface = |index| Interface {
        index,
        name: format!("port{index}"),
        up: Some(index == 1),
        speed_bits_per_second: Some(1_000_000_000),
        receive_bytes_total: Some(3 << 30),
        receive_errors_total: Some(7),
        transmit_errors_total: Some(5),
        wan: index == 1,
        ..Interface::default()
    };
    let said = Said {
        kind: Some(Kind::Switch),
        interfaces: (1..=70).map(interface).collect(),
        ..Said::default()
    };
    shows(
        &answer(said, "answered").text(Language::En),
        &[
            "Link",
            "port1 (WAN)",
            "up",
            "1 Gbit/s",
            "3 GiB",
            "12",
            "port2",
            "down",
            "and 10 more",
        ],
    );
}

#[test]
fn a_ups_on_battery_is_a_matter() {
    let said = Said {
        kind: Some(Kind::Ups),
        ups: Some(Ups {
            on_battery: Some(true),
            battery_ratio: Some(0.4),
            runtime_seconds: Some(660.0),
            ..Ups::default()
        }),
        ..Said::default()
    };
    shows(
        &answer(said, "answered").text(Language::En),
        &["✗ The mains are off", "battery", "40 %", "11 min"],
    );
}

#[test]
fn a_device_that_is_silent_is_said_to_be_with_what_to_do() {
    let answer = answer(Said::default(), "timeout");
    assert!(!answer.is_answered());
    shows(
        &answer.text(Language::En),
        &["✗ 192.0.2.1 does not answer", "SNMP: nobody there (1.2 s)"],
    );
    shows(
        &answer.text(Language::Vi),
        &["✗ 192.0.2.1 không trả lời", "community"],
    );
}

#[tokio::test]
async fn a_silent_device_is_asked_by_ipp_once_and_takes_no_longer_than_was_said() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let community = || Secret("public".to_owned());
    let ways = [
        Security::V2c {
            community: community(),
        },
        Security::V1 {
            community: community(),
        },
    ];
    let ways = ways.map(|security| Snmp {
        port: silent.local_addr().unwrap().port(),
        security,
    });
    let question = Question {
        address: [127, 0, 0, 1].into(),
        kind: None,
        snmp: None,
        context: String::new(),
        ipp: Some(Ipp {
            port: hanging.local_addr().unwrap().port(),
            path: "/ipp/print".to_owned(),
        }),
    };
    let whole = Duration::from_secs(3);
    let began = Instant::now();
    let asking = both(question, &ways, budget(whole));
    let mut taken = Vec::new();
    let taking = async {
        loop {
            taken.push(hanging.accept().await.unwrap());
        }
    };
    let (asked, version) = tokio::select! {
        asked = asking => asked,
        () = taking => unreachable!("it never ends"),
    };
    assert!(began.elapsed() < whole + whole / 2, "{:?}", began.elapsed());
    let outcomes: Vec<_> = asked.attempts.iter().map(|one| one.outcome).collect();
    assert_eq!((outcomes, version), (vec!["timeout"; 2], None));
    assert_eq!(taken.len(), 1, "asked by IPP more than once");
    let mut versions = Vec::new();
    let mut datagram = [0; 512];
    while let Ok(length) = silent.try_recv(&mut datagram) {
        versions.extend(datagram.get(..length).and_then(|it| it.get(4)).copied());
    }
    versions.dedup();
    assert_eq!(versions, [1, 0], "both versions were tried");
}
