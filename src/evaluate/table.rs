//! The figures for people, and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::judge::Judged;
use super::score::{Row, Tally, by_class};

/// The metrics as a table, with those of the rules beside where they were evaluated.
pub(crate) fn metrics(rows: &[Row], rules: Option<&[Row]>) -> String {
    let mut text = format!(
        "{:<32} {:>7} {:>7} {:>6} {:>6} {:>6}  {:<5}  {}\n",
        "metric", "engine", "rules", "n", "must", "aim", "at", "note"
    );
    for row in rows {
        let same = |other: &&Row| other.name == row.name;
        let rule = rules
            .and_then(|rules| rules.iter().find(same))
            .and_then(|rule| rule.value);
        let _ = writeln!(
            text,
            "{:<32} {:>7} {:>7} {:>6} {:>6} {:>6}  {:<5}  {}",
            row.name,
            figure(row.value),
            figure(rule),
            row.count,
            row.must,
            row.aim,
            row.reached(),
            row.note
        );
    }
    text
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// Of each fault how often it was found, placed, and what else it was called in the end.
pub(crate) fn confusion(tally: &Tally) -> String {
    let all: Vec<&Judged> = tally.faults.iter().collect();
    let mut classes: Vec<_> = by_class(&all).into_iter().collect();
    let right = |faults: &[&Judged]| {
        faults
            .iter()
            .filter(|fault| fault.is_finally_right())
            .count()
    };
    classes.sort_by(|(_, a), (_, b)| (right(a) * b.len()).cmp(&(right(b) * a.len())));
    let mut text = format!(
        "{:<28} {:>4} {:>6} {:>6} {:>6}  {}\n",
        "what it was, worst first", "n", "found", "first", "final", "what was said in the end"
    );
    for (class, faults) in classes {
        let count = |is: &dyn Fn(&Judged) -> bool| faults.iter().filter(|fault| is(fault)).count();
        let said: Vec<String> = said(&faults)
            .into_iter()
            .map(|(said, times)| format!("{said} {times}"))
            .collect();
        let _ = writeln!(
            text,
            "{class:<28} {:>4} {:>6} {:>6} {:>6}  {}",
            faults.len(),
            count(&|fault| fault.detected.is_some()),
            count(&Judged::is_first_right),
            count(&Judged::is_finally_right),
            said.join(", "),
        );
    }
    text
}

/// What a class was called in the end, most frequent first.
fn said(faults: &[&Judged]) -> Vec<(String, usize)> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for fault in faults {
        let word = match (&fault.finally, fault.detected) {
            (Some(said), _) if fault.is_finally_right() || fault.label.segment != "device" => {
                said.fault.clone()
            }
            (Some(said), _) if said.segment.as_deref() == Some("device") => {
                format!("{} (other PC)", said.fault)
            }
            (Some(said), _) => said.fault.clone(),
            (None, Some(_)) => "(taken back)".to_owned(),
            (None, None) => "(missed)".to_owned(),
        };
        *times.entry(word).or_default() += 1;
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    times
}

/// What messages about nothing said.
pub(crate) fn unfounded(tally: &Tally) -> String {
    let mut text = String::new();
    for (name, unfounded) in [("quiet", &tally.quiet), ("with faults", &tally.busy)] {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for said in &unfounded.messages {
            *times.entry(&said.verdict.fault).or_default() += 1;
        }
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        let words: Vec<String> = times
            .iter()
            .map(|(word, times)| format!("{word} {times}"))
            .collect();
        let _ = writeln!(text, "false, {name}: {}", words.join(", "));
    }
    text
}

/// The same for programs.
pub(crate) fn json(rows: &[Row], rules: Option<&[Row]>, tally: &Tally) -> Value {
    let figures = |rows: &[Row]| -> Vec<Value> {
        rows.iter()
            .map(|row| {
                json!({
                    "metric": row.name, "value": row.value, "count": row.count, "must": row.must,
                    "aim": row.aim, "reached": row.reached(), "note": row.note,
                })
            })
            .collect()
    };
    let all: Vec<&Judged> = tally.faults.iter().collect();
    let confusion: BTreeMap<&str, BTreeMap<String, usize>> = by_class(&all)
        .into_iter()
        .map(|(class, faults)| (class, said(&faults).into_iter().collect()))
        .collect();
    json!({
        "metrics": figures(rows),
        "rules": rules.map(figures),
        "confusion": confusion,
    })
}
