//! Ways over real routers: what is traced, told and published.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use proto::metrics::Metric;
use proto::plan::{Segment, Target};
use tempfile::TempDir;
use tokio::sync::watch;

use super::super::packets::Carrier;
use super::super::road::{GATEWAY, Icmp, ROUTER, Road, SERVER, V6, Who, address};
use super::*;

/// A source on the PC of the road, whose collector is the server.
struct Pc {
    path: Path,
    plan: watch::Sender<Plan>,
    root: TempDir,
}

impl Pc {
    fn new(collector: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let plan = Plan {
            path_interval: Duration::from_hours(1),
            ..Plan::default()
        };
        let (plan, receiver) = watch::channel(plan);
        let collector = Some((collector.to_owned(), 9781));
        let mut path = Path::new(Context::new(receiver, collector, BTreeMap::new()));
        path.root = Root(root.path().to_owned());
        let pc = Self { path, plan, root };
        pc.gateway_is(GATEWAY);
        pc
    }

    /// As the kernel tells it; `/proc` shows the network of the process, not of the test.
    fn gateway_is(&self, gateway: &str) {
        let gateway: std::net::Ipv4Addr = gateway.parse().unwrap();
        let gateway = u32::from_ne_bytes(gateway.octets());
        let table = format!("header\nright 00000000 {gateway:08X} 0003 0 0 0 00000000 0 0 0\n");
        let folder = self.root.path().join("proc/net");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("route"), table).unwrap();
    }

    async fn sample(&mut self) -> Readings {
        let mut readings = Readings::default();
        self.path.sample(&mut readings).await.unwrap();
        assert_eq!(readings.limitations, []);
        readings
    }

    /// What is published: `2 100.88.1.2 line`.
    fn hops(&self) -> Vec<String> {
        let hops = self.path.context.hops.borrow();
        let text = |hop: &Hop| format!("{} {} {}", hop.ttl, hop.address, hop.segment.as_str());
        hops.iter().map(text).collect()
    }
}

/// The values of a metric with the labels that follow the target.
fn values(readings: &Readings, metric: &'static Metric) -> Vec<(String, f64)> {
    let of_metric = readings.taken.iter();
    let of_metric = of_metric.filter(|reading| reading.series.metric == metric);
    let value = |reading: &super::super::super::Reading| {
        let labels = reading.series.labels.iter().skip(1);
        let labels: Vec<&str> = labels.map(|(_, value)| value.as_str()).collect();
        (labels.join(" "), reading.value)
    };
    of_metric.map(value).collect()
}

fn told_hops(readings: &Readings) -> Vec<String> {
    let infos = values(readings, &metrics::PATH_HOP_INFO);
    infos.into_iter().map(|(labels, _)| labels).collect()
}

fn single(readings: &Readings, metric: &'static Metric) -> Option<f64> {
    Some(values(readings, metric).first()?.1)
}

#[tokio::test]
async fn every_router_is_told_and_the_first_behind_the_gateway_is_the_line() {
    for icmp in [Icmp::Datagram, Icmp::Raw] {
        let Some(_road) = Road::new(icmp) else {
            return;
        };
        let mut pc = Pc::new(SERVER);
        for _ in 0..2 {
            let readings = pc.sample().await;
            let hops = ["1 100.88.0.1", "2 100.88.1.2", "3 100.88.2.2"];
            assert_eq!(told_hops(&readings), hops, "{icmp:?}");
            assert_eq!(single(&readings, &metrics::PATH_HOPS), Some(3.0));
            assert_eq!(single(&readings, &metrics::PATH_CHANGES), Some(0.0));
            let times = values(&readings, &metrics::PATH_HOP_RTT);
            assert_eq!(times.len(), 3);
            assert!(times.iter().all(|(_, rtt)| (0.0..0.5).contains(rtt)));
            assert_eq!(pc.hops(), ["2 100.88.1.2 line"], "not the target itself");
        }
    }
}

#[tokio::test]
async fn a_silent_router_is_skipped_and_no_loss() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    road.filter(Who::Gateway, "output", "icmp type time-exceeded drop");
    let mut pc = Pc::new(SERVER);
    let readings = pc.sample().await;
    assert_eq!(told_hops(&readings), ["2 100.88.1.2", "3 100.88.2.2"]);
    assert_eq!(single(&readings, &metrics::PATH_HOPS), Some(3.0));
    assert_eq!(pc.hops(), ["2 100.88.1.2 line"]);
}

