//! Has an agent look closer at one link: a row of echoes close to each other, now, whose result comes as ordinary
//! samples.
//!
//! For whoever has two explanations and one link that tells them apart. An agent sends few of them, of links that it
//! probes anyway, and refuses the rest; what is asked for here is bounded the same way, so that a flood of questions
//! ends at whoever has them. Nothing waits for an agent that is away: what one would have learned is over.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota};
use proto::limits::{BURST_ECHOES, BURSTS_PER_HOUR};
use proto::plan::{Segment, is_label};
use proto::wire::{self, Burst};
use tokio::sync::mpsc;

use crate::latest::DeviceKey;

/// Those that wait until an agent's stream takes them.
const WAITING: usize = 2;

const PER_HOUR: NonZeroU32 = NonZeroU32::new(BURSTS_PER_HOUR).unwrap();
const AT_ONCE: NonZeroU32 = NonZeroU32::new(BURSTS_PER_HOUR / 2).unwrap();

/// Why there is no burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Nobody would hear it.
    #[error("this agent is not connected: ask another, or when it is back")]
    Away,
    /// The agent would refuse it.
    #[error("this agent was asked for {BURSTS_PER_HOUR} bursts in an hour: ask another, or later")]
    TooOften,
    /// No link is called so.
    #[error("a burst is of a link by its name, and of at most {BURST_ECHOES} echoes")]
    NoLink,
}

/// The way to all agents that are connected.
#[derive(Debug, Default)]
pub struct Bursts {
    open: Mutex<HashMap<DeviceKey, Open>>,
}

#[derive(Debug)]
struct Open {
    sender: mpsc::Sender<Burst>,
    allowed: DefaultDirectRateLimiter,
}

impl Bursts {
    /// Asks the agent of a device for a burst to a link, by the labels of its series; 0 echoes for as many as usual.
    ///
    /// # Errors
    /// When there will be none.
    pub fn ask(
        &self,
        device: &DeviceKey,
        segment: Segment,
        target: &str,
        echoes: u32,
    ) -> Result<(), NotAsked> {
        if !is_label(target) || echoes > BURST_ECHOES {
            return Err(NotAsked::NoLink);
        }
        let open = self.lock();
        let open = open.get(device).filter(|open| !open.sender.is_closed());
        let open = open.ok_or(NotAsked::Away)?;
        let place = open.sender.try_reserve().map_err(|_| NotAsked::TooOften)?;
        open.allowed.check().map_err(|_| NotAsked::TooOften)?;
        place.send(Burst {
            segment: wire::Segment::from(segment).into(),
            target: target.to_owned(),
            echoes,
        });
        Ok(())
    }

    /// An agent connects: what it is asked for. Its older stream is asked no more.
    pub(crate) fn connected(&self, device: DeviceKey) -> mpsc::Receiver<Burst> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut open = self.lock();
        if let Some(open) = open.get_mut(&device) {
            open.sender = sender;
            return receiver;
        }
        let allowed = Quota::per_hour(PER_HOUR).allow_burst(AT_ONCE);
        let allowed = DefaultDirectRateLimiter::direct(allowed);
        open.insert(device, Open { sender, allowed });
        receiver
    }

    /// Forgets who is away.
    pub(super) fn tidy(&self) {
        self.lock().retain(|_, open| !open.sender.is_closed());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceKey, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn pc(name: &str) -> DeviceKey {
        DeviceKey {
            centre: "cong-son".parse().unwrap(),
            device: name.parse().unwrap(),
        }
    }

    #[test]
    fn an_agent_that_is_there_is_asked_and_no_other() {
        let bursts = Bursts::default();
        let ask = |name| bursts.ask(&pc(name), Segment::Line, "192.0.2.1", 50);
        assert_eq!(ask("pc-1"), Err(NotAsked::Away));
        let mut asked = bursts.connected(pc("pc-1"));
        assert_eq!(ask("pc-1"), Ok(()));
        assert_eq!(ask("pc-2"), Err(NotAsked::Away));
        let burst = asked.try_recv().unwrap();
        assert_eq!(burst.segment(), wire::Segment::Line);
        assert_eq!((&*burst.target, burst.echoes), ("192.0.2.1", 50));
        drop(asked);
        assert_eq!(ask("pc-1"), Err(NotAsked::Away));
        bursts.tidy();
        assert!(bursts.lock().is_empty());
    }

    #[test]
    fn a_flood_ends_here_over_streams_too() {
        let bursts = Bursts::default();
        let mut asked = 0;
        for _ in 0..100 {
            let mut stream = bursts.connected(pc("pc-1"));
            for _ in 0..100 {
                let _ = bursts.ask(&pc("pc-1"), Segment::Line, "192.0.2.1", 0);
            }
            while stream.try_recv().is_ok() {
                asked += 1;
            }
        }
        assert_eq!(asked, BURSTS_PER_HOUR / 2);
    }

    #[test]
    fn what_no_link_is_called_is_not_asked_for() {
        let bursts = Bursts::default();
        let _stream = bursts.connected(pc("pc-1"));
        for (target, echoes) in [("", 0), ("a\nb", 0), ("a", BURST_ECHOES + 1)] {
            let asked = bursts.ask(&pc("pc-1"), Segment::Line, target, echoes);
            assert_eq!(asked, Err(NotAsked::NoLink), "{target:?} {echoes}");
        }
    }
}
