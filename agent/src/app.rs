//! The agent as a whole: build, then run until told to stop.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use proto::plan::Plan;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::alone;
use crate::clock;
use crate::config::Config;
use crate::identity::Identity;
use crate::presence::{Leaving, Presence, asleep};
use crate::queue::Queue;
use crate::report::Reporter;
use crate::schedule;
use crate::sources::device::{discovery, poll};
use crate::sources::{self, Access, Context, Source};
use crate::status::{Keeper, Status};
use crate::storage;
use crate::tls::Address;
use crate::uplink::Uplink;
use crate::wake;

/// How long each thing that is done at the end may take: a machine that shuts down does not wait.
const ENDING: Duration = Duration::from_secs(4);

/// Locked while an agent runs.
const LOCK_FILE: &str = "run.lock";

/// Whoever holds the lock for longer than this is another agent.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Everything opened and checked, nothing started.
pub struct App {
    config: Config,
    identity: Identity,
    collector: Address,
    queue: Queue,
    plan: Plan,
    status: watch::Sender<Status>,
    presence: Presence,
    _lock: File,
}

impl App {
    /// Opens what is needed.
    ///
    /// # Errors
    /// When the machine is not enrolled, another agent runs on the same data, or the folder cannot
    /// be used.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let identity = Identity::load(&config.data)?;
        let lock = lock(&config.data).await?;
        let collector = match &config.collector {
            Some(collector) => collector.clone(),
            None => identity.collector.parse()?,
        };
        let folder = config.data.join("spool");
        let cannot = || format!("cannot open the spool in {}", folder.display());
        storage::make_private_folder(&folder).with_context(cannot)?;
        let queue = Queue::open(&folder, config.spool).with_context(cannot)?;
        let plan = crate::plan::load(&config.data);
        let status = watch::Sender::new(Status {
            version: proto::VERSION.into(),
            centre: Some(identity.centre.clone()),
            device: Some(identity.device.clone()),
            collector: collector.to_string(),
            certificate_until_unix_ms: identity.valid_until_unix_ms,
            ..Status::default()
        });
        let boot = clock::is_boot_known().then(clock::boot_id);
        let presence = Presence::begin(&config.data, boot, clock::now());
        Ok(Self {
            config,
            identity,
            collector,
            queue,
            plan,
            status,
            presence,
            _lock: lock,
        })
    }

    /// How the agent fares, for whoever runs it inside another program.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Runs until `shutdown`, then says goodbye and leaves what was not acknowledged on disk.
    ///
    /// # Errors
    /// When a part ended that nobody told to: whoever keeps the agent running starts it anew.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.run_with(sources::all, shutdown).await
    }

    /// As [`App::run`], measuring something else.
    ///
    /// # Errors
    /// As [`App::run`].
    pub async fn run_with(
        self,
        sources: impl FnOnce(&Context) -> Vec<Box<dyn Source>>,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let Self {
            config,
            identity,
            collector,
            queue,
            plan,
            status,
            presence,
            _lock,
        } = self;
        let (folder, bytes_per_day) = (config.data.clone(), config.bytes_per_day);
        // Whether the line may be loaded to measure it.
        let may_transfer = !config.metered && bytes_per_day.is_none();
        info!(agent = %identity.agent, centre = %identity.centre, device = %identity.device,
            version = proto::VERSION, "Measuring.");
        let (plan, planned) = watch::channel(plan);
        let address = (collector.host.clone(), collector.port);
        let mut context = Context::new(planned.clone(), Some(address), config.networks.clone());
        let identity = watch::Sender::new(identity);
        context.access = may_transfer.then(|| Access {
            folder: folder.clone(),
            collector: collector.clone(),
            identity: identity.subscribe(),
        });
        let collector_lead_ms = context.collector_lead_ms.clone();
        let (taken, mut runs) = mpsc::channel(64);
        let mut sources = schedule::start(sources(&context), &planned, taken.clone());
        let lead = context.collector_lead_ms.subscribe();
        sources.spawn(wake::run(planned.clone(), lead, taken.clone()));
        sources.spawn(alone::watch(config, status.clone(), taken.clone()));
        sources.spawn(poll::run(context.clone(), taken));
        let (found, to_tell) = watch::channel(Vec::new());
        let stop = CancellationToken::new();
        let connected = Arc::new(Notify::new());
        let uplink = Uplink {
            folder: folder.clone(),
            identity,
            collector,
            queue: queue.clone(),
            plan,
            bytes_per_day,
            connected: Arc::clone(&connected),
            collector_lead_ms,
            status: status.clone(),
            found: to_tell,
            presence: presence.clone(),
            bursts: context.bursts.clone(),
            stop: stop.clone(),
        };
        let mut uplink = tokio::spawn(uplink.run());
        // Each file has a task of its own, so that a disk that hangs holds up that task alone.
        let mut keeping = JoinSet::new();
        keeping.spawn(queue.clone().keep());
        keeping.spawn(asleep::watch(presence.clone()));
        keeping.spawn(discovery::run(context.clone(), found));
        keeping.spawn(crate::plan::keep(folder.clone(), planned.clone()));
        let last_status = CancellationToken::new();
        let keeper = Keeper {
            folder,
            queue: queue.clone(),
            planned: planned.clone(),
            status: status.subscribe(),
            written: None,
        };
        let keeper = tokio::spawn(keeper.run(last_status.clone()));
        let mut reporter = Reporter::new(queue.clone(), planned, connected, status);
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            ended = &mut uplink => Err(match ended {
                Ok(_) => anyhow::anyhow!("the connection to the collector is no longer kept up"),
                Err(error) => anyhow::Error::new(error).context("the connection to the collector broke down"),
            }),
            () = reporter.run(&mut runs) => Err(anyhow::anyhow!("nothing measures any more")),
        };
        // First of all: the power may be next.
        in_time(presence.ends(Leaving::now())).await;
        // What is measured from here on would be lost.
        in_time(sources.shutdown()).await;
        while let Ok(run) = runs.try_recv() {
            reporter.record(&run);
        }
        reporter.report();
        stop.cancel();
        // What the collector does not acknowledge in time is on disk.
        let goodbye = async {
            if !uplink.is_finished() {
                in_time(uplink).await;
            }
        };
        tokio::join!(in_time(queue.persist()), goodbye);
        last_status.cancel();
        in_time(keeper).await;
        in_time(presence.finish()).await;
        info!("Stopped.");
        ended
    }
}

