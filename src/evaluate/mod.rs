//! `dawnwatch evaluate`: how good the diagnosis is, measured against faults whose truth is known.
//!
//! `province` (records and truth: a folder, or `simulated` as it happens) → `run` (through the engine) → `labels` (what happened) and `said` (what the engine made
//! of it) → `judge` (which message is about which fault, and is it right) → `score` and `readiness` (the figures promised)
//! → `table`; beside it `rules` (what fair alert rules make of the same records) and `order` (whether the order of
//! arrival matters). Deliberately absent: looking at why a
//! verdict was right; that is what the reasons in the events are for.

mod examples;
mod judge;
mod labels;
mod order;
mod province;
mod readiness;
mod rules;
mod run;
mod said;
mod score;
mod seeds;
mod simulated;
mod table;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use labels::{Label, Opening};
use province::Folder;
use readiness::{Check, Checks};
use run::{Beside, Outcome};
use said::{History, Said};
use score::{Tally, Unfounded};
use seeds::Seeds;
use simulated::{Progress, Simulated};

use crate::simulate;
use crate::simulate::scenario::{Scenario, ScenarioError};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// What to judge.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folders with centres.csv, evidence.jsonl, labels.jsonl and, for readiness, openings.jsonl
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with = "events")]
    replay: Vec<PathBuf>,
    /// Or simulate these provinces and judge them as they happen: 7, 1-5 or 1-3,9
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["events", "replay"])]
    seeds: Option<Seeds>,
    /// And these without any fault
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["events", "replay"])]
    quiet_seeds: Option<Seeds>,
    #[command(flatten)]
    simulated: simulate::Province,
    /// Also evaluate fair alert rules on the same records, in a real Prometheus
    #[arg(long, conflicts_with = "events")]
    rules: bool,
    /// Also try so many other orders of arrival
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "events")]
    orders: usize,
    /// Show so many wrongly judged faults of each class
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "events")]
    examples: usize,
    /// What was said: the lines of `dawnwatch diagnose`
    #[arg(long, value_name = "FILE", requires = "labels")]
    events: Option<PathBuf>,
    /// What happened: a label a line
    #[arg(long, value_name = "FILE", requires = "events")]
    labels: Option<PathBuf>,
    /// How openings went, for what was said of readiness
    #[arg(long, value_name = "FILE", requires = "events")]
    openings: Option<PathBuf>,
    /// The centres that were watched, for false alarms per centre and month
    #[arg(long, value_name = "FILE", requires = "events")]
    centres_file: Option<PathBuf>,
    /// How long they were watched; otherwise from the first to the last line of events and labels
    #[arg(long, value_name = "DAYS", requires = "events")]
    watched_days: Option<f64>,
    /// Print figures as JSON
    #[arg(long)]
    json: bool,
}

