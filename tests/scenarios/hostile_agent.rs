//! One agent, hostile or broken, gets an answer, is counted, and cannot hurt the others: who may talk,
//! and what is refused of what was said. What cannot even be read is in [`super::hostile_bytes`].

use std::collections::BTreeSet;
use std::time::Duration;

use proto::columns::Rounds;
use proto::limits::{LABEL_BYTES, SERIES_PER_AGENT};
use proto::wire::{Series, from_agent, from_collector};
use tonic::Code;

use crate::harness::scrape::Page;
use crate::harness::stranger::{INSTANCE, Stranger, Stream, address_of, clock, covers, series};
use crate::harness::{Collector, eventually, metric};

const CPU: &str = "dawnwatch_cpu_usage_ratio";

const DAY_MS: i64 = 86_400_000;

fn cpu() -> [Series; 1] {
    [series(0, CPU, &[])]
}

/// Values of series 0, each so long ago.
fn ago(values: &[(i64, f64)]) -> Rounds {
    let now = clock(0).wall_unix_ms;
    at(values.iter().map(|(ago_ms, value)| (now - ago_ms, *value)))
}

/// Values of series 0, each at its time.
fn at(values: impl IntoIterator<Item = (i64, f64)>) -> Rounds {
    let mut rounds = Rounds::default();
    for (time_unix_ms, value) in values {
        rounds.push(time_unix_ms, [(0, value)]).unwrap();
    }
    rounds
}

fn rejected(reason: &str, page: &Page) -> f64 {
    metric("dawnwatch_collector_samples_rejected_total")
        .label("reason", reason)
        .in_(page)
}

async fn ended(collector: &Collector, reason: &str) {
    eventually(
        "the end of the stream is counted",
        Duration::from_secs(5),
        async || {
            let page = collector.metrics().await?;
            let ended = metric("dawnwatch_collector_streams_ended_total").label("reason", reason);
            ended.is(1.0).found_in(&page)
        },
    )
    .await;
}

#[tokio::test]
async fn a_stream_needs_a_certificate() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let refused = Stream::open(stranger.connect_unknown().await)
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
}

#[tokio::test]
async fn the_certificate_of_another_collector_is_refused() {
    let (here, elsewhere) = (Collector::started().await, Collector::started().await);
    let ours = Stranger::enrolled_at(&here, "cong-son").await;
    let foreign = Stranger::enrolled_at(&elsewhere, "cong-son").await;
    // TLS 1.3 lets the client finish first: the refusal may come with the first call.
    if let Ok(channel) = foreign.connect_to(ours.trust(), &address_of(&here)).await {
        Stream::open(channel).await.expect_err("refused");
    }
    let page = here.metrics().await.unwrap();
    let refused = metric("dawnwatch_collector_connections_refused_total");
    let refused = refused.label("reason", "foreign_certificate").in_(&page);
    // A client may try once more before it believes it.
    assert!(refused >= 1.0, "{refused}");
    // And the other way round: it does not take this collector for its own.
    foreign
        .connect_to(foreign.trust(), &address_of(&here))
        .await
        .expect_err("not its collector");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = Stream::open(stranger.connect().await.unwrap())
        .await
        .unwrap();
    let refused = stream.answer().await.expect_err("let go");
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    ended(&collector, "no_hello").await;
}

#[tokio::test]
async fn a_batch_before_the_hello_is_refused() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = Stream::open(stranger.connect().await.unwrap())
        .await
        .unwrap();
    let batch = stream.batch(1, &[], &Rounds::default());
    stream.say(from_agent::Kind::Batch(batch)).await;
    let refused = stream.answer().await.expect_err("refused");
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
}

#[tokio::test]
async fn an_agent_that_is_too_old_is_told_to_update_and_a_newer_one_is_welcome() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = Stream::open(stranger.connect().await.unwrap())
        .await
        .unwrap();
    stream.hello(0).await;
    let refused = stream.answer().await.expect_err("too old");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("update the agent"), "{refused}");
    let mut stream = Stream::open(stranger.connect().await.unwrap())
        .await
        .unwrap();
    stream.hello(99).await;
    let Ok(Some(from_collector::Kind::Welcome(welcome))) = stream.answer().await else {
        panic!("not welcome");
    };
    assert_eq!(welcome.protocol, proto::limits::PROTOCOL);
}

