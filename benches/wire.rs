//! What a device-day costs the line: bytes at IP level, both ways, TLS included.
//!
//! ```text
//! cargo build --release -p dawnwatch-collector
//! unshare --net --mount tests/own_network.sh cargo bench -p dawnwatch --bench wire -- --minutes 33
//! ```
//!
//! A real agent (its library: spool, uplink, TLS) measures what a recorded host measured, row by row,
//! and reports to the real collector over a loopback that is theirs alone, so that the kernel's count
//! of it is the count of their packets. Time is not compressed: acknowledgements of TCP depend on it.
//! What `--minutes` cost is projected to a day; connecting is counted once.

use std::path::Path;
use std::time::Duration;

use agent::app::App;
use agent::config::Config;
use agent::identity;
use agent::sources::{Readings, Sampling, Source};
use anyhow::Context as _;
use proto::metrics;
use proto::plan::Plan;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use arguments::Arguments;
use harness::collector::{Collector, ONE_CENTRE};
use harness::process::Folder;
use harness::{eventually, metric};
use scenarios::harness;
use trace::Trace;

mod arguments;
mod scenarios;
mod trace;

/// Until the stream is open and every series defined: what happens once.
const BEGINNING: Duration = Duration::from_secs(70);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Some(arguments) = Arguments::of_bench() else {
        return Ok(());
    };
    let minutes: u32 = arguments.number("--minutes", 33)?;
    let trace = arguments
        .text("--trace")
        .unwrap_or("../shared/traces/host_15s.csv");
    let trace = Trace::read(Path::new(trace))?;
    let series = trace.series();
    let collector = Collector::with_centres(ONE_CENTRE).start().await;
    let token = collector
        .token("cong-son")
        .await
        .parse()
        .context("a token")?;
    let folder = Folder::new("agent");
    let address = harness::stranger::address_of(&collector);
    identity::enroll(folder.path(), &address, &token, None).await?;
    let config = Config {
        data: folder.path().to_owned(),
        ..Config::default()
    };
    let app = App::build(config).await?;
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let start = carried()?;
    let agent = tokio::spawn(app.run_with(|_| vec![Box::new(Replay { trace, row: 0 })], stopped));
    sleep(BEGINNING).await;
    let begun = carried()?;
    sleep(Duration::from_secs(60) * minutes).await;
    let ended = carried()?;
    let samples = eventually("the collector has samples", BEGINNING, async || {
        metric("dawnwatch_collector_samples_total").found_in(&collector.metrics().await?)
    })
    .await;
    report(series, minutes, samples, begun - start, ended - begun);
    stop.cancel();
    agent.await?
}

/// Bytes of all IP packets that this loopback has carried.
fn carried() -> anyhow::Result<f64> {
    let table = std::fs::read_to_string("/proc/net/dev")?;
    let line = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("lo:"));
    let bytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    bytes.context("no loopback in /proc/net/dev")
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn report(series: usize, minutes: u32, samples: f64, beginning: f64, going: f64) {
    let minute = going / f64::from(minutes);
    let day = (beginning + minute * 1440.0) / 1000.0;
    println!("\none device of {series} series, {minutes} minutes, {samples:.0} samples");
    println!("{:52}{:>10}{:>8}{:>8}", "", "", "reach", "aim");
    println!(
        "{:52}{beginning:>10.0}",
        "bytes until a minute after the start"
    );
    println!("{:52}{minute:>10.0}", "bytes a minute");
    println!("{:52}{day:>10.0}{:>8}{:>8}", "kB a day", 900, 450);
}

/// A recorded host, from the first row on, and over again.
struct Replay {
    trace: Trace,
    row: usize,
}

impl Source for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.host_interval
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        for (column, value) in self.trace.row(self.row) {
            readings.push(&metrics::DEVICE_TEMPERATURE, &[column], value);
        }
        self.row += 1;
        Box::pin(async { Ok(()) })
    }
}
