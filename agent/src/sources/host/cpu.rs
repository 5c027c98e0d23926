//! How busy the processors are, all together, and how many there are.
//!
//! Waiting for disks counts as idle, time stolen by a hypervisor as busy. The first run has nothing
//! to compare with and gives no usage.

use proto::metrics;
use sysinfo::System;

use super::{HostSource, Readings, Unmeasurable};

#[derive(Default)]
pub(super) struct Cpu {
    system: Option<System>,
}

impl HostSource for Cpu {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            let usage = f64::from(system.global_cpu_usage()) / 100.0;
            // Ticks of 10 ms say no more than a tenth of a percent.
            let usage = (usage.clamp(0.0, 1.0) * 1000.0).round() / 1000.0;
            readings.push(&metrics::DEVICE_CPU_USAGE, &[], usage);
            push_count(system, readings);
        } else {
            let mut system = System::new().map_err(|error| super::unreadable(&error))?;
            system.refresh_cpu_usage();
            push_count(&system, readings);
            self.system = Some(system);
        }
        Ok(())
    }
}

fn push_count(system: &System, readings: &mut Readings) {
    let count = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
    if count > 0 {
        readings.push(&metrics::DEVICE_CPUS, &[], f64::from(count));
    }
}
