//! Bytes that cannot be read end the stream they came on, are counted, and touch nobody else: beside
//! each of these a real agent goes on.

use std::time::Duration;

use miniz_oxide::deflate::compress_to_vec;
use proto::columns::Rounds;
use proto::limits::{DICTIONARY_BYTES, MESSAGE_BYTES, ROUNDS_PER_BATCH, SAMPLES_PER_BATCH};
use proto::wire::{Batch, Series, from_agent, from_collector};
use tonic::{Code, Status};

use crate::FIRST_VALUES;
use crate::harness::stranger::{INSTANCE, Stranger, Stream, clock, covers, series};
use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually, metric};

const UP: &str = "dawnwatch_interface_up";

/// Each batch of these in a bound of its own.
const SERIES: u32 = 20;

/// A collector, a real agent that reports each second, and somebody else.
async fn province() -> (Collector, Agent, Stranger) {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    (collector, agent, stranger)
}

/// The real agent has reported since.
async fn the_other_agent_goes_on(collector: &Collector) {
    let last_report = async || {
        let page = collector.metrics().await?;
        let real = metric("dawnwatch_memory_size_bytes").all_in(&page);
        let real = real.first().ok_or("nobody has measured memory")?;
        metric("dawnwatch_agent_last_report_timestamp_seconds")
            .label("device", &real.labels["device"])
            .found_in(&page)
    };
    let before = eventually("the other agent reports", FIRST_VALUES, last_report).await;
    eventually(
        "the other agent goes on",
        FIRST_VALUES,
        async || match last_report().await? {
            last if last > before => Ok(()),
            last => Err(format!("its last report was at {last}")),
        },
    )
    .await;
}

async fn ended(collector: &Collector, reason: &str, count: f64) {
    eventually(
        "the ends of streams are counted",
        Duration::from_secs(5),
        async || {
            let page = collector.metrics().await?;
            let ended = metric("dawnwatch_collector_streams_ended_total").label("reason", reason);
            ended.is(count).found_in(&page)
        },
    )
    .await;
}

/// Some series, and values of them that change.
fn measured() -> (Vec<Series>, Rounds) {
    let name = |id: u32| format!("eth{id}");
    let definitions = (0..SERIES).map(|id| series(id, UP, &[("interface", &name(id))]));
    let mut rounds = Rounds::default();
    let now = clock(0).wall_unix_ms;
    for round in 0..10 {
        let values = (0..SERIES).map(|id| (id, f64::from(id * 37 % (round + 2)) / 10.0));
        rounds
            .push(now - 10_000 + i64::from(round) * 1_000, values)
            .unwrap();
    }
    (definitions.collect(), rounds)
}

/// Says it on a stream of its own: how many samples were refused, or how the stream ended.
async fn outcome(stranger: &Stranger, break_it: impl FnOnce(&mut Batch)) -> Result<u32, Status> {
    let mut stream = stranger.welcomed().await;
    let (series, rounds) = measured();
    let mut batch = stream.batch(1, &series, &rounds);
    break_it(&mut batch);
    stream.say(from_agent::Kind::Batch(batch)).await;
    match stream.answer().await? {
        Some(from_collector::Kind::Ack(ack)) => Ok(ack.rejected_samples),
        other => panic!("neither an acknowledgement nor an error: {other:?}"),
    }
}

#[tokio::test]
async fn a_dictionary_that_cannot_be_read_ends_its_stream_alone() {
    let (collector, _agent, stranger) = province().await;
    let packed = proto::stream::pack(&measured().0);
    let bomb = compress_to_vec(&vec![0; DICTIONARY_BYTES + 1], 9);
    let large_bomb = compress_to_vec(&vec![0; 64 << 20], 9);
    assert!(large_bomb.len() < MESSAGE_BYTES / 10);
    let broken = [
        packed[..packed.len() / 2].to_vec(),
        vec![0xff; 100],
        compress_to_vec(b"\xff\xff\xff no dictionary", 6),
        bomb,
        large_bomb,
    ];
    let mut count = 0.0;
    for series in broken {
        let refused = outcome(&stranger, |batch| batch.series = series).await;
        let refused = refused.expect_err("unreadable");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        count += 1.0;
    }
    ended(&collector, "malformed", count).await;
    the_other_agent_goes_on(&collector).await;
}

