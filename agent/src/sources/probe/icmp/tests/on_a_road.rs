//! A source on the PC of a road of network namespaces.

use std::net::IpAddr;

use super::super::super::road::{self, GATEWAY, Road, SERVER, Who};
use super::*;
use crate::sources::Hop;

#[tokio::test]
async fn an_interface_that_goes_and_comes_back_is_measured_again() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan) = alone(&[("bound", GATEWAY), ("free", GATEWAY)], &folder);
    let networks = [("state".to_owned(), "right".to_owned())];
    icmp.context.networks = std::sync::Arc::new(networks.into());
    plan.send_modify(|plan| {
        let bound = plan.targets.iter_mut().find(|one| one.name == "bound");
        bound.unwrap().network = Some("state".to_owned());
    });
    let lost = |readings: &Readings| {
        ["bound", "free"].map(|target| value(readings, &metrics::LINK_LOSS, target).unwrap())
    };
    assert_eq!(lost(&sample(&mut icmp).await), [0.0, 0.0]);

    road.ip(Who::Pc, "link delete right").unwrap();
    assert_eq!(lost(&sample(&mut icmp).await), [1.0, 1.0]);
    let gone = sample(&mut icmp).await;
    assert_eq!(lost(&gone), [1.0, 1.0]);
    let told = gone
        .limitations
        .iter()
        .find(|one| one.what.contains("right"));
    assert!(told.is_some(), "{:?}", gone.limitations);

    road.connect(0, Who::Pc, Who::Gateway).unwrap();
    let back = sample(&mut icmp).await;
    assert_eq!(lost(&back), [0.0, 0.0]);
    assert_eq!(value(&back, &metrics::LINK_SENT, "bound"), Some(20.0));
}

#[tokio::test]
async fn a_bound_link_does_not_go_another_way() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let elsewhere = "link add other type veth peer name end";
    road.ip(Who::Pc, elsewhere).unwrap();
    for interface in ["other", "end"] {
        road.ip(Who::Pc, &format!("link set {interface} up"))
            .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan) = alone(&[("a", GATEWAY)], &folder);
    let networks = [("state".to_owned(), "other".to_owned())];
    icmp.context.networks = std::sync::Arc::new(networks.into());
    plan.send_modify(|plan| {
        for target in &mut plan.targets {
            target.network = Some("state".to_owned());
        }
    });
    let readings = sample(&mut icmp).await;
    assert_eq!(value(&readings, &metrics::LINK_LOSS, "a"), Some(1.0));
}

/// The gateway of the road, as `path` tells it.
fn hop() -> Hop {
    let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
    Hop {
        address: ip(GATEWAY),
        ttl: 1,
        towards: ip(SERVER),
        segment: Segment::Line,
    }
}

#[tokio::test]
async fn a_router_that_answers_no_echo_is_asked_by_packets_that_expire_there() {
    for kind in [road::Icmp::Datagram, road::Icmp::Raw] {
        let Some(road) = Road::new(kind) else {
            return;
        };
        let ignore = "net/ipv4/icmp_echo_ignore_all";
        road.write(Who::Gateway, ignore, "1").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (mut icmp, plan) = alone(&[("server", SERVER)], &folder);
        icmp.context.hops.send_replace(vec![hop()]);
        plan.send_modify(|plan| plan.link_echoes = 8);
        let first = sample(&mut icmp).await;
        let told = value(&first, &metrics::LINK_SENT, GATEWAY);
        assert_eq!(told, None, "nobody knows yet that it answers anything");
        let second = sample(&mut icmp).await;
        assert_eq!(method(&second, GATEWAY), "icmp_ttl");
        let value = |metric| value(&second, metric, GATEWAY);
        assert_eq!(
            value(&metrics::LINK_RECEIVED),
            Some(5.0),
            "few, whatever the plan"
        );
        assert_eq!(value(&metrics::LINK_LOSS), Some(0.0));
        assert!(value(&metrics::LINK_RTT_MEDIAN).unwrap() < 0.1);

        // Then it does lose, and is not asked in another way.
        road.filter(Who::Gateway, "output", "icmp type time-exceeded drop");
        for _ in 0..2 {
            let third = sample(&mut icmp).await;
            assert_eq!(method(&third, GATEWAY), "icmp_ttl");
            let loss = super::value(&third, &metrics::LINK_LOSS, GATEWAY);
            assert_eq!(loss, Some(1.0));
        }
    }
}

