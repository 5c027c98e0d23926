//! Keeps what was said in the registry, in order and off the thread of the diagnosis.

use diagnosis::event::Event;
use jiff::Timestamp;
use prometheus::IntCounter;
use tokio::sync::mpsc;
use tracing::warn;

use crate::registry::Registry;

/// Times that something was said which may wait for the registry.
const WAITING: usize = 1_024;

/// Where events are handed over.
#[derive(Debug, Clone)]
pub(super) struct Chronicle {
    events: mpsc::Sender<Vec<Event>>,
    unkept: IntCounter,
}

/// Writes them.
#[derive(Debug)]
pub(super) struct Writing {
    events: mpsc::Receiver<Vec<Event>>,
    registry: Registry,
    unkept: IntCounter,
}

/// A way into this registry.
#[must_use]
pub(super) fn chronicle(registry: Registry, unkept: IntCounter) -> (Chronicle, Writing) {
    let (sender, events) = mpsc::channel(WAITING);
    let chronicle = Chronicle {
        events: sender,
        unkept: unkept.clone(),
    };
    let writing = Writing {
        events,
        registry,
        unkept,
    };
    (chronicle, writing)
}

impl Chronicle {
    pub(super) fn keep(&self, events: Vec<Event>) {
        let count = events.len() as u64;
        if self.events.try_send(events).is_err() {
            self.unkept.inc_by(count);
        }
    }
}

impl Writing {
    /// Writes until nobody can hand over anything any more.
    pub(super) async fn run(mut self) {
        let mut came = Vec::new();
        let mut failing = false;
        while self.events.recv_many(&mut came, WAITING).await > 0 {
            let events: Vec<Event> = came.drain(..).flatten().collect();
            let count = events.len() as u64;
            let kept = self
                .registry
                .incidents_changed(events, Timestamp::now())
                .await;
            if let Err(error) = &kept {
                self.unkept.inc_by(count);
                if !failing {
                    warn!(%error, "What the diagnosis said cannot be kept.");
                }
            }
            failing = kept.is_err();
        }
    }
}