/// A hung disk or collector does not keep the agent from ending.
async fn in_time(work: impl Future) {
    if tokio::time::timeout(ENDING, work).await.is_err() {
        warn!("Something does not answer; the agent ends without it.");
    }
}

async fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK_FILE);
    let file = storage::open_private(&path)
        // On a read-only disk the file of an earlier run is enough.
        .or_else(|error| File::open(&path).map_err(|_| error))
        .with_context(|| format!("cannot write to {}", path.display()))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // `status` looks at it for a moment.
            Err(std::fs::TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                tokio::time::sleep(LOCK_PATIENCE / 20).await;
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                anyhow::bail!("another agent runs on {}: stop it first", folder.display())
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
}

/// Whether an agent runs on this folder now.
#[must_use]
pub fn is_running(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK_FILE));
    file.is_ok_and(|file| {
        matches!(
            file.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_agent_runs_on_a_folder_and_a_look_at_it_keeps_none_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let looks = storage::open_private(&folder.path().join(LOCK_FILE)).unwrap();
        looks.try_lock_shared().unwrap();
        let looking = tokio::spawn(async move {
            tokio::time::sleep(LOCK_PATIENCE / 2).await;
            drop(looks);
        });
        assert!(!is_running(folder.path()), "somebody only looks");
        let first = lock(folder.path()).await.unwrap();
        looking.await.unwrap();
        assert!(is_running(folder.path()));
        let second = lock(folder.path()).await.unwrap_err();
        assert!(second.to_string().contains("another agent"), "{second}");
        drop(first);
        assert!(!is_running(folder.path()));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_hold_the_lock() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        storage::open_private(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(
            mode & 0o777,
            0o600,
            "that of an older version was not its own"
        );
    }
}
