//! Remote write: every measurement goes to the configured stores, with its own time, once.
//!
//! One target is one [`Queue`] on disk and one sender, so that a slow or absent store delays only
//! itself. The ingest side appends what agents sent ([`crate::journal`]), persists, and then tells the
//! agents that it is safe. In reading order: [`queue`] → [`window`] (records → what is sent together,
//! in which order) → [`encode`] (1.0 and 2.0) → [`client`] (one request, and what its answer means) →
//! [`sender`] (retries, and when a record may go) → [`refusals`] (what little is lost).
//! `docs/remote_write.md` says what each store accepts.
//!
//! Deliberately absent: metadata in 1.0 (receivers ignore it), native histograms, exemplars and stale
//! markers (nothing here makes them), and falling back from one protocol to the other unasked.

mod backoff;
mod client;
mod clock;
mod encode;
mod metrics;
mod queue;
mod refusals;
mod sender;
mod told;
mod window;

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::warn;

pub use self::client::ClientError;
pub use self::metrics::Metrics;
pub use self::queue::{Queue, Record, Share, Status};
use self::sender::Sender;
use crate::config::{Protocol, RemoteWrite as Target};
use crate::journal::Measured;

/// What a queue's folder is called, before the name of its target.
const FOLDER: &str = "queue-";

/// All targets.
#[derive(Debug)]
pub struct RemoteWrite {
    senders: Vec<Sender>,
}

/// Why remote write cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What waits for a store is not accessible.
    #[error("cannot open the queue of the remote write target {target:?}")]
    Queue {
        /// Its name.
        target: String,
        /// Why.
        source: spool::Error,
    },
    /// Its settings cannot be used.
    #[error("cannot prepare requests to the remote write target {target:?}")]
    Client {
        /// Its name.
        target: String,
        /// Why.
        source: ClientError,
    },
}

impl RemoteWrite {
    /// Opens the queues in the data folder; sends nothing before [`RemoteWrite::run`]. Waits for the
    /// disk.
    ///
    /// # Errors
    /// When a queue or a certificate file cannot be read.
    pub fn open(data: &Path, targets: &[Target], metrics: &Metrics) -> Result<Self, OpenError> {
        for target in queue::abandoned(data, targets).unwrap_or_default() {
            warn!(target, folder = %data.join(format!("{FOLDER}{target}")).display(),
                "This queue belongs to no configured remote write target: delete it, or name a target so.");
        }
        let open = |target: &Target| {
            let name = || target.name.clone();
            let folder = data.join(format!("{FOLDER}{}", target.name));
            let queue = Queue::open(&folder, target).map_err(|source| OpenError::Queue {
                target: name(),
                source,
            })?;
            let metrics = metrics.of(&target.name);
            Sender::new(target, queue, metrics).map_err(|source| OpenError::Client {
                target: name(),
                source,
            })
        };
        let senders = targets.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { senders })
    }

    /// The queue of each target, for whoever fills them. Empty when there are no targets.
    #[must_use]
    pub fn queues(&self) -> Vec<Queue> {
        self.senders
            .iter()
            .map(|sender| sender.queue().clone())
            .collect()
    }

    /// Delivers until `stop`, then leaves at once; what is under way is sent again at the next start.
    pub async fn run(self, stop: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for sender in self.senders {
            let (sender, stop) = (Arc::new(sender), stop.clone());
            tasks.spawn(async move {
                let work = async { tokio::join!(sender.run(), sender.watch()) };
                stop.run_until_cancelled(work).await;
                sender.ended().await;
            });
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// The bodies of the requests that deliver what was measured: what a benchmark counts.
#[must_use]
pub fn bodies(protocol: Protocol, measured: Vec<Measured>) -> Vec<Vec<u8>> {
    let window = window::Window::of(measured, 1, &[]);
    let requests = window.shards.iter().flatten().flatten();
    requests
        .filter_map(|request| encode::body(protocol, &window, request).ok())
        .collect()
}
