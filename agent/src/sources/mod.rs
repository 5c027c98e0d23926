//! What the agent measures: the contract of a source, and the one list of all sources.
//!
//! A source reads one thing and says what it read; [`crate::schedule`] owns when it runs, how long it
//! may take, and the series about its success and duration. A new source is one file, one line in
//! [`all`] and its entries in [`proto::metrics`].
//!
//! A source may not run programs, need root where it can do without, or branch on vendors. A failed
//! probe is a reading, not an error: [`Unmeasurable`] is for "could not measure".

pub mod host;
pub mod probe;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use proto::metrics::{Metric, Part};
use proto::plan::Plan;
use proto::stream::Series;
use tokio::sync::watch;

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

    /// Measures once. What was read before an error still counts.
    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a>;
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
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub series: Series,
    /// In the metric's base unit.
    pub value: f64,
}

impl Readings {
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
            .zip(labels)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, (*value).to_owned()))
            .collect();
        self.taken.push(Reading {
            series: Series {
                metric,
                part,
                labels,
            },
            value,
        });
    }
}

/// What sources may need to know.
#[derive(Debug, Clone)]
pub struct Context {
    /// The plan in force.
    pub plan: watch::Receiver<Plan>,
    /// Host name or address and port of the collector: a link to probe.
    pub collector: Option<(String, u16)>,
}

/// Every source there is.
#[must_use]
pub fn all(context: &Context) -> Vec<Box<dyn Source>> {
    let mut sources = host::all();
    sources.extend(probe::all(context));
    sources
}
