//! The product's programs find in the lab what they find in a centre.

use std::time::Duration;

use crate::emulator::Impairment;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::{Agent, Collector, eventually, metric};
use crate::network::COLLECTOR;
use crate::{Lab, ms, needs};

const FIRST_VALUES: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_agent_on_a_pc_reports_to_a_collector_in_the_world() {
    let lab = needs!(Lab::new());
    lab.line().both(Impairment::none().delay(ms(10)));
    let _there = lab.in_the_world();
    let setup = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    let collector = setup.listening_on(COLLECTOR.into()).start().await;
    let token = collector.token("cong-son").await;
    let mut agent = Agent::installed_within(&lab.on_pc(1));
    agent.enrol(&collector, &token, &[]).await.succeeded();
    agent.run();
    let median = metric("dawnwatch_link_rtt_median_seconds").label("target", "collector");
    eventually("the line's delay is measured", FIRST_VALUES, async || {
        let median = median.found_in(&collector.metrics().await?)?;
        match (0.020..0.025).contains(&median) {
            true => Ok(()),
            false => Err(format!("{median} s")),
        }
    })
    .await;
}
