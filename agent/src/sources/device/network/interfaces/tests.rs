//! Interfaces, from captures written by the MIBs, one oddity a row.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write as _;

use futures_util::future::BoxFuture;

use super::super::super::snmp::Walked;
use super::super::super::snmp::recorded::Recorded;
use super::*;

const MIXED: &str = include_str!("../../../../../tests/captures/network/mixed_interfaces.snmprec");

async fn read(mut session: Recorded) -> Said {
    let mut said = Said::default();
    super::read(&mut session, &mut said).await.unwrap();
    said
}

/// One figure of every interface.
fn each<T>(said: &Said, of: impl Fn(&Interface) -> T) -> Vec<T> {
    said.interfaces.iter().map(of).collect()
}

#[tokio::test]
async fn wide_counters_go_before_narrow_ones_by_interface_and_direction() {
    let said = read(Recorded::parse(MIXED)).await;
    let octets = each(&said, |one| {
        let both = (one.receive_bytes_total, one.transmit_bytes_total);
        (both, one.counter_bits)
    });
    let expected = [
        ((Some(1 << 40), Some(1 << 41)), Some(64)),
        ((Some(1002), Some(2002)), Some(32)),
        // Wide in one direction alone: wraps are judged by the narrower.
        ((Some(1 << 42), Some(2003)), Some(32)),
        ((None, None), None),
        ((None, Some(7)), Some(32)),
    ];
    assert_eq!(octets, expected);
    let first = &said.interfaces[0];
    let faults = [
        first.receive_errors_total,
        first.transmit_errors_total,
        first.receive_drops_total,
        first.transmit_drops_total,
    ];
    assert_eq!(faults, [6, 8, 5, 7].map(Some));
    let problem = "counters of its interfaces are of a kind that is no number";
    assert_eq!(said.problems, [problem]);
}

#[tokio::test]
async fn without_wide_counters_the_narrow_ones_count() {
    let said = read(Recorded::parse(MIXED).v1()).await;
    let octets = each(&said, |one| (one.receive_bytes_total, one.counter_bits));
    let expected = [
        (Some(1001), Some(32)),
        (Some(1002), Some(32)),
        (Some(1003), Some(32)),
        (None, None),
        (None, Some(32)),
    ];
    assert_eq!(octets, expected);
}

#[tokio::test]
async fn interfaces_of_one_name_are_numbered_and_nameless_ones_have_their_index() {
    let said = read(Recorded::parse(MIXED)).await;
    let names = each(&said, |one| one.name.clone());
    assert_eq!(names, ["eth0", "eth0 (2)", "eth0 (3)", "lo", "if5"]);
    // What is no UTF-8 is replaced, and nothing else is lost.
    assert_eq!(said.interfaces[0].alias.as_deref(), Some("ọ\u{fffd}/"));
}

#[tokio::test]
async fn long_names_are_cut_and_still_differ() {
    let name = "ệ".repeat(80);
    let rows = format!("1.3.6.1.2.1.2.2.1.2.1|4|{name}\n1.3.6.1.2.1.2.2.1.2.2|4|{name}\n");
    let said = read(Recorded::parse(&rows)).await;
    let names = each(&said, |one| one.name.clone());
    assert!(
        names
            .iter()
            .all(|name| name.len() <= proto::limits::LABEL_BYTES)
    );
    assert_eq!(format!("{} (2)", names[0]), names[1]);
}

#[tokio::test]
async fn a_speed_that_says_nothing_is_no_speed() {
    let said = read(Recorded::parse(MIXED)).await;
    let speeds = each(&said, |one| one.speed_bits_per_second);
    // 10 Gbit/s beyond ifSpeed; 1 bit/s as told; below 0; a loopback's 0; at the end of ifSpeed.
    assert_eq!(speeds, [Some(10_000_000_000), Some(1), None, Some(0), None]);
}

#[tokio::test]
async fn states_that_are_not_known_are_not_known() {
    let said = read(Recorded::parse(MIXED)).await;
    let states = each(&said, |one| one.up);
    let expected = [Some(true), Some(false), None, Some(true), Some(false)];
    assert_eq!(states, expected);
    let enabled = each(&said, |one| one.enabled);
    assert_eq!(enabled, [true, false, true, true, true].map(Some));
    let duplex = each(&said, |one| one.full_duplex);
    assert_eq!(duplex, [Some(true), Some(false), None, None, None]);
}

