//! How long `/metrics` takes to render, beside general-purpose client libraries and beside what no
//! renderer can beat, and what a device takes up in memory:
//! `cargo bench -p dawnwatch-collector --bench render`.
//!
//! A real live view is filled through its public functions, with devices of 88 series of 4 labels;
//! every value changes before every page. The crates `prometheus` and `prometheus-client` show the
//! same series from gauges. Ratios are of one run on one machine: absolute times do not carry over.
//! Memory is measured in a process of its own, as what the system says it has more of. No timed
//! test: it prints, and fails only when the pages differ in what they show.

mod memory;
mod peers;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use dawnwatch_collector::latest::{DeviceKey, Enrolled, Latest, Patience, lock};
use dawnwatch_collector::metrics::exposition::{Exposition, Spare};
use jiff::Timestamp;
use proto::metrics::{CATALOGUE, Metric, Origin, Part, Unit};
use proto::stream::Series;
use tokio::sync::watch;
use tokio::time::Instant;

/// What one agent measures.
const SERIES_PER_DEVICE: usize = 88;

const DEVICES_PER_CENTRE: usize = 20;

/// Sizes of the page, in series.
const SIZES: [usize; 2] = [100_000, 1_000_000];

/// Pages of each renderer; the fastest counts, since other work on the machine only adds.
const PAGES: usize = 7;

/// Pages during which an agent may be kept waiting.
const LOOKS: usize = 20;

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn main() -> anyhow::Result<()> {
    // `cargo test --all-targets` starts this too, without the argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    if std::env::args().any(|argument| argument == memory::ARGUMENT) {
        return memory::measure();
    }
    for series in SIZES {
        let devices = series / SERIES_PER_DEVICE;
        let fleet = Fleet::new(devices, |_| Ok(series_of_four_labels()))?;
        let measured = fleet.measure()?;
        let waited = fleet.waits()?;
        let (prometheus, prometheus_bytes) = peers::prometheus(&fleet)?;
        let (client, client_bytes) = peers::prometheus_client(&fleet)?;
        let page = measured.text;
        println!(
            "\n{} devices, {} series",
            devices,
            devices * SERIES_PER_DEVICE
        );
        println!("{:34}{:>10}{:>12}{:>8}", "", "ms", "bytes", "ratio");
        let line = |what: &str, time: Duration, bytes: usize| {
            let ratio = time.as_secs_f64() / measured.rendered.as_secs_f64();
            let milliseconds = time.as_secs_f64() * 1e3;
            println!("{what:34}{milliseconds:>10.3}{bytes:>12}{ratio:>8.2}");
        };
        line("this collector", measured.rendered, page.len());
        line("  of that, looking at devices", measured.looked, 0);
        line("crate prometheus", prometheus, prometheus_bytes);
        line("crate prometheus-client", client, client_bytes);
        line(
            "kept names + integers, one text",
            lower_limit(&page),
            page.len(),
        );
        line("memcpy of the page", copy(&page), page.len());
        line("taking the samples of one round", measured.updated, 0);
        line("wait of an agent meanwhile, 99.9 %", waited, 0);
    }
    memory::report()
}

/// The fastest of several rounds, and the last page.
struct Measured {
    updated: Duration,
    looked: Duration,
    rendered: Duration,
    text: String,
}

/// A live view, and where in it every series is.
struct Fleet {
    exposition: Exposition,
    spare: Spare,
    keys: Vec<DeviceKey>,
    series: Vec<Series>,
    /// Of each series in each device: they all define them in the same order.
    slots: Vec<usize>,
}

impl Fleet {
    /// Devices, and what each of them measures: the same metrics in the same order.
    fn new(
        devices: usize,
        series_of: impl Fn(usize) -> anyhow::Result<Vec<Series>>,
    ) -> anyhow::Result<Self> {
        let mut keys = Vec::with_capacity(devices);
        for device in 0..devices {
            keys.push(DeviceKey {
                centre: format!("centre-{:04}", device / DEVICES_PER_CENTRE).parse()?,
                device: format!("pc-{:02}", device % DEVICES_PER_CENTRE).parse()?,
            });
        }
        let latest = Latest::new(Patience {
            reports: Duration::from_hours(1),
            samples: Duration::from_hours(1),
        });
        let enrolled = keys.iter().map(|key| {
            let enrolled = Enrolled {
                agent: format!("{}-{}", key.centre, key.device).parse()?,
                kind: "pc".into(),
                version: proto::VERSION.into(),
                os: "linux".into(),
                arch: "x86_64".into(),
                certificate_until: Some(Timestamp::now()),
                last_report: None,
                goodbye: None,
            };
            Ok((key.clone(), enrolled))
        });
        latest.follow(enrolled.collect::<anyhow::Result<Vec<_>>>()?);
        let (_, centres) = watch::channel(Arc::default());
        let exposition = Exposition {
            latest: Arc::new(latest),
            centres,
            asking: watch::channel(Arc::default()).1,
            province: String::new(),
            calendars: Arc::default(),
            measurements: true,
            faults: dawnwatch_collector::watch::Events::default(),
        };
        let (mut series, mut slots) = (Vec::new(), Vec::new());
        for (number, key) in keys.iter().enumerate() {
            series = series_of(number)?;
            let device = exposition.latest.device(key).context("is enrolled")?;
            let mut device = lock(&device);
            slots = series
                .iter()
                .filter_map(|series| device.slot(series))
                .collect();
        }
        Ok(Self {
            exposition,
            spare: Spare::default(),
            keys,
            series,
            slots,
        })
    }

