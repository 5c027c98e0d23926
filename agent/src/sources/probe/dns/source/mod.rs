//! Asks each resolver of the machine and of the plan by itself, and the system, in each interval.
//!
//! Each has a phase of its own and keeps it, so that the resolvers do not measure each other. Two of the
//! plan's names are asked for in a run, others in the next, by all resolvers of a network the same, and a
//! name that nobody has. Rights: none. It cannot know of resolvers that a router's own forwarder asks.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use proto::limits::RESOLVERS_PER_PLAN;
use proto::metrics;
use proto::plan::Plan;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::super::slow::Slow;
use super::super::statistics::three_digits;
use super::{Judged, Name, Outcome, System, canary, compare, judge, names};
use crate::os::{self, Address, Root, Unreadable};

/// Resolvers of the machine itself that are asked: one with more is misconfigured.
const OWN_BOUND: usize = 4;

/// What the system's own way is called.
const SYSTEM: &str = "system";

/// Names asked for in one run, beside the one that nobody has.
const NAMES: usize = 2;

/// The source.
pub(crate) struct Dns {
    context: Context,
    root: Root,
    surroundings: Surroundings,
    look_around: Slow<Result<Surroundings, Unreadable>>,
    system: System,
    known: HashMap<String, State>,
    /// Counts the runs.
    turn: usize,
}

#[derive(Debug, Clone, Default)]
struct Surroundings {
    gateways: Vec<IpAddr>,
    resolvers: Vec<Address>,
}

/// A resolver to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resolver {
    /// The `resolver` label.
    name: String,
    address: Address,
    network: Option<String>,
}

/// What is remembered of a resolver, or of the system, between runs.
#[derive(Debug)]
struct State {
    /// Share of the window.
    phase: f64,
    /// How questions ended since the agent started.
    seen: Vec<Outcome>,
}

impl State {
    fn new() -> Self {
        Self {
            phase: rand::random(),
            seen: Vec::new(),
        }
    }
}

/// When things happen within one interval. All fits into nine tenths of it.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// For what the machine's settings say.
    looking: Duration,
    /// Within which all resolvers are asked.
    window: Duration,
    /// For all answers of one resolver.
    patience: Duration,
}

impl Pace {
    /// What a run reads has one time, that of its end: it is not spread farther than ten seconds. The
    /// first run does not keep a person waiting.
    fn of(interval: Duration, is_first: bool) -> Self {
        let looking = Duration::from_secs(2).min(interval / 5);
        let patience = Duration::from_secs(5).min(interval * 2 / 5);
        let widest = if is_first {
            Duration::from_millis(500)
        } else {
            Duration::from_secs(10)
        };
        let left = (interval * 9 / 10).saturating_sub(looking + patience);
        Self {
            looking,
            window: left.min(widest),
            patience,
        }
    }
}

impl Dns {
    /// Opens nothing yet.
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            root: Root::default(),
            surroundings: Surroundings::default(),
            look_around: Slow::default(),
            system: System::default(),
            known: HashMap::new(),
            turn: 0,
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let pace = Pace::of(plan.service_interval, self.known.is_empty());
        self.look_around(pace, readings).await;
        let resolvers = resolvers(&self.surroundings, &plan, readings);
        let names: Vec<_> = resolvers.iter().map(|one| one.name.as_str()).collect();
        self.known
            .retain(|name, _| name == SYSTEM || names.contains(&name.as_str()));
        for name in names.into_iter().chain([SYSTEM]) {
            self.known.entry(name.to_owned()).or_insert_with(State::new);
        }
        let begin = Instant::now();
        let start = |known: &HashMap<String, State>, name: &str| {
            let phase = known.get(name).map_or(0.0, |state| state.phase);
            begin + pace.window.mul_f64(phase)
        };
        let mut running = JoinSet::new();
        for resolver in resolvers {
            let start = start(&self.known, &resolver.name);
            let mut names = self.names(&plan, resolver.network.as_deref());
            names.push(canary());
            let interface = self.context.interface(resolver.network.as_deref());
            let gateways = self.surroundings.gateways.clone();
            running.spawn(async move {
                sleep_until(start).await;
                let interface = interface.as_deref();
                let address = &resolver.address;
                let judged = judge(address, interface, &names, &gateways, pace.patience).await;
                (resolver, judged)
            });
        }
        sleep_until(start(&self.known, SYSTEM)).await;
        let name = self.names(&plan, None).into_iter().next();
        let gateways = &self.surroundings.gateways;
        let of_system = self
            .system
            .judge(name.unwrap_or_else(canary), gateways, pace.patience)
            .await;
        self.report(SYSTEM, &of_system, readings);

