//! What a hostile or broken peer may send: any bytes, any batches, any text. Nothing panics, nothing
//! out of bounds gets in, and every sample is accepted or refused exactly once. What honest peers
//! send comes out as it went in.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fmt::Debug;

use dawnwatch_proto as proto;
use prop::sample::select;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use proto::ids::{AgentId, CentreId, DeviceId, slug};
use proto::limits::{
    ID_BYTES, INTERVAL, LABEL_BYTES, LABELS_PER_SERIES, ROUNDS_PER_BATCH, SAMPLE_AGE,
    SAMPLE_FUTURE, SERIES_PER_AGENT, TARGETS_PER_PLAN,
};
use proto::metrics::{CATALOGUE, Origin};
use proto::plan::Plan;
use proto::stream::{Decoder, Encoder, Sample, Series};
use proto::token::{Fingerprint, SECRET_BYTES, Secret, Token};
use proto::wire;

/// One sample as whoever reads the other end sees it; the value as bits, so that it can be compared.
type Seen = (Series, i64, u64);

// ---- What may arrive ----

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0u32..6, 1 => select(vec![1_999, 2_000, u32::MAX]), 1 => any::<u32>()]
}

fn time() -> impl Strategy<Value = i64> {
    let hour = 3_600_000_i64;
    prop_oneof![
        4 => -hour..hour,
        2 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]),
        1 => any::<i64>(),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    let special = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::MAX,
        5e-324,
    ];
    prop_oneof![3 => any::<f64>(), 1 => select(special)]
}

fn metric() -> impl Strategy<Value = String> {
    let known: Vec<_> = CATALOGUE
        .iter()
        .flat_map(|metric| {
            let parts = metric.parts().iter();
            parts.map(|part| format!("{}{}", metric.name, part.suffix()))
        })
        .collect();
    let near = vec![
        "dawnwatch_link_rtt_seconds",
        "dawnwatch_boot_time_seconds_sum",
        "",
    ];
    prop_oneof![8 => select(known), 1 => select(near).prop_map(str::to_owned), 1 => ".*"]
}

fn label() -> impl Strategy<Value = wire::Label> {
    let names = vec![
        "segment",
        "target",
        "le",
        "interface",
        "sensor",
        "centre",
        "device",
        "",
    ];
    let long = vec![
        "x".repeat(LABEL_BYTES),
        "é".repeat(LABEL_BYTES),
        "x".repeat(100_000),
    ];
    let value = prop_oneof![4 => ".{0,9}", 1 => select(long)];
    let name = prop_oneof![8 => select(names).prop_map(str::to_owned), 1 => ".*"];
    (name, value).prop_map(|(name, value)| wire::Label { name, value })
}

fn definition() -> impl Strategy<Value = wire::Series> {
    // What the metric wants, or anything, or a flood.
    let fitting = metric().prop_map(|metric| {
        let known = proto::metrics::find(&metric);
        let labels = known.map_or(&[][..], |(metric, _)| metric.labels);
        let label = |name: &&str| wire::Label {
            name: (*name).into(),
            value: "eth0".into(),
        };
        (metric.clone(), labels.iter().map(label).collect())
    });
    let anything = (metric(), vec(label(), 0..20));
    let named = prop_oneof![3 => fitting, 1 => anything];
    (id(), named).prop_map(|(id, (metric, labels))| wire::Series { id, metric, labels })
}

