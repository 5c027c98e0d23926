//! Plans as messages, and back.

use std::time::Duration;

use super::check::shown;
use super::{
    Discovery, InvalidPlan, Network, Plan, Resolver, Segment, Service, Target, Throughput, Wake,
};
use crate::wire;

pub(super) fn milliseconds(interval: Duration) -> u32 {
    u32::try_from(interval.as_millis()).unwrap_or(u32::MAX)
}

pub(super) fn duration(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

/// proto3 has no absent text: an empty one stands for it.
pub(super) fn said(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl TryFrom<wire::Plan> for Plan {
    type Error = InvalidPlan;

    fn try_from(plan: wire::Plan) -> Result<Self, InvalidPlan> {
        let usual = Self::default();
        // Older collectors do not tell what they do not know.
        let told = |ms: u32, usual| if ms == 0 { usual } else { duration(ms) };
        let plan = Self {
            version: plan.version,
            host_interval: duration(plan.host_interval_ms),
            link_interval: duration(plan.link_interval_ms),
            report_interval: duration(plan.report_interval_ms),
            service_interval: told(plan.service_interval_ms, usual.service_interval),
            path_interval: told(plan.path_interval_ms, usual.path_interval),
            link_echoes: match plan.link_echoes {
                0 => usual.link_echoes,
                echoes => echoes,
            },
            targets: all(plan.targets)?,
            services: plan.services.into_iter().map(Service::from).collect(),
            resolvers: all(plan.resolvers)?,
            networks: plan.networks.into_iter().map(Network::from).collect(),
            throughput: plan.throughput.map(Throughput::from),
            device_interval: told(plan.device_interval_ms, usual.device_interval),
            devices: all(plan.devices)?,
            discovery: plan.discovery.map(Discovery::try_from).transpose()?,
            machines: all(plan.machines)?,
            wake: plan.wake.map(Wake::try_from).transpose()?,
        };
        plan.validate()?;
        Ok(plan)
    }
}

pub(super) fn all<W, T: TryFrom<W, Error = InvalidPlan>>(
    wire: Vec<W>,
) -> Result<Vec<T>, InvalidPlan> {
    wire.into_iter().map(T::try_from).collect()
}

impl Segment {
    /// As a message has it. `None` for one of a newer version.
    #[must_use]
    pub fn of(segment: wire::Segment) -> Option<Self> {
        Some(match segment {
            wire::Segment::Lan => Self::Lan,
            wire::Segment::Gateway => Self::Gateway,
            wire::Segment::Line => Self::Line,
            wire::Segment::Isp => Self::Isp,
            wire::Segment::Core => Self::Core,
            wire::Segment::Dns => Self::Dns,
            wire::Segment::Service => Self::Service,
            wire::Segment::Reverse => Self::Reverse,
            wire::Segment::Unspecified => return None,
        })
    }
}

impl From<Segment> for wire::Segment {
    fn from(segment: Segment) -> Self {
        match segment {
            Segment::Lan => Self::Lan,
            Segment::Gateway => Self::Gateway,
            Segment::Line => Self::Line,
            Segment::Isp => Self::Isp,
            Segment::Core => Self::Core,
            Segment::Dns => Self::Dns,
            Segment::Service => Self::Service,
            Segment::Reverse => Self::Reverse,
        }
    }
}

impl TryFrom<wire::Target> for Target {
    type Error = InvalidPlan;

    fn try_from(target: wire::Target) -> Result<Self, InvalidPlan> {
        let Some(segment) = Segment::of(target.segment()) else {
            return Err(InvalidPlan::UnknownSegment { name: target.name });
        };
        Ok(Self {
            name: target.name,
            address: target.address,
            segment,
            network: said(target.network),
        })
    }
}

impl From<wire::Service> for Service {
    fn from(service: wire::Service) -> Self {
        Self {
            name: service.name,
            url: service.url,
            expect: said(service.expect),
            network: said(service.network),
        }
    }
}

impl TryFrom<wire::Resolver> for Resolver {
    type Error = InvalidPlan;

    fn try_from(resolver: wire::Resolver) -> Result<Self, InvalidPlan> {
        let Ok(address) = resolver.address.parse() else {
            return Err(InvalidPlan::ResolverAddress {
                name: shown(&resolver.name),
            });
        };
        Ok(Self {
            name: resolver.name,
            address,
            network: said(resolver.network),
        })
    }
}

impl From<wire::Network> for Network {
    fn from(network: wire::Network) -> Self {
        Self {
            name: network.name,
            interface: network.interface,
        }
    }
}

impl From<wire::Throughput> for Throughput {
    fn from(throughput: wire::Throughput) -> Self {
        Self {
            interval: duration(throughput.interval_ms),
            bytes: throughput.bytes,
        }
    }
}

impl From<&Plan> for wire::Plan {
    fn from(plan: &Plan) -> Self {
        Self {
            version: plan.version,
            host_interval_ms: milliseconds(plan.host_interval),
            link_interval_ms: milliseconds(plan.link_interval),
            report_interval_ms: milliseconds(plan.report_interval),
            service_interval_ms: milliseconds(plan.service_interval),
            path_interval_ms: milliseconds(plan.path_interval),
            link_echoes: plan.link_echoes,
            targets: plan.targets.iter().map(wire::Target::from).collect(),
            services: plan.services.iter().map(wire::Service::from).collect(),
            resolvers: plan.resolvers.iter().map(wire::Resolver::from).collect(),
            networks: plan.networks.iter().map(wire::Network::from).collect(),
            throughput: plan.throughput.map(wire::Throughput::from),
            device_interval_ms: milliseconds(plan.device_interval),
            devices: plan.devices.iter().map(wire::Device::from).collect(),
            discovery: plan.discovery.as_ref().map(wire::Discovery::from),
            machines: plan.machines.iter().map(wire::Machine::from).collect(),
            wake: plan.wake.as_ref().map(wire::Wake::from),
        }
    }
}

impl From<&Target> for wire::Target {
    fn from(target: &Target) -> Self {
        Self {
            name: target.name.clone(),
            address: target.address.clone(),
            segment: wire::Segment::from(target.segment).into(),
            network: target.network.clone().unwrap_or_default(),
        }
    }
}

impl From<&Service> for wire::Service {
    fn from(service: &Service) -> Self {
        Self {
            name: service.name.clone(),
            url: service.url.clone(),
            expect: service.expect.clone().unwrap_or_default(),
            network: service.network.clone().unwrap_or_default(),
        }
    }
}

impl From<&Resolver> for wire::Resolver {
    fn from(resolver: &Resolver) -> Self {
        Self {
            name: resolver.name.clone(),
            address: resolver.address.to_string(),
            network: resolver.network.clone().unwrap_or_default(),
        }
    }
}

impl From<&Network> for wire::Network {
    fn from(network: &Network) -> Self {
        Self {
            name: network.name.clone(),
            interface: network.interface.clone(),
        }
    }
}

impl From<Throughput> for wire::Throughput {
    fn from(throughput: Throughput) -> Self {
        Self {
            interval_ms: milliseconds(throughput.interval),
            bytes: throughput.bytes,
        }
    }
}