    fn measure(&self) -> anyhow::Result<Measured> {
        let mut measured = Measured {
            updated: Duration::MAX,
            looked: Duration::MAX,
            rendered: Duration::MAX,
            text: String::new(),
        };
        for round in 0..PAGES {
            let begin = Instant::now();
            self.update(round)?;
            measured.updated = measured.updated.min(begin.elapsed());
            let begin = Instant::now();
            let page = self.exposition.page(Timestamp::now(), &self.spare);
            measured.looked = measured.looked.min(begin.elapsed());
            // As a connection does: each piece is let go before the next is asked for.
            for piece in page {
                black_box(&piece);
            }
            measured.rendered = measured.rendered.min(begin.elapsed());
        }
        let page = self.exposition.page(Timestamp::now(), &self.spare);
        measured.text = String::from_utf8(page.flatten().collect())?;
        Ok(measured)
    }

    /// How long somebody waits for a device while pages are made one after the other, at most, but for
    /// one time in a thousand: the longest of all is when the system takes the processor away.
    fn waits(&self) -> anyhow::Result<Duration> {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut waits = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    for key in &self.keys {
                        let device = self.exposition.latest.device(key).context("is enrolled")?;
                        let begin = Instant::now();
                        drop(lock(&device));
                        waits.push(begin.elapsed());
                    }
                }
                waits.sort_unstable();
                let nearly_all = waits.len() - waits.len().div_ceil(1_000);
                waits
                    .get(nearly_all)
                    .copied()
                    .context("devices to wait for")
            });
            for _ in 0..LOOKS {
                for piece in self.exposition.page(Timestamp::now(), &self.spare) {
                    black_box(&piece);
                }
            }
            done.store(true, Ordering::Relaxed);
            waiter
                .join()
                .unwrap_or_else(|_| anyhow::bail!("a thread failed"))
        })
    }

    fn update(&self, round: usize) -> anyhow::Result<()> {
        let now = Timestamp::now();
        for (number, key) in self.keys.iter().enumerate() {
            let device = self.exposition.latest.device(key).context("is enrolled")?;
            let mut device = lock(&device);
            device.reported(now, 0.0, 0);
            let mut device = device.receiving();
            for (position, (series, slot)) in self.series.iter().zip(&self.slots).enumerate() {
                let value = value(series.metric, number, position, round);
                device.update(*slot, now.as_millisecond(), value);
            }
        }
        Ok(())
    }
}

/// Series with one label of their own, which makes four with those of the device.
fn series_of_four_labels() -> Vec<Series> {
    let metrics: Vec<&'static Metric> = CATALOGUE
        .iter()
        .copied()
        .filter(|metric| metric.origin == Origin::Agent && metric.labels.len() == 1)
        .collect();
    let series = metrics
        .iter()
        .cycle()
        .enumerate()
        .map(|(position, metric)| {
            let number = position / metrics.len();
            let label = |label| (label, format!("{label}{number}"));
            Series {
                device: None,
                metric,
                part: Part::Value,
                labels: metric.labels.iter().copied().map(label).collect(),
            }
        });
    series.take(SERIES_PER_DEVICE).collect()
}

/// Whole numbers and fractions, as the metric's unit has them; never the same in two rounds.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn value(metric: &Metric, device: usize, position: usize, round: usize) -> f64 {
    let mixed = (device * 7_919 + position * 104_729 + round * 1_299_709 + 1) as f64;
    match metric.unit {
        Unit::Bytes => mixed * 4_096.0,
        Unit::BitsPerSecond | Unit::Count => mixed,
        Unit::Boolean => ((device + position + round) % 2) as f64,
        Unit::DecibelMilliwatts => -90.0 + (mixed % 60.0),
        Unit::Celsius => 40.0 + (mixed % 500.0) / 10.0,
        _ => (mixed % 1e6) / 999_983.0,
    }
}

/// The least a page costs that is made line by line: names that are kept, numbers that are short,
/// one text that has its size already.
fn lower_limit(page: &str) -> Duration {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<Box<str>> = lines
        .filter_map(|line| Some(format!("{} ", line.rsplit_once(' ')?.0).into_boxed_str()))
        .collect();
    let (mut fastest, mut text) = (Duration::MAX, String::with_capacity(page.len() * 2));
    for round in 0..PAGES {
        text.clear();
        let begin = Instant::now();
        let mut digits = itoa::Buffer::new();
        for (number, name) in names.iter().enumerate() {
            text.push_str(name);
            text.push_str(digits.format(number + round));
            text.push('\n');
        }
        fastest = fastest.min(begin.elapsed());
        black_box(&text);
    }
    fastest
}

fn copy(page: &str) -> Duration {
    let mut target = page.as_bytes().to_vec();
    let mut fastest = Duration::MAX;
    for _ in 0..PAGES {
        let begin = Instant::now();
        target.copy_from_slice(black_box(page.as_bytes()));
        fastest = fastest.min(begin.elapsed());
        black_box(&target);
    }
    fastest
}
