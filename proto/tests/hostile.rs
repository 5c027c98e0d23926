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
use proto::columns::{Encoder as Columns, Lane, Rounds};
use proto::ids::{AgentId, CentreId, DeviceId, slug};
use proto::limits::{
    DICTIONARY_BYTES, ECHOES, ID_BYTES, INTERVAL, LABEL_BYTES, LABELS_PER_SERIES, ROUNDS_PER_BATCH,
    SAMPLE_AGE, SAMPLE_FUTURE, SAMPLES_PER_BATCH, SERIES_PER_AGENT, SERVICES_PER_PLAN,
    TARGETS_PER_PLAN,
};
use proto::metrics::{CATALOGUE, Origin};
use proto::plan::Plan;
use proto::stream::{Decoder, Encoder, Malformed, Measured, Reject, Series, pack, timely};
use proto::token::{Fingerprint, SECRET_BYTES, Secret, Token};
use proto::wire;

/// One sample as whoever reads the other end sees it; the value as bits, so that it can be compared.
type Seen = (Series, i64, u64);

// ---- What may arrive ----

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0u32..6, 1 => select(vec![3_999, 4_000, u32::MAX]), 1 => any::<u32>()]
}

fn time() -> impl Strategy<Value = i64> {
    let hour = 3_600_000_i64;
    prop_oneof![
        4 => -hour..hour,
        2 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]),
        1 => any::<i64>(),
    ]
}

fn lane() -> impl Strategy<Value = Lane> {
    select(vec![Lane::Live, Lane::Backlog])
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
        "x".repeat(2_000),
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
    let device = prop_oneof![
        Just(String::new()),
        Just("mfp-1".to_owned()),
        any::<String>()
    ];
    (id(), named, device).prop_map(|(id, (metric, labels), device)| wire::Series {
        id,
        metric,
        labels,
        device,
    })
}

/// Rounds that an encoder takes, of ids that may be defined or not.
fn rounds() -> impl Strategy<Value = Rounds> {
    let below = u32::try_from(SERIES_PER_AGENT).unwrap();
    let id = id().prop_map(move |id| id % below);
    vec((time(), vec((id, number()), 0..20)), 0..6).prop_map(|drawn| {
        let mut rounds = Rounds::default();
        for (time_unix_ms, samples) in drawn {
            rounds.push(time_unix_ms, samples).unwrap();
        }
        rounds
    })
}

/// What one message of a stream defines and measures, coded well or any bytes.
#[derive(Debug, Clone)]
struct Sent {
    series: Vec<wire::Series>,
    lane: Lane,
    rounds: Rounds,
}

fn sent() -> impl Strategy<Value = Sent> {
    (vec(definition(), 0..12), lane(), rounds()).prop_map(|(series, lane, rounds)| Sent {
        series,
        lane,
        rounds,
    })
}

// ---- The collector's side ----

/// A decoder beside a plain model of what it promises, and the encoder of who sends to it.
#[derive(Default)]
struct Collector {
    decoder: Decoder,
    columns: Columns,
    series: Vec<Series>,
    /// What the first definition of each id came to.
    defined: HashMap<u32, Option<usize>>,
}

impl Collector {
    /// Takes a message, checks every promise, and returns what it accepted.
    fn take(&mut self, sent: Sent) -> Vec<Seen> {
        self.define(sent.series);
        let samples = self.columns.encode(sent.lane, &sent.rounds);
        let mut arrived = Rounds::default();
        self.decoder
            .decode(sent.lane, &samples, &mut arrived)
            .expect("an encoder wrote it");
        assert_eq!(bits(&arrived), bits(&sent.rounds));
        let mut accepted = Vec::new();
        for round in arrived.iter() {
            for (id, value) in round.samples() {
                let expected = self.defined.get(&id).copied().flatten();
                let expected = expected.filter(|_| value.is_finite());
                let resolved = self.decoder.resolve(id, value);
                assert_eq!(resolved.ok(), expected, "{id} {value}");
                if let Some(series) = expected {
                    let series = self.series.get(series).expect("it was accepted");
                    accepted.push((series.clone(), round.time_unix_ms, value.to_bits()));
                }
            }
        }
        accepted
    }

    fn define(&mut self, definitions: Vec<wire::Series>) {
        let arrived = definitions.len();
        let mut expected = Vec::new();
        for definition in definitions.clone() {
            let id = definition.id;
            if (id as usize) < SERIES_PER_AGENT && !self.defined.contains_key(&id) {
                let series = Series::try_from(definition).ok();
                let index = self.series.len() + expected.len();
                self.defined.insert(id, series.is_some().then_some(index));
                expected.extend(series);
            }
        }
        let packed = pack(&definitions);
        let mut rejected = 0;
        let fresh = match self.decoder.define(&packed, |_| rejected += 1) {
            Ok(fresh) => fresh,
            Err(error) => panic!("{error}: {arrived} definitions"),
        };
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
            let mut values = series.labels.iter().map(|(_, value)| value);
            assert!(values.all(|value| value.len() <= LABEL_BYTES));
        }
        self.series.extend(fresh);
        assert!(self.series.len() <= SERIES_PER_AGENT);
    }
}

