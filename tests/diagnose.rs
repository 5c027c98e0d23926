//! `dawnwatch diagnose` and `dawnwatch evaluate` as their users run them: evidence in, incidents out; and how good they are
//! where the truth is known.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Monday 2026-07-20, 07:00 at UTC+7.
const START: u32 = 1_784_505_600;

const CENTRES: &str = "\
id,name,area,isp,latitude,longitude,hours,days,notes
cong-son,Công Sơn,Cao Lộc,VNPT,,,07:30-11:30 13:30-17:00,mon-fri,
binh-gia,Bình Gia,Bình Gia,Viettel,,,07:30-11:30 13:30-17:00,mon-fri,
";

/// One minute of one PC, which could reach what is behind its line or not.
fn report(minute: u32, arrived: u32, centre: &str, agent: &str, line_works: bool) -> Value {
    let t = START + minute * 60;
    let behind = if line_works { 10 } else { 0 };
    let round = |segment: &str, target: &str, received: u32, rtt: f64| {
        let mut round =
            json!({"segment": segment, "target": target, "sent": 10, "received": received});
        if received > 0 {
            round["rtt_ms"] = rtt.into();
        }
        round
    };
    let mut hop = round("hop", &format!("10.9.{}.1", centre.len()), behind, 8.0);
    hop["hop"] = 1.into();
    let outcome = if line_works { "answered" } else { "timeout" };
    json!({
        "t": t, "arrived": START + arrived * 60 + 2, "centre": centre, "agent": agent,
        "links": [
            round("lan", if agent == "pc-01" { "pc-02" } else { "pc-01" }, 10, 0.4), round("gateway", "192.168.1.1", 10, 0.8),
            hop, round("collector", "10.0.0.1", behind, 14.0), round("anchor", "1.1.1.1", behind, 20.0),
        ],
        "dns": [{"resolver": "isp", "outcome": outcome}, {"resolver": "public", "outcome": outcome}],
        "services": [{"service": "portal", "outcome": if line_works { "answered" } else { "dns_failed" }, "attempts": 1, "failed": u32::from(!line_works)}],
        "nic": {"up": true, "medium": "wired", "speed_mbps": 1000, "full_duplex": true, "errors": 0},
        "host": {"cpu": 0.2, "active_user": true, "on_battery": false, "clock_offset_s": 0.1},
    })
}

