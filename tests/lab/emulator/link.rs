//! A link between two network namespaces: a TUN device in each, and for each direction a thread that runs
//! its [`Wire`] in real time.
//!
//! Threads of the system's own rather than tasks, with the finest timers and, where that is allowed, ahead
//! of other programs: a packet that is due is written within some ten microseconds, also when tests
//! compile beside it.

use std::fs::File;
use std::num::NonZeroU64;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::time::{ClockId, clock_gettime};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::impairment::Impairment;
use super::truth::Truth;
use super::wire::Wire;
use crate::network::Namespace;

/// Larger than any packet of a device.
const PACKET: usize = 65_536;

/// How far ahead of others the threads are scheduled.
const NICE: i32 = -15;

/// A link; its devices and threads end with it.
#[derive(Debug)]
pub struct Link {
    name: &'static str,
    ends: [Namespace; 2],
    up: Direction,
    down: Direction,
}

/// Packets from one device to the other.
#[derive(Debug)]
struct Direction {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    wire: Mutex<Wire>,
    impairment: Mutex<Impairment>,
    /// Tells the thread that something changed.
    bell: OwnedFd,
    ends: Mutex<bool>,
}

impl Link {
    /// Puts a device of this name into both namespaces, without addresses, and starts.
    pub fn between(
        name: &'static str,
        centre: &Namespace,
        world: &Namespace,
        seed: u64,
    ) -> Result<Self, String> {
        let near = Arc::new(device(name, centre)?);
        let far = Arc::new(device(name, world)?);
        Ok(Self {
            name,
            ends: [centre.clone(), world.clone()],
            up: Direction::start(&near, &far, seed)?,
            down: Direction::start(&far, &near, seed.rotate_left(32))?,
        })
    }

    /// What happens to packets in both directions from now on.
    pub fn both(&self, impairment: Impairment) {
        self.up(impairment.clone());
        self.down(impairment);
    }

    /// What happens to packets from the centre.
    pub fn up(&self, impairment: Impairment) {
        self.up.set(impairment);
    }

    /// What happens to packets to the centre.
    pub fn down(&self, impairment: Impairment) {
        self.down.set(impairment);
    }

    /// Nothing comes through any more, and nobody is told.
    pub fn cut(&self) {
        self.both(Impairment::none().cut());
    }

    /// Everything comes through again.
    pub fn heal(&self) {
        self.both(Impairment::none());
    }

    /// Lowers the MTU of both devices: the honest kind of a small line, on which routers say what fits.
    pub fn set_mtu(&self, bytes: u16) -> Result<(), String> {
        let Self { name, ends, .. } = self;
        ends.iter()
            .try_for_each(|end| end.ip(&format!("link set {name} mtu {bytes}")))
    }

    /// What happened to packets from the centre.
    pub fn truth_up(&self) -> Truth {
        self.up.wire().truth().clone()
    }

    /// What happened to packets to the centre.
    pub fn truth_down(&self) -> Truth {
        self.down.wire().truth().clone()
    }

    /// Starts to count anew, in both directions.
    pub fn forget(&self) {
        self.up.wire().forget();
        self.down.wire().forget();
    }
}

/// Opens a TUN device in a namespace. Its descriptor works from anywhere.
fn device(name: &'static str, namespace: &Namespace) -> Result<SyncDevice, String> {
    let cannot = |error: std::io::Error| format!("no TUN device: {error}");
    let node = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .map_err(|error| format!("/dev/net/tun cannot be opened: {error}"))?;
    drop(node);
    let device = namespace.inside(move || DeviceBuilder::new().name(name).build_sync())?;
    let device = device.map_err(cannot)?;
    device.set_nonblocking(true).map_err(cannot)?;
    Ok(device)
}

impl Direction {
    fn start(from: &Arc<SyncDevice>, to: &Arc<SyncDevice>, seed: u64) -> Result<Self, String> {
        let bell = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC);
        let state = Arc::new(State {
            wire: Mutex::new(Wire::new(seed)),
            impairment: Mutex::new(Impairment::none()),
            bell: bell.map_err(|error| format!("no event descriptor: {error}"))?,
            ends: Mutex::new(false),
        });
        let (from, to) = (Arc::clone(from), Arc::clone(to));
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("emulated link".to_owned())
            .spawn(move || shared.run(&from, &to))
            .map_err(|error| format!("no thread: {error}"))?;
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    fn set(&self, impairment: Impairment) {
        *lock(&self.state.impairment) = impairment;
        self.state.ring();
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        lock(&self.state.wire)
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        *lock(&self.state.ends) = true;
        self.state.ring();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the thread of an emulated link has panicked");
        }
    }
}

impl State {
    fn ring(&self) {
        // Fails only when it has been rung 2^64 times and nobody listened.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn run(&self, from: &SyncDevice, to: &SyncDevice) {
        // All of these only make it more precise.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let own = rustix::thread::gettid();
        let _ = rustix::process::setpriority_process(Some(own), NICE);
        let mut packet = vec![0; PACKET];
        while !*lock(&self.ends) {
            let impairment = lock(&self.impairment).clone();
            self.read(from, &mut packet, &impairment);
            let next = self.write(to, &impairment);
            self.wait(from, next);
        }
    }

    /// Takes in all that has come.
    fn read(&self, from: &SyncDevice, packet: &mut [u8], impairment: &Impairment) {
        // An error means that there is nothing, or that the device is down.
        while let Ok(length) = from.recv(packet) {
            let bytes = packet[..length].to_vec();
            lock(&self.wire).enter(now(), bytes, impairment);
        }
    }

    /// Writes what is due, and says when something is due next.
    fn write(&self, to: &SyncDevice, impairment: &Impairment) -> Option<Duration> {
        let mut wire = lock(&self.wire);
        while let Some(leaving) = wire.leave(now(), impairment) {
            // Before it is sent: whoever gets it may run first then.
            let moment = now();
            let written = to.send(leaving.bytes()).is_ok();
            wire.left(&leaving, written.then_some(moment));
        }
        wire.next()
    }

    /// Until something comes, is due or changes.
    fn wait(&self, from: &SyncDevice, next: Option<Duration>) {
        let timeout = next.map(|next| timespec(next.saturating_sub(now())));
        let mut wakers = [
            PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
        ];
        // Interrupted or not: the caller looks at everything again.
        let _ = poll(&mut wakers, timeout.as_ref());
        if wakers[1].revents().contains(PollFlags::IN) {
            let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Since the machine started.
fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