fn bits(rounds: &Rounds) -> Vec<(i64, Vec<u32>, Vec<u64>)> {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    rounds
        .iter()
        .map(|round| {
            (
                round.time_unix_ms,
                round.series.to_vec(),
                bits(round.values),
            )
        })
        .collect()
}

/// A stream that gets any batches at all: refused, or within all bounds.
fn take_anything(decoder: &mut Decoder, batch: &wire::Batch) -> Result<(), Malformed> {
    let fresh = decoder.define(&batch.series, |_| {})?;
    assert!(fresh.len() <= SERIES_PER_AGENT);
    let lane = match batch.lane() {
        wire::Lane::Live => Lane::Live,
        wire::Lane::Backlog => Lane::Backlog,
    };
    let mut rounds = Rounds::default();
    decoder.decode(lane, &batch.samples, &mut rounds)?;
    assert!(rounds.len() <= ROUNDS_PER_BATCH);
    assert!(rounds.samples() <= SAMPLES_PER_BATCH);
    for round in rounds.iter() {
        assert_eq!(round.series.len(), round.values.len());
        for (id, value) in round.samples() {
            assert!((id as usize) < SERIES_PER_AGENT);
            let _ = decoder.resolve(id, value);
        }
        let _ = timely(round.time_unix_ms, 0);
    }
    Ok(())
}

fn batch() -> impl Strategy<Value = wire::Batch> {
    let bytes = || vec(any::<u8>(), 0..200);
    let series = prop_oneof![
        3 => vec(definition(), 0..12).prop_map(|series| pack(&series)),
        1 => bytes(),
    ];
    let samples = prop_oneof![
        2 => rounds().prop_map(|rounds| Columns::default().encode(Lane::Live, &rounds)),
        1 => bytes(),
    ];
    (any::<u64>(), any::<u64>(), series, samples, -1i32..3).prop_map(
        |(instance, sequence, series, samples, lane)| wire::Batch {
            instance,
            sequence,
            series,
            samples,
            lane,
            ..wire::Batch::default()
        },
    )
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
        let _ = take_anything(&mut Decoder::default(), &batch);
        let _ = Measured::unpack(&batch);
    }
}

fn check_plan(wire: wire::Plan) {
    let Ok(plan) = Plan::try_from(wire.clone()) else {
        return;
    };
    for interval in [
        plan.host_interval,
        plan.link_interval,
        plan.report_interval,
        plan.service_interval,
        plan.path_interval,
    ] {
        assert!(INTERVAL.contains(&interval));
    }
    assert!(ECHOES.contains(&plan.link_echoes));
    assert!(plan.services.len() <= SERVICES_PER_PLAN);
    assert!(plan.targets.len() <= TARGETS_PER_PLAN);
    for target in &plan.targets {
        assert!((1..=LABEL_BYTES).contains(&target.name.len()));
        assert!((1..=LABEL_BYTES).contains(&target.address.len()));
    }
    assert_eq!(Plan::try_from(wire::Plan::from(&plan)), Ok(plan));
}

