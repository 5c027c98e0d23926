//! How verdicts fared, and what was asked of agents to have better ones.

use diagnosis::readiness::Step;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use proto::metrics::{self as catalogue, Metric};

/// How a verdict fared; the values of a label.
pub(super) const SCORES: [&str; 5] = ["right", "too_dark", "too_bright", "unanswered", "unseen"];

const WAKES: [&str; 4] = ["asked", "unknown", "nobody", "time"];
const BURSTS: [&str; 4] = ["asked", "away", "too_often", "no_link"];

/// Counters of readiness. Clones are the same ones.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the catalogue says what each of them is")]
pub struct Metrics {
    pub verdicts: IntCounterVec,
    pub unkept: IntCounter,
    pub wakes: IntCounterVec,
    pub bursts: IntCounterVec,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// When a name of the catalogue is no valid name; a test would have told.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let options = |metric: &Metric| Opts::new(metric.name, metric.help);
        let counters = |metric: &Metric| {
            let counters = IntCounterVec::new(options(metric), metric.labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let unkept = IntCounter::with_opts(options(&catalogue::COLLECTOR_READINESS_UNKEPT))?;
        registry.register(Box::new(unkept.clone()))?;
        let metrics = Self {
            verdicts: counters(&catalogue::COLLECTOR_READINESS_VERDICTS)?,
            unkept,
            wakes: counters(&catalogue::COLLECTOR_WITNESS_WAKES)?,
            bursts: counters(&catalogue::COLLECTOR_BURSTS)?,
        };
        for check in Step::CHECKS.into_iter().filter_map(Step::check) {
            for score in SCORES {
                metrics
                    .verdicts
                    .get_metric_with_label_values(&[check, score])?;
            }
        }
        for outcome in WAKES {
            metrics.wakes.get_metric_with_label_values(&[outcome])?;
        }
        for outcome in BURSTS {
            metrics.bursts.get_metric_with_label_values(&[outcome])?;
        }
        Ok(metrics)
    }
}
