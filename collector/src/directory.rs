//! Who may connect and what is asked, in memory: the registry's agents, centres, devices and credentials
//! (sealed), read again when they change.
//!
//! Changes come from this process (an enrolment) or from another one (`agent revoke`, `device approve`,
//! `centre import`), and count within a quarter of a second. Streams watch it, which is how a
//! revocation ends one; the live view follows it, which is how a silent device is seen. What an agent
//! says of itself changes nothing for anybody else: it is noted, and nothing is read again for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::CentreId;
use tokio::sync::{Mutex, watch};
use tracing::warn;

use crate::latest::{self, DeviceKey, Enrolled, Latest, Polled, Source};
use crate::metrics::own::Own;
use crate::registry::{
    Agent, Asked, Centre, Credentials, Host, KeyHash, Registry, RegistryError, Status, Version,
};

/// How soon a change counts.
const POLL: Duration = Duration::from_millis(250);

/// Agents that are not revoked, by key.
pub type Agents = Arc<HashMap<KeyHash, Agent>>;

/// Devices without an agent, by centre and name: approved ones, ignored ones, and those that wait.
pub type Devices = Arc<BTreeMap<CentreId, Vec<Asked>>>;

/// The registry's agents, centres and devices, as of now.
#[derive(Debug)]
pub struct Directory {
    registry: Registry,
    latest: Arc<Latest>,
    own: Arc<Own>,
    agents: watch::Sender<Agents>,
    centres: watch::Sender<Arc<Vec<Centre>>>,
    devices: watch::Sender<Devices>,
    credentials: watch::Sender<Arc<Credentials>>,
    read: Mutex<Option<Version>>,
    /// What agents said of themselves since the registry was read.
    said: StdMutex<HashMap<KeyHash, Host>>,
}