#[tokio::test]
async fn a_dead_line_is_measured_without_icmp_too() {
    let Some(road) = Road::new(road::Icmp::Forbidden) else {
        return;
    };
    // Neither router takes connections.
    for who in [Who::Gateway, Who::Router] {
        road.filter(who, "input", "meta l4proto tcp drop");
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan) = alone(&[("server", SERVER)], &folder);
    let router = Hop {
        address: road::ROUTER.parse().unwrap(),
        ttl: 2,
        segment: Segment::Isp,
        ..hop()
    };
    icmp.context.hops.send_replace(vec![hop(), router]);
    let limit = icmp.timeout(&plan.borrow());
    let sample = async |icmp: &mut Icmp| {
        let mut readings = Readings::default();
        let run = tokio::time::timeout(limit, icmp.sample(&mut readings)).await;
        run.unwrap().unwrap();
        readings
    };
    let links = [GATEWAY, road::ROUTER, "server"];
    let values = |readings: &Readings, metric| links.map(|link| value(readings, metric, link));
    sample(&mut icmp).await;
    let usual = sample(&mut icmp).await;
    let methods = links.map(|link| method(&usual, link));
    assert_eq!(methods, ["icmp_ttl", "icmp_ttl", "tcp_connect"]);
    assert_eq!(values(&usual, &metrics::LINK_LOSS), [Some(0.0); 3]);

    road.filter(Who::Gateway, "prerouting", "meta nfproto ipv4 drop");
    let told = sample(&mut icmp).await;
    assert_eq!(values(&told, &metrics::LINK_LOSS), [Some(1.0); 3]);
    assert_eq!(
        values(&told, &metrics::LINK_SENT),
        [Some(10.0), Some(10.0), Some(15.0)]
    );
}

#[tokio::test]
async fn a_router_that_answers_echoes_is_asked_for_them_and_a_silent_one_is_no_link() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = alone(&[("server", SERVER)], &folder);
    icmp.context.hops.send_replace(vec![hop()]);
    let readings = sample(&mut icmp).await;
    assert_eq!(method(&readings, GATEWAY), "icmp_datagram");

    let (mut icmp, _plan) = alone(&[("server", SERVER)], &folder);
    icmp.context.hops.send_replace(vec![hop()]);
    let silent = "icmp type { echo-reply, time-exceeded } drop";
    road.filter(Who::Gateway, "output", silent);
    for _ in 0..4 {
        let readings = sample(&mut icmp).await;
        assert_eq!(value(&readings, &metrics::LINK_SENT, GATEWAY), None);
        let server = value(&readings, &metrics::LINK_LOSS, "server");
        assert_eq!(server, Some(0.0), "what is behind it is a link");
    }
}

/// A source whose one target is the server of the road, with intervals of two seconds.
fn with_bursts(folder: &tempfile::TempDir) -> (Icmp, watch::Sender<Plan>) {
    let (icmp, plan) = alone(&[("server", SERVER)], folder);
    plan.send_modify(|plan| {
        plan.link_interval = Duration::from_secs(2);
        plan.path_interval = Duration::from_secs(2);
    });
    (icmp, plan)
}

#[tokio::test]
async fn answers_that_come_twice_are_counted_in_bursts() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let _echoes = road.serve_echoes(|answer| vec![answer.to_vec(), answer.to_vec()]);
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = with_bursts(&folder);
    let mut rounds = 0.0;
    let readings = loop {
        let readings = sample(&mut icmp).await;
        rounds += 1.0;
        if value(&readings, &metrics::LINK_DUPLICATES, "server").is_some() {
            break readings;
        }
        assert!(rounds < 10.0, "no burst");
    };
    let value = |metric| value(&readings, metric, "server");
    let bursts = f64::from(burst::ECHOES);
    assert_eq!(value(&metrics::LINK_DUPLICATES), Some(bursts));
    let sent = rounds * 5.0 + bursts;
    assert_eq!(value(&metrics::LINK_SENT), Some(sent));
    assert_eq!(value(&metrics::LINK_RECEIVED), Some(sent));
    assert_eq!(value(&metrics::LINK_REORDERED), Some(0.0));
    assert!(value(&metrics::LINK_RTT_SPREAD).is_some(), "twenty answers");
    let permits = icmp.context.heavy.available_permits();
    assert_eq!(permits, 1, "others may load the line again");
}

#[tokio::test]
async fn answers_that_take_long_count_in_bursts_as_in_rounds() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan) = with_bursts(&folder);
    let before = sample(&mut icmp).await;
    // Each echo has answers sent that have waited for long.
    let mut held = std::collections::VecDeque::new();
    let long = Duration::from_millis(1_700);
    let _echoes = road.serve_echoes(move |answer| {
        held.push_back((Instant::now(), answer.to_vec()));
        let is_due = |(since, _): &(Instant, Vec<u8>)| since.elapsed() > long;
        let due = std::iter::from_fn(|| held.pop_front_if(|one| is_due(one)));
        due.map(|(_, answer)| answer).collect()
    });
    plan.send_modify(|plan| {
        plan.link_interval = Duration::from_secs(12);
        plan.link_echoes = 13;
    });
    for state in icmp.links.values_mut() {
        state.next_burst = Due::now();
    }
    let after = sample(&mut icmp).await;
    let received = |readings| value(readings, &metrics::LINK_RECEIVED, "server").unwrap();
    let answered = received(&after) - received(&before);
    assert!(answered > f64::from(burst::ECHOES), "{answered}");
}

