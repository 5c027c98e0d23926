//! Nothing lost, nothing twice: what was measured while the line was dead gets into the stores, each
//! value once and with its own time, and wakes nobody.
//!
//! Outages are not waited for: the spool of an agent that is not running is filled as if it had
//! measured all the time ([`Backlog`]), and then the agent is started.

use std::time::Duration;

use proto::limits::LIVE_WINDOW;
use serde_json::Value;
use tokio::time::Instant;

use crate::FIRST_VALUES;
use crate::harness::backlog::{Backlog, Series};
use crate::harness::prometheus::Raw;
use crate::harness::{
    Agent, Collector, Prometheus, Victoria, collector::ONE_CENTRE, eventually, metric,
};
use crate::needs;
use crate::store::targets;

/// How soon after connecting what is measured now must be seen, whatever waits.
const LIVE: Duration = Duration::from_secs(2);

/// How long a backlog may take, from the agent to the stores. Other tests run beside this one.
const DRAINED: Duration = Duration::from_mins(8);

/// What a store may take to show what it has.
const STORED: Duration = Duration::from_mins(2);

/// What connecting, and what is measured meanwhile, costs.
const LIVE_BYTES: f64 = 50_000.0;
const LIVE_BYTES_PER_SECOND: f64 = 4_000.0;

/// The backlog may begin with as much as flows in so many seconds.
const BURST_SECONDS: f64 = 5.0;

#[tokio::test]
async fn an_outage_of_a_minute_leaves_no_gap() {
    an_outage_leaves_no_gap(Duration::from_mins(1), 64).await;
}

/// Over a line so thin that the order can be watched.
#[tokio::test]
async fn an_outage_of_an_hour_leaves_no_gap() {
    an_outage_leaves_no_gap(Duration::from_hours(1), 4).await;
}

#[tokio::test]
async fn an_outage_of_three_days_leaves_no_gap() {
    an_outage_leaves_no_gap(Duration::from_hours(72), 64).await;
}

async fn an_outage_leaves_no_gap(length: Duration, kilobytes_per_second: u32) {
    let prometheus = needs!(Prometheus::receiving().await);
    let victoria = needs!(Victoria::receiving().await);
    let plan = format!(
        "[plan]\nhost_interval = \"1s\"\nlink_interval = \"1s\"\nreport_interval = \"1s\"\n\
         backlog_rate = \"{kilobytes_per_second}kB\"\n"
    );
    let stores = [
        ("prometheus", prometheus.write_url()),
        ("victoria", victoria.write_url()),
    ];
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(&plan);
    let setup = setup.with_settings(&targets(&stores));
    let collector = setup.start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let backlog = Backlog::of(length);
    backlog.fill(&agent).await;

    agent.run();
    let line = agent.process().line("Connected", FIRST_VALUES).await;
    line.unwrap();
    let mut watch = Watch::from_now(&collector, &backlog);
    eventually("what is measured now is seen", LIVE, async || {
        let values = live_values(&collector).await?;
        let now = values
            .iter()
            .any(|value| value["metric"] == "dawnwatch_memory_size_bytes");
        now.then_some(())
            .ok_or_else(|| format!("{} values", values.len()))
    })
    .await;
    eventually("the backlog drains", DRAINED, async || watch.look().await).await;
    watch
        .was_within(1_000.0 * f64::from(kilobytes_per_second))
        .await;

    is_whole("prometheus", &backlog, async |selector| {
        prometheus.raw(selector, "4d").await
    })
    .await;
    is_whole("victoria", &backlog, async |selector| {
        victoria.raw(selector).await
    })
    .await;
    watch.look().await.unwrap();
}

/// Every value of every series is in the store once, at its time, and nothing else.
pub async fn is_whole(
    store: &str,
    backlog: &Backlog,
    raw: impl AsyncFnMut(&str) -> Result<Vec<Raw>, String>,
) {
    is_whole_after(0, store, backlog, raw).await;
}

/// The same for all but the oldest rounds, of which it has nothing.
pub async fn is_whole_after(
    rounds: usize,
    store: &str,
    backlog: &Backlog,
    mut raw: impl AsyncFnMut(&str) -> Result<Vec<Raw>, String>,
) {
    // What was whole at one look is not looked at again.
    let mut left = backlog.series.iter().peekable();
    eventually(&format!("{store} has all"), STORED, async || {
        while let Some(series) = left.peek() {
            let stored = raw(&selector(series)).await?;
            let [(labels, samples)] = &stored[..] else {
                return Err(format!("{} series for {series:?}", stored.len()));
            };
            backlog.is_whole_after(rounds, series, samples)?;
            let mut expected = ["__name__", "centre", "device", "kind", series.label.0];
            expected.sort_unstable();
            assert!(labels.keys().eq(&expected), "{labels:?} in {store}");
            left.next();
        }
        Ok(())
    })
    .await;
}

