//! What scouts tell of the devices of their centre: whose word counts, for whom, and what becomes of it.

mod handed_on;
mod judged;

use std::ops::Range;
use std::sync::Mutex;

use proto::ids::{AgentId, CentreId};
use proto::metrics::{
    DEVICE_CPU_USAGE, DEVICE_INFO, DEVICE_POLL_OUTCOME, Metric, PRINTER_PAGES, UPS_ON_BATTERY,
};
use proto::plan::Kind;
use proto::stream::Measured;
use proto::wire::{self, FoundDevice};

use super::super::stream::Stream;
use super::super::take::{AtHand, Taken};
use super::super::{Labels, Terms};
use super::stream::{Agents, Collector, collector_for};
use super::*;
use crate::latest::{self, DeviceKey, Enrolled, Polled, Source};
use crate::registry::Agent;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Who was the scout when, of whichever centre they belong to.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Vec<(AgentId, Range<i64>)>>);

impl Terms for Turns {
    fn holds(&self, agent: &AgentId, _: &CentreId, time_unix_ms: i64) -> bool {
        let terms = self.0.lock().unwrap();
        let mut of_it = terms.iter().filter(|(scout, _)| scout == agent);
        of_it.any(|(_, term)| term.contains(&time_unix_ms))
    }
}

fn key(centre: &str, device: &str) -> DeviceKey {
    DeviceKey {
        centre: centre.parse().unwrap(),
        device: device.parse().unwrap(),
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A centre of two agents, with a printer and a UPS.
struct Centre {
    collector: Collector,
    /// Who was given a stream, and what waits to be sent on it.
    other: Agent,
}

impl Centre {
    async fn new() -> Self {
        // With a store, since what is kept is looked at.
        let collector = collector_for(&["store"]).await;
        let other = fixture::pc("pc-2");
        let centre = Self { collector, other };
        centre.follows(&[("printer-1", Kind::Printer), ("ups-1", Kind::Ups)]);
        centre
    }

    /// The registry has these devices, beside the agents and a printer of another centre.
    fn follows(&self, devices: &[(&str, Kind)]) {
        let agent = |agent: &Agent| {
            let enrolled = Enrolled {
                agent: agent.id.clone(),
                kind: agent.kind.clone(),
                version: String::new(),
                os: String::new(),
                arch: String::new(),
                certificate_until: None,
                last_report: None,
                goodbye: None,
            };
            let device = agent.device.as_str();
            (key("cong-son", device), Source::Agent(enrolled))
        };
        let polled = |centre, (device, kind): (&str, Kind)| {
            (key(centre, device), Source::Polled(Polled { kind }))
        };
        let agents = [agent(&self.collector.agent), agent(&self.other)];
        let devices = devices.iter().map(|device| polled("cong-son", *device));
        let elsewhere = polled("that-khe", ("printer-9", Kind::Printer));
        let all = agents.into_iter().chain(devices).chain([elsewhere]);
        self.collector.latest().follow(all);
    }

    fn is_scout(&self, agent: &Agent, term: Range<i64>) {
        let mut scouts = self.collector.scouts.0.lock().unwrap();
        scouts.push((agent.id.clone(), term));
    }

    /// The live value of a metric.
    fn value(&self, device: &str, metric: &'static Metric) -> Option<f64> {
        let device = self.collector.latest().device(&key("cong-son", device));
        latest::lock(&device.unwrap()).value(metric)
    }

    fn rejected(&self, reason: &str) -> u64 {
        let rejected = &self.collector.own().samples_rejected;
        rejected.with_label_values(&[reason]).get()
    }

    /// How many slots a device has in use.
    fn live(&self, device: &str) -> usize {
        let device = self.collector.latest().device(&key("cong-son", device));
        latest::lock(&device.unwrap()).live().count()
    }
}

/// One sample: of which device (its own is ""), what, and how long ago.
type Told<'a> = (&'a str, &'static Metric, f64, i64);

/// An agent and its stream.
struct Talk {
    stream: Stream,
    agent: Agents,
    sequence: u64,
    /// By which the agent's clock is wrong.
    error: i64,
}

impl Talk {
    fn of(centre: &Centre, agent: &Agent) -> Self {
        let (stream, agent) = centre.collector.stream_of(agent);
        Self {
            stream,
            agent,
            sequence: 0,
            error: 0,
        }
    }

    /// What becomes of a batch of these: what is kept of it, and why how many were refused.
    fn says(&mut self, told: &[Told<'_>]) -> Vec<journal::Measured> {
        let wall_unix_ms = now() + self.error;
        let mut measured = Measured::default();
        for (id, (device, metric, value, ago)) in (0..).zip(told) {
            let series = wire::Series {
                metric: metric.name.into(),
                device: (*device).into(),
                ..wire::Series::default()
            };
            measured.series.push(series);
            let rounds = &mut measured.rounds;
            rounds.push(wall_unix_ms - ago, [(id, *value)]).unwrap();
        }
        self.sends(wall_unix_ms, measured)
    }

    fn sends(&mut self, wall_unix_ms: i64, measured: Measured) -> Vec<journal::Measured> {
        self.sequence += 1;
        let batch = self.agent.sent(self.sequence, wall_unix_ms, measured);
        let taken = self.takes(batch);
        taken.figures.count(self.stream.own());
        let part = taken.entry.unwrap().part;
        let decoded = journal::decode(&journal::record(std::iter::once(&*part))).unwrap();
        assert!(decoded.error.is_none(), "{:?}", decoded.error);
        decoded.measured
    }
}

impl Talk {
    fn takes(&mut self, batch: wire::Batch) -> Taken {
        self.stream.instance = batch.instance;
        let taken = AtHand::with(|at_hand| self.stream.take(at_hand, batch, Timestamp::now()));
        taken.unwrap()
    }
}

/// Whose it is, of which kind, which series it has, and their values.
fn shape(measured: &[journal::Measured]) -> Vec<String> {
    let line = |one: &journal::Measured| {
        let samples = one.rounds.iter().flat_map(|round| round.samples());
        let samples: Vec<_> = samples
            .map(|(id, value)| {
                let series = &one.series[id as usize];
                assert_eq!(series.device, None, "who asked is forgotten");
                let name = series.metric.name.trim_start_matches("dawnwatch_");
                format!("{name}={value}")
            })
            .collect();
        let late = if one.late { "late " } else { "" };
        format!("{late}{} {}: {}", one.device, one.kind, samples.join(" "))
    };
    measured.iter().map(line).collect()
}
