//! Load averages, on systems that have them.

use proto::metrics;

use super::{HostSource, Readings, Unmeasurable};
use crate::os::{self, Root};

#[derive(Default)]
pub(super) struct Load {
    root: Root,
}

impl HostSource for Load {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let load = os::load_average(&self.root).map_err(|error| super::unreadable(&error))?;
        for (minutes, value) in ["1", "5", "15"].iter().zip(load.into_iter().flatten()) {
            readings.push(&metrics::DEVICE_LOAD_AVERAGE, &[minutes], value);
        }
        Ok(())
    }
}
