//! What the diagnosis says, for whoever wants to know: every event as it comes, and what is open now.
//!
//! Made once and cloned; nobody who reads can hold up who tells. An event is in the picture before it is told,
//! so whoever subscribes first and looks then misses nothing, and may see one thing twice.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use diagnosis::event::{Event, Happened, Incident};
use tokio::sync::{broadcast, watch};

use crate::blind::Blind;
use crate::readiness::Board;

/// Events that a reader may be behind before it misses some, which it is told.
const BEHIND: usize = 4_096;

/// The incidents that are open, by id.
pub type Open = BTreeMap<String, Standing>;

/// Seconds without service, by centre and segment.
pub type Lost = BTreeMap<(String, String), f64>;

/// An incident that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// As it is known now.
    pub incident: Arc<Incident>,
    /// Whether people were to be told of it: alerts are about these alone.
    pub notified: bool,
    /// Whether something else was said of it before.
    pub revised: bool,
}

/// Where events are told, and read.
#[derive(Debug, Clone)]
pub struct Events {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    told: broadcast::Sender<Arc<Event>>,
    open: watch::Sender<Arc<Open>>,
    lost: RwLock<Arc<Lost>>,
    readiness: Board,
    blind: Blind,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                told: broadcast::Sender::new(BEHIND),
                open: watch::Sender::default(),
                lost: RwLock::default(),
                readiness: Board::default(),
                blind: Blind::default(),
            }),
        }
    }
}

impl Events {
    /// Every event from now on. Who is told to have lagged looks at [`Events::open`] again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.told.subscribe()
    }

    /// What is open, and when that changes.
    #[must_use]
    pub fn open(&self) -> watch::Receiver<Arc<Open>> {
        self.shared.open.subscribe()
    }

    /// What is open now.
    #[must_use]
    pub fn open_now(&self) -> Arc<Open> {
        Arc::clone(&self.shared.open.borrow())
    }

    /// How ready every centre is.
    #[must_use]
    pub fn readiness(&self) -> &Board {
        &self.shared.readiness
    }

    /// Times in which nothing was heard from a centre.
    #[must_use]
    pub fn blind(&self) -> &Blind {
        &self.shared.blind
    }

    /// Seconds without service since the collector was started.
    #[must_use]
    pub fn lost(&self) -> Arc<Lost> {
        let lost = self.shared.lost.read();
        Arc::clone(&lost.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_lost(&self, lost: Lost) {
        let kept = self.shared.lost.write();
        *kept.unwrap_or_else(PoisonError::into_inner) = Arc::new(lost);
    }

    /// Begins with what was open when the collector stopped.
    pub(super) fn restore(&self, open: Open) {
        self.shared.open.send_replace(Arc::new(open));
    }

    /// For tests of who reads: something happened, and people were told.
    #[cfg(test)]
    pub(crate) fn opens(&self, event: &Event) {
        self.tell(&[Said {
            event: Arc::new(event.clone()),
            notified: true,
            revised: false,
        }]);
    }

    /// Tells of what happened, in this order.
    pub(super) fn tell(&self, said: &[Said]) {
        if said.is_empty() {
            return;
        }
        self.shared.open.send_modify(|open| {
            let open = Arc::make_mut(open);
            for said in said {
                follow(open, said);
            }
        });
        for said in said {
            // Nobody listens: that is no mistake.
            let _ = self.shared.told.send(Arc::clone(&said.event));
        }
    }
}

/// An event, and what is known of its incident from before.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) event: Arc<Event>,
    /// Whether people were to be told of the incident, by this event or an earlier one.
    pub(super) notified: bool,
    /// Whether something else was said of it before.
    pub(super) revised: bool,
}

impl Said {
    /// Whether the incident is open after this.
    pub(super) fn is_open(&self) -> bool {
        let over = matches!(self.event.event, Happened::Close | Happened::Withdraw);
        !over && self.event.incident.until.is_none()
    }
}

/// What is open after an event.
fn follow(open: &mut Open, said: &Said) {
    let incident = &said.event.incident;
    if said.is_open() {
        let standing = Standing {
            incident: Arc::new(incident.clone()),
            notified: said.notified,
            revised: said.revised,
        };
        open.insert(incident.id.clone(), standing);
    } else {
        open.remove(&incident.id);
    }
}
