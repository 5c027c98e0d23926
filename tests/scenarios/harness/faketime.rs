//! A wall clock that is wrong, and may be set while a program runs: libfaketime in front of a real
//! program. The boot's own clock stays as it is, as it does on a machine whose clock is set.
//!
//! <https://github.com/wolfcw/libfaketime>

use std::time::Duration;

use jiff::Timestamp;

use super::process::Folder;
use super::skip::program;

/// What the loader puts in front of the program; it fills in `$LIB`.
const LIBRARY: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";

/// The clock of one machine, compared with that of this one.
#[derive(Debug)]
pub struct FakeClock {
    folder: Folder,
}

/// Which way a clock is wrong.
#[derive(Debug, Clone, Copy)]
pub enum Error {
    /// It shows a later time.
    Ahead(Duration),
    /// It shows an earlier time.
    Behind(Duration),
}

impl Error {
    /// Of a clock that shows this now.
    pub fn of_a_clock_at(shown: Timestamp) -> Self {
        let ahead = shown.duration_since(Timestamp::now());
        let by = ahead.unsigned_abs();
        match ahead.is_negative() {
            true => Self::Behind(by),
            false => Self::Ahead(by),
        }
    }

    /// What the clock shows less the true time.
    pub fn seconds(self) -> f64 {
        match self {
            Self::Ahead(by) => by.as_secs_f64(),
            Self::Behind(by) => -by.as_secs_f64(),
        }
    }
}

impl FakeClock {
    /// A clock that is right, so far. An error where libfaketime is not installed.
    pub fn new() -> Result<Self, String> {
        // It comes with the library.
        program("faketime")?;
        let clock = Self {
            folder: Folder::new("clock"),
        };
        clock.set(Error::Ahead(Duration::ZERO));
        Ok(clock)
    }

    /// Sets it. A program that runs sees it at its next look.
    pub fn set(&self, error: Error) {
        let seconds = error.seconds();
        // Replaced as a whole: it is read at every look.
        let fresh = self.folder.write("fresh", format!("{seconds:+.0}\n"));
        std::fs::rename(fresh, self.folder.path().join("offset")).expect("a temporary file");
    }

    /// What comes in front of a command that looks at this clock.
    pub fn before_commands(&self) -> Vec<String> {
        let offset = self.folder.path().join("offset");
        vec![
            "env".to_owned(),
            format!("LD_PRELOAD={LIBRARY}"),
            format!("FAKETIME_TIMESTAMP_FILE={}", offset.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "NO_FAKE_STAT=1".to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::harness::eventually;
    use crate::harness::process::Process;
    use crate::needs;

    const YEAR: Duration = Duration::from_hours(365 * 24);

    fn now() -> f64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("after 1970").as_secs_f64()
    }

    #[test]
    fn a_program_sees_the_wrong_time() {
        let clock = needs!(FakeClock::new());
        for error in [
            Error::Ahead(Duration::ZERO),
            Error::Ahead(10 * YEAR),
            Error::Behind(Duration::from_hours(1)),
        ] {
            clock.set(error);
            let before = clock.before_commands();
            let (first, rest) = before.split_first().expect("env");
            let mut date = Command::new(first);
            date.args(rest)
                .args(["date", "+%s"])
                .stderr(Stdio::inherit());
            let shown = date.output().expect("date runs").stdout;
            let shown: f64 = String::from_utf8_lossy(&shown)
                .trim()
                .parse()
                .expect("seconds");
            let off = shown - now() - error.seconds();
            assert!(off.abs() < 5.0, "{error:?}: {off} s");
        }
    }

    #[tokio::test]
    async fn a_running_program_sees_that_it_was_set() {
        let clock = needs!(FakeClock::new());
        let folder = Folder::new("steps");
        let before = clock.before_commands();
        let (first, rest) = before.split_first().expect("env");
        let mut shell = Command::new(first);
        // `printf` of bash asks for the time itself.
        let script = "while :; do printf '%(%s)T\\n' -1; sleep 0.1; done";
        shell.args(rest).args(["bash", "-c", script]);
        let shell = Process::start("shell", &mut shell, &folder);
        for error in [Error::Behind(10 * YEAR), Error::Ahead(YEAR)] {
            clock.set(error);
            eventually(
                "the new time is shown",
                Duration::from_secs(20),
                async || {
                    let shown = shell.stdout();
                    let last: f64 = shown
                        .lines()
                        .next_back()
                        .unwrap_or_default()
                        .parse()
                        .unwrap_or(0.0);
                    match (last - now() - error.seconds()).abs() < 5.0 {
                        true => Ok(()),
                        false => Err(format!("{last}, it is {}", now())),
                    }
                },
            )
            .await;
        }
    }
}
