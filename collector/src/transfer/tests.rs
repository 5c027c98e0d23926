//! Who may transfer when, and what comes of it.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;
use proto::throughput::LOOKS;

use super::*;
use crate::latest::{Latest, Patience};
use crate::registry::{Registry, fixture};

const MINUTE: Duration = Duration::from_mins(1);

const PLANNED: Throughput = Throughput {
    interval: Duration::from_mins(10),
    bytes: 100_000,
};

fn agent(id: &str, centre: &str) -> Agent {
    Agent {
        centre: centre.parse().unwrap(),
        ..fixture::pc(id)
    }
}

async fn transfers(throughput: Option<Throughput>) -> (Transfers, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::create(&folder.path().join("registry.sqlite")).unwrap();
    let own = Arc::new(Own::new(Timestamp::now()).unwrap());
    let latest = Arc::new(Latest::new(Patience {
        reports: MINUTE,
        samples: MINUTE,
    }));
    let directory = Directory::read(registry, latest, Arc::clone(&own)).await;
    let transfers = Transfers::new(Parts {
        directory: Arc::new(directory.unwrap()),
        own,
        throughput,
        stop: CancellationToken::new(),
    });
    (transfers, folder)
}

async fn bytes(mut pieces: mpsc::Receiver<Result<Piece, Status>>) -> usize {
    let mut bytes = 0;
    while let Some(piece) = pieces.recv().await {
        bytes += piece.unwrap().data.len();
    }
    bytes
}

fn counted(transfers: &Transfers, outcome: Outcome) -> u64 {
    let counter = &transfers.parts.own.transfers;
    counter.with_label_values(&[outcome.code()]).get()
}

