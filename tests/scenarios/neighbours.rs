//! PCs of one centre probe each other, so that a fault in the house is told from one of the line.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::netns::{GATEWAY, Network, OTHER_PC, PC};
use crate::harness::scrape::Wanted;
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// A collector that has just started waits so long for others to come back, and some.
const GATHERED: Duration = Duration::from_secs(150);

#[tokio::test]
async fn two_pcs_find_each_other_by_way_of_the_collector() {
    let network = needs!(needs!(Network::new()).with_another_pc());
    let _there = needs!(network.at_the_gateway());
    let setup = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    let collector = setup.listening_on(GATEWAY.into()).start().await;
    let mut agents = Vec::new();
    for (place, name) in [
        (network.on_the_pc(), "pc-1"),
        (network.on_the_other_pc(), "pc-2"),
    ] {
        let mut agent = Agent::installed_within(&place);
        let token = collector.token_with("cong-son", &["--device", name]).await;
        agent.enrol(&collector, &token, &[]).await.succeeded();
        agent.run();
        eventually("it is there", FIRST_VALUES, async || {
            let up = metric("dawnwatch_agent_up").label("device", name).is(1.0);
            up.found_in(&collector.metrics().await?)
        })
        .await;
        agents.push(agent);
    }
    // The second is told at once, the first when things have settled.
    for (from, to, address, within) in [
        ("pc-2", "pc-1", PC, FIRST_VALUES),
        ("pc-1", "pc-2", OTHER_PC, GATHERED),
    ] {
        eventually("one probes the other", within, async || {
            let page = collector.metrics().await?;
            let info = link("dawnwatch_link_method_info", from, to);
            info.label("address", &address.to_string())
                .found_in(&page)?;
            link("dawnwatch_link_loss_ratio", from, to)
                .is(0.0)
                .found_in(&page)
        })
        .await;
    }
}

fn link(name: &str, from: &str, to: &str) -> Wanted {
    let link = metric(name).label("segment", "lan");
    link.label("device", from).label("target", to)
}
