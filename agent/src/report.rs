//! Readings → batches in the queue: when, and with what the agent says of its own queue.
//!
//! Once a report interval, at once for what a person would want to know now, when a stream begins, and
//! a few times right after the start.

use std::sync::Arc;
use std::time::Duration;

use proto::metrics;
use proto::plan::Plan;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock;
use crate::events::{Events, Urgency};
use crate::queue::Queue;
use crate::record::{Recorder, TIME_STEP};
use crate::schedule::Taken;
use crate::sources::{Reading, Readings};
use crate::status::Status;

/// The first reports come this soon after the start, so that a machine just started is soon seen:
/// what needs no waiting, what needs a moment, and the first round of echoes.
const FIRST_REPORTS: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// Gathers what sources read into batches. It waits for nothing but for what was read.
pub(crate) struct Reporter {
    queue: Queue,
    planned: watch::Receiver<Plan>,
    connected: Arc<Notify>,
    status: watch::Sender<Status>,
    recorder: Recorder,
    events: Events,
    urgency: Urgency,
    /// What it said of the queue last, and when.
    own: Vec<Reading>,
    own_at: Option<Instant>,
    spool_problem: Option<&'static str>,
}

impl Reporter {
    /// One that has nothing yet.
    pub(crate) fn new(
        queue: Queue,
        planned: watch::Receiver<Plan>,
        connected: Arc<Notify>,
        status: watch::Sender<Status>,
    ) -> Self {
        Self {
            queue,
            planned,
            connected,
            status,
            recorder: Recorder::default(),
            events: Events::default(),
            urgency: Urgency::default(),
            own: Vec::new(),
            own_at: None,
            spool_problem: None,
        }
    }

    /// Until nothing measures any more.
    pub(crate) async fn run(&mut self, runs: &mut mpsc::Receiver<Taken>) {
        let started = Instant::now();
        let mut first_reports = FIRST_REPORTS.map(|after| started + after).into_iter();
        let mut next_report = first_reports.next().unwrap_or(started);
        let mut is_urgent = false;
        loop {
            let urgent_at = self.urgency.next();
            tokio::select! {
                run = runs.recv() => match run {
                    Some(run) => is_urgent |= self.record(&run),
                    None => return,
                },
                () = tokio::time::sleep_until(next_report) => {
                    self.report();
                    is_urgent = false;
                    let usual = || Instant::now() + self.planned.borrow().report_interval;
                    next_report = first_reports.next().unwrap_or_else(usual);
                }
                () = tokio::time::sleep_until(urgent_at), if is_urgent => {
                    self.urgency.reported();
                    self.report();
                    is_urgent = false;
                }
                // What was measured until now is seen at once, and not with the next report.
                () = self.connected.notified() => self.report(),
                Ok(()) = self.planned.changed() => {
                    let interval = self.planned.borrow_and_update().report_interval;
                    next_report = next_report.min(Instant::now() + interval);
                }
            }
        }
    }

    /// Says whether there is something in it that a person would want to know now.
    pub(crate) fn record(&mut self, run: &Taken) -> bool {
        self.status.send_if_modified(|status| status.measured(run));
        if self.recorder.add(run.clock, &run.readings) {
            self.make_batches();
        } else {
            self.queue.note_unrecorded(self.recorder.samples());
        }
        self.events.any_in(&run.readings)
    }

    /// Makes batches of what was recorded, and of how much waits.
    pub(crate) fn report(&mut self) {
        // Two within one step would have the same time, and a store keeps one of them.
        let is_new = |at: Instant| at.elapsed() >= 2 * TIME_STEP;
        if self.own_at.is_none_or(is_new) {
            self.record_own();
        }
        self.make_batches();
        self.tell_spool_problem();
    }

    fn record_own(&mut self) {
        let waits = self.queue.waits();
        let mut readings = Readings::again(&self.own);
        #[allow(clippy::cast_precision_loss, reason = "sizes and moments fit a double")]
        {
            readings.push(&metrics::AGENT_SPOOL_BYTES, &[], waits.bytes as f64);
            if let Some(oldest) = waits.oldest_unix_ms {
                readings.push(&metrics::AGENT_SPOOL_OLDEST, &[], oldest as f64 / 1000.0);
            }
        }
        self.recorder.add(clock::now(), &readings.taken);
        self.own = readings.taken;
        self.own_at = Some(Instant::now());
    }

    fn make_batches(&mut self) {
        for recorded in self.recorder.take(self.queue.instance) {
            self.queue.append(recorded);
        }
    }

    fn tell_spool_problem(&mut self) {
        let problem = self.queue.problem();
        if problem == self.spool_problem {
            return;
        }
        match problem {
            Some(problem) => warn!(problem, "The spool cannot write."),
            None => info!("The spool can write again."),
        }
        self.spool_problem = problem;
        self.status
            .send_modify(|status| status.spool_problem = problem.map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reports_that_follow_one_another_at_once_say_once_how_much_waits() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path(), spool::Limits::default()).unwrap();
        let mut reporter = Reporter::new(
            queue.clone(),
            watch::channel(Plan::default()).1,
            Arc::default(),
            watch::Sender::default(),
        );
        for expected in [1, 1, 2, 2] {
            reporter.report();
            reporter.report();
            queue.newest().await;
            assert_eq!(queue.stats().records, expected);
            tokio::time::advance(TIME_STEP).await;
        }
    }
}
