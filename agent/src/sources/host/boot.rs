//! When this machine was started, by its own clock: it moves when that clock is set.
//!
//! The system works it out from a clock that is being disciplined, to the second; what that alone
//! moves is not told.

use proto::metrics;
use sysinfo::System;

use super::{HostSource, Readings, Unmeasurable, number};

/// Seconds.
const WOBBLE: u64 = 2;

#[derive(Default)]
pub(super) struct Boot {
    told: Option<u64>,
}

impl HostSource for Boot {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let booted = System::boot_time().map_err(|error| super::unreadable(&error))?;
        readings.push(&metrics::DEVICE_BOOT_TIME, &[], number(self.steady(booted)));
        Ok(())
    }
}

impl Boot {
    fn steady(&mut self, booted: u64) -> u64 {
        let told = self.told.filter(|told| told.abs_diff(booted) <= WOBBLE);
        *self.told.insert(told.unwrap_or(booted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_until_the_clock_is_set() {
        let mut boot = Boot::default();
        let said = [100, 101, 99, 102, 103, 102, 4_000].map(|booted| boot.steady(booted));
        assert_eq!(said, [100, 100, 100, 100, 103, 103, 4_000]);
    }
}
