//! Mornings as they happen, told record by record: what the tests begin with.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod mornings;
mod properties;
mod unseen;

use super::score::{Score, Truth};
use super::words::Finding;
use super::*;
use crate::event::Stage;
use crate::record::{
    DnsRound, DnsWord, Goodbye, Hello, HostState, LinkRound, Measured, Place, Printer, ReversePing,
    ServiceRound, ServiceWord, What,
};
use crate::sentence::Words;

/// Friday 2026-07-24, 07:30 at UTC+7.
const OPENING: f64 = 1_784_853_000.0;
const DAY: f64 = 86_400.0;

fn centre(id: &str) -> Centre {
    Centre {
        id: id.into(),
        ..Centre::default()
    }
}

fn record(t: f64, centre: &str, agent: &str, kind: Kind) -> Record {
    let what = What {
        t,
        centre: centre.into(),
        agent: agent.into(),
        kind,
    };
    Record {
        arrived: t + 2.0,
        what: Some(what),
    }
}

/// A good minute.
fn good() -> Measured {
    let link = |segment, rtt| LinkRound {
        segment,
        sent: 20,
        received: 20,
        rtt_ms: Some(rtt),
        ..LinkRound::default()
    };
    let dns = DnsRound {
        resolver: "isp".into(),
        outcome: DnsWord::Answered,
        ms: Some(10.0),
    };
    Measured {
        links: vec![
            link(Place::Gateway, 1.0),
            link(Place::Collector, 20.0),
            link(Place::Anchor, 20.0),
        ],
        dns: vec![dns],
        services: vec![service("portal", 0), service("login", 0)],
        ..Measured::default()
    }
}

fn service(name: &str, failed: u32) -> ServiceRound {
    ServiceRound {
        service: name.into(),
        outcome: if failed > 0 {
            ServiceWord::Timeout
        } else {
            ServiceWord::Answered
        },
        attempts: 1,
        failed,
        ..ServiceRound::default()
    }
}

fn incident(fault: &str, since: f64, scope: &[&str]) -> Incident {
    let parsed: crate::Fault = fault.parse().unwrap();
    Incident {
        id: "1".into(),
        scope: scope.iter().map(|id| (*id).to_owned()).collect(),
        segment: parsed.segment().map(|segment| segment.to_string()),
        fault: fault.into(),
        culprit: None,
        since,
        until: None,
        confidence: 0.9,
        stage: Stage::Provisional,
        alternatives: Vec::new(),
        sentence: Words::default(),
        action: Words::default(),
        supports: Vec::new(),
        against: Vec::new(),
        settles: None,
    }
}

/// A watch that is fed minute by minute.
struct Morning {
    readiness: Readiness,
    incidents: Vec<Incident>,
    verdicts: Vec<event::Readiness>,
}

impl Morning {
    fn new() -> Self {
        Self {
            readiness: Readiness::new(vec![centre("a"), centre("b"), centre("c"), centre("d")]),
            incidents: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    fn take(&mut self, record: &Record) {
        let verdicts = self.readiness.pass(record.arrived, &self.incidents);
        self.verdicts.extend(verdicts);
        self.readiness.take(record);
    }

    /// Every minute of a span, each of these agents of centre `a` measures this.
    fn measure(&mut self, from: f64, to: f64, agents: &[&str], measured: &Measured) {
        let mut t = from;
        while t <= to {
            for agent in agents {
                self.take(&record(
                    t,
                    "a",
                    agent,
                    Kind::Measured(Box::new(measured.clone())),
                ));
            }
            t += 60.0;
        }
    }

    fn pass(&mut self, now: f64) {
        let verdicts = self.readiness.pass(now, &self.incidents);
        self.verdicts.extend(verdicts);
    }

    /// The verdicts on `a`: state and code of each check.
    fn of_a(&self) -> Vec<(String, State, String)> {
        let of_a = self.verdicts.iter().filter(|verdict| verdict.centre == "a");
        of_a.map(|verdict| {
            (
                verdict.check.clone(),
                verdict.state,
                verdict.reason.code.clone(),
            )
        })
        .collect()
    }

    /// The last verdict on `a`.
    fn last(&self) -> (State, String) {
        let (_, state, code) = self.of_a().pop().unwrap();
        (state, code)
    }
}

/// What centre `a` is called at T-10 when its agents measured this since an hour before.
fn at_ten(agents: &[&str], measured: &Measured, incidents: Vec<Incident>) -> (State, String) {
    let mut morning = Morning::new();
    morning.incidents = incidents;
    morning.measure(OPENING - 4000.0, OPENING - 620.0, agents, measured);
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.of_a().last().unwrap().0, "T-10");
    morning.last()
}
