//! How strongly each wireless interface receives its access point.
//!
//! A weak signal makes loss and jitter that look like those of a line. The rate that the card and the
//! access point chose is deliberately absent: the kernel says it over nl80211 alone.

use proto::metrics;

use super::{HostSource, Readings, Unmeasurable, bounded};
use crate::os::{self, Root};

/// Wireless interfaces of one machine that are reported.
const BOUND: usize = 4;

#[derive(Default)]
pub(super) struct Wireless {
    root: Root,
}

impl HostSource for Wireless {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let found = os::wireless(&self.root).map_err(|error| super::unreadable(&error))?;
        let what = "wireless interfaces";
        for one in bounded(found, BOUND, |one| &one.interface, what, readings) {
            if let Some(signal) = one.signal {
                let labels = [one.interface.as_str()];
                readings.push(&metrics::DEVICE_WIFI_SIGNAL, &labels, signal.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_signal_is_a_reading_and_a_level_of_the_drivers_own_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
        let table = "header\nheader\nwlan0: 0000 54. -56. -256\nwlan1: 0000 78. 195. 0.\n";
        std::fs::write(folder.path().join("proc/net/wireless"), table).unwrap();
        let mut wireless = Wireless {
            root: Root(folder.path().to_owned()),
        };
        let mut readings = Readings::default();
        wireless.read(&mut readings).unwrap();
        assert_eq!(readings.taken.len(), 1);
        assert_eq!(readings.taken[0].value, -56.0);
        assert_eq!(
            readings.taken[0].series.labels,
            [("interface", "wlan0".to_owned())]
        );
    }
}