fn plan() -> impl Strategy<Value = wire::Plan> {
    let interval = || prop_oneof![3 => 1_000u32..=3_600_000, 1 => any::<u32>()];
    let text = || prop_oneof![4 => "[a-z0-9.]{1,9}", 1 => ".*"];
    let network = || prop_oneof![8 => Just(String::new()), 1 => text()];
    let target = (text(), text(), -1i32..9, network());
    let target = target.prop_map(|(name, address, segment, network)| wire::Target {
        name,
        address,
        segment,
        network,
    });
    let url = prop_oneof![4 => "(https?|tls|tcp)://[a-z.]{1,20}(:[0-9]{1,5})?", 1 => ".*"];
    let service = (text(), url, text(), network());
    let service = service.prop_map(|(name, url, expect, network)| wire::Service {
        name,
        url,
        expect,
        network,
    });
    let intervals = [(); 5].map(|()| interval());
    let targets = prop_oneof![4 => vec(target.clone(), 0..4), 1 => vec(target, 60..70)];
    let services = prop_oneof![4 => vec(service.clone(), 0..3), 1 => vec(service, 20..30)];
    (any::<u64>(), intervals, 0u32..110, targets, services).prop_map(
        |(version, intervals, link_echoes, targets, services)| {
            let [host, link, report, service, path] = intervals;
            wire::Plan {
                version,
                host_interval_ms: host,
                link_interval_ms: link,
                report_interval_ms: report,
                service_interval_ms: service,
                path_interval_ms: path,
                link_echoes,
                targets,
                services,
                ..wire::Plan::default()
            }
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
        device: String::new(),
    }
}

/// What stands by itself: what it uses, it defines, by place.
fn self_contained(rounds: Vec<Vec<(usize, f64)>>) -> Measured {
    let mut ids = HashMap::new();
    let mut measured = Measured::default();
    for (time, samples) in rounds.into_iter().enumerate() {
        let mut round = Vec::new();
        for (number, value) in samples {
            let next = u32::try_from(ids.len()).unwrap();
            let id = *ids.entry(number).or_insert(next);
            if id == next && measured.series.len() == id as usize {
                measured.series.push(honest(number));
            }
            round.push((id, value));
        }
        let time_unix_ms = i64::try_from(time).unwrap();
        measured.rounds.push(time_unix_ms, round).unwrap();
    }
    measured
}

/// What the samples of a self-contained batch are.
fn meaning(measured: &Measured) -> Vec<Seen> {
    let series = |id: u32| {
        let series = measured.series.get(id as usize).unwrap();
        Series::try_from(series.clone()).unwrap()
    };
    let rounds = measured.rounds.iter();
    rounds
        .flat_map(|round| {
            let time = round.time_unix_ms;
            round.samples().map(move |(id, value)| (id, time, value))
        })
        .map(|(id, time, value)| (series(id), time, value.to_bits()))
        .collect()
}

/// What arrives of a batch that is sent on this stream, and how much was left out.
fn send(
    (encoder, decoder, known): &mut (Encoder, Decoder, Vec<Series>),
    measured: Measured,
    lane: Lane,
) -> (Vec<Seen>, usize) {
    let encoded = encoder.encode(measured, lane);
    let fresh = decoder.define(&encoded.series, |reject| panic!("{reject:?}"));
    known.extend(fresh.unwrap());
    let mut rounds = Rounds::default();
    decoder.decode(lane, &encoded.samples, &mut rounds).unwrap();
    let mut arrived = Vec::new();
    for round in rounds.iter() {
        for (id, value) in round.samples() {
            let series = decoder.resolve(id, value).unwrap();
            let series = known.get(series).unwrap().clone();
            arrived.push((series, round.time_unix_ms, value.to_bits()));
        }
    }
    (arrived, encoded.left_out)
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
        let mut decoder = Decoder::default();
        for batch in batches {
            if take_anything(&mut decoder, &batch).is_err() {
                break;
            }
        }
    }

    #[test]
    fn every_sample_of_a_stream_is_accepted_or_refused_once(sent in vec(sent(), 1..6)) {
        let mut collector = Collector::default();
        for sent in sent {
            collector.take(sent);
        }
    }

    #[test]
    fn a_stream_carries_exactly_what_self_contained_batches_say(
        batches in vec((lane(), vec(vec((0usize..12, -1e9..1e9), 0..9), 0..5)), 1..8),
    ) {
        let mut stream = Default::default();
        for (lane, rounds) in batches {
            let measured = self_contained(rounds);
            let packed = measured.pack(7, wire::Recorded::default());
            prop_assert_eq!(&Measured::unpack(&packed).unwrap(), &measured);
            let expected = meaning(&measured);
            prop_assert_eq!(send(&mut stream, measured, lane), (expected, 0));
        }
    }

    #[test]
    fn only_what_is_of_use_is_timely(time in time(), now in time()) {
        let within = |limit: std::time::Duration| i128::try_from(limit.as_millis()).unwrap();
        let (future, age) = (within(SAMPLE_FUTURE), within(SAMPLE_AGE));
        // Ends of the scale are not reached.
        let now = now / 2;
        let ahead = i128::from(time) - i128::from(now);
        let expected = if ahead > future {
            Err(Reject::InFuture)
        } else if ahead < -age {
            Err(Reject::TooOld)
        } else {
            Ok(())
        };
        prop_assert_eq!(timely(time, now), expected);
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
    let mut stream = Default::default();
    let (mut left_out, mut seen) = (0, 0);
    for hundred in 0..50 {
        let samples = (0..100)
            .map(|number| (hundred * 100 + number, 1.0))
            .collect();
        let (arrived, without) = send(&mut stream, self_contained(vec![samples]), Lane::Live);
        seen += arrived.len();
        left_out += without;
    }
    assert_eq!(seen, SERIES_PER_AGENT);
    assert_eq!(left_out, 5_000 - SERIES_PER_AGENT);
}

#[test]
fn definitions_without_end_take_no_memory_beyond_the_limit() {
    let mut collector = Collector::default();
    for thousand in 0..10u32 {
        let ids = thousand * 1_000..(thousand + 1) * 1_000;
        collector.define(ids.map(|id| wire::Series { id, ..honest(0) }).collect());
    }
    assert_eq!(collector.series.len(), SERIES_PER_AGENT);
    assert_eq!(collector.defined.len(), SERIES_PER_AGENT);
}

#[test]
fn a_dictionary_that_inflates_without_end_is_refused() {
    let names = vec![honest(0); DICTIONARY_BYTES / 20];
    let bomb = pack(&names);
    assert!(bomb.len() < DICTIONARY_BYTES / 50, "{} bytes", bomb.len());
    let refused = Decoder::default().define(&bomb, |_| {});
    assert!(matches!(refused, Err(Malformed::Deflate)));
}
