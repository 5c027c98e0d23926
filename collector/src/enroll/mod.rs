//! Enrolment: token + signing request → certificate, and a new certificate for a known key.
//!
//! Both calls come over TLS that authenticates the collector only. What is refused is counted
//! against the caller's address (see `failures`) and told with the reason: who holds a token or a
//! key may know what is wrong with it. In reading order: the service here, `refusal` (every reason,
//! its code and its status), `host` (what a machine says of itself), `failures`.

mod failures;
mod host;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::token::Token;
use proto::wire;
use proto::wire::enrolment_server::Enrolment;
use tonic::{Request, Response, Status};
use tracing::{debug, error, warn};

use crate::ca::{self, Authority, Issued, SigningRequest};
use crate::listen::Peer;
use crate::registry::{Agent, Host, NewAgent, Registry};
use crate::token;

pub use host::InvalidHost;

use failures::Failures;
use refusal::Refusal;

/// How long after its certificate expired a device may still renew it: a PC that was stored over a
/// year must not need a visit.
pub const GRACE: Duration = Duration::from_hours(400 * 24);

/// Bytes of a signing request; those of our agents have about 250.
const SIGNING_REQUEST_BYTES: usize = 4096;

/// What came of a call, for whoever counts or follows.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// An agent was enrolled, maybe again. It is not answered before this was told.
    Enrolled(&'a Agent),
    /// An agent got a new certificate.
    Renewed(&'a Agent),
    /// Nothing was given, for the reason of this code.
    Refused(&'static str),
}

impl Outcome<'_> {
    /// Every code there is, so that each can be exported from 0.
    pub const CODES: [&'static str; 14] = refusal::CODES;

    /// A stable word for a label.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Enrolled(_) => "enrolled",
            Self::Renewed(_) => "renewed",
            Self::Refused(code) => code,
        }
    }
}

/// The service.
pub struct Enroller {
    registry: Registry,
    authority: Arc<Authority>,
    lifetime: Duration,
    failures: Failures,
    observer: Box<dyn Fn(Outcome<'_>) + Send + Sync>,
}

impl Enroller {
    /// A service that issues certificates of the given lifetime and tells `observer` what came of
    /// each call.
    pub fn new(
        registry: Registry,
        authority: Arc<Authority>,
        lifetime: Duration,
        observer: impl Fn(Outcome<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            registry,
            authority,
            lifetime,
            failures: Failures::default(),
            observer: Box::new(observer),
        }
    }

    async fn enrol(
        &self,
        request: wire::EnrollRequest,
    ) -> Result<(Agent, wire::Certificate), Refusal> {
        let now = Timestamp::now();
        let token: Token = request.token.parse()?;
        if token.fingerprint != self.authority.fingerprint() {
            return Err(Refusal::ForeignToken);
        }
        let signing_request = parse_request(&request.signing_request)?;
        let new = NewAgent {
            key: signing_request.key_hash(),
            host: Host::try_from(request.host.unwrap_or_default())?,
            at: now,
            certificate_until: ca::validity(now, self.lifetime).1,
        };
        let agent = self
            .registry
            .enroll(token::hash(&token.secret), new)
            .await?;
        let issued =
            self.authority
                .issue_client(&signing_request, &agent.id, now, self.lifetime)?;
        Ok((agent, certificate(issued, now)))
    }

    async fn renewal(
        &self,
        request: wire::RenewRequest,
    ) -> Result<(Agent, wire::Certificate), Refusal> {
        let now = Timestamp::now();
        let signing_request = parse_request(&request.signing_request)?;
        let key = signing_request.key_hash();
        let agent = self.registry.agent_by_key(key).await?;
        let agent = agent.ok_or(Refusal::UnknownKey)?;
        if agent.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        let expired_for = now.duration_since(agent.certificate_until);
        if Duration::try_from(expired_for).is_ok_and(|expired_for| expired_for > GRACE) {
            return Err(Refusal::TooLate);
        }
        let issued =
            self.authority
                .issue_client(&signing_request, &agent.id, now, self.lifetime)?;
        self.registry
            .renewed(agent.id.clone(), issued.until)
            .await?;
        Ok((agent, certificate(issued, now)))
    }

    /// Runs a call unless its address failed too often, and accounts for its refusal.
    async fn answer<T>(
        &self,
        peer: Option<Peer>,
        call: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Status> {
        let Some(peer) = peer else {
            return Err(self.refuse("?", &Refusal::NoPeer));
        };
        let address = peer.address.ip();
        if let Some(wait) = self.failures.wait(address) {
            return Err(self.refuse(address, &Refusal::TooManyFailures { wait }));
        }
        call.await.map_err(|refusal| {
            if !refusal.is_internal() {
                self.failures.count(address);
            }
            self.refuse(address, &refusal)
        })
    }

    fn refuse(&self, peer: impl std::fmt::Display, refusal: &Refusal) -> Status {
        (self.observer)(Outcome::Refused(refusal.code()));
        let reason = refusal.code();
        if refusal.is_internal() {
            let error: &dyn std::error::Error = refusal;
            error!(error, %peer, "Could not enrol or renew an agent.");
        } else if matches!(refusal, Refusal::TooManyFailures { .. }) {
            // Its failures were logged; the rest of a flood is for the counter alone.
            debug!(reason, %peer, "Refused to enrol or renew an agent.");
        } else {
            warn!(reason, %peer, "Refused to enrol or renew an agent.");
        }
        refusal.status()
    }
}

#[tonic::async_trait]
impl Enrolment for Enroller {
    async fn enroll(
        &self,
        request: Request<wire::EnrollRequest>,
    ) -> Result<Response<wire::EnrollResponse>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let (agent, certificate) = self.answer(peer, self.enrol(request.into_inner())).await?;
        (self.observer)(Outcome::Enrolled(&agent));
        Ok(Response::new(wire::EnrollResponse {
            agent_id: agent.id.into(),
            centre: agent.centre.into(),
            device: agent.device.into(),
            certificate: Some(certificate),
            authority: self.authority.certificate().to_vec(),
        }))
    }

    async fn renew(
        &self,
        request: Request<wire::RenewRequest>,
    ) -> Result<Response<wire::RenewResponse>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let (agent, certificate) = self
            .answer(peer, self.renewal(request.into_inner()))
            .await?;
        (self.observer)(Outcome::Renewed(&agent));
        Ok(Response::new(wire::RenewResponse {
            certificate: Some(certificate),
        }))
    }
}

fn parse_request(der: &[u8]) -> Result<SigningRequest, Refusal> {
    if der.len() > SIGNING_REQUEST_BYTES {
        return Err(Refusal::LongRequest);
    }
    Ok(SigningRequest::parse(der)?)
}

fn certificate(issued: Issued, now: Timestamp) -> wire::Certificate {
    wire::Certificate {
        der: issued.der.to_vec(),
        valid_from_unix_ms: issued.from.as_millisecond(),
        valid_until_unix_ms: issued.until.as_millisecond(),
        server_time_unix_ms: now.as_millisecond(),
    }
}

#[cfg(test)]
mod tests;
