//! What a printer says, from the bytes of its answer to the words that all devices share: one answer per
//! rule, written by hand from the RFCs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod recorded;
mod wire;

use std::path::Path;

use proto::plan::Kind;

use super::super::said::{Condition, Level, Said, Status};
use super::{meaning, message};

/// Tags of RFC 8010.
const INTEGER: u8 = 0x21;
const BOOLEAN: u8 = 0x22;
const ENUM: u8 = 0x23;
const OCTETS: u8 = 0x30;
const TEXT: u8 = 0x41;
const NAME: u8 = 0x42;
const KEYWORD: u8 = 0x44;

/// An answer in the making.
struct Answer(Vec<u8>);

impl Answer {
    fn new(status: u16) -> Self {
        let [high, low] = status.to_be_bytes();
        let mut bytes = vec![2, 0, high, low, 0, 0, 0, 1, 0x01];
        message::append(&mut bytes, 0x47, "attributes-charset", "utf-8");
        message::append(&mut bytes, 0x48, "attributes-natural-language", "en");
        bytes.push(0x04);
        Self(bytes)
    }

    /// One attribute with these values.
    fn with<V: AsRef<[u8]>>(
        mut self,
        tag: u8,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            message::append(&mut self.0, tag, name, value);
        }
        self
    }

    fn numbers<const N: usize>(self, tag: u8, name: &str, values: [i32; N]) -> Self {
        self.with(tag, name, values.map(i32::to_be_bytes))
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.push(0x03);
        self.0
    }

    fn said(self) -> Said {
        said(&self.bytes())
    }
}

fn said(bytes: &[u8]) -> Said {
    let mut said = Said::default();
    meaning::tell(&message::answer(bytes).unwrap().attributes, &mut said);
    said
}

fn printer() -> Answer {
    Answer::new(0)
}

#[test]
fn a_printer_says_who_it_is() {
    let id = "MFG:Kyo;CMD:PCL;MDL:Eco 2;CLS:PRINTER;SN:AB12:3;";
    let told = printer()
        .with(TEXT, "printer-device-id", [id])
        .with(NAME, "printer-name", ["Phòng một cửa"])
        .with(TEXT, "printer-make-and-model", ["Kyo Eco 2 KX"])
        .with(TEXT, "printer-firmware-string-version", ["2.1.0", "other"])
        .said();
    assert_eq!(told.kind, Some(Kind::Printer));
    let texts = [
        told.vendor,
        told.model,
        told.serial,
        told.firmware,
        told.name,
    ];
    let expected = ["Kyo", "Kyo Eco 2 KX", "AB12:3", "2.1.0", "Phòng một cửa"];
    assert_eq!(texts.map(Option::unwrap), expected);
    let told = printer().with(TEXT, "printer-device-id", [id]).said();
    assert_eq!(told.model.as_deref(), Some("Eco 2"));
    assert_eq!(told.name, None);
}

#[test]
fn an_uptime_that_is_the_time_of_day_is_none() {
    let up = |seconds| {
        let told = printer().numbers(INTEGER, "printer-up-time", [seconds]);
        told.said().uptime_seconds
    };
    assert_eq!(up(3_632_157), Some(3_632_157.0));
    assert_eq!(up(1_627_225_831), None);
    assert_eq!(up(0), None);
    assert_eq!(up(-5), None);
}

#[test]
fn states_have_their_word() {
    let status = |state| {
        printer()
            .numbers(ENUM, "printer-state", [state])
            .said()
            .status
    };
    assert_eq!(status(3), Some(Status::Idle));
    assert_eq!(status(4), Some(Status::Printing));
    assert_eq!(status(5), Some(Status::Stopped));
    assert_eq!(status(77), Some(Status::Unknown));
    assert_eq!(printer().said().status, None);
}

#[test]
fn nothing_the_matter_is_told_from_nothing_said() {
    let reasons = |reasons: &[&str]| printer().with(KEYWORD, "printer-state-reasons", reasons);
    assert_eq!(printer().said().conditions, None);
    assert_eq!(reasons(&["none"]).said().conditions, Some(vec![]));
    let jam = reasons(&["media-jam-error", "cover-open", "media-jam"]);
    let jam = jam.numbers(ENUM, "printer-state", [5]).said();
    assert_eq!(
        jam.conditions,
        Some(vec![Condition::Jam, Condition::CoverOpen])
    );
    // A word of its own counts as the reason for being stopped.
    let own = reasons(&["vendor-word"]);
    assert_eq!(own.said().conditions, Some(vec![]));
    let own = reasons(&["vendor-word"]).numbers(ENUM, "printer-state", [5]);
    assert_eq!(own.said().conditions, Some(vec![Condition::Other]));
}