#[tokio::test(start_paused = true)]
async fn one_agent_of_a_centre_measures_in_each_interval() {
    let grants = Grants::default();
    let (one, other) = (agent("one", "a"), agent("other", "a"));
    let elsewhere = agent("elsewhere", "b");
    let download = |agent| grants.download(agent, PLANNED).map(drop);
    assert_eq!(grants.upload(&one).map(drop), Err(Outcome::NotYet));
    assert_eq!(download(&one), Ok(()));
    assert_eq!(download(&one), Err(Outcome::NotYet));
    assert_eq!(download(&other), Err(Outcome::NotYet));
    assert_eq!(download(&elsewhere), Ok(()));
    assert_eq!(grants.upload(&other).map(drop), Err(Outcome::NotYet));
    assert_eq!(grants.upload(&one).map(drop), Ok(()));
    assert_eq!(grants.upload(&one).map(drop), Err(Outcome::NotYet));
    grants.used(&one, PLANNED);
    tokio::time::sleep(PLANNED.interval * 4 / 5).await;
    assert_eq!(
        download(&other),
        Err(Outcome::NotYet),
        "still that interval"
    );
    tokio::time::sleep(PLANNED.interval / 5).await;
    let running = grants.download(&other, PLANNED);
    assert!(running.is_ok());
    tokio::time::sleep(PLANNED.interval).await;
    assert_eq!(download(&one), Err(Outcome::NotYet), "the other still runs");
    assert_eq!(
        grants.upload(&other).map(drop),
        Err(Outcome::NotYet),
        "too late"
    );
    drop(running);
    assert_eq!(download(&one), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_came_to_nothing_is_not_used_up() {
    let grants = Grants::default();
    let (one, other) = (agent("one", "a"), agent("other", "a"));
    let look = PLANNED.interval / LOOKS;
    // One has no luck, again and again; whoever comes next is let in ever later.
    for wait in [1, 2, 4, 8, 8] {
        assert!(grants.download(&one, PLANNED).is_ok());
        tokio::time::sleep(look * wait * 4 / 5).await;
        let early = grants.download(&other, PLANNED).map(drop);
        assert_eq!(early, Err(Outcome::NotYet), "{wait}");
        tokio::time::sleep(look * wait / 5).await;
    }
    // What went both ways is good for an interval, and after that the next failure costs little again.
    assert!(grants.download(&other, PLANNED).is_ok());
    assert!(grants.upload(&other).is_ok());
    grants.used(&one, PLANNED);
    grants.used(&other, PLANNED);
    tokio::time::sleep(PLANNED.interval).await;
    for _ in 0..2 {
        assert!(grants.download(&one, PLANNED).is_ok());
        tokio::time::sleep(look).await;
    }
}

#[tokio::test(start_paused = true)]
async fn few_transfer_at_once() {
    let grants = Grants::default();
    let mut running = Vec::new();
    let outcome = loop {
        let newcomer = agent("pc", &format!("centre-{}", running.len()));
        match grants.download(&newcomer, PLANNED) {
            Ok(one) => running.push(one),
            Err(outcome) => break outcome,
        }
    };
    assert_eq!((outcome, running.len()), (Outcome::Busy, 8));
    // Not what an agent takes for its turn being over.
    assert_eq!(outcome.status().code(), tonic::Code::Unavailable);
    running.pop();
    // To be turned away costs a centre nothing.
    assert!(grants.download(&agent("pc", "centre-8"), PLANNED).is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_what_was_asked_for_within_the_plan() {
    for (asked, expected) in [(50_000, 50_000), (100_000, 100_000), (u32::MAX, 100_000)] {
        let (transfers, _folder) = transfers(Some(PLANNED)).await;
        let agent = agent("pc", "a");
        let pieces = transfers.download(&agent, asked).unwrap();
        assert_eq!(bytes(pieces).await, expected);
        assert_eq!(counted(&transfers, Outcome::Finished), 1);
        let again = transfers.download(&agent, asked).unwrap_err();
        assert_eq!(again.code(), tonic::Code::ResourceExhausted);
        assert_eq!(counted(&transfers, Outcome::NotYet), 1);
    }
    let (transfers, _folder) = transfers(None).await;
    let refused = transfers.download(&agent("pc", "a"), 1).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert_eq!(counted(&transfers, Outcome::NotPlanned), 1);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_let_go() {
    let (transfers, _folder) = transfers(Some(PLANNED)).await;
    let agent = agent("pc", "a");
    let unread = transfers.download(&agent, 100_000).unwrap();
    tokio::time::sleep(PATIENCE + Duration::from_secs(1)).await;
    assert_eq!(counted(&transfers, Outcome::CutShort), 1);
    assert!(bytes(unread).await < 100_000);
    tokio::time::sleep(PLANNED.interval).await;
    let read_in_part = transfers.download(&agent, 100_000).unwrap();
    drop(read_in_part);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(counted(&transfers, Outcome::CutShort), 2);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_went_both_ways_are_good_for_an_interval_and_others_are_not() {
    let (transfers, _folder) = transfers(Some(PLANNED)).await;
    let agent = agent("pc", "a");
    let look = PLANNED.interval / LOOKS;
    for (sent_up, wait) in [(16, 2), (5, 8)] {
        let down = transfers.download(&agent, u32::MAX).unwrap();
        assert_eq!(bytes(down).await, 100_000);
        let up = pieces(Duration::from_millis(1), sent_up, 16_384);
        let went = transfers.upload(&agent, std::pin::pin!(up)).await;
        assert_eq!(went.is_ok(), sent_up == 5);
        tokio::time::sleep(look * wait * 4 / 5).await;
        if wait == 8 {
            let early = transfers.download(&agent, 1).unwrap_err();
            assert_eq!(early.code(), tonic::Code::ResourceExhausted);
        }
        tokio::time::sleep(look * wait / 5).await;
    }
    assert_eq!(counted(&transfers, Outcome::CutShort), 1);
    assert!(transfers.download(&agent, 1).is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_transfer_is_faster_than_it_may_be() {
    let large = Throughput {
        bytes: 4_000_000,
        ..PLANNED
    };
    let (transfers, _folder) = transfers(Some(large)).await;
    let began = Instant::now();
    let pieces = transfers.download(&agent("pc", "a"), u32::MAX).unwrap();
    assert_eq!(bytes(pieces).await, 4_000_000);
    let took = began.elapsed().as_millis();
    assert!((150..200).contains(&took), "{took} ms");
}

/// So many pieces, so far apart, of so many bytes each.
fn pieces(apart: Duration, count: u32, bytes: usize) -> impl Stream<Item = Result<Piece, Status>> {
    let piece = move |_| async move {
        tokio::time::sleep(apart).await;
        let data = vec![0; bytes];
        Ok(Piece { data })
    };
    tokio_stream::iter(0..count).then(piece)
}

/// What is made of pieces 10 ms apart.
async fn taken(count: u32, bytes: usize) -> Result<UploadResponse, tonic::Code> {
    let pieces = pieces(Duration::from_millis(10), count, bytes);
    let taken = take(std::pin::pin!(pieces), PLANNED.bytes).await;
    taken.map_err(|status| status.code())
}

#[tokio::test(start_paused = true)]
async fn what_comes_up_is_measured_and_no_more_than_the_plan_says() {
    let whole = taken(10, 10_000).await.unwrap();
    // 70,000 bytes in the 70 ms after the third piece; a pause may last a millisecond longer.
    assert_eq!(whole.bytes, 100_000);
    let told = whole.bits_per_second;
    assert!((7_200_000..=8_000_000).contains(&told), "{told}");
    assert_eq!(taken(11, 10_000).await, Err(tonic::Code::InvalidArgument));
    let slow = Throughput {
        bytes: 4_000_000,
        ..PLANNED
    };
    let began = Instant::now();
    let pieces = pieces(Duration::from_secs(2), 240, 16_384);
    let part = take(std::pin::pin!(pieces), slow.bytes).await.unwrap();
    let took = began.elapsed().as_secs();
    // Not when all of it has arrived, which is in eight minutes.
    assert_eq!((took, part.bits_per_second), (12, 65_536));
    let began = Instant::now();
    let broken =
        tokio_stream::iter([Ok(Piece { data: vec![0; 9] })]).chain(tokio_stream::pending());
    let broken = take(broken, slow.bytes)
        .await
        .map_err(|status| status.code());
    assert_eq!(broken, Err(tonic::Code::DeadlineExceeded));
    assert_eq!(began.elapsed(), LONGEST);
    let nothing = taken(0, 0).await.unwrap();
    assert_eq!((nothing.bytes, nothing.bits_per_second), (0, 0));
    let crumbs = taken(100_000, 0).await.unwrap();
    assert_eq!((crumbs.bytes, crumbs.bits_per_second), (0, 0));
}
