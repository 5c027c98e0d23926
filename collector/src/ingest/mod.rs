//! One stream per agent: who, valid?, when by a true clock?, into the live view, onto disk, then
//! acknowledge.
//!
//! Who an agent is follows from the key of its certificate. Everything it sends is bounded: the
//! first message must come soon and be a Hello, messages have a size, batches and samples a pace (a
//! faster sender is not refused but made to wait, which HTTP/2 passes on to it), series a number.
//! What is refused is counted by reason, and the rest of the batch goes on.
//!
//! In reading order: this file (a stream is opened), `greet` and `stream` (its conversation), `batch`
//! (what it is made of), `take` (the same sample by sample), `others` (what is told of devices that have no
//! agent), `found` and `identities` (what the registry is to know of devices), `pace`, `answers` (when to
//! acknowledge what), `replies` (the way back), [`commit`] (many batches into one record on disk),
//! [`settle`] (what was taken is noted), [`recover`] (what a kill left behind), `share` and `end`. Why nothing is lost and nothing counted twice is written in
//! [`crate::seen`].

mod answers;
mod batch;
pub mod commit;
mod end;
mod found;
mod greet;
mod identities;
mod others;
mod pace;
pub mod recover;
mod replies;
pub mod settle;
mod share;
mod stream;
mod take;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota};
use proto::ids::AgentId;
use proto::wire::FromAgent;
use proto::wire::session_server::Session;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::{Extensions, Request, Response, Status, Streaming};

use self::commit::Keeper;
use self::end::{Watch, revoked};
pub use self::found::Look;
pub use self::identities::{Identities, Labels};
pub use self::others::Terms;
use self::pace::Limits;
pub use self::replies::Replies;
use self::share::Shares;
use self::stream::Stream;
use crate::ca;
use crate::comings::Comings;
use crate::directory::Directory;
use crate::latest::{DeviceKey, Latest};
use crate::listen::Peer;
use crate::metrics::own::Own;
use crate::plans::Plans;
use crate::registry::Agent;
use crate::seen::Ledger;
use crate::watch::Feed;

/// Streams per second, on average, that one agent may open, and how many at once.
const OPENINGS: (NonZeroU32, NonZeroU32) =
    (NonZeroU32::new(1).unwrap(), NonZeroU32::new(10).unwrap());

/// The service behind every stream.
#[derive(Clone)]
pub struct Ingest {
    shared: Arc<Shared>,
}

/// What the service works with.
pub struct Parts {
    /// Who may connect, and what they say of themselves.
    pub directory: Arc<Directory>,
    /// The live view.
    pub latest: Arc<Latest>,
    /// The collector's own health.
    pub own: Arc<Own>,
    /// What agents are told to do.
    pub plans: Arc<Plans>,
    /// What a centre may send of its backlog, bytes per second.
    pub backlog_rate: u64,
    /// What was taken of each agent.
    pub ledger: Arc<Ledger>,
    /// The way to the disk.
    pub keeper: Keeper,
    /// Whose word on the devices of a centre counts.
    pub terms: Arc<dyn Terms>,
    /// Where what scouts find goes.
    pub found: mpsc::Sender<Look>,
    /// What machines and devices say they are.
    pub identities: Arc<Identities>,
    /// Where it is told who came and who went.
    pub comings: Comings,
    /// Where evidence for the diagnosis goes.
    pub feed: Feed,
    /// Notified when the registry should learn who is there and who said goodbye.
    pub note_soon: Arc<Notify>,
    /// Ends every stream when it is cancelled.
    pub stop: CancellationToken,
}

struct Shared {
    parts: Parts,
    shares: Shares,
    /// The open stream of each agent.
    open: Mutex<HashMap<AgentId, Open>>,
}

struct Open {
    /// Cancelled when the agent opens a newer stream.
    stream: CancellationToken,
    openings: DefaultDirectRateLimiter,
    /// Of all its streams together: a new one brings no new allowance.
    pace: Arc<Limits>,
}

impl Default for Open {
    fn default() -> Self {
        let (per_second, burst) = OPENINGS;
        Self {
            stream: CancellationToken::new(),
            openings: DefaultDirectRateLimiter::direct(
                Quota::per_second(per_second).allow_burst(burst),
            ),
            pace: Arc::default(),
        }
    }
}

impl Ingest {
    /// A service of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let shared = Shared {
            parts,
            shares: Shares::default(),
            open: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

#[tonic::async_trait]
impl Session for Ingest {
    type OpenStream = Replies;

    async fn open(
        &self,
        request: Request<Streaming<FromAgent>>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let parts = &self.shared.parts;
        // Followed from before the agent is looked up: no change of it goes unnoticed.
        let agents = parts.directory.agents();
        let agent = caller(&parts.directory, request.extensions()).await?;
        let (replaced, pace) = self.shared.replace_older_stream(&agent)?;
        let key = DeviceKey {
            centre: agent.centre.clone(),
            device: agent.device.clone(),
        };
        let device = parts.latest.device(&key).ok_or_else(revoked)?;
        let (sender, outgoing) = replies::channel();
        let watch = Watch {
            agents,
            replaced,
            stop: parts.stop.clone(),
        };
        let stream = Stream::new(Arc::clone(&self.shared), agent, device, sender, pace);
        tokio::spawn(Box::new(stream).run(Box::new(request.into_inner()), watch));
        Ok(Response::new(outgoing))
    }
}

/// The agent that makes a call, by the key of its certificate.
pub(crate) async fn caller(
    directory: &Directory,
    extensions: &Extensions,
) -> Result<Agent, Status> {
    let certificate = extensions
        .get::<Peer>()
        .and_then(|peer| peer.certificate.as_ref());
    let key = certificate.and_then(|certificate| ca::key_hash_of_certificate(certificate));
    let key = key.ok_or_else(|| {
        Status::unauthenticated("a client certificate is needed: enrol this machine first")
    })?;
    directory.find(key).await.ok_or_else(revoked)
}

impl Shared {
    /// Makes the stream that is being opened the agent's one stream.
    fn replace_older_stream(
        &self,
        agent: &Agent,
    ) -> Result<(CancellationToken, Arc<Limits>), Status> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.entry(agent.id.clone()).or_default();
        if open.openings.check().is_err() {
            return Err(Status::resource_exhausted(
                "too many streams: wait before opening another",
            ));
        }
        open.stream.cancel();
        open.stream = CancellationToken::new();
        Ok((open.stream.clone(), Arc::clone(&open.pace)))
    }
}
