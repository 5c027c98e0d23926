//! What goes into a record comes out of it, and damage is an error, never a panic.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use proto::limits::SERIES_PER_AGENT;
use proto::metrics::{DEVICE_INTERFACE_UP, DEVICE_LOAD_AVERAGE, DEVICE_OS_INFO, Metric, Part};

use super::*;
use crate::registry::fixture;

fn agent(name: &str) -> Agent {
    Agent {
        device: "pc-03".parse().unwrap(),
        ..fixture::pc(name)
    }
}

fn series(metric: &'static Metric, label: &'static str, value: usize) -> Series {
    Series {
        device: None,
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
        others: &[],
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

    let decoded = decode(&record).unwrap();
    assert_eq!(decoded.samples, 5);
    assert!(decoded.error.is_none(), "{:?}", decoded.error);
    let measured = decoded.measured;
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
fn what_a_scout_told_comes_out_as_the_devices_own() {
    let of = |device: &str, series: Series| Series {
        device: Some(device.parse().unwrap()),
        ..series
    };
    let load = || series(&DEVICE_LOAD_AVERAGE, "minutes", 5);
    let mut definitions = Definitions::default();
    definitions.add(&interfaces(1));
    definitions.add(&[
        of("router-1", interfaces(1).remove(0)),
        of("printer-1", load()),
        of("router-1", load()),
        // Has no samples here, and so no kind.
        of("ups-1", load()),
    ]);
    let live = rounds(&[
        (5_000, &[(0, 1.0), (1, 0.0), (3, 0.5)]),
        (6_000, &[(2, 0.25)]),
    ]);
    let late = rounds(&[(-7, &[(3, 0.75)])]);
    let devices: [DeviceId; 2] = ["router-1", "printer-1"].map(|name| name.parse().unwrap());
    let [router, printer] = &devices;
    let part = encode(&Batch {
        agent: &agent("a"),
        instance: 7,
        sequence: 1,
        correction_ms: -1_000,
        definitions: &definitions,
        others: &[(router, Kind::Router), (printer, Kind::Printer)],
        live: &live,
        late: &late,
    });
    let decoded = decode(&record(std::iter::once(&*part))).unwrap();
    assert!(decoded.error.is_none(), "{:?}", decoded.error);
    assert_eq!(decoded.samples, 5);
    let all = decoded.measured;
    let whose: Vec<_> = all
        .iter()
        .map(|one| (one.device.as_str(), &*one.kind, one.late))
        .collect();
    let expected = [
        ("pc-03", "pc", false),
        ("router-1", "router", false),
        ("printer-1", "printer", false),
        ("router-1", "router", true),
    ];
    assert_eq!(whose, expected);
    let [interface] = <[Series; 1]>::try_from(interfaces(1)).unwrap();
    assert_eq!(all[0].series, interfaces(1));
    assert_eq!(all[1].series, [interface, load()]);
    assert_eq!(all[1].rounds, rounds(&[(4_000, &[(0, 0.0), (1, 0.5)])]));
    assert_eq!(all[2].series, [load()]);
    assert_eq!(all[2].rounds, rounds(&[(5_000, &[(0, 0.25)])]));
    assert_eq!(all[3].rounds, rounds(&[(-1_007, &[(1, 0.75)])]));
}

#[test]
fn a_device_without_a_kind_costs_its_own_samples_alone() {
    let mut definitions = Definitions::default();
    definitions.add(&interfaces(1));
    let [mut other] = <[Series; 1]>::try_from(interfaces(1)).unwrap();
    other.device = Some("printer-1".parse().unwrap());
    definitions.add(&[other]);
    let live = rounds(&[(5_000, &[(0, 1.0), (1, 0.0)])]);
    let part = part("a", 1, &definitions, &live, &Rounds::default());
    let decoded = decode(&record(std::iter::once(&*part))).unwrap();
    assert!(matches!(decoded.error, Some(RecordError::UnknownSeries)));
    assert_eq!(decoded.samples, 1);
    assert_eq!(decoded.measured[0].rounds, rounds(&[(4_000, &[(0, 1.0)])]));
}

#[test]
fn records_of_the_form_before_are_read() {
    let before = Record {
        format: OLDEST,
        batches: Record::decode(&*sample_record()).unwrap().batches,
    };
    let (before, now) = (decode(&before.encode_to_vec()), decode(&sample_record()));
    assert_eq!(before.unwrap().measured, now.unwrap().measured);
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
    let decoded = decode(&record(std::iter::once(&*part))).unwrap();
    assert_eq!(decoded.measured[0].series, all);
}

#[test]
fn long_names_that_come_one_by_one_stay_readable_for_all_who_share_the_record() {
    let mut decoder = stream::Decoder::default();
    let mut definitions = Definitions::default();
    let mut accepted = 0;
    for number in 0..SERIES_PER_AGENT {
        let names = DEVICE_OS_INFO.labels.iter();
        let long = names.map(|name| (*name, format!("{name}{number:0>120}")));
        let definition = wire::Series {
            id: u32::try_from(number).unwrap(),
            ..wire::Series::from(&Series {
                device: None,
                metric: &DEVICE_OS_INFO,
                part: Part::Value,
                labels: long.collect(),
            })
        };
        let fresh = decoder.define(&stream::pack(&[definition]), |_| ());
        let fresh = fresh.unwrap();
        accepted += fresh.len();
        definitions.add(&fresh);
    }
    let none = Rounds::default();
    let last = u32::try_from(accepted - 1).unwrap();
    let long = part("a", 1, &definitions, &rounds(&[(0, &[(last, 1.0)])]), &none);
    let mut one = Definitions::default();
    one.add(&interfaces(1));
    let other = part("b", 1, &one, &rounds(&[(0, &[(0, 1.0)])]), &none);
    let decoded = decode(&record([&*long, &*other].into_iter())).unwrap();
    assert!(decoded.error.is_none(), "{:?}", decoded.error);
    assert_eq!((decoded.samples, decoded.measured.len()), (2, 2));
    assert_eq!(decoded.measured[0].series.len(), accepted);
}

#[test]
fn a_newer_record_is_told_from_what_is_none() {
    let of_format = |format| Record {
        format,
        batches: Vec::new(),
    };
    let newer = of_format(FORMAT + 1).encode_to_vec();
    assert!(matches!(
        decode(&newer),
        Err(RecordError::Newer { found: 3 })
    ));
    assert!(matches!(
        batches(&newer),
        Err(RecordError::Newer { found: 3 })
    ));
    let none = of_format(0).encode_to_vec();
    assert!(matches!(decode(&none), Err(RecordError::NoRecord)));
}

/// A batch of two series: one whose metric is called so, and one that is known.
fn with_metric(metric: &str) -> Vec<u8> {
    let known = wire::Series::from(&interfaces(1)[0]);
    let mut other = known.clone();
    other.metric = metric.into();
    let live = rounds(&[(5, &[(0, 1.0)]), (6, &[(0, 2.0), (1, 3.0)])]);
    let kept = Kept {
        agent: "a".into(),
        centre: "cong-son".into(),
        device: "pc-01".into(),
        definitions: vec![stream::pack(&[other, known])],
        live: columns::Encoder::default().encode(Lane::Live, &live),
        ..Kept::default()
    };
    let part = Record {
        format: 0,
        batches: vec![kept.encode_to_vec()],
    };
    part.encode_to_vec()
}

#[test]
fn a_series_this_version_does_not_know_costs_its_own_samples_alone() {
    let part = with_metric("dawnwatch_of_another_version_ratio");
    let decoded = decode(&record(std::iter::once(&*part))).unwrap();
    assert!(matches!(decoded.error, Some(RecordError::UnknownSeries)));
    assert_eq!(decoded.samples, 1);
    assert_eq!(decoded.measured[0].rounds, rounds(&[(6, &[(0, 3.0)])]));
    assert_eq!(decoded.measured[0].series, interfaces(1));
}

#[test]
fn a_damaged_batch_costs_itself_alone() {
    let mut definitions = Definitions::default();
    definitions.add(&interfaces(1));
    let live = rounds(&[(0, &[(0, 1.0)])]);
    let good = |name| part(name, 1, &definitions, &live, &Rounds::default());
    let damaged = Kept {
        agent: "b".into(),
        centre: "no id, surely".into(),
        ..Kept::default()
    };
    let packed_badly = Kept {
        centre: "cong-son".into(),
        device: "pc-01".into(),
        definitions: vec![vec![0xff; 9]],
        ..Kept::default()
    };
    for bad in [
        damaged.encode_to_vec(),
        packed_badly.encode_to_vec(),
        vec![0xff; 9],
    ] {
        let bad = Record {
            format: 0,
            batches: vec![bad],
        };
        let parts = [good("a"), bad.encode_to_vec(), good("c")];
        let decoded = decode(&record(parts.iter().map(|part| &**part))).unwrap();
        assert!(decoded.error.is_some());
        assert_eq!(decoded.samples, 2);
    }
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