#[tokio::test]
async fn what_is_refused_is_counted_and_the_rest_goes_on() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let mut rounds = ago(&[
        (0, f64::NAN),
        (0, f64::INFINITY),
        (0, f64::NEG_INFINITY),
        (0, 0.5),
        (-DAY_MS, 0.1),
        (-DAY_MS, 0.1),
        (30 * DAY_MS, 0.2),
    ]);
    rounds.push(clock(0).wall_unix_ms, [(99, 1.0)]).unwrap();
    let batch = stream.batch(1, &cpu(), &rounds);
    assert_eq!(stream.send(batch).await, 3 + 2 + 1 + 1);
    let page = collector.metrics().await.unwrap();
    for (reason, count) in [
        ("not_finite", 3.0),
        ("in_future", 2.0),
        ("too_old", 1.0),
        ("undefined_series", 1.0),
    ] {
        assert_eq!(rejected(reason, &page), count, "{reason}");
    }
    metric(CPU).is(0.5).in_(&page);
}

#[tokio::test]
async fn times_beyond_all_calendars_are_refused() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let in_2150 = 5_680_281_600_000;
    let past = [i64::MIN, -in_2150, -1, 0].map(|time| (time, 0.1));
    let future = [in_2150, i64::MAX - 1, i64::MAX].map(|time| (time, 0.2));
    let rounds = at(past.into_iter().chain(future));
    let batch = stream.batch(1, &cpu(), &rounds);
    assert_eq!(stream.send(batch).await, 7);
    let page = collector.metrics().await.unwrap();
    assert_eq!(rejected("too_old", &page), 4.0);
    assert_eq!(rejected("in_future", &page), 3.0);
    // Whatever is to be thought of such a clock itself, it does not matter to anybody else.
    for (sequence, clock_ms) in [(2, i64::MIN), (3, i64::MAX), (4, -1), (5, in_2150)] {
        let mut batch = stream.batch(sequence, &[], &at([(clock_ms, 0.3)]));
        let monotonic_ms = clock(0).monotonic_ms;
        batch.clock = Some(proto::wire::Clock {
            wall_unix_ms: clock_ms,
            monotonic_ms,
        });
        stream.send(batch).await;
    }
    let batch = stream.batch(6, &[], &ago(&[(0, 0.4)]));
    assert_eq!(stream.send(batch).await, 0);
    metric(CPU).is(0.4).in_(&collector.metrics().await.unwrap());
}

#[tokio::test]
async fn a_counter_that_goes_back_is_shown_as_it_is() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let name = "dawnwatch_interface_receive_bytes_total";
    let definition = [series(0, name, &[("interface", "eth0")])];
    let batch = stream.batch(1, &definition, &ago(&[(2_000, 1e15), (1_000, 7.0)]));
    assert_eq!(stream.send(batch).await, 0);
    metric(name)
        .is(7.0)
        .in_(&collector.metrics().await.unwrap());
    let batch = stream.batch(2, &[], &ago(&[(0, 0.0)]));
    assert_eq!(stream.send(batch).await, 0);
    metric(name)
        .is(0.0)
        .in_(&collector.metrics().await.unwrap());
}

#[tokio::test]
async fn an_agent_whose_clock_is_years_off_is_as_good_as_any() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    for (sequence, years, value) in [(1, -17, 0.4), (2, 9, 0.6)] {
        let ahead = years * 365 * DAY_MS;
        let series = if sequence == 1 { &cpu()[..] } else { &[] };
        let mut batch = stream.batch(sequence, series, &ago(&[(-ahead, value)]));
        batch.clock = Some(clock(ahead));
        assert_eq!(stream.send(batch).await, 0);
        let page = collector.metrics().await.unwrap();
        metric(CPU).is(value).in_(&page);
        let offset = metric("dawnwatch_agent_clock_offset_seconds").in_(&page);
        let expected = years as f64 * 365.0 * 86_400.0;
        assert!(
            (offset - expected).abs() < 5.0,
            "{offset} instead of {expected}"
        );
    }
}

