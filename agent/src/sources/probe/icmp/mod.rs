//! Round trips to gateways, collector, resolvers, the nearest routers beyond the gateway and the plan's
//! targets: a round of echoes for each per interval, and seldom a burst (see `burst.rs`).
//!
//! Links take turns, in an order by chance that stays: no echo waits behind that of another link, on
//! slow lines neither, and all are over soon. An echo without answer is lost whatever the reason: no
//! answer, no route, or no address for the name. Echoes count as sent when they were attempted,
//! so that the counters tell a dead line too.
//!
//! Routers on the way may answer no echo, or few: they forward first. One that stays silent is asked by
//! packets that expire there, and is no link before it has answered. Loss at a router that is absent
//! behind it is such a limit and no fault, which the diagnosis knows; to make little of it, a router gets
//! few echoes however many the plan has, and no bursts; so does the line of another centre, which a province's own
//! agent sees from outside.
//!
//! Rights: none where the kernel allows datagram ICMP; see `echo.rs` for what happens without.
//! It cannot know of ICMP that is filtered on the way: a target that answers no echo looks dead.

mod asked;
mod burst;
mod link;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use proto::metrics;
use proto::plan::Plan;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use self::asked::Asked;
use self::asked::Outcome;
use self::burst::Burst;
use self::link::{Key, Round, Route, State, key};
use super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::due::Due;
use super::echo::{Means, Sockets, Way};
use super::names::Names;
use super::pace::Pace;
use super::statistics::summarise;
use super::surroundings::Looking;
use super::targets::{self, Known, Link, Place};
use crate::os::Address;

/// Echoes that a router on the way gets in one round: fewer than the six packets that a Linux router
/// lets expire at once before it is silent for a second.
const HOP_ECHOES: u32 = 5;

/// The source.
pub struct Icmp {
    context: Context,
    looking: Looking,
    names: Names,
    sockets: Sockets,
    links: HashMap<Key, State>,
}

