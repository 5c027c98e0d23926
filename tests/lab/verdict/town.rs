//! A small province over the lab: centres that fail side by side, one collector, a real Alertmanager and whoever it
//! tells.
//!
//! Everything is measured and sent each few seconds: rounds are denser than in a real province, so that
//! faults and their ends are seen sooner.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::branch::{Branch, Provider};
use crate::Lab;
use crate::emulator::Link;
use crate::harness::alertmanager::Alertmanager;
use crate::harness::{Collector, eventually, metric};
use crate::network::{COLLECTOR, Inside, Namespace};

/// How often everything is measured.
const PLAN: &str = "[plan]\nlink_interval = \"2s\"\nlink_echoes = 3\nreport_interval = \"5s\"\n\
    host_interval = \"5s\"\nservice_interval = \"5s\"\npath_interval = \"15s\"\n";

/// What people use, and what is probed beside it.
const USED: &str = "[[service]]\nname = \"portal\"\nurl = \"https://dichvucong.gov.vn/\"\n\
    [[anchor]]\nname = \"anchor-1\"\naddress = \"1.1.1.1\"\n\
    [[anchor]]\nname = \"anchor-2\"\naddress = \"8.8.8.8\"\n";

/// Until all agents are there, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// The centres of one provider.
pub struct Place {
    pub id: &'static str,
    pub pcs: usize,
    /// Of the three that share a provider's router.
    pub shares: bool,
}

/// All of it. What is declared first is taken away first.
#[derive(Debug)]
pub struct Town<'lab> {
    pub branches: BTreeMap<&'static str, Branch>,
    pub collector: Collector,
    pub alertmanager: Alertmanager,
    /// Of the provider that several centres share, into the core.
    pub shared: Link,
    _router: Namespace,
    _there: Inside,
    pub lab: &'lab Lab,
}

impl<'lab> Town<'lab> {
    /// Builds it, and waits until everybody measures.
    pub async fn built(lab: &'lab Lab, places: &[Place]) -> Result<Self, String> {
        let router = Namespace::new(format!("dw-town-isp-{}", std::process::id()))?;
        let shared = share(lab, &router)?;
        let own = Provider {
            router: &lab.network().isp_1,
            address: "203.0.113.1",
        };
        let common = Provider {
            router: &router,
            address: "203.0.113.9",
        };
        let mut branches = BTreeMap::new();
        for (at, place) in places.iter().enumerate() {
            let provider = if place.shares { common } else { own };
            let branch = Branch::new(lab, (place.id, at + 1), place.pcs, provider)?;
            branches.insert(place.id, branch);
        }
        let there = lab.in_the_world();
        let alertmanager = Alertmanager::started().await?;
        let settings = format!(
            "{PLAN}{USED}[alertmanager]\nurl = \"{}\"\n",
            alertmanager.url()
        );
        let collector = Collector::with_centres(&table(places))
            .with_settings(&settings)
            .listening_on(COLLECTOR.into())
            .start()
            .await;
        let mut town = Self {
            branches,
            collector,
            alertmanager,
            shared,
            _router: router,
            _there: there,
            lab,
        };
        for branch in town.branches.values_mut() {
            branch.staff(&town.collector).await;
        }
        town.everybody_is_there(places).await;
        Ok(town)
    }

    async fn everybody_is_there(&self, places: &[Place]) {
        let all: usize = places.iter().map(|place| place.pcs).sum();
        eventually("everybody uses the portal", SOON, async || {
            let page = self.collector.metrics().await?;
            let used = metric("dawnwatch_probe_success").is(1.0).all_in(&page);
            (used.len() == all)
                .then_some(())
                .ok_or_else(|| format!("{} of {all}", used.len()))
        })
        .await;
    }

    /// A centre, to do something to.
    pub fn at(&mut self, id: &str) -> &mut Branch {
        self.branches.get_mut(id).unwrap()
    }

    /// The power of a centre is back.
    pub fn power_is_back(&mut self, id: &str) {
        let lab = self.lab;
        self.at(id).power_is_back(lab);
    }

    /// All faults that were ever told, withdrawn ones among them, each with what was said of it.
    pub async fn faults(&self) -> Result<Vec<Value>, String> {
        let all = self.collector.api("/api/v1/faults").await?;
        let mut faults = Vec::new();
        for fault in all.as_array().ok_or("no list")? {
            let id = fault["id"].as_str().unwrap_or_default();
            let path = format!("/api/v1/faults/{id}");
            faults.push(self.collector.api(&path).await?);
        }
        Ok(faults)
    }

    /// How often people were told of each incident: that it is, and that it is over.
    pub fn told(&self) -> BTreeMap<String, (usize, usize)> {
        let mut told: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (status, incidents) in self.alertmanager.told() {
            for incident in incidents {
                let (firing, resolved) = told.entry(incident).or_default();
                match status.as_str() {
                    "firing" => *firing += 1,
                    _ => *resolved += 1,
                }
            }
        }
        told
    }
}

/// The router of the provider that several share, and its way into the core.
fn share(lab: &Lab, router: &Namespace) -> Result<Link, String> {
    let core = &lab.network().isp_2;
    let link = Link::between("other", router, core, 99)?;
    for namespace in [router, core] {
        namespace.set("net.ipv4.ip_forward", "1")?;
    }
    router.ips(&[
        "address add 203.0.113.9/30 dev other",
        "link set other up",
        "route add default via 203.0.113.10",
    ])?;
    core.ips(&["address add 203.0.113.10/30 dev other", "link set other up"])?;
    Ok(link)
}

/// The centres as an operator writes them, always open. Those that share a provider share nothing else.
fn table(places: &[Place]) -> String {
    let mut table = "id,name,area,isp,hours,days\n".to_owned();
    for Place { id, shares, .. } in places {
        let isp = if *shares { "Viettel" } else { id };
        let _ = writeln!(table, "{id},{id},khu {id},{isp},00:00-24:00,mon-sun");
    }
    table
}
