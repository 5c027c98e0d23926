//! Readings of captures of our own, one for each rule and quirk, in `tests/captures/printer`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod recordings;

use std::fmt::Write as _;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::super::said::{Condition, Level, Status};
use super::super::snmp::recorded::{Recorded, capture};
use super::super::snmp::{Walked, oid};
use super::*;

async fn said(mut session: impl Session) -> Said {
    let mut said = Said::default();
    assert_eq!(read(&mut session, &mut said).await, Ok(()));
    said
}

fn names(said: &Said) -> Vec<&str> {
    let supplies = said.supplies.iter();
    supplies.map(|supply| &*supply.description).collect()
}

/// Counts requests as SNMPv2c needs them, and stops answering after so many.
struct Counting {
    inner: Recorded,
    requests: usize,
    most: usize,
}

impl Counting {
    const REPETITIONS: usize = 20;

    fn new(inner: Recorded, most: usize) -> Self {
        Self {
            inner,
            requests: 0,
            most,
        }
    }

    fn is_gone(&mut self, requests: usize) -> bool {
        self.requests += requests;
        self.requests > self.most
    }
}

impl Session for Counting {
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>> {
        if self.is_gone(1) {
            return async { Err(Trouble::Timeout) }.boxed();
        }
        self.inner.get(oids)
    }

    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked> {
        async move {
            let walked = self.inner.walk(column, most).await;
            if self.is_gone(walked.rows.len() / Self::REPETITIONS + 1) {
                return Walked {
                    rows: Vec::new(),
                    trouble: Some(Trouble::Timeout),
                };
            }
            walked
        }
        .boxed()
    }

    fn in_context(&mut self, context: &str) {
        self.inner.in_context(context);
    }
}

#[tokio::test]
async fn a_printer_that_says_everything_is_told_in_full() {
    let said = said(capture("printer/healthy")).await;
    let expected = serde_json::json!({
        "kind": "printer",
        "model": "Plain Laser 100",
        "serial": "PL100-0001",
        "name": "Printer of desk 4",
        "status": "idle",
        "conditions": [],
        "pages_total": 4711,
        "supplies": [
            {"description": "Cartridge 100X", "type": "tonerCartridge", "colour": "black",
             "receptacle": false, "ratio": 0.5, "state": "measured"},
            {"description": "Waste box", "type": "wasteToner", "colour": "",
             "receptacle": true, "ratio": 0.05, "state": "measured"},
        ],
        "trays": [
            {"name": "Tray 1", "ratio": 0.8, "state": "measured"},
            {"name": "Manual feed", "ratio": null, "state": "some_remaining"},
        ],
        "messages": ["Ready"],
    });
    assert_eq!(serde_json::to_value(said).unwrap(), expected);
}

#[tokio::test]
async fn an_idle_printer_takes_fewer_than_30_requests() {
    let mut session = Counting::new(capture("printer/healthy"), usize::MAX);
    read(&mut session, &mut Said::default()).await.unwrap();
    assert!(session.requests < 30, "{}", session.requests);
    assert_eq!(session.requests, 19);
    let mut session = Counting::new(capture("printer/in_trouble"), usize::MAX);
    read(&mut session, &mut Said::default()).await.unwrap();
    assert!(session.requests < 30, "{}", session.requests);
}

#[tokio::test]
async fn a_device_that_is_no_printer_is_left_alone_after_few_requests() {
    let router = "1.3.6.1.2.1.2.2.1.10.1|65|5\n1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.3\n";
    let mut session = Counting::new(Recorded::parse(router), 20);
    let mut said = Said::default();
    assert_eq!(read(&mut session, &mut said).await, Ok(()));
    assert_eq!(said, Said::default());
}

