//! What is there again after an end of any kind: everything that may be needed, and nothing that is
//! known to be needed no more.

use std::time::Duration;

use dawnwatch_collector::remote_write::{Queue, Record, Share};
use jiff::Timestamp;
use spool::{Limits, Spool};

use crate::harness::wait::eventually;
use crate::receiver::{Receiver, reply};
use crate::writing::{DELIVERY, Writing, expected, live, put, target, times};

const MINUTE: Duration = Duration::from_mins(1);

const ALL: Share = Share {
    samples: u64::MAX,
    bytes: u64::MAX,
    span: Duration::MAX,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_never_answers_delays_no_end_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.hangs(true);
    let batch = live("pc-01", 5, times(4, MINUTE));
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    writing.put(std::slice::from_ref(&batch));
    eventually(
        "a request is under way",
        DELIVERY,
        async || match receiver.unanswered() {
            0 => Err("none has come".to_owned()),
            _ => Ok(()),
        },
    )
    .await;
    writing.stop().await;
    receiver.hangs(false);
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    writing.is_done().await;
    receiver.has_no_complaint();
    assert_eq!(receiver.stored(), expected([&batch]));
    writing.stop().await;
}

/// A queue alone, with nobody who sends.
fn queue(folder: &std::path::Path) -> Queue {
    Queue::open(folder, &target("http://127.0.0.1:1/")).unwrap()
}

fn sequences(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

fn scanned(queue: &Queue) -> usize {
    let mut count = 0;
    queue.scan_after(0, |_| count += 1).unwrap();
    count
}

#[tokio::test]
async fn a_record_leaves_when_it_is_delivered_and_its_batches_are_known_to_be_in() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    for _ in 0..3 {
        put(&queue, &[live("pc-01", 1, times(1, MINUTE))]);
    }
    let records = sequences(&queue.next(ALL).unwrap());
    assert_eq!(records.len(), 3);
    // Delivered, not released: it is sent no more, and is there for whoever looks after a crash.
    queue.delivered(records[1]);
    assert_eq!(sequences(&queue.next(ALL).unwrap()), records[2..]);
    assert_eq!(scanned(&queue), 3);
    queue.release(records[0]);
    assert_eq!(scanned(&queue), 2);
    // Released, not delivered.
    queue.release(queue.newest());
    assert_eq!(scanned(&queue), 1);
    assert!(queue.holds(records[2]));
    queue.delivered(records[2]);
    assert_eq!(scanned(&queue), 0);
    assert!(!queue.holds(records[2]));
    assert_eq!(queue.status().samples, 0);
}

#[tokio::test]
async fn only_what_survives_a_power_cut_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(folder.path());
    queue.append(b"not safe yet".to_vec(), 1);
    assert_eq!(queue.next(ALL).unwrap(), []);
    queue.persist().unwrap();
    let records = queue.next(ALL).unwrap();
    assert_eq!(records[0].bytes, b"not safe yet");
    assert_eq!(queue.status().samples, 1);
}

#[tokio::test]
async fn after_a_crash_what_was_delivered_but_not_released_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = queue(folder.path());
    for _ in 0..2 {
        put(&first, &[live("pc-01", 1, times(1, MINUTE))]);
    }
    let records = sequences(&first.next(ALL).unwrap());
    first.release(records[0]);
    first.delivered(records[1]);
    first.persist().unwrap();
    drop(first);
    let second = queue(folder.path());
    assert_eq!(scanned(&second), 1);
    assert_eq!(sequences(&second.next(ALL).unwrap()), records[1..]);
}

/// Fills a queue with two records by a clock that is so far behind; returns its time.
fn filled_by_a_clock(behind: i64, folder: &std::path::Path) -> i64 {
    let came = Timestamp::now().as_millisecond() - behind;
    let mut spool = Spool::open(folder, Limits::default(), Some(came)).unwrap();
    for _ in 0..2 {
        let record = b"a record".to_vec();
        spool.append(Some(came), 1, record, Some(came)).unwrap();
    }
    spool.persist(Some(came)).unwrap();
    came
}