fn round() -> impl Strategy<Value = wire::Round> {
    let pairs = vec((id(), number()), 0..20);
    (time(), pairs, 0usize..6).prop_map(|(time_unix_ms, pairs, damage)| {
        let (mut series, mut values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        match damage {
            0 => series.truncate(3),
            1 => values.truncate(3),
            _ => {}
        }
        wire::Round {
            time_unix_ms,
            series,
            values,
        }
    })
}

fn batch() -> impl Strategy<Value = wire::Batch> {
    let parts = (
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        proptest::option::of(time()),
    );
    let content = (vec(definition(), 0..12), vec(round(), 0..6));
    (parts, content).prop_map(
        |((instance, sequence, dropped_samples, wall), (series, rounds))| {
            let clock = |wall_unix_ms| wire::Clock {
                wall_unix_ms,
                monotonic_ms: 0,
            };
            let clock = wall.map(clock);
            wire::Batch {
                instance,
                sequence,
                clock,
                series,
                rounds,
                dropped_samples,
            }
        },
    )
}

// ---- The collector's side ----

/// A decoder beside a plain model of what it promises.
#[derive(Default)]
struct Collector {
    decoder: Decoder,
    series: Vec<Series>,
    /// What the first definition of each id came to.
    defined: HashMap<u32, Option<usize>>,
}

impl Collector {
    /// Takes a batch, checks every promise, and returns what it accepted.
    fn take(&mut self, batch: wire::Batch) -> Vec<Seen> {
        self.define(batch.series);
        let sent = batch.clock.unwrap_or_default().wall_unix_ms;
        let (mut accepted, mut rejected) = (Vec::new(), 0);
        self.decoder.samples(
            &batch.rounds,
            sent,
            |sample| accepted.push(sample),
            |_, count| rejected += count,
        );
        let expected = self.expected(&batch.rounds, sent);
        let bits = |samples: &[Sample]| -> Vec<_> {
            let bits = |s: &Sample| (s.series, s.time_unix_ms, s.value.to_bits());
            samples.iter().map(bits).collect()
        };
        assert_eq!(bits(&accepted), bits(&expected));
        let longest = |round: &wire::Round| round.series.len().max(round.values.len());
        let arrived: usize = batch.rounds.iter().map(longest).sum();
        assert_eq!(
            accepted.len() + rejected,
            arrived,
            "each sample counts once"
        );
        let seen = |s: &Sample| {
            let series = self
                .series
                .get(s.series)
                .expect("a series that was accepted");
            (series.clone(), s.time_unix_ms, s.value.to_bits())
        };
        accepted.iter().map(seen).collect()
    }

    fn define(&mut self, definitions: Vec<wire::Series>) {
        let arrived = definitions.len();
        let mut expected = Vec::new();
        for definition in definitions.clone() {
            if self.defined.len() < SERIES_PER_AGENT && !self.defined.contains_key(&definition.id) {
                let id = definition.id;
                let series = Series::try_from(definition).ok();
                let index = series
                    .is_some()
                    .then_some(self.series.len() + expected.len());
                self.defined.insert(id, index);
                expected.extend(series);
            }
        }
        let mut rejected = 0;
        let fresh = self.decoder.define(definitions, |_| rejected += 1);
        assert_eq!(
            fresh.len() + rejected,
            arrived,
            "each definition counts once"
        );
        assert_eq!(fresh, expected);
        for series in &fresh {
            assert_eq!(series.metric.origin, Origin::Agent);
            assert!(series.metric.parts().contains(&series.part));
            assert!(series.labels.len() <= LABELS_PER_SERIES);
            assert!(
                series
                    .labels
                    .iter()
                    .all(|(_, value)| value.len() <= LABEL_BYTES)
            );
        }
        self.series.extend(fresh);
        assert!(self.series.len() <= SERIES_PER_AGENT);
    }

    fn expected(&self, rounds: &[wire::Round], sent: i64) -> Vec<Sample> {
        let within = |limit: std::time::Duration| i128::try_from(limit.as_millis()).unwrap();
        let timely = -within(SAMPLE_AGE)..=within(SAMPLE_FUTURE);
        let mut expected = Vec::new();
        for round in rounds.iter().take(ROUNDS_PER_BATCH) {
            let time_unix_ms = round.time_unix_ms;
            let is_timely = timely.contains(&(i128::from(time_unix_ms) - i128::from(sent)));
            if is_timely && round.series.len() == round.values.len() {
                for (id, value) in round.series.iter().zip(&round.values) {
                    if let (Some(Some(series)), true) = (self.defined.get(id), value.is_finite()) {
                        expected.push(Sample {
                            series: *series,
                            time_unix_ms,
                            value: *value,
                        });
                    }
                }
            }
        }
        expected
    }
}

// ---- Bytes ----

/// Decodes, and holds what comes out to what it says of itself.
fn decode<M: Message + Default + Debug>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let again = message.encode_to_vec();
    assert_eq!(
        M::decode(&*again).unwrap().encode_to_vec(),
        again,
        "{message:?}"
    );
    Some(message)
}

