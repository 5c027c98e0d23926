//! A real Prometheus understands `/metrics`, and its own tool has nothing to say against it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::FIRST_VALUES;
use crate::harness::skip::program;
use crate::harness::{Agent, Collector, Prometheus, collector::ONE_CENTRE, eventually, metric};
use crate::needs;

#[tokio::test]
async fn what_is_shown_is_what_prometheus_stores() {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let prometheus = needs!(Prometheus::scraping(collector.http_address()).await);
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    prometheus.has_scraped().await;
    eventually(
        "prometheus has the agent's values",
        FIRST_VALUES,
        async || {
            let page = collector.metrics().await?;
            for name in ["dawnwatch_agent_up", "dawnwatch_memory_size_bytes"] {
                let shown = metric(name).label("centre", "cong-son").found_in(&page)?;
                let stored = prometheus
                    .query(&format!("{name}{{centre=\"cong-son\"}}"))
                    .await?;
                match &stored[..] {
                    [(labels, value)] if *value == shown && labels["kind"] == "pc" => {}
                    other => return Err(format!("{name}: shown {shown}, stored {other:?}")),
                }
            }
            Ok(())
        },
    )
    .await;
    let dropped =
        prometheus.query("scrape_samples_post_metric_relabeling - scrape_samples_scraped");
    assert_eq!(dropped.await.unwrap()[0].1, 0.0);
}

#[tokio::test]
async fn promtool_finds_no_fault_with_the_page() {
    needs!(program("promtool"));
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    let page = eventually("all kinds of values are shown", FIRST_VALUES, async || {
        let text = collector.page("/metrics").await?;
        for name in [
            "dawnwatch_cpu_usage_ratio{",
            "dawnwatch_link_rtt_seconds_bucket{",
        ] {
            if !text.contains(name) {
                return Err(format!("no {name}"));
            }
        }
        Ok(text)
    })
    .await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    // The public contract names one metric in the unit that links are sold by.
    let agreed = |line: &&str| line.starts_with("dawnwatch_interface_speed_bits_per_second ");
    let complaints: Vec<_> = said.lines().filter(|line| !agreed(line)).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}
