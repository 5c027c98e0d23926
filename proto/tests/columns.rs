//! The codec of measurements: what goes in comes out, bit by bit; what is regular costs little; and
//! nothing that arrives can hurt.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_precision_loss, reason = "small numbers")]

use std::path::{Path, PathBuf};

use dawnwatch_proto::columns::{Decoder, Encoder, Lane, Rounds};
use dawnwatch_proto::limits::{ROUNDS_PER_BATCH, SERIES_PER_AGENT};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

#[path = "../../fuzz/checks.rs"]
#[allow(
    unreachable_pub,
    reason = "shared with the fuzz targets, which are another package"
)]
mod checks;

// ---- What is measured ----

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => (0_i64..100_000).prop_map(|step| 1_795_411_251_953 + step * 15),
        1 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX / 16, i64::MAX]),
        1 => any::<i64>(),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    let odd = vec![
        0.0,
        -0.0,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9_007_199_254_740_993.0,
        9_223_372_036_854_775_808.0,
        -9_223_372_036_854_775_808.0,
        1e-12,
        0.1 + 0.2,
        1e300,
    ];
    prop_oneof![
        4 => (0_i32..20).prop_map(f64::from),
        2 => any::<i32>().prop_map(|number| f64::from(number) / 1_000.0),
        2 => any::<i32>().prop_map(|number| f64::from(number) * 0.001),
        2 => any::<u32>().prop_map(|pages| f64::from(pages) * 4_096.0),
        1 => any::<i64>().prop_map(|number| number as f64),
        1 => select(odd),
        // NaN with any payload among them.
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => (0_u64..1 << 52).prop_map(|payload| f64::from_bits(0x7ff0 << 48 | payload)),
    ]
}

fn round() -> impl Strategy<Value = (i64, Vec<(u32, f64)>)> {
    let highest = u32::try_from(SERIES_PER_AGENT).unwrap() - 1;
    let id = prop_oneof![8 => 0_u32..12, 1 => 0..=highest, 1 => Just(highest)];
    (time(), vec((id, value()), 0..12))
}

fn rounds() -> impl Strategy<Value = Rounds> {
    vec(round(), 0..8).prop_map(|pushed| {
        let mut rounds = Rounds::default();
        for (time, samples) in pushed {
            rounds.push(time, samples).unwrap();
        }
        rounds
    })
}

fn lane() -> impl Strategy<Value = Lane> {
    select(vec![Lane::Live, Lane::Backlog])
}

proptest! {
    #[test]
    fn a_stream_gives_back_every_bit(messages in vec((lane(), rounds()), 0..12)) {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut decoded = Rounds::default();
        for (lane, rounds) in messages {
            let coded = encoder.encode(lane, &rounds);
            prop_assert_eq!(decoder.decode(lane, &coded, &mut decoded), Ok(()));
            prop_assert_eq!(checks::bits(&decoded), checks::bits(&rounds));
        }
    }

    #[test]
    fn a_record_stands_alone(lane in lane(), rounds in rounds()) {
        let coded = Encoder::default().encode(lane, &rounds);
        let mut decoded = Rounds::default();
        prop_assert_eq!(Decoder::default().decode(lane, &coded, &mut decoded), Ok(()));
        prop_assert_eq!(checks::bits(&decoded), checks::bits(&rounds));
        prop_assert_eq!(Encoder::default().encode(lane, &rounds), coded);
    }

    #[test]
    fn any_bytes_are_decoded_within_bounds(data in vec(any::<u8>(), 0..600)) {
        checks::decode(&data);
        checks::roundtrip(&data);
    }
}

// ---- A stream as agents make it ----

/// Series of each of the sources of [`minute`].
const SERIES: [u32; 5] = [10, 3, 14, 30, 7];

