//! The largest packet that arrives at the collector and the first core target, and whether larger ones
//! vanish without a word (a black hole, <https://www.rfc-editor.org/rfc/rfc2923>).
//!
//! Echoes that may not be fragmented go out in the size that this machine's interface takes. A router
//! that says "too big" also says what fits, and that is tried; where large ones vanish, the size is
//! found by halving. A size counts as vanished when small packets sent in turn with the large ones were
//! answered, time after time, and no large one was: plain loss does not look like that.
//!
//! It cannot tell a black hole from a target, or a firewall before it, that answers small echoes alone;
//! nor the way there from the way back. Sizes above 9,000 bytes are not looked for.

mod search;

use std::collections::HashMap;
use std::time::Duration;

use proto::metrics;
use proto::plan::Plan;
use tokio::time::Instant;

pub(crate) use self::search::{Outcome, path_mtu};

use super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::due::Due;
use super::packets::Packets;
use super::path::cannot_send;
use super::path::ends::{Destination, Ends};
use crate::os::Root;

/// How often the last results are told.
const TELL: Duration = Duration::from_mins(1);

/// Halving over a lossy line takes this long.
const PATIENCE: Duration = Duration::from_mins(2);

/// For addresses of names.
const LOOKUP: Duration = Duration::from_secs(2);

/// The source.
pub(crate) struct Mtu {
    context: Context,
    root: Root,
    ends: Ends,
    known: HashMap<String, Known>,
}

/// What is remembered of one end.
struct Known {
    to: Destination,
    packets: Packets,
    outcome: Result<Outcome, Unmeasurable>,
    due: Due,
}

impl Known {
    fn new(to: Destination) -> Self {
        Self {
            packets: Packets::new(to.interface.clone()),
            to,
            outcome: Ok(Outcome::Unanswered),
            due: Due::now(),
        }
    }

    fn report(&self, readings: &mut Readings) {
        let (largest, is_black_hole) = match &self.outcome {
            Ok(Outcome::Known(largest)) => (*largest, 0.0),
            Ok(Outcome::BlackHole { largest }) => (*largest, 1.0),
            Ok(Outcome::Unanswered) => return,
            Err(problem) => {
                readings.limitations.push(problem.clone());
                return;
            }
        };
        let labels = [self.to.name.as_str()];
        readings.push(&metrics::PATH_MTU, &labels, largest.into());
        readings.push(&metrics::PATH_MTU_BLACKHOLE, &labels, is_black_hole);
    }
}

impl Mtu {
    /// Opens nothing yet.
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            root: Root::default(),
            ends: Ends::default(),
            known: HashMap::new(),
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let deadline = Instant::now() + LOOKUP;
        let ends = self.ends.find(&self.context, &plan, &self.root, deadline);
        let destinations = ends.await?;
        self.known
            .retain(|_, known| destinations.contains(&known.to));
        for to in destinations {
            let known = self.known.entry(to.name.clone());
            let known = known.or_insert_with(|| Known::new(to));
            if known.due.is_now(plan.path_interval) {
                let _alone = self.context.heavy.acquire().await;
                known.due = Due::after(plan.path_interval);
                let outcome = path_mtu(&known.packets, &known.to.address).await;
                known.outcome = outcome.map_err(|error| cannot_send(&error));
            }
            known.report(readings);
        }
        Ok(())
    }
}

impl Source for Mtu {
    fn name(&self) -> &'static str {
        "mtu"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.path_interval.min(TELL)
    }

    fn timeout(&self, _plan: &Plan) -> Duration {
        PATIENCE
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use tokio::sync::watch;

    use super::super::road::{Icmp, Road, SERVER};
    use super::*;

    #[tokio::test]
    async fn what_was_found_is_told_until_it_is_searched_again() {
        let Some(road) = Road::new(Icmp::Datagram) else {
            return;
        };
        let (plans, receiver) = watch::channel(Plan::default());
        let collector = Some((SERVER.to_owned(), 9781));
        let mut mtu = Mtu::new(Context::new(receiver, collector, BTreeMap::new()));
        let told = async |mtu: &mut Mtu| {
            let mut readings = Readings::default();
            mtu.sample(&mut readings).await.unwrap();
            assert_eq!(readings.limitations, []);
            let values = readings.taken.iter();
            let values: Vec<_> = values
                .map(|reading| (reading.series.metric.name, reading.value))
                .collect();
            values
        };
        let expected = |bytes| {
            [
                (metrics::PATH_MTU.name, bytes),
                (metrics::PATH_MTU_BLACKHOLE.name, 0.0),
            ]
        };
        assert_eq!(told(&mut mtu).await, expected(1_500.0));
        road.narrow(1_400);
        assert_eq!(
            told(&mut mtu).await,
            expected(1_500.0),
            "it is not time yet"
        );
        plans.send_modify(|plan| plan.path_interval = Duration::ZERO);
        assert_eq!(
            told(&mut mtu).await,
            expected(1_400.0),
            "a new plan wants it now"
        );
    }
}
