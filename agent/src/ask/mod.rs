//! `dawnwatch-agent ask`: what a printer, router or UPS says of itself, now, for whoever stands before it.
//!
//! In reading order: `options` and `target` (what is asked, and how), `screen` and `words` (how it is
//! shown to people). It asks with the readers that the scout polls with, and needs no collector, no folder
//! and no root. Programs get [`crate::sources::device::said::Said`] as JSON. Deliberately absent: anything
//! that changes the device.

mod options;
mod screen;
mod target;
#[cfg(test)]
mod tests;
mod words;

use std::net::IpAddr;
use std::time::Duration;

use proto::plan::{Security, Snmp};
use serde::Serialize as _;
use tokio::time::Instant;

pub use self::options::{InvalidOptions, Options};
pub use self::target::Target;
use crate::check::Language;
use crate::sources::device::ask::{self as device, Apart, Asked, Attempt, Question};
use crate::sources::device::said::Said;
use crate::sources::device::snmp::{Budget, Transport};

/// Of one device: a switch with hundreds of ports tells some ten thousand values.
const REQUESTS: u32 = 10_000;
const VALUES: usize = 100_000;

/// What came of it.
#[derive(Debug)]
pub struct Answer {
    /// As it was written.
    target: Target,
    asked: Asked,
    /// Of SNMP, in which it answered.
    version: Option<&'static str>,
}

impl Answer {
    /// Whether the device said anything.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.asked.any()
    }

    /// For programs.
    ///
    /// # Errors
    ///
    /// When it cannot be written, which numbers and texts always can.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut text = Vec::new();
        self.asked
            .said
            .serialize(&mut serde_json::Serializer::pretty(&mut text))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// For people.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        screen::text(self, language)
    }
}

/// Asks the device.
///
/// # Errors
///
/// When what was said of SNMP does not go together. A device that does not answer is an [`Answer`].
pub async fn ask(
    options: Options,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Answer, InvalidOptions> {
    let ways = options.ways(environment)?;
    let address = match find(&options.target.host).await {
        Ok(address) => address,
        Err(problem) => {
            let said = Said {
                problems: vec![problem],
                ..Said::default()
            };
            return Ok(Answer {
                target: options.target,
                asked: Asked {
                    said,
                    ..Asked::default()
                },
                version: None,
            });
        }
    };
    let question = Question {
        address,
        kind: None,
        snmp: None,
        context: options.snmp_context,
        ipp: options.target.ipp.clone(),
    };
    let (asked, version) = both(question, &ways, budget(options.timeout)).await;
    Ok(Answer {
        target: options.target,
        asked,
        version,
    })
}

/// Both protocols at the same time, each once: however many ways of SNMP there are, they share its time.
async fn both(question: Question, ways: &[Snmp], budget: Budget) -> (Asked, Option<&'static str>) {
    let transport = Transport::new();
    let ipp = question.ipp.clone();
    let by_snmp = Question {
        ipp: None,
        ..question
    };
    let by_ipp = Question {
        ipp,
        ..by_snmp.clone()
    };
    let ((by_snmp, version), by_ipp) = tokio::join!(
        in_turns(&transport, by_snmp, ways, budget),
        device::ask(&transport, &by_ipp, budget)
    );
    let mut attempts = by_snmp.attempts;
    attempts.extend(by_ipp.attempts);
    let apart = Apart {
        snmp: by_snmp.snmp,
        ipp: by_ipp.ipp,
        attempts,
    };
    (apart.merged(), version)
}

/// A way that the device does not answer at all is followed by the next.
async fn in_turns(
    transport: &Transport,
    mut question: Question,
    ways: &[Snmp],
    budget: Budget,
) -> (Apart, Option<&'static str>) {
    let end = Instant::now() + budget.whole;
    let mut ways = ways.iter().peekable();
    while let Some(way) = ways.next() {
        question.snmp = Some(way.clone());
        let whole = end.saturating_duration_since(Instant::now());
        let asked = device::ask(transport, &question, Budget { whole, ..budget }).await;
        let mut attempts = asked.attempts.iter();
        let is_answered = attempts.any(Attempt::is_answered);
        // Who does not know a version says nothing, or that it cannot be read.
        let mut attempts = asked.attempts.iter();
        let may_know_another = attempts.any(|it| matches!(it.outcome, "timeout" | "unreadable"));
        if is_answered || !may_know_another || ways.peek().is_none() {
            let version = is_answered.then(|| version(&way.security));
            return (asked, version);
        }
    }
    (Apart::default(), None)
}

fn version(security: &Security) -> &'static str {
    match security {
        Security::V1 { .. } => "1",
        Security::V2c { .. } => "2c",
        Security::V3 { .. } => "3",
    }
}

/// A request that gets lost may take a third of it all.
fn budget(whole: Duration) -> Budget {
    Budget {
        timeout: whole / 6,
        retries: 1,
        whole,
        requests: REQUESTS,
        values: VALUES,
    }
}

async fn find(host: &str) -> Result<IpAddr, String> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let found = tokio::net::lookup_host((host, 0)).await;
    let first = found.map(|mut addresses| addresses.next());
    match first {
        Ok(Some(address)) => Ok(address.ip()),
        Ok(None) => Err(format!(
            "the name {host} has no address; use the address itself"
        )),
        Err(error) => Err(format!(
            "the name {host} cannot be resolved; use the address itself: {error}"
        )),
    }
}
