//! Has a machine woken that a centre needs as its witness: by another machine of the centre, which its plan tells to.
//!
//! Machines say by which address they are woken whenever they connect; no other can be named. One machine of a centre
//! is woken at a time. Deliberately absent: memory beyond this process, so that a machine is known once it was heard
//! since the collector was started; and whether it is set to be woken, which shows when it comes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::limits::{MACHINES_PER_PLAN, MACS_PER_HELLO, WAKE_WINDOW};
use proto::plan::{Mac, Machine, Wake};

/// How long ahead a machine may be told to be woken: until the next opening, whatever holidays there are.
const AHEAD: Duration = Duration::from_hours(14 * 24);

/// Why no machine is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWoken {
    /// Nobody knows its address.
    #[error("it is not known how this machine is woken: it has said so once it connects by cable")]
    Unknown,
    /// Nobody is there to do it.
    #[error("no other machine of the centre is connected: leave one on")]
    Nobody,
    /// It is over, or too far away.
    #[error("a machine is woken now or within two weeks")]
    Time,
}

/// Who may be woken, and who is to be.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    centres: Mutex<HashMap<CentreId, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    machines: BTreeMap<DeviceId, Mac>,
    wake: Option<Wake>,
}

impl Wakes {
    /// A machine is there, and says by which addresses it is woken. Whether it was to be woken, and is no more.
    pub(super) fn came(
        &self,
        centre: &CentreId,
        device: &DeviceId,
        macs: &[String],
        now: Timestamp,
    ) -> bool {
        let macs = macs.iter().take(MACS_PER_HELLO);
        let mac = macs
            .filter_map(|mac| mac.parse::<Mac>().ok())
            .find(|mac| mac.is_of_one());
        let mut centres = self.lock();
        let known = centres.entry(centre.clone()).or_default();
        let has_room = known.machines.len() < MACHINES_PER_PLAN;
        if let Some(mac) = mac.filter(|_| has_room || known.machines.contains_key(device)) {
            known.machines.insert(device.clone(), mac);
        }
        let is_over =
            |wake: &mut Wake| wake.name == *device && wake.at_unix_ms <= now.as_millisecond();
        known.wake.take_if(is_over).is_some()
    }

    /// A machine is to be on at a time, instead of any other of its centre.
    pub(super) fn wish(
        &self,
        centre: &CentreId,
        device: &DeviceId,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), NotWoken> {
        let mut centres = self.lock();
        let known = centres.get_mut(centre);
        let known = known.filter(|known| known.machines.contains_key(device));
        let known = known.ok_or(NotWoken::Unknown)?;
        if at < now - WAKE_WINDOW || at > now + AHEAD {
            return Err(NotWoken::Time);
        }
        known.wake = Some(Wake {
            name: device.clone(),
            at_unix_ms: at.as_millisecond(),
        });
        Ok(())
    }

    /// The machine of a centre that is to be woken, if its time is not over.
    pub(super) fn of(&self, centre: &CentreId, now: Timestamp) -> Option<(Machine, Wake)> {
        let mut centres = self.lock();
        let known = centres.get_mut(centre)?;
        let window = i64::try_from(WAKE_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let is_over =
            |wake: &mut Wake| wake.at_unix_ms.saturating_add(window) < now.as_millisecond();
        let _ = known.wake.take_if(is_over);
        let wake = known.wake.clone()?;
        let mac = *known.machines.get(&wake.name)?;
        let name = wake.name.clone();
        Some((Machine { name, mac }, wake))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CentreId, Known>> {
        self.centres.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    #[test]
    fn a_machine_is_woken_that_was_heard_and_until_it_comes() {
        let wakes = Wakes::default();
        let centre: CentreId = "cong-son".parse().unwrap();
        let pc = |name: &str| -> DeviceId { name.parse().unwrap() };
        let soon = NOW + Duration::from_mins(5);
        let wish = |at| wakes.wish(&centre, &pc("pc-1"), at, NOW);
        assert_eq!(wish(soon), Err(NotWoken::Unknown));
        let macs = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        wakes.came(
            &centre,
            &pc("pc-1"),
            &macs(&["ffffffffffff", "nonsense"]),
            NOW,
        );
        assert_eq!(wish(soon), Err(NotWoken::Unknown));
        wakes.came(&centre, &pc("pc-1"), &macs(&["001ba9010203"]), NOW);
        assert_eq!(wish(NOW - Duration::from_hours(1)), Err(NotWoken::Time));
        assert_eq!(
            wish(NOW + AHEAD + Duration::from_hours(1)),
            Err(NotWoken::Time)
        );
        assert_eq!(wakes.of(&centre, NOW), None);
        assert_eq!(wish(soon), Ok(()));
        let (machine, wake) = wakes.of(&centre, NOW).unwrap();
        assert_eq!(
            (machine.mac.to_string(), &wake.name),
            ("001ba9010203".into(), &pc("pc-1"))
        );
        assert!(
            !wakes.came(&centre, &pc("pc-1"), &[], NOW),
            "it is not time yet"
        );
        assert!(wakes.came(&centre, &pc("pc-1"), &[], soon), "it is there");
        assert_eq!(wakes.of(&centre, NOW), None);
        wish(soon).unwrap();
        assert_eq!(
            wakes.of(&centre, soon + WAKE_WINDOW + Duration::from_secs(1)),
            None
        );
    }

    #[test]
    fn machines_of_a_centre_are_bounded() {
        let wakes = Wakes::default();
        let centre: CentreId = "cong-son".parse().unwrap();
        for number in 0..2 * MACHINES_PER_PLAN {
            let mac = format!("001ba9{number:06x}");
            wakes.came(
                &centre,
                &format!("pc-{number}").parse().unwrap(),
                &[mac],
                NOW,
            );
        }
        let known = wakes.lock().get(&centre).unwrap().machines.len();
        assert_eq!(known, MACHINES_PER_PLAN);
    }
}
