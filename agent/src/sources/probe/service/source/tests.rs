//! What a run of the source pushes, remembers and waits for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::collections::BTreeMap;
use std::pin::Pin;

use proto::limits::{INTERVAL, SERVICES_PER_PLAN};
use proto::metrics::Metric;
use rustls::version::TLS13;
use tokio::sync::watch;

use super::super::tests::authority::{Authority, new_year};
use super::super::tests::servers::{Act, Server, say};
use super::super::tests::{LOOPBACK, try_at};
use super::*;
use crate::events::Events;

const WELL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const ILL: &str = "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n";

fn plan(services: &[(&str, String)]) -> Plan {
    let service = |(name, url): &(&str, String)| Service {
        name: (*name).to_owned(),
        ..try_at(url).service
    };
    Plan {
        service_interval: Duration::from_secs(3),
        services: services.iter().map(service).collect(),
        ..Plan::default()
    }
}

fn source(services: &[(&str, String)]) -> (Services, watch::Sender<Plan>) {
    let (sender, plan) = watch::channel(plan(services));
    let mut source = Services::new(Context::new(plan, None, BTreeMap::new()));
    source.authorities = Some(Authorities::new(Authority::new("root").trust()));
    (source, sender)
}

fn of<'r>(readings: &'r Readings, metric: &'static Metric) -> Vec<(Vec<&'r str>, f64)> {
    let taken = readings.taken.iter();
    let taken = taken.filter(|reading| reading.series.metric == metric);
    taken
        .map(|reading| {
            let labels = reading.series.labels.iter();
            (
                labels.map(|(_, value)| value.as_str()).collect(),
                reading.value,
            )
        })
        .collect()
}

#[test]
fn all_attempts_fit_into_every_interval() {
    for seconds in [1, 2, 5, 15, 60, 3600] {
        let interval = Duration::from_secs(seconds);
        assert!(INTERVAL.contains(&interval));
        for is_first in [true, false] {
            let Pace { window, limit } = Pace::of(interval, is_first);
            assert!(window + limit <= interval * 9 / 10);
            assert!(limit == interval * 4 / 5 || limit == MOST);
        }
    }
    let usual = Pace::of(Duration::from_mins(1), false);
    assert_eq!((usual.window, usual.limit), (MOST * 6 / 10, MOST));
}

#[tokio::test]
async fn a_healthy_service_has_one_outcome_and_one_that_was_ill_keeps_both() {
    let well = Server::saying(WELL).await;
    let ill = Server::saying(ILL).await;
    let url = |server: &Server| format!("http://{}/", server.address);
    let (mut source, plans) = source(&[("a", url(&well)), ("b", url(&ill))]);
    let mut events = Events::default();
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    assert!(!events.any_in(&readings.taken), "that is the beginning");
    let success = of(&readings, &metrics::PROBE_SUCCESS);
    assert_eq!(success, [(vec!["a"], 1.0), (vec!["b"], 0.0)]);
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    let expected = [(vec!["a", "answered"], 1.0), (vec!["b", "http_error"], 1.0)];
    assert_eq!(outcome, expected);
    let status = of(&readings, &metrics::PROBE_STATUS);
    assert_eq!(status, [(vec!["a"], 200.0), (vec!["b"], 503.0)]);
    let phases = of(&readings, &metrics::PROBE_PHASE);
    let phases: Vec<_> = phases.iter().map(|(labels, _)| labels[1]).collect();
    assert_eq!(phases, ["connect", "first_byte", "transfer"].repeat(2));
    assert_eq!(of(&readings, &metrics::PROBE_TLS_EXPIRY), []);

    drop(well);
    let mut readings = Readings::again(&readings.taken);
    source.sample(&mut readings).await.unwrap();
    assert!(events.any_in(&readings.taken), "that is an event");
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    let expected = [
        (vec!["a", "answered"], 0.0),
        (vec!["a", "refused"], 1.0),
        (vec!["b", "http_error"], 1.0),
    ];
    assert_eq!(outcome, expected);
    assert_eq!(of(&readings, &metrics::PROBE_STATUS).len(), 1);

    let mut readings = Readings::again(&readings.taken);
    source.sample(&mut readings).await.unwrap();
    assert!(!events.any_in(&readings.taken), "and one only");

    plans.send(plan(&[])).unwrap();
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    assert_eq!(readings.taken, []);
    assert!(source.known.is_empty());
}

#[tokio::test]
async fn one_service_that_hangs_delays_no_other() {
    let hung = Server::doing(vec![Act::Hang]).await;
    let well = Server::saying(WELL).await;
    let mut services = Vec::new();
    let names: Vec<String> = (0..SERVICES_PER_PLAN).map(|n| n.to_string()).collect();
    for (place, name) in names.iter().enumerate() {
        let server = if place == 0 { &well } else { &hung };
        services.push((name.as_str(), format!("http://{}/", server.address)));
    }
    let (mut source, _plans) = source(&services);
    let mut readings = Readings::default();
    let interval = plan(&services).service_interval;
    let run = tokio::time::timeout(interval, source.sample(&mut readings));
    run.await.unwrap().unwrap();
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    assert_eq!(outcome.len(), SERVICES_PER_PLAN);
    assert_eq!(outcome[0], (vec!["0", "answered"], 1.0));
    for (labels, _) in &outcome[1..] {
        assert_eq!(labels[1], "timeout", "{}", labels[0]);
    }
}

