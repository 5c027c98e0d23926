//! What this machine knows of itself: one file per source, and the thread they read on.
//!
//! Host sources are plain blocking calls (`HostSource`). `Blocking` makes a [`Source`] of each,
//! so that a disk that never answers delays its own source and nothing else, with one thread. What the
//! kernel has in memory is read at once, without a thread.

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
mod wifi;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use proto::limits::LABEL_BYTES;
use proto::plan::Plan;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Phase, Readings, Sampling, Source, Unmeasurable};

/// Makes a host source. A source that panicked is made anew.
type Make = fn() -> Box<dyn HostSource>;

/// Whether reading may take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// What the kernel has in memory: read where it is wanted.
    AtOnce,
    /// What a disk or a driver has to be asked for: read on a thread of its own.
    MayHang,
}

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
        .collect()
}

/// How long a source waits for others to be done: most take less than a millisecond, and one after the
/// other they need one thread and its memory, not one each. Whatever hangs holds up nobody for longer.
const TURN: Duration = Duration::from_millis(50);

/// A thing that reads something of this machine, and may block while it does.
trait HostSource: Send {
    /// Reads once.
    fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable>;
}

/// Runs a [`HostSource`], on a blocking thread where it may hang, one call at a time. A call that outlives its run is
/// left alone, and the runs after it fail at once until it returns.
struct Blocking {
    name: &'static str,
    reading: Reading,
    make: Make,
    /// Of all host sources together.
    turn: Arc<Semaphore>,
    idle: Option<Box<dyn HostSource>>,
    running: Option<JoinHandle<Returned>>,
}

/// The source itself, what it read, and whether it could.
type Returned = (Box<dyn HostSource>, Readings, Result<(), Unmeasurable>);

impl Blocking {
    fn new(name: &'static str, reading: Reading, make: Make, turn: Arc<Semaphore>) -> Self {
        Self {
            name,
            reading,
            make,
            turn,
            idle: None,
            running: None,
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        match self.reading {
            Reading::AtOnce => self.read_here(readings),
            Reading::MayHang => self.read_elsewhere(readings).await,
        }
    }

    /// Waking a thread costs more than these reads do.
    fn read_here(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let mut source = self.idle.take().unwrap_or_else(self.make);
        let read = AssertUnwindSafe(|| source.read(readings));
        let result = catch_unwind(read).map_err(|_| self.broken())?;
        self.idle = Some(source);
        result
    }

    async fn read_elsewhere(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        if let Some(call) = self.running.take() {
            if !call.is_finished() {
                self.running = Some(call);
                return Err(self.stuck());
            }
            // What a late call read is not of now.
            self.idle = call.await.ok().map(|(source, ..)| source);
        }
        let turn = timeout(TURN, Arc::clone(&self.turn).acquire_owned()).await;
        let mut source = self.idle.take().unwrap_or_else(self.make);
        let mut own = std::mem::take(readings);
        let task = tokio::task::spawn_blocking(move || {
            let result = source.read(&mut own);
            drop(turn);
            (source, own, result)
        });
        let outcome = self.running.insert(task).await;
        self.running = None;
        let (source, taken, result) = outcome.map_err(|_| self.broken())?;
        self.idle = Some(source);
        *readings = taken;
        result
    }

    fn broken(&self) -> Unmeasurable {
        Unmeasurable {
            what: format!("{} broke down", self.name),
            remedy: "report the message in the agent's log".to_owned(),
        }
    }

    /// The same words every time, so that they are logged once.
    fn stuck(&self) -> Unmeasurable {
        Unmeasurable {
            what: format!("{} has not returned yet", self.name),
            remedy:
                "look for a disk, mount or driver that hangs, and restart the machine if it stays"
                    .to_owned(),
        }
    }
}

impl Source for Blocking {
    fn name(&self) -> &'static str {
        self.name
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.host_interval
    }

    fn phase(&self) -> Phase {
        Phase::Shared
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
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
fn display_text(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    let mut cut = text.trim().to_owned();
    cut.truncate(cut.floor_char_boundary(LABEL_BYTES));
    cut
}

/// Counters and sizes are exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
fn number(count: u64) -> f64 {
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
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::{Condvar, Mutex};

    use proto::metrics;

    use super::*;

    /// Whether who waits at it may go on.
    type Door = (Mutex<bool>, Condvar);

    const fn closed() -> Door {
        (Mutex::new(false), Condvar::new())
    }

    fn open(door: &Door) {
        *door.0.lock().unwrap() = true;
        door.1.notify_all();
    }

    fn turn() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    fn hanging(make: Make, turn: &Arc<Semaphore>) -> Blocking {
        Blocking::new("hanging", Reading::MayHang, make, Arc::clone(turn))
    }

    struct Hanging(&'static Door);

    struct Quick;

    impl HostSource for Quick {
        fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
            readings.push(&metrics::DEVICE_CPUS, &[], 1.0);
            Ok(())
        }
    }

    impl HostSource for Hanging {
        fn read(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
            let open = self.0.0.lock().unwrap();
            drop(self.0.1.wait_while(open, |open| !*open).unwrap());
            readings.push(&metrics::DEVICE_CPUS, &[], 1.0);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_call_that_hangs_fails_the_next_run_at_once_and_recovers_when_it_returns() {
        static DOOR: Door = closed();
        let mut source = hanging(|| Box::new(Hanging(&DOOR)), &turn());
        let mut readings = Readings::default();
        let given_up =
            tokio::time::timeout(Duration::from_millis(1), source.sample(&mut readings)).await;
        assert!(given_up.is_err(), "the first run hangs");

        let stuck = source.sample(&mut readings).await.unwrap_err();
        assert_eq!(stuck.what, "hanging has not returned yet");
        assert!(readings.taken.is_empty());

        open(&DOOR);
        while !source.running.as_ref().unwrap().is_finished() {
            tokio::task::yield_now().await;
        }
        source.sample(&mut readings).await.unwrap();
        assert_eq!(readings.taken.len(), 1, "of the new call alone");
    }

    #[tokio::test]
    async fn sources_take_turns_and_one_that_hangs_holds_up_no_other_for_long() {
        static DOOR: Door = closed();
        let turn = turn();
        let mut hanging = hanging(|| Box::new(Hanging(&DOOR)), &turn);
        let quick = || Box::new(Quick) as Box<dyn HostSource>;
        let mut quick = Blocking::new("quick", Reading::MayHang, quick, Arc::clone(&turn));
        let (mut hung, mut readings) = (Readings::default(), Readings::default());
        let run = timeout(Duration::from_millis(1), hanging.sample(&mut hung));
        assert!(run.await.is_err(), "it hangs");
        assert_eq!(turn.available_permits(), 0, "it is its turn");
        quick.sample(&mut readings).await.unwrap();
        assert_eq!(readings.taken.len(), 1);
        open(&DOOR);
        let returned = turn.acquire().await;
        assert!(returned.is_ok(), "the turn is over when the call returns");
    }

    struct Panicking;

    impl HostSource for Panicking {
        fn read(&mut self, _: &mut Readings) -> Result<(), Unmeasurable> {
            panic!("on purpose")
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_source() {
        for reading in [Reading::AtOnce, Reading::MayHang] {
            let panicking = || Box::new(Panicking) as Box<dyn HostSource>;
            let mut source = Blocking::new("panicking", reading, panicking, turn());
            for _ in 0..2 {
                let error = source.sample(&mut Readings::default()).await.unwrap_err();
                assert!(error.what.contains("broke down"), "{error}");
            }
        }
    }

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