#[tokio::test]
async fn a_burst_waits_for_what_loads_the_line() {
    let Some(_road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = with_bursts(&folder);
    let heavy = std::sync::Arc::clone(&icmp.context.heavy);
    let transfer = heavy.acquire().await.unwrap();
    for _ in 0..4 {
        let readings = sample(&mut icmp).await;
        assert_eq!(value(&readings, &metrics::LINK_DUPLICATES, "server"), None);
        assert_eq!(value(&readings, &metrics::LINK_LOSS, "server"), Some(0.0));
    }
    drop(transfer);
    let readings = sample(&mut icmp).await;
    let told = value(&readings, &metrics::LINK_DUPLICATES, "server");
    assert_eq!(told, Some(0.0));
}

#[tokio::test]
async fn answers_that_were_overtaken_are_counted() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    // Of three the first comes last.
    let (mut number, mut held) = (0, Vec::new());
    let _echoes = road.serve_echoes(move |answer| {
        number += 1;
        match number % 3 {
            1 => {
                held = answer.to_vec();
                Vec::new()
            }
            2 => vec![answer.to_vec()],
            _ => vec![answer.to_vec(), std::mem::take(&mut held)],
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = with_bursts(&folder);
    let readings = sample(&mut icmp).await;
    let value = |metric| value(&readings, metric, "server");
    assert_eq!(
        value(&metrics::LINK_RECEIVED),
        Some(4.0),
        "the fourth is held"
    );
    assert_eq!(value(&metrics::LINK_REORDERED), Some(1.0));
}

#[tokio::test]
async fn torn_and_foreign_answers_answer_nothing() {
    let Some(road) = Road::new(road::Icmp::Raw) else {
        return;
    };
    let _echoes = road.serve_echoes(|answer| {
        let mut other = answer.to_vec();
        other.iter_mut().skip(4).for_each(|byte| *byte = !*byte);
        let torn = answer.iter().copied().take(5).collect();
        vec![torn, other]
    });
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, _plan) = with_bursts(&folder);
    let readings = sample(&mut icmp).await;
    let loss = value(&readings, &metrics::LINK_LOSS, "server");
    assert_eq!(loss, Some(1.0));
}

#[tokio::test]
async fn a_burst_that_is_asked_for_is_sent_with_the_next_round_and_of_no_other_link() {
    let Some(road) = Road::new(road::Icmp::Datagram) else {
        return;
    };
    let _echoes = road.serve_echoes(|answer| vec![answer.to_vec()]);
    let folder = tempfile::tempdir().unwrap();
    let (mut icmp, plan) = with_bursts(&folder);
    plan.send_modify(|plan| plan.path_interval = Duration::from_hours(1));
    let soon = icmp.soon().unwrap();
    let before = sample(&mut icmp).await;
    for state in icmp.links.values_mut() {
        state.next_burst = Due::after(Duration::from_hours(1));
    }
    let asked = proto::wire::Burst {
        segment: proto::wire::Segment::Lan.into(),
        target: "server".into(),
        echoes: 30,
    };
    let elsewhere = proto::wire::Burst {
        target: "somebody else".into(),
        ..asked.clone()
    };
    icmp.context.bursts.ask(&asked);
    icmp.context.bursts.ask(&elsewhere);
    soon.notified().await;
    let [after, later] = [sample(&mut icmp).await, sample(&mut icmp).await];
    let sent = |readings| value(readings, &metrics::LINK_SENT, "server").unwrap();
    assert_eq!(sent(&after) - sent(&before), 5.0 + 30.0);
    assert_eq!(sent(&later) - sent(&after), 5.0, "once");
    let outcomes = |readings: &Readings| -> Vec<(String, f64)> {
        let bursts = readings.taken.iter();
        let bursts = bursts.filter(|one| one.series.metric == &metrics::AGENT_BURSTS);
        bursts
            .map(|one| (one.series.labels.first().unwrap().1.clone(), one.value))
            .collect()
    };
    assert_eq!(outcomes(&before), []);
    let expected = [("sent".to_owned(), 1.0), ("refused".to_owned(), 1.0)];
    assert_eq!(outcomes(&after), expected);
}