/// What five sources measure in one minute, each every 15 s at its own time; `value` says what.
fn minute(minute: i64, value: impl Fn(u32, i64) -> f64) -> Rounds {
    let mut rounds = Rounds::default();
    for scrape in minute * 4..minute * 4 + 4 {
        let mut first = 0;
        for (source, series) in SERIES.iter().enumerate() {
            let phase = i64::try_from(source).unwrap() * 2_711;
            let time = 1_795_411_251_953 + scrape * 15_000 + phase;
            let samples = (first..first + series).map(|id| (id, value(id, scrape)));
            rounds.push(time, samples).unwrap();
            first += series;
        }
    }
    rounds
}

/// Counters, gauges and ratios that go their ways.
fn lively(id: u32, scrape: i64) -> f64 {
    let number = f64::from(id) * 1_000.0 + scrape as f64;
    match id % 4 {
        0 => number * 4_096.0,
        1 => (number * 1.37).round() / 100.0,
        2 => number * 0.001,
        _ => (scrape * i64::from(id) % 13) as f64,
    }
}

/// Bytes a sample of ten minutes, after as many to learn from.
fn cost(value: impl Fn(u32, i64) -> f64) -> f64 {
    let mut encoder = Encoder::default();
    let (mut bytes, mut samples) = (0, 0);
    for number in 0..20 {
        let rounds = minute(number, &value);
        let coded = encoder.encode(Lane::Live, &rounds);
        if number >= 10 {
            bytes += coded.len();
            samples += rounds.samples();
        }
    }
    bytes as f64 / samples as f64
}

#[test]
fn what_is_regular_costs_little() {
    let check = |what: &str, most: f64, value: fn(u32, i64) -> f64| {
        let cost = cost(value);
        assert!(cost <= most, "{what}: {cost:.3} bytes a sample");
    };
    check("constant", 0.02, |id, _| f64::from(id));
    check("counting", 0.04, |id, scrape| f64::from(id) * scrape as f64);
    check("no number", 0.02, |_, _| f64::NAN);
    check("eighths of a page", 0.1, |id, scrape| {
        f64::from(id) * 1e9 * 512.0 + scrape as f64 * 512.0
    });
    check("decimals made by multiplying", 0.3, |id, scrape| {
        (1_000.0 * f64::from(id) + 15.0 * scrape as f64) * 0.001
    });
}

#[test]
fn a_round_that_is_expected_costs_less_than_a_byte() {
    let mut encoder = Encoder::default();
    let cost = |encoder: &mut Encoder, number| {
        let rounds = minute(number, |id, _| f64::from(id));
        encoder.encode(Lane::Live, &rounds).len() as f64 / rounds.len() as f64
    };
    for number in 0..10 {
        cost(&mut encoder, number);
    }
    let cost = cost(&mut encoder, 10);
    // The values of a round included.
    assert!(cost < 0.4, "{cost:.3} bytes a round");
}

#[test]
fn the_backlog_does_not_disturb_what_is_live() {
    let mut alone = Encoder::default();
    let mut mixed = Encoder::default();
    let (mut bytes_alone, mut bytes_mixed) = (0, 0);
    for number in 0..40 {
        let now = minute(1_000 + number, lively);
        bytes_alone += alone.encode(Lane::Live, &now).len();
        bytes_mixed += mixed.encode(Lane::Live, &now).len();
        // The newest first.
        let _backlog = mixed.encode(Lane::Backlog, &minute(900 - number, lively));
    }
    assert!(
        bytes_mixed * 10 <= bytes_alone * 12,
        "{bytes_mixed} bytes with a backlog, {bytes_alone} without"
    );
}

#[test]
fn an_empty_message_has_no_bytes_and_a_full_one_survives() {
    let mut decoded = Rounds::default();
    let empty = Encoder::default().encode(Lane::Live, &Rounds::default());
    assert!(empty.len() <= 1, "{empty:?}");
    Decoder::default()
        .decode(Lane::Live, &empty, &mut decoded)
        .unwrap();
    assert!(decoded.is_empty());

    let mut full = Rounds::default();
    let mut number = 0_u32;
    while full.len() < ROUNDS_PER_BATCH {
        let samples = (0..20).map(|id| (number * 20 % 2_000 + id, f64::from(number)));
        full.push(i64::from(number), samples).unwrap();
        number += 1;
    }
    let coded = Encoder::default().encode(Lane::Live, &full);
    Decoder::default()
        .decode(Lane::Live, &coded, &mut decoded)
        .unwrap();
    assert_eq!(decoded, full);
}

