//! What each agent is asked to measure: the plan of the settings, of its own centre a few machines to
//! probe, so that a fault of the cables in the house is told from one of the line, and where it is the scout
//! ([`crate::scouts`]) what it is to ask and look for.
//!
//! A plan's version is made of its content alone (`version`): a restart of the collector, which forgets who
//! is where, sends nothing anew. When the settings or a scout's duties differ from what an agent holds, it is
//! told at once; of machines that come and go it is told when things have settled, because a new plan makes
//! every source of an agent measure. Deliberately absent: memory of who was where beyond this process, and
//! any knowledge of a centre's cables: machines are taken for neighbours when their addresses are.

mod bursts;
mod neighbours;
mod version;
mod wakes;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use proto::limits::{ADDRESSES_PER_HELLO, TARGETS_PER_PLAN};
use proto::plan::{Plan, Segment, Target};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub use self::bursts::{Bursts, NotAsked};
pub(crate) use self::neighbours::is_same_network;
pub use self::neighbours::{Departure, Machine};
use self::neighbours::{Member, Neighbours};
pub use self::wakes::NotWoken;
use self::wakes::Wakes;
use crate::registry::Agent;
use crate::reverse::Reverse;
use crate::scouts::{Duties, Scouts};

/// How long after a change agents are told of it: others of the centre may start at the same time.
const SETTLE: Duration = Duration::from_secs(15);

/// How long a collector that has just started waits for all agents to come back.
pub(crate) const GATHER: Duration = Duration::from_mins(2);

/// How long an agent that connects waits for its plan where it may become the scout just now: agents follow
/// the second of two plans only a while after the first.
const CHOOSING: Duration = Duration::from_millis(250);

/// A machine that was not heard for longer is not probed by others any more. One that is off at night is.
const GONE: Duration = Duration::from_hours(24);

/// How often to look for such.
const TIDY: Duration = Duration::from_mins(10);

/// The plans of all agents.
#[derive(Debug)]
pub struct Plans {
    settings: Plan,
    /// The plan of the centre that looks at the lines of others from outside.
    outside: Option<(Reverse, Plan)>,
    scouts: Arc<Scouts>,
    bursts: Bursts,
    wakes: Wakes,
    started: Instant,
    centres: Mutex<HashMap<CentreId, Arc<Centre>>>,
}

/// Who is in one centre.
#[derive(Debug, Default)]
struct Centre {
    neighbours: Mutex<Neighbours>,
    changes: watch::Sender<()>,
    /// Another scout, or others to ask.
    duties: watch::Sender<()>,
}

/// What an agent that connects says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Its addresses in its own network.
    pub addresses: &'a [String],
    /// Whether it can ask other devices, and may.
    pub can_scout: bool,
    /// The version of the plan that it holds.
    pub held: u64,
}

/// The plan of one connected agent. Dropped, the agent is away.
#[derive(Debug)]
pub struct Planned {
    plans: Arc<Plans>,
    centre: Arc<Centre>,
    place: CentreId,
    agent: AgentId,
    device: DeviceId,
    /// Of the agent's streams, which one.
    number: u64,
    changes: watch::Receiver<()>,
    duties: watch::Receiver<()>,
    /// When the agent said anything.
    heard: Instant,
    /// The version that the agent has.
    held: u64,
    /// When to look whether it should have another.
    due: Option<Instant>,
}

impl Plans {
    /// Of a collector that starts now, with the plan of its settings.
    #[must_use]
    pub fn new(settings: Plan, scouts: Arc<Scouts>) -> Arc<Self> {
        Self::looking_at(None, settings, scouts)
    }

    /// The same, where one centre looks at the lines of others.
    #[must_use]
    pub fn looking_at(lines: Option<Reverse>, settings: Plan, scouts: Arc<Scouts>) -> Arc<Self> {
        let outside = lines.map(|lines| {
            let mut plan = settings.clone();
            plan.targets.extend(lines.targets());
            (lines, of_a_version(plan))
        });
        Arc::new(Self {
            settings: of_a_version(settings),
            outside,
            scouts,
            bursts: Bursts::default(),
            wakes: Wakes::default(),
            started: Instant::now(),
            centres: Mutex::default(),
        })
    }

    /// An agent connects.
    #[must_use]
    pub fn connected(self: &Arc<Self>, agent: &Agent, newcomer: Newcomer<'_>) -> Planned {
        let addresses = addresses_of(newcomer.addresses);
        let member = Member::new(agent, newcomer.can_scout, addresses);
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
        let may_be_chosen = self.scouts.stir(&agent.centre) && newcomer.can_scout;
        let (changes, duties) = (centre.changes.subscribe(), centre.duties.subscribe());
        let held = newcomer.held;
        let mut planned = Planned {
            plans: Arc::clone(self),
            centre,
            place: agent.centre.clone(),
            agent: agent.id.clone(),
            device: agent.device.clone(),
            number,
            changes,
            duties,
            heard: Instant::now(),
            held,
            due: None,
        };
        let wanted = planned.plan().version;
        planned.due = if version::are_alike_but_for_machines(held, wanted) {
            (held != wanted).then(|| self.settled())
        } else if may_be_chosen {
            Some(Instant::now() + CHOOSING)
        } else {
            Some(Instant::now())
        };
        planned
    }

    /// The lines that one centre looks at from outside.
    #[must_use]
    pub fn reverse(&self) -> Option<&Reverse> {
        self.outside.as_ref().map(|(lines, _)| lines)
    }