fn selector(series: &Series) -> String {
    let (name, value) = &series.label;
    format!("{}{{{name}={value:?}}}", series.metric)
}

/// Everything that the live view has of the one device of the centre.
pub async fn live_values(collector: &Collector) -> Result<Vec<Value>, String> {
    let devices = collector.api("/api/v1/devices?centre=cong-son&values=true");
    let devices = devices.await?;
    match devices[0]["values"].as_array() {
        Some(values) if !values.is_empty() => Ok(values.clone()),
        _ => Err(format!("no live values: {devices}")),
    }
}

/// The one agent is there, and what it measures is seen.
pub async fn is_reporting(collector: &Collector) -> Result<(), String> {
    let page = collector.metrics().await?;
    metric("dawnwatch_agent_up").is(1.0).found_in(&page)?;
    live_values(collector).await.map(|_| ())
}

/// Looks at the live view while a backlog drains behind it.
struct Watch<'a> {
    collector: &'a Collector,
    backlog: &'a Backlog,
    /// When the agent had connected.
    connected: Instant,
    connected_unix_ms: i64,
    /// Of what waits at the agent, at the last look: Unix seconds.
    oldest: f64,
}

impl<'a> Watch<'a> {
    fn from_now(collector: &'a Collector, backlog: &'a Backlog) -> Self {
        Self {
            collector,
            backlog,
            connected: Instant::now(),
            connected_unix_ms: agent::clock::wall_unix_ms(),
            oldest: 0.0,
        }
    }

    /// Looks once. An error until all has arrived.
    async fn look(&mut self) -> Result<(), String> {
        let page = self.collector.metrics().await?;
        for (name, value) in [("up", 1.0), ("goodbye", 0.0)] {
            let shown = metric(&format!("dawnwatch_agent_{name}")).in_(&page);
            assert!((shown - value).abs() < 0.5, "agent_{name} is {shown}");
        }
        let values = live_values(self.collector).await?;
        for value in &values {
            let time: jiff::Timestamp = value["time"].as_str().unwrap().parse().unwrap();
            let age = self.connected_unix_ms - time.as_millisecond();
            assert!(age <= live_window_ms(), "{value} is in the live view");
        }
        self.drains_in_order(&values);
        let late = metric("dawnwatch_collector_samples_late_total").in_(&page);
        let now_unix_ms = agent::clock::wall_unix_ms();
        let most = self.late_at(now_unix_ms);
        assert!(late <= most, "{late} of at most {most} are late");
        let least = self.late_at(self.connected_unix_ms);
        let waits = |value: &&Value| {
            value["metric"] == "dawnwatch_agent_spool_oldest_timestamp_seconds"
                && self.is_of_the_backlog(value["value"].as_f64().unwrap())
        };
        match (late >= least, values.iter().find(waits)) {
            (true, None) => Ok(()),
            (_, waiting) => Err(format!(
                "{late} of {least} late samples; waits: {waiting:?}"
            )),
        }
    }

    /// What leaves the agent first is the oldest.
    fn drains_in_order(&mut self, values: &[Value]) {
        let oldest = "dawnwatch_agent_spool_oldest_timestamp_seconds";
        let Some(value) = values.iter().find(|value| value["metric"] == oldest) else {
            return;
        };
        let oldest = value["value"].as_f64().unwrap();
        assert!(
            oldest >= self.oldest,
            "{oldest} waits, after {} had gone",
            self.oldest
        );
        self.oldest = oldest;
    }

    #[allow(clippy::cast_precision_loss, reason = "moments of this century")]
    fn is_of_the_backlog(&self, unix_seconds: f64) -> bool {
        let end = self.backlog.times.last().unwrap();
        unix_seconds * 1000.0 <= *end as f64
    }

    /// How many samples of the backlog are late for who looks at this moment.
    #[allow(clippy::cast_precision_loss, reason = "millions")]
    fn late_at(&self, unix_ms: i64) -> f64 {
        let late = |time: &&i64| unix_ms - **time > live_window_ms();
        let rounds = self.backlog.times.iter().filter(late).count();
        (rounds * self.backlog.series.len()) as f64
    }

    /// The line had room for other things.
    async fn was_within(&self, bytes_per_second: f64) {
        let page = self.collector.metrics().await.unwrap();
        let received = metric("dawnwatch_collector_received_bytes_total").in_(&page);
        let seconds = self.connected.elapsed().as_secs_f64();
        let backlog = bytes_per_second * (seconds + BURST_SECONDS);
        let live = LIVE_BYTES + LIVE_BYTES_PER_SECOND * seconds;
        assert!(
            received <= backlog + live,
            "{received} bytes in {seconds} s, of which {live} may be live"
        );
    }
}

fn live_window_ms() -> i64 {
    i64::try_from(LIVE_WINDOW.as_millis()).unwrap()
}
