//! Memory and swap: sizes, and what is left.

use proto::metrics;
use sysinfo::System;

use super::{HostSource, Readings, Unmeasurable, number};

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
        let values = [
            (&metrics::DEVICE_MEMORY_SIZE, system.total_memory()),
            (&metrics::DEVICE_MEMORY_AVAILABLE, system.available_memory()),
            (&metrics::DEVICE_SWAP_SIZE, system.total_swap()),
            (&metrics::DEVICE_SWAP_USED, system.used_swap()),
        ];
        self.system = Some(system);
        for (metric, bytes) in values {
            readings.push(metric, &[], number(bytes));
        }
        Ok(())
    }
}