    /// The way to have an agent look closer at a link.
    #[must_use]
    pub fn bursts(&self) -> &Bursts {
        &self.bursts
    }

    /// Has a machine woken at a time, by another one of its centre; instead of any other that was to be.
    ///
    /// # Errors
    /// When it is not known how, nobody is there to do it, or the time is none to wake a machine at.
    pub fn wake(
        &self,
        centre: &CentreId,
        device: &DeviceId,
        at: Timestamp,
    ) -> Result<(), NotWoken> {
        let there = self.lock().get(centre).cloned();
        let somebody = there.filter(|there| there.lock().waker(device, |_| false).is_some());
        let there = somebody.ok_or(NotWoken::Nobody)?;
        self.wakes.wish(centre, device, at, Timestamp::now())?;
        there.duties.send_replace(());
        Ok(())
    }

    /// A machine is there, and says by which addresses it is woken.
    pub(crate) fn is_there(&self, agent: &Agent, macs: &[String]) {
        let now = Timestamp::now();
        if self.wakes.came(&agent.centre, &agent.device, macs, now) {
            self.duties_changed(&agent.centre);
        }
    }

    /// The machines of a centre that were there within a day.
    #[must_use]
    pub fn machines(&self, centre: &CentreId) -> Vec<Machine> {
        let centre = self.lock().get(centre).cloned();
        centre.map_or_else(Vec::new, |centre| centre.lock().machines())
    }

    /// Whether an address is that of such a machine.
    #[must_use]
    pub fn is_machine(&self, centre: &CentreId, address: IpAddr) -> bool {
        let centre = self.lock().get(centre).cloned();
        centre.is_some_and(|centre| centre.lock().has(address))
    }

    /// Tells the agents of a centre that another one is the scout, or has other devices to ask.
    pub fn duties_changed(&self, centre: &CentreId) {
        if let Some(centre) = self.lock().get(centre) {
            centre.duties.send_replace(());
        }
    }

    /// Forgets, for ever, who did not come back.
    pub async fn tidy(&self) {
        loop {
            tokio::time::sleep(TIDY).await;
            self.forget_gone();
            self.bursts.tidy();
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

    /// The plan of the settings, for the agents of a centre.
    fn settings_of(&self, centre: &CentreId) -> &Plan {
        let outside = self
            .outside
            .iter()
            .filter(|(lines, _)| lines.from == *centre);
        outside
            .map(|(_, plan)| plan)
            .next()
            .unwrap_or(&self.settings)
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
            let due = self.due;
            // Neither channel ends: this holds the centre, which has both.
            tokio::select! {
                _ = self.duties.changed() => self.due = Some(Instant::now()),
                _ = self.changes.changed(), if due.is_none() => {
                    self.due = Some(self.plans.settled());
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.due = None;
                    self.changes.mark_unchanged();
                    let plan = self.plan();
                    if plan.version != self.held {
                        self.held = plan.version;
                        return plan;
                    }
                }
            }
        }
    }

    /// Notes that the agent said goodbye.
    pub fn goodbye(&self) {
        self.centre.lock().goodbye(&self.device, self.number);
    }

    /// Notes that the agent said something.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// What the agent should have now.
    pub(crate) fn plan(&self) -> Plan {
        let settings = self.plans.settings_of(&self.place);
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
        let duties = self.plans.scouts.duties(&self.agent, &self.place);
        let (machine, wake) = self.wakes().unzip();
        let machines: Vec<_> = machine.into_iter().collect();
        let version = settings.version
            | version::of_machines(&targets)
            | version::of_duties(&duties, &machines, wake.as_ref());
        targets.extend(settings.targets.iter().cloned());
        let Duties { devices, discovery } = duties;
        Plan {
            version,
            targets,
            devices,
            discovery,
            machines,
            wake,
            ..settings.clone()
        }
    }
}

impl Planned {
    /// Whom this agent is to wake, being the one of its centre that does: the scout, or the first by name.
    fn wakes(&self) -> Option<(proto::plan::Machine, proto::plan::Wake)> {
        let (machine, wake) = self.plans.wakes.of(&self.place, Timestamp::now())?;
        let is_scout = |agent: &AgentId| self.plans.scouts.is_scout(agent, &self.place);
        let waker = self.centre.lock().waker(&machine.name, is_scout)?;
        (waker == self.agent).then_some((machine, wake))
    }
}

impl Drop for Planned {
    fn drop(&mut self) {
        // A machine without power ends no stream: it is missed from its first report that does not come.
        let overdue = self.heard + self.plans.settings.report_interval;
        let since = overdue.min(Instant::now());
        self.centre.lock().leave(&self.device, self.number, since);
        self.plans.scouts.stir(&self.place);
        let now = Timestamp::now();
        if self.plans.wakes.of(&self.place, now).is_some() {
            // Somebody else is to do it.
            self.centre.duties.send_replace(());
        }
    }
}

fn of_a_version(settings: Plan) -> Plan {
    Plan {
        version: version::of_settings(&settings),
        ..settings
    }
}

fn addresses_of(told: &[String]) -> Vec<IpAddr> {
    let told = told.iter().take(ADDRESSES_PER_HELLO);
    let addresses = told.filter_map(|address| address.parse::<IpAddr>().ok());
    addresses.map(|address| address.to_canonical()).collect()
}

#[cfg(test)]
mod tests;
