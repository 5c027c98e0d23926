//! Services as people use them: one attempt to one address, with the time of each phase and one word for
//! how it ended. `tcp://` ends with the connection, `tls://` with the handshake, `http://` and `https://`
//! with the answer; a text is expected of the latter two alone.
//!
//! All four go one way ([`lookup`] → [`tcp`] → [`tls`] → [`http`]) over one connection of our own, with
//! hyper's HTTP/1.1 on top. reqwest would make connections of its own, beside those that `tcp://` and
//! `tls://` need: where TCP ends and TLS begins can only be seen through what it asks of TLS, its first
//! byte is the end of the headers, and the bound on these is not ours to set. It would make the agent
//! 517 kB larger, where hyper makes it 82 kB.
//!
//! A failed attempt is a result. Nothing is tried twice and nothing in its place, with one exception that
//! is said in the outcome: a name that is not answered does not keep a known address from being tried.
//! No proxy is used, no cookie is kept.

mod captive;
mod dates;
mod destination;
mod http;
mod lookup;
mod outcome;
mod source;
mod tcp;
mod tls;
mod trust;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proto::plan::Service;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use self::destination::Destination;
use self::http::{Peer, Question, Stream};
use self::outcome::Stop;
pub(crate) use self::outcome::{Attempt, Outcome, Phases};
pub(crate) use self::source::Services;
use self::tls::Shown;
use self::trust::Fault;
pub(crate) use self::trust::Trust;
use super::super::Unmeasurable;
use super::lookup::Lookups;

/// With what to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How<'a> {
    /// To bind to; `None` where the system chooses.
    pub(crate) interface: Option<&'a str>,
    /// For everything together.
    pub(crate) limit: Duration,
    /// The address that was reached before: tried while the name has it, and when the name is not
    /// answered.
    pub(crate) known: Option<IpAddr>,
    /// The address that was not reached last time: the name's next is tried, since a browser would go on
    /// to it.
    pub(crate) unreached: Option<IpAddr>,
    /// One for all attempts.
    pub(crate) lookups: &'a Lookups,
    /// One for all attempts.
    pub(crate) trust: &'a Trust,
    /// Our own clock.
    pub(crate) now_unix_s: i64,
    /// What time it is now by somebody else's clock, where somebody told: shows whether ours is wrong.
    pub(crate) told_unix_s: Option<i64>,
}

/// Tries to use a service, once.
///
/// # Errors
/// When this machine cannot try: its address is none, or the interface cannot be chosen.
pub(crate) async fn attempt(service: &Service, how: &How<'_>) -> Result<Attempt, Unmeasurable> {
    let destination = Destination::parse(&service.url)?;
    let name = ServerName::try_from(destination.host.clone()).map_err(|error| Unmeasurable {
        what: format!("{:?} is no name of a server: {error}", destination.host),
        remedy: "correct the service's address".to_owned(),
    })?;
    let mut walk = Walk {
        how,
        destination: &destination,
        name,
        deadline: Instant::now() + how.limit,
        shown: Shown::default(),
        fault: None,
        unresolved: None,
        attempt: Attempt {
            outcome: Outcome::Answered,
            phases: Phases::default(),
            status: None,
            expires_unix_s: None,
            address: None,
            server_time_unix_s: None,
            redirected_to: None,
            detail: String::new(),
        },
    };
    let ended = walk.steps(service.expect.as_deref()).await;
    walk.conclude(ended)
}

/// An attempt under way.
struct Walk<'a> {
    how: &'a How<'a>,
    destination: &'a Destination,
    name: ServerName<'static>,
    deadline: Instant,
    shown: Shown,
    fault: Option<Fault>,
    /// Why the name was not answered.
    unresolved: Option<String>,
    attempt: Attempt,
}

