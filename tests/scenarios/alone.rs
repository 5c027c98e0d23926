//! A machine that is cut off says by itself what it finds, and no longer once it is heard.

use std::time::Duration;

use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually};

/// The agent waits up to 75 s before it looks, and looks for up to 27 s.
const A_LOOK: Duration = Duration::from_mins(3);

#[tokio::test]
async fn an_agent_without_its_collector_judges_for_itself() {
    let collector = Collector::with_centres(ONE_CENTRE).in_a_hurry();
    let mut collector = collector.start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    let says = async |wanted: fn(&serde_json::Value) -> bool| {
        let status = agent.status().await?;
        wanted(&status).then_some(()).ok_or(status.to_string())
    };
    eventually("it reports", A_LOOK, async || {
        says(|status| status["connected"] == true && status["own_verdict"].is_null()).await
    })
    .await;
    collector.kill();
    eventually("it says what it makes of it", A_LOOK, async || {
        says(|status| {
            let own = &status["own_verdict"];
            own["fault"].is_string() && own["sentence"]["vi"].is_string()
        })
        .await
    })
    .await;
    collector.restart().await;
    eventually("it leaves that to the collector", A_LOOK, async || {
        says(|status| status["connected"] == true && status["own_verdict"].is_null()).await
    })
    .await;
}
