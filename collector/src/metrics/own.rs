//! The collector's own health. Every name and help comes from the catalogue, and every known label
//! value starts at 0, so that a rate has something to start from.

use jiff::Timestamp;
use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use proto::metrics::{self as catalogue, Metric};
use proto::stream::Reject;

use crate::{alerts, readiness, remote_write, transfer, watch};

/// Why a stream ended; the values of a label.
pub const STREAM_ENDS: [&str; 13] = [
    "goodbye",
    "closed",
    "broken",
    "malformed",
    "no_hello",
    "old_protocol",
    "silent",
    "not_reading",
    "not_kept",
    "replaced",
    "revoked",
    "moved",
    "shutdown",
];

/// Why a connection ended before any call; the values of a label.
const REFUSALS: [&str; 8] = [
    "system",
    "full",
    "timeout",
    "expired_certificate",
    "foreign_certificate",
    "refused_by_peer",
    "no_tls",
    "closed",
];

/// Why found devices were not noted; the values of a label.
pub const FOUND_REFUSALS: [&str; 5] = ["not_scout", "busy", "too_many", "no_address", "failed"];

/// From what a fast disk needs to what a failing one does.
const COMMIT_BUCKETS: [f64; 8] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0];

/// Counters and gauges of the collector itself.
#[derive(Debug)]
#[allow(missing_docs, reason = "the catalogue says what each of them is")]
pub struct Own {
    registry: Registry,
    pub streams: IntGauge,
    pub streams_ended: IntCounterVec,
    pub connections_refused: IntCounterVec,
    pub enrolments: IntCounterVec,
    pub transfers: IntCounterVec,
    pub batches: IntCounterVec,
    pub batches_paced: IntCounter,
    pub samples: IntCounter,
    pub samples_late: IntCounter,
    pub samples_corrected: IntCounter,
    pub samples_rejected: IntCounterVec,
    pub series_rejected: IntCounterVec,
    pub received_bytes: IntCounter,
    pub sent_bytes: IntCounter,
    pub series: IntGauge,
    pub render_duration: Gauge,
    pub found_refused: IntCounterVec,
    pub turns: IntCounterVec,
    pub registry_errors: IntCounter,
    pub commit_duration: Histogram,
    pub commit_failures: IntCounter,
    pub remote_write: remote_write::Metrics,
    pub diagnosis: watch::Metrics,
    pub alerts: alerts::Metrics,
    pub readiness: readiness::Metrics,
}

impl Own {
    /// Registers everything.
    ///
    /// # Errors
    /// When a name of the catalogue is no valid name; a test would have told.
    pub fn new(started: Timestamp) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |metric: &Metric| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::with_opts(options(metric))?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let counters = |metric: &Metric, values: &[&str]| {
            let counters = IntCounterVec::new(options(metric), metric.labels)?;
            for value in values {
                counters.get_metric_with_label_values(&[value])?;
            }
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauge = |metric: &Metric| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::with_opts(options(metric))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let rejects = Reject::ALL.map(Reject::code);
        let own = Self {
            streams: gauge(&catalogue::COLLECTOR_STREAMS)?,
            streams_ended: counters(&catalogue::COLLECTOR_STREAMS_ENDED, &STREAM_ENDS)?,
            connections_refused: counters(&catalogue::COLLECTOR_CONNECTIONS_REFUSED, &REFUSALS)?,
            enrolments: counters(
                &catalogue::COLLECTOR_ENROLMENTS,
                &crate::enroll::Outcome::CODES,
            )?,
            transfers: counters(
                &catalogue::COLLECTOR_TRANSFERS,
                &transfer::Outcome::ALL.map(transfer::Outcome::code),
            )?,
            batches: counters(
                &catalogue::COLLECTOR_BATCHES,
                &["accepted", "duplicate", "malformed", "uncommitted"],
            )?,
            batches_paced: counter(&catalogue::COLLECTOR_BATCHES_PACED)?,
            samples: counter(&catalogue::COLLECTOR_SAMPLES)?,
            samples_late: counter(&catalogue::COLLECTOR_SAMPLES_LATE)?,
            samples_corrected: counter(&catalogue::COLLECTOR_SAMPLES_CORRECTED)?,
            samples_rejected: counters(&catalogue::COLLECTOR_SAMPLES_REJECTED, &rejects)?,
            series_rejected: counters(&catalogue::COLLECTOR_SERIES_REJECTED, &rejects)?,
            received_bytes: counter(&catalogue::COLLECTOR_RECEIVED_BYTES)?,
            sent_bytes: counter(&catalogue::COLLECTOR_SENT_BYTES)?,
            series: gauge(&catalogue::COLLECTOR_SERIES)?,
            render_duration: Gauge::with_opts(options(&catalogue::COLLECTOR_RENDER_DURATION))?,
            found_refused: counters(&catalogue::COLLECTOR_FOUND_REFUSED, &FOUND_REFUSALS)?,
            turns: counters(&catalogue::COLLECTOR_TURNS, &["told", "refused"])?,
            registry_errors: counter(&catalogue::COLLECTOR_REGISTRY_ERRORS)?,
            commit_duration: Histogram::with_opts(HistogramOpts {
                common_opts: options(&catalogue::COLLECTOR_COMMIT_DURATION),
                buckets: COMMIT_BUCKETS.to_vec(),
            })?,
            commit_failures: counter(&catalogue::COLLECTOR_COMMIT_FAILURES)?,
            remote_write: remote_write::Metrics::new(&registry)?,
            diagnosis: watch::Metrics::new(&registry)?,
            alerts: alerts::Metrics::new(&registry)?,
            readiness: readiness::Metrics::new(&registry)?,
            registry: registry.clone(),
        };
        registry.register(Box::new(own.commit_duration.clone()))?;
        registry.register(Box::new(own.render_duration.clone()))?;
        let metric = &catalogue::COLLECTOR_BUILD_INFO;
        let build = IntGaugeVec::new(options(metric), metric.labels)?;
        registry.register(Box::new(build.clone()))?;
        build.with_label_values(&[proto::VERSION]).set(1);
        let start = gauge(&catalogue::COLLECTOR_START_TIME)?;
        start.set(started.as_second());
        Ok(own)
    }

    /// All of it in the text format.
    ///
    /// # Errors
    /// When a metric cannot be encoded, which none of them is known to do.
    pub fn render(&self, page: &mut Vec<u8>) -> Result<(), prometheus::Error> {
        TextEncoder::new().encode(&self.registry.gather(), page)
    }
}

fn options(metric: &Metric) -> Opts {
    Opts::new(metric.name, metric.help)
}

#[cfg(test)]
mod tests {
    use proto::metrics::{CATALOGUE, Origin};

    use super::*;

    #[test]
    fn everything_of_the_catalogue_is_there_from_the_start() {
        let own = Own::new(Timestamp::UNIX_EPOCH).expect("valid names");
        own.remote_write.of("store");
        let mut page = Vec::new();
        own.render(&mut page).expect("it renders");
        let page = String::from_utf8(page).expect("text");
        for metric in CATALOGUE
            .iter()
            .filter(|metric| metric.origin == Origin::Collector)
        {
            assert!(
                page.contains(&format!("\n{}", metric.name)),
                "{}",
                metric.name
            );
        }
    }
}
