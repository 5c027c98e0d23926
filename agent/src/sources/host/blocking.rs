//! Reads that block, run so that one that hangs delays nothing but itself.
//!
//! Each has one call at a time. Those that may hang take turns on one thread, and wait for each other for a
//! moment alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use proto::plan::Plan;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::{Phase, Readings, Sampling, Source, Unmeasurable};
use super::HostSource;

/// Makes a host source. A source that panicked is made anew.
pub(super) type Make = fn() -> Box<dyn HostSource>;

/// Whether reading may take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// What the kernel has in memory: read where it is wanted.
    AtOnce,
    /// What a disk or a driver has to be asked for: read on a thread of its own.
    MayHang,
}

/// How long a source waits for others to be done: most take less than a millisecond, and one after the
/// other they need one thread and its memory, not one each. Whatever hangs holds up nobody for longer.
const TURN: Duration = Duration::from_millis(50);

/// Runs a [`HostSource`], on a blocking thread where it may hang, one call at a time. A call that outlives its run is
/// left alone, and the runs after it fail at once until it returns.
pub(super) struct Blocking {
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
    pub(super) fn new(
        name: &'static str,
        reading: Reading,
        make: Make,
        turn: Arc<Semaphore>,
    ) -> Self {
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
}
