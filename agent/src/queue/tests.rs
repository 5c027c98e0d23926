//! What the queue promises: nobody waits for the disk, what is lost is counted, age is no guess.

#![allow(clippy::unwrap_used, reason = "tests")]
use std::sync::mpsc;

use prost::Message as _;
use proto::limits::MESSAGE_BYTES;
use proto::stream::Measured;
use spool::Lost;

use super::front::{PERSIST_AFTER, PERSIST_AFTER_WHEN_LINKED};
use super::*;

fn queue(folder: &Path) -> Queue {
    Queue::open(folder, spool::Limits::default()).unwrap()
}

fn recorded(bytes: usize) -> Recorded {
    Recorded {
        bytes: vec![0; bytes],
        oldest_monotonic_ms: 1_000,
        samples: 1,
    }
}

fn batch() -> Recorded {
    Recorded {
        bytes: Measured::default()
            .pack(1, wire::Recorded::default())
            .encode_to_vec(),
        ..recorded(0)
    }
}

impl Queue {
    /// Its disk gives no answer until the other end of this is dropped.
    pub(crate) async fn hang(&self, until: mpsc::Receiver<()>) -> tokio::task::JoinHandle<()> {
        let queue = self.clone();
        let (entered, inside) = tokio::sync::oneshot::channel();
        let hung = tokio::spawn(async move {
            let work = move |_: &mut Store| {
                entered.send(()).unwrap();
                until.recv().unwrap_err();
            };
            queue.with(work).await.unwrap();
        });
        inside.await.unwrap();
        hung
    }
}

#[tokio::test]
async fn a_hung_disk_holds_up_nobody_who_measures_and_costs_only_what_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    let (release, hangs) = mpsc::channel::<()>();
    let hung = queue.hang(hangs).await;
    for _ in 0..30 {
        queue.append(recorded(100_000));
    }
    let stats = queue.stats();
    assert_eq!((stats.records, stats.dropped_samples), (20, 10));
    assert_eq!(stats.bytes, 2_000_000);
    drop(release);
    hung.await.unwrap();
    queue.persist().await;
    let stats = queue.stats();
    assert_eq!((stats.records, stats.records_in_memory), (20, 0));
    assert_eq!(stats.dropped_samples, 10);
}

#[tokio::test]
async fn what_no_collector_takes_is_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    queue.append(recorded(MESSAGE_BYTES));
    queue.append(recorded(10));
    queue.append(batch());
    let waiting = queue.after(0).await.unwrap();
    assert_eq!(waiting.measured, Measured::default());
    let stats = queue.stats();
    assert_eq!((stats.records, stats.dropped_samples), (1, 2));
}

#[tokio::test]
async fn what_no_collector_takes_is_counted_once_also_when_a_kill_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let queue = queue(folder.path());
        if queue.stats().records == 0 {
            queue.append(recorded(10));
            queue.append(batch());
            queue.persist().await;
        }
        assert!(queue.after(0).await.is_some());
        assert_eq!(queue.stats().dropped_samples, 1);
        kill(queue).await;
    }
}

#[tokio::test]
async fn a_record_too_large_for_the_spool_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let limits = spool::Limits {
        memory_bytes: 1000,
        ..spool::Limits::default()
    };
    let queue = Queue::open(folder.path(), limits).unwrap();
    queue.append(recorded(1001));
    assert!(queue.after(0).await.is_none());
    assert_eq!(queue.stats().dropped_samples, 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_vain_is_quiet_sooner_without_a_stream_than_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    let is_quiet = || lock(&queue.front).is_quiet();
    tokio::time::advance(PERSIST_AFTER).await;
    assert!(!is_quiet(), "nothing waits");
    queue.append(batch());
    assert!(!is_quiet(), "it has only come");
    tokio::time::advance(PERSIST_AFTER).await;
    assert!(is_quiet());
    queue.append(batch());
    assert!(is_quiet(), "more came, nothing went");
    let first = queue.after(0).await.unwrap().sequence;
    queue.ack(vec![first]).await;
    assert!(!is_quiet(), "the collector is there");

    queue.linked();
    tokio::time::advance(PERSIST_AFTER * 3).await;
    assert!(!is_quiet(), "acknowledgements are rare");
    tokio::time::advance(PERSIST_AFTER_WHEN_LINKED).await;
    assert!(is_quiet(), "but not that rare");
    let second = queue.after(first).await.unwrap().sequence;
    queue.append(batch());
    queue.ack(vec![second]).await;
    tokio::time::advance(PERSIST_AFTER).await;
    queue.unlinked();
    assert!(!is_quiet(), "a stream that worked has just ended");
    tokio::time::advance(PERSIST_AFTER).await;
    assert!(is_quiet());
}

