//! Where the paths lead that are measured: to the collector, and to the first of the plan's core targets.

use proto::plan::{Plan, Segment};
use tokio::time::Instant;

use super::super::super::{Context, Unmeasurable};
use super::super::names::Names;
use crate::os::{Address, Root};

/// A port that nearly every server has open.
const USUAL_PORT: u16 = 443;

/// The end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Destination {
    /// The `target` label.
    pub(in super::super) name: String,
    pub(in super::super) address: Address,
    /// Where it takes TCP connections.
    pub(in super::super) port: u16,
    pub(in super::super) interface: Option<String>,
}

/// Finds them, and keeps the addresses of their names.
#[derive(Default)]
pub(in super::super) struct Ends {
    names: Names,
}

impl Ends {
    /// Those that have an address by the deadline.
    ///
    /// # Errors
    /// When there is none.
    pub(in super::super) async fn find(
        &mut self,
        context: &Context,
        plan: &Plan,
        root: &Root,
        deadline: Instant,
    ) -> Result<Vec<Destination>, Unmeasurable> {
        let hosts = wanted(context, plan);
        let is_name = |host: &&str| Address::parse(host, root).is_none();
        let names: Vec<&str> = hosts.iter().map(|host| host.host).filter(is_name).collect();
        self.names.refresh(&names, deadline).await;
        let mut found: Vec<Destination> = Vec::new();
        for host in hosts {
            let named = || {
                let ip = self.names.address(host.host)?;
                Some(Address { ip, zone: None })
            };
            let Some(address) = Address::parse(host.host, root).or_else(named) else {
                continue;
            };
            if found.iter().all(|other| other.address != address) {
                found.push(Destination {
                    name: host.name.to_owned(),
                    address,
                    port: host.port,
                    interface: host.interface,
                });
            }
        }
        if found.is_empty() {
            return Err(Unmeasurable {
                what: "there is no collector and no core target with an address".to_owned(),
                remedy: "name an anchor in the collector's settings, or look at name resolution"
                    .to_owned(),
            });
        }
        Ok(found)
    }
}

struct Wanted<'a> {
    name: &'a str,
    host: &'a str,
    port: u16,
    interface: Option<String>,
}

fn wanted<'a>(context: &'a Context, plan: &'a Plan) -> Vec<Wanted<'a>> {
    let collector = context.collector.as_ref().map(|(host, port)| Wanted {
        name: "collector",
        host,
        port: *port,
        interface: None,
    });
    let mut targets = plan.targets.iter();
    let core = targets.find(|target| {
        target.segment == Segment::Core && !(collector.is_some() && target.name == "collector")
    });
    let core = core.map(|target| Wanted {
        name: &target.name,
        host: &target.address,
        port: USUAL_PORT,
        interface: context.interface(target.network.as_deref()),
    });
    collector.into_iter().chain(core).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proto::plan::Target;
    use tokio::sync::watch;

    use super::*;

    fn target(name: &str, address: &str, segment: Segment) -> Target {
        Target {
            name: name.into(),
            address: address.into(),
            segment,
            network: Some("internet".into()),
        }
    }

    async fn check(collector: Option<&str>, targets: Vec<Target>, expected: &[(&str, &str, u16)]) {
        let plan = Plan {
            targets,
            ..Plan::default()
        };
        let (_sender, receiver) = watch::channel(plan.clone());
        let networks = BTreeMap::from([("internet".to_owned(), "ppp0".to_owned())]);
        let collector = collector.map(|host| (host.to_owned(), 9781));
        let context = Context::new(receiver, collector, networks);
        let mut ends = Ends {
            names: Names::with(|_| Box::pin(std::future::ready(Ok(Vec::new())))),
        };
        let deadline = Instant::now() + Duration::from_secs(1);
        let found = ends.find(&context, &plan, &Root::default(), deadline).await;
        let found = found.unwrap_or_default();
        let facts: Vec<(&str, String, u16)> = found
            .iter()
            .map(|one| (one.name.as_str(), one.address.to_string(), one.port))
            .collect();
        let facts: Vec<(&str, &str, u16)> = facts
            .iter()
            .map(|(name, address, port)| (*name, address.as_str(), *port))
            .collect();
        assert_eq!(facts, expected);
        for one in found.iter().filter(|one| one.name != "collector") {
            assert_eq!(one.interface.as_deref(), Some("ppp0"));
        }
    }

    #[tokio::test]
    async fn paths_lead_to_the_collector_and_one_core_target() {
        let core = |address| target("a", address, Segment::Core);
        let isp = target("b", "192.0.2.2", Segment::Isp);
        let collector = ("collector", "192.0.2.9", 9781);
        let a = ("a", "192.0.2.1", 443);
        check(
            Some("192.0.2.9"),
            vec![isp, core("192.0.2.1")],
            &[collector, a],
        )
        .await;
        check(Some("192.0.2.9"), vec![core("192.0.2.9")], &[collector]).await;
        check(Some("no such name"), vec![core("192.0.2.1")], &[a]).await;
        check(None, vec![], &[]).await;
    }
}
