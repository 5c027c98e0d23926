//! The agent as a whole: build, then run until told to stop.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use proto::metrics;
use proto::plan::Plan;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::wall_unix_ms;
use crate::config::Config;
use crate::identity::Identity;
use crate::queue::{Queue, disk_problem};
use crate::record::Recorder;
use crate::schedule::{self, Taken};
use crate::sources::{self, Context, Readings};
use crate::status::Status;
use crate::tls::Address;
use crate::uplink::Uplink;

/// The first reports come this soon after the start, so that a machine just started is soon seen:
/// what needs no waiting, what needs a moment, and the first round of echoes.
const FIRST_REPORTS: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// While the collector does not acknowledge, what waits is written to disk this often.
const PERSIST_INTERVAL: Duration = Duration::from_mins(1);

/// Shorter outages than this leave no trace on disk.
const PERSIST_AFTER: Duration = Duration::from_secs(45);

/// Everything opened and checked, nothing started.
pub struct App {
    folder: PathBuf,
    identity: Identity,
    collector: Address,
    queue: Queue,
    plan: Plan,
    status: watch::Sender<Status>,
    _lock: File,
}

impl App {
    /// Opens what is needed.
    ///
    /// # Errors
    /// When the machine is not enrolled, another agent runs on the same data, or the folder cannot
    /// be used.
    pub fn build(config: Config) -> anyhow::Result<Self> {
        let identity = Identity::load(&config.data)?;
        let lock = lock(&config.data)?;
        let collector = match config.collector {
            Some(collector) => collector,
            None => identity.collector.parse()?,
        };
        let limits = spool::Limits {
            bytes: config.spool_bytes,
            age: config.spool_age,
            ..spool::Limits::default()
        };
        let folder = config.data.join("spool");
        let queue = Queue::open(&folder, limits)
            .with_context(|| format!("cannot open the spool in {}", folder.display()))?;
        let plan = crate::plan::load(&config.data);
        let status = watch::Sender::new(Status {
            version: proto::VERSION.into(),
            centre: Some(identity.centre.clone()),
            device: Some(identity.device.clone()),
            collector: collector.to_string(),
            certificate_until_unix_ms: identity.valid_until_unix_ms,
            ..Status::default()
        });
        Ok(Self {
            folder: config.data,
            identity,
            collector,
            queue,
            plan,
            status,
            _lock: lock,
        })
    }

    /// How the agent fares, for whoever runs it inside another program.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Runs until `shutdown`, then says goodbye and leaves what was not acknowledged on disk.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            folder,
            identity,
            collector,
            queue,
            plan,
            status,
            _lock,
        } = self;
        info!(agent = %identity.agent, centre = %identity.centre, device = %identity.device,
            version = proto::VERSION, "Measuring.");
        let (plan, planned) = watch::channel(plan);
        let context = Context {
            plan: planned.clone(),
            collector: Some((collector.host.clone(), collector.port)),
        };
        let (taken, runs) = mpsc::channel(64);
        let _sources = schedule::start(sources::all(&context), &planned, &taken);
        let stop = CancellationToken::new();
        let uplink = Uplink {
            folder: folder.clone(),
            identity,
            collector,
            queue: queue.clone(),
            plan,
            status: status.clone(),
            stop: stop.clone(),
            server_offset_ms: 0,
            welcomed: false,
            renewal_rests_since: None,
        };
        let uplink = tokio::spawn(uplink.run());
        let mut reporter = Reporter {
            folder,
            queue,
            planned,
            status,
            recorder: Recorder::default(),
            spool_problem: None,
        };
        reporter.run(runs, shutdown).await;
        stop.cancel();
        if let Err(error) = uplink.await {
            error!(%error, "The connection to the collector failed.");
        }
        reporter.save_status().await;
        info!("Stopped.");
    }
}

