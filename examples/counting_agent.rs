//! An agent that counts: a real one, but that what it measures are numbers, each used once, and that
//! it keeps a ledger of them. So whoever looks into a store afterwards knows what must be there.
//!
//! `counting_agent DATA LEDGER SERIES MILLISECONDS` runs on the data folder of an agent that has
//! enrolled. A round is one number for each series, every so many milliseconds:
//! `dawnwatch_temperature_celsius{sensor="count-0"}` and so on. One line of the ledger is one round,
//! `TIME FIRST SERIES`: at this wall time (Unix milliseconds) series k read the number FIRST + k. It
//! is written at once, whole, before the round is handed on, so that a kill can part the two only
//! here: a round may be in the ledger and nowhere else, never the other way round.
//!
//! Deliberately absent: enrolment, and everything else that `dawnwatch-agent` does for people.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use agent::app::App;
use agent::clock::wall_unix_ms;
use agent::config::Config;
use agent::sources::{Context, Readings, Sampling, Source, Unmeasurable};
use anyhow::Context as _;
use proto::metrics;
use proto::plan::Plan;
use tokio::signal::unix::{SignalKind, signal};

/// Counts.
struct Count {
    interval: Duration,
    sensors: Vec<String>,
    next: u64,
    ledger: File,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    agent::logging::start("info");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, ledger, series, milliseconds] = arguments.as_slice() else {
        anyhow::bail!("usage: counting_agent DATA LEDGER SERIES MILLISECONDS");
    };
    let interval = Duration::from_millis(milliseconds.parse().context("MILLISECONDS")?);
    let count = Count::open(
        Path::new(ledger),
        series.parse().context("SERIES")?,
        interval,
    )?;
    let config = Config {
        data: data.into(),
        ..Config::default()
    };
    let app = App::build(config).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    let sources = |_: &Context| -> Vec<Box<dyn Source>> { vec![Box::new(count)] };
    let asked_to_end = async {
        terminated.recv().await;
    };
    app.run_with(sources, asked_to_end).await
}

impl Count {
    /// Goes on behind what the ledger has.
    fn open(path: &Path, series: u64, interval: Duration) -> anyhow::Result<Self> {
        let cannot = || format!("cannot open the ledger {}", path.display());
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.with_context(cannot)?,
        };
        let mut rounds = text.lines().map(end_of);
        let next = rounds.try_fold(0, |used, end| Some(end?.max(used)));
        let next = next.with_context(|| format!("{} is no ledger", path.display()))?;
        let ledger = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            interval,
            sensors: (0..series).map(|k| format!("count-{k}")).collect(),
            next,
            ledger: ledger.with_context(cannot)?,
        })
    }

    fn round(&mut self, readings: &mut Readings) -> std::io::Result<()> {
        let (first, count) = (self.next, self.sensors.len() as u64);
        self.next += count;
        let line = format!("{} {first} {count}\n", wall_unix_ms());
        // One write so small is whole or not at all, unless the disk is full.
        self.ledger.write_all(line.as_bytes())?;
        for (number, sensor) in (first..).zip(&self.sensors) {
            #[expect(clippy::cast_precision_loss, reason = "nobody counts beyond 2^53")]
            readings.push(&metrics::DEVICE_TEMPERATURE, &[sensor], number as f64);
        }
        Ok(())
    }
}

/// The first number that a round has left for those behind it.
fn end_of(line: &str) -> Option<u64> {
    let mut words = line.split(' ').skip(1).map(str::parse::<u64>);
    let (first, count) = (words.next()?.ok()?, words.next()?.ok()?);
    first.checked_add(count)
}

impl Source for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn interval(&self, _: &Plan) -> Duration {
        self.interval
    }

    fn timeout(&self, _: &Plan) -> Duration {
        Duration::from_secs(10)
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        let written = self.round(readings).map_err(|error| Unmeasurable {
            what: format!("the ledger cannot be written: {error}"),
            remedy: "make room".into(),
        });
        Box::pin(async { written })
    }
}