// ---- What may arrive ----

/// The messages of a stream of both lanes.
fn stream() -> Vec<(Lane, Vec<u8>)> {
    let mut encoder = Encoder::default();
    (0..6)
        .map(|number| match number % 3 {
            2 => (
                Lane::Backlog,
                encoder.encode(Lane::Backlog, &minute(90 - number, lively)),
            ),
            _ => (
                Lane::Live,
                encoder.encode(Lane::Live, &minute(100 + number, lively)),
            ),
        })
        .collect()
}

/// Whether the whole stream is decoded; checks the bounds on the way.
fn decodes(stream: &[(Lane, Vec<u8>)]) -> bool {
    let mut data = Vec::new();
    for (lane, message) in stream {
        checks::append(&mut data, *lane, message);
    }
    checks::decode(&data);
    let mut decoder = Decoder::default();
    let mut rounds = Rounds::default();
    stream
        .iter()
        .all(|(lane, message)| decoder.decode(*lane, message, &mut rounds).is_ok())
}

#[test]
fn messages_cut_off_anywhere_are_harmless_and_mostly_refused() {
    let whole = stream();
    assert!(decodes(&whole));
    let (mut cut, mut refused) = (0, 0);
    for number in 0..whole.len() {
        for length in 0..whole[number].1.len() {
            let mut stream = whole.clone();
            stream[number].1.truncate(length);
            cut += 1;
            refused += u32::from(!decodes(&stream));
        }
    }
    assert!(refused * 100 > cut * 99, "{refused} of {cut} were refused");
}

#[test]
fn messages_with_a_bit_flipped_are_harmless() {
    let whole = stream();
    let (mut flipped, mut refused) = (0, 0);
    for number in 0..whole.len() {
        for bit in (0..whole[number].1.len() * 8).step_by(3) {
            let mut stream = whole.clone();
            stream[number].1[bit / 8] ^= 1 << (bit % 8);
            flipped += 1;
            refused += u32::from(!decodes(&stream));
        }
    }
    // Finding damage is for checksums; but most of it does show.
    assert!(refused * 2 > flipped, "{refused} of {flipped} were refused");
}

#[test]
fn messages_left_out_or_out_of_order_are_harmless() {
    let whole = stream();
    for left_out in 0..whole.len() {
        let mut stream = whole.clone();
        stream.remove(left_out);
        decodes(&stream);
        stream.reverse();
        decodes(&stream);
    }
}

// ---- The corpus of the fuzzer ----

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/corpus/{target}"))
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = corpus(target);
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", folder.display());
}

#[test]
fn what_fuzzing_found_stays_harmless() {
    replay("columns", checks::decode);
    replay("roundtrip", checks::roundtrip);
}

/// Streams of honest agents, from which the fuzzer starts. They are the format, too: what was coded
/// must be readable as long as the protocol has its number.
#[test]
fn the_format_is_the_one_committed() {
    type Value = fn(u32, i64) -> f64;
    let values: [(&str, Value); 3] = [
        ("lively", lively),
        ("constant", |id, _| f64::from(id)),
        ("odd", |id, scrape| match (i64::from(id) + scrape) % 4 {
            0 => f64::NAN,
            1 => -0.0,
            2 => f64::INFINITY,
            _ => f64::from(id) / 3.0,
        }),
    ];
    for (name, value) in values {
        let mut encoder = Encoder::default();
        let mut data = Vec::new();
        for (number, lane) in [(100, Lane::Live), (101, Lane::Live), (50, Lane::Backlog)] {
            let coded = encoder.encode(lane, &minute(number, value));
            checks::append(&mut data, lane, &coded);
        }
        let path = corpus("columns").join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &data).unwrap();
        }
        assert!(
            std::fs::read(&path).unwrap() == data,
            "the coded bytes of {} changed: raise the protocol, then run \
             `UPDATE=1 cargo test -p dawnwatch-proto --test columns`",
            path.display()
        );
    }
}