#[tokio::test]
async fn a_service_keeps_its_phase_and_the_address_that_was_reached() {
    let well = Server::saying(WELL).await;
    let (mut source, _plans) = source(&[("a", well.url("http"))]);
    source.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(vec![LOOPBACK]))));
    source.sample(&mut Readings::default()).await.unwrap();
    let phase = |source: &Services| source.known.values().next().unwrap().phase;
    let before = phase(&source);

    source.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(Vec::new()))));
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    assert_eq!(phase(&source), before);
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    let expected = [(vec!["a", "answered"], 0.0), (vec!["a", "dns_failed"], 1.0)];
    assert_eq!(outcome, expected);
    let status = of(&readings, &metrics::PROBE_STATUS);
    assert_eq!(status, [(vec!["a"], 200.0)], "at the address that is known");
}

#[tokio::test]
async fn after_an_address_that_is_not_reached_the_next_of_the_name_is_tried() {
    let well = Server::saying(WELL).await;
    let (mut source, _plans) = source(&[("a", well.url("http"))]);
    let two = |_| -> Pin<Box<dyn Future<Output = _> + Send>> {
        let nobody = IpAddr::from([127, 0, 0, 2]);
        Box::pin(std::future::ready(Ok(vec![nobody, LOOPBACK])))
    };
    source.lookups = Lookups::with(two);
    let mut successes = Vec::new();
    for _ in 0..3 {
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        successes.push(of(&readings, &metrics::PROBE_SUCCESS)[0].1);
    }
    assert_eq!(successes, [0.0, 1.0, 1.0]);
}

#[tokio::test]
async fn what_cannot_be_tried_is_a_limitation() {
    let (mut source, _plans) = source(&[("a", "tcp://portal.example".to_owned())]);
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    assert_eq!(readings.taken, []);
    assert!(readings.limitations[0].remedy.contains("port"));
}

#[tokio::test]
async fn many_services_leave_each_as_much_time_as_one() {
    let slow = Duration::from_millis(900);
    let acts = vec![Act::Hear, Act::Wait(slow), say(WELL)];
    let server = Server::doing(acts).await;
    let names: Vec<String> = (0..SERVICES_PER_PLAN).map(|n| n.to_string()).collect();
    let url = format!("http://{}/", server.address);
    let services: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), url.clone()))
        .collect();
    let (mut source, _plans) = source(&services);
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    assert_eq!(outcome.len(), SERVICES_PER_PLAN);
    for (labels, _) in outcome {
        assert_eq!(labels[1], "answered", "{}", labels[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn authorities_are_read_again_once_a_day_and_each_hour_while_one_is_missed() {
    let mut authorities = Authorities::new(Authority::new("root").trust());
    tokio::time::advance(DOUBTED).await;
    assert!(!authorities.are_stale());
    authorities.are_doubted = true;
    assert!(authorities.are_stale());
    authorities.are_doubted = false;
    tokio::time::advance(TRUSTED).await;
    assert!(authorities.are_stale());
}

#[tokio::test]
async fn a_certificate_of_nobody_known_has_the_authorities_read_again() {
    let config = Authority::new("stranger").certify("portal.example", 2026, 2100);
    let server = Server::saying_secretly(config.serve(&[&TLS13]), WELL).await;
    let (mut source, _plans) = source(&[("a", server.url("https"))]);
    source.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(vec![LOOPBACK]))));
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    assert_eq!(outcome, [(vec!["a", "certificate_untrusted"], 1.0)]);
    assert!(source.authorities.unwrap().are_doubted);
}

#[tokio::test]
async fn the_collector_is_a_witness_of_a_wrong_clock() {
    let root = Authority::new("root");
    let config = root.certify("portal.example", 2010, 2012);
    let server = Server::saying_secretly(config.serve(&[&TLS13]), WELL).await;
    let (mut source, _plans) = source(&[("a", server.url("https"))]);
    source.authorities = Some(Authorities::new(root.trust()));
    source.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(vec![LOOPBACK]))));
    let mut words = Vec::new();
    for told in [None, Some(new_year(2011)), Some(new_year(2020))] {
        let lead_ms = told.map(|told| (told - monotonic_s()) * 1_000);
        source.context.collector_lead_ms.send_replace(lead_ms);
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        let outcomes = of(&readings, &metrics::PROBE_OUTCOME);
        let is_it = outcomes.iter().find(|(_, value)| *value > 0.0).unwrap();
        words.push(is_it.0[1].to_owned());
    }
    let expired = "certificate_expired";
    assert_eq!(words, [expired, "clock_wrong", expired]);
}
