//! The source `service`: each service of the plan used once per interval, at a phase of its own.
//!
//! As with links, a run spreads its attempts over a window by their phases, so that they do not measure
//! each other; at most four are under way. Nobody waits for a slow service but its own attempt.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::metrics;
use proto::plan::{Plan, Service};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::{Attempt, How, Lookups, Outcome, Trust, attempt};
use crate::clock;

/// Attempts at a time.
const AT_A_TIME: usize = 4;

/// An attempt takes no longer, however seldom it is made.
const MOST: Duration = Duration::from_secs(10);

/// The source.
pub(crate) struct Services {
    context: Context,
    lookups: Lookups,
    /// Once it was read and found good for something.
    trust: Option<Trust>,
    known: HashMap<Service, Known>,
    /// How far the clock of the server that answered last was ahead of our monotonic one.
    others_lead_s: Option<i64>,
}

/// What is remembered of a service between attempts.
#[derive(Debug)]
struct Known {
    /// Share of the window.
    phase: f64,
    /// That was reached last.
    address: Option<IpAddr>,
    /// How attempts have ended.
    outcomes: BTreeSet<Outcome>,
}

/// When things happen within one interval. All fits into nine tenths of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pace {
    /// Within which attempts start, but for those that wait for others.
    window: Duration,
    /// For one attempt.
    limit: Duration,
}

impl Pace {
    /// Of this many services. The first round of all does not keep a person waiting.
    fn of(interval: Duration, services: usize, is_first: bool) -> Self {
        let most = if is_first {
            Duration::from_millis(500)
        } else {
            MOST
        };
        let window = most.min(interval / 6);
        let turns = u32::try_from(services.div_ceil(AT_A_TIME)).unwrap_or(u32::MAX);
        let limit = (interval * 9 / 10).saturating_sub(window) / turns.max(1);
        let limit = limit.min(MOST);
        Self { window, limit }
    }
}

