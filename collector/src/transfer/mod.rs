//! Transfers by which an agent measures what its line carries: some bytes down, then as many up.
//!
//! A centre's line is for people's work, and so is the collector's: one agent of a centre measures at a
//! time, one in each interval of the plan, and few in the whole country at once (`grants`). Bytes, time and
//! rate of each transfer are bounded. How fast bytes went is told by whoever received them. What is sent
//! up is thrown away.

mod grants;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use proto::plan::Throughput;
use proto::throughput::{LONGEST, Meter};
use proto::wire::transfer_server::Transfer;
use proto::wire::{DownloadRequest, Piece, UploadResponse};
use rand::Rng as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::debug;

pub use self::grants::Outcome;
use self::grants::{Grants, Running};
use crate::directory::Directory;
use crate::ingest::caller;
use crate::metrics::own::Own;
use crate::registry::Agent;

/// How long a call may take, until the first byte too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sent at a time.
const PIECE_BYTES: u32 = 16_384;

/// Bytes of one message of an agent: more than a piece has.
pub const MESSAGE_BYTES: usize = 64 << 10;

/// What one transfer takes of the collector's own line at most, bytes a second: faster than a centre's.
const FASTEST: f64 = 25e6;

/// The service behind transfers.
pub struct Transfers {
    parts: Parts,
    grants: Grants,
}

/// What the service works with.
pub struct Parts {
    /// Who may ask.
    pub directory: Arc<Directory>,
    /// The collector's own health.
    pub own: Arc<Own>,
    /// What the plan asks for, if anything.
    pub throughput: Option<Throughput>,
    /// Ends every transfer when it is cancelled.
    pub stop: CancellationToken,
}

impl Transfers {
    /// A service of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            grants: Grants::default(),
        }
    }

    fn count(&self, outcome: Outcome) {
        count(&self.parts.own, outcome);
    }

    /// What was planned, and the right to begin.
    fn begin(
        &self,
        grant: impl FnOnce(&Grants, Throughput) -> Result<Running, Outcome>,
    ) -> Result<(Throughput, Running), Status> {
        let throughput = self.parts.throughput.ok_or(Outcome::NotPlanned);
        let begun = throughput.and_then(|planned| Ok((planned, grant(&self.grants, planned)?)));
        begun.map_err(|outcome| {
            self.count(outcome);
            outcome.status()
        })
    }

    /// Begins to send.
    fn download(
        &self,
        agent: &Agent,
        asked: u32,
    ) -> Result<mpsc::Receiver<Result<Piece, Status>>, Status> {
        if asked == 0 {
            return Err(Status::invalid_argument("nothing was asked for"));
        }
        let (planned, running) = self.begin(|grants, planned| grants.download(agent, planned))?;
        debug!(agent = %agent.id, centre = %agent.centre, device = %agent.device, "A transfer begins.");
        let (sender, pieces) = mpsc::channel(1);
        let (own, stop) = (Arc::clone(&self.parts.own), self.parts.stop.clone());
        tokio::spawn(async move {
            // Until the last byte was handed over, nobody else of the centre begins.
            let _running = running;
            let sending = timeout(PATIENCE, send(&sender, asked.min(planned.bytes)));
            let sent = stop.run_until_cancelled(sending).await;
            let outcome = match sent {
                Some(Ok(Ok(()))) => Outcome::Finished,
                _ => Outcome::CutShort,
            };
            count(&own, outcome);
        });
        Ok(pieces)
    }

    /// Takes what comes, to its end or until it is enough.
    async fn upload(
        &self,
        agent: &Agent,
        pieces: impl Stream<Item = Result<Piece, Status>> + Unpin,
    ) -> Result<UploadResponse, Status> {
        let (planned, _running) = self.begin(|grants, _| grants.upload(agent))?;
        let taking = timeout(PATIENCE, take(pieces, planned.bytes));
        let taken = match self.parts.stop.run_until_cancelled(taking).await {
            Some(Ok(taken)) => taken,
            Some(Err(_)) => Err(late()),
            None => Err(Status::unavailable("the collector stops")),
        };
        if taken.is_ok() {
            self.grants.used(agent, planned);
        }
        self.count(match taken {
            Ok(_) => Outcome::Finished,
            Err(_) => Outcome::CutShort,
        });
        taken
    }
}

fn count(own: &Own, outcome: Outcome) {
    own.transfers.with_label_values(&[outcome.code()]).inc();
}

#[tonic::async_trait]
impl Transfer for Transfers {
    type DownloadStream = ReceiverStream<Result<Piece, Status>>;

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let agent = caller(&self.parts.directory, request.extensions()).await?;
        let pieces = self.download(&agent, request.get_ref().bytes)?;
        Ok(Response::new(ReceiverStream::new(pieces)))
    }

    async fn upload(
        &self,
        request: Request<Streaming<Piece>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let agent = caller(&self.parts.directory, request.extensions()).await?;
        let answer = self.upload(&agent, request.into_inner()).await?;
        Ok(Response::new(answer))
    }
}

fn late() -> Status {
    Status::deadline_exceeded("the transfer took too long")
}

/// The receiver does not want more.
struct Gone;

async fn send(pieces: &mpsc::Sender<Result<Piece, Status>>, bytes: u32) -> Result<(), Gone> {
    let began = Instant::now();
    let mut sent = 0;
    while sent < bytes {
        sleep_until(began + Duration::from_secs_f64(f64::from(sent) / FASTEST)).await;
        let length = PIECE_BYTES.min(bytes - sent);
        let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
        rand::rng().fill_bytes(&mut data);
        pieces.send(Ok(Piece { data })).await.map_err(|_| Gone)?;
        sent += length;
    }
    Ok(())
}

/// Measures what comes, for long enough to tell: a slow line holds far more than it carries in that time,
/// and all of it would have to arrive first.
async fn take(
    mut pieces: impl Stream<Item = Result<Piece, Status>> + Unpin,
    most: u32,
) -> Result<UploadResponse, Status> {
    let began = Instant::now();
    let mut first = None;
    let mut meter = Meter::default();
    while let Some(piece) = timeout(LONGEST, pieces.next()).await.map_err(|_| late())? {
        meter.arrived(piece?.data.len(), began.elapsed());
        if meter.bytes() > most.into() {
            return Err(Status::invalid_argument("that is more than the plan says"));
        }
        if first.get_or_insert_with(Instant::now).elapsed() >= LONGEST {
            break;
        }
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate above zero, far below the bound of its type"
    )]
    let bits_per_second = meter.bits_per_second().unwrap_or_default() as u64;
    Ok(UploadResponse {
        bytes: u32::try_from(meter.bytes()).unwrap_or(u32::MAX),
        bits_per_second,
    })
}
