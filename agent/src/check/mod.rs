//! `dawnwatch-agent check`: from the network card to the portals, now, by whoever stands in the centre. The
//! first thing that fails, and what to do.
//!
//! In reading order: [`surroundings`] (what the machine knows) → [`walk`] (what is measured and when) →
//! [`links`], [`uses`] (how) → [`seen`] (steps and evidence), [`lacking`] (what could not be measured) →
//! `diagnosis::spot` (the verdict) → [`screen`] (for people). It measures with the same functions as the sources do, needs no collector, no
//! configuration and no root, and says what it could not measure. It takes some four seconds when all is
//! well and less than thirty in any case. Deliberately absent: any change to the machine.

mod lacking;
mod links;
mod load;
mod measured;
mod screen;
mod seen;
mod step;
mod surroundings;
mod tools;
mod uses;
mod walk;
mod words;

use diagnosis::sentence::Words;
use diagnosis::spot::{self, Verdict};
use serde_json::{Value, json};

use self::screen::Screen;
use self::seen::Seen;
use self::tools::Tools;
pub use self::words::Language;
use crate::config::Config;

/// Who reads the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Told on standard output as it goes.
    Person(Language),
    /// Gets it from [`Checked::json`].
    Program,
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The steps and the verdict, as the contract has them.
    pub json: Value,
    /// Whether nothing is wrong.
    pub is_well: bool,
}

/// Checks this machine's way to the portals.
pub async fn check(config: &Config, reader: Reader) -> Checked {
    let mut screen = match reader {
        Reader::Person(language) => Screen::new(language),
        Reader::Program => Screen::none(),
    };
    let Seen {
        evidence,
        steps,
        limitations,
        ..
    } = walk::outwards(Tools::of(config).await, &mut screen).await;
    let verdict = spot::judge(&evidence);
    screen.conclude(&limitations, &verdict);
    let limitations: Vec<String> = limitations
        .iter()
        .map(|limitation| limitation.problem.to_string())
        .collect();
    Checked {
        json: json!({
            "steps": steps,
            "limitations": limitations,
            "verdict": verdict_json(&verdict),
        }),
        is_well: verdict.fault.is_none(),
    }
}

/// The verdict alone, told to nobody.
pub async fn look(config: &Config) -> Verdict {
    let mut screen = Screen::none();
    let seen = walk::outwards(Tools::of(config).await, &mut screen).await;
    spot::judge(&seen.evidence)
}

fn verdict_json(verdict: &Verdict) -> Value {
    let both = |words: &Words| json!({ "vi": words.vi, "en": words.en });
    let alternatives = verdict.alternatives.iter().map(|other| {
        json!({
            "segment": other.segment.map(diagnosis::Segment::as_str),
            "fault": other.fault.as_str(),
            "p": other.p,
        })
    });
    json!({
        "segment": verdict.segment.map(diagnosis::Segment::as_str),
        "fault": verdict.fault.map_or("none", diagnosis::Fault::as_str),
        "confidence": verdict.confidence,
        "alternatives": alternatives.collect::<Vec<Value>>(),
        "sentence": both(&verdict.sentence),
        "action": both(&verdict.action),
        "because": verdict.because.iter().map(both).collect::<Vec<Value>>(),
    })
}
