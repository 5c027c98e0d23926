//! Name and version of the operating system, its kernel, and the host name. What the system does
//! not say is left empty.

use proto::metrics;
use sysinfo::System;

use super::{HostSource, Hourly, Readings, Unmeasurable, display_text};

#[derive(Default)]
pub(super) struct OsInfo {
    labels: Hourly<[String; 4]>,
}

impl HostSource for OsInfo {
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let labels = self.labels.get(|| {
            [
                System::name(),
                System::os_version(),
                System::kernel_version(),
                System::host_name(),
            ]
            .map(|text| display_text(&text.unwrap_or_default()))
        });
        let labels = labels.each_ref().map(String::as_str);
        readings.push(&metrics::DEVICE_OS_INFO, &labels, 1.0);
        Ok(())
    }
}
