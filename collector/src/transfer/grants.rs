//! Who may transfer now: one agent of a centre at a time, one in each interval, few in all.
//!
//! A centre's turn is used up when the bytes went both ways. Until then the next one comes soon, so that a
//! line is measured when it works again; each turn that comes to nothing doubles the wait, up to the
//! interval.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto::ids::{AgentId, CentreId};
use proto::plan::Throughput;
use proto::throughput::LOOKS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tonic::Status;

use crate::registry::Agent;

/// Transfers at once, of all centres.
const AT_ONCE: usize = 8;

/// How long after its download began an agent may begin its upload.
const UPLOAD_WITHIN: Duration = Duration::from_mins(1);

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All bytes went.
    Finished,
    /// Too slow for its time, or the agent had enough.
    CutShort,
    /// The plan asks for none.
    NotPlanned,
    /// Another of the centre measures, or has measured in this interval.
    NotYet,
    /// Too many others transfer.
    Busy,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Finished,
        Self::CutShort,
        Self::NotPlanned,
        Self::NotYet,
        Self::Busy,
    ];

    /// The `outcome` label.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::CutShort => "cut_short",
            Self::NotPlanned => "not_planned",
            Self::NotYet => "not_yet",
            Self::Busy => "busy",
        }
    }

    /// What a refused agent is told.
    pub(super) fn status(self) -> Status {
        match self {
            Self::NotPlanned => Status::failed_precondition("the plan asks for no transfer"),
            // No word of whose turn it is: it is tried again soon.
            Self::Busy => Status::unavailable("too many others transfer: try again later"),
            _ => Status::resource_exhausted(
                "this centre measures now, or has measured: try again in the next interval",
            ),
        }
    }
}

/// The newest grant of each centre.
#[derive(Debug)]
pub(super) struct Grants {
    centres: Mutex<HashMap<CentreId, Grant>>,
    places: Arc<Semaphore>,
}

#[derive(Debug)]
struct Grant {
    agent: AgentId,
    at: Instant,
    /// How long after that the centre has another turn.
    rest: Duration,
    has_uploaded: bool,
    /// Whether bytes went both ways.
    is_used: bool,
    /// Held by what runs.
    running: Arc<()>,
}

/// A transfer under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    _of_centre: Arc<()>,
    _place: OwnedSemaphorePermit,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            centres: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Grants {
    /// Lets an agent download, and upload after that.
    pub(super) fn download(&self, agent: &Agent, planned: Throughput) -> Result<Running, Outcome> {
        let mut centres = self.lock();
        let before = centres.get(&agent.centre);
        if before.is_some_and(|grant| grant.is_running() || grant.at.elapsed() < grant.rest) {
            return Err(Outcome::NotYet);
        }
        let look = rest(planned.interval / LOOKS);
        let in_vain = before.filter(|grant| !grant.is_used);
        let rest = in_vain.map_or(look, |grant| grant.rest * 2);
        let place = self.place()?;
        let running = Arc::new(());
        let grant = Grant {
            agent: agent.id.clone(),
            at: Instant::now(),
            rest: rest.min(self::rest(planned.interval)),
            has_uploaded: false,
            is_used: false,
            running: Arc::clone(&running),
        };
        centres.insert(agent.centre.clone(), grant);
        Ok(Running {
            _of_centre: running,
            _place: place,
        })
    }

    /// Lets the agent upload that has downloaded.
    pub(super) fn upload(&self, agent: &Agent) -> Result<Running, Outcome> {
        let mut centres = self.lock();
        let grant = centres.get_mut(&agent.centre);
        let grant = grant
            .filter(|grant| grant.agent == agent.id)
            .ok_or(Outcome::NotYet)?;
        if grant.has_uploaded || grant.at.elapsed() > UPLOAD_WITHIN {
            return Err(Outcome::NotYet);
        }
        let place = self.place()?;
        grant.has_uploaded = true;
        Ok(Running {
            _of_centre: Arc::clone(&grant.running),
            _place: place,
        })
    }

    /// Notes that an agent's bytes went both ways.
    pub(super) fn used(&self, agent: &Agent, planned: Throughput) {
        if let Some(grant) = self.lock().get_mut(&agent.centre)
            && grant.agent == agent.id
        {
            grant.is_used = true;
            grant.rest = rest(planned.interval);
        }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Outcome> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Outcome::Busy)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CentreId, Grant>> {
        self.centres.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An agent's own rhythm is such an interval, give or take the time that its connection took.
fn rest(interval: Duration) -> Duration {
    interval * 9 / 10
}

impl Grant {
    fn is_running(&self) -> bool {
        Arc::strong_count(&self.running) > 1
    }
}
