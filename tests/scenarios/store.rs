//! A store that is away delays what it stores, and nothing else: agents report, the live view lives,
//! other stores are served, and what waits is there when the store is back, whatever happens to the
//! collector meanwhile.
//!
//! The hour that a store is away is one of volume, not of waiting: an agent brings a backlog of an
//! hour, so that the collector's queue holds what an hour brings.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::backlog::Backlog;
use crate::harness::scrape::{Page, Wanted};
use crate::harness::{
    Agent, Collector, Prometheus, Victoria,
    collector::{ONE_CENTRE, Setup},
    eventually, metric,
};
use crate::needs;
use crate::outage::{is_reporting, is_whole};

const HOUR: Duration = Duration::from_hours(1);

/// How long everything may take to get from the agent into the collector's queue.
const TAKEN: Duration = Duration::from_mins(2);

/// An agent tries again at random moments, ever farther apart; a sender too.
const BACK: Duration = Duration::from_mins(2);

/// A queue that is delivered as it comes is never older than this, on a busy machine.
const NEAR_ZERO: f64 = 10.0;

#[tokio::test]
async fn a_store_that_is_away_for_an_hour_misses_nothing() {
    let mut victoria = needs!(Victoria::receiving().await);
    let targets = [("victoria", victoria.write_url())];
    let mut collector = writing_to(&targets).start().await;
    victoria.stop().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let backlog = Backlog::of(HOUR);
    backlog.fill(&agent).await;
    agent.run();

    waits_in_the_queue(&collector, &backlog, "victoria").await;
    reports_and_is_acknowledged(&collector, &agent).await;
    collector.stop().await.succeeded();
    collector.restart().await;
    waits_in_the_queue(&collector, &backlog, "victoria").await;
    collector.kill();
    collector.restart().await;
    waits_in_the_queue(&collector, &backlog, "victoria").await;
    reports_and_is_acknowledged(&collector, &agent).await;
    shows_its_lag(&collector, "victoria").await;

    victoria.restart().await;
    is_whole("victoria", &backlog, async |selector| {
        victoria.raw(selector).await
    })
    .await;
    has_caught_up(&collector, "victoria").await;
    reports_and_is_acknowledged(&collector, &agent).await;
}

#[tokio::test]
async fn a_store_that_is_away_delays_no_other() {
    let prometheus = needs!(Prometheus::receiving().await);
    let mut victoria = needs!(Victoria::receiving().await);
    let targets = [
        ("prometheus", prometheus.write_url()),
        ("victoria", victoria.write_url()),
    ];
    let collector = writing_to(&targets).start().await;
    victoria.stop().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let backlog = Backlog::of(HOUR);
    backlog.fill(&agent).await;
    agent.run();

    is_whole("prometheus", &backlog, async |selector| {
        prometheus.raw(selector, "1d").await
    })
    .await;
    waits_in_the_queue(&collector, &backlog, "victoria").await;
    shows_its_lag(&collector, "victoria").await;
    has_caught_up(&collector, "prometheus").await;

    victoria.restart().await;
    is_whole("victoria", &backlog, async |selector| {
        victoria.raw(selector).await
    })
    .await;
    has_caught_up(&collector, "victoria").await;
}

/// A collector that writes to these. Its agents measure and report every second; one thing they
/// measure is [`COUNTED`].
pub fn writing_to(stores: &[(&str, String)]) -> Setup {
    let anchor = format!(
        "[[anchor]]\nname = {:?}\naddress = \"127.0.0.2\"\n",
        COUNTED.1
    );
    Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .with_settings(&anchor)
        .with_settings(&targets(stores))
}

/// Settings that write to these: names and addresses.
pub fn targets(stores: &[(&str, String)]) -> String {
    let target = |(name, url): &(&str, String)| {
        format!("[[remote_write]]\nname = {name:?}\nurl = {url:?}\n")
    };
    stores.iter().map(target).collect()
}

/// Metric and target of the echoes to an address of this machine that were sent so far: each round
/// adds the same number, so that what is lost, or comes twice, shows in what is there.
pub const COUNTED: (&str, &str) = ("dawnwatch_link_sent_total", "this-machine");

fn of(what: &str, target: &str) -> Wanted {
    metric(&format!("dawnwatch_collector_remote_write_{what}")).label("target", target)
}

/// No sample was given up.
fn loses_nothing(page: &Page, target: &str) {
    for outcome in ["dropped", "rejected", "unreadable"] {
        let lost = of("samples_total", target)
            .label("outcome", outcome)
            .in_(page);
        assert!(lost < 0.5, "{lost} {outcome}");
    }
}

/// All of the backlog is with the collector, and on its way to this target.
#[allow(clippy::cast_precision_loss, reason = "thousands")]
async fn waits_in_the_queue(collector: &Collector, backlog: &Backlog, target: &str) {
    let all = backlog.samples() as f64;
    eventually("the queue holds the hour", TAKEN, async || {
        let page = collector.metrics().await?;
        let waiting = of("queue_samples", target).found_in(&page)?;
        match waiting >= all {
            true => Ok(()),
            false => Err(format!("{waiting} of {all} wait")),
        }
    })
    .await;
}

/// The agent feels nothing of it.
async fn reports_and_is_acknowledged(collector: &Collector, agent: &Agent) {
    eventually(
        "the agent reports, and nothing waits at it",
        BACK,
        async || {
            is_reporting(collector).await?;
            let status = agent.status().await?;
            let waiting = status["waiting_batches"].as_u64().unwrap_or(u64::MAX);
            // What was measured just now may be on its way.
            match waiting < 60 && status["connected"] == true && status["dropped_samples"] == 0 {
                true => Ok(()),
                false => Err(status.to_string()),
            }
        },
    )
    .await;
}

async fn shows_its_lag(collector: &Collector, target: &str) {
    eventually("the lag is shown", BACK, async || {
        let page = collector.metrics().await?;
        of("up", target).is(0.0).found_in(&page)?;
        match of("lag_seconds", target).found_in(&page)? {
            lag if lag > NEAR_ZERO => Ok(()),
            lag => Err(format!("{lag} s")),
        }
    })
    .await;
}

async fn has_caught_up(collector: &Collector, target: &str) {
    eventually("it has caught up", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        of("up", target).is(1.0).found_in(&page)?;
        loses_nothing(&page, target);
        match of("lag_seconds", target).found_in(&page)? {
            lag if lag < NEAR_ZERO => Ok(()),
            lag => Err(format!("{lag} s")),
        }
    })
    .await;
}
