//! Each metric by hand: a few labels, a few messages, and the figure somebody can check with a pencil.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::labels::{Label, Opening};
use super::readiness::Check;
use super::said::{History, Said};
use super::score::Tally;
use super::{table, tally};

/// `start-end fault [@centre,centre] [culprit=…] [wide] [silent] [unseen] [fails=…]`
fn label(text: &str) -> Label {
    let mut words = text.split(' ');
    let (start, end) = words.next().unwrap().split_once('-').unwrap();
    let (segment, fault) = words.next().unwrap().split_once('/').unwrap();
    let mut label = Label {
        id: text.to_owned(),
        scope: vec!["a".into()],
        segment: segment.into(),
        fault: fault.into(),
        culprit: None,
        start: start.parse().unwrap(),
        end: end.parse().unwrap(),
        fails: None,
        wide: false,
        silent: false,
        seen: super::labels::Seen::Known,
    };
    for word in words {
        match word {
            "wide" => label.wide = true,
            "silent" => label.silent = true,
            "unseen" => label.seen = super::labels::Seen::Unseen,
            word if word.starts_with('@') => label.scope = scope(word),
            word => match word.split_once('=').unwrap() {
                ("culprit", name) => label.culprit = Some(name.into()),
                ("fails", at) => label.fails = Some(at.parse().unwrap()),
                other => panic!("{other:?}"),
            },
        }
    }
    label
}

fn scope(word: &str) -> Vec<String> {
    word[1..].split(',').map(str::to_owned).collect()
}

/// `at id event segment/fault [@centre,centre] [culprit=…] [or=segment/fault] [p=…]`; an `open` notifies.
fn said(text: &str) -> Said {
    let mut words = text.split(' ');
    let at: f64 = words.next().unwrap().parse().unwrap();
    let id = words.next().unwrap();
    let event = words.next().unwrap();
    let (segment, fault) = words.next().unwrap().split_once('/').unwrap();
    let mut line = serde_json::json!({
        "at": at, "event": event, "notify": event == "open", "id": id, "scope": ["a"], "segment": segment,
        "fault": fault, "since": at, "confidence": 0.95, "stage": "provisional", "alternatives": [],
    });
    for word in words {
        if word.starts_with('@') {
            line["scope"] = serde_json::json!(scope(word));
            continue;
        }
        match word.split_once('=').unwrap() {
            ("culprit", name) => line["culprit"] = name.into(),
            ("p", confidence) => line["confidence"] = confidence.parse::<f64>().unwrap().into(),
            ("or", other) => {
                let (segment, fault) = other.split_once('/').unwrap();
                line["alternatives"] =
                    serde_json::json!([{"segment": segment, "fault": fault, "p": 0.3}]);
            }
            other => panic!("{other:?}"),
        }
    }
    serde_json::from_value(line).unwrap()
}

fn judged(labels: &[&str], events: &[&str]) -> Tally {
    let labels = labels.iter().map(|text| label(text)).collect();
    let history: History = events.iter().map(|text| said(text)).collect();
    tally(labels, &history, &[], &[], 60.0)
}

/// The figure of a metric, in thousandths.
#[track_caller]
fn figure(tally: &Tally, name: &str) -> Option<f64> {
    let rows = tally.rows();
    let row = rows.iter().find(|row| row.name == name);
    let row = row.unwrap_or_else(|| panic!("there is no metric {name:?}"));
    row.value.map(|value| (value * 1000.0).round() / 1000.0)
}

#[track_caller]
fn check(labels: &[&str], events: &[&str], name: &str, expected: f64) {
    assert_eq!(
        figure(&judged(labels, events), name),
        Some(expected),
        "{name}"
    );
}

#[test]
fn a_fault_is_detected_until_a_quarter_of_an_hour_after_its_end() {
    let check = |event: &str, expected| {
        check(
            &["100-200 line/line_down"],
            &[event],
            "recall, known classes",
            expected,
        );
    };
    check("99 i open line/line_down", 0.0);
    check("100 i open line/line_down", 1.0);
    check("1100 i open line/line_down", 1.0);
    check("1101 i open line/line_down", 0.0);
    check("150 i open power/power_outage", 1.0);
    check("150 i open line/line_down @b", 0.0);
    check("150 i open line/line_down @b,a", 1.0);
    // Nobody was told.
    check("150 i update line/line_down", 0.0);
}