#[tokio::test]
async fn a_clock_that_was_set_while_the_collector_did_not_run_makes_nothing_old() {
    const YEAR: i64 = 365 * 24 * 3_600_000;
    for behind in [YEAR, -YEAR] {
        let folder = tempfile::tempdir().unwrap();
        let came = filled_by_a_clock(behind, folder.path());
        // The first collector finds the queue filled by the other clock, the second one finds what the
        // first added to it.
        for records in 3..5 {
            let queue = queue(folder.path());
            queue.append(b"a record".to_vec(), 1);
            queue.persist().unwrap();
            assert_eq!(queue.status().dropped_samples, 0, "{behind}");
            assert_eq!(scanned(&queue), records, "{behind}");
        }
        let spool = Spool::open(folder.path(), Limits::default(), None).unwrap();
        let newest = spool.newest().unwrap().time_unix_ms.unwrap();
        assert!((came..came + 60_000).contains(&newest), "{behind}");
    }
}

#[tokio::test]
async fn what_came_before_a_stop_of_unknown_length_is_not_sent_together_with_what_came_after() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let queue = queue(folder.path());
        for _ in 0..2 {
            queue.append(b"a record".to_vec(), 1);
        }
        queue.persist().unwrap();
    }
    let queue = queue(folder.path());
    for left in [4, 2] {
        assert_eq!(scanned(&queue), left);
        let records = sequences(&queue.next(ALL).unwrap());
        assert_eq!(records.len(), 2);
        queue.delivered(records[1]);
        queue.release(records[1]);
    }
    assert_eq!(scanned(&queue), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn with_a_disk_that_takes_nothing_it_goes_on_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("queue");
    let queue = queue(&inside);
    // In the place of the folder is a file: it cannot even be made anew.
    std::fs::remove_dir_all(&inside).unwrap();
    std::fs::write(&inside, "").unwrap();
    queue.append(b"in memory".to_vec(), 3);
    assert!(queue.persist().is_err());
    assert!(!queue.status().is_durable);
    assert_eq!(queue.next(ALL).unwrap()[0].bytes, b"in memory");
    // It witnesses nothing, so it leaves as soon as it is delivered.
    queue.delivered(queue.newest());
    assert!(queue.next(ALL).unwrap().is_empty());
    std::fs::remove_file(&inside).unwrap();
    queue.append(b"on disk".to_vec(), 1);
    queue.persist().unwrap();
    assert!(queue.status().is_durable);
    assert_eq!(queue.next(ALL).unwrap()[0].bytes, b"on disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_counted_and_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    writing.queue.append(b"no record".to_vec(), 7);
    let batch = live("pc-01", 5, times(4, MINUTE));
    writing.put(std::slice::from_ref(&batch));
    writing.is_done().await;
    assert_eq!(receiver.stored(), expected([&batch]));
    assert_eq!(writing.count("samples_total", "outcome", "unreadable"), 7.0);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_wrote_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    let batch = live("pc-01", 5, times(4, MINUTE));
    writing.put(std::slice::from_ref(&batch));
    // A record is a message whose first field is the number of its form.
    let newer = b"\x08\x63".to_vec();
    writing.queue.append(newer.clone(), 7);
    writing.put(&[live("pc-01", 5, times(4, Duration::ZERO))]);
    eventually("it waits", DELIVERY, async || {
        match (receiver.stored().len(), writing.up()) {
            (5, 0.0) => Ok(()),
            state => Err(format!("{state:?}")),
        }
    })
    .await;
    assert_eq!(receiver.stored(), expected([&batch]));
    assert_eq!(writing.count("samples_total", "outcome", "unreadable"), 0.0);
    assert_eq!(writing.queue.next(ALL).unwrap()[0].bytes, newer);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_for_its_age_is_not_tried_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.judges(|request| {
        let is_first = request.samples() == 5;
        is_first.then(|| reply(503, "never"))
    });
    let mut target = target(&receiver.url());
    target.queue_age = Duration::from_millis(1500);
    let writing = Writing::start(folder.path(), &target);
    writing.put(&[live("pc-01", 5, times(1, MINUTE))]);
    eventually("it is tried in vain", DELIVERY, async || {
        match receiver.received().len() {
            0 | 1 => Err("not yet".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    // What comes makes the queue look at what is old.
    let batch = live("pc-01", 6, times(1, MINUTE));
    eventually("the next one is delivered", DELIVERY, async || {
        writing.put(std::slice::from_ref(&batch));
        match receiver.stored().len() {
            6 => Ok(()),
            count => Err(format!("{count} series")),
        }
    })
    .await;
    eventually("the drop is counted", DELIVERY, async || {
        match writing.count("samples_total", "outcome", "dropped") {
            0.0 => Err("not counted".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    writing.stop().await;
}
