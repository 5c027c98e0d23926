//! When sources run: each at its own interval and random phase, one run at a time, within its
//! timeout, with series about how it went.
//!
//! Random phases keep sources, and the agents of one centre, from measuring each other. Sources that look
//! at this machine alone share one: the processor is woken once for all of them. A slow source delays
//! only itself; a tick it misses is left out, not made up for.

use std::time::Duration;

use proto::limits::INTERVAL;
use proto::metrics;
use proto::plan::Plan;
use proto::wire::Clock;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, info};

use crate::clock;
use crate::record::TIME_STEP;
use crate::sources::{Phase, Reading, Readings, Source, Unmeasurable};

/// What one run of one source brought.
#[derive(Debug)]
pub struct Taken {
    /// Which source.
    pub source: &'static str,
    /// When the run ended.
    pub clock: Clock,
    /// What was read, the runner's own series included.
    pub readings: Vec<Reading>,
    /// What the source cannot measure here although it works.
    pub limitations: Vec<Unmeasurable>,
    /// Why it could not measure, when it could not.
    pub problem: Option<Unmeasurable>,
}

/// Starts every source. They stop when the returned set is dropped or the channel closes; the channel
/// closes when none is left.
pub fn start(
    sources: Vec<Box<dyn Source>>,
    plan: &watch::Receiver<Plan>,
    taken: mpsc::Sender<Taken>,
) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let shared: f64 = rand::random();
    for source in sources {
        let phase = match source.phase() {
            Phase::Shared => shared,
            Phase::Own => rand::random(),
        };
        running.spawn(run(source, phase, plan.clone(), taken.clone()));
    }
    running
}

