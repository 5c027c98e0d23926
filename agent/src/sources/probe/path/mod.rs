//! The way to the collector and to the first core target, router by router, and which of the routers is
//! the line's.
//!
//! A way is traced each `path_interval`, and sooner when something seems to have changed: there is
//! another gateway, the first router beyond it fell silent or came back, or a trace brought another way
//! and has to be confirmed. Between traces the last results are told again.
//!
//! The first router beyond the gateway is where the line ends (see `beyond.rs`): it is published as the
//! `line` target, the next two as those of the `isp`. While the line is dead they stay what they were, so
//! that their loss is measured.
//!
//! Rights and what it cannot know: see `trace.rs`.

pub(crate) mod beyond;
pub(super) mod ends;
mod route;
#[cfg(all(test, target_os = "linux"))]
mod tests;
pub(crate) mod trace;

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use proto::metrics;
use proto::plan::Plan;
use tokio::time::Instant;

use self::beyond::{beyond, to_probe};
use self::ends::{Destination, Ends};
use self::route::Route;
use self::trace::{End, MOST_HOPS, Seen, trace};
use super::super::{Context, Hop, Readings, Sampling, Source, Unmeasurable};
use super::due::Due;
use super::packets::{Came, Packets, Probe, USUAL_BYTES};
use crate::os::{self, Address, Root};

/// How often is looked whether something changed, and the last results are told.
const LOOK: Duration = Duration::from_mins(1);

/// A trace over silent hops takes this long.
const PATIENCE: Duration = Duration::from_mins(2);

/// For addresses of names.
const LOOKUP: Duration = Duration::from_secs(2);

/// Hops that are told of one way.
const SHOWN: usize = 16;

/// For the answer of one router.
const LIMIT: Duration = Duration::from_secs(1);

/// The source.
pub(crate) struct Path {
    context: Context,
    root: Root,
    ends: Ends,
    gateways: Vec<Address>,
    ways: HashMap<String, Way>,
}

/// What is remembered of the way to one end.
struct Way {
    to: Destination,
    packets: Packets,
    route: Route,
    due: Due,
    /// Why it could not be.
    problem: Option<Unmeasurable>,
    watched: Option<Watched>,
}

/// The first router beyond the gateway, as of the last trace that saw it.
struct Watched {
    ttl: u8,
    seen: Seen,
    /// Whether it answered the last trace.
    answers: bool,
}

impl Path {
    /// Opens nothing yet.
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            root: Root::default(),
            ends: Ends::default(),
            gateways: Vec::new(),
            ways: HashMap::new(),
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let deadline = Instant::now() + LOOKUP;
        let ends = self.ends.find(&self.context, &plan, &self.root, deadline);
        let destinations = ends.await?;
        let is_other_gateway = self.look_at_gateways(readings);
        self.ways.retain(|_, way| destinations.contains(&way.to));
        for to in &destinations {
            let way = self.ways.entry(to.name.clone());
            let way = way.or_insert_with(|| Way::new(to.clone()));
            if is_other_gateway || way.is_due(plan.path_interval).await {
                way.due = Due::after(plan.path_interval);
                let traced = way.trace(&self.gateways).await;
                way.problem = traced.err().map(|error| cannot_send(&error));
            }
            way.report(readings);
        }
        self.publish(&destinations);
        Ok(())
    }

    /// Whether there are other gateways than before.
    fn look_at_gateways(&mut self, readings: &mut Readings) -> bool {
        match os::gateways(&self.root) {
            Ok(gateways) => std::mem::replace(&mut self.gateways, gateways) != self.gateways,
            Err(error) => {
                readings.limitations.push(Unmeasurable {
                    what: format!("the gateway is unknown: {error}"),
                    remedy: "let the agent's user read it".to_owned(),
                });
                false
            }
        }
    }

    /// Tells who is to be probed: the routers on the first way that has any.
    fn publish(&self, destinations: &[Destination]) {
        let ways = || destinations.iter().filter_map(|to| self.ways.get(&to.name));
        let found = |way: &Way| {
            let traced = way.route.traced();
            let hops = beyond(traced, &self.gateways, way.to.address.ip);
            to_probe(hops, traced.end, &self.context.hops.borrow())
        };
        let hops = ways().map(found).find(|hops| !hops.is_empty());
        let is_dead = ways().all(|way| way.route.traced().end != End::Arrived);
        self.context.hops.send_if_modified(|published| match hops {
            None if is_dead => false,
            hops => {
                let hops = hops.unwrap_or_default();
                let is_other = hops != *published;
                *published = hops;
                is_other
            }
        });
    }
}

