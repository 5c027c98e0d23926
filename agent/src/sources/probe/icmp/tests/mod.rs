//! A source on a machine that tests lay out: its own targets, answered by this machine, and by others
//! (`on_a_road.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests, which say what they skip"
)]
#[cfg(target_os = "linux")]
mod on_a_road;

use std::collections::BTreeMap;

use proto::metrics::{Metric, Part};
use proto::plan::{Segment, Target};
use tokio::sync::watch;

use super::*;
use crate::os::Root;

/// A source whose machine has no routes and no resolvers, so that it probes these targets alone.
fn alone(targets: &[(&str, &str)], folder: &tempfile::TempDir) -> (Icmp, watch::Sender<Plan>) {
    std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
    std::fs::write(folder.path().join("proc/net/route"), "header\n").unwrap();
    let (sender, plan) = watch::channel(plan(targets));
    let mut icmp = Icmp::new(Context::new(plan, None, BTreeMap::new()));
    icmp.looking.root = Root(folder.path().to_owned());
    (icmp, sender)
}

/// Runs it once.
async fn sample(icmp: &mut Icmp) -> Readings {
    let mut readings = Readings::default();
    icmp.sample(&mut readings).await.unwrap();
    readings
}

fn plan(targets: &[(&str, &str)]) -> Plan {
    let target = |(name, address): &(&str, &str)| Target {
        name: (*name).to_owned(),
        address: (*address).to_owned(),
        segment: Segment::Lan,
        network: None,
    };
    Plan {
        link_interval: Duration::from_secs(1),
        targets: targets.iter().map(target).collect(),
        ..Plan::default()
    }
}

fn value(readings: &Readings, metric: &'static Metric, target: &str) -> Option<f64> {
    let found = readings.taken.iter().find(|reading| {
        let labels = &reading.series.labels;
        reading.series.metric == metric
            && matches!(reading.series.part, Part::Value | Part::Count)
            && labels
                .iter()
                .any(|label| *label == ("target", target.to_owned()))
    });
    Some(found?.value)
}

fn method(readings: &Readings, target: &str) -> String {
    let infos = readings.taken.iter().map(|reading| &reading.series);
    let mut infos = infos.filter(|series| series.metric == &metrics::LINK_METHOD_INFO);
    let of_target = |label: &(&str, String)| *label == ("target", target.to_owned());
    let labels = &infos
        .find(|info| info.labels.iter().any(of_target))
        .unwrap()
        .labels;
    labels.last().unwrap().1.clone()
}

#[tokio::test]
async fn real_echoes_are_answered_over_both_families() {
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = alone(&[("four", "127.0.0.1"), ("six", "::1")], &folder);
    let mut readings = Readings::default();
    icmp.sample(&mut readings).await.unwrap();
    if let Some(limitation) = readings.limitations.first() {
        assert!(
            std::env::var("CI").is_err(),
            "a skip fails here: {limitation}"
        );
        println!("skipped, because {limitation}");
        return;
    }
    let six = std::net::UdpSocket::bind("[::1]:0").map(|_| "six");
    if let Err(error) = &six {
        println!("IPv6 is skipped, because this machine has no ::1: {error}");
    }
    for target in std::iter::once("four").chain(six) {
        assert!(method(&readings, target).starts_with("icmp_"));
        let value = |metric| value(&readings, metric, target);
        assert_eq!(value(&metrics::LINK_SENT), Some(5.0));
        assert_eq!(value(&metrics::LINK_RECEIVED), Some(5.0));
        assert_eq!(value(&metrics::LINK_LOSS), Some(0.0));
        assert_eq!(value(&metrics::LINK_RTT), Some(5.0), "observations");
        let [min, median, max] = [
            &metrics::LINK_RTT_MIN,
            &metrics::LINK_RTT_MEDIAN,
            &metrics::LINK_RTT_MAX,
        ]
        .map(|metric| value(metric).unwrap());
        assert!(min <= median && median <= max && max < 1.0);
        assert!(value(&metrics::LINK_JITTER).unwrap() <= max - min);
    }
}

#[tokio::test]
async fn all_links_fit_into_the_series_of_one_agent_beside_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = alone(&[("a", "127.0.0.1")], &folder);
    let mut readings = Readings::default();
    icmp.sample(&mut readings).await.unwrap();
    // What comes with the twentieth answer, and with the first burst.
    let later = 2;
    let host = 16 * 10 + 32 * 2 + 16 * 2 + 32 + 4 + 50;
    let all = (readings.taken.len() + later) * targets::BOUND + host;
    assert!(all <= proto::limits::SERIES_PER_AGENT, "{all}");
}

#[tokio::test]
async fn counters_go_on_and_what_left_the_plan_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan_sender) = alone(&[("a", "127.0.0.1"), ("b", "127.0.0.2")], &folder);
    icmp.sample(&mut Readings::default()).await.unwrap();
    plan_sender.send(plan(&[("a", "127.0.0.1")])).unwrap();
    let mut readings = Readings::default();
    icmp.sample(&mut readings).await.unwrap();
    assert_eq!(value(&readings, &metrics::LINK_SENT, "a"), Some(10.0));
    assert_eq!(value(&readings, &metrics::LINK_SENT, "b"), None);
    assert_eq!(icmp.links.len(), 1);
}

#[tokio::test]
async fn a_dead_target_is_a_reading_and_an_empty_machine_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan_sender) = alone(&[("nobody", "no such name")], &folder);
    icmp.names = Names::with(|_| Box::pin(std::future::ready(Ok(Vec::new()))));
    let mut readings = Readings::default();
    icmp.sample(&mut readings).await.unwrap();
    assert_eq!(value(&readings, &metrics::LINK_LOSS, "nobody"), Some(1.0));
    assert_eq!(value(&readings, &metrics::LINK_SENT, "nobody"), Some(5.0));
    assert_eq!(
        value(&readings, &metrics::LINK_RECEIVED, "nobody"),
        Some(0.0)
    );
    assert_eq!(value(&readings, &metrics::LINK_RTT_MIN, "nobody"), None);

    plan_sender.send(plan(&[])).unwrap();
    let error = icmp.sample(&mut Readings::default()).await.unwrap_err();
    assert!(error.what.contains("no gateway"), "{error}");
}
