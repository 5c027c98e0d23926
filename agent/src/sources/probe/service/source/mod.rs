//! The source `service`: each service of the plan used once per interval, at a phase of its own.
//!
//! As with links, a run spreads its attempts over a window by their phases, so that they do not measure
//! each other. No attempt waits for another: what is slow or dead delays itself alone, and each has as
//! long as if it were the only one. A plan's bound on services bounds what is under way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use proto::metrics;
use proto::plan::{Plan, Service};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::super::{Context, Readings, Sampling, Source, Unmeasurable};
use super::super::lookup::Lookups;
use super::super::outcomes::Outcomes;
use super::destination::Destination;
use super::{Attempt, How, Outcome, Trust, attempt};
use crate::clock;

/// An attempt takes no longer, however seldom it is made.
const MOST: Duration = Duration::from_secs(10);

/// The system's authorities are read anew: they change, if seldom.
const TRUSTED: Duration = Duration::from_hours(24);

/// The same where a certificate is not trusted: somebody may have seen to it.
const DOUBTED: Duration = Duration::from_hours(1);

/// The source.
pub(crate) struct Services {
    context: Context,
    lookups: Lookups,
    /// Once there was a certificate to judge, and they were read and found good for something.
    authorities: Option<Authorities>,
    known: HashMap<Service, Known>,
    /// How far the clock of the server that answered last was ahead of our monotonic one.
    others_lead_s: Option<i64>,
}

/// The system's authorities, as they were.
#[derive(Debug)]
struct Authorities {
    trust: Trust,
    read: Instant,
    /// Whether a certificate was of none of them since.
    are_doubted: bool,
}

impl Authorities {
    fn new(trust: Trust) -> Self {
        Self {
            trust,
            read: Instant::now(),
            are_doubted: false,
        }
    }

    fn are_stale(&self) -> bool {
        let age = if self.are_doubted { DOUBTED } else { TRUSTED };
        self.read.elapsed() >= age
    }
}

/// What is remembered of a service between attempts.
#[derive(Debug)]
struct Known {
    /// Share of the window.
    phase: f64,
    /// That was reached last.
    address: Option<IpAddr>,
    /// That was not reached, the last time.
    unreached: Option<IpAddr>,
    outcomes: Outcomes<Outcome>,
}

/// When things happen within one interval. All fits into nine tenths of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pace {
    /// Within which attempts start.
    window: Duration,
    /// For one attempt.
    limit: Duration,
}

impl Pace {
    /// The first round of all does not keep a person waiting.
    fn of(interval: Duration, is_first: bool) -> Self {
        let most = if is_first {
            Duration::from_millis(500)
        } else {
            MOST
        };
        Self {
            window: most.min(interval / 10),
            limit: MOST.min(interval * 4 / 5),
        }
    }
}

impl Services {
    /// Reads nothing yet.
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            lookups: Lookups::default(),
            authorities: None,
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
                unreached: None,
                outcomes: Outcomes::new(),
            });
        }
        let trust = if plan.services.iter().any(is_over_tls) {
            self.trust(readings).await
        } else {
            Trust::in_nobody()
        };
        let pace = Pace::of(plan.service_interval, is_first);
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
        if let Some(authorities) = &self.authorities
            && !authorities.are_stale()
        {
            return authorities.trust.clone();
        }
        let trust = Trust::of_the_system().await;
        let limitation = trust.limitation();
        let are_good = limitation.is_none();
        self.authorities = are_good.then(|| Authorities::new(trust.clone()));
        readings.limitations.extend(limitation);
        trust
    }

    /// How far ahead of our monotonic clock others are: the collector before servers, as it is known.
    fn others_lead_s(&self) -> Option<i64> {
        let collector = *self.context.collector_lead_ms.borrow();
        let collector = collector.map(|lead_ms| lead_ms.div_euclid(1_000));
        collector.or(self.others_lead_s)
    }

    /// One attempt at each, in the order of the services. `None` for one that came to grief.
    async fn try_each(
        &self,
        services: &[Service],
        trust: &Trust,
        pace: Pace,
    ) -> Vec<Option<Result<Attempt, Unmeasurable>>> {
        let mut running = JoinSet::new();
        for (place, service) in services.iter().enumerate() {
            let known = self.known.get(service);
            let phase = known.map_or(0.0, |known| known.phase);
            let start = Instant::now() + pace.window.mul_f64(phase);
            let address = known.and_then(|known| known.address);
            let unreached = known.and_then(|known| known.unreached);
            let interface = self.context.interface(service.network.as_deref());
            let service = service.clone();
            let (lookups, trust) = (self.lookups.clone(), trust.clone());
            let others_lead_s = self.others_lead_s();
            running.spawn(async move {
                sleep_until(start).await;
                let now = clock::now();
                let how = How {
                    interface: interface.as_deref(),
                    limit: pace.limit,
                    known: address,
                    unreached,
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
            known.unreached = None;
        } else {
            known.unreached = attempt.address;
        }
        if let (Outcome::Answered, Some(time)) = (attempt.outcome, attempt.server_time_unix_s) {
            self.others_lead_s = Some(time.saturating_sub(monotonic_s()));
        }
        if let (Outcome::CertificateUntrusted, Some(authorities)) =
            (attempt.outcome, &mut self.authorities)
        {
            authorities.are_doubted = true;
        }
        let name = service.name.as_str();
        tracing::debug!(service = name, outcome = attempt.outcome.as_str(), phases = ?attempt.phases,
            detail = attempt.detail, "Tried.");
        let success = f64::from(u8::from(attempt.outcome == Outcome::Answered));
        readings.push(&metrics::PROBE_SUCCESS, &[name], success);
        for (outcome, value) in known.outcomes.with(attempt.outcome) {
            let labels = [name, outcome.as_str()];
            readings.push(&metrics::PROBE_OUTCOME, &labels, value);
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

/// Whether it shows certificates.
fn is_over_tls(service: &Service) -> bool {
    Destination::parse(&service.url).is_ok_and(|destination| destination.kind.is_tls())
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
mod tests;