impl Way {
    fn new(to: Destination) -> Self {
        Self {
            packets: Packets::new(to.interface.clone()),
            to,
            route: Route::default(),
            due: Due::now(),
            problem: None,
            watched: None,
        }
    }

    /// Whether it is time to trace it, or something seems to have changed.
    async fn is_due(&mut self, interval: Duration) -> bool {
        let is_time = self.due.is_now(interval) || self.route.is_in_doubt();
        match &self.watched {
            _ if is_time => true,
            None => false,
            Some(watched) => self.answers(watched).await != watched.answers,
        }
    }

    async fn answers(&self, watched: &Watched) -> bool {
        let probe = Probe {
            to: self.to.address.clone(),
            carrier: watched.seen.carrier,
            ttl: Some(watched.ttl),
            bytes: USUAL_BYTES,
        };
        for _ in 0..3 {
            let came = self.packets.send(&probe, LIMIT).await;
            if let Ok(Came::Expired { from, .. }) = came {
                return from == watched.seen.address;
            }
        }
        false
    }

    async fn trace(&mut self, gateways: &[Address]) -> io::Result<()> {
        let Destination { address, port, .. } = &self.to;
        let traced = trace(&self.packets, address, *port, MOST_HOPS, |_, _| {}).await?;
        let hops = traced.hops.clone();
        self.route.learn(traced);
        let traced = self.route.traced();
        let first = beyond(traced, gateways, address.ip).first().cloned();
        self.watched = match (first, self.watched.take()) {
            (Some(Hop { ttl, address, .. }), _) => {
                let at = |hops: &[Option<Seen>]| {
                    let place = usize::from(ttl).checked_sub(1)?;
                    *hops.get(place)?
                };
                at(&traced.hops).map(|seen| Watched {
                    ttl,
                    seen,
                    answers: at(&hops).is_some_and(|now| now.address == address),
                })
            }
            (None, Some(watched)) if traced.end != End::Arrived => Some(Watched {
                answers: false,
                ..watched
            }),
            (None, _) => None,
        };
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "no way changes 2^53 times")]
    fn report(&self, readings: &mut Readings) {
        let target = self.to.name.as_str();
        let changes = self.route.changes() as f64;
        readings.push(&metrics::PATH_CHANGES, &[target], changes);
        if let Some(problem) = &self.problem {
            // The way of before is none of now.
            readings.limitations.push(problem.clone());
            return;
        }
        let traced = self.route.traced();
        for (hop, seen) in (1_u8..).zip(&traced.hops).take(SHOWN) {
            let Some(seen) = seen else { continue };
            let hop = hop.to_string();
            let labels = [target, &hop, &seen.address.to_string()];
            readings.push(&metrics::PATH_HOP_INFO, &labels, 1.0);
            let rtt = (seen.rtt.as_secs_f64() * 1e5).round() / 1e5;
            readings.push(&metrics::PATH_HOP_RTT, &[target, &hop], rtt);
        }
        if traced.end == End::Arrived {
            let hops = traced.hops.len() as f64;
            readings.push(&metrics::PATH_HOPS, &[target], hops);
        }
    }
}

/// Packets could not be sent at all.
pub(super) fn cannot_send(error: &io::Error) -> Unmeasurable {
    Unmeasurable {
        what: format!("no packets can be sent on their own ({error})"),
        remedy: os::ICMP_REMEDY.to_owned(),
    }
}

impl Source for Path {
    fn name(&self) -> &'static str {
        "path"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.path_interval.min(LOOK)
    }

    fn timeout(&self, _plan: &Plan) -> Duration {
        PATIENCE
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
}
