//! Lets the registry know who was heard and who said goodbye, so that a restart of the collector
//! does not take the silent for new, nor those who left for silent.
//!
//! A goodbye is written within a second, because a collector may be killed; that somebody is still
//! there only now and then, because there are many of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::AgentId;
use tokio::sync::Notify;
use tracing::warn;

use crate::latest::{Latest, Presence};
use crate::metrics::own::Own;
use crate::registry::Registry;

/// How often to look without being asked.
const INTERVAL: Duration = Duration::from_secs(30);

/// How many goodbyes and greetings of one moment are written together.
const GATHER: Duration = Duration::from_millis(500);

/// How old the note about somebody who is there may become.
const REFRESH: Duration = Duration::from_mins(5);

/// Writes presence into the registry.
#[derive(Debug)]
pub struct Noter {
    registry: Registry,
    latest: Arc<Latest>,
    own: Arc<Own>,
    soon: Arc<Notify>,
    noted: HashMap<AgentId, (Timestamp, bool)>,
}

impl Noter {
    /// One that looks soon when it is notified.
    #[must_use]
    pub fn new(registry: Registry, latest: Arc<Latest>, own: Arc<Own>, soon: Arc<Notify>) -> Self {
        Self {
            registry,
            latest,
            own,
            soon,
            noted: HashMap::new(),
        }
    }

    /// Notes for ever.
    pub async fn run(&mut self) {
        loop {
            let _ = tokio::time::timeout(INTERVAL, self.soon.notified()).await;
            tokio::time::sleep(GATHER).await;
            self.note(REFRESH).await;
        }
    }

    /// Notes everything now, at the end.
    pub async fn finish(&mut self) {
        self.note(Duration::ZERO).await;
    }

    async fn note(&mut self, refresh: Duration) {
        let mut seen = Vec::new();
        self.latest.visit(None, |device| {
            let Some(at) = device.last_report.filter(|_| device.was_heard()) else {
                return;
            };
            let goodbye = device.presence() == Presence::Goodbye;
            let agent = &device.enrolled.agent;
            let known = self
                .noted
                .get(agent)
                .is_some_and(|(noted_at, noted_goodbye)| {
                    let age = at.duration_since(*noted_at);
                    *noted_goodbye == goodbye && (age.is_zero() || age.unsigned_abs() < refresh)
                });
            if !known {
                seen.push((agent.clone(), at, goodbye));
            }
        });
        match self.registry.last_seen(seen.clone()).await {
            Ok(()) => self.noted.extend(
                seen.into_iter()
                    .map(|(agent, at, goodbye)| (agent, (at, goodbye))),
            ),
            Err(error) => {
                self.own.registry_errors.inc();
                warn!(%error, "When agents were last heard could not be noted.");
            }
        }
    }
}
