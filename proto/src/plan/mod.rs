//! The plan: what a collector may ask of an agent, checked by whoever receives it.

mod check;
mod devices;
mod usual;
mod wakes;
mod wire;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::check::{InvalidPlan, is_label};
pub use self::devices::{
    Authentication, Credential, Device, Discovery, Ipp, Kind, Mac, Privacy, Secret, Security, Snmp,
    UnknownSecurity, essence,
};
pub use self::wakes::{Machine, Wake};

/// What an agent measures and how often. Serialisable, because the agent keeps it on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// 0 for the plan that is compiled in.
    pub version: u64,
    /// How often the host measures itself.
    pub host_interval: Duration,
    /// How often each link is probed.
    pub link_interval: Duration,
    /// How often measurements are sent.
    pub report_interval: Duration,
    /// How often services are used and resolvers asked.
    pub service_interval: Duration,
    /// How often paths are discovered and their largest packets found, and bursts of echoes sent.
    pub path_interval: Duration,
    /// Echoes of one round to each link.
    pub link_echoes: u32,
    /// Probed beside gateways, resolvers and the collector.
    pub targets: Vec<Target>,
    /// What people need.
    pub services: Vec<Service>,
    /// Asked beside the machine's own.
    pub resolvers: Vec<Resolver>,
    /// That a machine may be connected to at the same time.
    pub networks: Vec<Network>,
    /// Of the way to the collector, when it is to be measured.
    pub throughput: Option<Throughput>,
    /// How often each device is asked.
    pub device_interval: Duration,
    /// What this agent asks as the scout of its centre; none for others.
    pub devices: Vec<Device>,
    /// Whether, and how often, it looks for others.
    pub discovery: Option<Discovery>,
    /// Machines of its centre that it may wake; none for others.
    pub machines: Vec<Machine>,
    /// The one to wake.
    pub wake: Option<Wake>,
}

/// An address to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The `target` label.
    pub name: String,
    /// IP address or host name.
    pub address: String,
    /// What the target is behind.
    pub segment: Segment,
    /// The name of the network it is reached through, unless the system chooses.
    #[serde(default)]
    pub network: Option<String>,
}

/// Something people use over the network.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The `service` label.
    pub name: String,
    /// `https://…`, `http://…`, `tls://host:port` or `tcp://host:port`.
    pub url: String,
    /// A text that is in the answer when all is well.
    #[serde(default)]
    pub expect: Option<String>,
    /// As of a [`Target`].
    #[serde(default)]
    pub network: Option<String>,
}

/// Somebody to ask for names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolver {
    /// The `resolver` label.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// As of a [`Target`].
    #[serde(default)]
    pub network: Option<String>,
}

/// A network, such as that of the state beside the Internet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What targets, services and resolvers call it.
    pub name: String,
    /// The interface it is reached through, unless the machine's own settings say otherwise.
    pub interface: String,
}

/// A transfer to and from the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    /// Between two of one centre.
    pub interval: Duration,
    /// Each way.
    pub bytes: u32,
}

/// The stretch of the path a target is behind: a subset of the segments of the diagnosis, and the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the words are those of the design")]
pub enum Segment {
    Lan,
    Gateway,
    Line,
    Isp,
    Core,
    Dns,
    Service,
    /// The line of another centre, as the province sees it from outside.
    Reverse,
}

impl Segment {
    /// The `segment` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Gateway => "gateway",
            Self::Line => "line",
            Self::Isp => "isp",
            Self::Core => "core",
            Self::Dns => "dns",
            Self::Service => "service",
            Self::Reverse => "reverse",
        }
    }
}

impl Default for Plan {
    /// What an agent does before any collector has told it more.
    fn default() -> Self {
        Self {
            version: 0,
            host_interval: Duration::from_secs(15),
            link_interval: Duration::from_secs(15),
            report_interval: Duration::from_mins(1),
            service_interval: Duration::from_mins(1),
            path_interval: Duration::from_mins(10),
            link_echoes: 5,
            targets: Vec::new(),
            services: Vec::new(),
            resolvers: Vec::new(),
            networks: Vec::new(),
            throughput: None,
            device_interval: Duration::from_mins(1),
            devices: Vec::new(),
            discovery: None,
            machines: Vec::new(),
            wake: None,
        }
    }
}

impl Service {
    /// What a URL may begin with.
    pub const SCHEMES: [&str; 4] = ["https://", "http://", "tls://", "tcp://"];
}

#[cfg(test)]
mod tests;
