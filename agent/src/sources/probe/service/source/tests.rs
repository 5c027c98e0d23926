//! What a run of the source pushes, remembers and waits for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::collections::BTreeMap;
use std::pin::Pin;

use proto::limits::{INTERVAL, SERVICES_PER_PLAN};
use proto::metrics::Metric;
use tokio::sync::watch;

use super::super::tests::authority::Authority;
use super::super::tests::servers::{Act, Server};
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
    source.trust = Some(Authority::new("root").trust());
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
    for seconds in [1, 2, 15, 60, 3600] {
        let interval = Duration::from_secs(seconds);
        assert!(INTERVAL.contains(&interval));
        for services in 1..=SERVICES_PER_PLAN {
            for is_first in [true, false] {
                let Pace { window, limit } = Pace::of(interval, services, is_first);
                let turns = u32::try_from(services.div_ceil(AT_A_TIME)).unwrap();
                assert!(window + limit * turns <= interval * 9 / 10);
                assert!(
                    limit > interval / 10 || limit == MOST,
                    "{limit:?} for {services}"
                );
            }
        }
    }
    let usual = Pace::of(Duration::from_mins(1), 3, false);
    assert_eq!((usual.window, usual.limit), (MOST, MOST));
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
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    for (place, name) in names.into_iter().enumerate() {
        let server = if place < 3 { &hung } else { &well };
        services.push((name, format!("http://{}/", server.address)));
    }
    let (mut source, _plans) = source(&services);
    let mut readings = Readings::default();
    let interval = plan(&services).service_interval;
    let run = tokio::time::timeout(interval, source.sample(&mut readings));
    run.await.unwrap().unwrap();
    let success = of(&readings, &metrics::PROBE_SUCCESS);
    let success: Vec<f64> = success.into_iter().map(|(_, value)| value).collect();
    assert_eq!(success, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    let outcome = of(&readings, &metrics::PROBE_OUTCOME);
    assert_eq!(outcome[0], (vec!["a", "timeout"], 1.0));
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
