//! The task that gives each centre its scout: looks when somebody came or went, when devices or agents
//! changed, and when patience with a silent scout ends; notes the change, and tells whom it concerns.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::choice::{Decision, Enrolment, Situation, decide};
use super::{Known, Scouts};
use crate::directory::{Agents, Devices, Directory};
use crate::metrics::exposition::Asking;
use crate::metrics::own::Own;
use crate::plans::Plans;
use crate::registry::{Agent, Change, Credentials, Registry, Status};

/// Makes scouts.
#[derive(Debug)]
pub struct Chooser {
    scouts: Arc<Scouts>,
    plans: Arc<Plans>,
    registry: Registry,
    own: Arc<Own>,
    agents: watch::Receiver<Agents>,
    devices: watch::Receiver<Devices>,
    credentials: watch::Receiver<Arc<Credentials>>,
    started: Instant,
    /// The machines of the present scouts, as far as they are enrolled.
    names: HashMap<CentreId, DeviceId>,
    /// When to look at a centre again.
    due: HashMap<CentreId, Instant>,
}

impl Chooser {
    /// One that knows what there is to ask, and has chosen nobody yet. Scouts of before stay what they are.
    #[must_use]
    pub fn new(
        scouts: Arc<Scouts>,
        plans: Arc<Plans>,
        registry: Registry,
        directory: &Directory,
        own: Arc<Own>,
    ) -> Self {
        let mut chooser = Self {
            scouts,
            plans,
            registry,
            own,
            agents: directory.agents(),
            devices: directory.devices(),
            credentials: directory.credentials(),
            started: Instant::now(),
            names: HashMap::new(),
            due: HashMap::new(),
        };
        chooser.learn();
        let present = chooser.name_scouts();
        chooser.show();
        chooser.scouts.stirred().extend(present);
        chooser.scouts.wake.notify_one();
        chooser
    }

    /// Chooses for ever.
    pub async fn run(mut self) {
        loop {
            let centres = self.next().await;
            let mut changes = Vec::new();
            for centre in &centres {
                changes.extend(self.look_at(centre));
            }
            if !changes.is_empty() {
                self.change(changes).await;
                self.show();
            }
        }
    }

    /// Centres to look at.
    async fn next(&mut self) -> BTreeSet<CentreId> {
        let scouts = Arc::clone(&self.scouts);
        let soonest = self.due.values().min().copied();
        let due = async {
            match soonest {
                Some(soonest) => sleep_until(soonest).await,
                None => std::future::pending().await,
            }
        };
        let mut centres = BTreeSet::new();
        tokio::select! {
            () = scouts.wake.notified() => {}
            () = due => {
                let now = Instant::now();
                let due = self.due.iter().filter(|(_, at)| **at <= now);
                centres.extend(due.map(|(centre, _)| centre.clone()));
            }
            Ok(()) = self.devices.changed() => {
                centres.extend(self.learn());
                self.show();
            }
            Ok(()) = self.credentials.changed() => centres.extend(self.learn()),
            Ok(()) = self.agents.changed() => {
                centres.extend(self.name_scouts());
                self.show();
            }
        }
        centres.extend(scouts.stirred().drain());
        centres
    }

