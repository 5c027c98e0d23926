//! What goes up a stream and in which order, seen from its other end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::record::{Recorded, Recorder};
use crate::sources::Readings;
use proto::limits::SERIES_PER_BATCH;
use proto::metrics::DEVICE_INTERFACE_UP;
use proto::wire::{Batch, Batches};

/// A queue, a stream in front of it, and what arrives at the other end.
struct Setup {
    queue: Queue,
    outgoing: Outgoing,
    budget: Budget,
    arriving: mpsc::Receiver<FromAgent>,
    /// What arrived and was not acknowledged.
    unanswered: Vec<u64>,
    _folder: tempfile::TempDir,
}

/// With a batch waiting for each of these ranges of interfaces.
async fn setup(waiting: &[std::ops::Range<u32>]) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), spool::Limits::default()).unwrap();
    for interfaces in waiting {
        measure(&queue, interfaces.clone());
        // Takes it in: little may wait outside the spool.
        queue.newest().await;
    }
    let (sender, arriving) = mpsc::channel(MESSAGES);
    Setup {
        outgoing: Outgoing::new(sender, queue.newest().await),
        queue,
        budget: Budget::new(None),
        arriving,
        unanswered: Vec::new(),
        _folder: folder,
    }
}

fn recorded(queue: &Queue, clock: Clock, interfaces: std::ops::Range<u32>) -> Recorded {
    let mut readings = Readings::default();
    for interface in interfaces {
        let name = format!("eth{interface}");
        readings.push(&DEVICE_INTERFACE_UP, &[&name], 1.0);
    }
    let mut recorder = Recorder::default();
    recorder.add(clock, &readings.taken);
    recorder.take(queue.instance).next().unwrap()
}

fn measure(queue: &Queue, interfaces: std::ops::Range<u32>) {
    queue.append(recorded(queue, clock::now(), interfaces));
}

impl Setup {
    async fn fill(&mut self) -> Result<Option<Instant>, Ended> {
        self.outgoing.fill(&self.queue, &mut self.budget).await
    }

    /// What the stream sends now.
    async fn filled(&mut self) -> Vec<Batch> {
        self.fill().await.unwrap();
        self.arrived()
    }

    fn arrived(&mut self) -> Vec<Batch> {
        let arrived: Vec<Batch> = std::iter::from_fn(|| self.arriving.try_recv().ok())
            .map(|message| match message.kind {
                Some(from_agent::Kind::Batch(batch)) => batch,
                other => panic!("{other:?} is no batch"),
            })
            .collect();
        self.unanswered.extend(sequences(&arrived));
        arrived
    }

    /// Acknowledges the last of these that asks for it and all before it, as a collector does.
    async fn acknowledge(&mut self, batches: &[Batch]) {
        let Some(last) = batches.iter().rfind(|batch| batch.wants_ack) else {
            return;
        };
        let is_last = |sequence: &u64| *sequence == last.sequence;
        let end = self.unanswered.iter().position(is_last).unwrap();
        let named = |sequence| Batches {
            instance: self.queue.instance,
            first: sequence,
            last: sequence,
        };
        let ack = Ack {
            batches: self.unanswered.drain(..=end).map(named).collect(),
            ..Ack::default()
        };
        assert!(self.outgoing.acknowledged(&ack, &self.queue).await);
    }
}

fn sequences(batches: &[Batch]) -> Vec<u64> {
    batches.iter().map(|batch| batch.sequence).collect()
}

fn asking(batches: &[Batch]) -> Vec<u64> {
    let asking = batches.iter().filter(|batch| batch.wants_ack);
    asking.map(|batch| batch.sequence).collect()
}

#[tokio::test]
async fn many_series_do_not_end_a_stream() {
    let mut setup = setup(&vec![0..1_500; 40]).await;
    let mut arrived = 0;
    while setup.queue.newest().await > 0 {
        let batches = setup.filled().await;
        assert!(
            !batches.is_empty(),
            "nothing is on its way, something waits"
        );
        arrived += batches.len();
        setup.acknowledge(&batches).await;
    }
    assert_eq!(arrived, 40);
}

