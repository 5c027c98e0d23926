//! What comes more seldom than reports do: paths every few minutes, throughput every few hours. Such values
//! count for as long as they are the newest that can be; others vanish soon ([`super::Patience`]).

use std::time::Duration;

use proto::metrics::Metric;
use proto::plan::Plan;

/// Without a sample, before a series vanishes that comes seldom. Zero: it vanishes like any other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seldom {
    service: Duration,
    path: Duration,
    throughput: Duration,
}

impl Seldom {
    /// One in three may be missed. Of a centre's agents another may be the next to measure throughput.
    pub(super) fn under(plan: &Plan) -> Self {
        let throughput = plan.throughput.map(|throughput| throughput.interval * 2);
        Self {
            service: plan.service_interval * 3,
            path: plan.path_interval * 3,
            throughput: throughput.unwrap_or_default(),
        }
    }

    /// Of this metric.
    pub(super) fn of(self, metric: &'static Metric) -> Duration {
        let is = |prefix: &str| metric.name.starts_with(prefix);
        if is("dawnwatch_probe_") || is("dawnwatch_dns_") {
            self.service
        } else if is("dawnwatch_path_") {
            self.path
        } else if is("dawnwatch_throughput_") {
            self.throughput
        } else if is("dawnwatch_agent_source_") {
            self.service.max(self.path).max(self.throughput)
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::metrics as catalogue;
    use proto::plan::Throughput;

    use super::*;

    #[test]
    fn what_comes_seldom_counts_for_long() {
        let plan = Plan {
            service_interval: Duration::from_mins(1),
            path_interval: Duration::from_mins(10),
            throughput: Some(Throughput {
                interval: Duration::from_hours(6),
                bytes: 1_000_000,
            }),
            ..Plan::default()
        };
        let minutes = |metric| Seldom::under(&plan).of(metric).as_secs() / 60;
        assert_eq!(minutes(&catalogue::PROBE_OUTCOME), 3);
        assert_eq!(minutes(&catalogue::DNS_OUTCOME), 3);
        assert_eq!(minutes(&catalogue::PATH_MTU), 30);
        assert_eq!(minutes(&catalogue::THROUGHPUT), 720);
        assert_eq!(minutes(&catalogue::AGENT_SOURCE_SUCCESS), 720);
        assert_eq!(minutes(&catalogue::LINK_RTT_MEDIAN), 0);
        assert_eq!(minutes(&catalogue::DEVICE_CPU_USAGE), 0);
    }
}
