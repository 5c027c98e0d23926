//! A queue with a sender, filled with measurements whose values follow from their series and time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dawnwatch_collector as collector;

use collector::config::RemoteWrite as Target;
use collector::journal::{self, Definitions};
use collector::registry::{Agent, KeyHash};
use collector::remote_write::{Metrics, Queue, RemoteWrite};
use jiff::Timestamp;
use prometheus::{Encoder as _, Registry, TextEncoder};
use proto::columns::Rounds;
use proto::metrics::{self, Part};
use proto::stream::Series;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::scrape::{Page, metric};
use crate::harness::wait::eventually;

/// How long a store may take to have what it is to have.
pub const DELIVERY: Duration = Duration::from_secs(60);

/// Labels of a series and its samples by time.
pub type Stored = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>>;

/// A batch of one device: a counter of some network interfaces at some moments.
#[derive(Debug, Clone)]
pub struct Batch {
    pub device: &'static str,
    pub interfaces: usize,
    /// Unix milliseconds.
    pub live: Vec<i64>,
    pub late: Vec<i64>,
}

/// A batch that is not late.
pub fn live(device: &'static str, interfaces: usize, times: impl Into<Vec<i64>>) -> Batch {
    Batch {
        device,
        interfaces,
        live: times.into(),
        late: Vec::new(),
    }
}

/// One that is.
pub fn late(device: &'static str, interfaces: usize, times: impl Into<Vec<i64>>) -> Batch {
    let Batch { live, late, .. } = self::live(device, interfaces, times);
    Batch {
        device,
        interfaces,
        live: late,
        late: live,
    }
}

/// Times every 15 s that end so long ago.
pub fn times(count: i64, ago: Duration) -> Vec<i64> {
    let last = Timestamp::now().as_millisecond() - i64::try_from(ago.as_millis()).unwrap();
    (0..count).rev().map(|back| last - back * 15_000).collect()
}

pub const NAME: &str = "dawnwatch_interface_receive_bytes_total";

fn value(interface: usize, time: i64) -> f64 {
    // A counter, with a fraction that shows a rounded one.
    let interface = u32::try_from(interface).unwrap();
    f64::from(u32::try_from(time / 1000).unwrap()) + f64::from(interface) / 7.0
}

impl Batch {
    fn samples(&self) -> usize {
        self.interfaces * (self.live.len() + self.late.len())
    }

    fn encode(&self) -> Vec<u8> {
        let series: Vec<Series> = (0..self.interfaces).map(interface).collect();
        let mut definitions = Definitions::default();
        definitions.add(&series);
        let rounds = |times: &[i64]| {
            let mut rounds = Rounds::default();
            for time in times {
                let ids = 0..u32::try_from(self.interfaces).unwrap();
                let samples = ids.map(|id| (id, value(id as usize, *time)));
                rounds.push(*time, samples).unwrap();
            }
            rounds
        };
        journal::encode(&journal::Batch {
            agent: &agent(self.device),
            instance: 1,
            sequence: 1,
            correction_ms: 0,
            definitions: &definitions,
            others: &[],
            live: &rounds(&self.live),
            late: &rounds(&self.late),
        })
    }
}

fn interface(number: usize) -> Series {
    let (metric, part) = metrics::find(NAME).unwrap();
    assert_eq!(part, Part::Value);
    Series {
        device: None,
        metric,
        part,
        labels: vec![("interface", format!("eth{number}"))],
    }
}

fn agent(device: &str) -> Agent {
    Agent {
        id: "agent".parse().unwrap(),
        centre: "cong-son".parse().unwrap(),
        device: device.parse().unwrap(),
        kind: "pc".into(),
        hostname: String::new(),
        os: String::new(),
        arch: String::new(),
        version: String::new(),
        key: KeyHash([0; 32]),
        enrolled_at: Timestamp::UNIX_EPOCH,
        certificate_until: Timestamp::UNIX_EPOCH,
        revoked_at: None,
        last_seen: None,
        goodbye: None,
    }
}

/// What a store should have of some batches.
pub fn expected<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> Stored {
    let mut stored = Stored::new();
    for batch in batches {
        for number in 0..batch.interfaces {
            let labels = [
                ("__name__", NAME),
                ("centre", "cong-son"),
                ("device", batch.device),
                ("interface", &format!("eth{number}")),
                ("kind", "pc"),
            ];
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let samples = stored.entry(labels.into()).or_default();
            let times = batch.live.iter().chain(&batch.late);
            samples.extend(times.map(|time| (*time, value(number, *time))));
        }
    }
    stored
}

/// A target as the tests like it.
pub fn target(url: &str) -> Target {
    Target {
        timeout: Duration::from_secs(10),
        ..Target::to("store", url.parse().unwrap())
    }
}

/// Remote write to one target, at work.
pub struct Writing {
    pub queue: Queue,
    registry: Registry,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Writing {
    /// Begins with what waits in a folder.
    pub fn start(data: &Path, target: &Target) -> Self {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let targets = std::slice::from_ref(target);
        let remote_write = RemoteWrite::open(data, targets, &metrics).unwrap();
        let queue = remote_write.queues().remove(0);
        let stop = CancellationToken::new();
        Self {
            queue,
            registry,
            task: tokio::spawn(remote_write.run(stop.clone())),
            stop,
        }
    }

    /// Takes in batches, as one record that is safe.
    pub fn put(&self, batches: &[Batch]) {
        put(&self.queue, batches);
        self.queue.release(self.queue.newest());
    }

    /// Waits until nothing waits.
    pub async fn is_done(&self) {
        eventually("everything is delivered", DELIVERY, async || {
            let status = self.queue.status();
            match status.waiting_since {
                None => Ok(()),
                Some(_) => Err(format!("{status:?} {}", self.page())),
            }
        })
        .await;
    }

    /// The value of a metric with one label beside the target.
    pub fn count(&self, name: &str, label: &str, value: &str) -> f64 {
        let name = format!("dawnwatch_collector_remote_write_{name}");
        let page = Page::parse(&self.page()).unwrap();
        let wanted = metric(&name).label("target", "store").label(label, value);
        wanted.found_in(&page).unwrap()
    }

    /// Whether the target is said to work.
    pub fn up(&self) -> f64 {
        let page = Page::parse(&self.page()).unwrap();
        let wanted = metric("dawnwatch_collector_remote_write_up").label("target", "store");
        wanted.found_in(&page).unwrap()
    }

    fn page(&self) -> String {
        let mut page = Vec::new();
        let encoder = TextEncoder::new();
        encoder.encode(&self.registry.gather(), &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    /// Stops, and leaves everything as a killed process would but for its end.
    pub async fn stop(self) {
        self.stop.cancel();
        let stopped = tokio::time::timeout(Duration::from_secs(5), self.task);
        stopped.await.expect("it stops promptly").unwrap();
    }
}

/// Adds batches to a queue, as one record on disk.
pub fn put(queue: &Queue, batches: &[Batch]) {
    let parts: Vec<Vec<u8>> = batches.iter().map(Batch::encode).collect();
    let record = journal::record(parts.iter().map(Vec::as_slice));
    let samples: usize = batches.iter().map(Batch::samples).sum();
    queue.append(record, u32::try_from(samples).unwrap());
    queue.persist().unwrap();
}
