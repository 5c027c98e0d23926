//! What the diagnosis costs, and what it could not take.

use prometheus::{Counter, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use proto::metrics::{self as catalogue, Metric};

use diagnosis::event::Happened;

/// The values of a label.
const HAPPENED: [Happened; 5] = [
    Happened::Open,
    Happened::Update,
    Happened::Revise,
    Happened::Withdraw,
    Happened::Close,
];

/// Counters and gauges of the watch. Clones are the same ones.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the catalogue says what each of them is")]
pub struct Metrics {
    pub records: IntCounter,
    pub dropped: IntCounter,
    pub seconds: Counter,
    pub feed_seconds: Counter,
    events: IntCounterVec,
    pub unkept: IntCounter,
    pub evidence_bytes: IntGauge,
    pub evidence_dropped: IntCounter,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// When a name of the catalogue is no valid name; a test would have told.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let options = |metric: &Metric| Opts::new(metric.name, metric.help);
        let counter = |metric: &Metric| {
            let counter = IntCounter::with_opts(options(metric))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let seconds = |metric: &Metric| {
            let counter = Counter::with_opts(options(metric))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metric = &catalogue::COLLECTOR_DIAGNOSIS_EVENTS;
        let events = IntCounterVec::new(options(metric), metric.labels)?;
        registry.register(Box::new(events.clone()))?;
        for happened in HAPPENED {
            events.get_metric_with_label_values(&[word(happened)])?;
        }
        let evidence_bytes =
            IntGauge::with_opts(options(&catalogue::COLLECTOR_DIAGNOSIS_EVIDENCE_BYTES))?;
        registry.register(Box::new(evidence_bytes.clone()))?;
        Ok(Self {
            records: counter(&catalogue::COLLECTOR_DIAGNOSIS_RECORDS)?,
            dropped: counter(&catalogue::COLLECTOR_DIAGNOSIS_DROPPED)?,
            seconds: seconds(&catalogue::COLLECTOR_DIAGNOSIS_SECONDS)?,
            feed_seconds: seconds(&catalogue::COLLECTOR_DIAGNOSIS_FEED_SECONDS)?,
            events,
            unkept: counter(&catalogue::COLLECTOR_DIAGNOSIS_UNKEPT)?,
            evidence_bytes,
            evidence_dropped: counter(&catalogue::COLLECTOR_DIAGNOSIS_EVIDENCE_DROPPED)?,
        })
    }

    pub(super) fn happened(&self, happened: Happened) {
        self.events.with_label_values(&[word(happened)]).inc();
    }
}

/// The word of what happened, as the API has it too.
pub(crate) fn word(happened: Happened) -> &'static str {
    match happened {
        Happened::Open => "open",
        Happened::Update => "update",
        Happened::Revise => "revise",
        Happened::Withdraw => "withdraw",
        Happened::Close => "close",
    }
}
