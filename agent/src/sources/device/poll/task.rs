//! One device, by the plan: when it is asked, for how long, and what is told of it.
//!
//! Each has a phase of its own, so that a centre's devices are asked one after the other. A poll has ended
//! long before the next is due, and one that is missed is left out. Whoever waits for a turn waits a little and then
//! goes on without: turns keep memory small, and a device that hangs may not make others wait.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::limits::{INTERVAL, SERIES_PER_DEVICE};
use proto::plan::{Device, Snmp};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, info};

use super::answers::{self, Ask, Expect};
use super::faring::{Faring, left_out, too_new};
use super::identity;
use super::memory::Memory;
use super::newcomers::Newcomers;
use super::tell::{self, Moment};
use crate::clock;
use crate::record::TIME_STEP;
use crate::schedule::Taken;
use crate::sources::device::ask::{Apart, Asked, Attempt};
use crate::sources::device::said::Origin;
use crate::sources::{Readings, Unmeasurable};

/// A device that is not done by then is given up until next time.
const LONGEST: Duration = Duration::from_secs(30);

/// Devices that are asked at the same time, while none of them is slow.
const AT_ONCE: usize = 4;

/// The longest that a device waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first polls of all devices are spread over this.
const BEGINNING: Duration = Duration::from_secs(10);

/// What the tasks of a scout share.
pub(super) struct Shared<A> {
    pub(super) ask: A,
    pub(super) faring: Faring,
    pub(super) turns: Semaphore,
    /// How far the collector's clock is ahead of the monotonic one, milliseconds, once known.
    pub(super) collector_lead_ms: watch::Receiver<Option<i64>>,
    pub(super) taken: mpsc::Sender<Taken>,
}

/// What to ask, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) device: Device,
    pub(super) interval: Duration,
}

/// Asks one device.
pub(super) struct Task<A> {
    shared: Arc<Shared<A>>,
    memory: Memory,
    newcomers: Newcomers,
    /// Those of the poll before, whose names are used again.
    readings: Readings,
    expect: Expect,
    outcomes: Vec<&'static str>,
}

impl<A> Shared<A> {
    pub(super) fn new(
        ask: A,
        collector_lead_ms: watch::Receiver<Option<i64>>,
        taken: mpsc::Sender<Taken>,
    ) -> Self {
        Self {
            ask,
            faring: Faring::default(),
            turns: Semaphore::new(AT_ONCE),
            collector_lead_ms,
            taken,
        }
    }

    /// Now, as far as this machine knows.
    fn moment(&self) -> Moment {
        let here = clock::now();
        let lead_ms = *self.collector_lead_ms.borrow();
        let monotonic_ms = i64::try_from(here.monotonic_ms).unwrap_or(i64::MAX);
        let unix_ms = lead_ms.map_or(here.wall_unix_ms, |lead| lead.saturating_add(monotonic_ms));
        #[expect(clippy::cast_precision_loss, reason = "moments fit a double")]
        let unix_seconds = unix_ms as f64 / 1000.0;
        Moment {
            unix_seconds,
            at: Instant::now(),
        }
    }
}

impl<A: Ask> Task<A> {
    /// Of a device that was not asked yet.
    pub(super) fn new(shared: Arc<Shared<A>>) -> Self {
        Self {
            shared,
            memory: Memory::default(),
            newcomers: Newcomers::new(),
            readings: Readings::default(),
            expect: Expect::Answer,
            outcomes: Vec::new(),
        }
    }

    /// Follows its orders until there are none any more, or nobody takes what is read.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Order>) {
        let phase: f64 = rand::random();
        let interval = orders.borrow().interval;
        let mut not_before = Instant::now() + interval.min(BEGINNING).mul_f64(phase);
        loop {
            let order = orders.borrow_and_update().clone();
            let first = Instant::now() + order.interval.mul_f64(phase);
            let mut ticks = tokio::time::interval_at(first, order.interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            // At once, and then at its own phase.
            loop {
                let poll = async {
                    tokio::time::sleep_until(not_before).await;
                    let began = Instant::now();
                    let taken = self.poll(&order).await;
                    not_before = (Instant::now() + 2 * TIME_STEP).max(began + *INTERVAL.start());
                    self.shared.taken.send(taken).await.is_ok()
                };
                tokio::select! {
                    is_taken = poll => if !is_taken { return },
                    // Where it was asked until now is somebody else, perhaps.
                    changed = orders.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                }
                tokio::select! {
                    _ = ticks.tick() => {}
                    changed = orders.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                }
            }
        }
    }

    async fn poll(&mut self, Order { device, interval }: &Order) -> Taken {
        let began = Instant::now();
        let limit = LONGEST.min(*interval);
        let patience = PATIENCE.min(limit / 4);
        let shared = Arc::clone(&self.shared);
        let turn = tokio::time::timeout(patience, shared.turns.acquire()).await;
        let left = limit.saturating_sub(began.elapsed());
        let asking = shared.ask.ask(device, left, self.expect);
        let deadline = began + limit;
        let asked = tokio::time::timeout_at(deadline, asking).await;
        let asked = asked.unwrap_or_else(|_| answers::none(device, began.elapsed()));
        let taken = self.tell(device, asked);
        drop(turn);
        taken
    }