#[tokio::test(start_paused = true)]
async fn streams_on_which_nothing_comes_of_what_waits_do_not_keep_it_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    queue.append(batch());
    queue.newest().await;
    for _ in 0..3 {
        queue.linked();
        queue.append(batch());
        let newest = queue.newest().await;
        queue.ack(vec![newest]).await;
        tokio::time::advance(PERSIST_AFTER / 3).await;
        queue.unlinked();
    }
    assert!(lock(&queue.front).is_quiet(), "the oldest still waits");
}

#[tokio::test]
async fn what_is_on_its_way_does_not_wait_until_its_stream_ends() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    queue.heard_time(clock::wall_unix_ms());
    queue.append(batch());
    let records = || queue.waits().records;
    assert_eq!(records(), 1);
    let sequence = queue.after(0).await.unwrap().sequence;
    assert_eq!(records(), 1);
    assert!(queue.waits().oldest_unix_ms.is_some());
    queue.sent(sequence);
    assert_eq!(queue.waits(), Waits::default());
    queue.append(batch());
    queue.newest().await;
    assert_eq!(records(), 1);
    queue.unlinked();
    assert_eq!(records(), 2);
    queue.ack(vec![sequence, sequence + 1]).await;
    assert_eq!(queue.waits(), Waits::default());
}

#[test]
fn lost_batches_are_asked_for_in_few_ranges() {
    let lost = |sequences: &[u64]| -> Vec<Lost> {
        let one = |sequence: &u64| Lost {
            instance: 7,
            sequence: Sequence(*sequence),
            samples: 1,
        };
        sequences.iter().map(one).collect()
    };
    let ranges = |lost: &[Lost]| -> Vec<(u64, u64)> {
        let ranges = ranges_of(lost);
        ranges.iter().map(|one| (one.first, one.last)).collect()
    };
    assert_eq!(
        ranges(&lost(&[3, 4, 5, 9, 11, 12])),
        [(3, 5), (9, 9), (11, 12)]
    );
    let many: Vec<u64> = (0..1_000).map(|n| n * 2).collect();
    assert_eq!(ranges(&lost(&many)), [(0, 1_998)]);
    assert_eq!(ranges(&[]), []);
}

#[tokio::test]
async fn what_a_kill_took_is_counted_but_for_what_arrived() {
    let folder = tempfile::tempdir().unwrap();
    let killed = queue(folder.path());
    for _ in 0..3 {
        killed.append(batch());
    }
    killed.newest().await;
    killed.note_unrecorded(10);
    killed.newest().await;
    let instance = killed.instance;
    kill(killed).await;

    let queue = queue(folder.path());
    assert_eq!(queue.instance, instance);
    let lost = queue.lost().await;
    let range = |first, last| wire::Batches {
        instance,
        first,
        last,
    };
    assert_eq!(lost, [range(1, 4)], "and what was in no batch yet");
    assert_eq!(queue.stats().dropped_samples, 0);
    queue
        .settle_lost(vec![range(1, 3)], vec![range(1, 2)])
        .await;
    assert_eq!(queue.stats().dropped_samples, 1);
    assert_eq!(queue.lost().await, [range(4, 4)], "nobody was asked");
    queue.settle_lost(vec![range(4, 4)], Vec::new()).await;
    assert_eq!(queue.stats().dropped_samples, 11);
    assert_eq!(queue.lost().await, []);
}

const DAY: Duration = Duration::from_hours(24);

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}

fn measured_ago(ago: Duration) -> Recorded {
    let now_ms = i64::try_from(clock::now().monotonic_ms).unwrap();
    Recorded {
        oldest_monotonic_ms: now_ms - milliseconds(ago),
        ..batch()
    }
}

