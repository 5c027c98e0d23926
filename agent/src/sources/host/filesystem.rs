//! Size of each local file system and what ordinary users can still fill, to about a thousandth of
//! the size; see [`crate::os::filesystems`] for which count.

use proto::metrics;

use super::{HostSource, Readings, Unmeasurable, bounded, coarse, number};
use crate::os::{self, Root};

/// File systems of one machine that are reported.
const BOUND: usize = 32;

#[derive(Default)]
pub(super) struct Filesystems {
    root: Root,
}

impl HostSource for Filesystems {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let found = os::filesystems(&self.root).map_err(|error| super::unreadable(&error))?;
        for one in bounded(
            found,
            BOUND,
            |one| &one.mountpoint,
            "file systems",
            readings,
        ) {
            let labels = [one.mountpoint.as_str()];
            readings.push(&metrics::DEVICE_FILESYSTEM_SIZE, &labels, number(one.size));
            readings.push(
                &metrics::DEVICE_FILESYSTEM_AVAILABLE,
                &labels,
                coarse(one.available, one.size),
            );
        }
        Ok(())
    }
}
