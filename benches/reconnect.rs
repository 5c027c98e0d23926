//! How agents come back after the collector was killed: not all at once, and soon.
//!
//! ```text
//! cargo build --release -p dawnwatch-collector
//! cargo bench -p dawnwatch --bench reconnect -- --agents 1000 --down 5
//! ```
//!
//! Real agents (their library, each with its identity, spool and uplink, all in this process) and the
//! real collector, which is killed, and started again after `--down` seconds. The table says how many
//! streams began in each second after that.

use std::time::Duration;

use agent::app::App;
use agent::config::Config;
use agent::identity;
use agent::sources::{Readings, Sampling, Source};
use anyhow::Context as _;
use proto::metrics;
use proto::plan::Plan;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use arguments::Arguments;
use harness::collector::Collector;
use harness::metric;
use harness::process::Folder;
use scenarios::harness;

mod arguments;
mod province;
mod scenarios;

/// How long all of them may take to come, at first.
const COME: Duration = Duration::from_secs(300);

/// How long to watch them come back.
const WATCH: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(arguments) = Arguments::of_bench() else {
        return Ok(());
    };
    let agents = arguments.number("--agents", 1_000)?;
    let down = Duration::from_secs(arguments.number("--down", 5)?);
    allow_files(agents * 8 + 1_000)?;
    let mut collector = Collector::with_centres(&province::file()).start().await;
    let address = harness::stranger::address_of(&collector);
    let stop = CancellationToken::new();
    let mut folders = Vec::new();
    for token in province::tokens(&collector, usize::try_from(agents)?).await {
        let token = token.parse().context("a token")?;
        let folder = Folder::new("agent");
        identity::enroll(folder.path(), &address, &token, None).await?;
        let config = Config {
            data: folder.path().to_owned(),
            ..Config::default()
        };
        let app = App::build(config).await?;
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(app.run_with(|_| vec![Box::new(Still)], stopped));
        folders.push(folder);
    }
    let begin = Instant::now();
    while streams(&collector).await < agents {
        anyhow::ensure!(begin.elapsed() < COME, "not all agents came");
        sleep(Duration::from_millis(100)).await;
    }
    collector.kill();
    sleep(down).await;
    collector.restart().await;
    let seconds = watch(&collector, agents).await;
    report(agents, down, &seconds);
    stop.cancel();
    Ok(())
}

/// Sockets, locks and folders of a thousand agents in one process.
fn allow_files(files: u64) -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(files);
    limit.maximum = limit.maximum.map(|most| most.max(files));
    setrlimit(Resource::Nofile, limit).context("cannot open that many files")
}

async fn streams(collector: &Collector) -> u64 {
    let Ok(page) = collector.metrics().await else {
        return 0;
    };
    let streams = metric("dawnwatch_collector_streams").found_in(&page);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count"
    )]
    streams.map_or(0, |streams| streams as u64)
}

/// How many were connected at the end of each second, until all are.
async fn watch(collector: &Collector, agents: u64) -> Vec<u64> {
    let begin = Instant::now();
    let mut seconds = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.tick().await;
    while begin.elapsed() < WATCH && seconds.last().is_none_or(|connected| *connected < agents) {
        ticks.tick().await;
        seconds.push(streams(collector).await);
    }
    seconds
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn report(agents: u64, down: Duration, seconds: &[u64]) {
    println!("\n{agents} agents, collector away for {} s", down.as_secs());
    println!("{:>8}{:>10}{:>12}", "second", "came", "connected");
    let mut before = 0;
    for (second, connected) in (1..).zip(seconds) {
        println!(
            "{second:>8}{:>10}{connected:>12}",
            connected.saturating_sub(before)
        );
        before = *connected;
    }
}

/// Measures as little as can be.
struct Still;

impl Source for Still {
    fn name(&self) -> &'static str {
        "still"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.host_interval
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        readings.push(&metrics::DEVICE_CPUS, &[], 1.0);
        Box::pin(async { Ok(()) })
    }
}
