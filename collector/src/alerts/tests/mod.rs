//! Alerts as they begin, change and end, without a network.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod answers;

use diagnosis::calendar::{Calendar, Hours};
use diagnosis::event::{Alternative, Incident, Stage};

use super::book::Changed;
use super::digest::Part;
use super::severity::Severity;
use super::*;
use crate::watch::Standing;

/// A Tuesday, 2026-11-24, 00:00 at UTC+7.
const MIDNIGHT: f64 = 1_795_453_200.0;

fn at(hour: f64) -> f64 {
    MIDNIGHT + hour * 3600.0
}

fn words(text: &str) -> Words {
    Words {
        vi: format!("{text} (vi)"),
        en: text.to_owned(),
    }
}

fn incident(id: &str, fault: &str, scope: &[&str]) -> Incident {
    let segment = fault
        .parse::<diagnosis::Fault>()
        .ok()
        .and_then(diagnosis::Fault::segment);
    Incident {
        id: id.to_owned(),
        scope: scope.iter().map(|id| (*id).to_owned()).collect(),
        segment: segment.map(|segment| segment.to_string()),
        fault: fault.to_owned(),
        culprit: Some("VNPT".to_owned()),
        since: at(8.0) - 30.0,
        until: None,
        confidence: 0.97,
        stage: Stage::Provisional,
        alternatives: Vec::new(),
        sentence: words("The line is dead."),
        action: words("Call VNPT."),
        supports: vec![words("The router answers")],
        against: Vec::new(),
        settles: None,
    }
}

fn open_of(incidents: &[Incident]) -> Open {
    let standing = |incident: &Incident| Standing {
        incident: Arc::new(incident.clone()),
        notified: true,
        revised: false,
    };
    let pairs = incidents.iter().map(|it| (it.id.clone(), standing(it)));
    pairs.collect()
}

fn centre(id: &str, isp: &str) -> Centre {
    Centre {
        id: id.to_owned(),
        name: format!("Trung tâm {id}"),
        area: "Cao Lộc".to_owned(),
        isp: isp.to_owned(),
        calendar: Calendar::default(),
    }
}

fn province() -> Vec<Centre> {
    vec![
        centre("cong-son", "VNPT"),
        centre("dong-dang", "VNPT"),
        centre("khanh-khe", "Viettel"),
    ]
}

fn links() -> alert::Links {
    alert::Links {
        page: Some("https://dw.example/x/".parse().unwrap()),
        runbooks: "https://docs.example/runbooks".to_owned(),
    }
}

/// A book, the time, and what was sent.
struct Told {
    book: Book,
    centres: Vec<Centre>,
}

/// An alert as it was sent: labels in JSON, and whether it fires.
type Sent = (serde_json::Value, bool);

impl Told {
    fn new() -> Self {
        Self {
            book: Book::default(),
            centres: province(),
        }
    }

    fn follow(&mut self, open: &Open, now: f64) -> Changed {
        self.book
            .follow(open, &Centres::of(&self.centres), &links(), now)
    }

    /// Follows, sends what is due, and has it taken.
    fn send(&mut self, open: &Open, now: f64) -> Vec<Sent> {
        self.follow(open, now);
        let due = self.book.due(now);
        let sent = due.iter().map(|key| {
            let alert = serde_json::to_value(self.book.alert(key, now).unwrap()).unwrap();
            let ends: jiff::Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
            let fires = ends.as_second() as f64 > now;
            (alert["labels"].clone(), fires)
        });
        let sent = sent.collect();
        self.book.sent(&due, true);
        sent
    }
}

