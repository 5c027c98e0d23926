//! One agent, hostile or broken, gets an answer, is counted, and cannot hurt the others.

use std::time::Duration;

use proto::limits::{LABEL_BYTES, MESSAGE_BYTES, SERIES_PER_AGENT};
use proto::wire::{Batch, Round, from_agent};
use tonic::Code;

use crate::harness::scrape::Page;
use crate::harness::stranger::{Stranger, Stream, address_of, clock, series};
use crate::harness::{Agent, Collector, eventually, metric};

const CPU: &str = "dawnwatch_cpu_usage_ratio";

fn batch(sequence: u64, rounds: Vec<Round>) -> Batch {
    Batch {
        instance: 7,
        sequence,
        clock: Some(clock(0)),
        series: vec![series(0, CPU, &[])],
        rounds,
        ..Batch::default()
    }
}

fn round(ago_ms: i64, values: &[f64]) -> Round {
    Round {
        time_unix_ms: clock(-ago_ms).wall_unix_ms,
        series: vec![0; values.len()],
        values: values.to_vec(),
    }
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
    stream.say(from_agent::Kind::Batch(batch(1, vec![]))).await;
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
    let Ok(Some(proto::wire::from_collector::Kind::Welcome(welcome))) = stream.answer().await
    else {
        panic!("not welcome");
    };
    assert_eq!(welcome.protocol, proto::limits::PROTOCOL);
}

#[tokio::test]
async fn what_is_refused_is_counted_and_the_rest_goes_on() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let day = 86_400_000;
    let undefined = Round {
        series: vec![99],
        ..round(0, &[1.0])
    };
    let unequal = Round {
        series: vec![0, 0],
        ..round(0, &[1.0])
    };
    let refused = stream
        .send(batch(
            1,
            vec![
                round(0, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5]),
                round(-day, &[0.1, 0.1]),
                round(30 * day, &[0.2]),
                undefined,
                unequal,
            ],
        ))
        .await;
    assert_eq!(refused, 3 + 2 + 1 + 1 + 2);
    let page = collector.metrics().await.unwrap();
    for (reason, count) in [
        ("not_finite", 3.0),
        ("in_future", 2.0),
        ("too_old", 1.0),
        ("undefined_series", 1.0),
        ("unequal_lengths", 2.0),
    ] {
        assert_eq!(rejected(reason, &page), count, "{reason}");
    }
    metric(CPU).is(0.5).in_(&page);
}

#[tokio::test]
async fn a_batch_counts_once_and_in_any_order() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    for (sequence, ago, value) in [(3, 0, 0.3), (1, 20_000, 0.1), (3, 0, 0.9), (2, 10_000, 0.2)] {
        assert_eq!(
            stream
                .send(batch(sequence, vec![round(ago, &[value])]))
                .await,
            0
        );
    }
    let page = collector.metrics().await.unwrap();
    let batches = |outcome| metric("dawnwatch_collector_batches_total").label("outcome", outcome);
    batches("accepted").is(3.0).in_(&page);
    batches("duplicate").is(1.0).in_(&page);
    metric("dawnwatch_collector_samples_total")
        .is(3.0)
        .in_(&page);
    metric(CPU).is(0.3).in_(&page);
    // Even on another stream.
    let mut stream = stranger.welcomed().await;
    stream.send(batch(2, vec![round(0, &[0.7])])).await;
    let page = collector.metrics().await.unwrap();
    batches("duplicate").is(2.0).in_(&page);
}

#[tokio::test]
async fn an_agent_whose_clock_is_years_off_is_as_good_as_any() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    for (sequence, years, value) in [(1, -17, 0.4), (2, 9, 0.6)] {
        let ahead = years * 365 * 86_400_000;
        let mut batch = batch(sequence, vec![round(-ahead, &[value])]);
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
    let mut flood = batch(1, vec![]);
    flood.series = vec![
        series(bound + 1, "dawnwatch_nonsense", &[]),
        series(bound + 2, "dawnwatch_agent_up", &[]),
        series(bound + 3, up, &[("colour", "red")]),
        series(bound + 4, up, &[("interface", &long)]),
        series(bound + 5, up, &many),
    ];
    let names: Vec<_> = (0..bound + 10).map(|id| format!("eth{id}")).collect();
    flood.series.extend(
        (0..bound + 10)
            .zip(&names)
            .map(|(id, name)| series(id, up, &[("interface", name)])),
    );
    let every = Round {
        time_unix_ms: clock(0).wall_unix_ms,
        series: (0..bound + 10).collect(),
        values: vec![1.0; SERIES_PER_AGENT + 10],
    };
    flood.rounds = vec![every];
    let refused = stream.send(flood).await;
    let page = collector.metrics().await.unwrap();
    let refusals = |reason| {
        metric("dawnwatch_collector_series_rejected_total")
            .label("reason", reason)
            .in_(&page)
    };
    assert_eq!(refusals("unknown_metric"), 2.0);
    assert_eq!(refusals("unknown_label"), 1.0);
    assert_eq!(refusals("label_too_long"), 1.0);
    assert_eq!(refusals("too_many_labels"), 1.0);
    assert_eq!(
        refusals("too_many_series") + refusals("redefined_series"),
        15.0
    );
    assert_eq!(metric(up).all_in(&page).len(), SERIES_PER_AGENT - 5);
    assert_eq!(refused, 15);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_stream_alone() {
    let collector = Collector::with_centres(crate::harness::collector::ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let values = vec![0.5; MESSAGE_BYTES / 8 + 1];
    stream
        .say(from_agent::Kind::Batch(batch(1, vec![round(0, &values)])))
        .await;
    stream.answer().await.expect_err("too large");
    ended(&collector, "malformed").await;
    eventually("the other agent goes on", crate::FIRST_VALUES, async || {
        metric("dawnwatch_agent_up")
            .is(1.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
}

#[tokio::test]
async fn a_client_that_sends_too_fast_waits_and_loses_nothing() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    let count = 150;
    for sequence in 1..=count {
        stream
            .say(from_agent::Kind::Batch(batch(
                sequence,
                vec![round(0, &[0.5])],
            )))
            .await;
    }
    for _ in 0..count {
        let answer = stream.answer().await.unwrap();
        assert!(
            matches!(answer, Some(proto::wire::from_collector::Kind::Ack(_))),
            "{answer:?}"
        );
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
    assert_eq!(second.send(batch(1, vec![round(0, &[0.5])])).await, 0);
}