fn lock(folder: &std::path::Path) -> anyhow::Result<File> {
    let path = folder.join("run.lock");
    let cannot = || format!("cannot write to {}", path.display());
    let file = File::create(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            anyhow::bail!("another agent runs on {}: stop it first", folder.display())
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}

/// Whether an agent runs on this folder now.
#[must_use]
pub fn is_running(folder: &std::path::Path) -> bool {
    let file = File::open(folder.join("run.lock"));
    file.is_ok_and(|file| {
        matches!(
            file.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}

/// Gathers what sources read into batches, and keeps `status` up to date.
struct Reporter {
    folder: PathBuf,
    queue: Queue,
    planned: watch::Receiver<Plan>,
    status: watch::Sender<Status>,
    recorder: Recorder,
    spool_problem: Option<String>,
}

impl Reporter {
    async fn run(&mut self, mut runs: mpsc::Receiver<Taken>, shutdown: impl Future<Output = ()>) {
        let started = Instant::now();
        let mut first_reports = FIRST_REPORTS.map(|after| started + after).into_iter();
        let mut next_report = first_reports.next().unwrap_or(started);
        let mut persist = tokio::time::interval(PERSIST_INTERVAL);
        persist.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut planned = self.planned.clone();
        planned.mark_unchanged();
        let mut status = self.status.subscribe();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                run = runs.recv() => match run {
                    Some(run) => self.record(&run).await,
                    None => break,
                },
                () = tokio::time::sleep_until(next_report) => {
                    self.report().await;
                    let usual = || Instant::now() + self.planned.borrow().report_interval;
                    next_report = first_reports.next().unwrap_or_else(usual);
                }
                _ = persist.tick() => self.persist_if_disconnected().await,
                Ok(()) = planned.changed() => {
                    let plan = planned.borrow_and_update().clone();
                    if let Err(error) = crate::plan::save(&self.folder, &plan) {
                        warn!(error = crate::chain(&error), "The new plan will be forgotten at the next start.");
                    }
                }
                // The uplink connected, lost the collector, or heard of it.
                Ok(()) = status.changed() => self.save_status().await,
            }
        }
        self.report().await;
        self.queue.persist().await;
    }

    async fn record(&mut self, run: &Taken) {
        // Shown with the next change of the connection, which comes with every report.
        self.status.send_if_modified(|status| {
            status.measured(run);
            false
        });
        if self.recorder.add(run.time_unix_ms, &run.readings) {
            self.report().await;
        }
    }

    /// Makes a batch of what was recorded.
    async fn report(&mut self) {
        let Some(stats) = self.queue.stats().await else {
            return;
        };
        let mut readings = Readings::default();
        #[allow(clippy::cast_precision_loss, reason = "sizes and moments fit a double")]
        {
            readings.push(&metrics::AGENT_SPOOL_BYTES, &[], stats.bytes as f64);
            if let Some(oldest) = stats.oldest_time_unix_ms {
                readings.push(&metrics::AGENT_SPOOL_OLDEST, &[], oldest as f64 / 1000.0);
            }
        }
        self.recorder.add(wall_unix_ms(), &readings.taken);
        if let Some(recorded) = self.recorder.take(self.queue.instance) {
            self.queue.append(recorded).await;
        }
    }

    async fn persist_if_disconnected(&mut self) {
        let Some(stats) = self.queue.stats().await else {
            return;
        };
        let oldest = stats.oldest_time_unix_ms;
        let waited = oldest.map_or(0, |oldest| wall_unix_ms().saturating_sub(oldest));
        if stats.records_in_memory > 0
            && u128::try_from(waited).unwrap_or(0) >= PERSIST_AFTER.as_millis()
        {
            self.queue.persist().await;
        }
    }

    async fn save_status(&mut self) {
        let Some(stats) = self.queue.stats().await else {
            return;
        };
        let plan_version = self.planned.borrow().version;
        let mut status = self.status.borrow().clone();
        status.written_unix_ms = wall_unix_ms();
        status.plan_version = plan_version;
        status.waiting_batches = stats.records;
        status.waiting_bytes = stats.bytes;
        status.dropped_samples = stats.dropped_samples;
        status.spool_problem = disk_problem(stats.disk).map(str::to_owned);
        if status.spool_problem != self.spool_problem {
            match &status.spool_problem {
                Some(problem) => warn!(problem, "The spool cannot write."),
                None => info!("The spool can write again."),
            }
            self.spool_problem.clone_from(&status.spool_problem);
        }
        if let Err(error) = status.save(&self.folder) {
            warn!(
                error = crate::chain(&error),
                "`status` will not know how this agent fares."
            );
        }
    }
}