impl Services {
    /// Reads nothing yet.
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            lookups: Lookups::default(),
            trust: None,
            known: HashMap::new(),
            others_lead_s: None,
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let plan = self.context.plan.borrow().clone();
        let is_first = self.known.is_empty();
        self.known
            .retain(|service, _| plan.services.contains(service));
        if plan.services.is_empty() {
            return Ok(());
        }
        for service in &plan.services {
            self.known.entry(service.clone()).or_insert_with(|| Known {
                phase: rand::random(),
                address: None,
                outcomes: BTreeSet::new(),
            });
        }
        let trust = self.trust(readings).await;
        let pace = Pace::of(plan.service_interval, plan.services.len(), is_first);
        let attempts = self.try_each(&plan.services, &trust, pace).await;
        for (service, attempt) in plan.services.iter().zip(attempts) {
            match attempt {
                Some(Ok(attempt)) => self.report(service, &attempt, readings),
                Some(Err(unmeasurable)) if !readings.limitations.contains(&unmeasurable) => {
                    readings.limitations.push(unmeasurable);
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn trust(&mut self, readings: &mut Readings) -> Trust {
        if let Some(trust) = &self.trust {
            return trust.clone();
        }
        let trust = Trust::of_the_system().await;
        match trust.limitation() {
            Some(limitation) => readings.limitations.push(limitation),
            None => self.trust = Some(trust.clone()),
        }
        trust
    }

    /// One attempt at each, in the order of the services. `None` for one that came to grief.
    async fn try_each(
        &self,
        services: &[Service],
        trust: &Trust,
        pace: Pace,
    ) -> Vec<Option<Result<Attempt, Unmeasurable>>> {
        let turns = Arc::new(Semaphore::new(AT_A_TIME));
        let mut running = JoinSet::new();
        for (place, service) in services.iter().enumerate() {
            let known = self.known.get(service);
            let phase = known.map_or(0.0, |known| known.phase);
            let start = Instant::now() + pace.window.mul_f64(phase);
            let address = known.and_then(|known| known.address);
            let interface = self.context.interface(service.network.as_deref());
            let (service, turns) = (service.clone(), Arc::clone(&turns));
            let (lookups, trust) = (self.lookups.clone(), trust.clone());
            let others_lead_s = self.others_lead_s;
            running.spawn(async move {
                sleep_until(start).await;
                let _turn = turns.acquire().await;
                let now = clock::now();
                let how = How {
                    interface: interface.as_deref(),
                    limit: pace.limit,
                    known: address,
                    lookups: &lookups,
                    trust: &trust,
                    now_unix_s: now.wall_unix_ms.div_euclid(1_000),
                    told_unix_s: others_lead_s.map(|lead| lead.saturating_add(monotonic_s())),
                };
                (place, attempt(&service, &how).await)
            });
        }
        let mut attempts: Vec<_> = services.iter().map(|_| None).collect();
        while let Some(ended) = running.join_next().await {
            if let Ok((place, attempt)) = ended
                && let Some(slot) = attempts.get_mut(place)
            {
                *slot = Some(attempt);
            }
        }
        attempts
    }

    fn report(&mut self, service: &Service, attempt: &Attempt, readings: &mut Readings) {
        let Some(known) = self.known.get_mut(service) else {
            return;
        };
        if attempt.phases.connect.is_some() {
            known.address = attempt.address;
        }
        if let (Outcome::Answered, Some(time)) = (attempt.outcome, attempt.server_time_unix_s) {
            self.others_lead_s = Some(time.saturating_sub(monotonic_s()));
        }
        let name = service.name.as_str();
        tracing::debug!(service = name, outcome = attempt.outcome.as_str(), phases = ?attempt.phases,
            detail = attempt.detail, "Tried.");
        let success = if attempt.outcome == Outcome::Answered {
            1.0
        } else {
            0.0
        };
        readings.push(&metrics::PROBE_SUCCESS, &[name], success);
        known.outcomes.insert(attempt.outcome);
        for outcome in &known.outcomes {
            let is_it = if *outcome == attempt.outcome {
                1.0
            } else {
                0.0
            };
            readings.push(&metrics::PROBE_OUTCOME, &[name, outcome.as_str()], is_it);
        }
        for (phase, took) in attempt.phases.each() {
            if let Some(took) = took {
                readings.push(&metrics::PROBE_PHASE, &[name, phase], steady(took));
            }
        }
        if let Some(status) = attempt.status {
            readings.push(&metrics::PROBE_STATUS, &[name], f64::from(status));
        }
        if let Some(expires) = attempt.expires_unix_s {
            readings.push(&metrics::PROBE_TLS_EXPIRY, &[name], expires as f64);
        }
    }
}

/// Seconds, to a tenth of a millisecond: more digits would cost bytes and say nothing.
fn steady(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10_000.0
}

fn monotonic_s() -> i64 {
    i64::try_from(clock::now().monotonic_ms / 1_000).unwrap_or(i64::MAX)
}

impl Source for Services {
    fn name(&self) -> &'static str {
        "service"
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::collections::BTreeMap;

    use proto::limits::{INTERVAL, SERVICES_PER_PLAN};
    use proto::metrics::Metric;
    use tokio::sync::watch;

    use super::super::tests::authority::Authority;
    use super::super::tests::servers::{Act, Server};
    use super::super::tests::{LOOPBACK, try_at};
    use super::*;
    use crate::events::Events;

    const WELL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const ILL: &str = "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n";

    fn plan(services: &[(&str, String)]) -> Plan {
        let service = |(name, url): &(&str, String)| Service {
            name: (*name).to_owned(),
            ..try_at(url).service
        };
        Plan {
            service_interval: Duration::from_secs(3),
            services: services.iter().map(service).collect(),
            ..Plan::default()
        }
    }

    fn source(services: &[(&str, String)]) -> (Services, watch::Sender<Plan>) {
        let (sender, plan) = watch::channel(plan(services));
        let mut source = Services::new(Context::new(plan, None, BTreeMap::new()));
        source.trust = Some(Authority::new("root").trust());
        (source, sender)
    }

    fn of<'r>(readings: &'r Readings, metric: &'static Metric) -> Vec<(Vec<&'r str>, f64)> {
        let taken = readings.taken.iter();
        let taken = taken.filter(|reading| reading.series.metric == metric);
        taken
            .map(|reading| {
                let labels = reading.series.labels.iter();
                (
                    labels.map(|(_, value)| value.as_str()).collect(),
                    reading.value,
                )
            })
            .collect()
    }

    #[test]
    fn all_attempts_fit_into_every_interval() {
        for seconds in [1, 2, 15, 60, 3600] {
            let interval = Duration::from_secs(seconds);
            assert!(INTERVAL.contains(&interval));
            for services in 1..=SERVICES_PER_PLAN {
                for is_first in [true, false] {
                    let Pace { window, limit } = Pace::of(interval, services, is_first);
                    let turns = u32::try_from(services.div_ceil(AT_A_TIME)).unwrap();
                    assert!(window + limit * turns <= interval * 9 / 10);
                    assert!(
                        limit > interval / 10 || limit == MOST,
                        "{limit:?} for {services}"
                    );
                }
            }
        }
        let usual = Pace::of(Duration::from_mins(1), 3, false);
        assert_eq!((usual.window, usual.limit), (MOST, MOST));
    }

    #[tokio::test]
    async fn a_healthy_service_has_one_outcome_and_one_that_was_ill_keeps_both() {
        let well = Server::saying(WELL).await;
        let ill = Server::saying(ILL).await;
        let url = |server: &Server| format!("http://{}/", server.address);
        let (mut source, plans) = source(&[("a", url(&well)), ("b", url(&ill))]);
        let mut events = Events::default();
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        assert!(!events.any_in(&readings.taken), "that is the beginning");
        let success = of(&readings, &metrics::PROBE_SUCCESS);
        assert_eq!(success, [(vec!["a"], 1.0), (vec!["b"], 0.0)]);
        let outcome = of(&readings, &metrics::PROBE_OUTCOME);
        let expected = [(vec!["a", "answered"], 1.0), (vec!["b", "http_error"], 1.0)];
        assert_eq!(outcome, expected);
        let status = of(&readings, &metrics::PROBE_STATUS);
        assert_eq!(status, [(vec!["a"], 200.0), (vec!["b"], 503.0)]);
        let phases = of(&readings, &metrics::PROBE_PHASE);
        let phases: Vec<_> = phases.iter().map(|(labels, _)| labels[1]).collect();
        assert_eq!(phases, ["connect", "first_byte", "transfer"].repeat(2));
        assert_eq!(of(&readings, &metrics::PROBE_TLS_EXPIRY), []);

        drop(well);
        let mut readings = Readings::again(&readings.taken);
        source.sample(&mut readings).await.unwrap();
        assert!(events.any_in(&readings.taken), "that is an event");
        let outcome = of(&readings, &metrics::PROBE_OUTCOME);
        let expected = [
            (vec!["a", "answered"], 0.0),
            (vec!["a", "refused"], 1.0),
            (vec!["b", "http_error"], 1.0),
        ];
        assert_eq!(outcome, expected);
        assert_eq!(of(&readings, &metrics::PROBE_STATUS).len(), 1);

        let mut readings = Readings::again(&readings.taken);
        source.sample(&mut readings).await.unwrap();
        assert!(!events.any_in(&readings.taken), "and one only");

        plans.send(plan(&[])).unwrap();
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        assert_eq!(readings.taken, []);
        assert!(source.known.is_empty());
    }

    #[tokio::test]
    async fn one_service_that_hangs_delays_no_other() {
        let hung = Server::doing(vec![Act::Hang]).await;
        let well = Server::saying(WELL).await;
        let mut services = Vec::new();
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        for (place, name) in names.into_iter().enumerate() {
            let server = if place < 3 { &hung } else { &well };
            services.push((name, format!("http://{}/", server.address)));
        }
        let (mut source, _plans) = source(&services);
        let mut readings = Readings::default();
        let interval = plan(&services).service_interval;
        let run = tokio::time::timeout(interval, source.sample(&mut readings));
        run.await.unwrap().unwrap();
        let success = of(&readings, &metrics::PROBE_SUCCESS);
        let success: Vec<f64> = success.into_iter().map(|(_, value)| value).collect();
        assert_eq!(success, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let outcome = of(&readings, &metrics::PROBE_OUTCOME);
        assert_eq!(outcome[0], (vec!["a", "timeout"], 1.0));
    }

    #[tokio::test]
    async fn a_service_keeps_its_phase_and_the_address_that_was_reached() {
        let well = Server::saying(WELL).await;
        let (mut source, _plans) = source(&[("a", well.url("http"))]);
        source.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(vec![LOOPBACK]))));
        source.sample(&mut Readings::default()).await.unwrap();
        let phase = |source: &Services| source.known.values().next().unwrap().phase;
        let before = phase(&source);

        source.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(Vec::new()))));
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        assert_eq!(phase(&source), before);
        let outcome = of(&readings, &metrics::PROBE_OUTCOME);
        let expected = [(vec!["a", "answered"], 0.0), (vec!["a", "dns_failed"], 1.0)];
        assert_eq!(outcome, expected);
        let status = of(&readings, &metrics::PROBE_STATUS);
        assert_eq!(status, [(vec!["a"], 200.0)], "at the address that is known");
    }

    #[tokio::test]
    async fn what_cannot_be_tried_is_a_limitation() {
        let (mut source, _plans) = source(&[("a", "tcp://portal.example".to_owned())]);
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        assert_eq!(readings.taken, []);
        assert!(readings.limitations[0].remedy.contains("port"));
    }
}
