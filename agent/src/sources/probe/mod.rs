//! Links, measured from here.

pub(crate) mod dns;
mod echo;
mod filter;
pub mod icmp;
mod names;
mod pace;
pub(crate) mod packets;
mod ping;
mod slow;
mod statistics;
mod targets;

use super::{Context, Source};

/// Every probe.
#[must_use]
pub fn all(context: &Context) -> Vec<Box<dyn Source>> {
    vec![Box::new(icmp::Icmp::new(context.clone()))]
}
