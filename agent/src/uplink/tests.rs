//! What an agent does with what a collector says, seen from the collector's end of a stream.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use proto::limits::FOUND_PER_MESSAGE;
use proto::metrics::DEVICE_INTERFACE_UP;
use proto::wire::{Ack, Batch, FromAgent, from_collector};
use rcgen::{CertificateParams, KeyPair};
use tonic::Status;

use super::*;
use crate::record::Recorder;
use crate::sources::Readings;
use crate::sources::device::discovery::MOST_FOUND;

const SECOND: Duration = Duration::from_secs(1);

/// Of an agent that is long due for renewal, and whose collector is nowhere.
pub(super) fn shared(folder: &Path) -> Shared {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    let identity = serde_json::json!({
        "collector": "https://127.0.0.1:1", "agent": "a", "centre": "c", "device": "d",
        "issued_unix_ms": 0, "valid_until_unix_ms": 1, "renew_after": 0.5,
        "certificate": certificate.pem(), "authority": certificate.pem(),
    });
    std::fs::write(folder.join("identity.json"), identity.to_string()).unwrap();
    let identity = Identity::load(folder).unwrap();
    Shared {
        folder: folder.to_owned(),
        collector: identity.collector.parse().unwrap(),
        status: watch::Sender::default(),
        identity: watch::Sender::new(identity),
        server_offset_ms: watch::Sender::new(0),
        collector_lead_ms: watch::Sender::default(),
        suspicion: Notify::new(),
    }
}

#[test]
fn the_collectors_clock_is_known_by_one_that_nobody_sets() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path());
    assert_eq!(*shared.collector_lead_ms.borrow(), None);
    let told = 1_767_225_600_000;
    let before = clock::now().monotonic_ms;
    shared.heard_time(told);
    let lead = shared.collector_lead_ms.borrow().unwrap();
    let passed = told.saturating_sub_unsigned(before) - lead;
    assert!((0..10_000).contains(&passed), "{passed}");
}

/// What stands around a stream.
struct Setup {
    queue: Queue,
    shared: Shared,
    plan: watch::Sender<Plan>,
    found: watch::Sender<Vec<FoundDevice>>,
    presence: Presence,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// The collector's end.
struct Collector {
    says: mpsc::Sender<Result<FromCollector, Status>>,
    hears: mpsc::Receiver<FromAgent>,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            queue: Queue::open(&folder.path().join("spool"), spool::Limits::default()).unwrap(),
            shared: shared(folder.path()),
            plan: watch::Sender::new(Plan::default()),
            found: watch::Sender::default(),
            presence: Presence::begin(folder.path(), Some("a boot"), clock::now()),
            stop: CancellationToken::new(),
            _folder: folder,
        }
    }

    fn line(&self) -> Line<'_> {
        Line {
            shared: &self.shared,
            queue: self.queue.clone(),
            plans: Plans::new(self.plan.clone()),
            connected: Arc::default(),
            found: self.found.subscribe(),
            found_told: None,
            presence: self.presence.clone(),
            bursts: Asked::default(),
            stop: self.stop.clone(),
            backoff: Backoff::new(LEAST_WAIT, MOST_WAIT),
            budget: Budget::new(None),
        }
    }

    fn measure(&self) {
        let mut readings = Readings::default();
        readings.push(&DEVICE_INTERFACE_UP, &["eth0"], 1.0);
        let mut recorder = Recorder::default();
        recorder.add(clock::now(), &readings.taken);
        for recorded in recorder.take(self.queue.instance) {
            self.queue.append(recorded);
        }
    }

    /// A stream that has just been welcomed.
    async fn stream(
        &self,
    ) -> (
        Collector,
        ReceiverStream<Result<FromCollector, Status>>,
        Outgoing,
    ) {
        let (says, incoming) = mpsc::channel(8);
        let (sender, hears) = mpsc::channel(outgoing::MESSAGES);
        self.queue.linked();
        let outgoing = Outgoing::new(sender, self.queue.newest().await);
        let collector = Collector { says, hears };
        (collector, ReceiverStream::new(incoming), outgoing)
    }
}

