//! What a plan may ask for: every bound, checked by whoever receives it.

use std::time::Duration;

use super::{Discovery, Plan, Service, Throughput};
use crate::limits::{
    CREDENTIALS_PER_PLAN, DEVICES_PER_PLAN, DISCOVERY_INTERVAL, ECHOES, INTERVAL, LABEL_BYTES,
    MACHINES_PER_PLAN, NETWORKS_PER_PLAN, RESOLVERS_PER_PLAN, SERVICES_PER_PLAN, TARGETS_PER_PLAN,
    THROUGHPUT_BYTES, THROUGHPUT_INTERVAL, THROUGHPUT_SHARE, URL_BYTES,
};

/// Why a plan is refused, whole: half a plan would measure something nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidPlan {
    #[error("interval of {interval:?} is outside {:?} to {:?}", INTERVAL.start(), INTERVAL.end())]
    Interval { interval: Duration },
    #[error("{count} {what}, at most {most} are allowed")]
    TooMany {
        what: &'static str,
        count: usize,
        most: usize,
    },
    #[error(
        "{what} {name:?} needs a name, and an address of at most {LABEL_BYTES} bytes, without control characters"
    )]
    Text { what: &'static str, name: String },
    #[error("two {what} are named {name:?}")]
    Duplicate { what: &'static str, name: String },
    #[error("target {name:?} is in a segment this agent does not know: update the agent")]
    UnknownSegment { name: String },
    #[error(
        "service {name:?} needs a URL that begins with https://, http://, tls:// or tcp://, and expects at most {URL_BYTES} bytes"
    )]
    Url { name: String },
    #[error("resolver {name:?} needs an IP address")]
    ResolverAddress { name: String },
    #[error("{name:?} is reached through the network {network:?}, which is not in the plan")]
    UnknownNetwork { name: String, network: String },
    #[error("{echoes} echoes a round are outside {} to {}", ECHOES.start(), ECHOES.end())]
    Echoes { echoes: u32 },
    #[error(
        "throughput of {bytes} bytes each {interval:?} is outside {} to {} bytes and {:?} to {:?}, or more than {THROUGHPUT_SHARE} bytes a second",
        THROUGHPUT_BYTES.start(), THROUGHPUT_BYTES.end(), THROUGHPUT_INTERVAL.start(), THROUGHPUT_INTERVAL.end()
    )]
    Throughput { interval: Duration, bytes: u32 },
    #[error("device {name:?} needs an id, an IP address, and SNMP or IPP to be asked by")]
    Device { name: String },
    #[error(
        "{name:?} needs a community, or a user and passwords of at least 8 characters, and a port"
    )]
    Credentials { name: String },
    #[error("{ipp:?} is no port and path such as 631/ipp/print")]
    Ipp { ipp: String },
    #[error("{mac:?} is no MAC address such as 00:1b:a9:12:34:56")]
    Mac { mac: String },
    #[error(
        "{name:?} cannot be woken: it needs an id and the MAC address of one machine, and to be listed once"
    )]
    Machine { name: String },
    #[error(
        "looking for devices each {interval:?} is outside {:?} to {:?}",
        DISCOVERY_INTERVAL.start(), DISCOVERY_INTERVAL.end()
    )]
    Discovery { interval: Duration },
}