async fn run(
    mut source: Box<dyn Source>,
    phase: f64,
    mut plan: watch::Receiver<Plan>,
    taken: mpsc::Sender<Taken>,
) {
    let mut last_problem = None;
    let mut readings = Readings::default();
    let mut told = Duration::ZERO;
    let mut not_before = Instant::now();
    let soon = source.soon();
    loop {
        let interval = source.interval(&plan.borrow_and_update());
        let first = Instant::now() + interval.mul_f64(phase);
        let mut ticks = tokio::time::interval_at(first, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // At once, so that a machine just started is soon seen; then at its own phase.
        loop {
            tokio::time::sleep_until(not_before).await;
            let began = Instant::now();
            let timeout = source.timeout(&plan.borrow());
            let run = sample(source.as_mut(), timeout, readings, &mut told).await;
            // However often the plan changes, no source runs more often than one may ask for. Two runs
            // within one step would have the same time, and a store keeps one of them.
            let after_this = Instant::now() + 2 * TIME_STEP;
            not_before = after_this.max(began + *INTERVAL.start());
            readings = Readings::again(&run.readings);
            tell(run.source, run.problem.as_ref(), &mut last_problem);
            if taken.send(run).await.is_err() {
                return;
            }
            tokio::select! {
                _ = ticks.tick() => {}
                () = asked(soon.as_deref()) => {}
                changed = plan.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
        }
    }
}

async fn asked(soon: Option<&Notify>) {
    match soon {
        Some(soon) => soon.notified().await,
        None => std::future::pending().await,
    }
}

async fn sample(
    source: &mut dyn Source,
    timeout: Duration,
    mut readings: Readings,
    told: &mut Duration,
) -> Taken {
    let name = source.name();
    let started = Instant::now();
    let result = tokio::time::timeout(timeout, source.sample(&mut readings)).await;
    let duration = started.elapsed();
    let problem = result.unwrap_or_else(|_| Err(too_slow(timeout))).err();
    let success = if problem.is_none() { 1.0 } else { 0.0 };
    readings.push(&metrics::AGENT_SOURCE_SUCCESS, &[name], success);
    readings.push(
        &metrics::AGENT_SOURCE_DURATION,
        &[name],
        steady(duration, told).as_secs_f64(),
    );
    debug!(source = name, ?duration, ?problem, "Measured.");
    Taken {
        source: name,
        clock: clock::now(),
        readings: readings.taken,
        limitations: readings.limitations,
        problem,
    }
}

/// How long a run took, in milliseconds; as told before while it is no less than half and no more
/// than double that. A value that moves with every run would cost bytes every time and say nothing.
pub(crate) fn steady(took: Duration, told: &mut Duration) -> Duration {
    let took = took.max(Duration::from_millis(1));
    if took < *told / 2 || took > *told * 2 {
        *told = Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }
    *told
}

fn too_slow(timeout: Duration) -> Unmeasurable {
    Unmeasurable {
        what: format!("no result within {timeout:?}"),
        remedy: "look for what keeps it waiting".into(),
    }
}

/// Logs a problem when it comes, changes or goes, not every time.
fn tell(source: &str, problem: Option<&Unmeasurable>, last: &mut Option<Unmeasurable>) {
    if problem == last.as_ref() {
        return;
    }
    match problem {
        Some(problem) => info!(source, %problem, "This source cannot measure."),
        None => info!(source, "This source can measure again."),
    }
    *last = problem.cloned();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sampling;

    /// Takes as long as it is told.
    struct Slow(Duration);

    impl Source for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }

        fn interval(&self, plan: &Plan) -> Duration {
            plan.host_interval
        }

        fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
            Box::pin(async {
                readings.push(&metrics::DEVICE_CPUS, &[], 1.0);
                tokio::time::sleep(self.0).await;
                Ok(())
            })
        }
    }

    fn started(
        sources: Vec<Box<dyn Source>>,
    ) -> (watch::Sender<Plan>, mpsc::Receiver<Taken>, JoinSet<()>) {
        let (plan, watched) = watch::channel(Plan::default());
        let (sender, taken) = mpsc::channel(64);
        let running = start(sources, &watched, sender);
        (plan, taken, running)
    }

    #[test]
    fn durations_are_told_when_they_changed_much() {
        let mut told = Duration::ZERO;
        let took = [0, 900, 1_900, 2_100, 4_100, 4_300, 2_000, 1_900, 10_000_000];
        let said = took.map(|us| steady(Duration::from_micros(us), &mut told).as_millis());
        assert_eq!(said, [1, 1, 1, 2, 4, 4, 4, 1, 10_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_runs_soon_and_then_every_interval() {
        let (_plan, mut taken, _running) = started(vec![Box::new(Slow(Duration::ZERO))]);
        let begin = Instant::now();
        taken.recv().await.expect("first run");
        assert_eq!(begin.elapsed(), Duration::ZERO);
        // A phase that comes too soon after the first run is waited out; from the next one on, it counts.
        taken.recv().await.expect("second run");
        taken.recv().await.expect("third run");
        let third = Instant::now();
        taken.recv().await.expect("fourth run");
        assert_eq!(third.elapsed(), Plan::default().host_interval);
    }

    #[tokio::test(start_paused = true)]
    async fn runs_of_a_source_are_never_told_as_one_moment_nor_driven_by_new_plans() {
        for (takes, least_apart) in [
            (Duration::ZERO, *INTERVAL.start()),
            (*INTERVAL.start(), *INTERVAL.start() + 2 * TIME_STEP),
        ] {
            let (plan, mut taken, _running) = started(vec![Box::new(Slow(takes))]);
            let mut last = None;
            for version in 0..100 {
                // Each begins with a run at once.
                plan.send_modify(|plan| plan.version = version);
                taken.recv().await.expect("a run");
                let now = Instant::now();
                let apart = last.replace(now).map(|last| now - last);
                assert!(apart.is_none_or(|apart| apart >= least_apart), "{apart:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hung_source_fails_alone_and_keeps_what_it_read() {
        let sources: Vec<Box<dyn Source>> = vec![
            Box::new(Slow(Duration::MAX)),
            Box::new(Slow(Duration::ZERO)),
        ];
        let (_plan, mut taken, _running) = started(sources);
        let mut healthy = 0;
        loop {
            let run = taken.recv().await.expect("a run");
            if let Some(problem) = run.problem {
                assert!(problem.what.contains("no result within"), "{problem}");
                assert_eq!(run.readings.len(), 3);
                break;
            }
            healthy += 1;
        }
        assert!(healthy >= 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_plan_counts_at_once() {
        let (plan, mut taken, _running) = started(vec![Box::new(Slow(Duration::ZERO))]);
        taken.recv().await.expect("first run");
        plan.send_modify(|plan| plan.host_interval = Duration::from_secs(1));
        taken.recv().await.expect("run under the new plan");
        let changed = Instant::now();
        for _ in 0..10 {
            taken.recv().await.expect("a run");
        }
        assert!(changed.elapsed() <= Duration::from_secs(10));
    }
}