#[test]
fn levels_below_zero_are_no_numbers() {
    let told = printer()
        .numbers(INTEGER, "marker-levels", [40, 0, -1, -2, -3, -9])
        .said();
    let levels: Vec<_> = told.supplies.iter().map(|supply| supply.level).collect();
    let expected = [
        Level::Measured(0.4),
        Level::Measured(0.0),
        Level::Unlimited,
        Level::Unknown,
        Level::SomeRemaining,
        Level::Unknown,
    ];
    assert_eq!(levels, expected);
    assert_eq!(told.problems, [""; 0]);
}

#[test]
fn a_level_above_its_maximum_is_full_and_noted() {
    let told = printer().numbers(INTEGER, "marker-levels", [140]).said();
    assert_eq!(told.supplies[0].level, Level::Measured(1.0));
    assert_eq!(told.problems.len(), 1, "{:?}", told.problems);
}

#[test]
fn markers_have_types_and_colours_of_the_printer_mib() {
    let told = printer()
        .with(NAME, "marker-names", ["Tri-colour", "Waste", "", "Cyan"])
        .with(
            KEYWORD,
            "marker-types",
            ["ink-cartridge", "waste-toner", "toner", "opc"],
        )
        .with(
            NAME,
            "marker-colors",
            ["#00FFFF#FF00FF#FFFF00", "none", "#000000", "none"],
        )
        .numbers(INTEGER, "marker-levels", [50, 90, 10, 5])
        .said();
    let words = |index: usize| {
        let supply = &told.supplies[index];
        [&supply.description, &supply.kind, &supply.colour].map(String::as_str)
    };
    assert_eq!(words(0), ["Tri-colour", "inkCartridge", ""]);
    assert_eq!(words(1), ["Waste", "wasteToner", ""]);
    assert_eq!(words(2), ["black toner", "toner", "black"]);
    assert_eq!(words(3), ["Cyan", "opc", "cyan"]);
    let receptacles: Vec<_> = told
        .supplies
        .iter()
        .map(|supply| supply.receptacle)
        .collect();
    assert_eq!(receptacles, [false, true, false, false]);
}

#[test]
fn lists_of_different_lengths_lose_nothing() {
    let told = printer()
        .with(NAME, "marker-names", ["Black"])
        .with(KEYWORD, "marker-types", ["toner", "toner", "toner", "opc"])
        .numbers(INTEGER, "marker-levels", [50, 60])
        .said();
    assert_eq!(told.supplies.len(), 2);
    assert_eq!(told.supplies[1].description, "toner");
}

#[test]
fn supplies_are_told_where_markers_are_not() {
    let told = printer()
        .with(
            OCTETS,
            "printer-supply",
            [
                "index=1;class=receptacleThatIsFilled;type=other;unit=percent;maxcapacity=100;level=25;colorantname=unknown;",
                "index=2;class=supplyThatIsConsumed;type=toner;maxcapacity=-2;level=10;colorantname=black;",
                "index=3;type=toner;maxcapacity=-2;level=-3;colorantname=cyan;",
            ],
        )
        .with(TEXT, "printer-supply-description", ["Waste box", "Black toner"])
        .said();
    let [waste, black, cyan] = told.supplies.as_slice() else {
        panic!("{:?}", told.supplies);
    };
    assert!(waste.receptacle);
    assert_eq!(
        (waste.description.as_str(), waste.colour.as_str()),
        ("Waste box", "")
    );
    assert_eq!(waste.level, Level::Measured(0.25));
    assert_eq!(black.level, Level::Unknown, "a level without a maximum");
    assert_eq!(cyan.level, Level::SomeRemaining);
    assert_eq!(cyan.description, "cyan toner");
}

