//! Off is not down: an agent that said goodbye is told from one that fell silent.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually, metric};

/// After how much silence an agent counts as gone, and some.
const STALE: Duration = Duration::from_secs(90);

async fn watched() -> (Collector, Agent) {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    eventually("the agent reports", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_cpu_usage_ratio").found_in(&page)?;
        metric("dawnwatch_agent_up").is(1.0).found_in(&page)
    })
    .await;
    (collector, agent)
}

async fn is_gone(collector: &Collector, goodbye: f64, within: Duration) {
    eventually("the agent is gone", within, async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_agent_up").is(0.0).found_in(&page)?;
        metric("dawnwatch_agent_goodbye")
            .is(goodbye)
            .found_in(&page)?;
        metric("dawnwatch_cpu_usage_ratio").absent_from(&page)?;
        metric("dawnwatch_memory_available_bytes").absent_from(&page)
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_is_stopped_says_goodbye() {
    let (collector, mut agent) = watched().await;
    agent.stop().await.succeeded();
    is_gone(&collector, 1.0, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_goodbye_outlives_the_collector() {
    let (mut collector, mut agent) = watched().await;
    agent.stop().await.succeeded();
    is_gone(&collector, 1.0, Duration::from_secs(5)).await;
    collector.stop().await.succeeded();
    collector.restart().await;
    is_gone(&collector, 1.0, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_agent_that_was_killed_is_silent() {
    let (collector, mut agent) = watched().await;
    agent.kill();
    is_gone(&collector, 0.0, STALE).await;
}

#[tokio::test]
async fn an_agent_that_comes_back_takes_its_goodbye_back() {
    let (collector, mut agent) = watched().await;
    agent.stop().await.succeeded();
    is_gone(&collector, 1.0, Duration::from_secs(5)).await;
    agent.run();
    eventually("it is back", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_agent_goodbye").is(0.0).found_in(&page)?;
        metric("dawnwatch_agent_up").is(1.0).found_in(&page)
    })
    .await;
}

/// In the middle of a handshake that gets nowhere.
#[tokio::test]
async fn an_agent_without_a_collector_stops_at_once() {
    let collector = Collector::started().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", nobody.local_addr().unwrap());
    let settings = collector
        .folder()
        .write("nobody.toml", format!("collector = {url:?}\n"));
    agent.run_with(&["--config", settings.to_str().unwrap()]);
    let _connection = nobody.accept().await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(2), agent.stop()).await;
    stopped.expect("it stops within two seconds").succeeded();
}