fn decode_all(bytes: &[u8]) {
    decode::<wire::EnrollRequest>(bytes);
    decode::<wire::EnrollResponse>(bytes);
    decode::<wire::RenewRequest>(bytes);
    decode::<wire::RenewResponse>(bytes);
    decode::<wire::FromCollector>(bytes);
    decode::<wire::FromAgent>(bytes);
    if let Some(plan) = decode::<wire::Plan>(bytes) {
        check_plan(plan);
    }
    if let Some(batch) = decode::<wire::Batch>(bytes) {
        Encoder::default().shorten(&mut batch.clone());
        Collector::default().take(batch);
    }
}

fn check_plan(wire: wire::Plan) {
    let Ok(plan) = Plan::try_from(wire.clone()) else {
        return;
    };
    for interval in [plan.host_interval, plan.link_interval, plan.report_interval] {
        assert!(INTERVAL.contains(&interval));
    }
    assert!(plan.targets.len() <= TARGETS_PER_PLAN);
    for target in &plan.targets {
        assert!((1..=LABEL_BYTES).contains(&target.name.len()));
        assert!((1..=LABEL_BYTES).contains(&target.address.len()));
    }
    assert_eq!(wire::Plan::from(&plan), wire);
}

fn plan() -> impl Strategy<Value = wire::Plan> {
    let interval = || prop_oneof![3 => 1_000u32..=3_600_000, 1 => any::<u32>()];
    let text = || prop_oneof![4 => "[a-z0-9.]{1,9}", 1 => ".*"];
    let target = (text(), text(), -1i32..9).prop_map(|(name, address, segment)| wire::Target {
        name,
        address,
        segment,
    });
    let targets = prop_oneof![4 => vec(target.clone(), 0..4), 1 => vec(target, 60..70)];
    (any::<u64>(), interval(), interval(), interval(), targets).prop_map(
        |(version, host_interval_ms, link_interval_ms, report_interval_ms, targets)| wire::Plan {
            version,
            host_interval_ms,
            link_interval_ms,
            report_interval_ms,
            targets,
        },
    )
}

// ---- The agent's side ----

/// A series that every collector accepts.
fn honest(number: usize) -> wire::Series {
    let value = format!("sensor-{number}");
    wire::Series {
        id: 0,
        metric: "dawnwatch_temperature_celsius".into(),
        labels: vec![wire::Label {
            name: "sensor".into(),
            value,
        }],
    }
}

/// A batch that stands by itself: what it uses, it defines, by ids of its own.
fn self_contained(first_id: u32, rounds: Vec<Vec<(usize, f64)>>) -> wire::Batch {
    let mut ids = HashMap::new();
    let mut batch = wire::Batch::default();
    for samples in rounds {
        let mut round = wire::Round::default();
        for (number, value) in samples {
            let next = first_id.wrapping_add(u32::try_from(ids.len()).unwrap());
            let id = *ids.entry(number).or_insert(next);
            if id == next && !batch.series.iter().any(|series| series.id == id) {
                batch.series.push(wire::Series {
                    id,
                    ..honest(number)
                });
            }
            round.series.push(id);
            round.values.push(value);
        }
        batch.rounds.push(round);
    }
    batch
}

