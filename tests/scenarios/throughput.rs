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

/// What one carries on which the bytes of a transfer take half a minute.
const SLOW_KILOBITS: u32 = 96;

/// Longer than the shortest interval that a plan may have.
const SOME_INTERVALS: Duration = Duration::from_secs(200);

#[tokio::test]
async fn it_is_what_the_line_carries_and_one_of_a_centre_finds_out() {
    let network = needs!(Network::new());
    needs!(program("tc"));
    needs!(network.limit(MEGABITS * 1_000, 400));
    let _there = needs!(network.at_the_gateway());
    let collector = collector().await;
    let mut agents = Vec::new();
    for limits in ["", "", "metered = true"] {
        agents.push(agent(&collector, &network, limits).await);
    }
    let page = one_has_measured(&collector).await;
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

#[tokio::test]
async fn a_line_too_slow_for_all_the_bytes_is_measured_by_what_came() {
    let network = needs!(Network::new());
    needs!(program("tc"));
    needs!(network.limit(SLOW_KILOBITS, 2_000));
    let _there = needs!(network.at_the_gateway());
    let collector = collector().await;
    let _agent = agent(&collector, &network, "").await;
    let page = one_has_measured(&collector).await;
    // TCP fills such a line badly in so short a time.
    let told = ["download", "upload"].map(|direction| measured(direction).in_(&page) / 1e3);
    let shares = told.map(|told| told / f64::from(SLOW_KILOBITS));
    let is_near = |share: &f64| (0.4..=1.15).contains(share);
    assert!(shares.iter().all(is_near), "{told:?} kbit/s");
}

async fn collector() -> Collector {
    let settings = "[plan]\nlink_interval = \"1s\"\nhost_interval = \"1s\"\nreport_interval = \"1s\"\n\
        throughput_interval = \"1m\"\nthroughput_bytes = \"400kB\"\n";
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(settings);
    setup.listening_on(GATEWAY.into()).start().await
}

/// One on the PC, running, with something in its `[limits]`.
async fn agent(collector: &Collector, network: &Network, limits: &str) -> Agent {
    let mut agent = Agent::installed_within(&network.on_the_pc());
    let token = collector.token("cong-son").await;
    agent.enrol(collector, &token, &[]).await.succeeded();
    let settings = format!("[limits]\n{limits}\n");
    let settings = agent.folder().write("agent.toml", settings);
    agent.run_with(&["--config", settings.to_str().unwrap()]);
    agent
}

async fn one_has_measured(collector: &Collector) -> Page {
    eventually("one has measured", SOME_INTERVALS, async || {
        let page = collector.metrics().await?;
        measured("upload").found_in(&page)?;
        Ok(page)
    })
    .await
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
