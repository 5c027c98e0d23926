//! Which resolvers are asked: those of the machine, and those of the plan. Pure.

use proto::limits::RESOLVERS_PER_PLAN;
use proto::plan::Plan;

use super::super::super::Unmeasurable;
use crate::os::Address;

/// Resolvers of the machine itself that are asked: one with more is misconfigured.
pub(super) const OWN_BOUND: usize = 4;

/// What the system's own way is called: no resolver is.
pub(super) const SYSTEM: &str = "system";

/// A resolver to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolver {
    /// The `resolver` label.
    pub(crate) name: String,
    pub(crate) address: Address,
    /// Of the plan, through which it is asked.
    pub(crate) network: Option<String>,
    /// Whether this machine's settings name it.
    pub(crate) is_own: bool,
}

/// The machine's own resolvers and those of the plan. One that is both has the plan's name and network,
/// and is asked once: through another network than its own it would know other addresses, rightly.
pub(crate) fn resolvers(own: &[Address], plan: &Plan) -> (Vec<Resolver>, Option<Unmeasurable>) {
    let planned = plan.resolvers.iter().take(RESOLVERS_PER_PLAN);
    let planned = planned.map(|resolver| {
        let address = Address {
            ip: resolver.address,
            zone: None,
        };
        Resolver {
            name: resolver.name.clone(),
            is_own: own.contains(&address),
            address,
            network: resolver.network.clone(),
        }
    });
    let is_planned = |address: &Address| {
        let mut planned = plan.resolvers.iter();
        address.zone.is_none() && planned.any(|one| one.address == address.ip)
    };
    let unplanned = || own.iter().filter(|address| !is_planned(address));
    let unnamed = unplanned().take(OWN_BOUND).map(|address| Resolver {
        name: address.to_string(),
        address: address.clone(),
        network: None,
        is_own: true,
    });
    let mut all: Vec<Resolver> = Vec::new();
    for resolver in unnamed.chain(planned) {
        let is_named = all.iter().any(|one| one.name == resolver.name);
        if !is_named && resolver.name != SYSTEM {
            all.push(resolver);
        }
    }
    let left_out = unplanned().count().saturating_sub(OWN_BOUND);
    let limitation = (left_out > 0).then(|| Unmeasurable {
        what: format!("{left_out} of this machine's resolvers are not asked"),
        remedy: format!("use at most {OWN_BOUND} resolvers"),
    });
    (all, limitation)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::net::IpAddr;

    use super::*;

    fn plan(resolvers: &[(&str, &str, Option<&str>)]) -> Plan {
        let resolver = |(name, address, network): &(&str, &str, Option<&str>)| {
            let (name, address) = ((*name).to_owned(), address.parse().unwrap());
            let network = network.map(str::to_owned);
            proto::plan::Resolver {
                name,
                address,
                network,
            }
        };
        Plan {
            resolvers: resolvers.iter().map(resolver).collect(),
            ..Plan::default()
        }
    }

    fn own(count: u8) -> Vec<Address> {
        let address = |last: u8| Address {
            ip: IpAddr::from([192, 0, 2, last]),
            zone: None,
        };
        (1..=count).map(address).collect()
    }

    #[test]
    fn resolvers_are_bounded_and_have_one_name_each() {
        let plan = plan(&[
            ("isp", "192.0.2.1", None),
            ("system", "192.0.2.77", None),
            ("192.0.2.3", "192.0.2.78", None),
        ]);
        let (resolvers, limitation) = resolvers(&own(9), &plan);
        let names: Vec<_> = resolvers.iter().map(|one| one.name.as_str()).collect();
        let expected = ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "isp"];
        assert_eq!(names, expected);
        assert!(resolvers.iter().all(|one| one.is_own));
        assert_eq!(
            limitation.unwrap().to_string(),
            "4 of this machine's resolvers are not asked; use at most 4 resolvers"
        );
    }

    #[test]
    fn a_resolver_of_the_machine_that_the_plan_has_in_a_network_is_asked_there_alone() {
        let plan = plan(&[
            ("state", "192.0.2.1", Some("state")),
            ("public", "198.51.100.1", None),
        ]);
        let (resolvers, limitation) = resolvers(&own(1), &plan);
        let told = resolvers.iter().map(|one| {
            let network = one.network.as_deref();
            (one.name.as_str(), network, one.is_own)
        });
        let expected = [("state", Some("state"), true), ("public", None, false)];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!(limitation, None);
    }
}