impl Walk<'_> {
    async fn steps(&mut self, expect: Option<&str>) -> Result<(), Stop> {
        let kind = self.destination.kind;
        let address = self.find().await?;
        let stream = self.connect(address).await?;
        let stream: Box<dyn Stream> = if kind.is_tls() {
            Box::new(self.shake_hands(stream).await?)
        } else {
            Box::new(stream)
        };
        if !kind.is_http() {
            return Ok(());
        }
        let question = Question {
            destination: self.destination,
            expect,
            peer: self.peer(),
        };
        http::get(stream, &question, self.deadline, &mut self.attempt).await
    }

    /// A certificate that is good at another time is the service's all the same.
    fn peer(&self) -> Peer {
        match (self.shown.get(), &self.fault) {
            (None, _) => Peer::Unproven,
            (Some(_), None) => Peer::Proven,
            (Some(_), Some(fault)) if fault.is_of_time() => Peer::Proven,
            (Some(chain), Some(_)) if chain.is_for(&self.name) => Peer::Unproven,
            (Some(_), Some(_)) => Peer::Other,
        }
    }

    async fn find(&mut self) -> Result<IpAddr, Stop> {
        if let Some(address) = self.destination.address() {
            return Ok(address);
        }
        // Leaves time for the known address.
        let patience = self.how.limit * 6 / 10;
        let host = &self.destination.host;
        let found = lookup::addresses(self.how.lookups, host, patience).await;
        match (found, self.how.known) {
            (Ok((addresses, took)), known) => {
                self.attempt.phases.dns = Some(took);
                let chosen = lookup::choose(&addresses, known, self.how.unreached);
                chosen.ok_or_else(|| Stop::With(Outcome::DnsFailed, "no address".to_owned()))
            }
            (Err(Stop::With(_, why)), Some(known)) => {
                self.unresolved = Some(why);
                Ok(known)
            }
            (Err(stop), _) => Err(stop),
        }
    }

    async fn connect(&mut self, address: IpAddr) -> Result<TcpStream, Stop> {
        self.attempt.address = Some(address);
        let began = Instant::now();
        let to = SocketAddr::new(address, self.destination.port);
        let stream = timeout_at(self.deadline, tcp::connect(to, self.how.interface)).await;
        let stream = stream.unwrap_or_else(|_| Err(Stop::late("connect")))?;
        self.attempt.phases.connect = Some(began.elapsed());
        Ok(stream)
    }

    async fn shake_hands(&mut self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Stop> {
        let protocols: &[&[u8]] = if self.destination.kind.is_http() {
            &[b"http/1.1"]
        } else {
            &[]
        };
        let now = self.how.now_unix_s;
        let began = Instant::now();
        let shaking = tls::handshake(
            stream,
            self.name.clone(),
            protocols,
            now,
            self.shown.clone(),
        );
        let stream = timeout_at(self.deadline, shaking).await;
        let took = began.elapsed();
        if let Some(chain) = self.shown.get() {
            self.fault = self.how.trust.fault(chain, &self.name, now);
            self.attempt.expires_unix_s = chain.expires(now, self.fault.as_ref());
        }
        let stream = stream.unwrap_or_else(|_| Err(Stop::late("tls")))?;
        self.attempt.phases.tls = Some(took);
        Ok(stream)
    }

    /// The one word for it all: a name that was not answered before all else, a bad certificate before
    /// what came over it, but for the page of a captive portal, which is why it is bad.
    fn conclude(self, ended: Result<(), Stop>) -> Result<Attempt, Unmeasurable> {
        let (mut outcome, mut detail) = match ended {
            Ok(()) => (Outcome::Answered, String::new()),
            Err(Stop::With(outcome, detail)) => (outcome, detail),
            Err(Stop::Unmeasurable(unmeasurable)) => return Err(unmeasurable),
        };
        let mut attempt = self.attempt;
        if let (Some(fault), Some(chain)) = (&self.fault, self.shown.get())
            && outcome != Outcome::Captive
        {
            let others = [self.how.told_unix_s, attempt.server_time_unix_s];
            let others: Vec<i64> = others.into_iter().flatten().collect();
            let now = self.how.now_unix_s;
            let trust = self.how.trust;
            outcome = trust.outcome(fault, chain, &self.name, now, &others);
            detail = joined(fault.detail(), &detail);
        }
        if let Some(why) = self.unresolved {
            let there = format!("at its last address: {}", outcome.as_str());
            outcome = Outcome::DnsFailed;
            detail = joined(joined(why, &there), &detail);
        }
        if let Some(address) = attempt.address
            && address.is_loopback()
            && self.destination.address().is_none()
        {
            detail = joined(
                format!("the name leads to this machine itself, {address}"),
                &detail,
            );
        }
        attempt.outcome = outcome;
        attempt.detail = detail;
        Ok(attempt)
    }
}

fn joined(first: String, second: &str) -> String {
    if second.is_empty() {
        first
    } else {
        format!("{first}; {second}")
    }
}
