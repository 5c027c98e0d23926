//! What really breaks is diagnosed: a portal that refuses is one fault, in the API and in `/metrics`, and over when it
//! answers again; and what the diagnosis was told can be replayed.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::{Agent, Collector, eventually, metric, portal};

const TWO_CENTRES: &str = "id,name,isp\ncong-son,Công Sơn,VNPT\nmau-son,Mẫu Sơn,Viettel\n";

/// Some rounds until it is sure, and some more on a busy machine.
const NAMED: Duration = Duration::from_secs(180);

/// Two clean minutes, and some.
const OVER: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_portal_that_refuses_is_one_fault_until_it_answers_again() {
    let (serving, address) = portal("127.0.0.1:0").await;
    let settings = format!(
        "[plan]\nservice_interval = \"2s\"\nlink_interval = \"2s\"\n\
         host_interval = \"5s\"\nreport_interval = \"5s\"\n\
         [[service]]\nname = \"portal\"\nurl = \"http://{address}/\"\n"
    );
    let collector = Collector::with_centres(TWO_CENTRES)
        .with_settings(&settings)
        .start()
        .await;
    let mut agents = Vec::new();
    for centre in ["cong-son", "mau-son"] {
        let mut agent = Agent::enrolled_at(&collector, centre).await;
        agent.run();
        agents.push(agent);
    }
    eventually("both use the portal", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        let used = metric("dawnwatch_probe_success")
            .is(1.0)
            .all_in(&page)
            .len();
        (used == 2).then_some(()).ok_or(format!("{used} do"))
    })
    .await;

    serving.abort();
    let _ = serving.await;
    let id = eventually("the fault is named", NAMED, async || {
        let faults = collector.api("/api/v1/faults?active=true").await?;
        let faults = faults.as_array().ok_or("no list")?;
        let fault = faults.iter().find(|fault| fault["segment"] == "service");
        let fault = fault.ok_or_else(|| format!("{faults:?}"))?;
        let scope = &fault["scope"]["centres"];
        let expected = serde_json::json!(["cong-son", "mau-son"]);
        (*scope == expected)
            .then_some(())
            .ok_or(format!("{scope}"))?;
        Ok(fault["id"].as_str().unwrap().to_owned())
    })
    .await;
    let page = collector.metrics().await.unwrap();
    let active = metric("dawnwatch_fault_active")
        .label("segment", "service")
        .label("culprit", "portal");
    assert_eq!(active.all_in(&page).len(), 2);

    let (_serving, _) = portal(&address).await;
    eventually("it is over", OVER, async || {
        let page = collector.metrics().await?;
        active.absent_from(&page)
    })
    .await;
    let one = collector
        .api(&format!("/api/v1/faults/{id}"))
        .await
        .unwrap();
    assert!(one["until"].is_string(), "{one}");
    let history = one["history"].as_array().unwrap();
    let told = history.iter().filter(|event| event["notify"] == true);
    assert_eq!(told.count(), 1, "{history:?}");

    let exported = collector.command(&["export-evidence"]).await.succeeded();
    assert!(exported.contains("\"outcome\":\"refused\""), "{exported}");
}
