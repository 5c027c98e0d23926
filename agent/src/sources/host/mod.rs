//! What this machine knows of itself: one file per source, and the thread they read on.
//!
//! Host sources are plain blocking calls (`HostSource`). `blocking.rs` makes a [`Source`] of each,
//! so that a disk that never answers delays its own source and nothing else, with one thread. What the
//! kernel has in memory is read at once, without a thread.

mod blocking;
mod boot;
mod cpu;
mod disk_io;
mod filesystem;
mod hardware;
mod load;
mod memory;
mod network;
mod os_info;
mod temperature;
mod turn;
mod wifi;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use proto::limits::LABEL_BYTES;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::blocking::{Blocking, Make, Reading};
use super::{Readings, Source, Unmeasurable};

/// Every host source.
const SOURCES: [(&str, Reading, Make); 11] = [
    ("cpu", Reading::AtOnce, || Box::new(cpu::Cpu::default())),
    ("memory", Reading::AtOnce, || {
        Box::new(memory::Memory::default())
    }),
    ("filesystem", Reading::MayHang, || {
        Box::new(filesystem::Filesystems::default())
    }),
    ("disk_io", Reading::MayHang, || {
        Box::new(disk_io::DiskIo::default())
    }),
    ("network", Reading::MayHang, || {
        Box::new(network::Network::default())
    }),
    ("wifi", Reading::MayHang, || {
        Box::new(wifi::Wireless::default())
    }),
    ("load", Reading::AtOnce, || Box::new(load::Load::default())),
    ("temperature", Reading::MayHang, || {
        Box::new(temperature::Temperatures::default())
    }),
    ("boot", Reading::AtOnce, || Box::new(boot::Boot::default())),
    ("os_info", Reading::MayHang, || {
        Box::new(os_info::OsInfo::default())
    }),
    ("hardware", Reading::MayHang, || {
        Box::new(hardware::Hardware::default())
    }),
];

/// Every host source, ready to be scheduled.
#[must_use]
pub fn all() -> Vec<Box<dyn Source>> {
    let turn = Arc::new(Semaphore::new(1));
    SOURCES
        .iter()
        .map(|(name, reading, make)| Blocking::new(name, *reading, *make, Arc::clone(&turn)))
        .map(|source| Box::new(source) as Box<dyn Source>)
        .chain([Box::new(turn::Turn) as Box<dyn Source>])
        .collect()
}

/// A thing that reads something of this machine, and may block while it does.
trait HostSource: Send {
    /// Reads once.
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable>;
}

/// What seldom changes: read at first and then once an hour, pushed at every run.
#[derive(Debug, Default)]
struct Hourly<T> {
    read: Option<(Instant, T)>,
}

impl<T> Hourly<T> {
    fn get(&mut self, read: impl FnOnce() -> T) -> &T {
        const HOUR: Duration = Duration::from_hours(1);
        let fresh = self.read.take().filter(|(when, _)| when.elapsed() < HOUR);
        let (_, value) = self
            .read
            .insert(fresh.unwrap_or_else(|| (Instant::now(), read())));
        value
    }
}

/// Keeps the first `bound` things that have a name fit for a label, and says what it left out.
fn bounded<T>(
    mut things: Vec<T>,
    bound: usize,
    name: fn(&T) -> &str,
    what: &str,
    readings: &mut Readings,
) -> Vec<T> {
    let found = things.len();
    things.retain(|thing| (1..=LABEL_BYTES).contains(&name(thing).len()));
    things.truncate(bound);
    let left_out = found - things.len();
    if left_out > 0 {
        readings.limitations.push(Unmeasurable {
            what: format!("{left_out} of {found} {what} are left out"),
            remedy: format!("at most {bound} with names of up to {LABEL_BYTES} bytes are measured"),
        });
    }
    things
}

/// Text of the system for a label that only people read: without control characters, cut to fit.
pub(super) fn display_text(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    let mut cut = text.trim().to_owned();
    cut.truncate(cut.floor_char_boundary(LABEL_BYTES));
    cut
}

/// Counters and sizes are exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// A gauge of bytes without digits that only wobble, rounded down: to a thousandth of the whole and a
/// hundredth of itself at least, in powers of ten.
fn coarse(bytes: u64, whole: u64) -> f64 {
    let finest = (whole / 1000).min(bytes / 100).max(1);
    let step = 10_u64.pow(finest.ilog10());
    number(bytes / step * step)
}

/// For errors whose cause says it all.
fn unreadable(error: &dyn Error) -> Unmeasurable {
    let cause = error.source().map(|cause| format!(": {cause}"));
    Unmeasurable {
        what: format!("{error}{}", cause.unwrap_or_default()),
        remedy: "let the agent's user read it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_told() {
        let mut readings = Readings::default();
        let names = vec![
            "a".to_owned(),
            String::new(),
            "x".repeat(129),
            "b".to_owned(),
        ];
        let kept = bounded(names.clone(), 9, |name| name, "disks", &mut readings);
        assert_eq!(kept, ["a", "b"]);
        let kept = bounded(names, 1, |name| name, "disks", &mut readings);
        assert_eq!(kept, ["a"]);
        let said: Vec<_> = readings.limitations.iter().map(|one| &one.what).collect();
        assert_eq!(
            said,
            ["2 of 4 disks are left out", "3 of 4 disks are left out"]
        );
    }

    #[test]
    fn gauges_of_bytes_keep_the_digits_that_say_something() {
        let check = |bytes, whole, expected| assert_eq!(coarse(bytes, whole), expected, "{bytes}");
        check(7_654_321_987, 8_000_000_000, 7_654_000_000.0);
        check(54_321_987, 8_000_000_000, 54_300_000.0);
        check(54_321_987, 64_000_000, 54_320_000.0);
        check(123, 8_000_000_000, 123.0);
        check(0, 8_000_000_000, 0.0);
        check(5, 0, 5.0);
    }

    #[test]
    fn display_text_fits_a_label() {
        assert_eq!(display_text(" Acme\tInc\0\n"), "Acme Inc");
        assert_eq!(display_text(&"ệ".repeat(60)), "ệ".repeat(42));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_facts_are_read_again_after_an_hour() {
        let mut hourly = Hourly::default();
        assert_eq!(hourly.get(|| 1), &1);
        tokio::time::advance(Duration::from_mins(59)).await;
        assert_eq!(hourly.get(|| 2), &1);
        tokio::time::advance(Duration::from_mins(2)).await;
        assert_eq!(hourly.get(|| 3), &3);
    }
}
