//! How busy the processors are, all together, and how many there are.
//!
//! Waiting for disks counts as idle, time stolen by a hypervisor as busy. The first run looks
//! twice within a moment, so that a machine just started is soon seen.

use proto::metrics;
use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, System};

use super::{HostSource, Readings, Unmeasurable};

#[derive(Default)]
pub(super) struct Cpu {
    system: Option<System>,
}

impl HostSource for Cpu {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let system = match &mut self.system {
            Some(system) => system,
            empty => empty.insert(first_look()?),
        };
        system.refresh_cpu_usage();
        let usage = f64::from(system.global_cpu_usage()) / 100.0;
        // Ticks of 10 ms say no more than a tenth of a percent.
        let usage = (usage.clamp(0.0, 1.0) * 1000.0).round() / 1000.0;
        readings.push(&metrics::DEVICE_CPU_USAGE, &[], usage);
        let count = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
        if count > 0 {
            readings.push(&metrics::DEVICE_CPUS, &[], f64::from(count));
        }
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread for blocking work; there is no state to wait for"
)]
fn first_look() -> Result<System, Unmeasurable> {
    let mut system = System::new().map_err(|error| super::unreadable(&error))?;
    system.refresh_cpu_usage();
    std::thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
    Ok(system)
}