#[test]
fn two_lists_of_the_same_supplies_complete_each_other() {
    let told = printer()
        .with(NAME, "marker-names", ["K", "Box"])
        .with(KEYWORD, "marker-types", ["toner", "unknown"])
        .numbers(INTEGER, "marker-levels", [30, -2])
        .with(
            OCTETS,
            "printer-supply",
            [
                "type=toner;maxcapacity=200;level=80;colorantname=black",
                "type=wasteToner;class=receptacleThatIsFilled;maxcapacity=200;level=50",
            ],
        )
        .said();
    assert_eq!(told.supplies.len(), 2);
    assert_eq!(told.supplies[0].level, Level::Measured(0.3));
    assert_eq!(told.supplies[0].colour, "black");
    assert!(told.supplies[1].receptacle);
    assert_eq!(told.supplies[1].kind, "wasteToner");
    assert_eq!(told.supplies[1].level, Level::Measured(0.25));
}

#[test]
fn a_receptacle_that_is_full_and_has_space_is_not_believed() {
    let told = |level, reason: &str| {
        let told = printer()
            .with(KEYWORD, "marker-types", ["waste-toner"])
            .numbers(INTEGER, "marker-levels", [level])
            .with(KEYWORD, "printer-state-reasons", [reason]);
        told.said().supplies[0].level
    };
    assert_eq!(told(95, "marker-waste-almost-full-report"), Level::Unknown);
    assert_eq!(told(5, "marker-waste-almost-full"), Level::Measured(0.05));
    assert_eq!(told(95, "none"), Level::Measured(0.95));
}

#[test]
fn trays_are_those_of_the_printer_mib() {
    let told = printer()
        .with(
            OCTETS,
            "printer-input-tray",
            [
                "type=sheetFeedAutoRemovableTray;maxcapacity=250;level=100;status=0;name=Khay 1;index=1;",
                "type=sheetFeedManual;maxcapacity=1;level=-2;status=11;name=Manual",
                "type=other;maxcapacity=-2;level=-3;status=5",
                "type=other;maxcapacity=100;level=0;name=Empty",
            ],
        )
        .said();
    let trays: Vec<_> = told
        .trays
        .iter()
        .map(|tray| (tray.name.as_str(), tray.level))
        .collect();
    let expected = [
        ("Khay 1", Level::Measured(0.4)),
        ("Manual", Level::Unknown),
        ("other", Level::SomeRemaining),
        ("Empty", Level::Measured(0.0)),
    ];
    assert_eq!(trays, expected);
}

#[test]
fn people_are_shown_what_alerts_and_none_of_the_chatter() {
    let told = printer()
        .with(TEXT, "printer-state-message", ["Paper jam."])
        .with(
            OCTETS,
            "printer-alert",
            [
                "code=jam;severity=critical",
                "code=unknown;severity=other",
                "code=x;severity=warningUnaryChangeEvent",
            ],
        )
        .with(
            TEXT,
            "printer-alert-description",
            [
                "printer-alert-description[0] = 'Open the rear door'",
                "inPowerSave",
                "Paper jam.",
            ],
        )
        .with(BOOLEAN, "printer-is-accepting-jobs", [[0]])
        .said();
    assert_eq!(
        told.messages,
        ["Paper jam.", "does not take jobs", "Open the rear door"]
    );
}

#[test]
fn pages_and_jobs_are_counted_where_they_are_told() {
    let told = printer()
        .numbers(INTEGER, "printer-pages-completed", [7])
        .numbers(INTEGER, "queued-job-count", [2])
        .said();
    assert_eq!((told.pages_total, told.queued_jobs), (Some(7), Some(2)));
    let told = printer()
        .numbers(INTEGER, "printer-impressions-completed", [12])
        .numbers(INTEGER, "printer-pages-completed", [7])
        .numbers(INTEGER, "queued-job-count", [-2]);
    let told = told.said();
    assert_eq!((told.pages_total, told.queued_jobs), (Some(12), None));
}

/// What the fuzzer began with, and what it found.
#[test]
fn the_corpus_of_the_fuzzer_and_every_damage_to_it_is_read_without_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/ipp");
    let mut answers = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for place in 0..bytes.len() {
            for damage in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] ^= damage;
                if let Ok(reply) = message::answer(&damaged) {
                    meaning::tell(&reply.attributes, &mut Said::default());
                    answers += 1;
                }
            }
        }
    }
    assert!(answers > 1_000, "only {answers} were read at all");
}
