//! What really happened, as the simulator (or somebody who was there) wrote it down: faults, and how each opening went.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use diagnosis::Fault;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Label {
    /// Its name within the file.
    pub(crate) id: String,
    /// The centres it hit.
    pub(crate) scope: Vec<String>,
    /// Where it was.
    pub(crate) segment: String,
    /// The word of a fault, or `unknown:` and a name for one that has no word.
    pub(crate) fault: String,
    /// The PC, printer, ISP, area or service.
    #[serde(default)]
    pub(crate) culprit: Option<String>,
    /// When it began, Unix seconds.
    pub(crate) start: f64,
    /// When it ended.
    pub(crate) end: f64,
    /// When something that got worse failed; at its end where nothing is said.
    #[serde(default)]
    pub(crate) fails: Option<f64>,
    /// Whether it hit many centres for one cause.
    #[serde(default)]
    pub(crate) wide: bool,
    /// Whether nothing came from there while it lasted.
    #[serde(default)]
    pub(crate) silent: bool,
    /// Whether it is of a class that has a word.
    #[serde(default)]
    pub(crate) seen: Seen,
}

/// Whether a class of faults has a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seen {
    /// It has.
    #[default]
    Known,
    /// Nobody modelled it.
    Unseen,
}

impl Label {
    /// Until when a message is about this fault: somebody may be told shortly after it is over.
    pub(crate) fn counts_until(&self) -> f64 {
        self.end + 15.0 * 60.0
    }

    pub(crate) fn fails(&self) -> f64 {
        self.fails.unwrap_or(self.end)
    }

    pub(crate) fn is_known(&self) -> bool {
        self.seen == Seen::Known
    }

    /// Whether it breaks something outright, or makes it worse.
    pub(crate) fn is_hard(&self) -> bool {
        const SOFT: &[Fault] = &[
            Fault::PcWifiLossy,
            Fault::PcOverloaded,
            Fault::PcNicErrors,
            Fault::PcClockWrong,
            Fault::LanLossy,
            Fault::GatewayOverloaded,
            Fault::LineLossy,
            Fault::LineSaturated,
            Fault::LineSlow,
            Fault::LineDegrading,
            Fault::IspDegraded,
            Fault::ServiceSlow,
            Fault::ServiceError,
        ];
        let fault: Option<Fault> = self.fault.parse().ok();
        fault.is_some_and(|fault| !SOFT.contains(&fault))
    }
}

/// How an opening really went, in the quarter of an hour after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// The centre.
    pub(crate) centre: String,
    /// When it opened, Unix seconds.
    pub(crate) opening: f64,
    /// Whether people could be served.
    pub(crate) truth: Truth,
}

/// Whether people could be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Truth {
    /// They could.
    Good,
    /// They could, and something was weak.
    Weak,
    /// They could not.
    Bad,
}

/// Reads JSON lines; the first that is wrong ends it, because a score without it would be another.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut all = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let place = || format!("{}:{}", path.display(), number + 1);
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            all.push(serde_json::from_str(&line).with_context(place)?);
        }
    }
    Ok(all)
}
