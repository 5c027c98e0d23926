//! Round trips to gateways, collector, resolvers and the plan's targets: a round of echoes for each
//! per interval.
//!
//! Each link starts its round at a phase of its own within the interval, so that the links do not
//! measure each other, and keeps that phase. An echo without answer is lost whatever the reason: no
//! answer, no route, or no address for the name. Echoes count as sent when they were attempted,
//! so that the counters tell a dead line too.
//!
//! Rights: none where the kernel allows datagram ICMP; see `echo.rs` for what happens without.
//! It cannot know of ICMP that is filtered on the way: a target that answers no echo looks dead.

use std::collections::HashMap;
use std::time::Duration;

use proto::metrics;
use proto::plan::{Plan, Segment};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::echo::{Method, Sockets};
use super::names::Names;
use super::pace::{ECHOES, Pace};
use super::slow::Slow;
use super::statistics::{Counts, summarise, three_digits};
use super::targets::{self, Link, Place, Surroundings};
use crate::os::{self, Address, Root, Unreadable};

/// The source.
pub struct Icmp {
    context: Context,
    root: Root,
    surroundings: Surroundings,
    look_around: Slow<Found>,
    names: Names,
    sockets: Sockets,
    links: HashMap<(Segment, String), State>,
}

type Found = Result<Surroundings, Unreadable>;

/// What is remembered of a link between rounds.
#[derive(Debug)]
struct State {
    /// Share of the window.
    phase: f64,
    /// Which of its ports is tried.
    port: usize,
    counts: Counts,
}

impl State {
    fn new() -> Self {
        Self {
            phase: rand::random(),
            port: 0,
            counts: Counts::default(),
        }
    }
}

/// One link's round, after it.
struct Round {
    link: Link,
    /// `None` for a name without address.
    through: Option<(Address, Method)>,
    echoes: Vec<Option<Duration>>,
}

impl Round {
    fn lost(link: Link) -> Self {
        Self {
            link,
            through: None,
            echoes: (0..ECHOES).map(|_| None).collect(),
        }
    }

    fn is_answered(&self) -> bool {
        self.echoes.iter().any(Option::is_some)
    }
}

