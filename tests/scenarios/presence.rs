//! An agent says how it came and why it goes: a machine that lost its power is told from one that was shut down,
//! and both from an agent that was restarted alone.
//!
//! No test machine can be switched off: another boot is another name for it in the file that the agent leaves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::FIRST_VALUES;
use crate::harness::skip::program;
use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually, metric};
use crate::needs;

async fn collector() -> Collector {
    let collector = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    collector.start().await
}

/// The one device, as the collector shows it.
async fn device(collector: &Collector) -> Result<Value, String> {
    let devices = collector.api("/api/v1/devices?centre=cong-son").await?;
    let first = devices["devices"].get(0).or(devices.get(0));
    first.cloned().ok_or_else(|| devices.to_string())
}

/// Until the collector shows that it came so.
async fn came(collector: &Collector, how: Value) {
    eventually("it is known how the agent came", FIRST_VALUES, async || {
        let device = device(collector).await?;
        let as_expected = device["came"] == how && device["presence"] == "live";
        as_expected.then_some(()).ok_or_else(|| device.to_string())
    })
    .await;
}

/// Until the agent has written down that it was heard; one that is killed before tells it again.
async fn heard(agent: &Agent) {
    let path = agent.data().join("presence.json");
    eventually("what was told is written down", FIRST_VALUES, async || {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        text.contains("\"untold\":[]").then_some(()).ok_or(text)
    })
    .await;
}

/// What the agent left is of another boot than the one that comes.
fn boots(agent: &Agent) {
    let path = agent.data().join("presence.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut left: Value = serde_json::from_str(&text).unwrap();
    assert!(left["boot"].is_string(), "{left}");
    left["boot"] = json!("another boot");
    std::fs::write(&path, left.to_string()).unwrap();
}

#[tokio::test]
async fn a_machine_that_lost_its_power_is_told_from_one_that_was_shut_down() {
    let collector = collector().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    came(&collector, Value::Null).await;
    agent.kill();
    agent.run();
    came(&collector, json!("restart")).await;
    heard(&agent).await;
    agent.kill();
    boots(&agent);
    agent.run();
    came(&collector, json!("power_loss_boot")).await;
    agent.stop().await.succeeded();
    boots(&agent);
    agent.run();
    came(&collector, json!("clean_boot")).await;
    let page = collector.metrics().await.unwrap();
    let told = metric("dawnwatch_collector_turns_total").label("outcome", "told");
    told.is(3.0).found_in(&page).unwrap();
}

/// A power cut, and a collector that cannot be reached until after the agent was restarted once more.
#[tokio::test]
async fn what_happened_while_nobody_listened_is_told_afterwards() {
    let mut collector = collector().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    came(&collector, Value::Null).await;
    collector.stop().await.succeeded();
    agent.kill();
    boots(&agent);
    agent.run();
    let path = agent.data().join("presence.json");
    let seen = || std::fs::read_to_string(&path).unwrap_or_default();
    eventually("the boot is written down", FIRST_VALUES, async || {
        let text = seen();
        text.contains("power_loss_boot").then_some(()).ok_or(text)
    })
    .await;
    agent.stop().await.succeeded();
    agent.run();
    collector.restart().await;
    came(&collector, json!("restart")).await;
    let page = collector.metrics().await.unwrap();
    // The boot, the end that nobody heard, the restart.
    let told = metric("dawnwatch_collector_turns_total").label("outcome", "told");
    told.is(3.0).found_in(&page).unwrap();
    assert!(!seen().contains("power_loss_boot"), "it is told once");
}

#[tokio::test]
async fn a_shutdown_is_told_from_an_agent_that_was_stopped_and_stays_known() {
    let unshare = needs!(program("unshare"));
    if !rustix::process::geteuid().is_root() {
        crate::harness::skip::skip("another /run needs root");
        return;
    }
    let mut collector = collector().await;
    let unshare = unshare.to_string_lossy().into_owned();
    let going_down = "mount -t tmpfs tmpfs /run && touch /run/nologin && exec \"$0\" \"$@\"";
    let within = [&unshare, "--mount", "sh", "-c", going_down].map(str::to_owned);
    for (within, reason) in [(&within[..], "shutdown"), (&[], "stop")] {
        let mut agent = Agent::installed_within(within);
        let token = collector.token("cong-son").await;
        agent.enrol(&collector, &token, &[]).await.succeeded();
        agent.run();
        eventually("the agent reports", FIRST_VALUES, async || {
            let page = collector.metrics().await?;
            metric("dawnwatch_agent_up").is(1.0).found_in(&page)
        })
        .await;
        agent.stop().await.succeeded();
        let goodbye = metric("dawnwatch_agent_goodbye_reason").label("reason", reason);
        eventually("the goodbye is shown", Duration::from_secs(5), async || {
            let page = collector.metrics().await?;
            goodbye.clone().is(1.0).found_in(&page)
        })
        .await;
    }
    collector.stop().await.succeeded();
    collector.restart().await;
    let page = collector.metrics().await.unwrap();
    for reason in ["shutdown", "stop"] {
        let goodbye = metric("dawnwatch_agent_goodbye_reason").label("reason", reason);
        goodbye.is(1.0).found_in(&page).unwrap();
    }
}
