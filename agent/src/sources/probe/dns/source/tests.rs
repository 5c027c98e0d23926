//! Runs of the whole source: against no resolver at all, and what is told of several runs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::IpAddr;

use proto::limits::{INTERVAL, RESOLVERS_PER_PLAN, SERIES_PER_AGENT};
use proto::metrics::Metric;
use proto::plan::Service;
use tokio::sync::watch;

use super::super::resolvers::OWN_BOUND;
use super::super::{Asked, Expected, Told};
use super::*;
use crate::os::Root;

fn planned(name: &str, address: &str, network: Option<&str>) -> proto::plan::Resolver {
    proto::plan::Resolver {
        name: name.to_owned(),
        address: address.parse().unwrap(),
        network: network.map(str::to_owned),
    }
}

fn plan(resolvers: Vec<proto::plan::Resolver>, hosts: &[&str]) -> Plan {
    let services = hosts.iter().map(|host| Service {
        name: (*host).to_owned(),
        url: format!("https://{host}/"),
        expect: None,
        network: None,
    });
    Plan {
        // Leaves a busy machine its time.
        service_interval: Duration::from_secs(8),
        services: services.collect(),
        resolvers,
        ..Plan::default()
    }
}

/// A source whose machine has no routes, and these resolvers.
fn alone(plan: Plan, resolv_conf: &str, folder: &tempfile::TempDir) -> Dns {
    for (path, text) in [
        ("proc/net/route", "header\n"),
        ("etc/resolv.conf", resolv_conf),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (_, plan) = watch::channel(plan);
    let mut dns = Dns::new(Context::new(plan, None, BTreeMap::new()));
    dns.looking.root = Root(folder.path().to_owned());
    dns
}

fn told(readings: &Readings, metric: &'static Metric) -> Vec<(String, f64)> {
    let taken = readings.taken.iter();
    let of_metric = taken.filter(|reading| reading.series.metric == metric);
    let told = of_metric.map(|reading| {
        let labels = reading.series.labels.iter();
        let labels: Vec<_> = labels.map(|(_, value)| value.as_str()).collect();
        (labels.join(" "), reading.value)
    });
    told.collect()
}

fn judged(outcome: Outcome) -> Judged {
    let name = Name {
        host: "portal.vn".to_owned(),
        expected: Expected::Public,
    };
    let asked = Asked {
        outcome,
        addresses: vec![IpAddr::from([203, 0, 113, 1])],
        took: (outcome == Outcome::Answered).then_some(Duration::from_micros(12_345)),
        over_tcp: false,
    };
    Judged::of(vec![Told::new(name, asked, &[])])
}

#[tokio::test]
async fn where_nobody_resolves_names_each_resolver_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there: 127.0.0.53 may be another thing on a developer's machine.
    let own = "nameserver 127.1.2.3\nnameserver 127.1.2.4\n";
    let resolvers = vec![planned("public", "127.1.2.5", None)];
    let mut dns = alone(plan(resolvers, &["localhost"]), own, &folder);
    let mut readings = Readings::default();
    dns.sample(&mut readings).await.unwrap();
    assert_eq!(readings.limitations, []);
    let expected = [
        ("system answered", 1.0),
        ("127.1.2.3 unreachable", 1.0),
        ("127.1.2.4 unreachable", 1.0),
        ("public unreachable", 1.0),
    ];
    let expected = expected.map(|(labels, value)| (labels.to_owned(), value));
    assert_eq!(told(&readings, &metrics::DNS_OUTCOME), expected);
    let durations = told(&readings, &metrics::DNS_DURATION);
    let [(resolver, _)] = durations.as_slice() else {
        panic!("{durations:?}");
    };
    assert_eq!(resolver, "system");
}

