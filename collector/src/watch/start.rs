//! The watch put together: what others need of it, and the tasks that it is.

use std::sync::Arc;

use diagnosis::calendar::Centre;
use diagnosis::record::Record;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::chronicle::{Writing, chronicle};
use super::closer::Closer;
use super::evidence::Bounds;
use super::watcher::{Parts, Watcher};
use super::{Events, Feed, Metrics, centres, feed, follow};
use crate::calendar::Calendars;
use crate::readiness::{self, Beside, Mornings};
use crate::registry::{self, IncidentFilter, Registry, RegistryError};

/// Incidents that are known again after a restart, at most.
const KNOWN: u32 = 10_000;

/// How far back incidents that ended are known again: as far as the diagnosis may revise them.
const LATELY: std::time::Duration = std::time::Duration::from_hours(26);

/// What the watch is made of.
#[derive(Debug)]
pub struct Setup {
    /// Where incidents are kept.
    pub registry: Registry,
    /// The registry's centres, and when they change.
    pub centres: watch::Receiver<Arc<Vec<registry::Centre>>>,
    /// When they are open.
    pub calendars: Arc<Calendars>,
    /// Who came and who went.
    pub comings: broadcast::Receiver<Arc<Record>>,
    /// Where evidence is kept.
    pub evidence: Bounds,
    /// What readiness needs.
    pub readiness: readiness::Setup,
    /// What it costs.
    pub metrics: Metrics,
}

/// Everything ready, nothing running.
#[derive(Debug)]
pub struct Watch {
    /// Where evidence goes.
    pub feed: Feed,
    /// What is said.
    pub events: Events,
    /// The centres as the diagnosis knows them.
    pub centres: watch::Receiver<Arc<Vec<Centre>>>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Tasks {
    registry_centres: watch::Receiver<Arc<Vec<registry::Centre>>>,
    calendars: Arc<Calendars>,
    told: watch::Sender<Arc<Vec<Centre>>>,
    watcher: Watcher,
    writing: Writing,
    beside: Beside,
}

impl Watch {
    /// Reads what was known when the collector stopped.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn build(setup: Setup) -> Result<Self, RegistryError> {
        let now = Timestamp::now();
        let lately = IncidentFilter {
            from: now.checked_sub(LATELY).ok(),
            most: KNOWN,
            ..IncidentFilter::default()
        };
        let mut known = setup.registry.incidents(lately).await?;
        known.retain(|one| !one.withdrawn);
        let Setup {
            registry,
            centres: mut registry_centres,
            calendars,
            comings,
            evidence,
            readiness,
            metrics,
        } = setup;
        let now_known = centres(&registry_centres.borrow_and_update(), &calendars);
        let (told, centres) = watch::channel(Arc::new(now_known));
        let (feed, records) = feed(metrics.dropped.clone());
        let (chronicle, writing) = chronicle(registry, metrics.unkept.clone());
        let events = Events::default();
        let closer = Closer::new(
            Arc::clone(&readiness.plans),
            Arc::clone(&readiness.latest),
            readiness.metrics.bursts.clone(),
        );
        let (mornings, beside) = Mornings::new(events.readiness().clone(), readiness);
        let parts = Parts {
            records,
            comings,
            centres: centres.clone(),
            known,
            events: events.clone(),
            chronicle,
            evidence,
            closer,
            mornings,
            metrics,
        };
        let watcher = Watcher::new(parts, now.as_duration().as_secs_f64());
        Ok(Self {
            feed,
            events,
            centres,
            tasks: Tasks {
                registry_centres,
                calendars,
                told,
                watcher,
                writing,
                beside,
            },
        })
    }

    /// Watches until it is told to stop, and keeps what it said.
    pub fn run(self, stop: CancellationToken) -> impl Future<Output = ()> {
        let Tasks {
            registry_centres,
            calendars,
            told,
            watcher,
            writing,
            beside,
        } = self.tasks;
        async move {
            let following = follow(registry_centres, calendars, told);
            let following = stop.run_until_cancelled(following);
            // What writes ends when the watcher does, which hands it its work.
            let watching = watcher.run(stop.clone());
            tokio::join!(following, watching, writing.run(), beside.run(stop.clone()));
        }
    }
}
