//! Links, measured from here.

pub(crate) mod dns;
mod echo;
mod filter;
pub mod icmp;
pub(crate) mod mtu;
mod names;
mod pace;
pub(crate) mod packets;
pub(crate) mod path;
mod ping;
#[cfg(all(test, target_os = "linux"))]
mod road;
pub(crate) mod round;
pub(crate) mod service;
mod slow;
mod statistics;
mod targets;
mod throughput;

use super::{Context, Source};

/// Every probe.
#[must_use]
pub fn all(context: &Context) -> Vec<Box<dyn Source>> {
    let mut probes: Vec<Box<dyn Source>> = vec![
        Box::new(icmp::Icmp::new(context.clone())),
        Box::new(path::Path::new(context.clone())),
        Box::new(mtu::Mtu::new(context.clone())),
        Box::new(dns::Dns::new(context.clone())),
        Box::new(service::Services::new(context.clone())),
    ];
    if let Some(access) = &context.access {
        let transfers = throughput::Transfers::new(context.clone(), access.clone());
        probes.push(Box::new(transfers));
    }
    probes
}
