//! What a line carries is told by one machine of a centre at a time, and nobody is asked who pays by the byte.

use std::time::Duration;

use crate::harness::collector::ONE_CENTRE;
use crate::harness::netns::{GATEWAY, Network};
use crate::harness::scrape::{Page, Wanted};
use crate::harness::skip::program;
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// What the cable carries.
const MEGABITS: u32 = 4;

/// Longer than the shortest interval that a plan may have.
const SOME_INTERVALS: Duration = Duration::from_secs(200);

#[tokio::test]
async fn it_is_what_the_line_carries_and_one_of_a_centre_finds_out() {
    let network = needs!(Network::new());
    needs!(program("tc"));
    needs!(network.limit(MEGABITS, 400));
    let _there = needs!(network.at_the_gateway());
    let settings = "[plan]\nlink_interval = \"1s\"\nhost_interval = \"1s\"\nreport_interval = \"1s\"\n\
        throughput_interval = \"1m\"\nthroughput_bytes = \"400kB\"\n";
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(settings);
    let collector = setup.listening_on(GATEWAY.into()).start().await;
    let mut agents = Vec::new();
    for limits in ["", "", "metered = true"] {
        let mut agent = Agent::installed_within(&network.on_the_pc());
        let token = collector.token("cong-son").await;
        agent.enrol(&collector, &token, &[]).await.succeeded();
        let settings = format!("[limits]\n{limits}\n");
        let settings = agent.folder().write("agent.toml", settings);
        agent.run_with(&["--config", settings.to_str().unwrap()]);
        agents.push(agent);
    }
    let page = eventually("one has measured", SOME_INTERVALS, async || {
        let page = collector.metrics().await?;
        measured("upload").found_in(&page)?;
        Ok(page)
    })
    .await;
    for direction in ["download", "upload"] {
        let told = measured(direction).in_(&page) / 1e6;
        let share = told / f64::from(MEGABITS);
        assert!((0.85..=1.15).contains(&share), "{direction}: {told} Mbit/s");
        let loaded = metric("dawnwatch_throughput_loaded_rtt_seconds");
        let loaded = loaded.label("direction", direction).in_(&page);
        assert!((0.05..0.6).contains(&loaded), "{direction}: {loaded} s");
    }
    eventually("idle, the line is fast again", SOME_INTERVALS, async || {
        let idle = metric("dawnwatch_link_rtt_median_seconds").label("segment", "gateway");
        let idle = idle.found_in(&collector.metrics().await?)?;
        if idle < 0.02 {
            Ok(())
        } else {
            Err(format!("{idle} s"))
        }
    })
    .await;
    let page = eventually("another was refused", SOME_INTERVALS, async || {
        let page = collector.metrics().await?;
        let refused = transfers("not_yet").found_in(&page)?;
        if refused > 0.0 {
            Ok(page)
        } else {
            Err("none was".into())
        }
    })
    .await;
    assert_eq!(transfers("cut_short").in_(&page), 0.0);
    let asking = metric("dawnwatch_agent_source_success").label("source", "throughput");
    let asking = asking.all_in(&page);
    assert_eq!(
        asking.len(),
        2,
        "the third is on a metered line: {asking:?}"
    );
    // A refusal is no failure.
    assert!(asking.iter().all(|one| one.value == 1.0), "{asking:?}");
    assert_eq!(up(&page), 3);
}

fn measured(direction: &str) -> Wanted {
    metric("dawnwatch_throughput_bits_per_second").label("direction", direction)
}

fn transfers(outcome: &str) -> Wanted {
    metric("dawnwatch_collector_transfers_total").label("outcome", outcome)
}

fn up(page: &Page) -> usize {
    metric("dawnwatch_agent_up").is(1.0).all_in(page).len()
}
