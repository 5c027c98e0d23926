//! Processors, memory and the line, from captures written by the MIBs, and what reading takes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use futures_util::future::BoxFuture;
use proto::plan::Kind;

use super::super::snmp::recorded::{Recorded, capture};
use super::super::snmp::{Binding, Oid, Walked};
use super::super::system;
use super::*;

async fn read(mut session: impl Session, kind: Kind) -> Said {
    let mut said = Said {
        kind: Some(kind),
        ..Said::default()
    };
    super::read(&mut session, None, &mut said).await.unwrap();
    said
}

#[tokio::test]
async fn the_line_is_where_the_default_route_goes() {
    for (session, line) in [
        (capture("network/routes"), "pppoe-out"),
        (capture("network/cidr_routes"), "two"),
        (capture("network/inet_cidr_routes"), "two"),
        (capture("network/next_hop"), "two"),
    ] {
        let lines = |said: Said| {
            let lines = said.interfaces.into_iter().filter(|one| one.wan);
            lines.map(|one| one.name).collect::<Vec<_>>()
        };
        assert_eq!(lines(read(session.clone(), Kind::Router).await), [line]);
        let of_a_switch = lines(read(session, Kind::Switch).await);
        assert_eq!(of_a_switch, Vec::<String>::new());
    }
}

/// Use in percent, size and what is available.
#[track_caller]
fn check(said: &Said, cpu: Option<f64>, size: Option<u64>, available: Option<u64>) {
    let percent = said.cpu_usage_ratio.map(|ratio| (ratio * 100.0).round());
    let memory = (said.memory_size_bytes, said.memory_available_bytes);
    assert_eq!((percent, memory), (cpu, (size, available)));
}

#[tokio::test]
async fn what_buffers_and_caches_hold_is_available() {
    let said = read(capture("network/storage"), Kind::Router).await;
    // Of two processors that tell; 100 of 1000 KiB free, 50 in buffers, 300 in the cache.
    check(&said, Some(20.0), Some(1_024_000), Some(460_800));
    let said = read(capture("network/storage_available"), Kind::Router).await;
    check(&said, None, Some(1_024_000), Some(358_400));
    let said = read(capture("network/net_snmp"), Kind::Router).await;
    check(&said, Some(4.0), Some(1_024_000), Some(409_600));
}

#[tokio::test]
async fn a_makers_figures_are_those_of_the_part_that_has_some() {
    let said = read(capture("network/huawei_like"), Kind::Router).await;
    check(&said, Some(24.0), Some(1_000_000), Some(400_000));
    let said = read(capture("network/cisco_like"), Kind::Router).await;
    check(&said, Some(12.0), Some(1_000_000), Some(700_000));
}

#[tokio::test]
async fn a_size_alone_is_told_and_sizes_that_cannot_be_are_not() {
    let said = read(Recorded::parse("1.3.6.1.2.1.25.2.2.0|2|64\n"), Kind::Router).await;
    check(&said, None, Some(65_536), None);
    let impossible = "\
1.3.6.1.2.1.25.2.3.1.2.1|6|1.3.6.1.2.1.25.2.1.2
1.3.6.1.2.1.25.2.3.1.2.2|6|1.3.6.1.2.1.25.2.1.2
1.3.6.1.2.1.25.2.3.1.4.1|2|0
1.3.6.1.2.1.25.2.3.1.4.2|2|1024
1.3.6.1.2.1.25.2.3.1.5.1|2|100
1.3.6.1.2.1.25.2.3.1.5.2|2|-100
1.3.6.1.2.1.25.2.3.1.6.2|2|50
1.3.6.1.2.1.25.3.3.1.2.1|2|250
";
    let said = read(Recorded::parse(impossible), Kind::Router).await;
    check(&said, None, None, None);
}

/// Counts what a session would send: GETs of [`Counted::TOGETHER`], GETBULKs of as many rows, and
/// without GETBULK one request a row.
struct Counted {
    session: Recorded,
    is_v1: bool,
    requests: usize,
    /// More than this it has no time for.
    most: usize,
}

impl Counted {
    const TOGETHER: usize = 20;
}

