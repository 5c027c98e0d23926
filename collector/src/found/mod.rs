//! What scouts find, and what machines and devices say they are: noted in the registry, for people to
//! approve. Nothing approves by itself.
//!
//! Nothing that is found is trusted: texts are checked and bounded (`sight`), devices are recognised by what
//! cannot be guessed from afar (`recognise`), and of each centre so many wait at most
//! ([`crate::registry::FOUND_PER_CENTRE`]). Machines with an agent are not offered.

mod recognise;
mod sight;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId};
use proto::plan::is_label;
use tokio::sync::mpsc;
use tracing::{info, warn};

use self::recognise::recognise;
use self::sight::Sight;
use crate::ingest::{self, Identities, Labels};
use crate::latest::{self, DeviceKey, Latest};
use crate::metrics::own::Own;
use crate::plans::Plans;
use crate::registry::{
    Asked, Described, FOUND_PER_CENTRE, Inventory, Look, Noted, Registry, RegistryError,
};
use crate::scouts::Scouts;

/// Messages that may wait to be noted: scouts of a whole province look at about the same time when the
/// collector is told to look, and a day later again.
pub const WAITING: usize = 256;

/// What one look finds comes in several messages, one after the other.
const GATHER: Duration = Duration::from_secs(1);

/// Machines and devices that are noted in one go.
const AT_ONCE: usize = 256;

/// How long after what could not be noted it is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Notes what is found.
#[derive(Debug)]
pub struct Finder {
    /// What is known, and where more is noted.
    pub registry: Registry,
    /// What answers.
    pub latest: Arc<Latest>,
    /// Whose word counts.
    pub scouts: Arc<Scouts>,
    /// Who is a machine with an agent.
    pub plans: Arc<Plans>,
    /// Where what is not noted is counted.
    pub own: Arc<Own>,
}

impl Finder {
    /// Notes for as long as anything may be found.
    pub async fn run(self, mut found: mpsc::Receiver<ingest::Look>) {
        while let Some(first) = found.recv().await {
            tokio::time::sleep(GATHER).await;
            let mut looks: BTreeMap<(CentreId, AgentId), Vec<Sight>> = BTreeMap::new();
            let rest = std::iter::from_fn(|| found.try_recv().ok()).take(WAITING);
            for (agent, devices) in std::iter::once(first).chain(rest) {
                let look = looks.entry((agent.centre, agent.id)).or_default();
                for device in devices {
                    match Sight::of(device) {
                        None => self.refuse("no_address", 1),
                        Some(_) if look.len() >= FOUND_PER_CENTRE as usize => {
                            self.refuse("too_many", 1);
                        }
                        Some(sight) => look.push(sight),
                    }
                }
            }
            for ((centre, agent), look) in looks {
                let count = look.len();
                if !self.scouts.is_scout(&agent, &centre) {
                    self.refuse("not_scout", count);
                } else if let Err(error) = self.looked(&centre, look).await {
                    self.own.registry_errors.inc();
                    self.refuse("failed", count);
                    warn!(%error, %centre, "What was found could not be noted.");
                }
            }
        }
    }

    async fn looked(&self, centre: &CentreId, mut look: Vec<Sight>) -> Result<(), RegistryError> {
        look.retain(|sight| !self.plans.is_machine(centre, sight.address));
        // As they are now, and of this centre alone: looks of many centres come at the same time.
        let known = self.registry.devices_of(centre.clone()).await?;
        let at = Timestamp::now();
        let recognised = recognise(&known, look, |device| self.answers(device), at);
        if recognised.new.is_empty() && recognised.seen.is_empty() {
            return Ok(());
        }
        let look = Look {
            centre: centre.clone(),
            at,
            new: recognised.new,
            seen: recognised.seen,
        };
        let Noted {
            found,
            moved,
            refused,
            ..
        } = self.registry.looked(look).await?;
        self.refuse("too_many", refused);
        for device in found {
            info!(%centre, %device, "A device was found; see `device approve`.");
        }
        for (device, address) in moved {
            info!(%centre, %device, %address, "A device has another address.");
        }
        Ok(())
    }

    /// Whether it answered, where it was asked last.
    fn answers(&self, device: &Asked) -> bool {
        let key = DeviceKey {
            centre: device.centre.clone(),
            device: device.device.clone(),
        };
        let device = self.latest.device(&key);
        device.is_some_and(|device| latest::lock(&device).is_up() == Some(true))
    }

    fn refuse(&self, reason: &str, count: usize) {
        let refused = self.own.found_refused.with_label_values(&[reason]);
        refused.inc_by(count as u64);
    }
}

/// Notes what machines and devices say they are, for ever.
pub async fn keep_inventory(registry: Registry, identities: Arc<Identities>, own: Arc<Own>) {
    loop {
        let news: Vec<(DeviceKey, Labels)> = identities.next().await.into_iter().collect();
        for news in news.chunks(AT_ONCE) {
            let some = news.iter().map(described).collect();
            if let Err(error) = registry.described(some, Timestamp::now()).await {
                own.registry_errors.inc();
                warn!(%error, "What machines and devices say they are could not be noted yet.");
                identities.put_back(news);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn described((key, labels): &(DeviceKey, Labels)) -> Described {
    let mut inventory = Inventory::default();
    // Control characters would go on to terminals, and a plan with them is refused by agents.
    let texts = labels.iter().filter(|(_, value)| is_label(value)).cloned();
    for (label, value) in texts {
        match label {
            "vendor" => inventory.vendor = value,
            "model" => inventory.model = value,
            "serial" => inventory.serial = value,
            "os" => inventory.os = value,
            "firmware" => inventory.firmware = value,
            _ => {}
        }
    }
    Described {
        centre: key.centre.clone(),
        device: key.device.clone(),
        inventory,
    }
}