fn samples_in(batch: &wire::Batch) -> usize {
    batch.rounds.iter().map(|round| round.series.len()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_or_understood(bytes in vec(any::<u8>(), 0..200)) {
        decode_all(&bytes);
    }

    #[test]
    fn a_damaged_message_is_refused_or_understood(
        batch in batch(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = batch.encode_to_vec();
        for (place, byte) in damage.iter().filter(|_| !batch.series.is_empty()) {
            let place = place.index(bytes.len());
            bytes.splice(place..=place, [*byte]);
        }
        decode_all(&bytes);
        decode_all(bytes.get(..length.index(bytes.len() + 1)).unwrap());
    }

    #[test]
    fn a_stream_of_hostile_batches_gets_nothing_past_the_limits(batches in vec(batch(), 1..6)) {
        let mut collector = Collector::default();
        for batch in batches {
            collector.take(batch);
        }
    }

    #[test]
    fn a_batch_that_is_shortened_keeps_or_counts_every_sample(mut batches in vec(batch(), 1..4)) {
        let mut encoder = Encoder::default();
        for batch in &mut batches {
            let before = samples_in(batch);
            let left_out = encoder.shorten(batch);
            prop_assert_eq!(samples_in(batch) + left_out, before);
            prop_assert!(batch.rounds.iter().all(|round| round.series.len() == round.values.len()));
        }
    }

    #[test]
    fn a_stream_carries_exactly_what_self_contained_batches_say(
        batches in vec((any::<u32>(), vec(vec((0usize..12, -1e9..1e9), 0..9), 0..5)), 1..8),
    ) {
        let (mut encoder, mut collector) = (Encoder::default(), Collector::default());
        for (first_id, rounds) in batches {
            let mut batch = self_contained(first_id, rounds);
            let sent = samples_in(&batch);
            let alone = Collector::default().take(batch.clone());
            prop_assert_eq!(encoder.shorten(&mut batch), 0);
            let seen = collector.take(batch);
            prop_assert_eq!(seen.len(), sent);
            prop_assert_eq!(seen, alone);
        }
    }

    #[test]
    fn any_plan_is_refused_or_within_bounds(plan in plan()) {
        check_plan(plan);
    }

    #[test]
    fn any_text_is_refused_or_an_id(text in prop_oneof![".*", "[a-z0-9-]{0,70}"]) {
        fn check<Id: std::str::FromStr + ToString>(text: &str) {
            if let Ok(id) = text.parse::<Id>() {
                assert_eq!(id.to_string(), text);
                assert!((1..=ID_BYTES).contains(&text.len()));
                assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            }
        }
        check::<CentreId>(&text);
        check::<DeviceId>(&text);
        check::<AgentId>(&text);
        if let Some(slug) = slug(&text) {
            prop_assert!(slug.parse::<DeviceId>().is_ok(), "{} became {}", text, slug);
        }
    }

    #[test]
    fn any_text_is_refused_or_a_token(text in prop_oneof![".*", "dw[0-9]{1,12}-.*", "dw1-[0-9a-f]{64}-[0-9a-g]{31,33}"]) {
        if let Ok(token) = text.parse::<Token>() {
            prop_assert_eq!(token.to_string().parse::<Token>(), Ok(token));
            prop_assert!(text.to_lowercase().contains(&token.to_string()));
        }
        let _ = text.parse::<Fingerprint>();
    }

    #[test]
    fn a_token_is_read_as_it_was_printed(fingerprint: [u8; 32], secret: [u8; SECRET_BYTES]) {
        let token = Token { fingerprint: Fingerprint(fingerprint), secret: Secret(secret) };
        prop_assert_eq!(token.to_string().parse::<Token>(), Ok(token));
    }
}

// ---- Floods, which are too large to draw by lot ----

#[test]
fn series_beyond_the_limit_cost_nobody_the_others() {
    let (mut encoder, mut collector) = (Encoder::default(), Collector::default());
    let (mut left_out, mut seen) = (0, 0);
    for hundred in 0..30 {
        let samples = (0..100)
            .map(|number| (hundred * 100 + number, 1.0))
            .collect();
        let mut batch = self_contained(7, vec![samples]);
        left_out += encoder.shorten(&mut batch);
        seen += collector.take(batch).len();
    }
    assert_eq!(seen, SERIES_PER_AGENT);
    assert_eq!(left_out, 3_000 - SERIES_PER_AGENT);
}

#[test]
fn definitions_without_end_take_no_memory_beyond_the_limit() {
    let mut collector = Collector::default();
    for thousand in 0..10u32 {
        let ids = thousand * 1_000..(thousand + 1) * 1_000;
        let series = ids.map(|id| wire::Series { id, ..honest(0) }).collect();
        collector.take(wire::Batch {
            series,
            ..wire::Batch::default()
        });
    }
    assert_eq!(collector.series.len(), SERIES_PER_AGENT);
    assert_eq!(collector.defined.len(), SERIES_PER_AGENT);
}

#[test]
fn rounds_beyond_the_limit_are_counted_and_left_out() {
    let mut collector = Collector::default();
    let batch = self_contained(0, vec![vec![(0, 1.0)]; 5 * ROUNDS_PER_BATCH]);
    assert_eq!(collector.take(batch).len(), ROUNDS_PER_BATCH);
}