#[tokio::test]
async fn where_echoes_or_datagrams_end_others_go_on() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(None);
    for (dropped, carrier) in [
        ("icmp type echo-request drop", Carrier::Udp),
        (
            "icmp type echo-request drop\nmeta l4proto udp drop",
            Carrier::Tcp(9781),
        ),
    ] {
        road.filter(Who::Gateway, "forward", dropped);
        let mut told = Vec::new();
        let progress = |hop, seen: Option<Seen>| told.push((hop, seen.map(|seen| seen.address)));
        let traced = trace(&packets, &address(SERVER), 9781, MOST_HOPS, progress).await;
        let traced = traced.unwrap();
        assert_eq!(traced.end, End::Arrived, "{carrier:?}");
        let hops: Vec<_> = traced.hops.iter().flatten().collect();
        let addresses: Vec<_> = hops.iter().map(|seen| seen.address.to_string()).collect();
        assert_eq!(addresses, [GATEWAY, ROUTER, SERVER], "{carrier:?}");
        let carriers: Vec<_> = hops.iter().map(|seen| seen.carrier).collect();
        assert_eq!(carriers, [Carrier::Echo, carrier, carrier]);
        let last = Some(address(SERVER).ip);
        assert!(told.contains(&(3, last)), "{told:?}");
    }
}

#[tokio::test]
async fn the_way_over_ipv6_is_traced_too() {
    let Some(_road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(None);
    let traced = trace(&packets, &address(V6[2]), 443, MOST_HOPS, |_, _| {}).await;
    let hops = traced.unwrap().hops;
    let addresses: Vec<_> = hops
        .iter()
        .flatten()
        .map(|seen| seen.address.to_string())
        .collect();
    assert_eq!(addresses, V6);
}

#[tokio::test]
async fn a_router_that_knows_no_way_ends_it() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    road.ip(Who::Router, "route add unreachable 100.88.2.0/25")
        .unwrap();
    let packets = Packets::new(None);
    let traced = trace(&packets, &address(SERVER), 443, MOST_HOPS, |_, _| {}).await;
    let traced = traced.unwrap();
    assert_eq!(traced.end, End::Blocked);
    let last = traced.hops.last().unwrap().unwrap();
    assert_eq!(last.address.to_string(), ROUTER);
}

#[tokio::test]
async fn a_dead_line_is_noticed_stays_published_and_its_return_is_noticed() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let mut pc = Pc::new(SERVER);
    pc.sample().await;
    road.ip(Who::Router, "link set left down").unwrap();
    let readings = pc.sample().await;
    assert_eq!(told_hops(&readings), ["1 100.88.0.1"]);
    assert_eq!(single(&readings, &metrics::PATH_HOPS), None);
    assert_eq!(
        pc.hops(),
        ["2 100.88.1.2 line"],
        "to be measured while it is dead"
    );

    road.ip(Who::Router, "link set left up").unwrap();
    road.ip(Who::Router, "route add default via 100.88.1.1 dev left")
        .unwrap();
    let readings = pc.sample().await;
    assert_eq!(single(&readings, &metrics::PATH_HOPS), Some(3.0));
    assert_eq!(single(&readings, &metrics::PATH_CHANGES), Some(0.0));
}

#[tokio::test]
async fn another_router_is_another_way_once_it_is_confirmed() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let mut pc = Pc::new(SERVER);
    pc.sample().await;
    road.ip(Who::Router, "address delete 100.88.1.2/24 dev left")
        .unwrap();
    road.ip(Who::Router, "address add 100.88.1.3/24 dev left")
        .unwrap();
    road.ip(Who::Router, "route replace default via 100.88.1.1 dev left")
        .unwrap();
    road.ip(
        Who::Gateway,
        "route replace default via 100.88.1.3 dev right",
    )
    .unwrap();
    let readings = pc.sample().await;
    assert_eq!(single(&readings, &metrics::PATH_CHANGES), Some(0.0));
    assert_eq!(pc.hops(), ["2 100.88.1.2 line"], "not yet confirmed");
    let readings = pc.sample().await;
    assert_eq!(single(&readings, &metrics::PATH_CHANGES), Some(1.0));
    assert_eq!(pc.hops(), ["2 100.88.1.3 line"]);
}

