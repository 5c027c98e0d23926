//! Asks each resolver of the machine and of the plan by itself, and the system, in each interval.
//!
//! Each has a phase of its own and keeps it, so that the resolvers do not measure each other. Two of the
//! plan's names are asked for in a run, others in the next, by all resolvers of a network the same, and a
//! name that nobody has. Where those names have no answer others are asked for at once: dead names are no
//! dead resolver. Rights: none. It cannot know of resolvers that a router's own forwarder asks.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proto::metrics;
use proto::plan::Plan;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::super::lookup::Lookups;
use super::super::outcomes::Outcomes;
use super::super::statistics::{seconds, three_digits};
use super::super::surroundings::Looking;
use super::resolvers::SYSTEM;
use super::system::judge_system;
use super::{Judged, Name, Outcome, Resolver, canary, compare, judge, names, resolvers};

/// Names asked for in one run, beside the one that nobody has.
const NAMES: usize = 2;

/// Names asked for where those have no answer.
const OTHERS: usize = 4;

/// The source.
pub(crate) struct Dns {
    context: Context,
    looking: Looking,
    lookups: Lookups,
    known: HashMap<String, State>,
    /// Counts the runs.
    turn: usize,
}

/// The names of one run and one network.
#[derive(Debug, Clone)]
struct Turn {
    names: Vec<Name>,
    /// For when those have no answer.
    others: Vec<Name>,
}

/// What is remembered of a resolver, or of the system, between runs.
#[derive(Debug)]
struct State {
    /// Share of the window.
    phase: f64,
    outcomes: Outcomes<Outcome>,
}

impl State {
    fn new() -> Self {
        Self {
            phase: rand::random(),
            outcomes: Outcomes::new(),
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
    /// For all answers of one resolver, and once more for those to other names.
    patience: Duration,
}

impl Pace {
    /// What a run reads has one time, that of its end: it is not spread farther than ten seconds. The
    /// first run does not keep a person waiting.
    fn of(interval: Duration, is_first: bool) -> Self {
        let looking = Duration::from_secs(2).min(interval / 10);
        let patience = Duration::from_secs(5).min(interval * 7 / 20);
        let widest = if is_first {
            Duration::from_millis(500)
        } else {
            Duration::from_secs(10)
        };
        let left = (interval * 9 / 10).saturating_sub(looking + 2 * patience);
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
            looking: Looking::default(),
            lookups: Lookups::default(),
            known: HashMap::new(),
            turn: 0,
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let pace = Pace::of(plan.service_interval, self.known.is_empty());
        self.looking
            .look(Instant::now() + pace.looking, readings)
            .await;
        let (resolvers, limitation) = resolvers(&self.looking.found.resolvers, &plan);
        readings.limitations.extend(limitation);
        let names: Vec<_> = resolvers.iter().map(|one| one.name.as_str()).collect();
        self.known
            .retain(|name, _| name == SYSTEM || names.contains(&name.as_str()));
        for name in names.into_iter().chain([SYSTEM]) {
            self.known.entry(name.to_owned()).or_insert_with(State::new);
        }
        let mut running = self.ask_each(&plan, resolvers, pace);
        let of_system = self.ask_the_system(&plan, pace).await;
        self.report(SYSTEM, &of_system, readings);

        let mut networks: BTreeMap<Option<String>, Vec<(String, Judged)>> = BTreeMap::new();
        while let Some(finished) = running.join_next().await {
            match finished {
                Ok((resolver, Ok(judged))) => {
                    let network = networks.entry(resolver.network).or_default();
                    network.push((resolver.name, judged));
                }
                Ok((_, Err(limitation))) if !readings.limitations.contains(&limitation) => {
                    readings.limitations.push(limitation);
                }
                _ => {}
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

    /// Asks each resolver at its moment.
    fn ask_each(
        &self,
        plan: &Plan,
        resolvers: Vec<Resolver>,
        pace: Pace,
    ) -> JoinSet<(Resolver, Result<Judged, Unmeasurable>)> {
        let mut running = JoinSet::new();
        for resolver in resolvers {
            let start = self.start(&resolver.name, pace);
            let network = resolver.network.as_deref();
            let mut turn = self.names(plan, network);
            turn.names.push(canary());
            let interface = self.context.interface(network);
            let gateways = self.looking.found.gateway_ips();
            running.spawn(async move {
                sleep_until(start).await;
                let ask = async |names: Vec<Name>| {
                    let interface = interface.as_deref();
                    let address = &resolver.address;
                    judge(address, interface, &names, &gateways, pace.patience).await
                };
                let judged = match ask(turn.names).await {
                    Ok(judged) if judged.may_be_of_the_names() => {
                        ask(turn.others).await.map(|others| judged.and(others))
                    }
                    judged => judged,
                };
                (resolver, judged)
            });
        }
        running
    }

    /// As programs do.
    async fn ask_the_system(&self, plan: &Plan, pace: Pace) -> Judged {
        sleep_until(self.start(SYSTEM, pace)).await;
        let gateways = &self.looking.found.gateway_ips();
        let ask = async |names: &[Name]| {
            judge_system(&self.lookups, names, gateways, pace.patience).await
        };
        let Turn { mut names, others } = self.names(plan, None);
        if names.is_empty() {
            names.push(canary());
        }
        let judged = ask(&names).await;
        if judged.may_be_of_the_names() {
            judged.and(ask(&others).await)
        } else {
            judged
        }
    }

    /// The moment of a resolver, or of the system, counted from now.
    fn start(&self, name: &str, pace: Pace) -> Instant {
        let phase = self.known.get(name).map_or(0.0, |state| state.phase);
        Instant::now() + pace.window.mul_f64(phase)
    }

    /// The names whose turn it is.
    fn names(&self, plan: &Plan, network: Option<&str>) -> Turn {
        let collector = self.context.collector.as_ref();
        let collector = collector.map(|(host, _)| host.as_str());
        let mut names = names(plan, network, collector);
        let from = self.turn.checked_rem(names.len()).unwrap_or_default();
        names.rotate_left(from);
        let mut others = names.split_off(names.len().min(NAMES));
        others.truncate(OTHERS);
        Turn { names, others }
    }

    fn report(&mut self, resolver: &str, judged: &Judged, readings: &mut Readings) {
        if let Some((name, address)) = judged.lie() {
            tracing::debug!(resolver, name, %address, "A resolver told what cannot be true.");
        }
        let Some(state) = self.known.get_mut(resolver) else {
            return;
        };
        for (outcome, value) in state.outcomes.with(judged.outcome) {
            let labels = [resolver, outcome.as_str()];
            readings.push(&metrics::DNS_OUTCOME, &labels, value);
        }
        if let Some(took) = judged.took {
            let took = seconds(three_digits(took));
            readings.push(&metrics::DNS_DURATION, &[resolver], took);
        }
    }
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
