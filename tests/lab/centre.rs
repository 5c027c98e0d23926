//! A PC of the lab with a real agent, a real collector in the world, and the counters that the collector
//! shows of the agent's links. For scenarios that choose how often everything is measured.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::Lab;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::scrape::Page;
use crate::harness::{Agent, Collector, eventually, metric};
use crate::network::{COLLECTOR, Inside};

/// Until the first values are shown, or a change, on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// Both, running. What is declared first is taken away first.
#[derive(Debug)]
pub struct Centre<'lab> {
    pub agent: Agent,
    pub collector: Collector,
    _there: Inside,
    pub lab: &'lab Lab,
}

/// What the collector shows of a link: its newest round, and all echoes since the agent started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    pub sent: f64,
    pub received: f64,
    /// Absent when nothing of the newest round was answered, in seconds like the next.
    pub median: Option<f64>,
    pub jitter: Option<f64>,
}

impl Shown {
    /// Of the echoes between an earlier state and this one.
    pub fn lost_since(&self, earlier: &Self) -> f64 {
        (self.sent - earlier.sent) - (self.received - earlier.received)
    }
}

impl<'lab> Centre<'lab> {
    /// An agent on PC 1 that has enrolled and runs by these settings of the collector.
    pub async fn of(lab: &'lab Lab, settings: &str) -> Self {
        Self::within(lab, &lab.on_pc(1), settings).await
    }

    /// The same, with the agent behind these commands.
    pub async fn within(lab: &'lab Lab, within: &[String], settings: &str) -> Self {
        let there = lab.in_the_world();
        let setup = Collector::with_centres(ONE_CENTRE).with_settings(settings);
        let collector = setup.listening_on(COLLECTOR.into()).start().await;
        let token = collector.token("cong-son").await;
        let mut agent = Agent::installed_within(within);
        agent.enrol(&collector, &token, &[]).await.succeeded();
        agent.run();
        Self {
            agent,
            collector,
            _there: there,
            lab,
        }
    }

    /// Waits until `/metrics` is as `look` wants it, and returns what it saw.
    #[track_caller]
    pub fn shows<T>(
        &self,
        what: &str,
        within: Duration,
        look: impl Fn(&Page) -> Result<T, String>,
    ) -> impl Future<Output = T> {
        eventually(what, within, async move || {
            look(&self.collector.metrics().await?)
        })
    }
}

/// What a page shows of a link.
pub fn shown(page: &Page, segment: &str, target: &str) -> Result<Shown, String> {
    let value = |name: &str| {
        let name = format!("dawnwatch_link_{name}");
        let wanted = metric(&name).label("segment", segment);
        wanted.label("target", target).found_in(page)
    };
    Ok(Shown {
        sent: value("sent_total")?,
        received: value("received_total")?,
        median: value("rtt_median_seconds").ok(),
        jitter: value("jitter_seconds").ok(),
    })
}

/// A place in the collector's settings that every agent probes.
pub fn anchor(name: &str, address: Ipv4Addr) -> String {
    format!("[[anchor]]\nname = \"{name}\"\naddress = \"{address}\"\n")
}
