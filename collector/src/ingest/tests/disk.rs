//! Kills, restarts and disks that take nothing.

use std::collections::HashSet;
use std::sync::mpsc;

use super::super::recover::RecoverError;
use super::*;
use crate::seen::Covered;

#[tokio::test]
async fn a_replay_after_a_restart_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut durable = Durable::open(folder.path(), &["a"]);
    for sequence in [1, 2, 5] {
        assert!(durable.arrives("pc", sequence).await);
    }
    durable.written("pc").await;
    durable.settler.settle().await;
    durable.kill().await;

    let durable = Durable::open(folder.path(), &["a"]);
    assert_eq!(durable.taken("pc"), [(1, 2), (5, 5)]);
    assert!(
        durable.arrives("other", 1).await,
        "another agent counts for itself"
    );
}

#[tokio::test]
async fn a_kill_between_disk_and_snapshot_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut durable = Durable::open(folder.path(), &["a", "b"]);
    assert!(durable.arrives("pc", 1).await);
    durable.written("pc").await;
    durable.settler.settle().await;
    assert!(durable.arrives("pc", 2).await);
    durable.written("pc").await;
    let commits = durable.own.commit_duration.get_sample_count();
    assert_eq!(commits, 2);
    durable.kill().await;

    let durable = Durable::open(folder.path(), &["a", "b"]);
    assert_eq!(durable.taken("pc"), [(1, 2)]);
    for queue in &durable.queues {
        assert_eq!(waiting(queue), [1, 2], "each once");
    }
}

#[tokio::test]
async fn a_record_that_reached_one_queue_of_two_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let record = journal::record([&*part("pc", 1), &*part("pc", 2)].into_iter());
    let one = queue(folder.path(), "a");
    one.append(record, 2);
    one.persist().unwrap();
    drop(one);
    for _ in 0..2 {
        let durable = Durable::open(folder.path(), &["a", "b"]);
        assert_eq!(durable.taken("pc"), [(1, 2)]);
        for queue in &durable.queues {
            assert_eq!(waiting(queue), [1, 2]);
            assert_eq!(queue.status().samples, 2);
        }
        durable.kill().await;
    }
}

#[tokio::test]
async fn a_record_leaves_its_queue_when_a_snapshot_covers_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut durable = Durable::open(folder.path(), &["a"]);
    assert!(durable.arrives("pc", 1).await);
    durable.written("pc").await;
    let queue = durable.queues[0].clone();
    queue.delivered(queue.newest());
    assert_eq!(waiting(&queue), [1], "the only witness that it was taken");
    durable.settler.settle().await;
    assert_eq!(waiting(&queue), [0; 0]);
    durable.kill().await;
    drop(queue);
    let durable = Durable::open(folder.path(), &["a"]);
    assert_eq!(durable.taken("pc"), [(1, 1)]);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_delays_the_acknowledgement_and_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let durable = Durable::open(folder.path(), &["a"]);
    // Nothing can be written where a file is in the way.
    let (place, aside) = (folder.path().join("queue-a"), folder.path().join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    std::fs::write(&place, "").unwrap();
    assert!(durable.arrives("pc", 1).await, "it waits");
    let failing = async {
        while !durable.keeper.is_failing() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, failing).await.unwrap();
    assert!(durable.own.commit_failures.get() > 0);
    assert!(!durable.arrives("pc", 2).await, "it stays with its agent");
    assert_eq!(
        (durable.taken("pc"), durable.account("pc").pending()),
        (vec![], 1)
    );

    std::fs::remove_file(&place).unwrap();
    durable.written("pc").await;
    assert_eq!(durable.taken("pc"), [(1, 1)]);
    assert!(!durable.keeper.is_failing());
    assert!(durable.arrives("pc", 2).await);
    durable.written("pc").await;
    assert_eq!(durable.taken("pc"), [(1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_holds_up_nobody_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let durable = Durable::open(folder.path(), &["a"]);
    assert!(durable.arrives("pc", 1).await);
    durable.written("pc").await;
    // Whoever looks through the queue has it for himself.
    let (has_it, let_go) = (mpsc::channel(), mpsc::channel::<()>());
    let queue = durable.queues[0].clone();
    let hanging = std::thread::spawn(move || {
        queue.scan_after(0, |_| {
            has_it.0.send(()).unwrap();
            let _ = let_go.1.recv();
        })
    });
    has_it.1.recv().unwrap();
    assert!(durable.arrives("pc", 2).await, "it waits");
    for _ in 0..600 {
        tokio::time::advance(Duration::from_millis(100)).await;
        if durable.keeper.is_failing() {
            break;
        }
    }
    assert!(durable.keeper.is_failing());
    assert!(!durable.arrives("pc", 3).await, "it stays with its agent");

    tokio::time::resume();
    drop(let_go.0);
    hanging.join().unwrap().unwrap();
    durable.written("pc").await;
    assert_eq!(durable.taken("pc"), [(1, 2)]);
    assert!(durable.arrives("pc", 3).await);
    durable.written("pc").await;
    assert!(!durable.keeper.is_failing());
}

#[tokio::test]
async fn an_orderly_end_writes_what_was_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut durable = Durable::open(folder.path(), &["a"]);
    for sequence in 1..=100 {
        assert!(durable.arrives("pc", sequence).await);
    }
    durable.stop.cancel();
    (&mut durable.committer).await.unwrap();
    assert_eq!(durable.account("pc").pending(), 0);
    drop(durable.queues);
    drop(durable.keeper);
    drop(durable.settler);
    let durable = Durable::open(folder.path(), &["a"]);
    assert_eq!(durable.taken("pc"), [(1, 100)]);
}

#[tokio::test]
async fn without_targets_a_batch_is_taken_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut durable = Durable::open(folder.path(), &[]);
    assert!(durable.arrives("pc", 1).await);
    assert_eq!(durable.taken("pc"), [(1, 1)]);
    assert!(durable.settler.settle().await > 0);
    assert_eq!(durable.settler.settle().await, 0, "nothing changed");
    durable.kill().await;
    assert_eq!(Durable::open(folder.path(), &[]).taken("pc"), [(1, 1)]);
}

#[tokio::test]
async fn damage_in_a_queue_costs_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let one = queue(folder.path(), "a");
    one.append(b"no record".to_vec(), 1);
    one.append(journal::record(std::iter::once(&*part("pc", 7))), 1);
    one.persist().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    recover(&[one], &ledger).unwrap();
    assert!(ledger.account(&"pc".parse().unwrap()).has(1, 7));
}

