//! What the agent measures: the contract of a source, and the one list of all sources.
//!
//! A source reads one thing and says what it read; [`crate::schedule`] owns when it runs, how long it
//! may take, and the series about its success and duration. A new source is one file, one line in
//! [`all`] and its entries in [`proto::metrics`].
//!
//! A source may not run programs, need root where it can do without, or branch on vendors. A failed
//! probe is a reading, not an error: [`Unmeasurable`] is for "could not measure".

pub mod device;
pub mod host;
pub mod probe;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use proto::ids::DeviceId;
use proto::metrics::{Metric, Part};
use proto::plan::{Plan, Segment};
use proto::stream::Series;
use tokio::sync::{Notify, Semaphore, watch};

use self::probe::Asked;
use crate::identity::Identity;
use crate::tls::Address;

/// A thing that measures.
pub trait Source: Send {
    /// A word for the `source` label, unique in [`all`].
    fn name(&self) -> &'static str;

    /// How often to run it under this plan.
    fn interval(&self, plan: &Plan) -> Duration;

    /// How long one run may take before it is given up.
    fn timeout(&self, plan: &Plan) -> Duration {
        self.interval(plan).min(Duration::from_secs(10))
    }

    /// When, within its interval.
    fn phase(&self) -> Phase {
        Phase::Own
    }

    /// Notified when the next run is not to wait for its time.
    fn soon(&self) -> Option<Arc<Notify>> {
        None
    }

    /// Measures once. What was read before an error still counts.
    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a>;
}

/// When within its interval a source runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// At a moment of its own, so that it does not measure others.
    Own,
    /// With the others of this kind, which measure nothing that they could disturb.
    Shared,
}

/// The future of one run.
pub type Sampling<'a> = Pin<Box<dyn Future<Output = Result<(), Unmeasurable>> + Send + 'a>>;

/// Why a source could not measure, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct Unmeasurable {
    /// What is in the way: "the kernel offers no unprivileged ICMP".
    pub what: String,
    /// What to do: "set net.ipv4.ping_group_range".
    pub remedy: String,
}

/// Collects what one run of a source reads.
#[derive(Debug, Default)]
pub struct Readings {
    /// In the order of reading.
    pub taken: Vec<Reading>,
    /// What this machine cannot measure although the source as a whole works, for `status`: "no
    /// ICMP: round-trip times are those of TCP connections".
    pub limitations: Vec<Unmeasurable>,
    /// What is read next is about this device of the centre; `None` for this machine.
    pub device: Option<DeviceId>,
    known: Known,
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub series: Arc<Series>,
    /// In the metric's base unit.
    pub value: f64,
}

/// The series of the run before, so that naming them again costs no memory and little time.
#[derive(Debug, Default)]
struct Known {
    series: Vec<Arc<Series>>,
    /// What is likely to be read next: mostly a source reads the same in the same order.
    next: usize,
}

impl Readings {
    /// Empty, for the next run of the same source.
    #[must_use]
    pub fn again(taken: &[Reading]) -> Self {
        let series = taken.iter().map(|one| Arc::clone(&one.series)).collect();
        Self {
            known: Known { series, next: 0 },
            ..Self::default()
        }
    }

    /// Adds a value. `labels` are those of the catalogue's entry, in its order; one without value is
    /// the empty string.
    pub fn push(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        self.push_part(metric, Part::Value, labels, value);
    }

    /// Adds a part of a histogram. A bucket's last label is its `le`.
    pub fn push_part(&mut self, metric: &'static Metric, part: Part, labels: &[&str], value: f64) {
        let names = metric
            .labels
            .iter()
            .copied()
            .chain((part == Part::Bucket).then_some("le"));
        debug_assert_eq!(names.clone().count(), labels.len(), "{}", metric.name);
        let labels = names
            .zip(labels.iter().copied())
            .filter(|(_, value)| !value.is_empty());
        let device = self.device.as_ref();
        let series = self
            .known
            .find(device, metric, part, labels.clone())
            .unwrap_or_else(|| {
                let labels = labels.map(|(name, value)| (name, value.to_owned()));
                Arc::new(Series {
                    device: device.cloned(),
                    metric,
                    part,
                    labels: labels.collect(),
                })
            });
        self.taken.push(Reading { series, value });
    }
}

impl Known {
    fn find<'l>(
        &mut self,
        device: Option<&DeviceId>,
        metric: &'static Metric,
        part: Part,
        labels: impl Iterator<Item = (&'static str, &'l str)> + Clone,
    ) -> Option<Arc<Series>> {
        let is_it = |series: &Arc<Series>| {
            std::ptr::eq(series.metric, metric)
                && series.device.as_ref() == device
                && series.part == part
                && are_equal(&series.labels, labels.clone())
        };
        let (before, after) = self.series.split_at_checked(self.next)?;
        let place = match after.iter().position(is_it) {
            Some(further) => self.next + further,
            None => before.iter().position(is_it)?,
        };
        self.next = place + 1;
        self.series.get(place).cloned()
    }
}

