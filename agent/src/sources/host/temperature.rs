//! Temperatures, where there are sensors, to half a degree; none is no error.

use std::collections::HashMap;

use proto::metrics;

use super::{HostSource, Readings, Unmeasurable, bounded, display_text};
use crate::os::{self, Root, Temperature};

/// Sensors of one machine that are reported.
const BOUND: usize = 32;

/// Outside of this, a sensor is not connected or broken.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = -50.0..=200.0;

#[derive(Default)]
pub(super) struct Temperatures {
    root: Root,
}

impl HostSource for Temperatures {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let found = presentable(os::temperatures(&self.root));
        for one in bounded(found, BOUND, |one| &one.sensor, "sensors", readings) {
            let halves = (one.celsius * 2.0).round() / 2.0;
            readings.push(&metrics::DEVICE_TEMPERATURE, &[&one.sensor], halves);
        }
        Ok(())
    }
}

/// Plausible values alone, and a number behind names that occur again: two disks of one make.
fn presentable(found: Vec<Temperature>) -> Vec<Temperature> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut presentable = Vec::new();
    for Temperature { sensor, celsius } in found {
        let mut sensor = display_text(&sensor);
        let times = seen.entry(sensor.clone()).or_default();
        *times += 1;
        if *times > 1 {
            sensor = format!("{sensor} #{times}");
        }
        if PLAUSIBLE.contains(&celsius) {
            presentable.push(Temperature { sensor, celsius });
        }
    }
    presentable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_broken_sensors_silent() {
        let sensor = |sensor: &str, celsius| Temperature {
            sensor: sensor.into(),
            celsius,
        };
        let found = vec![
            sensor("nvme Composite", 40.0),
            sensor("nvme Composite", -273.15),
            sensor("nvme Composite", 41.0),
            sensor("chip", f64::NAN),
        ];
        let expected = [
            sensor("nvme Composite", 40.0),
            sensor("nvme Composite #3", 41.0),
        ];
        assert_eq!(presentable(found), expected);
    }
}
