//! When this machine was started, by its own clock: it moves when that clock is set.

use proto::metrics;
use sysinfo::System;

use super::{HostSource, Readings, Unmeasurable, number};

pub(super) struct Boot;

impl HostSource for Boot {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let booted = System::boot_time().map_err(|error| super::unreadable(&error))?;
        readings.push(&metrics::DEVICE_BOOT_TIME, &[], number(booted));
        Ok(())
    }
}