fn are_equal<'l>(
    known: &[(&'static str, String)],
    labels: impl Iterator<Item = (&'static str, &'l str)>,
) -> bool {
    let mut known = known.iter();
    for (name, value) in labels {
        if known
            .next()
            .is_none_or(|known| known.0 != name || known.1 != value)
        {
            return false;
        }
    }
    known.next().is_none()
}

/// What sources may need to know.
#[derive(Debug, Clone)]
pub struct Context {
    /// The plan in force.
    pub plan: watch::Receiver<Plan>,
    /// Host name or address and port of the collector: a link to probe.
    pub collector: Option<(String, u16)>,
    /// By name, the interface through which this machine reaches a network, where its own settings say
    /// so; they win over the plan.
    pub networks: Arc<BTreeMap<String, String>>,
    /// The nearest routers beyond the gateway: told by `path`, probed by `icmp`.
    pub hops: watch::Sender<Vec<Hop>>,
    /// How far the collector's clock is ahead of the monotonic one here, milliseconds; told by the uplink
    /// once it knows. A witness of whether the wall clock is right.
    pub collector_lead_ms: watch::Sender<Option<i64>>,
    /// One permit: what loads a line (transfers, bursts, large packets) does so one at a time, lest they
    /// measure each other.
    pub heavy: Arc<Semaphore>,
    /// Bursts of echoes that the collector asks for.
    pub bursts: Asked,
    /// For transfers to the collector. `None` where the line is paid for by the byte.
    pub access: Option<Access>,
}

/// A router on the way, which has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The router itself.
    pub address: IpAddr,
    /// How many hops away, the gateway being 1.
    pub ttl: u8,
    /// A target behind it: a packet to there with this TTL is answered by this router, also where it
    /// answers no echo of its own.
    pub towards: IpAddr,
    /// [`Segment::Line`] for the first beyond the gateway, [`Segment::Isp`] for the next.
    pub segment: Segment,
}

/// What a connection of one's own to the collector needs.
#[derive(Debug, Clone)]
pub struct Access {
    /// The data folder.
    pub folder: PathBuf,
    /// Where the collector is.
    pub collector: Address,
    /// Who this machine is.
    pub identity: watch::Receiver<Identity>,
}

impl Context {
    /// Of an agent with this collector, none of whose hops are known yet.
    #[must_use]
    pub fn new(
        plan: watch::Receiver<Plan>,
        collector: Option<(String, u16)>,
        networks: BTreeMap<String, String>,
    ) -> Self {
        Self {
            plan,
            collector,
            networks: Arc::new(networks),
            hops: watch::Sender::default(),
            collector_lead_ms: watch::Sender::default(),
            heavy: Arc::new(Semaphore::new(1)),
            bursts: Asked::default(),
            access: None,
        }
    }

    /// The interface to bind to for a network of the plan; `None` where the system chooses.
    #[must_use]
    pub fn interface(&self, network: Option<&str>) -> Option<String> {
        let network = network?;
        let own = self.networks.get(network).cloned();
        own.or_else(|| {
            let plan = self.plan.borrow();
            let planned = plan.networks.iter().find(|planned| planned.name == network);
            planned.map(|planned| planned.interface.clone())
        })
    }
}

/// Every source there is.
#[must_use]
pub fn all(context: &Context) -> Vec<Box<dyn Source>> {
    let mut sources = host::all();
    sources.extend(probe::all(context));
    sources
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use proto::metrics;

    use super::*;

    fn read(mut readings: Readings, interfaces: &[&str]) -> Vec<Reading> {
        for interface in interfaces {
            readings.push(&metrics::DEVICE_INTERFACE_UP, &[interface], 1.0);
        }
        readings.taken
    }

    #[test]
    fn a_series_of_the_run_before_is_named_once() {
        let first = read(Readings::default(), &["a", "b", "c"]);
        let second = read(Readings::again(&first), &["c", "new", "a", "b"]);
        for (one, same) in [(0, 2), (1, 3), (2, 0)] {
            assert!(Arc::ptr_eq(&first[one].series, &second[same].series));
        }
        let third = read(Readings::again(&second), &["new"]);
        assert!(Arc::ptr_eq(&second[1].series, &third[0].series));
    }

    #[test]
    fn a_series_is_its_metric_part_and_labels() {
        let mut readings = Readings::default();
        readings.push_part(&metrics::LINK_RTT, Part::Sum, &["lan", "x"], 1.0);
        let mut again = Readings::again(&readings.taken);
        again.push_part(&metrics::LINK_RTT, Part::Count, &["lan", "x"], 1.0);
        again.push_part(&metrics::LINK_RTT, Part::Sum, &["lan", "y"], 1.0);
        again.push(&metrics::LINK_SENT, &["lan", "x"], 1.0);
        again.device = "printer".parse().ok();
        again.push_part(&metrics::LINK_RTT, Part::Sum, &["lan", "x"], 1.0);
        again.device = None;
        again.push_part(&metrics::LINK_RTT, Part::Sum, &["", "x"], 1.0);
        for reading in &again.taken {
            assert_ne!(reading.series, readings.taken[0].series);
        }
    }
}