        let mut networks: BTreeMap<Option<String>, Vec<(String, Judged)>> = BTreeMap::new();
        while let Some(finished) = running.join_next().await {
            if let Ok((resolver, judged)) = finished {
                let network = networks.entry(resolver.network).or_default();
                network.push((resolver.name, judged));
            }
        }
        for mut resolvers in networks.into_values() {
            compare(resolvers.iter_mut().map(|(_, judged)| judged));
            resolvers.sort_by(|one, other| one.0.cmp(&other.0));
            for (name, judged) in resolvers {
                self.report(&name, &judged, readings);
            }
        }
        self.turn = self.turn.wrapping_add(1);
        Ok(())
    }

    /// Reads the machine's settings anew, unless that hangs: then they are what they were.
    async fn look_around(&mut self, pace: Pace, readings: &mut Readings) {
        let root = self.root.clone();
        self.look_around
            .start(|| tokio::task::spawn_blocking(move || look_around(&root)));
        let deadline = Instant::now() + pace.looking;
        match self.look_around.returned(deadline).await {
            Some(Ok(found)) => self.surroundings = found,
            Some(Err(error)) => readings.limitations.push(Unmeasurable {
                what: format!("this machine's resolvers are unknown: {error}"),
                remedy: "let the agent's user read it".to_owned(),
            }),
            None => {}
        }
    }

    /// The names whose turn it is.
    fn names(&self, plan: &Plan, network: Option<&str>) -> Vec<Name> {
        let collector = self.context.collector.as_ref();
        let collector = collector.map(|(host, _)| host.as_str());
        let names = names(plan, network, collector);
        let count = names.len();
        let from = self.turn.checked_rem(count).unwrap_or_default();
        let turn = names.into_iter().cycle().skip(from);
        turn.take(count.min(NAMES)).collect()
    }

    /// 1 for how it ended this time, 0 for how it ended before.
    fn report(&mut self, resolver: &str, judged: &Judged, readings: &mut Readings) {
        if let Some((name, address)) = judged.lie() {
            tracing::debug!(resolver, name, %address, "A resolver told what cannot be true.");
        }
        let Some(state) = self.known.get_mut(resolver) else {
            return;
        };
        if !state.seen.contains(&judged.outcome) {
            state.seen.push(judged.outcome);
        }
        for outcome in &state.seen {
            let labels = [resolver, outcome.as_str()];
            let value = f64::from(u8::from(*outcome == judged.outcome));
            readings.push(&metrics::DNS_OUTCOME, &labels, value);
        }
        if let Some(took) = judged.took {
            let micros = u32::try_from(three_digits(took).as_micros()).unwrap_or(u32::MAX);
            let seconds = f64::from(micros) / 1e6;
            readings.push(&metrics::DNS_DURATION, &[resolver], seconds);
        }
    }
}

fn look_around(root: &Root) -> Result<Surroundings, Unreadable> {
    let gateways = os::gateways(root)?;
    Ok(Surroundings {
        gateways: gateways.into_iter().map(|gateway| gateway.ip).collect(),
        resolvers: os::resolvers(root)?,
    })
}

/// The machine's own resolvers, unless the plan has a name for them, and those of the plan.
fn resolvers(around: &Surroundings, plan: &Plan, readings: &mut Readings) -> Vec<Resolver> {
    let planned = plan.resolvers.iter().take(RESOLVERS_PER_PLAN);
    let planned = planned.map(|resolver| Resolver {
        name: resolver.name.clone(),
        address: Address {
            ip: resolver.address,
            zone: None,
        },
        network: resolver.network.clone(),
    });
    let has_name = |address: &Address| {
        let mut planned = plan.resolvers.iter();
        address.zone.is_none()
            && planned.any(|one| one.address == address.ip && one.network.is_none())
    };
    let own: Vec<_> = around
        .resolvers
        .iter()
        .filter(|address| !has_name(address))
        .collect();
    let left_out = own.len().saturating_sub(OWN_BOUND);
    if left_out > 0 {
        readings.limitations.push(Unmeasurable {
            what: format!("{left_out} of this machine's resolvers are not asked"),
            remedy: format!("use at most {OWN_BOUND} resolvers"),
        });
    }
    let mut all: Vec<Resolver> = Vec::new();
    let own = own.into_iter().take(OWN_BOUND).map(|address| Resolver {
        name: address.to_string(),
        address: address.clone(),
        network: None,
    });
    for resolver in own.chain(planned) {
        let is_named = all.iter().any(|one| one.name == resolver.name);
        if !is_named && resolver.name != SYSTEM {
            all.push(resolver);
        }
    }
    all
}

impl Source for Dns {
    fn name(&self) -> &'static str {
        "dns"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.service_interval
    }

    fn timeout(&self, plan: &Plan) -> Duration {
        plan.service_interval
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
}

#[cfg(test)]
mod tests;
