//! One device, asked over a wire: every request goes through here, for its budget and its manners.
//!
//! In reading order: this (one request), `get` (what is asked for splits when a device chokes on it),
//! `walk` (row after row, with as many in one answer as the device can do), `beside` (columns of one table). Whatever the library would
//! log is not logged: what it says of single datagrams is noise, and nobody has to trust it with
//! credentials. Deliberately absent: what the values mean.

mod beside;
mod get;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use async_snmp::{Auth, Client, ClientConfig, EngineCache, Retry, VarBind, Version};
use futures_util::future::{BoxFuture, FutureExt as _};
use proto::plan::Security;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::convert::{Refusal, refusal};
use super::transport::Shared;
use super::wire::Wire;
use super::{Binding, Budget, Oid, Session, Trouble, Walked};

/// A session over a wire.
pub(crate) struct Live<W: Wire> {
    wire: W,
    shared: Arc<Shared>,
    security: Security,
    context: String,
    /// Made for the context in force, when first needed.
    client: Option<Client<W>>,
    /// Who the device is to SNMPv3, so that another context needs no discovery.
    engines: Arc<EngineCache>,
    budget: Budget,
    deadline: Instant,
    sent: Option<Instant>,
    /// Values that may yet be received.
    values: usize,
    /// Rows asked for at once, as far as the device went along. 1 is GETNEXT.
    repetitions: u32,
    heard: bool,
    /// Requests in a row without an answer that can be read.
    unanswered: u8,
    /// Why asking on is pointless.
    gone: Option<Trouble>,
}

