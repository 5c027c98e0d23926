//! One stream's batches: taken once, at their true times, live apart from late.

use proto::columns::Lane;
use proto::metrics::DEVICE_CPU_USAGE;
use proto::plan::Plan;
use proto::stream::{Encoder, Measured};
use proto::wire::{self, Batch, Clock};
use tokio::sync::mpsc;

use super::super::replies::{self, Replies};
use super::super::share::Shares;
use super::super::stream::Stream;
use super::super::{Identities, Look, Parts, Shared};
use super::others::Turns;
use super::*;
use crate::comings::Comings;
use crate::directory::Directory;
use crate::latest::{self, DeviceKey, Latest, Patience};
use crate::plans::Plans;
use crate::registry::{Agent, Centre, Host, Registry};
use crate::scouts::Scouts;

const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// A collector with one enrolled agent.
pub(super) struct Collector {
    shared: Arc<Shared>,
    pub(super) agent: Agent,
    registry: Registry,
    pub(super) ledger: Arc<Ledger>,
    pub(super) scouts: Arc<Turns>,
    pub(super) found: mpsc::Receiver<Look>,
    pub(super) identities: Arc<Identities>,
    _folder: tempfile::TempDir,
}

async fn collector() -> Collector {
    collector_for(&[]).await
}

/// With these targets, for which nothing is ever written.
pub(super) async fn collector_for(targets: &[&str]) -> Collector {
    let folder = tempfile::tempdir().unwrap();
    let queues = targets.iter().map(|name| queue(folder.path(), name));
    let queues = queues.collect();
    let (registry, agent) = fixture::with_one_agent(folder.path()).await;
    let patience = Patience {
        reports: DEADLINE,
        samples: DEADLINE,
    };
    let latest = Arc::new(Latest::new(patience));
    let own = Arc::new(Own::new(Timestamp::now()).unwrap());
    let directory = Directory::read(registry.clone(), Arc::clone(&latest), Arc::clone(&own));
    let ledger = Arc::new(Ledger::open(folder.path()).unwrap());
    let (keeper, _) = commit::to(queues, Arc::clone(&own));
    let (found, finds) = mpsc::channel(1);
    let (scouts, identities) = (Arc::new(Turns::default()), Arc::<Identities>::default());
    let dropped = own.diagnosis.dropped.clone();
    let parts = Parts {
        directory: Arc::new(directory.await.unwrap()),
        latest,
        own,
        plans: Plans::new(Plan::default(), Scouts::new(&Plan::default(), Vec::new())),
        backlog_rate: 64_000,
        ledger: Arc::clone(&ledger),
        keeper,
        terms: Arc::clone(&scouts) as _,
        found,
        identities: Arc::clone(&identities),
        comings: Comings::default(),
        feed: crate::watch::feed(dropped).0,
        note_soon: Arc::default(),
        stop: CancellationToken::new(),
    };
    let shared = Shared {
        parts,
        shares: Shares::default(),
        open: std::sync::Mutex::default(),
    };
    Collector {
        shared: Arc::new(shared),
        agent,
        registry,
        ledger,
        scouts,
        found: finds,
        identities,
        _folder: folder,
    }
}

impl Collector {
    pub(super) fn own(&self) -> &Own {
        &self.shared.parts.own
    }

    pub(super) fn comings(&self) -> &Comings {
        &self.shared.parts.comings
    }

    pub(super) fn device(&self) -> Arc<std::sync::Mutex<latest::Device>> {
        let key = DeviceKey {
            centre: self.agent.centre.clone(),
            device: self.agent.device.clone(),
        };
        self.shared.parts.latest.device(&key).unwrap()
    }

    pub(super) fn latest(&self) -> &Latest {
        &self.shared.parts.latest
    }

    fn stream(&self) -> (Stream, Agents) {
        self.stream_of(&self.agent)
    }

    pub(super) fn stream_of(&self, agent: &Agent) -> (Stream, Agents) {
        let (sender, answers) = replies::channel();
        let shared = Arc::clone(&self.shared);
        let key = DeviceKey {
            centre: agent.centre.clone(),
            device: agent.device.clone(),
        };
        let device = self.latest().device(&key).unwrap();
        let stream = Stream::begun(shared, agent.clone(), device, sender);
        let agents = Agents {
            encoder: Encoder::default(),
            _answers: answers,
        };
        (stream, agents)
    }

    /// The live value and its age in seconds.
    fn live(&self) -> Option<(f64, i64)> {
        let device = self.device();
        let device = latest::lock(&device);
        let slot = device.of(&DEVICE_CPU_USAGE).next()?;
        let age = Timestamp::now().as_millisecond() - slot.time_unix_ms;
        Some((slot.value, age / 1000))
    }