/// A flipped bit may make other values of it, which are this device's own affair; what is no batch
/// any more ends the stream.
#[tokio::test]
async fn samples_that_were_damaged_harm_nobody_else() {
    let (collector, _agent, stranger) = province().await;
    let mut malformed = 0.0;
    let mut judge = |outcome: Result<u32, Status>| match outcome {
        Ok(_) => {}
        Err(refused) => {
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
            malformed += 1.0;
        }
    };
    judge(Err(outcome(&stranger, |batch| {
        batch.samples.truncate(batch.samples.len() / 2);
    })
    .await
    .expect_err("cut off")));
    judge(Err(outcome(&stranger, |batch| {
        batch.samples = vec![0xa5; 5_000]
    })
    .await
    .expect_err("noise")));
    // One agent may open only so many streams.
    for part in 0..3 {
        let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
        for flip in part * 8..(part + 1) * 8 {
            let flipped = outcome(&stranger, |batch| {
                let byte = flip * batch.samples.len() / 24;
                batch.samples[byte] ^= 1 << (flip % 8);
            });
            judge(flipped.await);
        }
    }
    ended(&collector, "malformed", malformed).await;
    the_other_agent_goes_on(&collector).await;
}

#[tokio::test]
async fn values_of_series_that_were_never_defined_are_refused() {
    let (collector, _agent, stranger) = province().await;
    let refused = outcome(&stranger, |batch| batch.series.clear()).await;
    assert_eq!(refused.unwrap(), 10 * SERIES);
    the_other_agent_goes_on(&collector).await;
    let page = collector.metrics().await.unwrap();
    let rejected = metric("dawnwatch_collector_samples_rejected_total");
    let rejected = rejected.label("reason", "undefined_series");
    rejected.is(f64::from(10 * SERIES)).in_(&page);
}

/// Few bytes that become as many samples as a batch may have, again and again.
#[tokio::test]
async fn samples_without_end_wait_their_turn() {
    let (collector, _agent, stranger) = province().await;
    let mut stream = stranger.welcomed().await;
    let (definitions, _) = measured();
    let mut sent = 0;
    for sequence in 1..=15 {
        let mut rounds = Rounds::default();
        let begin = clock(-60_000).wall_unix_ms;
        for round in 0..ROUNDS_PER_BATCH {
            let time_unix_ms = begin + i64::try_from(round).unwrap();
            let values = (0..SERIES).map(|id| (id, 1.0));
            rounds.push(time_unix_ms, values).unwrap();
        }
        assert_eq!(rounds.samples(), SAMPLES_PER_BATCH);
        sent += rounds.samples();
        let series = if sequence == 1 { &definitions[..] } else { &[] };
        let batch = stream.batch(sequence, series, &rounds);
        assert!(batch.samples.len() < SAMPLES_PER_BATCH / 2);
        stream.say(from_agent::Kind::Batch(batch)).await;
    }
    the_other_agent_goes_on(&collector).await;
    all_acknowledged(&mut stream, 15).await;
    let page = collector.metrics().await.unwrap();
    assert!(metric("dawnwatch_collector_batches_paced_total").in_(&page) > 0.0);
    #[allow(clippy::cast_precision_loss, reason = "a small count")]
    let sent = sent as f64;
    assert!(metric("dawnwatch_collector_samples_total").in_(&page) >= sent);
}

async fn all_acknowledged(stream: &mut Stream, last: u64) {
    let mut open: Vec<u64> = (1..=last).collect();
    while !open.is_empty() {
        match stream.answer().await.unwrap() {
            Some(from_collector::Kind::Ack(ack)) => {
                assert_eq!(ack.rejected_samples, 0);
                open.retain(|sequence| !covers(&ack, INSTANCE, *sequence));
            }
            other => panic!("no acknowledgement: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_stream_alone() {
    let (collector, _agent, stranger) = province().await;
    outcome(&stranger, |batch| {
        batch.samples = vec![0; MESSAGE_BYTES + 1]
    })
    .await
    .expect_err("too large");
    ended(&collector, "malformed", 1.0).await;
    the_other_agent_goes_on(&collector).await;
}
