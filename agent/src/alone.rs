//! What the agent itself makes of a cut, while nobody hears it: a look from the network card to the portals, as
//! `check` takes it, soon after the collector was lost and again while it stays away.
//!
//! `status` says it to whoever stands before the machine, and the collector is told afterwards, with the time it was
//! true: the witness that a silent centre lacks. Deliberately absent: any verdict while the collector hears the
//! machine, since it knows more than one machine does.

use std::time::Duration;

use diagnosis::Fault;
use diagnosis::sentence::Words;
use diagnosis::spot::Verdict;
use proto::metrics::AGENT_OWN_VERDICT;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tracing::info;

use crate::check;
use crate::clock;
use crate::config::Config;
use crate::schedule::Taken;
use crate::sources::Readings;
use crate::status::Status;

/// What `status` calls it.
const SOURCE: &str = "own_verdict";

/// How long the collector is away before the first look: a restart of it is no cut.
const PATIENCE: Duration = Duration::from_secs(45);

/// Machines that lose their collector together look one after the other within this time.
const SPREAD: Duration = Duration::from_secs(30);

/// Until the second look, and between all that follow.
const SOON: Duration = Duration::from_mins(4);
const LATER: Duration = Duration::from_mins(15);

/// What this machine found by itself while it was cut off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnVerdict {
    /// When it looked, Unix milliseconds.
    pub at_unix_ms: i64,
    /// Where it fails, if something does.
    pub segment: Option<String>,
    /// What, or `none` where nothing but the collector is missing.
    pub fault: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// For people.
    pub sentence: Words,
    /// What to do, and who does it.
    pub action: Words,
}

/// Looks whenever the collector is away, until nobody takes what is told. What was found stays in the status until the
/// collector is there again.
pub(crate) async fn watch(
    config: Config,
    status: watch::Sender<Status>,
    taken: mpsc::Sender<Taken>,
) {
    let mut connection = status.subscribe();
    loop {
        if connection.wait_for(|now| !now.connected).await.is_err() {
            return;
        }
        let heard = async {
            let _ = connection.wait_for(|now| now.connected).await;
        };
        tokio::select! {
            () = heard => {}
            () = cut_off(&config, &status, &taken) => return,
        }
        status.send_modify(|status| status.own_verdict = None);
    }
}

/// Looks again and again. Returns when nobody takes what is told.
async fn cut_off(config: &Config, status: &watch::Sender<Status>, taken: &mpsc::Sender<Taken>) {
    let spread = rand::rng().random_range(Duration::ZERO..=SPREAD);
    let mut wait = PATIENCE + spread;
    for next in std::iter::once(SOON).chain(std::iter::repeat(LATER)) {
        tokio::time::sleep(wait).await;
        let own = OwnVerdict::from(check::look(config).await);
        info!(
            fault = own.fault,
            confidence = own.confidence,
            sentence = own.sentence.en,
            "Cut off from the collector; what this machine makes of it."
        );
        let told = own.tell();
        status.send_modify(|status| status.own_verdict = Some(own));
        if taken.send(told).await.is_err() {
            return;
        }
        wait = next;
    }
}

impl From<Verdict> for OwnVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            at_unix_ms: clock::wall_unix_ms(),
            segment: verdict.segment.map(|segment| segment.as_str().to_owned()),
            fault: verdict.fault.map_or("none", Fault::as_str).to_owned(),
            confidence: verdict.confidence,
            sentence: verdict.sentence,
            action: verdict.action,
        }
    }
}

impl OwnVerdict {
    /// As a reading.
    fn tell(&self) -> Taken {
        let mut readings = Readings::default();
        let segment = self.segment.as_deref().unwrap_or_default();
        let labels = [segment, self.fault.as_str()];
        readings.push(&AGENT_OWN_VERDICT, &labels, self.confidence);
        Taken {
            source: SOURCE,
            clock: clock::now(),
            readings: readings.taken,
            limitations: Vec::new(),
            problem: None,
        }
    }
}
