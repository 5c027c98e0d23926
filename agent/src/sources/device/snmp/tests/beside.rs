//! Columns that are walked side by side: with fewer requests, and with what walking them one by one brings,
//! whatever the device does.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_snmp::pdu::PduType;
use async_snmp::{ErrorStatus, Value as Told};

use super::super::{Budget, Oid, Session as _, Transport, Trouble, Walked};
use super::peer::{Asked, Reply, device};
use super::{BUDGET, IF_INDEX, LOCALHOST, v1, v2c};

type Mib = BTreeMap<async_snmp::Oid, Told>;

/// Columns 1 to 7 of `rows` rows each; column 3 lacks its second, and column 5 is not there at all.
fn mib(rows: u32) -> Mib {
    let cells = (1..=7).flat_map(|column| (1..=rows).map(move |row| (column, row)));
    let there = cells.filter(|cell| *cell != (3, 2) && cell.0 != 5);
    let told = there.map(|(column, row)| (cell(column).child(&[row]), column * 1_000 + row));
    told.map(|(oid, value)| (async_snmp::Oid::from(&oid), Told::Gauge32(value)))
        .collect()
}

fn cell(column: u32) -> Oid {
    let mut table = IF_INDEX.to_string();
    table.truncate(table.len() - 1);
    format!("{table}{column}").parse().unwrap()
}

fn columns() -> Vec<Oid> {
    (1..=7).map(cell).collect()
}

/// RFC 3416, section 4.2.3: a row of answers after the other.
fn rows(mib: &Mib, asked: &Asked) -> Vec<(async_snmp::Oid, Told)> {
    let mut last = asked.oids.clone();
    let mut told = Vec::new();
    for _ in 0..asked.repetitions.max(1) {
        for oid in &mut last {
            let next = mib.range((Excluded(oid.clone()), Unbounded)).next();
            let next = next.map(|(oid, value)| (oid.clone(), value.clone()));
            let (next, value) = next.unwrap_or_else(|| (oid.clone(), Told::EndOfMibView));
            oid.clone_from(&next);
            told.push((next, value));
        }
    }
    told
}

/// What each column should bring.
fn expected(rows: usize) -> Vec<(usize, Option<Trouble>)> {
    let all = |rows| (rows, None);
    let mut expected = vec![all(rows); 7];
    expected[2] = all(rows - 1);
    expected[4] = all(0);
    expected
}

fn sizes(walked: &[Walked]) -> Vec<(usize, Option<Trouble>)> {
    let size = |one: &Walked| (one.rows.len(), one.trouble);
    walked.iter().map(size).collect()
}

#[tokio::test]
async fn a_small_table_takes_one_request_and_brings_every_cell_once() {
    for (count, most_requests) in [(3, 1), (40, 12)] {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let mib = mib(count);
        let port = device(move |asked| {
            counted.fetch_add(1, Ordering::Relaxed);
            Reply::from(asked.answer(rows(&mib, &asked)))
        });
        let port = port.await;
        let snmp = v2c(port);
        let mut session = Transport::new().session(LOCALHOST, &snmp, BUDGET).unwrap();
        let walked = session.walk_all(&columns(), 100).await;
        assert_eq!(sizes(&walked), expected(count as usize));
        let sent = requests.load(Ordering::Relaxed);
        assert!(sent <= most_requests, "{sent}");

        for (column, walked) in columns().iter().zip(&walked) {
            let alone = session.walk(column, 100).await;
            assert_eq!(alone, *walked);
        }
    }
}

#[tokio::test]
async fn a_device_that_does_not_go_along_is_walked_column_by_column() {
    type Odd = fn(&Asked) -> Option<Vec<u8>>;
    let silent: Odd = |_| None;
    let failing: Odd = |asked| Some(asked.error(ErrorStatus::GenErr, 2));
    let full: Odd = |asked| Some(asked.too_big());
    // It takes the request for one about the first alone.
    let single: Odd = |asked| {
        let told = rows(&mib(3), asked).into_iter().take(1);
        Some(asked.answer(told.collect()))
    };
    // It answers in an order of its own.
    let turned: Odd = |asked| {
        let told = rows(&mib(3), asked).into_iter().rev();
        Some(asked.answer(told.collect()))
    };
    for (number, odd) in [silent, failing, full, single, turned]
        .into_iter()
        .enumerate()
    {
        let port = device(move |asked| match asked.oids.len() {
            1 => Reply::from(asked.answer(rows(&mib(3), &asked))),
            _ => odd(&asked).map_or_else(Reply::default, Reply::from),
        });
        let snmp = v2c(port.await);
        let mut session = Transport::new().session(LOCALHOST, &snmp, BUDGET).unwrap();
        let walked = session.walk_all(&columns(), 100).await;
        assert_eq!(sizes(&walked), expected(3), "{number}");
    }
}

#[tokio::test]
async fn answers_that_are_cut_short_and_version_1_bring_the_same() {
    for version in [v1, v2c] {
        let port = device(|asked| {
            let mut told = rows(&mib(9), &asked);
            told.truncate(asked.oids.len() + 3);
            let is_end = asked.kind == PduType::GetNextRequest && told[0].1 == Told::EndOfMibView;
            Reply::from(match is_end {
                true => asked.error(ErrorStatus::NoSuchName, 1),
                false => asked.answer(
                    told.into_iter()
                        .take(asked.repetitions.max(1) * 7)
                        .collect(),
                ),
            })
        });
        let snmp = version(port.await);
        let mut session = Transport::new().session(LOCALHOST, &snmp, BUDGET).unwrap();
        let walked = session.walk_all(&columns(), 100).await;
        assert_eq!(sizes(&walked), expected(9));
    }
}

#[tokio::test]
async fn a_table_without_an_end_ends_for_each_column_and_for_the_budget() {
    let port = device(|asked| Reply::from(asked.answer(rows(&mib(500), &asked)))).await;
    let mut session = Transport::new()
        .session(LOCALHOST, &v2c(port), BUDGET)
        .unwrap();
    let walked = session.walk_all(&[cell(1), cell(5), cell(2)], 30).await;
    let many = (30, Some(Trouble::TooMany));
    assert_eq!(sizes(&walked), [many, (0, None), many]);

    let few = Budget {
        values: 100,
        ..BUDGET
    };
    let mut session = Transport::new()
        .session(LOCALHOST, &v2c(port), few)
        .unwrap();
    let walked = session.walk_all(&[cell(1), cell(2)], 1_000).await;
    let troubles: Vec<_> = walked.iter().filter_map(|one| one.trouble).collect();
    assert_eq!(troubles, [Trouble::Budget]);
    assert_eq!(session.get(&[IF_INDEX]).await, Err(Trouble::Budget));
}
