//! How Alertmanager takes what it is sent, for `/metrics`. Every known label value starts at 0.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use proto::metrics::{self as catalogue, Metric};

use super::client::{Answer, Cause};

/// The metrics of the one Alertmanager.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) up: IntGauge,
    pub(super) firing: IntGauge,
    pub(super) untaken: IntGauge,
    pub(super) without_room: IntGauge,
    requests: IntCounterVec,
    pub(super) sent: IntCounter,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is no valid name or is taken; a test would have told.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let options = |metric: &Metric| Opts::new(metric.name, metric.help);
        let up = IntGauge::with_opts(options(&catalogue::COLLECTOR_ALERTMANAGER_UP))?;
        up.set(1);
        let alerts = IntGaugeVec::new(
            options(&catalogue::COLLECTOR_ALERTMANAGER_ALERTS),
            catalogue::COLLECTOR_ALERTMANAGER_ALERTS.labels,
        )?;
        let requests = IntCounterVec::new(
            options(&catalogue::COLLECTOR_ALERTMANAGER_REQUESTS),
            catalogue::COLLECTOR_ALERTMANAGER_REQUESTS.labels,
        )?;
        let sent = IntCounter::with_opts(options(&catalogue::COLLECTOR_ALERTMANAGER_SENT))?;
        for outcome in ["taken", "refused"] {
            requests.with_label_values(&[outcome]);
        }
        for cause in [Cause::Unreachable, Cause::Failing, Cause::Misconfigured] {
            requests.with_label_values(&[cause.code()]);
        }
        registry.register(Box::new(up.clone()))?;
        registry.register(Box::new(alerts.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(sent.clone()))?;
        let state = |state: &str| alerts.with_label_values(&[state]);
        Ok(Self {
            up,
            firing: state("firing"),
            untaken: state("untaken"),
            without_room: state("without_room"),
            requests,
            sent,
        })
    }

    pub(super) fn answered(&self, answer: &Answer) {
        let (outcome, up) = match answer {
            Answer::Taken => ("taken", 1),
            Answer::Refused(_) => ("refused", 0),
            Answer::Later(cause, _) => (cause.code(), 0),
        };
        self.requests.with_label_values(&[outcome]).inc();
        self.up.set(up);
    }
}
