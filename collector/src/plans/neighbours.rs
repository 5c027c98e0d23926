//! Who probes whom within a centre. Pure but for the clock.
//!
//! Each machine probes the next two in the order of names, the first after the last: none is probed by all,
//! and who comes or goes changes what two others do. A machine that is off stays what it was for a day.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;

use proto::ids::DeviceId;
use tokio::time::Instant;

use super::GONE;

/// Machines that one probes.
const PEERS: usize = 2;

/// One machine with an agent.
#[derive(Debug)]
pub(super) struct Member {
    /// Others probe PCs: a router is their gateway, which they probe as that.
    is_pc: bool,
    addresses: Vec<IpAddr>,
    /// Of its streams, the newest.
    number: u64,
    /// Since when it is not connected.
    left: Option<Instant>,
}

/// The machines of one centre.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    members: BTreeMap<DeviceId, Member>,
    streams: u64,
}

impl Member {
    pub(super) fn new(is_pc: bool, mut addresses: Vec<IpAddr>) -> Self {
        addresses.retain(|address| is_of_a_machine(*address));
        Self {
            is_pc,
            addresses,
            number: 0,
            left: None,
        }
    }
}

impl Neighbours {
    /// A machine connects. The number of its stream, and whether that is anything new to others.
    pub(super) fn join(&mut self, device: DeviceId, member: Member) -> (u64, bool) {
        self.streams += 1;
        let number = self.streams;
        let facts = (member.is_pc, member.addresses.clone());
        let before = self.members.insert(device, Member { number, ..member });
        let is_new = before.is_none_or(|before| (before.is_pc, before.addresses) != facts);
        (number, is_new)
    }

    /// That stream ended; it may not be the newest any more.
    pub(super) fn leave(&mut self, device: &DeviceId, number: u64) {
        if let Some(member) = self.members.get_mut(device)
            && member.number == number
        {
            member.left = Some(Instant::now());
        }
    }

    /// Whether anybody was forgotten who is gone.
    pub(super) fn forget_gone(&mut self) -> bool {
        let before = self.members.len();
        let is_gone = |member: &Member| member.left.is_some_and(|left| left.elapsed() >= GONE);
        self.members.retain(|_, member| !is_gone(member));
        self.members.len() < before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whom a machine should probe, and where, among those whose name is free in its plan.
    pub(super) fn of(
        &self,
        device: &DeviceId,
        is_free: impl Fn(&DeviceId) -> bool,
    ) -> Vec<(DeviceId, IpAddr)> {
        let Some(own) = self.members.get(device) else {
            return Vec::new();
        };
        let after = (Bound::Excluded(device), Bound::Unbounded);
        let after = self.members.range(after);
        let others = after.chain(self.members.range(..device));
        others
            .filter(|(name, member)| member.is_pc && is_free(name))
            .filter_map(|(name, member)| {
                let theirs = member.addresses.iter().copied();
                let near = theirs.into_iter().find(|address| is_near(*address, own));
                Some((name.clone(), near?))
            })
            .take(PEERS)
            .collect()
    }
}

/// Whether an address is in one network with a machine, and not the machine's own.
fn is_near(address: IpAddr, own: &Member) -> bool {
    let mut own_addresses = own.addresses.iter();
    !own.addresses.contains(&address)
        && own_addresses.any(|own| match (*own, address) {
            (IpAddr::V4(own), IpAddr::V4(address)) => own.to_bits() >> 8 == address.to_bits() >> 8,
            (IpAddr::V6(own), IpAddr::V6(address)) => {
                own.to_bits() >> 64 == address.to_bits() >> 64
            }
            _ => false,
        })
}

/// Nobody is to be probed but a machine in its network.
fn is_of_a_machine(address: IpAddr) -> bool {
    let is_special = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    !is_special
        && match address {
            IpAddr::V4(address) => !address.is_link_local() && !address.is_broadcast(),
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        }
}
