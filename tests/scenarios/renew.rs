//! A certificate never strands a PC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::FIRST_VALUES;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::{Agent, Collector, eventually, metric};

/// A collector, and an agent that enrolled but was not started until this long after its certificate
/// expires; before, when that is negative.
async fn slept_until(after_expiry: i64, lifetime: &'static str) -> (Collector, Agent, i64) {
    let setup = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    let collector = setup.with_certificates_for(lifetime).start().await;
    let agent = Agent::enrolled_at(&collector, "cong-son").await;
    let status = agent.status().await.unwrap();
    let until = status["certificate_until_unix_ms"].as_i64().unwrap();
    eventually("the agent has slept enough", FIRST_VALUES, async || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_millis()).unwrap();
        match now >= until + after_expiry {
            true => Ok(()),
            false => Err(format!("it is {now}, the certificate ends at {until}")),
        }
    })
    .await;
    (collector, agent, until)
}

#[allow(clippy::cast_precision_loss, reason = "seconds of this century")]
async fn reports_with_a_certificate_beyond(until_unix_ms: i64, collector: &Collector) {
    eventually("the agent reports, renewed", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_agent_up").is(1.0).found_in(&page)?;
        metric("dawnwatch_cpu_usage_ratio").found_in(&page)?;
        let expiry = metric("dawnwatch_agent_certificate_expiry_timestamp_seconds");
        let expiry = expiry.found_in(&page)?;
        match expiry > until_unix_ms as f64 / 1000.0 {
            true => Ok(()),
            false => Err(format!("expires at {expiry}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_certificate_is_renewed_before_it_expires() {
    let (collector, mut agent, until) = slept_until(-3_000, "12s").await;
    agent.run();
    reports_with_a_certificate_beyond(until, &collector).await;
}

#[tokio::test]
async fn an_agent_that_slept_through_its_expiry_comes_back() {
    let (collector, mut agent, until) = slept_until(1_000, "1s").await;
    agent.run();
    reports_with_a_certificate_beyond(until, &collector).await;
}

/// Off for the whole renewal, with a collector that is not there either.
#[tokio::test]
async fn an_expired_agent_waits_for_its_collector() {
    let (mut collector, mut agent, until) = slept_until(1_000, "1s").await;
    collector.kill();
    agent.run();
    eventually(
        "the agent says that nobody answers",
        FIRST_VALUES,
        async || {
            let status = agent.status().await?;
            match status["connection_problem"].is_string() {
                true => Ok(()),
                false => Err(status.to_string()),
            }
        },
    )
    .await;
    collector.restart().await;
    let patient = Duration::from_secs(60);
    eventually("the agent connects", patient, async || {
        metric("dawnwatch_agent_up")
            .is(1.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
    reports_with_a_certificate_beyond(until, &collector).await;
}

#[tokio::test]
async fn a_live_stream_outlives_its_certificate() {
    let setup = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    let collector = setup.with_certificates_for("6s").start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let status = agent.status().await.unwrap();
    let until = status["certificate_until_unix_ms"].as_i64().unwrap();
    agent.run();
    reports_with_a_certificate_beyond(until, &collector).await;
    let page = collector.metrics().await.unwrap();
    let ended = metric("dawnwatch_collector_streams_ended_total").all_in(&page);
    assert!(ended.iter().all(|ended| ended.value == 0.0), "{ended:?}");
}

/// Nor does a disk that fails later: what is on it is not needed to renew.
#[tokio::test]
async fn a_disk_that_takes_nothing_strands_nobody() {
    let setup = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    let collector = setup.with_certificates_for("8s").start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let status = agent.status().await.unwrap();
    let until = status["certificate_until_unix_ms"].as_i64().unwrap();
    agent.run();
    eventually("the agent connects", FIRST_VALUES, async || {
        metric("dawnwatch_agent_up")
            .is(1.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
    std::fs::remove_file(agent.data().join("key.pem")).unwrap();
    let identity = agent.data().join("identity.json");
    std::fs::remove_file(&identity).unwrap();
    std::fs::create_dir(&identity).unwrap();
    reports_with_a_certificate_beyond(until, &collector).await;
}