#[tokio::test]
async fn own_addresses_are_those_of_makers_first_and_no_zeros() {
    let said = read(Recorded::parse(MIXED)).await;
    let macs: Vec<String> = said.macs.iter().map(ToString::to_string).collect();
    assert_eq!(macs, ["001122aabbcc", "001122aabbcd", "0211220000ff"]);
    let zeros = said.interfaces[3].mac.unwrap();
    assert_eq!(zeros.to_string(), "000000000000");
}

#[tokio::test]
async fn of_a_table_without_end_the_ports_that_are_up_are_read() {
    let mut rows = String::new();
    for index in 1..=10_000 {
        // Every third is a port, every sixth one is up.
        let (kind, state) = (if index % 3 == 0 { 6 } else { 53 }, 1 + index % 2);
        writeln!(rows, "1.3.6.1.2.1.2.2.1.2.{index}|4|p{index}").unwrap();
        writeln!(rows, "1.3.6.1.2.1.2.2.1.3.{index}|2|{kind}").unwrap();
        writeln!(rows, "1.3.6.1.2.1.2.2.1.8.{index}|2|{state}").unwrap();
        writeln!(rows, "1.3.6.1.2.1.31.1.1.1.6.{index}|70|{index}").unwrap();
    }
    let said = read(Recorded::parse(&rows)).await;
    assert_eq!(said.interfaces.len(), MOST);
    let up = |one: &&Interface| one.if_type == Some(6) && one.up == Some(true);
    let ports = LOOKED / 6;
    assert_eq!(said.interfaces.iter().filter(up).count(), ports);
    let octets = each(&said, |one| {
        one.receive_bytes_total == Some(one.index.into())
    });
    assert!(octets.into_iter().all(|is_its_own| is_its_own));
    let problems = said.problems.join("; ");
    assert!(problems.contains("longer than is read"), "{problems}");
    assert!(problems.contains("more interfaces than"), "{problems}");
}

#[tokio::test]
async fn a_column_that_fails_leaves_the_others() {
    let session = Recorded::parse(MIXED)
        .failing(IF_IN_ERRORS)
        .failing(IF_TYPE);
    let said = read(session).await;
    let first = &said.interfaces[0];
    let told = (first.receive_errors_total, first.if_type, first.up);
    assert_eq!(told, (None, None, Some(true)));
    assert_eq!(first.receive_bytes_total, Some(1 << 40));
    assert_eq!(said.problems.len(), 3, "{:?}", said.problems);
}

/// A device that answers so many requests, and no more.
struct Tiring {
    session: Recorded,
    left: usize,
}

impl Tiring {
    fn tire(&mut self) -> Result<(), Trouble> {
        self.left = self.left.checked_sub(1).ok_or(Trouble::Budget)?;
        Ok(())
    }
}

impl Session for Tiring {
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>> {
        Box::pin(async move {
            self.tire()?;
            self.session.get(oids).await
        })
    }

    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked> {
        Box::pin(async move {
            match self.tire() {
                Ok(()) => self.session.walk(column, most).await,
                Err(trouble) => Walked {
                    trouble: Some(trouble),
                    ..Walked::default()
                },
            }
        })
    }

    fn in_context(&mut self, context: &str) {
        self.session.in_context(context);
    }
}

#[tokio::test]
async fn interfaces_that_were_read_before_time_ran_out_are_told_under_their_names() {
    let mut rows = String::new();
    for index in 1..=40 {
        for (column, value) in [
            ("2.2.1.2", format!("4|Port number {index}")),
            ("2.2.1.6", format!("4x|0011223344{index:02}")),
            ("2.2.1.8", "2|1".to_owned()),
            ("2.2.1.10", "65|7".to_owned()),
            ("31.1.1.1.1", format!("4|p{index}")),
        ] {
            writeln!(rows, "1.3.6.1.2.1.{column}.{index}|{value}").unwrap();
        }
    }
    let mut told = Vec::new();
    for left in 0..24 {
        let mut session = Tiring {
            session: Recorded::parse(&rows),
            left,
        };
        let mut said = Said::default();
        let ended = super::read(&mut session, &mut said).await;
        for (place, one) in said.interfaces.iter().enumerate() {
            assert_eq!(one.name, format!("p{}", place + 1));
            assert_eq!(one.receive_bytes_total, Some(7), "{one:?}");
        }
        let is_whole = said.interfaces.len() == 40;
        assert_eq!(ended.is_ok(), is_whole, "{ended:?}");
        assert_eq!(said.macs.len(), if is_whole { 40 } else { 0 });
        told.push(said.interfaces.len());
    }
    told.dedup();
    assert_eq!(told, [0, 1, 17, 33, 40]);
}