    fn batches(&self, outcome: &str) -> u64 {
        self.own().batches.with_label_values(&[outcome]).get()
    }
}

/// The other end of a stream.
pub(super) struct Agents {
    encoder: Encoder,
    _answers: Replies,
}

impl Agents {
    /// One value, taken `ago` by a clock that is wrong by `error`.
    fn batch(&mut self, sequence: u64, value: f64, ago: i64, error: i64) -> Batch {
        self.batch_of(sequence, &[(ago, value)], error)
    }

    /// Values and how long ago they were taken, likewise.
    fn batch_of(&mut self, sequence: u64, values: &[(i64, f64)], error: i64) -> Batch {
        let wall_unix_ms = Timestamp::now().as_millisecond() + error;
        let mut measured = Measured::default();
        for (ago, value) in values {
            let rounds = &mut measured.rounds;
            rounds.push(wall_unix_ms - ago, [(0, *value)]).unwrap();
        }
        measured.series.push(wire::Series {
            metric: DEVICE_CPU_USAGE.name.into(),
            ..wire::Series::default()
        });
        self.sent(sequence, wall_unix_ms, measured)
    }

    /// What was measured, as it is sent at this time.
    pub(super) fn sent(&mut self, sequence: u64, wall_unix_ms: i64, measured: Measured) -> Batch {
        let encoded = self.encoder.encode(measured, Lane::Live);
        Batch {
            instance: 9,
            sequence,
            clock: Some(Clock {
                wall_unix_ms,
                monotonic_ms: 5 * 3_600_000,
            }),
            series: encoded.series,
            samples: encoded.samples,
            ..Batch::default()
        }
    }
}

#[tokio::test]
async fn a_batch_counts_once_over_streams_and_restarts() {
    let collector = collector().await;
    let (mut stream, mut agent) = collector.stream();
    let batch = agent.batch(1, 0.5, 0, 0);
    stream.batch(batch.clone()).await.unwrap();
    assert_eq!(collector.live(), Some((0.5, 0)));
    let (mut stream, mut agent) = collector.stream();
    stream.batch(agent.batch(1, 0.5, 0, 0)).await.unwrap();
    stream.batch(agent.batch(2, 0.75, 0, 0)).await.unwrap();
    assert_eq!(collector.live(), Some((0.75, 0)));
    assert_eq!(
        (
            collector.batches("accepted"),
            collector.batches("duplicate")
        ),
        (2, 1)
    );
    assert_eq!(collector.own().samples.get(), 2);
}

