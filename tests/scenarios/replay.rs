//! The same batch again is the same batch again: whoever replays it, and whoever was started anew
//! meanwhile.

use proto::columns::Rounds;
use proto::wire::{Series, from_agent};

use crate::harness::stranger::{Stranger, Stream, clock, series};
use crate::harness::{Collector, metric};

const CPU: &str = "dawnwatch_cpu_usage_ratio";

/// A value so long ago.
fn ago(ago_ms: i64, value: f64) -> Rounds {
    let mut rounds = Rounds::default();
    let time_unix_ms = clock(-ago_ms).wall_unix_ms;
    rounds.push(time_unix_ms, [(0, value)]).unwrap();
    rounds
}

fn cpu() -> [Series; 1] {
    [series(0, CPU, &[])]
}

async fn send(stream: &mut Stream, sequence: u64, series: &[Series], rounds: &Rounds) {
    let batch = stream.batch(sequence, series, rounds);
    assert_eq!(stream.send(batch).await, 0);
}

async fn batches_are(collector: &Collector, accepted: f64, duplicate: f64) {
    let page = collector.metrics().await.unwrap();
    for (outcome, count) in [("accepted", accepted), ("duplicate", duplicate)] {
        let batches = metric("dawnwatch_collector_batches_total").label("outcome", outcome);
        batches.is(count).in_(&page);
    }
    metric("dawnwatch_collector_samples_total")
        .is(accepted)
        .in_(&page);
}

#[tokio::test]
async fn a_batch_counts_once_and_in_any_order() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    send(&mut stream, 3, &cpu(), &ago(0, 0.3)).await;
    send(&mut stream, 1, &[], &ago(20_000, 0.1)).await;
    send(&mut stream, 3, &[], &ago(0, 0.3)).await;
    send(&mut stream, 2, &[], &ago(10_000, 0.2)).await;
    batches_are(&collector, 3.0, 1.0).await;
    // Even on another stream, and then it says nothing new whatever it says.
    let mut stream = stranger.welcomed().await;
    send(&mut stream, 2, &cpu(), &ago(0, 0.7)).await;
    batches_are(&collector, 3.0, 2.0).await;
    metric(CPU).is(0.3).in_(&collector.metrics().await.unwrap());
}

/// What a duplicate says is still read: what comes behind it on the stream builds on it.
#[tokio::test]
async fn what_follows_a_duplicate_is_understood() {
    let collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    send(&mut stream, 1, &cpu(), &ago(30_000, 0.111)).await;
    let mut stream = stranger.welcomed().await;
    send(&mut stream, 1, &cpu(), &ago(30_000, 0.111)).await;
    send(&mut stream, 2, &[], &ago(15_000, 0.112)).await;
    send(&mut stream, 3, &[], &ago(0, 0.113)).await;
    batches_are(&collector, 3.0, 1.0).await;
    let page = collector.metrics().await.unwrap();
    metric(CPU).is(0.113).in_(&page);
}

#[tokio::test]
async fn a_replay_is_known_when_the_collector_was_started_anew() {
    let mut collector = Collector::started().await;
    let stranger = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stream = stranger.welcomed().await;
    for (sequence, series) in [(1, &cpu()[..]), (2, &[]), (7, &[])] {
        send(&mut stream, sequence, series, &ago(0, 0.5)).await;
    }
    for ending in ["asked to end", "killed"] {
        if ending == "killed" {
            collector.kill();
        } else {
            collector.stop().await.succeeded();
        }
        collector.restart().await;
        let mut stream = stranger.welcomed().await;
        for (sequence, series) in [(7, &cpu()[..]), (1, &[]), (2, &[])] {
            send(&mut stream, sequence, series, &ago(0, 0.5)).await;
        }
        batches_are(&collector, 0.0, 3.0).await;
        // It counts no more, but a collector that knows nothing yet shows it.
        metric(CPU).is(0.5).in_(&collector.metrics().await.unwrap());
    }
    // What was not there before is new.
    let mut stream = stranger.welcomed().await;
    send(&mut stream, 3, &cpu(), &ago(0, 0.6)).await;
    batches_are(&collector, 1.0, 3.0).await;
}

/// Who an agent is follows from its certificate: it can neither count for another nor take anything
/// from it by using up its numbers.
#[tokio::test]
async fn a_replayed_stream_of_another_agent_counts_for_whoever_sends_it() {
    let collector = Collector::started().await;
    let victim = Stranger::enrolled_at(&collector, "cong-son").await;
    let thief = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut own = victim.welcomed().await;
    let batches = [
        own.batch(1, &cpu(), &ago(1_000, 0.1)),
        own.batch(2, &[], &ago(0, 0.2)),
    ];
    let mut stolen = thief.welcomed().await;
    for batch in &batches {
        assert_eq!(stolen.send(batch.clone()).await, 0);
    }
    for batch in batches {
        assert_eq!(own.send(batch).await, 0);
    }
    batches_are(&collector, 4.0, 0.0).await;
    let page = collector.metrics().await.unwrap();
    let shown = metric(CPU).is(0.2);
    let devices: Vec<_> = shown
        .all_in(&page)
        .into_iter()
        .map(|sample| sample.labels["device"].clone())
        .collect();
    assert_eq!(devices.len(), 2, "{devices:?}");
    assert_ne!(devices[0], devices[1]);
}

/// A goodbye of another is no goodbye of this one either.
#[tokio::test]
async fn an_agent_says_goodbye_for_itself_alone() {
    let collector = Collector::started().await;
    let staying = Stranger::enrolled_at(&collector, "cong-son").await;
    let leaving = Stranger::enrolled_at(&collector, "cong-son").await;
    let mut stays = staying.welcomed().await;
    send(&mut stays, 1, &cpu(), &ago(0, 0.5)).await;
    let mut leaves = leaving.welcomed().await;
    send(&mut leaves, 1, &cpu(), &ago(0, 0.6)).await;
    leaves
        .say(from_agent::Kind::Goodbye(proto::wire::Goodbye::default()))
        .await;
    assert!(matches!(leaves.answer().await, Ok(None)));
    send(&mut stays, 2, &[], &ago(0, 0.7)).await;
    let page = collector.metrics().await.unwrap();
    metric(CPU).is(0.7).in_(&page);
    let goodbyes = metric("dawnwatch_agent_goodbye").is(1.0);
    assert_eq!(goodbyes.all_in(&page).len(), 1);
}