impl Collector {
    async fn batch(&mut self) -> Batch {
        match self.hears.recv().await.unwrap().kind {
            Some(from_agent::Kind::Batch(batch)) => batch,
            other => panic!("{other:?} is no batch"),
        }
    }

    async fn say(&self, kind: from_collector::Kind) {
        let message = FromCollector { kind: Some(kind) };
        self.says.send(Ok(message)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_keeps_nothing_hears_what_is_live_for_as_long_as_it_answers() {
    let setup = Setup::new();
    for _ in 0..100 {
        setup.measure();
        setup.queue.newest().await;
    }
    let (mut collector, incoming, outgoing) = setup.stream().await;
    let mut line = setup.line();
    for _ in 0..10 {
        line.backoff.next_wait();
    }
    let began = Instant::now();
    let script = async {
        assert_eq!(collector.batch().await.sequence, 100);
        for _ in 1..64 {
            collector.batch().await;
        }
        collector
            .say(from_collector::Kind::Ack(Ack::default()))
            .await;
        let mut answered = 1;
        for measured in 101..=160 {
            tokio::time::sleep(15 * SECOND).await;
            setup.measure();
            let batch = collector.batch().await;
            assert_eq!(batch.sequence, measured, "live, and nothing of the backlog");
            if batch.wants_ack {
                collector
                    .say(from_collector::Kind::Ack(Ack::default()))
                    .await;
                answered += 1;
            }
        }
        let status = Status::unavailable("send it again");
        collector.says.send(Err(status)).await.unwrap();
        answered
    };
    let (ended, answered) = tokio::join!(line.converse(incoming, outgoing), script);
    let ended = ended.unwrap_err();
    assert!(matches!(ended, Ended::Status(_)), "{ended:?}");
    assert!(answered >= 3 && began.elapsed() >= 900 * SECOND);
    assert!(setup.queue.waits().records > 100, "what was answered waits");
    assert_eq!(setup.queue.stats().records, 160);
    assert!(line.wait_after(&ended) <= LEAST_WAIT, "it was there");
    assert_eq!(setup.shared.status.borrow().last_ack_unix_ms, None);
}

#[tokio::test]
async fn a_welcome_in_another_protocol_is_refused_and_says_what_to_update() {
    let welcomed = async |protocol| {
        let kind = from_collector::Kind::Welcome(Welcome {
            protocol,
            ..Welcome::default()
        });
        let message = FromCollector { kind: Some(kind) };
        welcome(&mut tokio_stream::iter([Ok(message)])).await
    };
    assert!(welcomed(PROTOCOL).await.is_ok());
    for (protocol, says) in [
        (PROTOCOL - 1, "update the collector"),
        (PROTOCOL + 1, "update this agent"),
    ] {
        let refused = welcomed(protocol).await.unwrap_err();
        assert!(refused.to_string().ends_with(says), "{refused}");
        assert!(refused.is_refusal());
    }
}

/// Answers one handshake after the other as nobody that the agent trusts.
async fn impostor() -> Address {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap().der().clone();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    address.parse().unwrap()
}

#[tokio::test]
async fn a_handshake_costs_the_day_its_bytes_and_an_attempt_that_nobody_hears_few() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let cases = [(impostor().await, true), (nobody.parse().unwrap(), false)];
    for (collector, costs) in cases {
        let mut setup = Setup::new();
        setup.shared.collector = collector;
        let mut line = setup.line();
        // A start may send 5,000 bytes: one handshake, or many attempts.
        line.budget = Budget::new(Some(24 * 5_000));
        for _ in 0..2 {
            let ended = line.open().await.err().unwrap();
            assert!(matches!(ended, Ended::Connect(_)), "{ended:?}");
        }
        assert_eq!(!line.budget.wait().is_zero(), costs);
    }
}

#[tokio::test(start_paused = true)]
async fn of_plans_that_follow_one_another_the_newest_is_taken_now_and_then() {
    let setup = Setup::new();
    let (collector, incoming, outgoing) = setup.stream().await;
    let mut line = setup.line();
    let script = async {
        let mut watched = setup.plan.subscribe();
        let mut taken = Vec::new();
        for version in 1..=50 {
            let plan = proto::wire::Plan::from(&Plan {
                version,
                ..Plan::default()
            });
            collector.say(from_collector::Kind::Plan(plan)).await;
            tokio::time::sleep(SECOND).await;
            if watched.has_changed().unwrap() {
                taken.push(watched.borrow_and_update().version);
            }
        }
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(watched.borrow().version, 50, "the newest in the end");
        drop(collector);
        taken
    };
    let (ended, taken) = tokio::join!(line.converse(incoming, outgoing), script);
    assert!(matches!(ended, Err(Ended::Closed)), "{ended:?}");
    assert_eq!(taken.first(), Some(&1), "the first at once");
    assert!((5..=6).contains(&taken.len()), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_found_waits_for_a_stream_that_lasts_and_is_told_no_more_then() {
    let setup = Setup::new();
    let mut line = setup.line();
    let found = |count: usize| -> Vec<FoundDevice> {
        let device = |number| FoundDevice {
            address: format!("10.0.0.{number}"),
            ..FoundDevice::default()
        };
        (0..count).map(device).collect()
    };
    setup.found.send_replace(found(1));
    setup.found.send_replace(found(MOST_FOUND + 1));
    // How long each stream lasts after it was told, and whether it is told there.
    let streams = [(SECOND, true), (FOUND_ARRIVES, true), (SECOND, false)];
    for (lasts, is_told) in streams {
        let (mut collector, incoming, outgoing) = setup.stream().await;
        let script = async {
            let mut told = Vec::new();
            for _ in 0..MOST_FOUND / FOUND_PER_MESSAGE {
                let Ok(heard) = tokio::time::timeout(SECOND, collector.hears.recv()).await else {
                    break;
                };
                match heard.unwrap().kind {
                    Some(from_agent::Kind::Found(found)) => told.extend(found.devices),
                    other => panic!("{other:?} was not found"),
                }
            }
            let more = tokio::time::timeout(lasts, collector.hears.recv()).await;
            assert!(more.is_err(), "{more:?} is too much");
            drop(collector);
            told
        };
        let (ended, told) = tokio::join!(line.converse(incoming, outgoing), script);
        assert!(matches!(ended, Err(Ended::Closed)), "{ended:?}");
        let expected = if is_told {
            found(MOST_FOUND)
        } else {
            Vec::new()
        };
        assert_eq!(told, expected);
        line.doubt_what_was_told();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hung_disk_does_not_delay_the_goodbye() {
    let setup = Setup::new();
    setup.measure();
    let (mut collector, incoming, outgoing) = setup.stream().await;
    let mut line = setup.line();
    let stop = setup.stop.clone();
    let script = async {
        let batch = collector.batch().await;
        // A clock that stands goes on when there is nothing left to do.
        tokio::time::sleep(SECOND).await;
        tokio::time::resume();
        let (release, hangs) = std::sync::mpsc::channel::<()>();
        let hung = setup.queue.hang(hangs).await;
        let batches = vec![Batches {
            instance: batch.instance,
            first: batch.sequence,
            last: batch.sequence,
        }];
        let ack = Ack {
            batches,
            ..Ack::default()
        };
        collector.say(from_collector::Kind::Ack(ack)).await;
        while collector.says.capacity() < collector.says.max_capacity() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        let heard = tokio::time::timeout(20 * SECOND, collector.hears.recv()).await;
        drop((release, collector));
        hung.await.unwrap();
        let kind = heard.expect("a goodbye in time").unwrap().kind;
        assert!(matches!(kind, Some(from_agent::Kind::Goodbye(_))));
    };
    let (ended, ()) = tokio::join!(line.converse(incoming, outgoing), script);
    ended.unwrap();
}
