//! What readiness knows over a restart: one file in the data folder, replaced as a whole every few minutes and at the end.
//!
//! What became known since it was written is in the evidence, and is taken again. A file that cannot be read costs
//! what is usual at each centre, and no verdict: it is set aside, and the collector starts.

use std::io;
use std::path::{Path, PathBuf};

use diagnosis::event::Readiness;
use diagnosis::readiness;
use diagnosis::readiness::score::Truth;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::coverage::Coverage;
use crate::private;

/// In the data folder.
const FILE: &str = "readiness.json";

/// Where it is kept.
#[derive(Debug, Clone)]
pub(super) struct File {
    path: PathBuf,
}

/// Everything that is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    /// Until when records had been taken, Unix seconds.
    pub(super) at: f64,
    /// What the verdicts are made of, by centre.
    pub(super) known: Vec<(String, readiness::Known)>,
    /// What was said, by centre.
    pub(super) said: Vec<(String, Said)>,
}

/// What was said of the opening of a centre that is near or was just now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Said {
    /// Unix seconds.
    pub(super) opening: Option<f64>,
    pub(super) checks: Vec<Readiness>,
    pub(super) truth: Option<Truth>,
    pub(super) coverage: Coverage,
    /// When its witness was asked to be woken.
    pub(super) woken: Option<f64>,
}

impl File {
    pub(super) fn within(data: &Path) -> Self {
        Self {
            path: data.join(FILE),
        }
    }

    /// What was written last, if there is any.
    pub(super) fn read(&self) -> Option<Saved> {
        let error = match std::fs::read(&self.path) {
            Ok(text) => match serde_json::from_slice::<Saved>(&text) {
                Ok(saved) => return Some(saved),
                Err(error) => io::Error::from(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error,
        };
        let aside = self.path.with_extension("damaged");
        // When even that fails, it is replaced in a few minutes.
        let _ = std::fs::rename(&self.path, &aside);
        warn!(%error, file = %self.path.display(), "What was known of readiness cannot be read; set aside, and learned \
            anew.");
        None
    }

    pub(super) fn write(&self, saved: &Saved) {
        let written = serde_json::to_vec(saved)
            .map_err(io::Error::from)
            .and_then(|text| private::write(&self.path, &text));
        if let Err(error) = written {
            warn!(%error, file = %self.path.display(), "What is known of readiness cannot be written; is the disk full? \
                It goes on, and forgets with a restart.");
        }
    }
}
