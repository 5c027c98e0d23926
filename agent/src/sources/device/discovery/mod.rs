//! Looks for printers, routers and the like in the machine's own networks, where the plan asks for it: that
//! of a scout, and only where somebody wants it.
//!
//! In reading order: `places` (which addresses), `mdns` (who says of himself to be a printer), `look` (asking
//! them), `found` (what is told). A look is slow, goes to private addresses of the machine's own networks
//! alone, and knocks there in turns with what loads the line. What it found is told to the collector once, where it
//! waits for somebody's approval; it is not kept on disk, since the next look finds it again. Deliberately
//! absent: networks behind a router, IPv6 (its networks are too large to look at every address), ports that
//! nothing of ours would ask later, and guessing credentials: those of the plan are tried.

mod found;
mod look;
mod mdns;
mod places;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proto::plan::{Discovery, Plan};
use proto::wire::FoundDevice;
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use self::look::{Look, Looked};
use crate::os::Root;
use crate::sources::Context;

/// Devices that one look may find.
pub(crate) const MOST_FOUND: usize = 256;

/// The first look comes within this: soon, and not that of every scout of a province at once.
const FIRST_WITHIN: Duration = Duration::from_mins(1);

/// Looks for as long as the agent runs, whenever the plan asks for it. What a look found replaces what the
/// look before it found.
pub(crate) async fn run(context: Context, found: watch::Sender<Vec<FoundDevice>>) {
    let mut plan = context.plan.clone();
    loop {
        let asked = plan.borrow_and_update().discovery.clone();
        let is_other = |plan: &Plan| plan.discovery != asked;
        let replaced = async { plan.wait_for(is_other).await.is_ok() };
        let is_replaced = match &asked {
            None => replaced.await,
            Some(discovery) => tokio::select! {
                is_replaced = replaced => is_replaced,
                () = again_and_again(&context, discovery, &found) => false,
            },
        };
        if !is_replaced {
            return;
        }
    }
}

async fn again_and_again(
    context: &Context,
    discovery: &Discovery,
    found: &watch::Sender<Vec<FoundDevice>>,
) {
    sleep(first_after(discovery.interval)).await;
    loop {
        let began = Instant::now();
        if let Some(devices) = look(context, discovery).await {
            found.send_replace(devices);
        }
        sleep_until(began + discovery.interval).await;
    }
}

/// A random moment of the first tenth of the interval, or of [`FIRST_WITHIN`].
fn first_after(interval: Duration) -> Duration {
    rand::rng().random_range(Duration::ZERO..=FIRST_WITHIN.min(interval / 10))
}

/// `None` where there was no looking.
async fn look(context: &Context, discovery: &Discovery) -> Option<Vec<FoundDevice>> {
    let known = known(&context.plan.borrow());
    let look = Look {
        root: &Root::default(),
        credentials: &discovery.credentials,
        known,
        heavy: &context.heavy,
    };
    match look.around().await {
        Ok(Looked {
            devices,
            addresses,
            left_out,
        }) => {
            info!(
                devices = devices.len(),
                addresses, left_out, "Looked for devices."
            );
            Some(devices)
        }
        Err(error) => {
            warn!(error = crate::chain(&error), "Cannot look for devices.");
            None
        }
    }
}

/// Where the devices of the plan are, or were.
fn known(plan: &Plan) -> Vec<Ipv4Addr> {
    let addresses = plan.devices.iter().map(|device| device.address);
    addresses
        .filter_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
