//! What goes into a record comes out of it, and damage is an error, never a panic.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use proto::metrics::{DEVICE_INTERFACE_UP, DEVICE_LOAD_AVERAGE, Metric, Part};

use super::*;
use crate::registry::KeyHash;

fn agent(name: &str) -> Agent {
    Agent {
        id: name.parse().unwrap(),
        centre: "cong-son".parse().unwrap(),
        device: "pc-03".parse().unwrap(),
        kind: "pc".into(),
        hostname: String::new(),
        os: String::new(),
        arch: String::new(),
        version: String::new(),
        key: KeyHash([0; 32]),
        enrolled_at: jiff::Timestamp::UNIX_EPOCH,
        certificate_until: jiff::Timestamp::UNIX_EPOCH,
        revoked_at: None,
        last_seen: None,
        goodbye: false,
    }
}

fn series(metric: &'static Metric, label: &'static str, value: usize) -> Series {
    Series {
        metric,
        part: Part::Value,
        labels: vec![(label, value.to_string())],
    }
}

fn interfaces(count: usize) -> Vec<Series> {
    (0..count)
        .map(|number| series(&DEVICE_INTERFACE_UP, "interface", number))
        .collect()
}

fn rounds(rounds: &[(i64, &[(u32, f64)])]) -> Rounds {
    let mut made = Rounds::default();
    for (time, samples) in rounds {
        made.push(*time, samples.iter().copied()).unwrap();
    }
    made
}

fn part(
    name: &str,
    sequence: u64,
    definitions: &Definitions,
    live: &Rounds,
    late: &Rounds,
) -> Vec<u8> {
    encode(&Batch {
        agent: &agent(name),
        instance: 7,
        sequence,
        correction_ms: -1_000,
        definitions,
        live,
        late,
    })
}

fn sample_record() -> Vec<u8> {
    let mut definitions = Definitions::default();
    definitions.add(&interfaces(3));
    let live = rounds(&[(5_000, &[(0, 1.0), (2, 0.0)]), (6_000, &[(1, 1.0)])]);
    let late = rounds(&[(-7, &[(1, 0.25)])]);
    let none = Rounds::default();
    let first = part("a", 1, &definitions, &live, &late);
    definitions.add(&[series(&DEVICE_LOAD_AVERAGE, "minutes", 5)]);
    let second = part("b", 2, &definitions, &rounds(&[(1, &[(3, 9.5)])]), &none);
    record([&*first, &*second].into_iter())
}

#[test]
fn live_and_late_come_out_with_their_true_times() {
    let record = sample_record();
    let found = batches(&record).unwrap();
    let expected =
        [("a", 1), ("b", 2)].map(|(name, sequence)| (name.parse().unwrap(), 7, sequence));
    assert_eq!(found, expected);

    let measured = decode(&record).unwrap();
    let shape: Vec<_> = measured
        .iter()
        .map(|one| (one.late, one.series.len()))
        .collect();
    assert_eq!(shape, [(false, 3), (true, 3), (false, 4)]);
    let corrected = rounds(&[(4_000, &[(0, 1.0), (2, 0.0)]), (5_000, &[(1, 1.0)])]);
    assert_eq!(measured[0].rounds, corrected);
    assert_eq!(measured[0].series, interfaces(3));
    assert_eq!(measured[1].rounds, rounds(&[(-1_007, &[(1, 0.25)])]));
    assert_eq!(measured[2].series[3].metric, &DEVICE_LOAD_AVERAGE);
    let place = (
        measured[0].centre.as_str(),
        measured[0].device.as_str(),
        &*measured[0].kind,
    );
    assert_eq!(place, ("cong-son", "pc-03", "pc"));
}

#[test]
fn series_that_are_defined_one_by_one_keep_their_places() {
    let mut definitions = Definitions::default();
    let all = interfaces(300);
    for one in &all {
        definitions.add(std::slice::from_ref(one));
    }
    assert!(
        definitions.packed.len() < 12,
        "{}",
        definitions.packed.len()
    );
    let part = part(
        "a",
        1,
        &definitions,
        &rounds(&[(0, &[(299, 1.0)])]),
        &Rounds::default(),
    );
    let measured = decode(&record(std::iter::once(&*part))).unwrap();
    assert_eq!(measured[0].series, all);
}

#[test]
fn a_record_of_another_form_and_a_series_out_of_nowhere_are_errors() {
    let other = Record {
        format: FORMAT + 1,
        batches: Vec::new(),
    };
    let other = other.encode_to_vec();
    assert!(matches!(
        decode(&other),
        Err(RecordError::OtherForm { found: 2 })
    ));
    assert!(matches!(
        batches(&other),
        Err(RecordError::OtherForm { found: 2 })
    ));
    let nowhere = part(
        "a",
        1,
        &Definitions::default(),
        &rounds(&[(0, &[(0, 1.0)])]),
        &Rounds::default(),
    );
    let nowhere = record(std::iter::once(&*nowhere));
    assert!(matches!(decode(&nowhere), Err(RecordError::Series)));
}

#[test]
fn damage_at_any_byte_is_no_panic() {
    let record = sample_record();
    for place in 0..record.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = record.clone();
            damaged[place] ^= flip;
            let _ = (decode(&damaged), batches(&damaged));
        }
        let cut = &record[..place];
        let _ = (decode(cut), batches(cut));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (decode(&bytes), batches(&bytes));
    }
}
