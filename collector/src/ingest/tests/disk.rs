//! Kills, restarts and disks that take nothing.

use super::*;

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