impl Plan {
    /// Checks every bound. Whoever makes a `Plan` by hand calls this before using it.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn validate(&self) -> Result<(), InvalidPlan> {
        for interval in [
            self.host_interval,
            self.link_interval,
            self.report_interval,
            self.service_interval,
            self.path_interval,
            self.device_interval,
        ] {
            if !INTERVAL.contains(&interval) {
                return Err(InvalidPlan::Interval { interval });
            }
        }
        if !ECHOES.contains(&self.link_echoes) {
            let echoes = self.link_echoes;
            return Err(InvalidPlan::Echoes { echoes });
        }
        let targets = self.targets.iter().map(|one| one.name.as_str());
        named("targets", TARGETS_PER_PLAN, targets)?;
        let services = self.services.iter().map(|one| one.name.as_str());
        named("services", SERVICES_PER_PLAN, services)?;
        let resolvers = self.resolvers.iter().map(|one| one.name.as_str());
        named("resolvers", RESOLVERS_PER_PLAN, resolvers)?;
        let networks = self.networks.iter().map(|one| one.name.as_str());
        named("networks", NETWORKS_PER_PLAN, networks)?;
        self.places()?;
        self.routes()?;
        self.asked()?;
        self.woken()?;
        match self.throughput {
            Some(Throughput { interval, bytes })
                if !(Throughput { interval, bytes }).is_bounded() =>
            {
                Err(InvalidPlan::Throughput { interval, bytes })
            }
            _ => Ok(()),
        }
    }

    /// Whether addresses and URLs look like such.
    fn places(&self) -> Result<(), InvalidPlan> {
        let targets = self
            .targets
            .iter()
            .map(|one| (one.name.as_str(), one.address.as_str()));
        let networks = self
            .networks
            .iter()
            .map(|one| (one.name.as_str(), one.interface.as_str()));
        for (what, (name, place)) in targets
            .map(|one| ("target", one))
            .chain(networks.map(|one| ("network", one)))
        {
            if !is_label(place) {
                return Err(InvalidPlan::Text {
                    what,
                    name: shown(name),
                });
            }
        }
        for Service {
            name, url, expect, ..
        } in &self.services
        {
            let has_scheme = Service::SCHEMES
                .iter()
                .any(|scheme| url.starts_with(scheme));
            let expects = expect.as_deref().unwrap_or_default();
            if !has_scheme || !is_text(url, URL_BYTES) || expects.len() > URL_BYTES {
                return Err(InvalidPlan::Url { name: shown(name) });
            }
        }
        Ok(())
    }

    /// Whether devices can be asked, and looked for.
    fn asked(&self) -> Result<(), InvalidPlan> {
        let devices = self.devices.iter().map(|one| one.name.as_str());
        named("devices", DEVICES_PER_PLAN, devices)?;
        let credentials = self.discovery.iter().flat_map(|one| &one.credentials);
        let names: Vec<&str> = credentials.clone().map(|one| one.name.as_str()).collect();
        named("credentials", CREDENTIALS_PER_PLAN, names.into_iter())?;
        for device in &self.devices {
            let is_named = device.serial.as_deref().is_none_or(is_label);
            if !is_named || (device.snmp.is_none() && device.ipp.is_none()) {
                let name = device.name.to_string();
                return Err(InvalidPlan::Device { name });
            }
        }
        let of_devices = self.devices.iter().filter_map(|one| {
            let snmp = one.snmp.as_ref()?;
            Some((one.name.as_str(), snmp))
        });
        let of_credentials = credentials.map(|one| (one.name.as_str(), &one.snmp));
        for (name, snmp) in of_devices.chain(of_credentials) {
            if !snmp.is_usable() {
                return Err(InvalidPlan::Credentials { name: shown(name) });
            }
        }
        match &self.discovery {
            Some(Discovery { interval, .. }) if !DISCOVERY_INTERVAL.contains(interval) => {
                Err(InvalidPlan::Discovery {
                    interval: *interval,
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether who may be woken is one machine each, and who is to be is one of them.
    fn woken(&self) -> Result<(), InvalidPlan> {
        let machines = self.machines.iter().map(|one| one.name.as_str());
        named("machines", MACHINES_PER_PLAN, machines)?;
        let unusable = self.machines.iter().find(|one| !one.mac.is_of_one());
        let unknown = self.wake.as_ref().filter(|_| self.to_wake().is_none());
        let name = unusable
            .map(|one| &one.name)
            .or(unknown.map(|wake| &wake.name));
        match name {
            Some(name) => Err(InvalidPlan::Machine {
                name: name.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// Whether every network that is used is in the plan.
    fn routes(&self) -> Result<(), InvalidPlan> {
        let targets = self.targets.iter().map(|one| (&one.name, &one.network));
        let services = self.services.iter().map(|one| (&one.name, &one.network));
        let resolvers = self.resolvers.iter().map(|one| (&one.name, &one.network));
        for (name, network) in targets.chain(services).chain(resolvers) {
            let Some(network) = network else { continue };
            if !self.networks.iter().any(|known| known.name == *network) {
                return Err(InvalidPlan::UnknownNetwork {
                    name: shown(name),
                    network: shown(network),
                });
            }
        }
        Ok(())
    }
}

impl Throughput {
    /// Whether it stays within what a line may be asked to carry.
    fn is_bounded(self) -> bool {
        THROUGHPUT_BYTES.contains(&self.bytes)
            && THROUGHPUT_INTERVAL.contains(&self.interval)
            && self.is_small_share()
    }

    /// Whether it takes little of a line in the long run: [`THROUGHPUT_SHARE`].
    #[must_use]
    pub fn is_small_share(self) -> bool {
        let most = u64::from(THROUGHPUT_SHARE) * self.interval.as_secs();
        u64::from(self.bytes) <= most
    }
}

/// Checks how many there are, and that each has a name of its own.
fn named<'n>(
    what: &'static str,
    most: usize,
    names: impl ExactSizeIterator<Item = &'n str>,
) -> Result<(), InvalidPlan> {
    let count = names.len();
    if count > most {
        return Err(InvalidPlan::TooMany { what, count, most });
    }
    let mut seen = Vec::with_capacity(count);
    for name in names {
        if !is_label(name) {
            return Err(InvalidPlan::Text {
                what,
                name: shown(name),
            });
        }
        if seen.contains(&name) {
            return Err(InvalidPlan::Duplicate {
                what,
                name: shown(name),
            });
        }
        seen.push(name);
    }
    Ok(())
}

pub(super) fn shown(name: &str) -> String {
    name.chars().take(LABEL_BYTES).collect()
}

/// Whether a text can be a name or the value of a label: there, short, and without control characters.
#[must_use]
pub fn is_label(text: &str) -> bool {
    is_text(text, LABEL_BYTES)
}

fn is_text(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control)
}