#[tokio::test]
async fn floods_of_labels_and_series_stop_at_their_bounds() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let up = "dawnwatch_interface_up";
    let long = "x".repeat(LABEL_BYTES + 1);
    let many: Vec<_> = (0..20).map(|_| ("interface", "eth0")).collect();
    let bound = u32::try_from(SERIES_PER_AGENT).unwrap();
    let mut flood = vec![
        series(0, "dawnwatch_nonsense", &[]),
        series(1, "dawnwatch_agent_up", &[]),
        series(2, up, &[("colour", "red")]),
        series(3, up, &[("interface", &long)]),
        series(4, up, &many),
    ];
    let name = |id: u32| format!("eth{id}");
    flood.extend((5..bound + 10).map(|id| series(id, up, &[("interface", &name(id))])));
    flood.push(series(5, up, &[("interface", "another")]));
    flood.push(series(u32::MAX, up, &[("interface", "the last")]));
    let mut rounds = Rounds::default();
    let every = (0..bound).map(|id| (id, 1.0));
    rounds.push(clock(0).wall_unix_ms, every).unwrap();
    let batch = stream.batch(1, &flood, &rounds);
    assert_eq!(stream.send(batch).await, 5);
    let page = collector.metrics().await.unwrap();
    for (reason, count) in [
        ("unknown_metric", 2.0),
        ("unknown_label", 1.0),
        ("label_too_long", 1.0),
        ("too_many_labels", 1.0),
        ("too_many_series", 11.0),
        ("redefined_series", 1.0),
    ] {
        let refused = metric("dawnwatch_collector_series_rejected_total");
        refused.label("reason", reason).is(count).in_(&page);
    }
    assert_eq!(metric(up).all_in(&page).len(), SERIES_PER_AGENT - 5);
}

#[tokio::test]
async fn nobody_speaks_for_a_machine_or_device_that_is_not_theirs() {
    let collector = Collector::started().await;
    let victim = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut victims = victim.welcomed().await;
    let batch = victims.batch(1, &cpu(), &ago(&[(0, 0.25)]));
    assert_eq!(victims.send(batch).await, 0);
    let page = collector.metrics().await.unwrap();
    let labels = &metric(CPU).all_in(&page)[0].labels;
    let victims_name = labels["device"].clone();

    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let about = |id, device: &str| Series {
        device: device.into(),
        ..series(id, CPU, &[])
    };
    let all = [
        series(0, CPU, &[]),
        about(1, &victims_name),
        about(2, "printer-1"),
        about(3, "No Id!"),
    ];
    let mut rounds = Rounds::default();
    let samples = (0..4).map(|id| (id, 0.5));
    rounds.push(clock(0).wall_unix_ms, samples).unwrap();
    let batch = stream.batch(1, &all, &rounds);
    assert_eq!(stream.send(batch).await, 3);
    let page = collector.metrics().await.unwrap();
    assert_eq!(rejected("unknown_device", &page), 3.0);
    metric(CPU)
        .label("device", &victims_name)
        .is(0.25)
        .in_(&page);
    assert_eq!(metric(CPU).all_in(&page).len(), 2);
}

#[tokio::test]
async fn a_client_that_sends_too_fast_waits_and_loses_nothing() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let count = 150;
    for sequence in 1..=count {
        let series = if sequence == 1 { &cpu()[..] } else { &[] };
        let batch = stream.batch(sequence, series, &ago(&[(0, 0.5)]));
        stream.say(from_agent::Kind::Batch(batch)).await;
    }
    let mut open: BTreeSet<u64> = (1..=count).collect();
    while !open.is_empty() {
        match stream.answer().await.unwrap() {
            Some(from_collector::Kind::Ack(ack)) => {
                open.retain(|sequence| !covers(&ack, INSTANCE, *sequence));
            }
            other => panic!("no acknowledgement: {other:?}"),
        }
    }
    let page = collector.metrics().await.unwrap();
    #[allow(clippy::cast_precision_loss, reason = "a small count")]
    metric("dawnwatch_collector_samples_total")
        .is(count as f64)
        .in_(&page);
    assert!(metric("dawnwatch_collector_batches_paced_total").in_(&page) > 0.0);
}

#[tokio::test]
async fn a_second_stream_of_one_agent_replaces_the_first() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut first = stranger.welcomed().await;
    let mut second = stranger.welcomed().await;
    let ended = first.answer().await.expect_err("replaced");
    assert_eq!(ended.code(), Code::Aborted, "{ended}");
    let batch = second.batch(1, &cpu(), &ago(&[(0, 0.5)]));
    assert_eq!(second.send(batch).await, 0);
}