impl Icmp {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            looking: Looking::default(),
            names: Names::default(),
            sockets: Sockets::default(),
            links: HashMap::new(),
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let pace = |links| Pace::of(plan.link_interval, plan.link_echoes, links);
        let deadline = Instant::now() + pace(0).lookup;
        let links = self.find_links(&plan, deadline, readings).await;
        if links.is_empty() {
            return Err(Unmeasurable {
                what: "there is no gateway, resolver, collector or target to probe".to_owned(),
                remedy: "connect this machine to a network".to_owned(),
            });
        }
        let routes = self.find_routes(links, readings);
        let bursts = self.due_bursts(&routes, &plan);
        let asked: Vec<Key> = bursts
            .iter()
            .filter(|one| one.is_asked)
            .map(|one| one.link.clone())
            .collect();
        let pace = pace(routes.len());
        // Many echoes take longer than a round.
        let longest = asked.iter().map(|_| burst::longest(pace.timeout)).max();
        let longest = longest.map_or(Duration::ZERO, |longest| {
            longest.min(plan.link_interval * 7 / 10)
        });
        let deadline = Instant::now() + pace.whole().max(longest);
        let (rounds, bursts) = tokio::join!(
            self.probe(routes, pace),
            burst::send(bursts, &self.context.heavy, pace.timeout, deadline)
        );
        self.learn(&rounds);
        let asked = asked
            .into_iter()
            .filter(|link| bursts.iter().all(|one| one.link != *link));
        for _late in asked {
            self.context.bursts.note(Outcome::Failed);
        }
        for burst in bursts {
            self.count(&burst, &plan);
        }
        for round in rounds {
            self.report(&round, readings);
        }
        self.context.bursts.push(readings);
        Ok(())
    }

    /// What to probe now, with names resolved and states ready.
    async fn find_links(
        &mut self,
        plan: &Plan,
        deadline: Instant,
        readings: &mut Readings,
    ) -> Vec<Link> {
        self.looking.look(deadline, readings).await;
        let hops = self.context.hops.borrow().clone();
        let known = Known {
            surroundings: &self.looking.found,
            collector: self.context.collector.as_ref(),
            hops: &hops,
            plan,
            interface: &|network| self.context.interface(Some(network)),
        };
        let (links, left_out) = targets::links(&known, &self.looking.root);
        if left_out > 0 {
            readings.limitations.push(Unmeasurable {
                what: format!("{left_out} links are not probed"),
                remedy: format!("name fewer targets in the plan: at most {}", targets::BOUND),
            });
        }
        self.links
            .retain(|known, _| links.iter().any(|link| key(link) == *known));
        for link in &links {
            let state = self.links.entry(key(link));
            state.or_insert_with(|| State::new(plan));
        }
        let names: Vec<&str> = links.iter().filter_map(|link| name(&link.place)).collect();
        self.names.refresh(&names, deadline).await;
        links
    }

    /// How to reach each link; `None` where there is no way to.
    fn find_routes(
        &mut self,
        links: Vec<Link>,
        readings: &mut Readings,
    ) -> Vec<(Link, Option<Route>)> {
        let mut routes = Vec::with_capacity(links.len());
        for link in links {
            let (route, limitation) = self.route(&link);
            if let Some(limitation) = limitation
                && !readings.limitations.contains(&limitation)
            {
                readings.limitations.push(limitation);
            }
            routes.push((link, route));
        }
        self.sockets.keep(|way| {
            let mut used = routes.iter().filter_map(|(_, route)| route.as_ref());
            used.any(|route| route.way == *way)
        });
        routes
    }

    fn route(&mut self, link: &Link) -> (Option<Route>, Option<Unmeasurable>) {
        let address = match &link.place {
            Place::Address(address) => Some(address.clone()),
            Place::Name(name) => {
                let ip = self.names.address(name);
                ip.map(|ip| Address { ip, zone: None })
            }
        };
        let (Some(address), Some(state)) = (address, self.links.get(&key(link))) else {
            return (None, None);
        };
        let way = Way {
            ipv4: address.ip.is_ipv4(),
            interface: link.interface.clone(),
        };
        let (means, limitation) = match &link.hop {
            Some(hop) if state.by_expiry => (Some(self.sockets.expiring(&way, hop)), None),
            _ => {
                let port = link.ports.iter().cycle().nth(state.port).copied();
                self.sockets.means(&way, port)
            }
        };
        let route = means.map(|means| Route {
            address,
            way,
            means,
        });
        (route, limitation)
    }

    /// Runs the rounds of all links, and returns when all are over.
    async fn probe(&self, mut routes: Vec<(Link, Option<Route>)>, pace: Pace) -> Vec<Round> {
        routes.sort_by_cached_key(|(link, _)| self.links.get(&key(link)).map(|state| state.turn));
        let turns = u32::try_from(routes.len()).unwrap_or(u32::MAX).max(1);
        let mut start = Instant::now();
        let mut rounds = Vec::with_capacity(routes.len());
        let running = FuturesUnordered::new();
        for (link, route) in routes {
            let Some(route) = route else {
                rounds.push(Round::lost(link, pace.echoes));
                continue;
            };
            start += pace.window / turns;
            let pace = match &link.hop {
                Some(_) => pace.at_most(HOP_ECHOES),
                None if link.is_reverse() => pace.at_most(HOP_ECHOES),
                None => pace,
            };
            running.push(async move {
                let echoes = route.means.round_from(start, &route.address, pace).await;
                Round {
                    link,
                    through: Some((route.address, route.way, route.means.method())),
                    echoes,
                }
            });
        }
        rounds.extend(running.collect::<Vec<_>>().await);
        rounds
    }

    /// Where nothing answered, the next round asks for the name again, tries another port, asks a router
    /// in another way, and uses a new socket.
    fn learn(&mut self, rounds: &[Round]) {
        for round in rounds {
            let Some(state) = self.links.get_mut(&key(&round.link)) else {
                continue;
            };
            state.is_answered = round.is_answered();
            state.was_answered |= state.is_answered;
            if state.is_answered {
                continue;
            }
            state.port = (state.port + 1) % round.link.ports.len().max(1);
            state.by_expiry ^= round.link.hop.is_some() && !state.was_answered;
            if let Some(name) = name(&round.link.place) {
                self.names.doubt(name);
            }
        }
        let way = |round: &Round| round.through.as_ref().map(|(_, way, _)| way.clone());
        for silent in rounds.iter().filter_map(way) {
            let mut same = rounds
                .iter()
                .filter(|round| way(round).as_ref() == Some(&silent));
            if !same.any(Round::is_answered) {
                self.sockets.doubt(&silent);
            }
        }
    }

    /// The bursts it is time for: to links that answer, by ICMP, and are not on the way to others. One that is
    /// asked for may be of a link that does not answer just now.
    fn due_bursts(&mut self, routes: &[(Link, Option<Route>)], plan: &Plan) -> Vec<Burst> {
        let mut due = Vec::new();
        for (link, route) in routes {
            let (Some(route), Some(state)) = (route, self.links.get_mut(&key(link))) else {
                continue;
            };
            let is_time = state.next_burst.is_now(plan.path_interval);
            let is_echo =
                matches!(route.means, Means::Ping(_)) && link.hop.is_none() && !link.is_reverse();
            let asked = self.context.bursts.take(&key(link));
            if !is_echo && asked.is_some() {
                self.context.bursts.note(Outcome::Refused);
            }
            if is_echo && (asked.is_some() || (state.is_answered && is_time)) {
                due.push(Burst {
                    link: key(link),
                    due: state.next_burst,
                    count: asked.unwrap_or(burst::ECHOES),
                    is_asked: asked.is_some(),
                    address: route.address.clone(),
                    interface: route.way.interface.clone(),
                    echoes: Vec::new(),
                });
            }
        }
        self.context.bursts.refuse_rest();
        due
    }

    fn count(&mut self, burst: &Burst, plan: &Plan) {
        if let Some(state) = self.links.get_mut(&burst.link) {
            state.next_burst = Due::after(plan.path_interval);
            state.counts.add_burst(&burst.echoes);
            if burst.is_asked {
                self.context.bursts.note(Outcome::Sent);
            }
        }
    }

    fn report(&mut self, round: &Round, readings: &mut Readings) {
        let Link { segment, name, .. } = &round.link;
        let Some(state) = self.links.get_mut(&key(&round.link)) else {
            return;
        };
        // A router that never answered is none that can be asked; and this time another one did.
        if (round.link.hop.is_some() && !state.was_answered) || round.echoes.is_empty() {
            return;
        }
        let labels = [segment.as_str(), name];
        state.counts.add(&round.echoes);
        if round.link.is_reverse() {
            // There are many, and each is a yes or a no.
            state.counts.push_echoes(labels, readings);
        } else {
            state.counts.push(labels, readings);
        }
        summarise(&round.echoes).push(labels, readings);
        if let Some((address, _, method)) = &round.through {
            let labels = [labels[0], labels[1], &address.to_string(), method.as_str()];
            readings.push(&metrics::LINK_METHOD_INFO, &labels, 1.0);
        }
    }
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

    fn soon(&self) -> Option<Arc<Notify>> {
        Some(self.context.bursts.soon())
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
}