/// A record whose form is the next version's: its own form, field 1, comes again and counts.
fn newer_record() -> Vec<u8> {
    let mut record = journal::record(std::iter::once(&*part("pc", 9)));
    record.extend_from_slice(&[0x08, 99]);
    record
}

#[tokio::test]
async fn what_a_newer_version_wrote_ends_the_start_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    for covered in [false, true] {
        let one = queue(folder.path(), "a");
        if !covered {
            one.append(newer_record(), 1);
            one.persist().unwrap();
        }
        let ledger = Ledger::open(folder.path()).unwrap();
        let refused = recover(std::slice::from_ref(&one), &ledger);
        assert!(matches!(refused, Err(RecoverError::Newer { .. })));
        assert_eq!(one.status().samples, 1);
        let all = Covered {
            target: "a".into(),
            instance: one.instance(),
            through: one.newest(),
        };
        ledger.save(&[all]).unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_at_the_start_keeps_the_collector_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queues = [queue(folder.path(), "a"), queue(folder.path(), "b")];
    queues[0].append(journal::record(std::iter::once(&*part("pc", 2))), 1);
    queues[0].persist().unwrap();
    // Nothing can be written where a file is in the way.
    let (place, aside) = (folder.path().join("queue-b"), folder.path().join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    std::fs::write(&place, "").unwrap();

    let ledger = Ledger::open(folder.path()).unwrap();
    recover(&queues, &ledger).unwrap();
    let account = ledger.account(&"pc".parse().unwrap());
    assert!(!account.has(1, 2), "its agent sends it again");
    assert_eq!(waiting(&queues[1]), [2], "it waits in memory");
}

#[tokio::test]
async fn what_a_snapshot_covers_goes_to_no_other_queue_though_its_agent_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut durable = Durable::open(folder.path(), &["a", "b"]);
    assert!(durable.arrives("pc", 1).await);
    durable.written("pc").await;
    let delivered = &durable.queues[1];
    delivered.delivered(delivered.newest());
    durable.settler.settle().await;
    durable.ledger.keep(&HashSet::new());
    durable.settler.settle().await;
    durable.kill().await;

    let durable = Durable::open(folder.path(), &["a", "b"]);
    let waiting: Vec<_> = durable.queues.iter().map(waiting).collect();
    assert_eq!(waiting, [vec![1], vec![]]);
    assert_eq!(durable.taken("pc"), [], "nobody asks for it");
}
