//! `dawnwatch simulate`: a province that does not exist, whose every fault is known.
//!
//! `scenario` and `parameters` say what province, `world` is what happens in it, `truth` what really happened. It is made
//! without looking at the diagnosis, because it is what the diagnosis is judged with. What becomes known of it is written to
//! a folder, judged as it happens (`evaluate`), or told to a collector (`live`).

pub(crate) mod live;
pub(crate) mod parameters;
pub(crate) mod scenario;
pub(crate) mod truth;
pub(crate) mod world;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agent::tls::Address;
use anyhow::Context as _;
use diagnosis::record::Line;
use proto::token::Token;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::tell;
use live::{Door, Live, Speed};
use parameters::{Parameters, Set};
use scenario::Scenario;
use world::World;

const BUFFER_BYTES: usize = 1 << 20;

/// A long run says how far it is after so many records.
const PROGRESS_EVERY: u64 = 1_000_000;

/// What to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folder for centres.csv, evidence.jsonl, labels.jsonl and openings.jsonl
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "collector",
        conflicts_with = "collector"
    )]
    replay: Option<PathBuf>,
    /// Or tell it to this collector as it happens, over a connection for each agent
    #[arg(long, value_name = "URL", requires = "tokens")]
    collector: Option<Address>,
    /// A reusable token of each centre, made by `dawnwatch-collector token create --centre ID --reusable`: as often as
    /// there are centres
    #[arg(long = "token", value_name = "TOKEN", requires = "collector")]
    tokens: Vec<Token>,
    /// How many times faster than the clock days shall pass, 1 to 100
    #[arg(
        long,
        value_name = "TIMES",
        requires = "collector",
        default_value = "1"
    )]
    speed: Speed,
    /// Where the simulated agents keep who they are
    #[arg(
        long,
        value_name = "DIR",
        requires = "collector",
        default_value = "data/simulated"
    )]
    data: PathBuf,
    /// The same seed gives the same province
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    province: Province,
}

/// What province.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Province {
    /// What province: a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// How many centres
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) centres: Option<u32>,
    /// How many days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: Option<u32>,
    /// Without any fault
    #[arg(long)]
    quiet: bool,
    /// How bad things get and how long they last
    #[arg(long, value_enum, value_name = "SET")]
    parameters: Option<Set>,
}

/// Simulates, and writes what became known and what was true.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut scenario = match options.province.scenario() {
        Ok(scenario) => scenario,
        Err(error) => {
            tell(&format!("dawnwatch: {error}"));
            return Ok(ExitCode::from(crate::USAGE));
        }
    };
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    if let Some(folder) = &options.replay {
        let (records, faults) = write(&scenario, folder)?;
        tell(&format!(
            "{records} records of {} centres and {faults} faults in {}",
            scenario.centres,
            folder.display()
        ));
    }
    if let Some(collector) = &options.collector {
        let runtime = tokio::runtime::Runtime::new()?;
        let result = runtime.block_on(to_collector(options, scenario, collector.clone()));
        runtime.shutdown_background();
        result?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells a collector until Ctrl-C, or until the last day is over.
async fn to_collector(
    options: &Options,
    mut scenario: Scenario,
    collector: Address,
) -> anyhow::Result<()> {
    let centres = u32::try_from(options.tokens.len())?;
    let is_as_many = options
        .province
        .centres
        .is_none_or(|asked| asked == centres);
    anyhow::ensure!(
        is_as_many,
        "every simulated centre needs a token: --token was there {centres} times"
    );
    scenario.centres = centres;
    collector::listen::descriptors::raise();
    let live = Live {
        scenario,
        speed: options.speed,
        collector,
        folder: options.data.clone(),
        door: Door::Tokens(options.tokens.clone()),
    };
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        agent::stop::requested().await;
        asked.cancel();
    });
    live.run(stop, tell).await
}

/// Writes a folder for `dawnwatch diagnose` and `dawnwatch evaluate`; and how many records and faults there are.
pub(crate) fn write(scenario: &Scenario, folder: &Path) -> anyhow::Result<(u64, usize)> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut world = World::new(scenario);
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    write("centres.csv", world.centres_csv())?;
    let labels = world.labels();
    write("labels.jsonl", lines(&labels)?)?;
    write("openings.jsonl", lines(&world.openings())?)?;
    let file = folder.join("evidence.jsonl");
    let records = evidence(&mut world, &file, scenario.start)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok((records, labels.len()))
}

impl Province {
    /// The file, and over it what was asked for beside it.
    pub(crate) fn scenario(&self) -> Result<Scenario, scenario::ScenarioError> {
        let mut scenario = match &self.scenario {
            Some(file) => Scenario::read(file, self.parameters)?,
            None => Scenario {
                parameters: Parameters::of(self.parameters.unwrap_or_default()),
                ..Scenario::default()
            },
        };
        scenario.centres = self.centres.unwrap_or(scenario.centres);
        scenario.days = self.days.unwrap_or(scenario.days);
        Ok(if self.quiet {
            scenario.without_faults()
        } else {
            scenario
        })
    }

    /// Whether anything was said of it.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.scenario.is_some()
            || self.parameters.is_some()
            || self.quiet
            || self.centres.is_some()
            || self.days.is_some()
    }
}

fn lines<T: Serialize>(all: &[T]) -> serde_json::Result<String> {
    let mut text = String::new();
    for one in all {
        text.push_str(&serde_json::to_string(one)?);
        text.push('\n');
    }
    Ok(text)
}

/// Writes everything that becomes known, and says now and then how far it is.
fn evidence(world: &mut World, file: &Path, start: f64) -> io::Result<u64> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(file)?);
    let mut records = 0;
    while let Some(record) = world.next() {
        serde_json::to_writer(&mut out, &Line::from(&record))?;
        out.write_all(b"\n")?;
        records += 1;
        if records % PROGRESS_EVERY == 0 {
            let share = world.progress(start) * 100.0;
            tell(&format!("{share:.0} %, {records} records"));
        }
    }
    out.flush()?;
    Ok(records)
}
