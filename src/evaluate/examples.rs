//! Faults that were judged wrong, with what was said about them: where to look when a class is bad.

use std::fmt::Write as _;

use super::judge::Judged;
use super::said::{History, Said, Verdict};
use super::score::{Tally, by_class};

/// So many of each class that were missed or wrong in the end, and as many false messages.
pub(crate) fn wrong(tally: &Tally, history: &History, most: usize) -> String {
    let mut text = String::new();
    let wrong: Vec<&Judged> = tally
        .faults
        .iter()
        .filter(|fault| !fault.is_finally_right())
        .collect();
    for faults in by_class(&wrong).into_values() {
        for fault in faults.into_iter().take(most) {
            let label = &fault.label;
            let culprit = label.culprit.as_deref().unwrap_or_default();
            let _ = writeln!(
                text,
                "{} {}/{} {culprit} {:?} {:.0}-{:.0} ({:.0} min){}",
                label.id,
                label.segment,
                label.fault,
                label.scope,
                label.start,
                label.end,
                (label.end - label.start) / 60.0,
                if label.silent { " silent" } else { "" },
            );
            let until = label.counts_until();
            for said in history.about(&label.scope, label.start - 60.0, until) {
                line(&mut text, said, label.start);
            }
        }
    }
    for said in tally
        .quiet
        .messages
        .iter()
        .chain(&tally.busy.messages)
        .take(most * 10)
    {
        text.push_str("false:");
        line(&mut text, said, said.since);
    }
    text
}

/// One thing that was said, in seconds after a time.
fn line(text: &mut String, said: &Said, after: f64) {
    let told = if said.notify { " told" } else { "" };
    let event = format!("{:?}", said.event).to_lowercase();
    let scope = said
        .scope
        .iter()
        .take(4)
        .cloned()
        .collect::<Vec<_>>()
        .join(",");
    let _ = writeln!(
        text,
        "    {:+.0} s {event}{told} {} {} p={:.2} @{:.0} {scope}; or {}",
        said.at - after,
        said.id,
        words(&said.verdict),
        said.confidence,
        said.at,
        said.alternatives
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join(", "),
    );
}

fn words(verdict: &Verdict) -> String {
    let segment = verdict.segment.as_deref().unwrap_or("unknown");
    match &verdict.culprit {
        Some(culprit) => format!("{segment}/{} {culprit}", verdict.fault),
        None => format!("{segment}/{}", verdict.fault),
    }
}
