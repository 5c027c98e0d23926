//! What really happened: the label of each fault, and how each opening went. Written beside the evidence, never into it.

use serde::Serialize;

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Label {
    pub(crate) id: String,
    /// The centres it hit.
    pub(crate) scope: Vec<String>,
    pub(crate) segment: &'static str,
    /// A word of the contract, or `unknown:` and a name.
    pub(crate) fault: &'static str,
    /// The PC, printer, ISP, area or service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) culprit: Option<String>,
    /// Unix seconds, as all times.
    pub(crate) start: f64,
    pub(crate) end: f64,
    /// When something that got worse was dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fails: Option<f64>,
    pub(crate) wide: bool,
    /// Whether nothing came from there while it lasted.
    pub(crate) silent: bool,
    pub(crate) seen: Seen,
    /// How bad within its range, 0 to 1.
    pub(crate) severity: f64,
}

/// Whether the contract has a word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seen {
    Known,
    Unseen,
}

/// How a centre's day began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Opening {
    pub(crate) centre: String,
    /// When it opened, Unix seconds.
    pub(crate) opening: f64,
    pub(crate) truth: Truth,
    /// What it was that was weak or bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'static str>,
}

/// Whether people could be served in the quarter of an hour after the opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Truth {
    Good,
    Weak,
    Bad,
}
