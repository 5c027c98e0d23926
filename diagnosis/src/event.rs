//! What the engine says: incidents that open, change and end, and how ready a centre is. The shape of the lines of
//! `dawnwatch diagnose`, and what the collector keeps, shows and alerts on.

use serde::{Deserialize, Serialize};

use crate::sentence::Words;

/// Something to tell of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When: the arrival of what triggered it, Unix seconds.
    pub at: f64,
    /// What happened.
    pub event: Happened,
    /// Whether people are to be told: once for an incident.
    pub notify: bool,
    /// The incident as it stands now.
    #[serde(flatten)]
    pub incident: Incident,
}

/// What happened to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It is new.
    Open,
    /// Its scope, its confidence or its explanation changed.
    Update,
    /// Another fault than was said, or another time.
    Revise,
    /// Late data disproved it.
    Withdraw,
    /// It is over.
    Close,
}

/// A diagnosed cause, as it is known at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name for ever.
    pub id: String,
    /// The centres it hits, in order.
    pub scope: Vec<String>,
    /// Where it is; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The word of a [`crate::Fault`].
    pub fault: String,
    /// A PC's or a printer's name, the ISP, the area or the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// When it began, Unix seconds.
    pub since: f64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
    /// How likely it is this.
    pub confidence: f64,
    /// How much is known.
    pub stage: Stage,
    /// What else it may be, likeliest first; never the verdict itself.
    pub alternatives: Vec<Alternative>,
    /// What is wrong, for people.
    pub sentence: Words,
    /// What to do, and who does it.
    pub action: Words,
    /// What speaks for it, strongest first; at most three.
    #[serde(rename = "for")]
    pub supports: Vec<Words>,
    /// What speaks against it.
    pub against: Vec<Words>,
    /// What would settle it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settles: Option<Words>,
}

/// Another thing an incident may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// What.
    pub fault: String,
    /// How likely.
    pub p: f64,
}

/// How much is known of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What was live.
    Provisional,
    /// What was measured while it was cut off has arrived.
    Confirmed,
    /// Half an hour after it ended.
    Final,
}

/// How ready a centre is for its doors to open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readiness {
    /// When this was judged.
    pub at: f64,
    /// The centre.
    pub centre: String,
    /// The check: `T-60`, `T-30`, `T-10` or `T-0`.
    pub check: String,
    /// The verdict.
    pub state: State,
    /// Why.
    pub reason: Reason,
}

/// A verdict on a centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// People can be served.
    Ready,
    /// They can, with a weakness that is named.
    AtRisk,
    /// They cannot.
    NotReady,
    /// Nobody is awake there to say so.
    Unknown,
}

/// Why a centre is as ready as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable word: a fault's, or `line_proven_no_pc`, `no_witness`, `well` …
    pub code: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Whether it is beyond what the centre or its technician can mend.
    pub not_ours: bool,
    /// In words.
    pub sentence: Words,
    /// What to do, and who does it.
    pub action: Words,
}
