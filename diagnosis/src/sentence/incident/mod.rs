//! What is said of an incident: what is wrong where since when, what to do and who does it, and what speaks for it.
//!
//! The reader is a clerk, a volunteer, or a technician with a phone in hand at 06:30. How sure the engine is decides how it
//! is said: a certain verdict is told as a fact, a likely one as likely, and below that both candidates are named, with the
//! question that settles it. Both languages stand side by side, so that none can be forgotten. Deliberately absent: what the
//! verdict is, and any clock; a time of day is told with its date unless the caller says what day it is.

mod action;
mod because;
mod clause;
mod figure;
mod owner;
mod reason;
mod settle;
#[cfg(test)]
mod tests;
mod when;

pub use action::{incident_action, usual_action};
pub use because::{Because, Group, Target};
pub use figure::Figure;
pub use owner::{Owner, doers, owner};
pub use reason::because;
pub use settle::settles;

pub(super) use figure::length as figure_length;
pub(super) use reason::stretch as stretch_name;

use super::Words;
use crate::{Fault, Segment};
use clause::{Clause, Tense};

/// From here on a verdict is told as a fact.
pub const CERTAIN: f64 = 0.9;

/// From here on it is told as likely; below, with its rival.
pub const LIKELY: f64 = 0.6;

/// What there is to tell of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    /// What is wrong.
    pub fault: Fault,
    /// Where; told of [`Fault::Unknown`] alone, since the others say it by themselves.
    pub segment: Option<Segment>,
    /// A PC's or a printer's name, the ISP, the area or the service.
    pub culprit: Option<&'a str>,
    /// The names of the centres it hits, in order.
    pub centres: &'a [&'a str],
    /// The ISP of their lines, where it is one.
    pub isp: Option<&'a str>,
    /// When it began, Unix seconds.
    pub since: f64,
    /// When it ended.
    pub until: Option<f64>,
    /// The time of telling: what is of its day is told without the date. Absent, the date is always told, as in what is kept.
    pub now: Option<f64>,
    /// How likely it is this.
    pub confidence: f64,
    /// The second best.
    pub other: Option<Fault>,
    /// Whether nothing comes from there now.
    pub silent: bool,
    /// The one figure that says most.
    pub figure: Figure,
    /// Of local time: that of UTC+7 is 25,200.
    pub offset_seconds: i32,
}

/// What is wrong, where and since when, in one sentence.
#[must_use]
pub fn incident_sentence(told: &Told) -> Words {
    let when = when::when(told);
    let tense = if told.until.is_some() {
        Tense::Past
    } else {
        Tense::Since
    };
    let rival = told
        .other
        .filter(|other| told.confidence < LIKELY && *other != told.fault);
    let said = match rival {
        Some(rival) => unsure(told, rival, &when),
        None => {
            let hedge = hedge(told);
            let clause = clause::clause(told);
            let tail = clause.tail();
            words(
                format!("{}{} {}{}", hedge.vi, clause.vi(), when.vi, tail.0),
                format!("{}{} {}{}", hedge.en, clause.en(tense), when.en, tail.1),
            )
        }
    };
    placed(told, said)
}

/// A fault of a centre in a few words: "the Internet line is dead". For lists of what else it may be.
#[must_use]
pub fn named(fault: Fault) -> Words {
    let clause = clause::named(fault);
    words(clause.vi(), clause.en(Tense::Now))
}

/// Both candidates, with what is seen of them.
fn unsure(told: &Told, rival: Fault, when: &Words) -> Words {
    let over = told.until.is_some();
    let tense = if over { Tense::Past } else { Tense::Now };
    let first = clause::clause(told);
    let second: Clause = clause::bare(rival, told);
    let seen = match (told.silent && !over, over) {
        (true, _) => words("không có tin", "nothing has been heard"),
        (_, true) => words("có sự cố", "something was wrong"),
        _ => words("có sự cố", "something has been wrong"),
    };
    words(
        format!(
            "{} {}; chưa chắc chắn: hoặc {}, hoặc {}",
            seen.vi,
            when.vi,
            first.vi(),
            second.vi()
        ),
        format!(
            "{} {}; not certain: either {}, or {}",
            seen.en,
            when.en,
            first.en(tense),
            second.en(tense)
        ),
    )
}

fn hedge(told: &Told) -> Words {
    if told.confidence >= CERTAIN || told.fault == Fault::Unknown {
        Words::default()
    } else if told.confidence >= LIKELY {
        words("nhiều khả năng ", "most likely ")
    } else {
        words("có thể ", "possibly ")
    }
}

/// Says where: a few centres before the rest, many after it, since what they share is the news.
fn placed(told: &Told, said: Words) -> Words {
    let Words { vi, en } = said;
    let place = place_names(told.centres);
    match told.centres {
        [] => words(format!("{}.", capital(&vi)), format!("{}.", capital(&en))),
        [_] | [_, _] | [_, _, _] => words(
            format!("{}: {vi}.", place.vi),
            format!("{}: {en}.", place.en),
        ),
        _ => words(
            format!("{} ({}).", capital(&vi), place.vi),
            format!("{} ({}).", capital(&en), place.en),
        ),
    }
}

/// Up to three centres by name; of more, how many, and a few.
pub(super) fn place_names(centres: &[&str]) -> Words {
    match centres {
        [] => Words::default(),
        [one] => words(*one, *one),
        [one, two] => words(format!("{one} và {two}"), format!("{one} and {two}")),
        [one, two, three] => words(
            format!("{one}, {two} và {three}"),
            format!("{one}, {two} and {three}"),
        ),
        [one, two, three, ..] => {
            let n = centres.len();
            words(
                format!("{n} trung tâm: {one}, {two}, {three}…"),
                format!("{n} centres: {one}, {two}, {three}…"),
            )
        }
    }
}

fn words(vi: impl Into<String>, en: impl Into<String>) -> Words {
    Words {
        vi: vi.into(),
        en: en.into(),
    }
}

/// The same with a capital at its head.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
