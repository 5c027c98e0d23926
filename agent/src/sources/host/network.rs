//! Link, speed, duplex and traffic of each network interface that leads out of this machine; see
//! [`crate::os::interfaces`] for which do.

use proto::metrics;

use super::{HostSource, Readings, Unmeasurable, bounded, number};
use crate::os::{self, Interface, Root};

/// Interfaces of one machine that are reported.
const BOUND: usize = 16;

#[derive(Default)]
pub(super) struct Network {
    root: Root,
}

impl HostSource for Network {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let found = os::interfaces(&self.root).map_err(|error| super::unreadable(&error))?;
        for one in bounded(found, BOUND, |one| &one.name, "interfaces", readings) {
            push(&one, readings);
        }
        Ok(())
    }
}

fn push(interface: &Interface, readings: &mut Readings) {
    let labels = [interface.name.as_str()];
    if let Some(up) = interface.up {
        readings.push(
            &metrics::DEVICE_INTERFACE_UP,
            &labels,
            f64::from(u8::from(up)),
        );
    }
    if let Some(speed) = interface.speed {
        readings.push(&metrics::DEVICE_INTERFACE_SPEED, &labels, speed);
    }
    if let Some(full) = interface.full_duplex {
        let full = f64::from(u8::from(full));
        readings.push(&metrics::DEVICE_INTERFACE_FULL_DUPLEX, &labels, full);
    }
    if let Some(changes) = interface.carrier_changes {
        let changes = number(changes);
        readings.push(&metrics::DEVICE_INTERFACE_CARRIER_CHANGES, &labels, changes);
    }
    let (received, sent) = (interface.received, interface.transmitted);
    for (metric, count) in [
        (&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, received.bytes),
        (&metrics::DEVICE_INTERFACE_TRANSMIT_BYTES, sent.bytes),
        (&metrics::DEVICE_INTERFACE_RECEIVE_ERRORS, received.errors),
        (&metrics::DEVICE_INTERFACE_TRANSMIT_ERRORS, sent.errors),
        (&metrics::DEVICE_INTERFACE_RECEIVE_DROPS, received.drops),
        (&metrics::DEVICE_INTERFACE_TRANSMIT_DROPS, sent.drops),
    ] {
        readings.push(metric, &labels, number(count));
    }
}
