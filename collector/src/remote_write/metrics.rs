//! How each target fares, for `/metrics`. Every known label value of a target starts at 0.

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use proto::metrics::{self as catalogue, Metric};

use super::client::{Cause, Reason};
use super::queue::Status;

/// The metrics of all targets.
#[derive(Debug)]
pub struct Metrics {
    up: IntGaugeVec,
    lag: GaugeVec,
    queue_bytes: IntGaugeVec,
    queue_samples: IntGaugeVec,
    queue_durable: IntGaugeVec,
    samples: IntCounterVec,
    rejected: IntCounterVec,
    requests: IntCounterVec,
    retries: IntCounterVec,
    sent_bytes: IntCounterVec,
}

/// Those of one target.
#[derive(Debug)]
pub(crate) struct TargetMetrics {
    /// Whether the newest answer was one that a working store gives.
    pub(super) up: IntGauge,
    lag: prometheus::Gauge,
    queue_bytes: IntGauge,
    queue_samples: IntGauge,
    queue_durable: IntGauge,
    pub(super) delivered: IntCounter,
    pub(super) unreadable: IntCounter,
    pub(super) repeated: IntCounter,
    rejected: IntCounter,
    dropped: IntCounter,
    rejected_by_reason: [IntCounter; Reason::ALL.len()],
    pub(super) written: IntCounter,
    pub(super) refused: IntCounter,
    put_off: [IntCounter; Cause::ALL.len()],
    retries: IntCounter,
    pub(super) sent_bytes: IntCounter,
}

impl Metrics {
    /// Registers them, without any target.
    ///
    /// # Errors
    /// When a name of the catalogue is no valid name; a test would have told.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |metric: &Metric| {
            let gauge = IntGaugeVec::new(options(metric), metric.labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counter = |metric: &Metric| {
            let counter = IntCounterVec::new(options(metric), metric.labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metric = &catalogue::COLLECTOR_WRITE_LAG;
        let lag = GaugeVec::new(options(metric), metric.labels)?;
        registry.register(Box::new(lag.clone()))?;
        Ok(Self {
            up: gauge(&catalogue::COLLECTOR_WRITE_UP)?,
            lag,
            queue_bytes: gauge(&catalogue::COLLECTOR_WRITE_QUEUE_BYTES)?,
            queue_samples: gauge(&catalogue::COLLECTOR_WRITE_QUEUE_SAMPLES)?,
            queue_durable: gauge(&catalogue::COLLECTOR_WRITE_QUEUE_DURABLE)?,
            samples: counter(&catalogue::COLLECTOR_WRITE_SAMPLES)?,
            rejected: counter(&catalogue::COLLECTOR_WRITE_SAMPLES_REJECTED)?,
            requests: counter(&catalogue::COLLECTOR_WRITE_REQUESTS)?,
            retries: counter(&catalogue::COLLECTOR_WRITE_RETRIES)?,
            sent_bytes: counter(&catalogue::COLLECTOR_WRITE_SENT_BYTES)?,
        })
    }

    /// Those of one target, from the start.
    pub(crate) fn of(&self, target: &str) -> TargetMetrics {
        let samples = |outcome| self.samples.with_label_values(&[target, outcome]);
        let requests = |outcome| self.requests.with_label_values(&[target, outcome]);
        let rejected = |reason: Reason| self.rejected.with_label_values(&[target, reason.code()]);
        TargetMetrics {
            up: self.up.with_label_values(&[target]),
            lag: self.lag.with_label_values(&[target]),
            queue_bytes: self.queue_bytes.with_label_values(&[target]),
            queue_samples: self.queue_samples.with_label_values(&[target]),
            queue_durable: self.queue_durable.with_label_values(&[target]),
            delivered: samples("delivered"),
            unreadable: samples("unreadable"),
            repeated: samples("repeated"),
            rejected: samples("rejected"),
            dropped: samples("dropped"),
            rejected_by_reason: Reason::ALL.map(rejected),
            written: requests("written"),
            refused: requests("refused"),
            put_off: Cause::ALL.map(|cause| requests(cause.code())),
            retries: self.retries.with_label_values(&[target]),
            sent_bytes: self.sent_bytes.with_label_values(&[target]),
        }
    }
}

impl TargetMetrics {
    /// The store will never take so many samples.
    pub(super) fn rejected(&self, reason: Reason, samples: u64) {
        self.rejected.inc_by(samples);
        let counters = Reason::ALL.iter().zip(&self.rejected_by_reason);
        for (_, counter) in counters.filter(|(known, _)| **known == reason) {
            counter.inc_by(samples);
        }
    }

    /// A request has to be repeated.
    pub(super) fn put_off(&self, cause: Cause) {
        self.retries.inc();
        let counters = Cause::ALL.iter().zip(&self.put_off);
        for (_, counter) in counters.filter(|(known, _)| **known == cause) {
            counter.inc();
        }
    }

    /// How the queue is.
    pub(super) fn note(&self, status: &Status) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let waited = status.waiting_since.map(|since| since.elapsed());
        self.lag.set(waited.unwrap_or_default().as_secs_f64());
        self.queue_bytes.set(number(status.bytes));
        self.queue_samples.set(number(status.samples));
        self.queue_durable.set(i64::from(status.is_durable));
        let news = status.dropped_samples.saturating_sub(self.dropped.get());
        self.dropped.inc_by(news);
    }
}

fn options(metric: &Metric) -> Opts {
    Opts::new(metric.name, metric.help)
}
