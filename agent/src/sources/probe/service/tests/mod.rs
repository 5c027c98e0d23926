//! Attempts at real servers on loopback: every outcome, and what each phase is of.
#![allow(clippy::unwrap_used, reason = "tests")]

pub(super) mod authority;
mod certificates;
mod connections;
mod http;
pub(super) mod servers;

use std::net::IpAddr;
use std::time::Duration;

use proto::plan::Service;
use rustls::RootCertStore;

use self::authority::new_year;
use super::*;

pub(super) const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// An attempt to be made.
pub(super) struct Try {
    pub(super) service: Service,
    trust: Trust,
    lookups: Lookups,
    limit: Duration,
    known: Option<IpAddr>,
    now: i64,
    told: Option<i64>,
    interface: Option<&'static str>,
}

/// In the middle of 2027 by our clock, with names that lead to loopback.
pub(super) fn try_at(url: &str) -> Try {
    Try {
        service: Service {
            name: "portal".to_owned(),
            url: url.to_owned(),
            expect: None,
            network: None,
        },
        trust: Trust::new(RootCertStore::empty()),
        lookups: Lookups::with(|_| Box::pin(std::future::ready(Ok(vec![LOOPBACK])))),
        limit: Duration::from_secs(10),
        known: None,
        now: new_year(2027) + 180 * 86_400,
        told: None,
        interface: None,
    }
}

impl Try {
    fn expecting(mut self, text: &str) -> Self {
        self.service.expect = Some(text.to_owned());
        self
    }

    fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    fn asking(self, ask: super::super::lookup::Ask) -> Self {
        let lookups = Lookups::with(ask);
        Self { lookups, ..self }
    }

    fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    async fn result(&self) -> Result<Attempt, Unmeasurable> {
        let how = How {
            interface: self.interface,
            limit: self.limit,
            known: self.known,
            unreached: None,
            lookups: &self.lookups,
            trust: &self.trust,
            now_unix_s: self.now,
            told_unix_s: self.told,
        };
        attempt(&self.service, &how).await
    }

    async fn ended(self) -> Attempt {
        self.result().await.unwrap()
    }
}

/// The phases that were finished.
fn finished(attempt: &Attempt) -> Vec<&'static str> {
    let phases = attempt.phases.each().into_iter();
    phases
        .filter_map(|(phase, took)| took.map(|_| phase))
        .collect()
}

fn slowest(attempt: &Attempt) -> (&'static str, Duration) {
    let phases = attempt.phases.each().into_iter();
    let finished = phases.filter_map(|(phase, took)| Some((phase, took?)));
    finished.max_by_key(|(_, took)| *took).unwrap()
}

/// Checks the outcome, the phases that were finished, and a part of the detail.
#[track_caller]
fn check(attempt: &Attempt, outcome: Outcome, phases: &[&str], detail: &str) {
    assert_eq!(attempt.outcome, outcome, "{attempt:?}");
    assert_eq!(finished(attempt), phases, "{attempt:?}");
    assert!(attempt.detail.contains(detail), "{attempt:?}");
    assert_eq!(attempt.detail.is_empty(), detail.is_empty(), "{attempt:?}");
}
