//! What this machine's settings say of its network: gateways and resolvers. Read anew for every run, unless
//! that hangs: then they are what they were.

use std::net::IpAddr;

use tokio::time::Instant;

use super::super::{Readings, Unmeasurable};
use super::slow::Slow;
use crate::os::{self, Address, Root, Unreadable};

/// What a machine finds around itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    pub(super) gateways: Vec<Address>,
    pub(super) resolvers: Vec<Address>,
}

/// What was found last, and the look that is under way.
#[derive(Debug, Default)]
pub(super) struct Looking {
    pub(super) root: Root,
    pub(super) found: Surroundings,
    under_way: Slow<Result<Surroundings, Unreadable>>,
}

impl Looking {
    /// Looks around, and waits for it until then.
    pub(super) async fn look(&mut self, deadline: Instant, readings: &mut Readings) {
        let root = self.root.clone();
        self.under_way
            .start(|| tokio::task::spawn_blocking(move || Surroundings::read(&root)));
        match self.under_way.returned(deadline).await {
            Some(Ok(found)) => self.found = found,
            Some(Err(error)) => readings.limitations.push(Unmeasurable {
                what: format!("gateways or resolvers are unknown: {error}"),
                remedy: "let the agent's user read it".to_owned(),
            }),
            None => {}
        }
    }
}

impl Surroundings {
    fn read(root: &Root) -> Result<Self, Unreadable> {
        Ok(Self {
            gateways: os::gateways(root)?,
            resolvers: os::resolvers(root)?,
        })
    }

    /// The addresses of the gateways alone.
    pub(super) fn gateway_ips(&self) -> Vec<IpAddr> {
        self.gateways.iter().map(|gateway| gateway.ip).collect()
    }
}
