//! Load averages, on systems that have them, in tenths: less is no load.

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
            let tenths = (value * 10.0).round() / 10.0;
            readings.push(&metrics::DEVICE_LOAD_AVERAGE, &[minutes], tenths);
        }
        Ok(())
    }
}
