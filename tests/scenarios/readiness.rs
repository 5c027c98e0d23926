//! Before the doors open it is said whether a centre can serve people, by who is awake there: in the API, in `/metrics`,
//! in one message of the morning; and a restart forgets nothing of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diagnosis::calendar::{Local, UTC_PLUS_7};
use serde_json::{Value, json};

use crate::FIRST_VALUES;
use crate::harness::alertmanager::Alertmanager;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::{Agent, Collector, eventually, metric, portal};
use crate::needs;

/// The check of ten minutes before is a minute or two ahead, and some.
const CHECKED: Duration = Duration::from_secs(240);

/// Everything is looked at each ten seconds.
const LOOKED: Duration = Duration::from_secs(60);

/// Agents have two minutes to come before the message of the morning.
const TOLD: Duration = Duration::from_secs(240);

/// The settings by which the centre opens eleven minutes from now, or as soon as a day begins that has begun by then.
fn opening_soon() -> (String, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs_f64();
    let mut opens = Local::at(now + 11.0 * 60.0, UTC_PLUS_7);
    if opens.minute() >= 23 * 60 + 55 {
        opens = Local::at(now + 16.0 * 60.0, UTC_PLUS_7);
    }
    let (date, minute) = (opens.date, opens.minute());
    let time = format!("{:02}:{:02}", minute / 60, minute % 60);
    let settings = format!("[[exception]]\ndate = \"{date}\"\nhours = \"{time}-23:59\"\n");
    (settings, date.to_string())
}

/// The centre, as the API tells it.
async fn centre(collector: &Collector) -> Result<Value, String> {
    let all = collector.api("/api/v1/readiness?centre=cong-son").await?;
    all.get(0).cloned().ok_or_else(|| all.to_string())
}

async fn becomes(collector: &Collector, state: &str) {
    eventually(state, LOOKED, async || {
        let centre = centre(collector).await?;
        let is_so = centre["state"] == state;
        is_so.then_some(()).ok_or_else(|| centre.to_string())
    })
    .await;
    eventually("and /metrics says so too", LOOKED, async || {
        let page = collector.metrics().await?;
        let series = metric("dawnwatch_readiness").label("centre", "cong-son");
        let all = series.clone().all_in(&page).len();
        let so = series.clone().is(1.0).all_in(&page).len();
        let this = series.label("state", state).is(1.0).all_in(&page).len();
        ((all, so, this) == (4, 1, 1)).then_some(()).ok_or(format!(
            "{all} series, {so} of them 1, {this} of them {state}"
        ))
    })
    .await;
}

#[tokio::test]
async fn a_centre_is_ready_by_who_is_awake_and_the_morning_has_one_message() {
    let alertmanager = needs!(Alertmanager::started().await);
    let (calendar, date) = opening_soon();
    let alerting = format!("[alertmanager]\nurl = {:?}\n", alertmanager.url());
    // Only names that every machine knows are looked up: that no resolver answers here would stay a fault.
    let (_serving, address) = portal("127.0.0.1:0").await;
    let (_, port) = address.rsplit_once(':').unwrap();
    let service = format!("[[service]]\nname = \"portal\"\nurl = \"http://localhost:{port}/\"\n");
    let mut collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .with_settings(&calendar)
        .with_settings(&alerting)
        .with_settings(&service)
        .start()
        .await;
    becomes(&collector, "unknown").await;
    let nobody = centre(&collector).await.unwrap();
    assert_eq!(nobody["reason"]["code"], "no_witness", "{nobody}");
    assert_eq!(nobody["reason"]["owner"]["code"], "clerk", "{nobody}");
    assert_eq!(nobody["witnesses"]["expected"], 0, "{nobody}");
    assert!(nobody["opening"].is_string(), "{nobody}");

    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    eventually(
        "the agent is a witness",
        FIRST_VALUES + LOOKED,
        async || {
            let centre = centre(&collector).await?;
            let witnesses = &centre["witnesses"];
            let is_there = witnesses["awake"] == 1 && witnesses["expected"] == 1;
            is_there.then_some(()).ok_or_else(|| centre.to_string())
        },
    )
    .await;
    let checked = eventually("it is checked ten minutes before", CHECKED, async || {
        let centre = centre(&collector).await?;
        let checks = centre["checks"].as_array().ok_or("no checks")?;
        let check = checks.iter().find(|check| check["check"] == "T-10");
        check.cloned().ok_or_else(|| centre.to_string())
    })
    .await;
    assert_ne!(checked["state"], "unknown", "somebody is awake: {checked}");

    let told = eventually("the message of the morning", TOLD, async || {
        let alerts = alertmanager.alerts().await?;
        let digest = alerts
            .iter()
            .find(|alert| alert["labels"]["alertname"] == "DawnwatchDigest");
        digest.cloned().ok_or_else(|| format!("{alerts:?}"))
    })
    .await;
    assert_eq!(told["labels"]["part"], "opening");
    assert_eq!(told["labels"]["day"], json!(date));
    let summary = told["annotations"]["summary"].as_str().unwrap_or_default();
    assert!(
        summary.contains("unknown 0"),
        "somebody is awake: {summary}"
    );

    // Whoever is started again knows what it said; and the registry has it for good.
    collector.kill();
    collector.restart().await;
    let path = format!("/api/v1/readiness?date={date}");
    let kept = collector.api(&path).await.unwrap();
    for what in ["check", "state", "reason"] {
        assert_eq!(kept[0]["checks"][0][what], checked[what], "{kept}");
    }
    eventually("the check is known again", LOOKED, async || {
        let centre = centre(&collector).await?;
        let is_so = centre["checks"][0]["check"] == "T-10" && centre["checks"][0]["at"].is_string();
        is_so.then_some(()).ok_or_else(|| centre.to_string())
    })
    .await;

    // Off is not down: then nobody can say.
    agent.stop().await.succeeded();
    becomes(&collector, "unknown").await;
    let digests = alertmanager.alerts().await.unwrap();
    let digests = digests
        .iter()
        .filter(|alert| alert["labels"]["alertname"] == "DawnwatchDigest");
    assert_eq!(digests.count(), 1, "the morning has one message");
}