fn severities(sent: &[Sent]) -> Vec<(&str, bool)> {
    let severity = |sent: &'_ Sent| sent.0["severity"].as_str().map(str::to_owned);
    let known = ["none", "info", "warning", "critical"];
    sent.iter()
        .filter_map(|it| {
            let severity = severity(it)?;
            Some((*known.iter().find(|word| **word == severity)?, it.1))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_incident_is_one_alert_that_is_sent_each_minute_and_then_over() {
    let mut told = Told::new();
    let line = open_of(&[incident("i1", "line_down", &["cong-son"])]);
    let sent = told.send(&line, at(8.0));
    let expected = serde_json::json!({
        "alertname": "LineDown", "incident": "i1", "fault": "line_down", "segment": "line", "culprit": "VNPT",
        "centre": "cong-son", "area": "Cao Lộc", "isp": "VNPT", "severity": "critical",
    });
    assert_eq!(sent, [(expected.clone(), true)]);
    assert_eq!(told.send(&line, at(8.0)), [], "nothing is due");
    tokio::time::advance(RESEND).await;
    assert_eq!(told.send(&line, at(8.0) + 60.0), [(expected.clone(), true)]);
    let nothing = Open::new();
    assert_eq!(told.send(&nothing, at(8.1)), [(expected.clone(), false)]);
    tokio::time::advance(RESEND).await;
    assert_eq!(
        told.send(&nothing, at(8.1) + 60.0),
        [(expected, false)],
        "in case it was lost"
    );
    tokio::time::advance(RESEND).await;
    assert_eq!(told.send(&nothing, at(8.5)), []);
    told.follow(&nothing, at(9.0));
    assert_eq!(told.book, Book::default(), "forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_revision_changes_texts_and_never_labels() {
    let mut told = Told::new();
    told.send(
        &open_of(&[incident("i1", "line_lossy", &["cong-son"])]),
        at(8.0),
    );
    let before = told
        .book
        .alert("i1/warning", at(8.0))
        .unwrap()
        .labels
        .clone();
    let mut revised = incident("i1", "power_outage", &["cong-son", "dong-dang"]);
    revised.culprit = None;
    revised.sentence = words("There is no power.");
    revised.since -= 900.0;
    tokio::time::advance(RESEND).await;
    let changed = told.follow(&open_of(&[revised]), at(8.1));
    assert!(!changed.labels);
    assert_eq!(told.book.due(at(8.1)), ["i1/warning"]);
    let after = told.book.alert("i1/warning", at(8.1)).unwrap();
    assert_eq!(*after.labels, before);
    assert_eq!(after.annotations["summary"], "There is no power.");
    assert_eq!(
        after.annotations["runbook_url"],
        "https://docs.example/runbooks#power_outage"
    );
    assert_eq!(
        after.annotations["page_url"],
        "https://dw.example/x/faults/i1"
    );
    assert_eq!(after.annotations["action_vi"], "Call VNPT. (vi)");
}

#[test]
fn how_loud_it_is_depends_on_the_fault_and_on_who_is_to_be_served() {
    let centres = province();
    let centres = Centres::of(&centres);
    let check = |fault: &str, hour: f64, expected: Severity| {
        let it = incident("i1", fault, &["cong-son"]);
        assert_eq!(
            centres.severity(&it, at(hour)),
            expected,
            "{fault} at {hour}"
        );
    };
    check("line_down", 8.0, Severity::Critical);
    check("line_down", 6.0, Severity::Info);
    check("line_down", 6.51, Severity::Critical);
    check("line_down", 17.01, Severity::Info);
    check("line_down", 12.0, Severity::Info);
    check("line_down", 12.6, Severity::Critical);
    check("line_down", 4.0 * 24.0 + 9.0, Severity::Info);
    check("line_lossy", 8.0, Severity::Warning);
    check("pc_link_down", 8.0, Severity::Warning);
    check("something_new", 8.0, Severity::Warning);
    check("unknown", 8.0, Severity::Warning);
    let mut silent = incident("i1", "unknown", &["cong-son"]);
    silent.alternatives.push(Alternative {
        segment: Some("power".to_owned()),
        fault: "power_outage".to_owned(),
        p: 0.5,
    });
    assert_eq!(centres.severity(&silent, at(8.0)), Severity::Critical);
    let elsewhere = incident("i1", "line_down", &["nobody-knows"]);
    assert_eq!(centres.severity(&elsewhere, at(3.0)), Severity::Critical);
    let mut always = centre("x", "");
    always.calendar = Calendar::weekly(None, 0);
    let list = [always];
    let x = incident("i1", "line_down", &["x"]);
    assert_eq!(Centres::of(&list).severity(&x, at(3.0)), Severity::Critical);
}

#[tokio::test(start_paused = true)]
async fn what_began_at_night_becomes_louder_once_before_the_doors_open() {
    let mut told = Told::new();
    let line = open_of(&[incident("i1", "line_down", &["cong-son"])]);
    assert_eq!(severities(&told.send(&line, at(3.0))), [("info", true)]);
    tokio::time::advance(RESEND).await;
    assert_eq!(severities(&told.send(&line, at(6.0))), [("info", true)]);
    tokio::time::advance(RESEND).await;
    let mut louder = told.send(&line, at(6.6));
    louder.sort_by_key(|(_, fires)| *fires);
    assert_eq!(severities(&louder), [("info", false), ("critical", true)]);
    // Not quieter after closing, nor louder for another reason.
    tokio::time::advance(RESEND).await;
    let firing: Vec<Sent> = told
        .send(&line, at(18.0))
        .into_iter()
        .filter(|sent| sent.1)
        .collect();
    assert_eq!(severities(&firing), [("critical", true)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_told_is_not() {
    let mut told = Told::new();
    let mut open = open_of(&[incident("i1", "line_down", &["cong-son"])]);
    open.get_mut("i1").unwrap().notified = false;
    assert_eq!(told.send(&open, at(8.0)), [], "nobody is to be notified");
    let mut over = incident("i2", "line_down", &["cong-son"]);
    over.until = Some(at(7.9));
    assert_eq!(
        told.send(&open_of(&[over]), at(8.0)),
        [],
        "late data brought it, and it is over"
    );
    Arc::make_mut(&mut told.centres[0].calendar.year)
        .maintenance
        .push((at(7.0), at(9.0)));
    let maintained = open_of(&[incident("i3", "line_down", &["cong-son"])]);
    assert_eq!(told.send(&maintained, at(8.0)), [], "it is being worked at");
    assert_eq!(
        told.send(&maintained, at(9.0)).len(),
        1,
        "and still broken afterwards"
    );
}

#[tokio::test(start_paused = true)]
async fn what_flaps_is_told_again_only_when_it_stays() {
    let mut told = Told::new();
    let line = open_of(&[incident("i1", "line_down", &["cong-son"])]);
    let mut back = line.clone();
    back.get_mut("i1").unwrap().notified = false;
    told.send(&line, at(8.0));
    told.send(&Open::new(), at(8.1));
    for minute in 0..5 {
        let sent = told.send(&back, at(8.2) + f64::from(minute) * 60.0);
        assert!(!sent.iter().any(|(_, fires)| *fires), "{sent:?}");
    }
    assert_eq!(
        severities(&told.send(&back, at(8.2) + 301.0)),
        [("critical", true)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_starts_again_goes_on_and_ends_what_is_over() {
    let mut told = Told::new();
    let (first, second) = (
        incident("i1", "line_lossy", &["cong-son"]),
        incident("i2", "gateway_down", &["dong-dang"]),
    );
    let before = told.send(&open_of(&[first.clone(), second]), at(8.0));
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::within(folder.path());
    kept.write(&told.book).unwrap();
    told.book = kept.read();
    // Revised meanwhile: its name stays.
    let mut revised = first;
    revised.fault = "line_down".to_owned();
    let after = told.send(&open_of(&[revised]), at(8.1));
    let of = |sent: &[Sent], id: &str| {
        sent.iter()
            .find(|it| it.0["incident"] == id)
            .cloned()
            .unwrap()
    };
    assert_eq!(of(&after, "i1"), of(&before, "i1"));
    assert_eq!(of(&after, "i2"), (of(&before, "i2").0, false));
}

#[test]
fn a_damaged_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alerts.json"), "{\"told\":").unwrap();
    assert_eq!(Kept::within(folder.path()).read(), Book::default());
    assert!(folder.path().join("alerts.damaged").exists());
}

#[test]
fn a_cause_in_several_centres_names_what_they_share() {
    let centres = province();
    let centres = Centres::of(&centres);
    let labels = |scope: &[&str]| alert::labels(&incident("i1", "isp_down", scope), &centres);
    let isp = labels(&["cong-son", "dong-dang"]);
    assert_eq!(
        (&*isp["isp"], &*isp["scope"], isp.get("centre")),
        ("VNPT", "several", None)
    );
    let all = labels(&["cong-son", "khanh-khe"]);
    assert_eq!((all.get("isp"), &*all["area"]), (None, "Cao Lộc"));
    let unknown = alert::labels(&incident("i1", "unknown", &["cong-son"]), &centres);
    assert_eq!(
        (&*unknown["alertname"], &*unknown["segment"]),
        ("DawnwatchFault", "unknown")
    );
}

#[test]
fn requests_are_bounded_and_whole() {
    let mut told = Told::new();
    let incidents: Vec<Incident> = (0..1_050)
        .map(|n| incident(&format!("i{n}"), "line_down", &["cong-son"]))
        .collect();
    told.follow(&open_of(&incidents), at(8.0));
    let due = told.book.due(at(8.0));
    let pieces = pieces(&told.book, &due, at(8.0));
    assert_eq!(pieces.len(), 11);
    let mut ids = std::collections::HashSet::new();
    for (keys, body) in &pieces {
        assert!(body.len() <= REQUEST_BYTES);
        let alerts: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
        assert_eq!(alerts.len(), keys.len());
        ids.extend(
            alerts
                .iter()
                .map(|alert| alert["labels"]["incident"].to_string()),
        );
    }
    assert_eq!(ids.len(), incidents.len());
}

#[test]
fn too_many_incidents_are_counted_and_the_first_ones_told() {
    let mut told = Told::new();
    let incidents: Vec<Incident> = (0..MOST + 7)
        .map(|n| incident(&format!("i{n}"), "line_down", &["cong-son"]))
        .collect();
    let changed = told.follow(&open_of(&incidents), at(8.0));
    assert_eq!(changed.without_room, 7);
    assert_eq!(told.book.counts().0, MOST);
}

#[test]
fn hostile_texts_are_cut_between_letters() {
    let mut it = incident("i1", "line_down", &["cong-son"]);
    it.culprit = Some("đ".repeat(5_000));
    it.sentence = words(&"ộ".repeat(5_000));
    let labels = alert::labels(&it, &Centres::default());
    assert_eq!(labels["culprit"].len(), 200);
    let texts = alert::annotations(&it, &links());
    assert!(texts.values().all(|text| text.len() <= 4_000));
}

#[test]
fn digests_are_made_before_opening_and_after_closing_on_days_that_have_them() {
    let mut centres = province();
    centres[1].calendar =
        Calendar::weekly(Some(Hours::parse("08:00-16:00", "tue").unwrap()), 7 * 3600);
    let check = |hour: f64, expected: Option<Part>| {
        let due = digest::due(&centres, at(hour)).map(|due| due.part);
        assert_eq!(due, expected, "at {hour}");
    };
    check(6.9, None);
    check(7.1, Some(Part::Opening));
    check(7.5, None);
    check(12.0, None);
    check(17.1, None);
    check(17.2, Some(Part::Closing));
    check(21.1, None);
    check(4.0 * 24.0 + 7.1, None);
    assert_eq!(digest::due(&[], at(7.1)), None);
}