/// As a kill leaves it.
async fn kill(queue: Queue) {
    while Arc::strong_count(&queue.store) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_kill_right_after_a_batch_was_made_takes_its_samples_once() {
    let folder = tempfile::tempdir().unwrap();
    let one = queue(folder.path());
    one.note_unrecorded(10);
    one.newest().await;
    one.append(Recorded {
        samples: 8,
        ..batch()
    });
    one.newest().await;
    kill(one).await;
    let queue = queue(folder.path());
    let lost = queue.with(|store| store.spool.stats().lost_samples).await;
    assert_eq!(lost, Some(10));
}

#[tokio::test]
async fn a_batch_that_waits_for_the_disk_is_listed_until_the_spool_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    queue.note_unrecorded(10);
    let front = Arc::clone(&queue.front);
    let listed = queue.with(move |store| {
        // It comes after everything was taken in.
        let mut front = lock(&front);
        front.append(Recorded {
            samples: 8,
            ..batch()
        });
        let listed = front.not_in_spool();
        drop(front);
        store.take_in();
        (listed, lock(&store.front).not_in_spool())
    });
    assert_eq!(listed.await, Some((10, 2)));
}

#[tokio::test]
async fn age_is_judged_by_the_collectors_clock_alone() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    queue.append(measured_ago(100 * DAY));
    assert!(queue.after(0).await.is_some(), "nobody knows its age");
    let server_unix_ms = clock::wall_unix_ms();
    queue.heard_time(server_unix_ms);
    queue.append(measured_ago(6 * DAY));
    queue.newest().await;
    assert_eq!(queue.stats().records, 2);
    assert_eq!(queue.stats().dropped_samples, 0);
    // The oldest is looked at first, and nobody knows of it.
    queue.ack(vec![1]).await;
    queue.append(measured_ago(8 * DAY));
    queue.newest().await;
    let age_ms = server_unix_ms - queue.waits().oldest_unix_ms.unwrap();
    assert!(age_ms.abs_diff(milliseconds(6 * DAY)) < 60_000, "{age_ms}");
}

#[tokio::test(start_paused = true)]
async fn a_collector_whose_clock_is_weeks_ahead_ages_nothing_until_that_has_stood() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    let now_unix_ms = clock::wall_unix_ms();
    queue.heard_time(now_unix_ms);
    queue.append(measured_ago(6 * DAY));
    queue.newest().await;
    let ahead_unix_ms = now_unix_ms + milliseconds(10 * DAY);
    queue.heard_time(ahead_unix_ms);
    queue.append(measured_ago(DAY));
    queue.persist().await;
    assert_eq!(queue.stats().records, 2);
    queue.ack(vec![1]).await;
    assert_eq!(queue.waits().oldest_unix_ms, None, "nor is it dated by it");
    queue.ack(vec![2]).await;
    tokio::time::advance(Duration::from_hours(1)).await;
    queue.heard_time(ahead_unix_ms);
    queue.append(measured_ago(6 * DAY));
    queue.newest().await;
    let oldest_unix_ms = queue.waits().oldest_unix_ms.unwrap();
    let expected = ahead_unix_ms - milliseconds(6 * DAY);
    assert!(oldest_unix_ms.abs_diff(expected) < 60_000);
    assert_eq!(queue.stats().dropped_samples, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_that_gives_nothing_is_asked_once_per_call_and_again_on_the_next_stream() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    for _ in 0..2 {
        queue.append(batch());
        queue.persist().await;
    }
    let moved = folder.path().with_extension("away");
    std::fs::rename(folder.path(), &moved).unwrap();
    assert!(queue.after(0).await.is_none(), "the folder is gone");
    let unreadable = |store: &mut Store| store.unreadable.len();
    assert_eq!(queue.with(unreadable).await, Some(1), "one was tried");
    assert!(queue.after(0).await.is_none());
    assert_eq!(queue.with(unreadable).await, Some(2), "then the other");
    std::fs::rename(&moved, folder.path()).unwrap();
    assert!(queue.after(0).await.is_none(), "not on this stream");
    queue.newest().await;
    assert!(queue.after(0).await.is_some(), "but on the next");
}