#[tokio::test]
async fn a_full_stream_ends_when_all_it_owes_is_answered() {
    let mut setup = setup(&[2_500..4_500, 1_000..2_500, 0..1_000]).await;
    let batches = setup.filled().await;
    assert_eq!(sequences(&batches), [3, 1]);
    setup.fill().await.unwrap();
    setup.acknowledge(&batches).await;
    let ended = setup.fill().await.unwrap_err();
    assert!(matches!(ended, Ended::DictionaryFull), "{ended:?}");
    assert_eq!(setup.queue.newest().await, 2, "the other still waits");
}

#[tokio::test]
async fn each_stream_takes_something_of_a_backlog_of_ever_other_names() {
    let most = u32::try_from(SERIES_PER_BATCH).unwrap();
    let ranges: Vec<_> = (0..6).map(|part| part * most..(part + 1) * most).collect();
    let mut setup = setup(&ranges).await;
    let batches = setup.filled().await;
    assert_eq!(
        sequences(&batches),
        [6, 1],
        "what is live, and one that waited"
    );
}

#[tokio::test]
async fn live_goes_first_and_little_is_on_its_way() {
    let mut setup = setup(&vec![0..1; 100]).await;
    let batches = setup.filled().await;
    assert_eq!(batches.len(), IN_FLIGHT);
    assert_eq!(sequences(&batches)[..3], [100, 1, 2]);
    let lanes: Vec<_> = batches[..3].iter().map(|batch| batch.lane).collect();
    assert_eq!(lanes, [0, 1, 1]);
    measure(&setup.queue, 0..1);
    setup.acknowledge(&batches[..1]).await;
    assert_eq!(sequences(&setup.filled().await), [101]);
    setup.acknowledge(&batches).await;
    assert_eq!(setup.filled().await[0].sequence, IN_FLIGHT as u64);
}

#[tokio::test]
async fn what_is_measured_now_goes_on_when_no_backlog_is_acknowledged() {
    let mut setup = setup(&vec![0..1; 100]).await;
    assert_eq!(setup.filled().await.len(), IN_FLIGHT);
    for measured in 101..=100 + IN_FLIGHT as u64 {
        measure(&setup.queue, 0..1);
        assert_eq!(sequences(&setup.filled().await), [measured]);
    }
    measure(&setup.queue, 0..1);
    assert!(setup.filled().await.is_empty(), "it is bounded too");
}

#[tokio::test]
async fn what_a_collector_could_not_keep_goes_out_again_when_it_can() {
    let mut setup = setup(&vec![0..1; 3]).await;
    assert_eq!(sequences(&setup.filled().await), [3, 1, 2]);
    let nothing = Ack::default();
    assert!(!setup.outgoing.acknowledged(&nothing, &setup.queue).await);
    assert_eq!(setup.queue.waits().records, 3);
    setup.unanswered.clear();
    let batches = loop {
        measure(&setup.queue, 0..1);
        let batches = setup.filled().await;
        assert_eq!(batches.len(), 1, "live alone");
        if batches[0].wants_ack {
            break batches;
        }
    };
    setup.acknowledge(&batches).await;
    let ended = setup.fill().await.unwrap_err();
    assert!(matches!(ended, Ended::KeepsAgain), "{ended:?}");
    assert_eq!(setup.queue.stats().records, 3, "for the next stream");
}

