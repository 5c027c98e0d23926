//! Machines that an agent may wake, and the one it is to wake now.
//!
//! Waking is the one act that a plan can ask for. What is sent says nothing and changes nothing, and goes to none but
//! the machines that the plan lists as those of the agent's own centre.

use serde::{Deserialize, Serialize};

use super::{InvalidPlan, Mac, Plan};
use crate::ids::DeviceId;
use crate::wire;

/// A machine of the centre, by its cable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Its name there.
    pub name: DeviceId,
    /// Of its cable.
    pub mac: Mac,
}

/// A machine that is to be on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wake {
    /// One of [`Plan::machines`].
    pub name: DeviceId,
    /// When, by the collector's clock, Unix milliseconds.
    pub at_unix_ms: i64,
}

impl Plan {
    /// The machine to wake, and when. Nothing when it is none of those that may be woken.
    #[must_use]
    pub fn to_wake(&self) -> Option<(&Machine, i64)> {
        let wake = self.wake.as_ref()?;
        let known = self.machines.iter().find(|one| one.name == wake.name)?;
        Some((known, wake.at_unix_ms))
    }
}

impl Mac {
    /// Whether it can be one machine's: not everybody's, not a group's, not nobody's.
    #[must_use]
    pub fn is_of_one(self) -> bool {
        let Self([first, ..]) = self;
        first & 1 == 0 && self.0 != [0; 6]
    }
}

fn refused(name: &str) -> InvalidPlan {
    InvalidPlan::Machine {
        name: super::check::shown(name),
    }
}

impl TryFrom<wire::Machine> for Machine {
    type Error = InvalidPlan;

    fn try_from(machine: wire::Machine) -> Result<Self, InvalidPlan> {
        let name = machine.name.parse().map_err(|_| refused(&machine.name))?;
        let mac = machine.mac.parse()?;
        Ok(Self { name, mac })
    }
}

impl TryFrom<wire::Wake> for Wake {
    type Error = InvalidPlan;

    fn try_from(wake: wire::Wake) -> Result<Self, InvalidPlan> {
        let name = wake.name.parse().map_err(|_| refused(&wake.name))?;
        let at_unix_ms = wake.at_unix_ms;
        Ok(Self { name, at_unix_ms })
    }
}

impl From<&Machine> for wire::Machine {
    fn from(machine: &Machine) -> Self {
        Self {
            name: machine.name.to_string(),
            mac: machine.mac.to_string(),
        }
    }
}

impl From<&Wake> for wire::Wake {
    fn from(wake: &Wake) -> Self {
        Self {
            name: wake.name.to_string(),
            at_unix_ms: wake.at_unix_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::limits::MACHINES_PER_PLAN;

    fn machine(number: usize) -> Machine {
        Machine {
            name: format!("pc-{number}").parse().unwrap(),
            mac: format!("001ba9{number:06x}").parse().unwrap(),
        }
    }

    fn waking(name: &str) -> Plan {
        Plan {
            machines: vec![machine(1), machine(2)],
            wake: Some(Wake {
                name: name.parse().unwrap(),
                at_unix_ms: 1_800_000_000_000,
            }),
            ..Plan::default()
        }
    }

    #[test]
    fn a_machine_to_wake_survives_the_wire() {
        let plan = waking("pc-2");
        let again = Plan::try_from(wire::Plan::from(&plan)).unwrap();
        assert_eq!(again, plan);
        assert_eq!(again.to_wake(), Some((&machine(2), 1_800_000_000_000)));
    }

    #[test]
    fn a_plan_that_wakes_an_unknown_machine_is_refused() {
        let refused = Plan::try_from(wire::Plan::from(&waking("pc-3"))).unwrap_err();
        assert!(refused.to_string().contains("pc-3"), "{refused}");
        assert_eq!(waking("pc-3").to_wake(), None);
    }

    #[test]
    fn machines_are_few_and_each_is_one() {
        let check = |machines: Vec<Machine>, expected: bool| {
            let plan = Plan {
                machines,
                ..Plan::default()
            };
            assert_eq!(plan.validate().is_ok(), expected, "{:?}", plan.machines);
        };
        check((0..MACHINES_PER_PLAN).map(machine).collect(), true);
        check((0..=MACHINES_PER_PLAN).map(machine).collect(), false);
        check(vec![machine(1), machine(1)], false);
        for everybody in ["ffffffffffff", "01005e000001", "000000000000"] {
            let mac = everybody.parse().unwrap();
            let name = "pc-1".parse().unwrap();
            check(vec![Machine { name, mac }], false);
        }
    }
}