impl Session for Counted {
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>> {
        Box::pin(async move {
            if self.requests > self.most {
                return Err(Trouble::Budget);
            }
            let told = self.session.get(oids).await?;
            self.requests += oids.len().div_ceil(Self::TOGETHER);
            if self.is_v1 {
                // Each that is absent is found by a request of its own.
                self.requests += oids.len() - told.len();
            }
            Ok(told)
        })
    }

    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked> {
        Box::pin(async move {
            if self.requests > self.most {
                return Walked {
                    trouble: Some(Trouble::Budget),
                    ..Walked::default()
                };
            }
            let walked = self.session.walk(column, most).await;
            let rows = if self.is_v1 { 1 } else { Self::TOGETHER };
            self.requests += walked.rows.len() / rows + 1;
            walked
        })
    }

    fn in_context(&mut self, context: &str) {
        self.session.in_context(context);
    }
}

/// A router with this many ports, and everything a router tells.
fn router(ports: u32) -> String {
    let mut rows = String::from("1.3.6.1.2.1.1.1.0|4|RouterOS RB1\n");
    rows.push_str("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.14988.1\n1.3.6.1.2.1.1.3.0|67|100\n");
    rows.push_str("1.3.6.1.2.1.1.5.0|4|router\n1.3.6.1.4.1.14988.1.1.7.3.0|4|S\n");
    rows.push_str("1.3.6.1.4.1.14988.1.1.4.4.0|4|7.1\n1.3.6.1.2.1.25.3.3.1.2.1|2|5\n");
    rows.push_str("1.3.6.1.2.1.4.21.1.2.0.0.0.0|2|1\n");
    for (column, value) in [
        ("2", "6|1.3.6.1.2.1.25.2.1.2"),
        ("3", "4|main memory"),
        ("4", "2|1024"),
        ("5", "2|262144"),
        ("6", "2|50000"),
    ] {
        writeln!(rows, "1.3.6.1.2.1.25.2.3.1.{column}.65536|{value}").unwrap();
    }
    for index in 1..=ports {
        for (column, value) in [
            ("2.2.1.2", "4|ether"),
            ("2.2.1.3", "2|6"),
            ("2.2.1.5", "66|1000000000"),
            ("2.2.1.6", "4x|001122334455"),
            ("2.2.1.7", "2|1"),
            ("2.2.1.8", "2|1"),
            ("2.2.1.10", "65|1"),
            ("2.2.1.13", "65|1"),
            ("2.2.1.14", "65|1"),
            ("2.2.1.16", "65|1"),
            ("2.2.1.19", "65|1"),
            ("2.2.1.20", "65|1"),
            ("31.1.1.1.1", "4|ether"),
            ("31.1.1.1.6", "70|1"),
            ("31.1.1.1.10", "70|1"),
            ("31.1.1.1.15", "66|1000"),
            ("31.1.1.1.18", "4|up"),
        ] {
            writeln!(rows, "1.3.6.1.2.1.{column}.{index}|{value}").unwrap();
        }
    }
    rows
}

#[tokio::test]
async fn ten_ports_take_few_requests() {
    for (ports, is_v1, most) in [(10, false, 25), (10, true, 80), (52, false, 60)] {
        let mut session = Recorded::parse(&router(ports));
        if is_v1 {
            session = session.v1();
        }
        let mut session = Counted {
            session,
            is_v1,
            requests: 0,
            most: usize::MAX,
        };
        let mut said = Said::default();
        system::read(&mut session, &mut said).await.unwrap();
        super::read(&mut session, None, &mut said).await.unwrap();
        let lines = said.interfaces.iter().filter(|one| one.wan).count();
        assert_eq!((said.interfaces.len(), lines), (ports as usize, 1));
        let requests = session.requests;
        assert!(requests <= most, "{requests} requests for {ports} ports");
    }
}

#[tokio::test]
async fn load_and_memory_of_a_slow_switch_are_told_and_its_first_ports() {
    let mut session = Counted {
        session: Recorded::parse(&router(52)).v1(),
        is_v1: true,
        requests: 0,
        most: 200,
    };
    let mut said = Said::default();
    let answer = super::read(&mut session, None, &mut said).await;
    assert_eq!(answer, Err(Trouble::Budget));
    check(&said, Some(5.0), Some(268_435_456), Some(217_235_456));
    let ports = said.interfaces.len();
    assert!((1..52).contains(&ports), "{ports}");
}