impl Icmp {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            root: Root::default(),
            surroundings: Surroundings::default(),
            look_around: Slow::default(),
            names: Names::default(),
            sockets: Sockets::default(),
            links: HashMap::new(),
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let mut pace = Pace::of(plan.link_interval);
        if self.links.is_empty() {
            pace = pace.first();
        }
        let deadline = Instant::now() + pace.lookup;
        let links = self.find_links(&plan, deadline, readings).await;
        if links.is_empty() {
            return Err(Unmeasurable {
                what: "there is no gateway, resolver, collector or target to probe".to_owned(),
                remedy: "connect this machine to a network".to_owned(),
            });
        }
        let rounds = self.probe(links, pace, readings).await;
        self.doubt_the_silent(&rounds);
        for round in rounds {
            self.report(&round, readings);
        }
        Ok(())
    }

    /// What to probe now, with names resolved and states ready.
    async fn find_links(
        &mut self,
        plan: &Plan,
        deadline: Instant,
        readings: &mut Readings,
    ) -> Vec<Link> {
        let root = self.root.clone();
        self.look_around
            .start(|| tokio::task::spawn_blocking(move || look_around(&root)));
        match self.look_around.returned(deadline).await {
            Some(Ok(found)) => self.surroundings = found,
            Some(Err(error)) => readings.limitations.push(Unmeasurable {
                what: format!("gateways or resolvers are unknown: {error}"),
                remedy: "let the agent's user read it".to_owned(),
            }),
            None => {}
        }
        let collector = self.context.collector.as_ref();
        let (links, left_out) = targets::links(&self.surroundings, collector, plan, &self.root);
        if left_out > 0 {
            readings.limitations.push(Unmeasurable {
                what: format!("{left_out} links are not probed"),
                remedy: format!("name fewer targets in the plan: at most {}", targets::BOUND),
            });
        }
        let key = |link: &Link| (link.segment, link.name.clone());
        self.links
            .retain(|known, _| links.iter().any(|link| key(link) == *known));
        for link in &links {
            self.links.entry(key(link)).or_insert_with(State::new);
        }
        let names: Vec<&str> = links.iter().filter_map(|link| name(&link.place)).collect();
        self.names.refresh(&names, deadline).await;
        links
    }

    /// Runs the rounds of all links, and returns when all are over.
    async fn probe(&mut self, links: Vec<Link>, pace: Pace, readings: &mut Readings) -> Vec<Round> {
        let mut running = JoinSet::new();
        let mut rounds = Vec::with_capacity(links.len());
        for link in links {
            let address = match &link.place {
                Place::Address(address) => Some(address.clone()),
                Place::Name(name) => self
                    .names
                    .address(name)
                    .map(|ip| Address { ip, zone: None }),
            };
            let state = self.links.get(&(link.segment, link.name.clone()));
            let (Some(address), Some(state)) = (address, state) else {
                rounds.push(Round::lost(link));
                continue;
            };
            let (means, limitation) = self.sockets.means(address.ip);
            if let Some(limitation) = limitation
                && !readings.limitations.contains(&limitation)
            {
                readings.limitations.push(limitation);
            }
            let port = link.ports.iter().cycle().nth(state.port).copied();
            let start = Instant::now() + pace.window.mul_f64(state.phase);
            running.spawn(async move {
                tokio::time::sleep_until(start).await;
                let through = Some((address.clone(), means.method()));
                let echoes = means.round(&address, port.unwrap_or_default(), pace).await;
                Round {
                    link,
                    through,
                    echoes: echoes
                        .into_iter()
                        .map(|one| one.map(three_digits))
                        .collect(),
                }
            });
        }
        while let Some(finished) = running.join_next().await {
            rounds.extend(finished);
        }
        rounds
    }

    /// Where nothing answered, the next round asks for the name again, tries another port, and uses
    /// a new socket.
    fn doubt_the_silent(&mut self, rounds: &[Round]) {
        for round in rounds.iter().filter(|round| !round.is_answered()) {
            if let Some(name) = name(&round.link.place) {
                self.names.doubt(name);
            }
            let key = (round.link.segment, round.link.name.clone());
            if let Some(state) = self.links.get_mut(&key) {
                state.port = (state.port + 1) % round.link.ports.len().max(1);
            }
        }
        for ipv4 in [true, false] {
            let family = |round: &&Round| {
                let through = round.through.as_ref();
                through.is_some_and(|(address, _)| address.ip.is_ipv4() == ipv4)
            };
            if !rounds.iter().filter(family).any(Round::is_answered) {
                self.sockets.doubt(ipv4);
            }
        }
    }

    fn report(&mut self, round: &Round, readings: &mut Readings) {
        let Link { segment, name, .. } = &round.link;
        let Some(state) = self.links.get_mut(&(*segment, name.clone())) else {
            return;
        };
        let labels = [segment.as_str(), name];
        state.counts.add(&round.echoes);
        state.counts.push(labels, readings);
        summarise(&round.echoes).push(labels, readings);
        if let Some((address, method)) = &round.through {
            let labels = [labels[0], labels[1], &address.to_string(), method.as_str()];
            readings.push(&metrics::LINK_METHOD_INFO, &labels, 1.0);
        }
    }
}

fn look_around(root: &Root) -> Found {
    Ok(Surroundings {
        gateways: os::gateways(root)?,
        resolvers: os::resolvers(root)?,
    })
}

fn name(place: &Place) -> Option<&str> {
    match place {
        Place::Name(name) => Some(name),
        Place::Address(_) => None,
    }
}