#[tokio::test]
async fn a_level_that_is_no_number_says_why() {
    let said = said(capture("printer/sentinels")).await;
    let levels: Vec<Level> = said.supplies.iter().map(|supply| supply.level).collect();
    let expected = [
        Level::Unlimited,
        Level::Unknown,
        Level::SomeRemaining,
        Level::Unknown,
        Level::Unknown,
        Level::Unknown,
        Level::SomeRemaining,
        Level::SomeRemaining,
        Level::Measured(0.25),
    ];
    assert_eq!(levels, expected);
    let levels: Vec<Level> = said.trays.iter().map(|tray| tray.level).collect();
    let expected = [Level::Unknown, Level::Unlimited, Level::SomeRemaining];
    assert_eq!(levels, expected);
    assert_eq!(said.problems, [] as [&str; 0]);
}

#[tokio::test]
async fn a_receptacle_is_known_by_class_or_type() {
    let said = said(capture("printer/receptacles")).await;
    let told: Vec<_> = said
        .supplies
        .iter()
        .map(|supply| (&*supply.kind, supply.receptacle))
        .collect();
    let expected = [
        ("other", true),
        ("wasteToner", true),
        ("wasteInk", true),
        ("wasteWax", true),
        ("wasteWater", true),
        ("toner", false),
        ("opc", false),
    ];
    assert_eq!(told, expected);
    assert_eq!(said.supplies[1].level, Level::Measured(0.05));
}

#[tokio::test]
async fn names_are_those_of_the_printer_and_never_empty() {
    let said = said(capture("printer/names")).await;
    let expected = [
        "Black Toner",
        "Black Toner",
        "黑色碳粉",
        "Mực vàng",
        "Cyan Toner",
        "Jaune \u{fffd}clat",
        "Drum",
        "supply 10",
        "supply 11",
    ];
    let colours: Vec<&str> = said.supplies.iter().map(|supply| &*supply.colour).collect();
    assert_eq!(colours[2..5], ["black", "yellow", "cyan"]);
    assert_eq!(names(&said), expected);
    let trays: Vec<&str> = said.trays.iter().map(|tray| &*tray.name).collect();
    assert_eq!(trays, ["MP TRAY", "Lower cassette", "tray 7"]);
}

#[tokio::test]
async fn a_colour_is_the_colorants_before_the_descriptions() {
    let said = said(capture("printer/colorants")).await;
    let colours: Vec<&str> = said.supplies.iter().map(|supply| &*supply.colour).collect();
    assert_eq!(colours, ["cyan", "black", "yellow", "magenta", ""]);
}

#[tokio::test]
async fn states_of_another_device_are_not_the_printers() {
    let said = said(capture("printer/no_printer_row")).await;
    assert_eq!((said.status, said.conditions.as_ref()), (None, None));
    assert_eq!(said.model, None);
    assert_eq!(said.serial.as_deref(), Some("NR-77"));
    assert_eq!(said.supplies[0].level, Level::Measured(0.61));
}

#[tokio::test]
async fn a_printer_at_another_index_is_found_by_its_type() {
    let said = said(capture("printer/printer_at_3")).await;
    assert_eq!(said.status, Some(Status::Stopped));
    assert_eq!(said.conditions, None);
    assert_eq!(said.model.as_deref(), Some("Third Laser"));
    assert_eq!(said.serial.as_deref(), Some("T3-9"));
    assert_eq!(said.pages_total, Some(12));
}

#[tokio::test]
async fn a_computer_with_queues_is_no_printer() {
    assert_eq!(said(capture("printer/queues")).await, Said::default());
}

#[tokio::test]
async fn supplies_are_looked_for_in_the_context_of_the_vendor() {
    let other = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/captures/printer/jetdirect@Jetdirect.snmprec"
    ));
    let with = capture("printer/jetdirect").with_context("Jetdirect", other);
    let told = said(with).await;
    assert_eq!(names(&told), ["Print Cartridge"]);
    assert_eq!(told.supplies[0].colour, "black");
    assert_eq!(told.supplies[0].level, Level::Measured(0.61));
    // The usual context is asked again afterwards.
    assert_eq!(told.pages_total, Some(8123));
    assert_eq!(told.kind, Some(Kind::Printer));
    // A card without it does not answer there, which is no trouble.
    assert_eq!(said(capture("printer/jetdirect")).await.supplies, []);
}

