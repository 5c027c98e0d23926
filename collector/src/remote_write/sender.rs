//! From the queue to the store: in order, again and again until it is there, and never for ever.
//!
//! A window of records is delivered by shards side by side; when all are through, it may leave the
//! queue and the next one is taken. What an answer means is [`super::client`]'s business; here is what
//! follows. *Later* (no answer, 429, 5xx, and whatever only a hand can set right): the same request
//! again, with full jitter, until the store takes it, the collector stops, or the queue dropped all of
//! the window for its age or size. *Refused* (the other 4xx): it is taken apart a bounded number of times
//! ([`super::refusals`]), and what is still refused is dropped and counted by reason. What the log says of
//! all this is in [`super::told`].

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::backoff::Backoff;
use super::client::{Answer, Cause, Client, ClientError, Later, Reason, Refusal};
use super::encode;
use super::metrics::TargetMetrics;
use super::queue::{Queue, Share};
use super::refusals::{Splits, Suspects};
use super::told::Told;
use super::window::{Device, Line, Request, Window, count};
use crate::config::{Protocol, RemoteWrite};
use crate::journal::{self, RecordError};

/// Of one window: some requests for each shard, and little beside what the live view takes.
const SHARE: Share = Share {
    samples: 100_000,
    bytes: 8_000_000,
    span: Duration::from_mins(10),
};

/// How often the state of the queue is looked at for `/metrics`.
const LOOK: Duration = Duration::from_secs(1);

/// How long the disk gets to answer at the end.
const GRACE: Duration = Duration::from_secs(2);

/// Delivers to one target.
#[derive(Debug)]
pub(super) struct Sender {
    target: String,
    protocol: Protocol,
    shards: usize,
    queue: Queue,
    client: Client,
    metrics: TargetMetrics,
    suspects: Suspects,
    /// All work that is under way apart from [`Sender::run`] itself.
    tasks: TaskTracker,
    told: Told,
}

/// A window under way.
struct Shipment {
    window: Window,
    /// The last record in it.
    through: u64,
}

/// Why nothing can be sent.
enum LoadError {
    Disk(spool::Error),
    /// A newer version of this program was in use before. It will be again.
    Newer(RecordError),
}

impl From<spool::Error> for LoadError {
    fn from(error: spool::Error) -> Self {
        Self::Disk(error)
    }
}

/// What became of a request in the end.
enum Settled {
    Written,
    Partly {
        written: u64,
        refusal: Refusal,
    },
    Refused(Refusal),
    /// Its records are gone.
    Abandoned,
}