#[test]
fn the_worst_class_is_told_when_it_has_enough_faults() {
    let mut labels = vec!["100-200 line/line_down"; 6];
    labels.extend(["9000-9100 lan/lan_down"; 5]);
    labels.extend(["90000-90100 dns/dns_down"; 4]);
    let tally = judged(&labels, &["150 i open line/line_down"]);
    assert_eq!(figure(&tally, "recall, worst known class"), Some(0.0));
    let rows = tally.rows();
    let row = rows
        .iter()
        .find(|row| row.name == "recall, worst known class")
        .unwrap();
    assert_eq!((row.note.as_str(), row.count), ("lan_down", 5));
}

#[test]
fn the_final_segment_is_how_it_stands_a_quarter_of_an_hour_after_recovery() {
    let label = &["100-200 line/line_down silent"];
    let name = "final segment, known classes";
    check(label, &["150 i open power/power_outage"], name, 0.0);
    let revised = [
        "150 i open power/power_outage",
        "1100 i revise line/line_down",
    ];
    check(label, &revised, name, 1.0);
    let too_late = [
        "150 i open power/power_outage",
        "1101 i revise line/line_down",
    ];
    check(label, &too_late, name, 0.0);
    let taken_back = ["150 i open line/line_down", "300 i withdraw line/line_down"];
    check(label, &taken_back, name, 0.0);
    let another = [
        "150 i open power/power_outage",
        "300 i withdraw power/power_outage",
        "310 j open line/line_down",
    ];
    check(label, &another, name, 1.0);
    // Any fault of the segment will do.
    check(label, &["150 i open line/line_lossy"], name, 1.0);
}

#[test]
fn of_a_device_the_machine_has_to_be_named() {
    let label = &["100-200 device/pc_link_down culprit=pc-03"];
    let name = "first message, visible live";
    check(
        label,
        &["150 i open device/pc_link_down culprit=pc-03"],
        name,
        1.0,
    );
    check(
        label,
        &["150 i open device/pc_link_down culprit=pc-04"],
        name,
        0.0,
    );
    check(label, &["150 i open device/pc_link_down"], name, 0.0);
    check(label, &["150 i open lan/lan_down"], name, 0.0);
}

#[test]
fn what_is_silent_is_judged_by_the_two_best_of_the_first_message() {
    let label = &["100-200 power/power_outage silent"];
    let name = "silent: truth among two";
    check(
        label,
        &["150 i open line/line_down or=power/power_outage"],
        name,
        1.0,
    );
    check(label, &["150 i open power/power_outage"], name, 1.0);
    let late = [
        "150 i open line/line_down or=lan/lan_down",
        "160 i revise power/power_outage",
    ];
    check(label, &late, name, 0.0);
    assert_eq!(
        figure(&judged(label, &[]), "first message, visible live"),
        None
    );
}

#[test]
fn unseen_classes_count_only_where_it_is_said() {
    let labels = [
        "100-200 line/line_down",
        "9000-9100 lan/unknown:loop unseen",
    ];
    let events = ["150 i open line/line_down", "9010 j open unknown/unknown"];
    check(&labels, &events, "final segment, known classes", 1.0);
    check(&labels, &events, "final segment, all classes", 0.5);
    check(&labels, &events, "recall, known classes", 1.0);
    let tally = judged(&labels, &events);
    let note = &tally.rows()[1].note;
    assert!(
        note.contains("right 0.00, unknown 1.00, sure and wrong 0.00"),
        "{note}"
    );
}

#[test]
fn messages_are_counted_once_and_wide_faults_apart() {
    let labels = [
        "100-200 line/line_down",
        "9000-9900 isp/isp_down @a,b,c wide",
    ];
    let events = [
        "150 i open line/line_down",
        "9010 j open line/line_down @a",
        "9020 k open isp/isp_down @a,b,c",
        "9030 k update isp/isp_down @a,b,c",
        "9030 l open line/line_down @b",
    ];
    check(&labels, &events, "messages per fault", 2.0);
    check(&labels, &events, "messages per wide fault", 3.0);
    // The first about the wide one blamed a line, and stays.
    check(&labels, &events, "first message, visible live", 0.5);
}

#[test]
fn of_faults_at_the_same_time_a_message_belongs_to_the_one_it_fits() {
    let labels = [
        "100-900 isp/isp_down @a,b,c wide",
        "200-900 device/pc_link_down culprit=pc-1",
    ];
    let events = [
        "150 i open isp/isp_down @a,b,c",
        "250 j open device/pc_link_down culprit=pc-1",
    ];
    check(&labels, &events, "messages per fault", 1.0);
    check(&labels, &events, "final segment, known classes", 1.0);
    check(&labels, &events, "first message, visible live", 1.0);
}

