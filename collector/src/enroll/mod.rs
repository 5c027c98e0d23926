//! Enrolment: token + signing request → certificate, and a new certificate for a known key.
//!
//! Both calls come over TLS that authenticates the collector only. A refusal is told with its reason:
//! who holds a token or a key may know what is wrong with it. Refused enrolments are counted against
//! the caller's address (see `failures`); renewals are not held up by them, as one address may be that
//! of a whole province, but each key gets only so many certificates. In reading order: the service here, `refusal` (every reason,
//! its code and its status), `host` (what a machine says of itself), `failures`.

mod failures;
mod host;
mod refusal;

use std::fmt;
use std::net::IpAddr;
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

/// The least time between two certificates of one key; of short-lived ones, a tenth of their life.
const PACE: Duration = Duration::from_mins(1);

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
    pub const CODES: [&'static str; 16] = refusal::CODES;

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
    refused_renewals: Failures,
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
            refused_renewals: Failures::default(),
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
        if let Some(wait) = self.wait_before_renewal(&agent, now) {
            return Err(Refusal::TooSoon { wait });
        }
        let issued =
            self.authority
                .issue_client(&signing_request, &agent.id, now, self.lifetime)?;
        let (id, before) = (agent.id.clone(), agent.certificate_until);
        if self.registry.renewed(id, before, issued.until).await? {
            Ok((agent, certificate(issued, now)))
        } else {
            // Of two calls at once, one is answered.
            let wait = self.pace();
            Err(Refusal::TooSoon { wait })
        }
    }

    /// The least time between two certificates of one key.
    fn pace(&self) -> Duration {
        PACE.min(self.lifetime / 10)
    }

    /// How long until this key may renew, when its newest certificate is as good as new. The age of a
    /// certificate is told by its expiry; one that was made to last longer, before the settings
    /// changed, is not taken for new.
    fn wait_before_renewal(&self, agent: &Agent, now: Timestamp) -> Option<Duration> {
        let left = agent.certificate_until.duration_since(now);
        let left = Duration::try_from(left).ok()?;
        let age = self.lifetime.checked_sub(left)?;
        let wait = self.pace().saturating_sub(age);
        (!wait.is_zero()).then_some(wait)
    }

    /// Runs an enrolment unless its address failed too often, and accounts for its refusal.
    async fn answer_enrolment<T>(
        &self,
        peer: Option<Peer>,
        call: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Status> {
        let address = self.address(peer)?;
        if let Some(wait) = self.failures.wait(address) {
            return Err(self.refuse(address, &Refusal::TooManyFailures { wait }, Told::Debug));
        }
        call.await.map_err(|refusal| {
            if !refusal.is_internal() {
                self.failures.count(address);
            }
            self.refuse(address, &refusal, Told::Warn)
        })
    }

    /// Runs a renewal, whatever others behind the same address do: a renewal is proved by its
    /// signature. Refusals are counted apart, so that a flood of them does not fill the log.
    async fn answer_renewal<T>(
        &self,
        peer: Option<Peer>,
        call: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Status> {
        let address = self.address(peer)?;
        call.await.map_err(|refusal| {
            let told = match self.refused_renewals.wait(address) {
                Some(_) => Told::Debug,
                None => Told::Warn,
            };
            self.refused_renewals.count(address);
            self.refuse(address, &refusal, told)
        })
    }

    fn address(&self, peer: Option<Peer>) -> Result<IpAddr, Status> {
        let address = peer.map(|peer| peer.address.ip());
        address.ok_or_else(|| self.refuse("?", &Refusal::NoPeer, Told::Warn))
    }

    fn refuse(&self, peer: impl fmt::Display, refusal: &Refusal, told: Told) -> Status {
        (self.observer)(Outcome::Refused(refusal.code()));
        let reason = refusal.code();
        if refusal.is_internal() {
            let error: &dyn std::error::Error = refusal;
            error!(error, %peer, "Could not enrol or renew an agent.");
        } else {
            match told {
                Told::Warn => warn!(reason, %peer, "Refused to enrol or renew an agent."),
                Told::Debug => debug!(reason, %peer, "Refused to enrol or renew an agent."),
            }
        }
        refusal.status()
    }
}

/// How loud a refusal is logged. The rest of a flood is for the counter alone.
#[derive(Debug, Clone, Copy)]
enum Told {
    Warn,
    Debug,
}

#[tonic::async_trait]
impl Enrolment for Enroller {
    async fn enroll(
        &self,
        request: Request<wire::EnrollRequest>,
    ) -> Result<Response<wire::EnrollResponse>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let (agent, certificate) = self
            .answer_enrolment(peer, self.enrol(request.into_inner()))
            .await?;
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
            .answer_renewal(peer, self.renewal(request.into_inner()))
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
