//! A [`Centre`] where everything is measured each second or few, so that a change is seen soon.
//!
//! What is waited for is a state of `/metrics`, under the names that dashboards use.

use std::time::Duration;

use serde_json::Value;

use crate::Lab;
use crate::centre::{Centre, SOON};
use crate::harness::metric;
use crate::harness::scrape::Page;

/// How often paths are traced, links probed and so on.
const PLAN: &str = "[plan]\npath_interval = \"4s\"\nlink_interval = \"1s\"\nhost_interval = \"5s\"\n\
    report_interval = \"1s\"\nlink_echoes = 2\nservice_interval = \"1s\"\n";

/// Over this lab, by a plan with these tables.
pub async fn over<'lab>(lab: &'lab Lab, tables: &str) -> Centre<'lab> {
    within(lab, &lab.on_pc(1), tables).await
}

/// The same, with the agent behind these commands.
pub async fn within<'lab>(lab: &'lab Lab, within: &[String], tables: &str) -> Centre<'lab> {
    Centre::within(lab, within, &format!("{PLAN}{tables}")).await
}

impl Centre<'_> {
    /// Waits until the last attempts at services ended so: `[("portal", "answered")]`.
    #[track_caller]
    pub fn services_end(&self, outcomes: &[(&str, &str)]) -> impl Future<Output = ()> {
        let outcomes = owned(outcomes);
        self.shows("services end so", SOON, move |page| {
            outcomes.iter().try_for_each(|(service, outcome)| {
                let present = only("dawnwatch_probe_outcome", "service", service, page)?;
                let success = metric("dawnwatch_probe_success").label("service", service);
                let is_well = f64::from(u8::from(outcome == "answered"));
                success.is(is_well).found_in(page)?;
                is_it(service, &present, outcome)
            })
        })
    }

    /// Waits until the last questions to resolvers ended so.
    #[track_caller]
    pub fn resolvers_end(&self, outcomes: &[(&str, &str)]) -> impl Future<Output = ()> {
        let outcomes = owned(outcomes);
        self.shows("resolvers end so", SOON, move |page| {
            outcomes.iter().try_for_each(|(resolver, outcome)| {
                let present = only("dawnwatch_dns_outcome", "resolver", resolver, page)?;
                is_it(resolver, &present, outcome)
            })
        })
    }

    /// What the agent says of its sources that it cannot do.
    pub async fn limitations(&self, source: &str) -> Result<Vec<String>, String> {
        let status = self.agent.status().await?;
        let told = status["sources"][source]["limitations"].as_array();
        let told = told.ok_or_else(|| format!("no source {source} in {status}"))?;
        let text = |one: &Value| one.as_str().unwrap_or_default().to_owned();
        Ok(told.iter().map(text).collect())
    }

    /// The agent runs as it was started, and complained of nothing that it did not expect.
    pub fn is_unharmed(&mut self) {
        let process = self.agent.process();
        assert_eq!(process.ended(), None, "the agent has ended");
        let log = process.stderr();
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// How long a phase of the last attempt at a service took.
pub fn phase(page: &Page, service: &str, phase: &str) -> Result<Duration, String> {
    let took = metric("dawnwatch_probe_phase_duration_seconds");
    let took = took.label("service", service).label("phase", phase);
    took.found_in(page).map(Duration::from_secs_f64)
}

/// The phases that the last attempt at a service finished, by the alphabet.
pub fn phases(page: &Page, service: &str) -> Vec<String> {
    let all = metric("dawnwatch_probe_phase_duration_seconds").label("service", service);
    let all = all.all_in(page).into_iter();
    let mut all: Vec<_> = all.map(|sample| sample.labels["phase"].clone()).collect();
    all.sort();
    all
}

/// The one outcome that is present.
fn only(name: &str, label: &str, value: &str, page: &Page) -> Result<String, String> {
    let present = metric(name).label(label, value).is(1.0);
    match present.all_in(page).as_slice() {
        [sample] => Ok(sample.labels["outcome"].clone()),
        [] => present.found_in(page).map(|_| String::new()),
        many => Err(format!("{many:?} at the same time")),
    }
}

fn is_it(who: &str, present: &str, expected: &str) -> Result<(), String> {
    match present == expected {
        true => Ok(()),
        false => Err(format!("{who}: {present}, not {expected}")),
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
    pairs.iter().map(own).collect()
}