/// Two hours of two centres; the line of one is dead from 08:10 to 08:30, and what was measured meanwhile comes after.
fn evidence() -> String {
    let mut lines = Vec::new();
    for minute in 0..120 {
        for agent in ["pc-01", "pc-02", "pc-03"] {
            lines.push(report(minute, minute, "binh-gia", agent, true));
            let works = !(70..90).contains(&minute);
            let arrived = if works { minute } else { 90 };
            lines.push(report(minute, arrived, "cong-son", agent, works));
        }
    }
    for (centre, agent) in [
        ("binh-gia", "pc-01"),
        ("binh-gia", "pc-02"),
        ("binh-gia", "pc-03"),
        ("cong-son", "pc-01"),
        ("cong-son", "pc-02"),
        ("cong-son", "pc-03"),
    ] {
        let t = START + 7200;
        lines.push(json!({"t": t, "arrived": t + 3, "centre": centre, "agent": agent, "goodbye": "shutdown"}));
    }
    lines.push(json!({"arrived": START + 4 * 3600}));
    lines.sort_by_key(|line| line["arrived"].as_u64());
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Runs it over what stands on standard input.
fn diagnose(evidence: &str, options: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let centres = folder.path().join("centres.csv");
    std::fs::write(&centres, CENTRES).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_dawnwatch"))
        .args(["diagnose", "--centres"])
        .arg(&centres)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let evidence = evidence.to_owned();
    let writer = std::thread::spawn(move || input.write_all(evidence.as_bytes()));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_dead_line_is_one_message_and_finally_a_dead_line() {
    let output = diagnose(&evidence(), &["--evidence", "-"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let events = lines(&output);
    let told: Vec<&Value> = events
        .iter()
        .filter(|event| event["notify"] == true)
        .collect();
    assert_eq!(told.len(), 1, "{events:#?}");
    assert_eq!(told[0]["event"], "open");
    assert_eq!(told[0]["scope"], json!(["cong-son"]));
    let minutes = (told[0]["at"].as_f64().unwrap() - f64::from(START)) / 60.0;
    assert!((70.0..76.0).contains(&minutes), "told in minute {minutes}");
    let last = events
        .iter()
        .rfind(|event| event["id"] == told[0]["id"])
        .unwrap();
    assert_eq!(
        (&last["segment"], &last["fault"]),
        (&json!("line"), &json!("line_down"))
    );
    let end = (last["until"].as_f64().unwrap() - f64::from(START)) / 60.0;
    assert!((88.0..92.0).contains(&end), "over in minute {end}");
    for key in [
        "at",
        "since",
        "confidence",
        "stage",
        "alternatives",
        "sentence",
        "for",
        "against",
    ] {
        assert!(last.get(key).is_some(), "{key} in {last}");
    }
    assert!(last["sentence"]["vi"].is_string() && last["sentence"]["en"].is_string());
    let again = diagnose(&evidence(), &[]);
    assert_eq!(
        again.stdout, output.stdout,
        "the same evidence, the same words"
    );
}

#[test]
fn each_opening_is_checked_four_times() {
    let output = diagnose(&evidence(), &["--readiness"]);
    let checks: Vec<Value> = lines(&output)
        .into_iter()
        .filter(|line| line.get("check").is_some())
        .collect();
    // The evidence begins half an hour before the doors open: the first check is past.
    for centre in ["cong-son", "binh-gia"] {
        let of_centre = checks.iter().filter(|check| check["centre"] == centre);
        let said: Vec<&str> = of_centre
            .map(|check| check["check"].as_str().unwrap())
            .collect();
        assert!(said.ends_with(&["T-10", "T-0"]), "{centre}: {said:?}");
    }
    let ready = checks.iter().find(|check| check["check"] == "T-0").unwrap();
    assert_eq!(ready["state"], "ready", "{ready}");
    let without = diagnose(&evidence(), &[]);
    assert!(
        lines(&without)
            .iter()
            .all(|line| line.get("check").is_none())
    );
}

#[test]
fn bad_lines_are_told_and_the_rest_is_diagnosed() {
    let evidence = evidence();
    let middle = evidence.find('\n').unwrap() + 1;
    let broken = format!(
        "{}{{\"t\":}}\n{{\"arrived\":{},\"t\":{},\"centre\":\"nowhere\",\"agent\":\"x\",\"goodbye\":\"sleep\"}}\n{}",
        &evidence[..middle],
        START + 3,
        START,
        &evidence[middle..]
    );
    let output = diagnose(&broken, &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("standard input:2: "), "{error}");
    assert!(error.contains("there is no centre \"nowhere\""), "{error}");
    assert_eq!(output.stdout, diagnose(&evidence, &[]).stdout);
}

#[test]
fn what_cannot_be_read_is_named() {
    let output = diagnose("", &["--evidence", "/nowhere/evidence.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("cannot read the evidence /nowhere/evidence.jsonl"),
        "{error}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_dawnwatch"))
        .args(["diagnose", "--centres", "/nowhere/centres.csv"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
}

/// What was recorded and what really happened, as a simulation writes it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("centres.csv", CENTRES);
    write("evidence.jsonl", &evidence());
    let label = json!({
        "id": "1", "scope": ["cong-son"], "segment": "line", "fault": "line_down", "culprit": "VNPT", "start": START + 69 * 60 + 10,
        "end": START + 89 * 60 + 30, "wide": false, "silent": true, "seen": "known", "severity": 1.0,
    });
    write("labels.jsonl", &format!("{label}\n"));
    let opening =
        |centre: &str| json!({"centre": centre, "opening": START + 1800, "truth": "good"});
    write(
        "openings.jsonl",
        &format!("{}\n{}\n", opening("cong-son"), opening("binh-gia")),
    );
    folder
}

fn evaluated(options: &[&str]) -> Value {
    let folder = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_dawnwatch"))
        .args(["evaluate", "--json", "--replay"])
        .arg(folder.path())
        .args(options)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn figure(said: &Value, metric: &str) -> Value {
    let metrics = said.as_array().unwrap();
    let found = metrics.iter().find(|row| row["metric"] == metric);
    found.unwrap_or_else(|| panic!("no {metric} in {said}"))["value"].clone()
}

#[test]
fn a_recorded_province_is_judged_in_any_order_of_arrival() {
    let found = evaluated(&["--orders", "3"]);
    for (metric, expected) in [
        ("recall, known classes", 1.0),
        ("final segment, known classes", 1.0),
        ("silent: truth among two", 1.0),
        ("messages per fault", 1.0),
        ("false a centre-month, faults", 0.0),
        ("readiness: answered", 1.0),
        ("readiness: good called not", 0.0),
        ("same verdicts in any order", 1.0),
    ] {
        assert_eq!(figure(&found["metrics"], metric), expected, "{metric}");
    }
    assert_eq!(found["confusion"]["line_down"]["line_down"], 1);
}

#[test]
fn rules_stand_beside_the_engine() {
    if Command::new("prometheus")
        .arg("--version")
        .output()
        .is_err()
    {
        assert!(
            std::env::var_os("CI").is_none(),
            "prometheus is not installed"
        );
        return;
    }
    let found = evaluated(&["--rules"]);
    assert_eq!(figure(&found["rules"], "recall, known classes"), 1.0);
}
