//! `dawnwatch up --simulate`: centres that do not exist, on real connections, seen as any other; and what is made to fail
//! there is diagnosed. `dawnwatch simulate --collector` tells the same to a collector of somebody else.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::FIRST_VALUES;
use crate::harness::collector::announced;
use crate::harness::process::{Folder, Process};
use crate::harness::scrape::fetch;
use crate::harness::{Collector, binaries, eventually, metric};

/// A fault begins 75 seconds after the start at the latest, and is known two minutes later.
const NAMED: Duration = Duration::from_secs(240);

async fn api(page: &str, path: &str) -> Result<Vec<Value>, String> {
    let text = fetch(&format!("http://{page}/api/v1/{path}")).await?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    value.as_array().cloned().ok_or(text)
}

fn word(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn simulated_centres_are_seen_and_what_fails_there_becomes_an_incident() {
    let folder = Folder::new("simulated");
    let settings = "[http]\nlisten = \"127.0.0.1:0\"\n[grpc]\nlisten = \"127.0.0.1:0\"\n\
                    [plan]\nusual = false\nreport_interval = \"15s\"\n";
    let file = folder.write("up.toml", settings);
    let mut command = binaries::dawnwatch();
    command
        .args(["up", "--simulate", "3", "--data"])
        .arg(folder.path().join("data"))
        .arg("--config")
        .arg(file);
    let mut up = Process::start("up", &mut command, &folder);
    let page = announced(&mut up, "http://").await.to_string();
    eventually("three centres report", FIRST_VALUES * 2, async || {
        let centres = api(&page, "centres").await?;
        let simulated = centres
            .iter()
            .filter(|centre| centre["notes"] == "simulated");
        let reporting = simulated.filter(|centre| centre["agents"]["live"].as_u64() > Some(1));
        match reporting.count() {
            3 => Ok(()),
            other => Err(format!("{other} of 3 report: {centres:?}")),
        }
    })
    .await;
    let found = eventually("a fault is an incident", NAMED, async || {
        let told = up.stdout();
        // "simulated: begins: line_down VNPT in an-son", where it is not of many centres.
        let of_one = |line: &&str| line.contains("simulated: ") && !line.ends_with(" centres");
        let centres = told.lines().filter(of_one);
        let centres: Vec<&str> = centres.filter_map(|line| line.rsplit(' ').next()).collect();
        let faults = api(&page, "faults").await?;
        let of_them = |fault: &&Value| centres.contains(&word(fault, "centre").as_str());
        let found = faults.iter().find(of_them).cloned();
        found.ok_or_else(|| format!("told {centres:?}, found {faults:?}"))
    })
    .await;
    assert!(!word(&found["sentence"], "vi").is_empty(), "{found}");
    up.signal(Signal::INT);
    up.finish(Duration::from_secs(30)).await.succeeded();
}

#[tokio::test]
async fn a_province_is_told_to_any_collector_that_gives_tokens() {
    let collector = Collector::with_centres("id,name\nmau-son,Mẫu Sơn\n")
        .start()
        .await;
    let token = collector.token_with("mau-son", &["--reusable"]).await;
    let folder = Folder::new("simulated");
    let mut command = binaries::dawnwatch();
    command
        .args(["simulate", "--quiet", "--speed", "10", "--token", &token])
        .arg("--collector")
        .arg(format!("https://{}", collector.agent_address()))
        .arg("--data")
        .arg(folder.path().join("machines"));
    let mut province = Process::start("simulate", &mut command, &folder);
    eventually("its machines are seen", FIRST_VALUES * 2, async || {
        let page = collector.metrics().await?;
        let loss = metric("dawnwatch_link_loss_ratio").label("centre", "mau-son");
        loss.label("segment", "core").found_in(&page)?;
        let success = metric("dawnwatch_probe_success").label("centre", "mau-son");
        success.is(1.0).found_in(&page).map(|_| ())
    })
    .await;
    province.signal(Signal::INT);
    province.finish(Duration::from_secs(30)).await.succeeded();
}