    /// What came of it, as readings. What the device said is gone afterwards.
    fn tell(&mut self, device: &Device, mut apart: Apart) -> Taken {
        let mut readings = Readings::again(&std::mem::take(&mut self.readings).taken);
        readings.device = Some(device.name.clone());
        let mut tellers = self.memory.tellers;
        tellers.settle(&mut apart.snmp.0, &mut apart.ipp.0);
        let mut asked = apart.merged();
        let on_wire = |address| self.shared.ask.mac(address);
        match identity::differs(device, &asked.said, on_wire) {
            Some(why) => answers::disown(&mut asked, &why),
            None => self.memory.tellers = tellers,
        }
        self.expect = if asked.any() {
            Expect::Answer
        } else {
            Expect::Silence
        };
        tell::attempts(&asked.attempts, &mut self.memory, &mut readings);
        let mut problems = problems(device, &asked);
        if asked.any() {
            let now = self.shared.moment();
            let (said, moments) = (&asked.said, &asked.moments);
            tell::said(said, moments, now, &mut self.memory, &mut readings);
            let needs = readings.taken.len();
            let share = self
                .shared
                .faring
                .share(&device.name, needs)
                .min(SERIES_PER_DEVICE);
            if needs > share {
                readings.taken.truncate(share);
                problems.push(left_out(&device.name, share, needs));
            }
            let new = self.newcomers.admit(&mut readings.taken);
            if new > 0 {
                problems.push(too_new(&device.name, new));
            }
        }
        self.log(device, &asked.attempts);
        self.shared.faring.note(&device.name, problems);
        let taken = Taken {
            source: super::SOURCE,
            clock: clock::now(),
            readings: readings.taken.clone(),
            limitations: self.shared.faring.problems(),
            problem: None,
        };
        self.readings = readings;
        taken
    }

    /// Says when it fares otherwise than before, not every time.
    fn log(&mut self, device: &Device, attempts: &[Attempt]) {
        let outcomes: Vec<_> = attempts.iter().map(|one| one.outcome).collect();
        debug!(device = %device.name, ?attempts, "Asked.");
        if outcomes == self.outcomes {
            return;
        }
        for Attempt {
            protocol,
            outcome,
            problem,
            ..
        } in attempts
        {
            let (protocol, device) = (protocol.as_str(), &device.name);
            let problem = problem.as_deref().unwrap_or_default();
            info!(%device, protocol, outcome, problem, "This device fares otherwise.");
        }
        self.outcomes = outcomes;
    }
}

/// What `status` says of a device: why it does not answer, and what it did not say.
fn problems(device: &Device, asked: &Asked) -> Vec<Unmeasurable> {
    let name = &device.name;
    let failed = asked.attempts.iter().filter_map(|attempt| {
        let problem = attempt.problem.as_ref()?;
        let protocol = attempt.protocol.as_str();
        let place = place(device, attempt.protocol);
        Some(Unmeasurable {
            what: format!("{name}, asked by {protocol}: {problem}"),
            remedy: format!("`dawnwatch-agent ask {place}` shows more"),
        })
    });
    failed.collect()
}

/// Where a person can ask it.
fn place(device: &Device, protocol: Origin) -> String {
    let host = match device.address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    match (protocol, &device.snmp, &device.ipp) {
        (Origin::Ipp, _, Some(ipp)) => format!("ipp://{host}:{ipp}"),
        (Origin::Snmp, Some(snmp), _) if snmp.port != Snmp::PORT => {
            format!("snmp://{host}:{}", snmp.port)
        }
        _ => format!("{}://{host}", protocol.as_str()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proto::plan::{Kind, Secret, Security};

    use super::*;

    #[test]
    fn a_person_is_told_where_to_ask_without_secrets() {
        let security = Security::V2c {
            community: Secret("letmein".to_owned()),
        };
        let check = |address: &str, port, protocol, expected| {
            let device = Device {
                name: "mfp".parse().unwrap(),
                kind: Kind::Printer,
                address: address.parse().unwrap(),
                snmp: Some(Snmp {
                    port,
                    security: security.clone(),
                }),
                ipp: Some("631/ipp/print".parse().unwrap()),
                serial: None,
                mac: None,
            };
            assert_eq!(place(&device, protocol), expected);
        };
        check("192.0.2.7", 161, Origin::Snmp, "snmp://192.0.2.7");
        check("192.0.2.7", 1161, Origin::Snmp, "snmp://192.0.2.7:1161");
        check(
            "192.0.2.7",
            161,
            Origin::Ipp,
            "ipp://192.0.2.7:631/ipp/print",
        );
        check("2001:db8::7", 161, Origin::Snmp, "snmp://[2001:db8::7]");
    }
}