#[tokio::test]
async fn what_is_known_fills_an_empty_live_view_and_counts_nowhere() {
    let collector = collector().await;
    let account = collector.ledger.account(&collector.agent.id);
    account.take(Run {
        instance: 9,
        first: 1,
        last: 1,
    });
    let (mut stream, mut agent) = collector.stream();
    stream.batch(agent.batch(1, 0.5, 0, 0)).await.unwrap();
    assert_eq!(collector.live(), Some((0.5, 0)));
    assert_eq!(
        (
            collector.own().samples.get(),
            collector.batches("duplicate")
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn clocks_that_are_off_are_corrected_and_counted() {
    for error in [-17 * YEAR, 9 * YEAR, -HOUR, -60 * YEAR] {
        let collector = collector().await;
        let (mut stream, mut agent) = collector.stream();
        stream
            .batch(agent.batch(1, 0.5, 10_000, error))
            .await
            .unwrap();
        assert_eq!(collector.live(), Some((0.5, 10)), "{error}");
        assert_eq!(collector.own().samples_corrected.get(), 1);
        // Late is judged by the true time.
        stream
            .batch(agent.batch(2, 0.9, HOUR, error))
            .await
            .unwrap();
        assert_eq!(collector.live(), Some((0.5, 10)), "{error}");
        assert_eq!(collector.own().samples_late.get(), 1);
    }
}

#[tokio::test]
async fn times_that_cannot_be_are_refused_and_counted() {
    let collector = collector().await;
    let (mut stream, mut agent) = collector.stream();
    for (sequence, ago, reason) in [
        (1, 60 * YEAR, "too_old"),
        (2, -80 * YEAR, "in_future"),
        (3, i64::MAX / 2, "too_old"),
        (4, -i64::MAX / 2, "in_future"),
    ] {
        let rejected = collector
            .own()
            .samples_rejected
            .with_label_values(&[reason]);
        let before = rejected.get();
        stream
            .batch(agent.batch(sequence, 0.5, ago, 0))
            .await
            .unwrap();
        assert_eq!(rejected.get(), before + 1, "{ago}");
    }
    assert_eq!(collector.live(), None);
    // They are not wanted again.
    assert_eq!(collector.batches("accepted"), 4);
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_counted_before_it_comes_again() {
    let values = [(10_000, 0.5), (HOUR, 0.75), (60 * YEAR, 1.0)];
    for (targets, counted) in [(&["store"][..], 0), (&[], 1)] {
        let collector = collector_for(targets).await;
        let (mut stream, mut agent) = collector.stream();
        let batch = agent.batch_of(1, &values, -2 * HOUR);
        stream.batch(batch).await.unwrap();
        assert_eq!(collector.batches("uncommitted"), 1 - counted);
        assert_eq!(collector.live(), Some((0.5, 10)), "it is shown");
        let own = collector.own();
        let rejected = own.samples_rejected.with_label_values(&["too_old"]);
        let figures = [&own.samples, &own.samples_late, &own.samples_corrected];
        let expected = [2, 1, 2].map(|samples| samples * counted);
        assert_eq!(figures.map(|figure| figure.get()), expected);
        assert_eq!(rejected.get(), counted);
    }
}

#[tokio::test]
async fn what_an_agent_says_of_itself_is_known_at_once_and_disturbs_nobody() {
    let collector = collector().await;
    let directory = &collector.shared.parts.directory;
    let mut agents = directory.agents();
    agents.mark_unchanged();
    let host = Host {
        hostname: "renamed".into(),
        version: "2.0.0".into(),
        ..Host::default()
    };
    let hello = directory.said_hello(&collector.agent, host, Timestamp::now());
    hello.await.unwrap();
    directory.refresh().await.unwrap();
    assert!(!agents.has_changed().unwrap(), "nothing is read again");
    let enrolled = latest::lock(&collector.device()).enrolled().cloned();
    assert_eq!(enrolled.unwrap().version, "2.0.0");
    // Before and after the registry is read for another reason.
    for more in [
        None,
        Some(Centre::named("that-khe".parse().unwrap(), "Thất Khê")),
    ] {
        let registry = &collector.registry;
        registry
            .import_centres(more.into_iter().collect())
            .await
            .unwrap();
        directory.refresh().await.unwrap();
        let agent = directory.find(collector.agent.key).await.unwrap();
        assert_eq!((&*agent.hostname, &*agent.version), ("renamed", "2.0.0"));
    }
    assert!(agents.has_changed().unwrap());
}

#[tokio::test]
async fn a_killed_agent_is_told_what_arrived() {
    let collector = collector().await;
    let (mut stream, mut agent) = collector.stream();
    for sequence in [1, 2, 4] {
        stream
            .batch(agent.batch(sequence, 0.5, 0, 0))
            .await
            .unwrap();
    }
    let lost = |instance, first, last| wire::Batches {
        instance,
        first,
        last,
    };
    let asked = [lost(9, 2, 9), lost(8, 1, 4), lost(9, 7, 3)];
    let arrived = stream.arrived(&asked).await;
    assert_eq!(arrived, [lost(9, 2, 2), lost(9, 4, 4)]);
}

#[tokio::test]
async fn a_batch_without_a_name_or_a_clock_ends_its_stream() {
    let collector = collector().await;
    let broken: [fn(&mut Batch); 4] = [
        |batch| batch.instance = 0,
        |batch| batch.sequence = 0,
        |batch| batch.clock = None,
        |batch| batch.series = vec![0xff; 9],
    ];
    for (number, break_it) in broken.iter().enumerate() {
        let (mut stream, mut agent) = collector.stream();
        let mut batch = agent.batch(1, 0.5, 0, 0);
        break_it(&mut batch);
        assert!(stream.batch(batch).await.is_err(), "{number}");
    }
    assert_eq!(
        (collector.batches("malformed"), collector.live()),
        (4, None)
    );
}

#[tokio::test]
async fn who_sends_too_many_samples_waits() {
    let collector = collector().await;
    let (mut stream, mut agent) = collector.stream();
    let mut first = agent.batch(1, 0.5, 0, 0);
    let mut encoder = proto::columns::Encoder::default();
    let mut many = Rounds::default();
    let now = Timestamp::now().as_millisecond();
    for _ in 0..10 {
        many.push(now, std::iter::repeat_n((0, 0.5), 2_000))
            .unwrap();
    }
    for sequence in 1..=11 {
        assert_eq!(collector.own().batches_paced.get(), 0, "{sequence}");
        first.sequence = sequence;
        first.samples = encoder.encode(Lane::Live, &many);
        stream.batch(first.clone()).await.unwrap();
        first.series.clear();
    }
    assert_eq!(collector.own().batches_paced.get(), 1);
}
