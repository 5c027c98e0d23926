//! What `run` tells `status`: one small file, replaced when something changes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proto::ids::{CentreId, DeviceId};
use proto::plan::Plan;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::alone::OwnVerdict;
use crate::app;
use crate::clock::wall_unix_ms;
use crate::identity::{Identity, IdentityError};
use crate::queue::Queue;
use crate::schedule::Taken;
use crate::storage::{self, StorageError};

const STATUS_FILE: &str = "status.json";

/// The least time between two writes of it.
const REWRITE: Duration = Duration::from_secs(2);

/// What a running agent knows of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the agent.
    pub version: String,
    /// Where the machine belongs.
    pub centre: Option<CentreId>,
    /// Its name there.
    pub device: Option<DeviceId>,
    /// Where it reports to.
    pub collector: String,
    /// When this was written, Unix milliseconds.
    pub written_unix_ms: i64,
    /// Whether there is a stream to the collector.
    pub connected: bool,
    /// Why there is none.
    pub connection_problem: Option<String>,
    /// When the collector last confirmed that it has a batch, Unix milliseconds.
    pub last_ack_unix_ms: Option<i64>,
    /// This clock less the collector's, milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Expiry of the certificate, by the collector's clock, Unix milliseconds.
    pub certificate_until_unix_ms: i64,
    /// The plan in force.
    pub plan_version: u64,
    /// Batches that wait for the line; what is on its way does not.
    pub waiting_batches: u64,
    /// Their size.
    pub waiting_bytes: u64,
    /// Samples dropped because they were too many or too old.
    pub dropped_samples: u64,
    /// What this machine makes of it by itself while it is cut off.
    #[serde(default)]
    pub own_verdict: Option<OwnVerdict>,
    /// What is wrong with the spool's folder.
    pub spool_problem: Option<String>,
    /// How each source fares.
    pub sources: BTreeMap<String, SourceStatus>,
}

/// How a source fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Values of the last run.
    pub values: usize,
    /// Why it could not measure, and what to do.
    pub problem: Option<String>,
    /// What it cannot measure here although it works, and what to do.
    pub limitations: Vec<String>,
}

impl Status {
    /// Notes a run. Says whether it fares otherwise than before; how many values it brought is shown
    /// with the next thing that changes.
    pub fn measured(&mut self, run: &Taken) -> bool {
        let status = SourceStatus {
            values: run.readings.len(),
            problem: run.problem.as_ref().map(ToString::to_string),
            limitations: run.limitations.iter().map(ToString::to_string).collect(),
        };
        let faring = |status: &SourceStatus| (status.problem.clone(), status.limitations.clone());
        let fares = faring(&status);
        let before = self.sources.insert(run.source.to_owned(), status);
        before.as_ref().map(faring) != Some(fares)
    }

    /// Writes it for `status` to read.
    fn save(&self, folder: &Path) -> Result<(), StorageError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        storage::replace_lazily(&folder.join(STATUS_FILE), &text)
    }

    /// Reads what `run` last wrote; nothing when it never ran here or wrote something else.
    #[must_use]
    pub fn load(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(STATUS_FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Writes the file when something changed, not too often: a flash disk wears out.
pub struct Keeper {
    /// The data folder.
    pub folder: PathBuf,
    /// Knows what waits.
    pub queue: Queue,
    /// The plan in force.
    pub planned: watch::Receiver<Plan>,
    /// All the rest.
    pub status: watch::Receiver<Status>,
    /// What the file says.
    pub written: Option<Status>,
}

impl Keeper {
    /// Keeps the file until told to stop, and then says in it how things ended.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                Ok(()) = self.status.changed() => self.write().await,
                () = stop.cancelled() => break,
            }
            tokio::select! {
                () = tokio::time::sleep(REWRITE) => {}
                () = stop.cancelled() => break,
            }
        }
        self.write().await;
    }

    async fn write(&mut self) {
        let mut status = self.status.borrow_and_update().clone();
        let waits = self.queue.waits();
        status.plan_version = self.planned.borrow().version;
        status.waiting_batches = waits.records;
        status.waiting_bytes = waits.bytes;
        status.dropped_samples = self.queue.stats().dropped_samples;
        if self.written.as_ref() == Some(&status) {
            return;
        }
        let (folder, mut stamped) = (self.folder.clone(), status.clone());
        stamped.written_unix_ms = wall_unix_ms();
        let saved = tokio::task::spawn_blocking(move || stamped.save(&folder)).await;
        match saved {
            Ok(Ok(())) => self.written = Some(status),
            Ok(Err(error)) => warn!(
                error = crate::chain(&error),
                "`status` will not know how this agent fares."
            ),
            // The program ends.
            Err(_) => {}
        }
    }
}

