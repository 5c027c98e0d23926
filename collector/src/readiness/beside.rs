//! What happens beside the thread of the diagnosis: openings go into the registry, what is to survive a restart into its
//! file, and the live view is looked at.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus::IntCounter;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::facts::{self, Facts};
use super::kept::{File, Saved};
use crate::latest::Latest;
use crate::registry::{KeptOpening, Registry};

/// Openings that may wait for the registry: the checks of a country come at the same time.
const WAITING: usize = 16_384;

/// Of one transaction.
const AT_ONCE: usize = 1_024;

/// The ends that the thread of the diagnosis has.
#[derive(Debug)]
pub(super) struct Ways {
    pub(super) openings: mpsc::Sender<KeptOpening>,
    pub(super) saved: mpsc::Sender<Saved>,
    pub(super) facts: watch::Receiver<Arc<Facts>>,
}

/// The tasks at the other ends.
#[derive(Debug)]
pub struct Beside {
    openings: mpsc::Receiver<KeptOpening>,
    saved: mpsc::Receiver<Saved>,
    facts: watch::Sender<Arc<Facts>>,
    registry: Registry,
    latest: Arc<Latest>,
    file: File,
    unkept: IntCounter,
}

pub(super) fn beside(
    registry: Registry,
    latest: Arc<Latest>,
    file: File,
    unkept: IntCounter,
) -> (Ways, Beside) {
    let (openings, to_keep) = mpsc::channel(WAITING);
    let (saved, to_save) = mpsc::channel(1);
    let facts = watch::Sender::default();
    let ways = Ways {
        openings,
        saved,
        facts: facts.subscribe(),
    };
    let beside = Beside {
        openings: to_keep,
        saved: to_save,
        facts,
        registry,
        latest,
        file,
        unkept,
    };
    (ways, beside)
}

impl Beside {
    /// Works until it is told to stop and has written what it was given.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            openings,
            saved,
            facts,
            registry,
            latest,
            file,
            unkept,
        } = self;
        let now = || Timestamp::now().as_duration().as_secs_f64();
        let looking = stop.run_until_cancelled(facts::follow(latest, facts, now));
        tokio::join!(looking, keep(openings, registry, unkept), save(saved, file));
    }
}

async fn keep(mut openings: mpsc::Receiver<KeptOpening>, registry: Registry, unkept: IntCounter) {
    let mut came = Vec::new();
    let mut failing = false;
    while openings.recv_many(&mut came, AT_ONCE).await > 0 {
        let openings: Vec<KeptOpening> = std::mem::take(&mut came);
        let count = openings.len() as u64;
        let kept = registry.openings_changed(openings, Timestamp::now()).await;
        if let Err(error) = &kept {
            unkept.inc_by(count);
            if !failing {
                warn!(%error, "What was said of openings cannot be kept.");
            }
        }
        failing = kept.is_err();
    }
}

async fn save(mut saved: mpsc::Receiver<Saved>, file: File) {
    while let Some(saved) = saved.recv().await {
        let file = file.clone();
        let written = tokio::task::spawn_blocking(move || file.write(&saved)).await;
        if let Err(error) = written {
            warn!(%error, "What is known of readiness was not written.");
        }
    }
}