#[tokio::test]
async fn what_is_the_matter_is_told_once_and_by_who_knows() {
    let said = said(capture("printer/in_trouble")).await;
    assert_eq!(said.status, Some(Status::Stopped));
    let expected = vec![Condition::Jam, Condition::WasteNearlyFull];
    assert_eq!(said.conditions, Some(expected));
    let expected = [
        "Jam inside",
        "Waste box nearly full",
        "Tray 2 missing",
        "Open the rear cover",
    ];
    assert_eq!(said.messages, expected);
}

#[tokio::test]
async fn an_open_cover_is_seen_without_bits() {
    let said = said(capture("printer/open_cover")).await;
    assert_eq!(said.status, Some(Status::Stopped));
    assert_eq!(said.conditions, Some(vec![Condition::CoverOpen]));
}

#[tokio::test]
async fn pages_are_those_of_the_first_marker_that_counts_pages() {
    assert_eq!(
        said(capture("printer/markers")).await.pages_total,
        Some(5000)
    );
}

#[tokio::test]
async fn what_cannot_be_is_absent_or_told_as_a_problem() {
    let said = said(capture("printer/impossible")).await;
    assert_eq!((said.status, said.conditions.as_ref()), (None, None));
    assert_eq!(said.pages_total, None);
    assert_eq!(names(&said), ["Black Toner", "supply 2", "Drum"]);
    let levels: Vec<Level> = said.supplies.iter().map(|supply| supply.level).collect();
    let expected = [Level::Measured(1.0), Level::Unknown, Level::Unknown];
    assert_eq!(levels, expected);
    let kinds: Vec<&str> = said.supplies.iter().map(|supply| &*supply.kind).collect();
    assert_eq!(kinds, ["toner", "", ""]);
    let expected = [
        "Black Toner: its level of 120 is beyond its maximum of 100",
        "tray 1: its level of 101 is beyond its maximum of 100",
    ];
    assert_eq!(said.problems, expected);
}

#[tokio::test]
async fn a_brother_says_how_much_toner_is_left_in_its_own_way() {
    let said = said(capture("printer/brother")).await;
    assert_eq!(said.supplies[0].level, Level::Measured(0.64));
    assert_eq!(said.supplies[1].level, Level::Measured(0.5));
}

#[tokio::test]
async fn tables_without_an_end_are_cut_and_that_is_told() {
    let mut text = String::new();
    for row in 1..=10_000 {
        writeln!(text, "1.3.6.1.2.1.43.11.1.1.6.1.{row}|4|Toner {row}").unwrap();
        writeln!(text, "1.3.6.1.2.1.43.11.1.1.8.1.{row}|2|100").unwrap();
        writeln!(text, "1.3.6.1.2.1.43.11.1.1.9.1.{row}|2|101").unwrap();
        writeln!(text, "1.3.6.1.2.1.43.8.2.1.10.1.{row}|2|1").unwrap();
        writeln!(text, "1.3.6.1.2.1.43.16.5.1.2.1.{row}|4|Line {row}").unwrap();
    }
    let mut session = Counting::new(Recorded::parse(&text), usize::MAX);
    let mut said = Said::default();
    assert_eq!(read(&mut session, &mut said).await, Ok(()));
    assert_eq!((said.supplies.len(), said.trays.len()), (SUPPLIES, TRAYS));
    assert_eq!(said.supplies[127].level, Level::Measured(1.0));
    assert_eq!(said.messages.len(), MESSAGES);
    assert_eq!(said.problems.len(), PROBLEMS);
    assert_eq!(
        said.problems[0],
        "supplies: a table of it is longer than is read"
    );
    assert!(session.requests < 60, "{}", session.requests);
}

#[tokio::test]
async fn an_error_in_one_table_leaves_the_others() {
    let failing = capture("printer/healthy").failing(oid!("1.3.6.1.2.1.43.11.1.1.9"));
    let said = said(failing).await;
    let levels: Vec<Level> = said.supplies.iter().map(|supply| supply.level).collect();
    assert_eq!(levels, [Level::Unknown, Level::Unknown]);
    assert_eq!(said.pages_total, Some(4711));
    assert_eq!(
        said.problems,
        ["supplies: it answers with the error genErr"]
    );
}