#[tokio::test]
async fn a_new_gateway_or_plan_is_a_reason_to_trace() {
    let Some(_road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let mut pc = Pc::new(SERVER);
    pc.sample().await;
    let before = pc.path.ways["collector"].due;
    pc.sample().await;
    assert_eq!(pc.path.ways["collector"].due, before, "nothing happened");
    pc.gateway_is("100.88.0.9");
    pc.sample().await;
    let after = pc.path.ways["collector"].due;
    assert!(after > before);
    let sooner = Duration::from_mins(1);
    pc.plan.send_modify(|plan| plan.path_interval = sooner);
    pc.sample().await;
    assert!(pc.path.ways["collector"].due <= Due::after(sooner));
    assert!(pc.path.ways["collector"].due < after);
}

#[tokio::test]
async fn a_collector_on_the_lan_leaves_the_line_to_the_core_target() {
    let Some(_road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let mut pc = Pc::new(GATEWAY);
    pc.sample().await;
    assert_eq!(pc.hops(), Vec::<String>::new());
    let core = Target {
        name: "anchor".into(),
        address: SERVER.into(),
        segment: Segment::Core,
        network: None,
    };
    pc.plan.send_modify(|plan| plan.targets.push(core));
    pc.sample().await;
    assert_eq!(pc.hops(), ["2 100.88.1.2 line"]);
}

#[tokio::test]
async fn a_way_that_cannot_be_traced_is_not_told_as_it_was() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let mut pc = Pc::new("no such name");
    let core = Target {
        name: "anchor".into(),
        address: SERVER.into(),
        segment: Segment::Core,
        network: Some("state".into()),
    };
    let networks = [("state".to_owned(), "right".to_owned())];
    pc.path.context.networks = std::sync::Arc::new(networks.into());
    pc.plan.send_modify(|plan| plan.targets.push(core));
    assert_eq!(told_hops(&pc.sample().await).len(), 3);

    road.ip(Who::Pc, "link delete right").unwrap();
    let mut readings = Readings::default();
    pc.path.sample(&mut readings).await.unwrap();
    let said: Vec<_> = readings.limitations.iter().map(|one| &one.what).collect();
    assert!(
        said.len() == 1 && said[0].contains("no packets"),
        "{said:?}"
    );
    assert_eq!(told_hops(&readings), Vec::<String>::new());
    assert_eq!(single(&readings, &metrics::PATH_HOPS), None);
    assert_eq!(single(&readings, &metrics::PATH_CHANGES), Some(0.0));
    assert_eq!(pc.hops(), ["2 100.88.1.2 line"]);
}

#[tokio::test]
async fn a_firewall_that_rejects_one_kind_ends_no_other() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(None);
    let traced = async || {
        let to = address(SERVER);
        let traced = trace(&packets, &to, 9781, MOST_HOPS, |_, _| {}).await;
        let traced = traced.unwrap();
        let hops = traced.hops.iter().flatten();
        let addresses: Vec<_> = hops.map(|seen| seen.address.to_string()).collect();
        (addresses, traced.end)
    };
    let way = |hops: &[&str]| hops.iter().map(|hop| (*hop).to_owned()).collect::<Vec<_>>();
    let echoes = "icmp type echo-request reject with icmp type admin-prohibited";
    let datagrams = format!("{echoes}\nmeta l4proto udp reject with icmp type port-unreachable");
    for rules in [echoes, &datagrams] {
        road.filter(Who::Gateway, "forward", rules);
        let expected = (way(&[GATEWAY, ROUTER, SERVER]), End::Arrived);
        assert_eq!(traced().await, expected, "{rules}");
    }
    // What one kind met first is not the end where another went on.
    let router = format!("{datagrams}\nmeta l4proto tcp drop");
    road.filter(Who::Gateway, "forward", echoes);
    road.filter(Who::Router, "forward", &router);
    assert_eq!(traced().await, (way(&[GATEWAY, ROUTER]), End::Blocked));
    road.filter(
        Who::Gateway,
        "forward",
        "reject with icmp type admin-prohibited",
    );
    assert_eq!(traced().await, (way(&[GATEWAY]), End::Blocked));
    // Who rejects may say nothing else.
    road.filter(Who::Gateway, "output", "icmp type time-exceeded drop");
    assert_eq!(traced().await, (way(&[GATEWAY]), End::Blocked));
}