#[tokio::test]
async fn few_batches_ask_to_be_acknowledged_and_the_last_of_the_backlog_does() {
    let mut setup = setup(&vec![0..1; 60]).await;
    let batches = setup.filled().await;
    assert_eq!(sequences(&batches).len(), 60);
    let half = IN_FLIGHT as u64 / 2;
    assert_eq!(asking(&batches), [60, half, 59]);
    let instances: Vec<_> = batches.iter().map(|batch| batch.instance).collect();
    assert_eq!(instances[0], setup.queue.instance);
    assert!(instances[1..].iter().all(|instance| *instance == 0));
    setup.acknowledge(&batches).await;
    assert_eq!(setup.queue.stats().records, 0);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_asks_every_fifth_minute() {
    let mut setup = setup(&[]).await;
    let mut asked = Vec::new();
    for minute in 0..12 {
        measure(&setup.queue, 0..1);
        let batches = setup.filled().await;
        assert_eq!(batches.len(), 1);
        if batches[0].wants_ack {
            asked.push(minute);
        }
        tokio::time::advance(Duration::from_mins(1)).await;
    }
    assert_eq!(asked, [0, 5, 10]);
    assert_eq!(setup.queue.waits().records, 0, "all is on its way");
}

#[tokio::test]
async fn large_batches_are_bounded_by_their_bytes() {
    let mut setup = setup(&[]).await;
    let names: Vec<_> = (0..10).map(|n| format!("eth{n}")).collect();
    for _ in 0..100 {
        let mut readings = Readings::default();
        for name in &names {
            for _ in 0..100 {
                readings.push(&DEVICE_INTERFACE_UP, &[name], rand::random());
            }
        }
        let mut recorder = Recorder::default();
        recorder.add(clock::now(), &readings.taken);
        for recorded in recorder.take(setup.queue.instance) {
            setup.queue.append(recorded);
        }
        setup.queue.newest().await;
    }
    let batches = setup.filled().await;
    let bytes: usize = batches.iter().map(prost::Message::encoded_len).sum();
    let largest = batches.iter().map(prost::Message::encoded_len).max();
    let most = FOR_LIVE * IN_FLIGHT_BYTES + largest.unwrap();
    assert!(bytes < most, "{bytes}");
    assert!(batches.len() < IN_FLIGHT, "{}", batches.len());
    assert!(!asking(&batches[1..]).is_empty(), "half of it is asked for");
}

#[tokio::test(start_paused = true)]
async fn the_backlog_waits_for_its_budget_and_live_does_not() {
    let mut setup = setup(&vec![0..1; 50]).await;
    setup.budget.connected(100);
    let batches = setup.filled().await;
    assert_eq!(batches[0].sequence, 50);
    assert!((2..10).contains(&batches.len()), "{}", batches.len());
    measure(&setup.queue, 0..1);
    let again_at = setup.fill().await.unwrap().unwrap();
    assert_eq!(sequences(&setup.arrived()), [51]);
    assert!(again_at > Instant::now());
    tokio::time::sleep_until(again_at).await;
    assert_eq!(setup.filled().await.len(), 1);
}

#[tokio::test]
async fn patience_lasts_while_an_answer_is_owed_and_starts_anew_with_every_answer() {
    let mut setup = setup(&vec![0..1; 3]).await;
    assert_eq!(setup.outgoing.patience_ends(), None);
    let batches = setup.filled().await;
    assert_eq!(asking(&batches), [3, 2]);
    let first = setup.outgoing.patience_ends().unwrap();
    setup.acknowledge(&batches[..1]).await;
    assert!(setup.outgoing.patience_ends().unwrap() > first);
    setup.acknowledge(&batches[1..]).await;
    assert_eq!(setup.outgoing.patience_ends(), None);
    measure(&setup.queue, 0..1);
    let batches = setup.filled().await;
    assert_eq!((batches.len(), asking(&batches).len()), (1, 0));
    assert_eq!(setup.outgoing.patience_ends(), None, "nobody asked");
}

#[tokio::test]
async fn a_stream_that_ends_sends_the_newest_alone_and_asks() {
    let mut setup = setup(&vec![0..1; 100]).await;
    let batches = setup.filled().await;
    for _ in 0..3 {
        measure(&setup.queue, 0..1);
    }
    setup.acknowledge(&batches).await;
    setup.outgoing.send_newest(&setup.queue).await.unwrap();
    let last = setup.arrived();
    assert_eq!((sequences(&last), asking(&last)), (vec![103], vec![103]));
}

#[tokio::test]
async fn clocks_are_told_where_they_stood_otherwise() {
    let mut setup = setup(&[]).await;
    let now = clock::now();
    let before_the_step = Clock {
        wall_unix_ms: 1_234_567,
        ..now
    };
    for clock in [now, before_the_step] {
        setup.queue.append(recorded(&setup.queue, clock, 0..1));
    }
    let batches = setup.filled().await;
    assert_eq!(batches[0].recorded, None);
    let told = batches[1].recorded.clone().unwrap();
    assert_eq!(
        (told.boot_id.as_str(), told.clock),
        ("", Some(before_the_step))
    );

    let of_another_boot = wire::Recorded {
        boot_id: "another".into(),
        clock: Some(now),
    };
    assert_eq!(
        super::told(of_another_boot.clone(), now),
        Some(of_another_boot)
    );
}