/// What `dawnwatch-agent status` says.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether an agent runs on this data now.
    pub running: bool,
    /// What the last one said; stale when none runs.
    #[serde(flatten)]
    pub status: Status,
}

/// Finds out how the agent of this folder fares.
///
/// # Errors
/// When the machine is not enrolled.
pub fn report(folder: &Path) -> Result<Report, IdentityError> {
    let identity = Identity::load(folder)?;
    let status = Status::load(folder).unwrap_or_else(|| Status {
        centre: Some(identity.centre),
        device: Some(identity.device),
        collector: identity.collector,
        certificate_until_unix_ms: identity.valid_until_unix_ms,
        ..Status::default()
    });
    Ok(Report {
        running: app::is_running(folder),
        status,
    })
}

impl Report {
    /// Whether everything works: what the exit code says.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.running && self.status.connected
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = &self.status;
        let name = |id: Option<&str>| id.unwrap_or("?").to_owned();
        let device = name(status.device.as_ref().map(DeviceId::as_str));
        let centre = name(status.centre.as_ref().map(CentreId::as_str));
        writeln!(f, "{device} of {centre}, reports to {}", status.collector)?;
        match (self.running, &status.connection_problem) {
            (false, _) => writeln!(f, "not running: start it with `dawnwatch-agent run`")?,
            (true, Some(problem)) => writeln!(f, "running, not connected: {problem}")?,
            (true, None) if status.connected => writeln!(f, "running, connected")?,
            (true, None) => writeln!(f, "running, connecting")?,
        }
        if let Some(own) = status.own_verdict.as_ref().filter(|_| self.running) {
            writeln!(f, "by itself: {} {}", own.sentence.en, own.action.en)?;
        }
        writeln!(
            f,
            "{} batches wait ({} bytes), {} samples dropped so far",
            status.waiting_batches, status.waiting_bytes, status.dropped_samples
        )?;
        if let Some(problem) = &status.spool_problem {
            writeln!(f, "spool: {problem}")?;
        }
        for (name, source) in &status.sources {
            match &source.problem {
                None => writeln!(f, "  {name}: {} values", source.values)?,
                Some(problem) => writeln!(f, "  {name}: cannot measure: {problem}")?,
            }
            for limitation in &source.limitations {
                writeln!(f, "    {limitation}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_written_when_it_changed_and_not_too_often() {
        let folder = tempfile::tempdir().unwrap();
        let status = watch::Sender::new(Status::default());
        let (_plan, planned) = watch::channel(Plan::default());
        let stop = CancellationToken::new();
        let spool = folder.path().join("spool");
        let keeper = Keeper {
            folder: folder.path().to_owned(),
            queue: Queue::open(&spool, spool::Limits::default()).unwrap(),
            planned,
            status: status.subscribe(),
            written: None,
        };
        let keeper = tokio::spawn(keeper.run(stop.clone()));
        let says = |acknowledged| {
            let written = Status::load(folder.path())?;
            (written.last_ack_unix_ms == Some(acknowledged)).then_some(())
        };
        let began = Instant::now();
        for ack in 0..100 {
            status.send_modify(|status| status.last_ack_unix_ms = Some(ack));
            tokio::time::sleep(Duration::from_millis(10)).await;
            if ack == 0 {
                while says(0).is_none() {
                    tokio::task::yield_now().await;
                }
            }
        }
        assert_eq!(says(0), Some(()), "the first change is written at once");
        while says(99).is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(began.elapsed() >= REWRITE, "{:?}", began.elapsed());
        status.send_modify(|status| status.connected = true);
        stop.cancel();
        keeper.await.unwrap();
        assert!(
            Status::load(folder.path()).unwrap().connected,
            "how it ended"
        );
    }
}
