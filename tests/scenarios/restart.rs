//! Whatever dies comes back without a hand.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually, metric};

/// An agent tries again at random moments, ever farther apart.
const RECONNECT: Duration = Duration::from_secs(60);

async fn collector_in_a_hurry() -> Collector {
    Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await
}

async fn reports(collector: &Collector, within: Duration) -> f64 {
    eventually("the agent reports", within, async || {
        let page = collector.metrics().await?;
        let up = metric("dawnwatch_agent_up").label("centre", "cong-son");
        up.is(1.0).found_in(&page)?;
        metric("dawnwatch_cpu_usage_ratio").found_in(&page)?;
        metric("dawnwatch_agent_last_report_timestamp_seconds").found_in(&page)
    })
    .await
}

#[tokio::test]
async fn an_agent_that_was_killed_goes_on() {
    let collector = collector_in_a_hurry().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    let before = reports(&collector, FIRST_VALUES).await;
    agent.kill();
    agent.run();
    eventually("it reports again, on one stream", RECONNECT, async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_collector_streams")
            .is(1.0)
            .found_in(&page)?;
        let last = metric("dawnwatch_agent_last_report_timestamp_seconds").found_in(&page)?;
        match last > before + 2.0 {
            true => Ok(()),
            false => Err(format!("last report at {last}, killed after {before}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_was_killed_is_found_again() {
    let mut collector = collector_in_a_hurry().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    reports(&collector, FIRST_VALUES).await;
    collector.kill();
    eventually("the agent notices", FIRST_VALUES, async || {
        let status = agent.status().await?;
        match status["connected"] == false {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    collector.restart().await;
    reports(&collector, RECONNECT).await;
    assert_eq!(agent.process().ended(), None);
}

#[tokio::test]
async fn an_agent_waits_for_a_collector_that_comes_later() {
    let mut collector = collector_in_a_hurry().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    collector.kill();
    agent.run();
    eventually(
        "the agent says that nobody answers",
        FIRST_VALUES,
        async || {
            let status = agent.status().await?;
            match status["connection_problem"].as_str() {
                Some(_) => Ok(()),
                None => Err(status.to_string()),
            }
        },
    )
    .await;
    collector.restart().await;
    reports(&collector, RECONNECT).await;
}

#[tokio::test]
async fn a_collector_that_is_asked_to_end_ends_cleanly() {
    let mut collector = collector_in_a_hurry().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    reports(&collector, FIRST_VALUES).await;
    collector.stop().await.succeeded();
    collector.restart().await;
    reports(&collector, RECONNECT).await;
}
