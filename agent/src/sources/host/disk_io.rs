//! Bytes read from and written to each physical disk since boot.

use proto::metrics;

use super::{HostSource, Readings, Unmeasurable, bounded, number};
use crate::os::{self, Root};

/// Disks of one machine that are reported.
const BOUND: usize = 16;

#[derive(Default)]
pub(super) struct DiskIo {
    root: Root,
}

impl HostSource for DiskIo {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let found = os::disks(&self.root).map_err(|error| super::unreadable(&error))?;
        for disk in bounded(found, BOUND, |disk| &disk.name, "disks", readings) {
            let labels = [disk.name.as_str()];
            readings.push(&metrics::DEVICE_DISK_READ, &labels, number(disk.read));
            readings.push(&metrics::DEVICE_DISK_WRITTEN, &labels, number(disk.written));
        }
        Ok(())
    }
}
