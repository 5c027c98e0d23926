//! What each agent is asked to measure: the plan of the settings, and of its own centre a few machines to
//! probe, so that a fault of the cables in the house is told from one of the line.
//!
//! A plan's version is made of its content alone: a restart of the collector, which forgets who is where,
//! sends nothing anew. Its upper half names the settings, its lower half the machines. When the settings
//! differ from what an agent holds, it is told at once; of machines that come and go it is told when
//! things have settled, because a new plan makes every source of an agent measure. Deliberately absent:
//! memory of who was where beyond this process, and any knowledge of a centre's cables: machines are taken
//! for neighbours when their addresses are.

mod neighbours;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto::ids::{CentreId, DeviceId};
use proto::limits::{ADDRESSES_PER_HELLO, TARGETS_PER_PLAN};
use proto::plan::{Plan, Segment, Target};
use ring::digest::{SHA256, digest};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::neighbours::{Member, Neighbours};
use crate::registry::Agent;

/// How long after a change agents are told of it: others of the centre may start at the same time.
const SETTLE: Duration = Duration::from_secs(15);

/// How long a collector that has just started waits for all agents to come back.
const GATHER: Duration = Duration::from_mins(2);

/// A machine that was not heard for longer is not probed by others any more. One that is off at night is.
const GONE: Duration = Duration::from_hours(24);

/// How often to look for such.
const TIDY: Duration = Duration::from_mins(10);

/// The plans of all agents.
#[derive(Debug)]
pub struct Plans {
    settings: Plan,
    started: Instant,
    centres: Mutex<HashMap<CentreId, Arc<Centre>>>,
}

/// Who is in one centre.
#[derive(Debug, Default)]
struct Centre {
    neighbours: Mutex<Neighbours>,
    changes: watch::Sender<()>,
}

/// The plan of one connected agent. Dropped, the agent is away.
#[derive(Debug)]
pub struct Planned {
    plans: Arc<Plans>,
    centre: Arc<Centre>,
    device: DeviceId,
    /// Of the agent's streams, which one.
    number: u64,
    changes: watch::Receiver<()>,
    /// The version that the agent has.
    held: u64,
    /// When to look whether it should have another.
    due: Option<Instant>,
}

impl Plans {
    /// Of a collector that starts now, with the plan of its settings.
    #[must_use]
    pub fn new(settings: Plan) -> Arc<Self> {
        Arc::new(Self {
            settings: Plan {
                version: version_of(&settings),
                ..settings
            },
            started: Instant::now(),
            centres: Mutex::default(),
        })
    }

    /// An agent connects: it told its addresses, and holds a plan of this version.
    #[must_use]
    pub fn connected(self: &Arc<Self>, agent: &Agent, addresses: &[String], held: u64) -> Planned {
        let member = Member::new(agent.kind == "pc", addresses_of(addresses));
        let (centre, number, is_new) = {
            // As long as it is empty, it may be forgotten.
            let mut centres = self.lock();
            let centre = centres.entry(agent.centre.clone()).or_default();
            let (number, is_new) = centre.lock().join(agent.device.clone(), member);
            (Arc::clone(centre), number, is_new)
        };
        if is_new {
            centre.changes.send_replace(());
        }
        let changes = centre.changes.subscribe();
        let mut planned = Planned {
            plans: Arc::clone(self),
            centre,
            device: agent.device.clone(),
            number,
            changes,
            held,
            due: None,
        };
        let wanted = planned.plan().version;
        planned.due = if names_same_settings(held, wanted) {
            (held != wanted).then(|| self.settled())
        } else {
            Some(Instant::now())
        };
        planned
    }

    /// Forgets, for ever, who did not come back.
    pub async fn tidy(&self) {
        loop {
            tokio::time::sleep(TIDY).await;
            self.forget_gone();
        }
    }

    fn forget_gone(&self) {
        self.lock().retain(|_, centre| {
            let mut neighbours = centre.lock();
            if neighbours.forget_gone() {
                centre.changes.send_replace(());
            }
            !neighbours.is_empty()
        });
    }

    /// When a change that comes now is one to act upon.
    fn settled(&self) -> Instant {
        (Instant::now() + SETTLE).max(self.started + GATHER)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CentreId, Arc<Centre>>> {
        self.centres.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Centre {
    fn lock(&self) -> MutexGuard<'_, Neighbours> {
        self.neighbours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planned {
    /// The next plan that the agent should have and has not, for as long as it takes. What was waited for
    /// is not lost when this is dropped.
    pub async fn next(&mut self) -> Plan {
        loop {
            let Some(due) = self.due else {
                if self.changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.due = Some(self.plans.settled());
                continue;
            };
            sleep_until(due).await;
            self.due = None;
            self.changes.mark_unchanged();
            let plan = self.plan();
            if plan.version != self.held {
                self.held = plan.version;
                return plan;
            }
        }
    }

    fn plan(&self) -> Plan {
        let settings = &self.plans.settings;
        let is_free = |device: &DeviceId| {
            let mut targets = settings.targets.iter();
            targets.all(|target| target.name != device.as_str())
        };
        let peers = self.centre.lock().of(&self.device, is_free);
        let mut targets: Vec<Target> = peers
            .into_iter()
            .map(|(device, address)| Target {
                name: device.to_string(),
                address: address.to_string(),
                segment: Segment::Lan,
                network: None,
            })
            .collect();
        targets.truncate(TARGETS_PER_PLAN.saturating_sub(settings.targets.len()));
        let version = settings.version | half(&targets);
        targets.extend(settings.targets.iter().cloned());
        Plan {
            version,
            targets,
            ..settings.clone()
        }
    }
}

impl Drop for Planned {
    fn drop(&mut self) {
        self.centre.lock().leave(&self.device, self.number);
    }
}

fn addresses_of(told: &[String]) -> Vec<IpAddr> {
    let told = told.iter().take(ADDRESSES_PER_HELLO);
    let addresses = told.filter_map(|address| address.parse::<IpAddr>().ok());
    addresses.map(|address| address.to_canonical()).collect()
}

/// Never 0, which means "the plan that is compiled in". The lower half is left for the machines.
fn version_of(settings: &Plan) -> u64 {
    let settings = Plan {
        version: 0,
        ..settings.clone()
    };
    hash(&settings).max(1) << 32
}

/// 0 for no machines.
fn half(machines: &[Target]) -> u64 {
    if machines.is_empty() {
        0
    } else {
        hash(&machines)
    }
}

fn names_same_settings(one: u64, other: u64) -> bool {
    one >> 32 == other >> 32
}

/// 32 bits. Of debug text instead of JSON: it cannot fail, and only has to differ when the content does.
fn hash(content: &impl std::fmt::Debug) -> u64 {
    let hash = digest(&SHA256, format!("{content:?}").as_bytes());
    let hash = hash.as_ref().first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(hash).into()
}

#[cfg(test)]
mod tests;
