//! Who is in a centre, and who probes whom there. Pure but for the clock.
//!
//! Each machine probes the next two in the order of names, the first after the last: none is probed by all,
//! and who comes or goes changes what two others do. A machine that is off stays what it was for a day.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;

use proto::ids::{AgentId, DeviceId};
use tokio::time::Instant;

use super::GONE;
use crate::registry::{Agent, KeyHash};

/// Machines that one probes.
const PEERS: usize = 2;

/// One machine with an agent.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) agent: AgentId,
    key: KeyHash,
    pub(super) kind: Kind,
    /// Whether it can ask others of the centre, and may.
    pub(super) can_scout: bool,
    addresses: Vec<IpAddr>,
    /// Of its streams, the newest.
    number: u64,
    /// How it left, when it is not connected.
    left: Option<Left>,
    says_goodbye: bool,
}

/// What a machine is to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Others probe it.
    Pc,
    /// Their gateway, which they probe as that.
    Router,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    at: Instant,
    goodbye: bool,
}

/// A machine of a centre, as whoever chooses a scout sees it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its enrolment.
    pub agent: AgentId,
    /// What it is recognised by.
    pub key: KeyHash,
    /// Its name.
    pub device: DeviceId,
    /// Whether it is a router.
    pub is_router: bool,
    /// Whether it can ask others, and may.
    pub can_scout: bool,
    /// Where it is.
    pub addresses: Vec<IpAddr>,
    /// How it left, when it is not connected.
    pub left: Option<Departure>,
}

/// How a machine left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It said so.
    Goodbye,
    /// Without a word.
    Silent {
        /// When its stream ended, or when it should have been heard before that.
        since: Instant,
    },
}

/// The machines of one centre.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    members: BTreeMap<DeviceId, Member>,
    streams: u64,
}

impl Kind {
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "pc" => Self::Pc,
            "router" => Self::Router,
            _ => Self::Other,
        }
    }
}

impl Member {
    pub(super) fn new(agent: &Agent, can_scout: bool, mut addresses: Vec<IpAddr>) -> Self {
        addresses.retain(|address| is_of_a_machine(*address));
        Self {
            agent: agent.id.clone(),
            key: agent.key,
            kind: Kind::of(&agent.kind),
            can_scout,
            addresses,
            number: 0,
            left: None,
            says_goodbye: false,
        }
    }
}

impl Neighbours {
    /// A machine connects. The number of its stream, and whether that is anything new to others.
    pub(super) fn join(&mut self, device: DeviceId, member: Member) -> (u64, bool) {
        self.streams += 1;
        let number = self.streams;
        let facts = (member.kind, member.addresses.clone());
        let before = self.members.insert(device, Member { number, ..member });
        let is_new = before.is_none_or(|before| (before.kind, before.addresses) != facts);
        (number, is_new)
    }

    /// That stream is about to end because its machine wants it to.
    pub(super) fn goodbye(&mut self, device: &DeviceId, number: u64) {
        if let Some(member) = self.on_stream(device, number) {
            member.says_goodbye = true;
        }
    }

    /// That stream ended, and the machine is missed since then; it may not be the newest any more.
    pub(super) fn leave(&mut self, device: &DeviceId, number: u64, since: Instant) {
        if let Some(member) = self.on_stream(device, number) {
            member.left = Some(Left {
                at: since,
                goodbye: member.says_goodbye,
            });
        }
    }

    fn on_stream(&mut self, device: &DeviceId, number: u64) -> Option<&mut Member> {
        let member = self.members.get_mut(device);
        member.filter(|member| member.number == number)
    }

    /// All machines, those that left too.
    pub(super) fn machines(&self) -> Vec<Machine> {
        let machine = |(device, member): (&DeviceId, &Member)| Machine {
            agent: member.agent.clone(),
            key: member.key,
            device: device.clone(),
            is_router: member.kind == Kind::Router,
            can_scout: member.can_scout,
            addresses: member.addresses.clone(),
            left: member.left.map(|left| {
                if left.goodbye {
                    Departure::Goodbye
                } else {
                    Departure::Silent { since: left.at }
                }
            }),
        };
        self.members.iter().map(machine).collect()
    }

    /// Who may wake a machine: one that is there, preferably the scout.
    pub(super) fn waker(
        &self,
        sleeper: &DeviceId,
        is_scout: impl Fn(&AgentId) -> bool,
    ) -> Option<AgentId> {
        let there = self.members.iter().filter(|(device, member)| {
            member.left.is_none() && !member.says_goodbye && *device != sleeper
        });
        let mut there = there.map(|(_, member)| &member.agent);
        let first = there.next()?;
        let scout = std::iter::once(first)
            .chain(there)
            .find(|agent| is_scout(agent));
        Some(scout.unwrap_or(first).clone())
    }

    /// Whether a machine has this address, or had it when it was last here.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        let mut members = self.members.values();
        members.any(|member| member.addresses.contains(&address))
    }

    /// Whether anybody was forgotten who is gone.
    pub(super) fn forget_gone(&mut self) -> bool {
        let before = self.members.len();
        let is_gone = |member: &Member| member.left.is_some_and(|left| left.at.elapsed() >= GONE);
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
            .filter(|(name, member)| member.kind == Kind::Pc && is_free(name))
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
    !own.addresses.contains(&address) && own_addresses.any(|own| is_same_network(*own, address))
}

/// Whether two addresses are taken for those of one network: a /24, or a /64.
pub(crate) fn is_same_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits() >> 8 == other.to_bits() >> 8,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 64 == other.to_bits() >> 64,
        _ => false,
    }
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