impl Sender {
    /// Ready to deliver what is in a queue.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub(super) fn new(
        target: &RemoteWrite,
        queue: Queue,
        metrics: TargetMetrics,
    ) -> Result<Self, ClientError> {
        metrics.up.set(1);
        metrics.note(&queue.status());
        Ok(Self {
            target: target.name.clone(),
            protocol: target.protocol,
            shards: target.shards,
            queue,
            client: Client::new(target)?,
            metrics,
            suspects: Suspects::default(),
            tasks: TaskTracker::new(),
            told: Told::of(&target.name),
        })
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Returns once nothing is under way any more after [`Sender::run`] was dropped, so that the queue can
    /// be opened anew; or soon, when the disk hangs.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        if timeout(GRACE, self.tasks.wait()).await.is_err() {
            warn!(
                target = self.target,
                "The disk does not let go of what waits for a store."
            );
        }
    }

    /// Keeps the metrics of the queue up to date.
    pub(super) async fn watch(&self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            looks.tick().await;
            self.metrics.note(&self.queue.status());
        }
    }

    /// Delivers whatever comes, for as long as it is polled.
    pub(super) async fn run(self: &Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            let sender = Arc::clone(self);
            match self.tasks.spawn_blocking(move || sender.load()).await {
                Ok(Ok(Some(shipment))) => {
                    if self.deliver(shipment).await {
                        backoff = Backoff::default();
                        continue;
                    }
                }
                Ok(Ok(None)) => {
                    self.queue.ready().await;
                    continue;
                }
                Ok(Err(LoadError::Newer(error))) => {
                    self.metrics.up.set(0);
                    self.told.newer(&error);
                    sleep(Backoff::wait_for_hand()).await;
                    continue;
                }
                Ok(Err(LoadError::Disk(error))) => {
                    let error: &dyn std::error::Error = &error;
                    warn!(
                        error,
                        target = self.target,
                        "What waits for a store cannot be read from disk now; trying again."
                    );
                }
                // A panic, or the end of the runtime.
                Err(error) => error!(%error, target = self.target, "Delivery was interrupted."),
            }
            sleep(backoff.next_wait(None)).await;
        }
    }

    /// Takes and sorts what is next. Waits for the disk.
    fn load(&self) -> Result<Option<Shipment>, LoadError> {
        let (mut measured, mut through) = (Vec::new(), None);
        for record in self.queue.next(SHARE)? {
            match journal::decode(&record.bytes) {
                Ok(mut decoded) => {
                    measured.append(&mut decoded.measured);
                    if let Some(error) = decoded.error {
                        let left_out = u64::from(record.samples).saturating_sub(decoded.samples);
                        self.metrics.unreadable.inc_by(left_out);
                        self.told.unreadable(left_out, &error);
                    }
                }
                Err(error @ RecordError::Newer { .. }) if through.is_none() => {
                    return Err(LoadError::Newer(error));
                }
                // What is before it goes first.
                Err(RecordError::Newer { .. }) => break,
                Err(error) => {
                    self.metrics.unreadable.inc_by(record.samples.into());
                    self.told.unreadable(record.samples.into(), &error);
                }
            }
            through = Some(record.sequence);
        }
        let Some(through) = through else {
            return Ok(None);
        };
        let window = Window::of(measured, self.shards, &self.suspects.now());
        self.metrics.repeated.inc_by(window.repeated);
        Ok(Some(Shipment { window, through }))
    }

    /// Returns once all of it is settled; false when that cannot be said.
    async fn deliver(self: &Arc<Self>, shipment: Shipment) -> bool {
        let through = shipment.through;
        let shipment = Arc::new(shipment);
        let mut shards = JoinSet::new();
        for shard in 0..shipment.window.shards.len() {
            let (sender, shipment) = (Arc::clone(self), Arc::clone(&shipment));
            let work = async move { sender.deliver_shard(&shipment, shard).await };
            shards.spawn(self.tasks.track_future(work));
        }
        let mut all = true;
        while let Some(done) = shards.join_next().await {
            all &= done.is_ok();
        }
        if !all {
            error!(
                target = self.target,
                "Delivery was interrupted; sending that share again."
            );
            return false;
        }
        let queue = self.queue.clone();
        self.tasks
            .spawn_blocking(move || queue.delivered(through))
            .await
            .is_ok()
    }

    /// One request after the other, so that each series arrives in order.
    async fn deliver_shard(&self, shipment: &Arc<Shipment>, shard: usize) {
        for requests in shipment.window.shards.get(shard).into_iter().flatten() {
            let mut splits = Splits::default();
            for request in requests {
                let delivered = self.deliver_request(shipment, request.clone(), &mut splits);
                if !delivered.await {
                    return;
                }
            }
        }
    }

    /// False when there is nothing left to deliver it for.
    async fn deliver_request(
        &self,
        shipment: &Arc<Shipment>,
        request: Request,
        splits: &mut Splits,
    ) -> bool {
        let window = &shipment.window;
        let mut parts = vec![request];
        while let Some(part) = parts.pop() {
            let samples = count(&part);
            match self.settle(shipment, &part).await {
                Settled::Written => self.metrics.delivered.inc_by(samples),
                Settled::Partly { written, refusal } => {
                    self.metrics.delivered.inc_by(written);
                    self.reject(&refusal, samples - written, window.only_device(&part));
                }
                Settled::Refused(refusal) => {
                    let device = window.only_device(&part);
                    self.suspects.note(device.as_ref(), refusal.reason);
                    match splits.take_apart(window, &part) {
                        Some([first, second]) => parts.extend([second, first]),
                        None => self.reject(&refusal, samples, device),
                    }
                }
                Settled::Abandoned => return false,
            }
        }
        true
    }

    /// Sends a request until there is an answer for good.
    async fn settle(&self, shipment: &Arc<Shipment>, request: &[Line]) -> Settled {
        let samples = count(request);
        let Some(body) = self.body(shipment, request.to_vec()).await else {
            let (reason, text) = (Reason::TooLarge, "cannot be made a request".to_owned());
            return Settled::Refused(Refusal { reason, text });
        };
        let mut backoff = Backoff::default();
        loop {
            self.metrics.sent_bytes.inc_by(body.len() as u64);
            match self.client.send(body.clone(), samples).await {
                Answer::Written => {
                    self.is_well();
                    self.metrics.written.inc();
                    return Settled::Written;
                }
                Answer::Partly { written, refusal } => {
                    self.is_well();
                    self.metrics.refused.inc();
                    return Settled::Partly { written, refusal };
                }
                Answer::Refused(refusal) => {
                    self.is_well();
                    self.metrics.refused.inc();
                    return Settled::Refused(refusal);
                }
                Answer::Later(later) => {
                    self.is_in_trouble(&later);
                    sleep(match later.cause {
                        Cause::Misconfigured => Backoff::wait_for_hand(),
                        _ => backoff.next_wait(later.after),
                    })
                    .await;
                    if !self.is_wanted(shipment.through).await {
                        return Settled::Abandoned;
                    }
                }
            }
        }
    }

    /// Coding and compressing is work for a thread of its own.
    async fn body(&self, shipment: &Arc<Shipment>, request: Request) -> Option<Vec<u8>> {
        let (protocol, shipment) = (self.protocol, Arc::clone(shipment));
        let body = self
            .tasks
            .spawn_blocking(move || encode::body(protocol, &shipment.window, &request));
        body.await.ok()?.ok()
    }

    /// Whether the queue still has any of it.
    async fn is_wanted(&self, through: u64) -> bool {
        let queue = self.queue.clone();
        self.tasks
            .spawn_blocking(move || queue.holds(through))
            .await
            .unwrap_or(false)
    }

    /// Of one device, or of several when there were too many to tell apart.
    fn reject(&self, refusal: &Refusal, samples: u64, device: Option<Device>) {
        self.metrics.rejected(refusal.reason, samples);
        self.told.rejected(refusal, samples, device);
    }

    fn is_in_trouble(&self, later: &Later) {
        self.metrics.put_off(later.cause);
        self.metrics.up.set(0);
        self.told.trouble(later);
    }

    fn is_well(&self) {
        self.metrics.up.set(1);
        self.told.well();
    }
}