#[test]
fn what_is_about_nothing_is_false() {
    // 60 centre-days are two months.
    let events = [
        "150 i open line/line_down",
        "9999 j open lan/lan_down",
        "5 k open lan/lan_down",
    ];
    check(
        &["100-200 line/line_down"],
        &events,
        "false a centre-month, faults",
        1.0,
    );
    check(&[], &events, "false a centre-month, quiet", 1.5);
    assert_eq!(
        figure(&judged(&[], &events), "false a centre-month, faults"),
        None
    );
}

#[test]
fn delays_are_told_for_hard_and_soft_faults() {
    let labels: Vec<String> = (1..=20)
        .map(|n| format!("{}-{} line/line_down", n * 10_000, n * 10_000 + 900))
        .chain(["900000-900900 line/line_lossy".to_owned()])
        .collect();
    let events: Vec<String> = (1..=20)
        .map(|n| format!("{} i{n} open line/line_down", n * 10_000 + n * 60))
        .chain(["900120 s open line/line_lossy".to_owned()])
        .collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    check(&labels, &events, "minutes, hard: median", 11.0);
    check(&labels, &events, "minutes, hard: p95", 20.0);
    check(&labels, &events, "minutes, soft: median", 2.0);
}

#[test]
fn a_degrading_line_is_told_before_it_fails() {
    let labels = [
        "1000-9000 line/line_degrading fails=5000",
        "1000-9000 line/line_degrading @b fails=5000",
    ];
    let in_time = "4100 i open line/line_degrading";
    let late = "4101 j open line/line_degrading @b";
    check(
        &labels,
        &[in_time, late],
        "degrading line: 15 min ahead",
        0.5,
    );
}

#[test]
fn readiness_is_judged_ten_minutes_before() {
    let opening = |centre: &str, truth: &str| -> Opening {
        serde_json::from_value(
            serde_json::json!({"centre": centre, "opening": 9000.0, "truth": truth}),
        )
        .unwrap()
    };
    let check = |at: f64, centre: &str, check: &str, state: &str| -> Check {
        serde_json::from_value(
            serde_json::json!({"at": at, "centre": centre, "check": check, "state": state, "reason": {}}),
        )
        .unwrap()
    };
    let openings = [
        opening("a", "bad"),
        opening("b", "bad"),
        opening("c", "good"),
        opening("d", "good"),
        opening("e", "weak"),
    ];
    let checks = [
        check(5400.0, "a", "T-60", "not_ready"),
        check(8401.0, "a", "T-10", "ready"),
        check(8401.0, "b", "T-10", "at_risk"),
        check(8401.0, "c", "T-10", "not_ready"),
        check(8401.0, "d", "T-10", "unknown"),
        // Of the day before.
        check(8401.0 - 86_400.0, "e", "T-10", "ready"),
    ];
    let tally = tally(Vec::new(), &History::default(), &openings, &checks, 0.0);
    assert_eq!(figure(&tally, "readiness: answered"), Some(0.6));
    assert_eq!(figure(&tally, "readiness: bad called ready"), Some(0.5));
    assert_eq!(figure(&tally, "readiness: good called not"), Some(0.5));
}

#[test]
fn the_table_says_what_was_confused_with_what() {
    let labels = [
        "100-200 line/line_down",
        "9000-9100 line/line_down",
        "20000-20100 lan/lan_down",
    ];
    let events = [
        "150 i open line/line_down",
        "9010 j open gateway/gateway_down",
    ];
    let tally = judged(&labels, &events);
    let text = table::confusion(&tally);
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[1], ["lan_down", "1", "0", "0", "0", "(missed)", "1"]);
    assert_eq!(
        rows[2],
        [
            "line_down",
            "2",
            "2",
            "1",
            "1",
            "gateway_down",
            "1,",
            "line_down",
            "1"
        ]
    );
    let json = table::json(&tally.rows(), None, &tally);
    assert_eq!(json["confusion"]["line_down"]["gateway_down"], 1);
    assert_eq!(json["metrics"][4]["metric"], "recall, known classes");
    let metrics = table::metrics(&tally.rows(), Some(&judged(&labels, &[]).rows()));
    let recall: Vec<&str> = metrics
        .lines()
        .find(|line| line.starts_with("recall, known"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(
        recall,
        [
            "recall,", "known", "classes", "0.667", "0.000", "3", "0.96", "0.985", "below"
        ]
    );
}
