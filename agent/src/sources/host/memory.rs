//! Memory and swap: sizes, and what is left, to about a thousandth of the size.

use proto::metrics;
use sysinfo::System;

use super::{HostSource, Readings, Unmeasurable, coarse, number};

#[derive(Default)]
pub(super) struct Memory {
    system: Option<System>,
}

impl HostSource for Memory {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let mut system = match self.system.take() {
            Some(system) => system,
            None => System::new().map_err(|error| super::unreadable(&error))?,
        };
        system.refresh_memory();
        let (size, swap) = (system.total_memory(), system.total_swap());
        let values = [
            (&metrics::DEVICE_MEMORY_SIZE, number(size)),
            (
                &metrics::DEVICE_MEMORY_AVAILABLE,
                coarse(system.available_memory(), size),
            ),
            (&metrics::DEVICE_SWAP_SIZE, number(swap)),
            (&metrics::DEVICE_SWAP_USED, coarse(system.used_swap(), swap)),
        ];
        self.system = Some(system);
        for (metric, value) in values {
            readings.push(metric, &[], value);
        }
        Ok(())
    }
}