/// Judges and prints.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let outcome = match (&options.events, &options.labels) {
        (Some(events), Some(labels)) => Outcome {
            tally: of_files(options, events, labels)?,
            ..Outcome::default()
        },
        _ if options.is_simulated() => match options.scenarios() {
            Ok(scenarios) => simulated(options, &scenarios)?,
            Err(error) => {
                crate::tell(&format!("dawnwatch: {error}"));
                return Ok(ExitCode::from(crate::USAGE));
            }
        },
        _ => provinces(options)?,
    };
    print(&outcome, options.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs provinces through the engine.
fn provinces(options: &Options) -> anyhow::Result<Outcome> {
    let folders = &options.replay;
    anyhow::ensure!(
        !folders.is_empty(),
        "name folders with --replay, provinces to simulate with --seeds, or --events and --labels"
    );
    let open = |number: usize| {
        let folder = folders.get(number).context("there is no such folder")?;
        Folder::open(folder)
    };
    run::all(folders.len(), open, options.beside())
}

/// Simulates provinces and judges them as they happen.
fn simulated(options: &Options, scenarios: &[Scenario]) -> anyhow::Result<Outcome> {
    let progress = Progress::of(scenarios.len());
    let open = |number: usize| {
        let scenario = scenarios.get(number).context("there is no such seed")?;
        Ok(Simulated::new(scenario, progress.clone()))
    };
    run::all(scenarios.len(), open, options.beside())
}

impl Options {
    fn beside(&self) -> Beside {
        Beside {
            rules: self.rules,
            orders: self.orders,
            examples: self.examples,
        }
    }

    fn is_simulated(&self) -> bool {
        self.seeds.is_some() || self.quiet_seeds.is_some() || self.simulated.is_asked_for()
    }

    /// What is simulated: one province for each seed.
    fn scenarios(&self) -> Result<Vec<Scenario>, ScenarioError> {
        let like = self.simulated.scenario()?;
        let seeds = match (&self.seeds, &self.quiet_seeds) {
            (Some(seeds), _) => seeds.0.clone(),
            (None, Some(_)) => Vec::new(),
            (None, None) => vec![like.seed],
        };
        let of = |seed: &u64| Scenario {
            seed: *seed,
            ..like.clone()
        };
        let quiet = self.quiet_seeds.iter().flat_map(|seeds| &seeds.0);
        let quiet = quiet.map(|seed| of(seed).without_faults());
        Ok(seeds.iter().map(of).chain(quiet).collect())
    }
}

fn print(outcome: &Outcome, as_json: bool) -> anyhow::Result<()> {
    let tally = &outcome.tally;
    let rows = tally.rows();
    let rules = outcome.rules.as_ref().map(Tally::rows);
    let mut text = String::new();
    if as_json {
        let _ = writeln!(text, "{}", table::json(&rows, rules.as_deref(), tally));
    } else {
        let _ = writeln!(text, "{}", table::metrics(&rows, rules.as_deref()));
        let _ = writeln!(text, "{}", table::confusion(tally));
        let _ = writeln!(text, "{}", table::unfounded(tally));
        if outcome.records > 0 {
            let _ = writeln!(text, "{} records", outcome.records);
        }
        for differing in outcome.differing.iter().take(10) {
            let _ = writeln!(text, "another order: {differing}");
        }
        text.push_str(&outcome.examples);
    }
    if let Some(why) = &outcome.skipped {
        crate::tell(why);
    }
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot print the figures")
}

/// Judges what was written to files.
fn of_files(options: &Options, events: &Path, labels: &Path) -> anyhow::Result<Tally> {
    let labels: Vec<Label> = labels::read(labels)?;
    let mut history = History::default();
    let mut checks: Vec<Check> = Vec::new();
    let mut span: Option<(f64, f64)> = None;
    let mut cover = |at: f64| {
        let (from, to) = span.unwrap_or((at, at));
        span = Some((from.min(at), to.max(at)));
    };
    for line in labels::read::<Value>(events)? {
        cover(
            line.get("at")
                .and_then(Value::as_f64)
                .context("an event without \"at\"")?,
        );
        if line.get("check").is_some() {
            checks.push(serde_json::from_value(line)?);
        } else {
            history.add(serde_json::from_value::<Said>(line)?);
        }
    }
    for label in &labels {
        cover(label.start);
        cover(label.end);
    }
    let days = options
        .watched_days
        .or_else(|| span.map(|(from, to)| (to - from) / DAY));
    let centres = match &options.centres_file {
        Some(file) => crate::diagnose::centres(file)?.len(),
        None => 0,
    };
    let openings: Vec<Opening> = match &options.openings {
        Some(file) => labels::read(file)?,
        None => Vec::new(),
    };
    let centre_days = judge::float(centres) * days.unwrap_or(0.0);
    Ok(tally(labels, &history, &openings, &checks, centre_days))
}

/// Judges one run.
fn tally(
    labels: Vec<Label>,
    history: &History,
    openings: &[Opening],
    checks: &[Check],
    centre_days: f64,
) -> Tally {
    let is_quiet = labels.is_empty();
    let (faults, messages) = judge::judge(labels, history);
    let unfounded = Unfounded {
        messages,
        centre_days,
    };
    let (quiet, busy) = if is_quiet {
        (unfounded, Unfounded::default())
    } else {
        (Unfounded::default(), unfounded)
    };
    Tally {
        faults,
        quiet,
        busy,
        checks: Checks::of(openings, checks),
        orders: None,
    }
}
