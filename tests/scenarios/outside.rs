//! The province's own agent looks at the line of a centre from outside; what it sees is evidence on that centre.

use std::time::Duration;

use serde_json::Value;

use crate::FIRST_VALUES;
use crate::harness::netns::{GATEWAY, Network, PC};
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

const CENTRES: &str = "id,name\ntinh,Tỉnh\ncong-son,Công Sơn\n";

/// The rounds of the last seconds, and some.
const SOON: Duration = Duration::from_secs(60);

/// What the evidence says of the line of a centre: sent and received, oldest first.
async fn pings(collector: &Collector, centre: &str) -> Vec<(u64, u64)> {
    let exported = collector.command(&["export-evidence"]).await.succeeded();
    let lines = exported.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line
    });
    let of_centre = lines.filter(|line| line["centre"] == centre && line.get("agent").is_none());
    let pings = of_centre.filter_map(|line| {
        let ping = line.get("reverse_ping")?;
        Some((ping["sent"].as_u64()?, ping["received"].as_u64()?))
    });
    pings.collect()
}

#[tokio::test]
async fn the_province_sees_whether_a_centre_answers_from_outside() {
    let network = needs!(Network::new());
    let _there = needs!(network.at_the_gateway());
    // Seen from the province, which is at the end with the collector, the machine on the wire is a centre's router.
    let settings = format!(
        "[reverse]\nfrom = \"tinh\"\n[[line]]\ncentre = \"cong-son\"\naddress = \"{PC}\"\n\
         [plan]\nlink_interval = \"1s\"\nreport_interval = \"1s\"\n"
    );
    let setup = Collector::with_centres(CENTRES).with_settings(&settings);
    let collector = setup.listening_on(GATEWAY.into()).start().await;
    let mut agents = Vec::new();
    for (centre, place) in [("tinh", Vec::new()), ("cong-son", network.on_the_pc())] {
        let mut agent = Agent::installed_within(&place);
        let token = collector.token(centre).await;
        agent.enrol(&collector, &token, &[]).await.succeeded();
        agent.run();
        agents.push(agent);
    }
    let seen = || {
        let of = metric("dawnwatch_link_loss_ratio").label("centre", "tinh");
        of.label("segment", "reverse").label("target", "cong-son")
    };
    eventually("the line answers", FIRST_VALUES, async || {
        seen().is(0.0).found_in(&collector.metrics().await?)?;
        let told = pings(&collector, "cong-son").await;
        let answered = told
            .iter()
            .any(|(sent, received)| *sent > 0 && sent == received);
        answered.then_some(()).ok_or(format!("{told:?}"))
    })
    .await;
    let page = collector.page("/centres/cong-son?lang=en").await.unwrap();
    assert!(page.contains("Line seen from the province"), "{page}");
    assert!(page.contains(&PC.to_string()), "{page}");

    network.pc_loses_percent_of_echoes(100);
    eventually("the line is silent", SOON, async || {
        seen().is(1.0).found_in(&collector.metrics().await?)?;
        let told = pings(&collector, "cong-son").await;
        let last = told.iter().rev().take(2);
        let silent = last.filter(|(sent, received)| *sent > 0 && *received == 0);
        (silent.count() == 2)
            .then_some(())
            .ok_or(format!("{told:?}"))
    })
    .await;
    assert_eq!(
        pings(&collector, "tinh").await,
        [],
        "it is not its own line"
    );
    // Who is not to look does not: nothing else pings that line.
    let page = collector.metrics().await.unwrap();
    let all = metric("dawnwatch_link_sent_total").label("segment", "reverse");
    assert_eq!(all.all_in(&page).len(), 1);
}
