//! Whether the system is about to end, by what systemd leaves for everybody to read.
//!
//! `/run/nologin` is made when users may not log in any more, minutes before a planned shutdown and, by
//! `systemd-user-sessions`, in the course of every one; a plan for one is in `/run/systemd/shutdown/scheduled`. A
//! service that is ordered before `systemd-user-sessions.service` is stopped after it, and finds the first in time.
//! Deliberately absent: a word with systemd over its bus, and init systems that leave nothing to read.

use std::time::{Duration, SystemTime};

use super::super::Root;

/// A planned shutdown that is further away does not explain that the agent is to end now.
const SOON: Duration = Duration::from_mins(1);

/// Whether the machine shuts down, as far as the system says.
#[must_use]
pub fn shuts_down(root: &Root) -> bool {
    if root.join("run/nologin").exists() {
        return true;
    }
    let scheduled = root.read("run/systemd/shutdown/scheduled");
    let planned = scheduled.ok().and_then(|text| planned(&text));
    let soon = SystemTime::now() + SOON;
    planned.is_some_and(|at| at <= soon)
}

/// `USEC=1767225600000000`, beside `MODE=` and others.
fn planned(scheduled: &str) -> Option<SystemTime> {
    let mut lines = scheduled.lines();
    let since = lines.find_map(|line| line.strip_prefix("USEC="))?;
    let since = Duration::from_micros(since.trim().parse().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A system with this file, or none.
    fn told(file: Option<(&str, &str)>) -> bool {
        let folder = tempfile::tempdir().unwrap();
        if let Some((path, text)) = file {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        shuts_down(&Root(folder.path().to_owned()))
    }

    #[test]
    fn a_shutdown_is_told_from_a_stop() {
        let in_an_hour = SystemTime::now() + Duration::from_hours(1);
        let in_an_hour = in_an_hour.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let in_an_hour = format!("MODE=poweroff\nUSEC={}\n", in_an_hour.as_micros());
        let scheduled = "run/systemd/shutdown/scheduled";
        assert!(!told(None));
        assert!(told(Some(("run/nologin", ""))));
        assert!(told(Some((
            scheduled,
            "USEC=1767225600000000\nMODE=reboot\n"
        ))));
        assert!(!told(Some((scheduled, &in_an_hour))));
        assert!(!told(Some((scheduled, "MODE=poweroff\nUSEC=soon\n"))));
    }
}