impl Source for Icmp {
    fn name(&self) -> &'static str {
        "icmp"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.link_interval
    }

    fn timeout(&self, plan: &Plan) -> Duration {
        plan.link_interval
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "tests, which say what they skip"
    )]
    use std::collections::BTreeMap;

    use proto::metrics::{Metric, Part};
    use proto::plan::Target;
    use tokio::sync::watch;

    use super::*;

    /// A source whose machine has no routes and no resolvers, so that it probes these targets alone.
    fn alone(targets: &[(&str, &str)], folder: &tempfile::TempDir) -> (Icmp, watch::Sender<Plan>) {
        std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
        std::fs::write(folder.path().join("proc/net/route"), "header\n").unwrap();
        let (sender, plan) = watch::channel(plan(targets));
        let mut icmp = Icmp::new(Context::new(plan, None, BTreeMap::new()));
        icmp.root = Root(folder.path().to_owned());
        (icmp, sender)
    }

    fn plan(targets: &[(&str, &str)]) -> Plan {
        let target = |(name, address): &(&str, &str)| Target {
            name: (*name).to_owned(),
            address: (*address).to_owned(),
            segment: Segment::Lan,
            network: None,
        };
        Plan {
            link_interval: Duration::from_secs(1),
            targets: targets.iter().map(target).collect(),
            ..Plan::default()
        }
    }

    fn value(readings: &Readings, metric: &'static Metric, target: &str) -> Option<f64> {
        let found = readings.taken.iter().find(|reading| {
            let labels = &reading.series.labels;
            reading.series.metric == metric
                && matches!(reading.series.part, Part::Value | Part::Count)
                && labels
                    .iter()
                    .any(|label| *label == ("target", target.to_owned()))
        });
        Some(found?.value)
    }

    fn method(readings: &Readings, target: &str) -> String {
        let infos = readings.taken.iter().map(|reading| &reading.series);
        let mut infos = infos.filter(|series| series.metric == &metrics::LINK_METHOD_INFO);
        let of_target = |label: &(&str, String)| *label == ("target", target.to_owned());
        let labels = &infos
            .find(|info| info.labels.iter().any(of_target))
            .unwrap()
            .labels;
        labels.last().unwrap().1.clone()
    }

    #[tokio::test]
    async fn real_echoes_are_answered_over_both_families() {
        let folder = tempfile::tempdir().unwrap();
        let (mut icmp, _plan) = alone(&[("four", "127.0.0.1"), ("six", "::1")], &folder);
        let mut readings = Readings::default();
        icmp.sample(&mut readings).await.unwrap();
        if let Some(limitation) = readings.limitations.first() {
            assert!(
                std::env::var("CI").is_err(),
                "a skip fails here: {limitation}"
            );
            println!("skipped, because {limitation}");
            return;
        }
        let six = std::net::UdpSocket::bind("[::1]:0").map(|_| "six");
        if let Err(error) = &six {
            println!("IPv6 is skipped, because this machine has no ::1: {error}");
        }
        for target in std::iter::once("four").chain(six) {
            assert!(method(&readings, target).starts_with("icmp_"));
            let value = |metric| value(&readings, metric, target);
            assert_eq!(value(&metrics::LINK_SENT), Some(5.0));
            assert_eq!(value(&metrics::LINK_RECEIVED), Some(5.0));
            assert_eq!(value(&metrics::LINK_LOSS), Some(0.0));
            assert_eq!(value(&metrics::LINK_RTT), Some(5.0), "observations");
            let [min, median, max] = [
                &metrics::LINK_RTT_MIN,
                &metrics::LINK_RTT_MEDIAN,
                &metrics::LINK_RTT_MAX,
            ]
            .map(|metric| value(metric).unwrap());
            assert!(min <= median && median <= max && max < 1.0);
            assert!(value(&metrics::LINK_JITTER).unwrap() <= max - min);
        }
    }

    #[tokio::test]
    async fn all_links_fit_into_the_series_of_one_agent_beside_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let (mut icmp, _plan) = alone(&[("a", "127.0.0.1")], &folder);
        let mut readings = Readings::default();
        icmp.sample(&mut readings).await.unwrap();
        let host = 16 * 8 + 32 * 2 + 16 * 2 + 32 + 50;
        let all = readings.taken.len() * targets::BOUND + host;
        assert!(all <= proto::limits::SERIES_PER_AGENT, "{all}");
    }

    #[tokio::test]
    async fn counters_go_on_and_what_left_the_plan_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (mut icmp, plan_sender) = alone(&[("a", "127.0.0.1"), ("b", "127.0.0.2")], &folder);
        icmp.sample(&mut Readings::default()).await.unwrap();
        plan_sender.send(plan(&[("a", "127.0.0.1")])).unwrap();
        let mut readings = Readings::default();
        icmp.sample(&mut readings).await.unwrap();
        assert_eq!(value(&readings, &metrics::LINK_SENT, "a"), Some(10.0));
        assert_eq!(value(&readings, &metrics::LINK_SENT, "b"), None);
        assert_eq!(icmp.links.len(), 1);
    }

    #[tokio::test]
    async fn a_dead_target_is_a_reading_and_an_empty_machine_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (mut icmp, plan_sender) = alone(&[("nobody", "no such name")], &folder);
        icmp.names = Names::with(|_| Box::pin(std::future::ready(Vec::new())));
        let mut readings = Readings::default();
        icmp.sample(&mut readings).await.unwrap();
        assert_eq!(value(&readings, &metrics::LINK_LOSS, "nobody"), Some(1.0));
        assert_eq!(value(&readings, &metrics::LINK_SENT, "nobody"), Some(5.0));
        assert_eq!(
            value(&readings, &metrics::LINK_RECEIVED, "nobody"),
            Some(0.0)
        );
        assert_eq!(value(&readings, &metrics::LINK_RTT_MIN, "nobody"), None);

        plan_sender.send(plan(&[])).unwrap();
        let error = icmp.sample(&mut Readings::default()).await.unwrap_err();
        assert!(error.what.contains("no gateway"), "{error}");
    }
}