/// What is asked.
#[derive(Debug)]
enum Request<'r> {
    Get(&'r [async_snmp::Oid]),
    Next(&'r async_snmp::Oid),
    /// So many after each of these.
    Bulk(&'r [async_snmp::Oid], u32),
}

/// Between two requests to the same device.
const GAP: Duration = Duration::from_millis(5);

/// For how long a request counts as being in flight: who is slower than that is not in the way of
/// others, as long as it has nothing to send.
const QUICK: Duration = Duration::from_millis(250);

/// Unanswered requests in a row after which a device that did answer is given up.
const UNANSWERED: u8 = 3;

impl<W: Wire> Live<W> {
    pub(crate) fn new(wire: W, shared: Arc<Shared>, security: Security, budget: Budget) -> Self {
        let is_v1 = matches!(security, Security::V1 { .. });
        Self {
            wire,
            shared,
            security,
            context: String::new(),
            client: None,
            engines: Arc::new(EngineCache::new()),
            budget,
            deadline: Instant::now() + budget.whole,
            sent: None,
            values: budget.values,
            repetitions: if is_v1 { 1 } else { walk::REPETITIONS },
            heard: false,
            unanswered: 0,
            gone: None,
        }
    }

    /// One request and its answer, or why there is none.
    async fn exchange(&mut self, request: Request<'_>) -> Result<Vec<VarBind>, Refusal> {
        if let Some(trouble) = self.gone {
            return Err(trouble.into());
        }
        let is_bulk = matches!(request, Request::Bulk(..));
        let timed = timeout_at(self.deadline, self.send(&request)).await;
        let answer = timed.unwrap_or_else(|_| {
            let trouble = match self.heard {
                true => Trouble::Budget,
                false => self.told(Trouble::Timeout),
            };
            Err(trouble.into())
        });
        self.sent = Some(Instant::now());
        self.judge(&answer, is_bulk);
        answer
    }

    async fn send(&mut self, request: &Request<'_>) -> Result<Vec<VarBind>, Refusal> {
        let client = self.client()?;
        if let Some(sent) = self.sent {
            sleep_until(sent + GAP).await;
        }
        let in_flight = self.shared.in_flight.acquire().await;
        self.wire.drain();
        self.wire.ledger().begin();
        let asking = ask(&client, request).with_subscriber(NoSubscriber::new());
        tokio::pin!(asking);
        let answer = match timeout(QUICK, &mut asking).await {
            Ok(answer) => answer,
            Err(_) => {
                drop(in_flight);
                asking.await
            }
        };
        answer.map_err(|error| match refusal(&error) {
            Refusal::Trouble(trouble) => self.told(trouble).into(),
            refused => refused,
        })
    }

    /// Trouble as the wire has seen it.
    fn told(&self, trouble: Trouble) -> Trouble {
        let trouble = self.wire.ledger().trouble(trouble);
        if trouble == Trouble::Timeout && !self.heard && self.wire.ledger().has_answered() {
            // It said who it is, as any engine does to anybody, and nothing to what was signed: many
            // drop without a word what they cannot decrypt.
            return Trouble::Unauthorized;
        }
        trouble
    }

    /// Remembers how the device behaves.
    fn judge(&mut self, answer: &Result<Vec<VarBind>, Refusal>, is_bulk: bool) {
        match answer {
            Err(Refusal::Trouble(trouble @ (Trouble::Timeout | Trouble::Unreadable))) => {
                self.unanswered += 1;
                let enough = match (self.heard, is_bulk) {
                    (true, _) => UNANSWERED,
                    // Perhaps it is only this kind of request that it does not know.
                    (false, true) => 2,
                    (false, false) => 1,
                };
                self.gone = (self.unanswered >= enough).then_some(*trouble);
            }
            Err(Refusal::Trouble(trouble)) if trouble.is_final() => self.gone = Some(*trouble),
            Ok(_) | Err(_) => {
                self.heard = true;
                self.unanswered = 0;
            }
        }
    }

    fn client(&mut self) -> Result<Client<W>, Trouble> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let auth = self.shared.keys.auth(&self.security, &self.context)?;
        let client = self.connect(auth).map_err(|_| Trouble::Unusable)?;
        self.client = Some(client.clone());
        Ok(client)
    }

    fn connect(&self, auth: Auth) -> async_snmp::Result<Client<W>> {
        let retries = match self.context.as_str() {
            "" => self.budget.retries,
            // Who does not know a context says nothing, and most do not.
            _ => self.budget.retries.min(1),
        };
        let is_v3 = auth.version() == Version::V3;
        let mut config = ClientConfig::default();
        config.auth = auth;
        config.request_timeout = self.budget.timeout;
        config.retry = Retry::fixed(retries.into(), Duration::ZERO).unwrap_or_default();
        config.max_oids_per_request = get::OIDS;
        config.des_salt_state.clone_from(&self.shared.des_salts);
        // A wrong password is reported in a message that cannot be signed; without this, it would be
        // silence. What an impostor at the device's own address could do with it is to have one
        // request sent with a wrong time.
        config.allow_unauthenticated_v3_time_correction = true;
        if is_v3 {
            Client::with_engine_cache(self.wire.clone(), config, Arc::clone(&self.engines))
        } else {
            Client::new(self.wire.clone(), config)
        }
    }

    /// Counts values against the budget.
    fn count(&mut self, received: usize) -> Result<(), Trouble> {
        match self.values.checked_sub(received) {
            Some(left) => self.values = left,
            None => {
                self.gone = Some(Trouble::Budget);
                return Err(Trouble::Budget);
            }
        }
        Ok(())
    }
}

async fn ask<W: Wire>(
    client: &Client<W>,
    request: &Request<'_>,
) -> async_snmp::Result<Vec<VarBind>> {
    Ok(match request {
        Request::Get(oids) => client.get_many(oids).await?.varbinds,
        Request::Next(oid) => client.get_next(oid).await?.varbinds,
        Request::Bulk(after, repetitions) => {
            let told = client
                .get_bulk_with_metadata(after, 0, *repetitions)
                .await?;
            told.varbinds
        }
    })
}

impl<W: Wire> Session for Live<W> {
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>> {
        self.get_all(oids).boxed()
    }

    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked> {
        self.walk_column(column, most).boxed()
    }

    fn walk_all<'a>(&'a mut self, columns: &'a [Oid], most: usize) -> BoxFuture<'a, Vec<Walked>> {
        self.walk_columns(columns, most).boxed()
    }

    fn in_context(&mut self, context: &str) {
        if self.context != context {
            context.clone_into(&mut self.context);
            self.client = None;
            // Silence in one context says nothing of another.
            self.unanswered = 0;
            if self.heard && matches!(self.gone, Some(Trouble::Timeout | Trouble::Unreadable)) {
                self.gone = None;
            }
        }
    }
}