#[tokio::test]
async fn what_was_before_is_told_to_be_over_and_what_left_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let resolvers = vec![planned("public", "127.1.2.5", None)];
    let mut dns = alone(plan(resolvers, &["localhost"]), "", &folder);
    dns.sample(&mut Readings::default()).await.unwrap();
    let mut readings = Readings::default();
    for outcome in [Outcome::Answered, Outcome::Timeout, Outcome::Answered] {
        readings = Readings::default();
        dns.report("public", &judged(outcome), &mut readings);
    }
    let expected = [
        ("public answered", 1.0),
        ("public unreachable", 0.0),
        ("public timeout", 0.0),
    ];
    let expected = expected.map(|(labels, value)| (labels.to_owned(), value));
    assert_eq!(told(&readings, &metrics::DNS_OUTCOME), expected);
    let durations = told(&readings, &metrics::DNS_DURATION);
    assert_eq!(durations, [("public".to_owned(), 0.0123)]);

    let phase = dns.known.get(SYSTEM).unwrap().phase;
    let (_sender, empty) = watch::channel(plan(Vec::new(), &["localhost"]));
    dns.context.plan = empty;
    let mut readings = Readings::default();
    dns.sample(&mut readings).await.unwrap();
    assert_eq!(dns.known.len(), 1);
    let kept = dns.known.get(SYSTEM).unwrap().phase;
    assert!((kept - phase).abs() < f64::EPSILON, "a phase stays");
}

#[tokio::test(start_paused = true)]
async fn dead_names_are_no_dead_resolver() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = ["dead-a.vn", "dead-b.vn", "dead-c.vn", "well.vn"];
    let mut dns = alone(plan(Vec::new(), &hosts), "", &folder);
    dns.lookups = Lookups::with(|name| {
        Box::pin(async move {
            if name.starts_with("dead") {
                std::future::pending::<()>().await;
            }
            Ok(vec![IpAddr::from([203, 0, 113, 1])])
        })
    });
    for _ in 0..hosts.len() {
        let mut readings = Readings::default();
        dns.sample(&mut readings).await.unwrap();
        let outcomes = told(&readings, &metrics::DNS_OUTCOME);
        assert_eq!(outcomes, [("system answered".to_owned(), 1.0)]);
    }
    dns.lookups = Lookups::with(|_| Box::pin(std::future::pending()));
    let mut readings = Readings::default();
    dns.sample(&mut readings).await.unwrap();
    let outcomes = told(&readings, &metrics::DNS_OUTCOME);
    let dead = ("system timeout".to_owned(), 1.0);
    assert!(outcomes.contains(&dead), "{outcomes:?}");
}

#[test]
fn names_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(Vec::new(), &["a.vn", "b.vn", "c.vn"]);
    let mut dns = alone(plan.clone(), "", &folder);
    let (mut turns, mut others) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let turn = dns.names(&plan, None);
        others.extend(turn.others.into_iter().map(|name| name.host));
        turns.push(
            turn.names
                .into_iter()
                .map(|name| name.host)
                .collect::<Vec<_>>(),
        );
        dns.turn += 1;
    }
    let expected = [["a.vn", "b.vn"], ["b.vn", "c.vn"], ["c.vn", "a.vn"]];
    assert_eq!(turns, expected);
    assert_eq!(others, ["c.vn", "a.vn", "b.vn"], "for when those are dead");
    assert!(dns.names(&plan, Some("state")).names.is_empty());
}

#[test]
fn all_resolvers_cost_few_of_an_agents_series() {
    let outcomes = 7;
    let series = (OWN_BOUND + RESOLVERS_PER_PLAN + 1) * (outcomes + 1);
    assert!(series * 20 < SERIES_PER_AGENT, "{series}");
}

#[test]
fn a_run_fits_into_every_interval() {
    for seconds in [1, 2, 5, 15, 60, 3600] {
        let interval = Duration::from_secs(seconds);
        assert!(INTERVAL.contains(&interval));
        for is_first in [true, false] {
            let pace = Pace::of(interval, is_first);
            let whole = pace.looking + pace.window + 2 * pace.patience;
            assert!(whole <= interval * 9 / 10, "{pace:?} in {interval:?}");
            assert!(pace.window > Duration::ZERO, "{pace:?} in {interval:?}");
        }
    }
    let usual = Pace::of(Duration::from_mins(1), false);
    assert_eq!(usual.patience, Duration::from_secs(5));
}