#[tokio::test]
async fn a_printer_that_stops_answering_has_said_what_it_has_said() {
    // The trays stop in the midst, and half of them would have wrong names.
    let mut session = Counting::new(capture("printer/healthy"), 12);
    let mut told = Said::default();
    assert_eq!(read(&mut session, &mut told).await, Err(Trouble::Timeout));
    assert_eq!(told.status, Some(Status::Idle));
    assert_eq!(told.conditions, Some(vec![]));
    assert_eq!(names(&told), ["Cartridge 100X", "Waste box"]);
    assert_eq!((told.trays.len(), told.pages_total), (0, None));
    assert_eq!(session.requests, 13);
    for most in 0..19 {
        let mut told = Said::default();
        let mut session = Counting::new(capture("printer/healthy"), most);
        assert_eq!(read(&mut session, &mut told).await, Err(Trouble::Timeout));
        let whole = said(capture("printer/healthy")).await;
        assert!(told.supplies.is_empty() || told.supplies == whole.supplies);
        assert!(told.trays.is_empty() || told.trays == whole.trays);
        assert!(told.status.is_none() || told.status == whole.status);
    }
}

#[tokio::test]
async fn a_printer_that_never_answers_says_nothing() {
    let mut session = Counting::new(capture("printer/healthy"), 0);
    let mut said = Said::default();
    assert_eq!(read(&mut session, &mut said).await, Err(Trouble::Timeout));
    assert_eq!((said, session.requests), (Said::default(), 1));
}

#[tokio::test]
async fn version_1_reads_the_same() {
    assert_eq!(
        said(capture("printer/healthy").v1()).await,
        said(capture("printer/healthy")).await
    );
}

#[tokio::test]
async fn a_jam_behind_many_alerts_that_are_over_is_told() {
    let mut rows = String::from(
        "1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5\n\
         1.3.6.1.2.1.25.3.2.1.5.1|2|5\n\
         1.3.6.1.2.1.25.3.5.1.1.1|2|1\n\
         1.3.6.1.2.1.25.3.5.1.2.1|4x|00\n\
         1.3.6.1.2.1.43.10.2.1.4.1.1|65|7\n",
    );
    // Events in between (5) are none to look at.
    let over = (1..=60).map(|index| (index, if index > 20 { 5 } else { 1 }, 8, 808, "old"));
    for (index, severity, group, code, text) in over.chain([(61, 3, 13, 8, "Jam")]) {
        for (column, value) in [
            (2, format!("2|{severity}")),
            (4, format!("2|{group}")),
            (7, format!("2|{code}")),
            (8, format!("4|{text} {index}")),
        ] {
            writeln!(rows, "1.3.6.1.2.1.43.18.1.1.{column}.1.{index}|{value}").unwrap();
        }
    }
    let said = said(Recorded::parse(&rows)).await;
    assert_eq!(said.conditions, Some(vec![Condition::Jam]));
    assert!(
        said.messages.contains(&"Jam 61".to_owned()),
        "{:?}",
        said.messages
    );
    assert!(!said.messages.contains(&"old 21".to_owned()));
}

#[tokio::test]
async fn a_printer_has_the_serial_number_that_a_look_found() {
    // Brother's own place, and another number in the Printer-MIB.
    let mut session = Recorded::parse(
        "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.2435.2.3.9.1\n\
         1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0|4|OWN1\n\
         1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5\n\
         1.3.6.1.2.1.25.3.5.1.1.1|2|3\n\
         1.3.6.1.2.1.43.5.1.1.17.1|4|MIB2\n\
         1.3.6.1.2.1.43.10.2.1.4.1.1|65|7\n",
    );
    let mut said = Said::default();
    super::super::system::read(&mut session, &mut said)
        .await
        .unwrap();
    let found = said.serial.clone();
    assert_eq!(found.as_deref(), Some("OWN1"));
    read(&mut session, &mut said).await.unwrap();
    assert_eq!((said.pages_total, said.serial), (Some(7), found));
}
