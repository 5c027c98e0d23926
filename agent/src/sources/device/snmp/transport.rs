//! What all sessions share: keys, a buffer, and manners towards the network.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_snmp::DesSaltState;
use proto::plan::Snmp;
use tokio::sync::Semaphore;

use super::convert::network;
use super::credentials::{Keys, des_salts};
use super::live::Live;
use super::wire::{Buffer, Socket, buffer};
use super::{Budget, Session, Trouble};

/// Asks devices, each in a session of its own. Cheap to clone; whoever clones it shares it.
#[derive(Clone)]
pub(crate) struct Transport {
    shared: Arc<Shared>,
    buffer: Buffer,
}

/// What the requests of all sessions have in common.
pub(crate) struct Shared {
    pub(super) keys: Keys,
    /// For who still encrypts with DES.
    pub(super) des_salts: Option<DesSaltState>,
    /// A request takes one while an answer may be on its way.
    pub(super) in_flight: Semaphore,
}

impl Shared {
    /// Requests that may be in flight to all devices together.
    const IN_FLIGHT: usize = 8;

    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            keys: Keys::default(),
            des_salts: des_salts(),
            in_flight: Semaphore::new(Self::IN_FLIGHT),
        })
    }
}

impl Transport {
    /// For as long as anything is asked: keys made of passwords are kept in it.
    pub(crate) fn new() -> Self {
        Self {
            shared: Shared::new(),
            buffer: buffer(),
        }
    }

    /// From now on only these are asked: what is kept for the secrets of others is forgotten.
    pub(crate) fn keep<'s>(&self, asked: impl Iterator<Item = &'s Snmp> + Clone) {
        let keys = &self.shared.keys;
        keys.keep(|security| asked.clone().any(|snmp| snmp.security == *security));
    }

    /// Begins to ask the device at this address. Nothing is sent yet, and its time runs.
    pub(crate) fn session(
        &self,
        address: IpAddr,
        snmp: &Snmp,
        budget: Budget,
    ) -> Result<impl Session + use<>, Trouble> {
        let peer = SocketAddr::new(address, snmp.port);
        let socket = Socket::connect(peer, Arc::clone(&self.buffer), budget.requests);
        let socket = socket.map_err(|error| network(error.kind()))?;
        let shared = Arc::clone(&self.shared);
        Ok(Live::new(socket, shared, snmp.security.clone(), budget))
    }
}