    /// Takes over what there is to ask, and tells the scouts of it. The centres where that changed.
    fn learn(&mut self) -> HashSet<CentreId> {
        let now = Known {
            devices: Arc::clone(&self.devices.borrow_and_update()),
            credentials: Arc::clone(&self.credentials.borrow_and_update()),
        };
        let mut known = self
            .scouts
            .known
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *known, now);
        let centres = before.devices.keys().chain(known.devices.keys());
        let is_other =
            |centre: &&CentreId| before.devices.get(*centre) != known.devices.get(*centre);
        let mut changed: HashSet<CentreId> = centres.filter(is_other).cloned().collect();
        if !Arc::ptr_eq(&before.credentials, &known.credentials) {
            changed.extend(
                self.scouts
                    .terms()
                    .scouts()
                    .map(|(centre, _)| centre.clone()),
            );
        }
        drop(known);
        for centre in &changed {
            self.plans.duties_changed(centre);
        }
        changed
    }

    /// Finds the machines of the present scouts. The centres that have one.
    fn name_scouts(&mut self) -> HashSet<CentreId> {
        let terms = self.scouts.terms();
        let scouts: HashMap<_, _> = terms
            .scouts()
            .map(|(centre, agent)| (agent, centre))
            .collect();
        let agents = Arc::clone(&self.agents.borrow_and_update());
        let is_scout = |agent: &&Agent| scouts.get(&agent.id) == Some(&&agent.centre);
        let present = agents.values().filter(is_scout);
        self.names = present
            .map(|agent| (agent.centre.clone(), agent.device.clone()))
            .collect();
        scouts.into_values().cloned().collect()
    }

    /// Who is to be the scout of a centre from now on, if that is somebody else.
    fn look_at(&mut self, centre: &CentreId) -> Option<Change> {
        self.due.remove(centre);
        let mut machines = self.plans.machines(centre);
        // The stream of one that was revoked just now may not have ended yet.
        let agents = Arc::clone(&self.agents.borrow());
        machines.retain(|one| {
            let agent = agents.get(&one.key);
            agent.is_some_and(|agent| agent.id == one.agent && agent.centre == *centre)
        });
        let (scout, devices) = {
            let known = self
                .scouts
                .known
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let devices = known
                .devices
                .get(centre)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let asked = devices.iter().filter(|one| one.status == Status::Approved);
            let addresses: Vec<_> = asked.map(|one| one.address).collect();
            (self.scouts.terms().scout(centre).cloned(), addresses)
        };
        let enrolment = if self.names.contains_key(centre) {
            Enrolment::Valid
        } else {
            Enrolment::Revoked
        };
        let decision = decide(&Situation {
            scout: scout.as_ref().map(|agent| (agent, enrolment)),
            is_needed: self.scouts.is_needed(centre),
            machines: &machines,
            devices: &devices,
            patience: self.scouts.patience,
            started: self.started,
            now: Instant::now(),
        });
        let agent = match decision {
            Decision::Stay => return None,
            Decision::Wait(at) => {
                self.due.insert(centre.clone(), at);
                return None;
            }
            Decision::Give(agent) => agent,
        };
        let chosen = machines.into_iter();
        let chosen = chosen.filter(|one| Some(&one.agent) == agent.as_ref());
        match chosen.map(|one| one.device).next() {
            Some(device) => self.names.insert(centre.clone(), device),
            None => self.names.remove(centre),
        };
        Some(Change {
            centre: centre.clone(),
            agent,
            at: Timestamp::now(),
        })
    }

    async fn change(&mut self, changes: Vec<Change>) {
        if let Err(error) = self.registry.scouts_changed(changes.clone()).await {
            self.own.registry_errors.inc();
            warn!(%error, "Who is scout could not be noted; a restart of the collector may bring back the one before.");
        }
        for change in &changes {
            {
                let terms = &self.scouts.terms;
                terms
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .change(change);
            }
            let device = self.names.get(&change.centre).map(DeviceId::as_str);
            info!(centre = %change.centre, device, "A centre has another scout.");
            self.plans.duties_changed(&change.centre);
        }
    }

    /// Lets the metrics know.
    fn show(&self) {
        let known = self
            .scouts
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut all: HashMap<CentreId, Asking> = HashMap::new();
        for (centre, devices) in known.devices.iter() {
            let found = devices.iter().filter(|one| one.status == Status::Found);
            all.entry(centre.clone()).or_default().found = found.count();
        }
        for (centre, device) in &self.names {
            all.entry(centre.clone()).or_default().scout = Some(device.clone());
        }
        self.scouts.asking.send_if_modified(|shown| {
            let is_new = **shown != all;
            if is_new {
                *shown = Arc::new(all);
            }
            is_new
        });
    }
}