impl Directory {
    /// Reads the registry for the first time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(
        registry: Registry,
        latest: Arc<Latest>,
        own: Arc<Own>,
    ) -> Result<Self, RegistryError> {
        let directory = Self {
            registry,
            latest,
            own,
            agents: watch::Sender::default(),
            centres: watch::Sender::default(),
            devices: watch::Sender::default(),
            credentials: watch::Sender::default(),
            read: Mutex::default(),
            said: StdMutex::default(),
        };
        directory.refresh().await?;
        Ok(directory)
    }

    /// Follows the registry for ever.
    pub async fn follow(&self) {
        let mut failing = false;
        loop {
            tokio::time::sleep(POLL).await;
            let result = self.refresh().await;
            if let Err(error) = &result {
                self.own.registry_errors.inc();
                if !failing {
                    warn!(%error, "The registry cannot be read; going on with what is known.");
                }
            }
            failing = result.is_err();
        }
    }

    /// Reads the registry again if it changed.
    ///
    /// # Errors
    /// When it cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), RegistryError> {
        let mut read = self.read.lock().await;
        let version = self.registry.version().await?;
        if *read == Some(version) {
            // A key that is restored is no change of the registry.
            let are_locked = self.credentials.borrow().are_locked();
            return if are_locked {
                self.credentials_changed().await
            } else {
                Ok(())
            };
        }
        let mut agents = self.registry.agents().await?;
        let centres = self.registry.centres().await?;
        let devices = self.registry.devices().await?;
        self.credentials_changed().await?;
        agents.retain(|agent| agent.revoked_at.is_none());
        let approved = devices
            .iter()
            .filter(|device| device.status == Status::Approved);
        let places = agents.iter().map(enrolled).chain(approved.map(polled));
        self.latest.follow(places);
        self.agents
            .send_replace(Arc::new(agents.into_iter().map(|a| (a.key, a)).collect()));
        self.centres.send_replace(Arc::new(centres));
        let devices = Arc::new(by_centre(devices));
        self.devices.send_if_modified(|known| {
            *known != devices && {
                *known = devices;
                true
            }
        });
        self.said().clear();
        *read = Some(version);
        Ok(())
    }

    /// Reads the credentials again. One that cannot be opened is told of once.
    async fn credentials_changed(&self) -> Result<(), RegistryError> {
        let credentials = self.registry.credentials().await?;
        if credentials.is_like(&self.credentials.borrow()) {
            return Ok(());
        }
        for credential in &credentials.all {
            if let Err(error) = credentials.open(credential) {
                warn!(%error, "Devices cannot be asked with a credential.");
            }
        }
        self.credentials.send_replace(Arc::new(credentials));
        Ok(())
    }

    /// The agent with this key, if it may connect. One that enrolled a moment ago is found too.
    pub async fn find(&self, key: KeyHash) -> Option<Agent> {
        let known = self.known(key);
        if known.is_some() {
            return known;
        }
        if let Err(error) = self.refresh().await {
            self.own.registry_errors.inc();
            warn!(%error, "The registry cannot be read.");
        }
        self.known(key)
    }

    fn known(&self, key: KeyHash) -> Option<Agent> {
        let mut agent = self.agents.borrow().get(&key).cloned()?;
        if let Some(host) = self.said().get(&key).cloned() {
            agent.hostname = host.hostname;
            agent.os = host.os;
            agent.arch = host.arch;
            agent.version = host.version;
        }
        Some(agent)
    }

    /// Notes what a machine said of itself when it opened a stream.
    ///
    /// # Errors
    /// When the registry cannot be written.
    pub async fn said_hello(
        &self,
        agent: &Agent,
        host: Host,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        // What is being read from the registry meanwhile would bring back what was there before.
        let _unread = self.read.lock().await;
        let noted = self.registry.said_hello(agent.id.clone(), host.clone(), at);
        noted.await?;
        if let Some(device) = self.latest.device(&key_of(agent)) {
            latest::lock(&device).said_hello(&host);
        }
        self.said().insert(agent.key, host);
        Ok(())
    }

    fn said(&self) -> MutexGuard<'_, HashMap<KeyHash, Host>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who may connect, and when that changes.
    #[must_use]
    pub fn agents(&self) -> watch::Receiver<Agents> {
        self.agents.subscribe()
    }

    /// All centres, and when they change.
    #[must_use]
    pub fn centres(&self) -> watch::Receiver<Arc<Vec<Centre>>> {
        self.centres.subscribe()
    }

    /// All devices without an agent, and when they change.
    #[must_use]
    pub fn devices(&self) -> watch::Receiver<Devices> {
        self.devices.subscribe()
    }

    /// How they are asked, and when that changes.
    #[must_use]
    pub fn credentials(&self) -> watch::Receiver<Arc<Credentials>> {
        self.credentials.subscribe()
    }
}

fn by_centre(devices: Vec<Asked>) -> BTreeMap<CentreId, Vec<Asked>> {
    let mut centres: BTreeMap<CentreId, Vec<Asked>> = BTreeMap::new();
    for device in devices {
        centres
            .entry(device.centre.clone())
            .or_default()
            .push(device);
    }
    centres
}

fn key_of(agent: &Agent) -> DeviceKey {
    DeviceKey {
        centre: agent.centre.clone(),
        device: agent.device.clone(),
    }
}

fn polled(device: &Asked) -> (DeviceKey, Source) {
    let key = DeviceKey {
        centre: device.centre.clone(),
        device: device.device.clone(),
    };
    let polled = Polled { kind: device.kind };
    (key, polled.into())
}

fn enrolled(agent: &Agent) -> (DeviceKey, Source) {
    let enrolled = Enrolled {
        agent: agent.id.clone(),
        kind: agent.kind.clone(),
        version: agent.version.clone(),
        os: agent.os.clone(),
        arch: agent.arch.clone(),
        certificate_until: Some(agent.certificate_until),
        last_report: agent.last_seen,
        goodbye: agent.goodbye,
    };
    (key_of(agent), enrolled.into())
}
