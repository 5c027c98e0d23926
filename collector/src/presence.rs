//! Lets the registry know who was heard and who said goodbye, so that a restart of the collector
//! does not take the silent for new, nor those who left for silent.
//!
//! A goodbye is written within a second, because a collector may be killed; that somebody is still
//! there only now and then, because there are many of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::record::Goodbye;
use jiff::Timestamp;
use proto::ids::AgentId;
use tokio::sync::Notify;
use tracing::warn;

use crate::latest::Latest;
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
    noted: HashMap<AgentId, (Timestamp, Option<Goodbye>)>,
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
            let goodbye = device.why_silent();
            let Some(agent) = device.enrolled().map(|enrolled| &enrolled.agent) else {
                return;
            };
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::directory::Directory;
    use crate::latest::{DeviceKey, Patience, lock};
    use crate::registry::fixture;

    /// A registry with one agent, and its place in the live view.
    async fn one_agent(folder: &std::path::Path) -> (Noter, DeviceKey) {
        let (registry, agent) = fixture::with_one_agent(folder).await;
        let patience = Patience {
            reports: REFRESH,
            samples: REFRESH,
        };
        let latest = Arc::new(Latest::new(patience));
        let own = Arc::new(Own::new(Timestamp::now()).unwrap());
        Directory::read(registry.clone(), Arc::clone(&latest), Arc::clone(&own))
            .await
            .unwrap();
        let key = DeviceKey {
            centre: agent.centre,
            device: agent.device,
        };
        (Noter::new(registry, latest, own, Arc::default()), key)
    }

    #[tokio::test]
    async fn a_goodbye_is_noted_at_once_and_a_return_too() {
        let folder = tempfile::tempdir().unwrap();
        let (mut noter, key) = one_agent(folder.path()).await;
        let device = noter.latest.device(&key).unwrap();
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let goodbyes = [Goodbye::Shutdown, Goodbye::Sleep, Goodbye::Stop].map(Some);
        for goodbye in goodbyes
            .into_iter()
            .flat_map(|goodbye| [None, goodbye, None])
        {
            lock(&device).reported(at, 0.0, 0);
            if let Some(why) = goodbye {
                lock(&device).goodbye(why);
            }
            noter.note(REFRESH).await;
            let agents = noter.registry.agents().await.unwrap();
            let noted = agents.first().map(|agent| (agent.goodbye, agent.last_seen));
            assert_eq!(noted, Some((goodbye, Some(at))));
        }
    }

    #[tokio::test]
    async fn who_is_still_there_is_noted_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let (mut noter, key) = one_agent(folder.path()).await;
        let device = noter.latest.device(&key).unwrap();
        let first = Timestamp::from_second(1_800_000_000).unwrap();
        for (later, expected) in [(0, 0), (60, 0), (299, 0), (300, 300), (301, 300)] {
            let at = first + Duration::from_secs(later);
            lock(&device).reported(at, 0.0, 0);
            noter.note(REFRESH).await;
            let agents = noter.registry.agents().await.unwrap();
            let noted = agents.first().and_then(|agent| agent.last_seen);
            assert_eq!(
                noted,
                Some(first + Duration::from_secs(expected)),
                "after {later} s"
            );
        }
    }
}
