//! One step of a check: what was looked at, how it ended, and the figures. Units as in the metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use diagnosis::evidence::{Evidence, Link, Place, Rtt, Service};
use diagnosis::spot::Standing;
use serde::Serialize;

use super::lacking::Limitation;
use crate::sources::probe::service::{Attempt, Outcome};

/// What a step looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Card,
    Gateway,
    Neighbours,
    Line,
    Isp,
    Anchor,
    Loss,
    LargePackets,
    Resolver,
    Clock,
    Service,
    Collector,
}

impl Kind {
    /// The `segment` of the contract.
    fn segment(self) -> &'static str {
        match self {
            Self::Card | Self::Clock => "device",
            Self::Neighbours => "lan",
            Self::Gateway => "gateway",
            Self::Line => "line",
            Self::Isp => "isp",
            Self::Anchor | Self::Collector => "core",
            Self::Loss => "line",
            Self::LargePackets => "route",
            Self::Resolver => "dns",
            Self::Service => "service",
        }
    }
}

/// What a person sees at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
    /// Worth a look, and no fault.
    Odd,
    /// It says nothing: not measured, or silent without need to answer.
    Neither,
}

impl From<Standing> for Mark {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Good => Self::Good,
            Standing::Odd => Self::Odd,
            Standing::Bad => Self::Bad,
        }
    }
}

/// One step, done.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    segment: &'static str,
    pub(super) target: String,
    pub(super) outcome: &'static str,
    #[serde(flatten)]
    pub(super) figures: Figures,
    #[serde(skip)]
    pub(super) kind: Kind,
    #[serde(skip)]
    pub(super) mark: Mark,
    /// Why it was not measured.
    #[serde(skip)]
    pub(super) limitation: Option<Limitation>,
}

/// Absent is not measured.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(default)]
pub(super) struct Figures {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hop: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) received: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loss_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_min_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_median_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_p95_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speed_bits_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal_dbm: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) phase_duration_seconds: BTreeMap<&'static str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_expiry_timestamp_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mtu_bytes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset_seconds: Option<f64>,
    /// What else is to be said, in English.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
}

impl Step {
    pub(super) fn new(
        kind: Kind,
        target: impl Into<String>,
        mark: Mark,
        outcome: &'static str,
        figures: Figures,
    ) -> Self {
        Self {
            segment: kind.segment(),
            target: target.into(),
            outcome,
            figures,
            kind,
            mark,
            limitation: None,
        }
    }

    /// Of echoes, beside all that were sent. `silence` is what no answer at all means.
    pub(super) fn of_link(
        link: &Link,
        method: Option<&'static str>,
        silence: Mark,
        evidence: &Evidence,
    ) -> Self {
        let (kind, hop) = match link.place {
            Place::Lan => (Kind::Neighbours, None),
            Place::Gateway | Place::Hop(0) => (Kind::Gateway, None),
            Place::Hop(1) => (Kind::Line, Some(1)),
            Place::Hop(hop) => (Kind::Isp, Some(hop)),
            Place::Anchor => (Kind::Anchor, None),
            Place::Collector => (Kind::Collector, None),
        };
        let (mark, outcome) = match Standing::of_link(link, evidence) {
            _ if !link.answers() => (silence, "silent"),
            Standing::Good => (Standing::of_delay(link, evidence).into(), "answered"),
            // It forwards what it does not answer.
            Standing::Odd => (Mark::Neither, "reluctant"),
            Standing::Bad => (Mark::Bad, "lossy"),
        };
        let lost = link.sent.saturating_sub(link.received);
        let rtt = |part: fn(Rtt) -> Duration| link.rtt.map(|rtt| part(rtt).as_secs_f64());
        let figures = Figures {
            hop,
            method,
            sent: Some(link.sent),
            received: Some(link.received),
            loss_ratio: (link.sent > 0).then(|| f64::from(lost) / f64::from(link.sent)),
            rtt_min_seconds: rtt(|rtt| rtt.min),
            rtt_median_seconds: rtt(|rtt| rtt.median),
            rtt_p95_seconds: rtt(|rtt| rtt.p95),
            ..Figures::default()
        };
        Self::new(kind, &link.target, mark, outcome, figures)
    }

    /// Of an attempt to use something.
    pub(super) fn of_attempt(
        kind: Kind,
        name: &str,
        attempt: &Attempt,
        evidence: Option<&Service>,
    ) -> Self {
        let (mark, outcome) = match attempt.outcome {
            Outcome::Answered => {
                let standing = evidence.map_or(Standing::Good, Standing::of_answered);
                (standing.into(), "answered")
            }
            other => (Mark::Bad, other.as_str()),
        };
        let phases = attempt.phases.each().into_iter();
        let phases = phases.filter_map(|(phase, took)| Some((phase, took?.as_secs_f64())));
        let figures = Figures {
            address: attempt.address.map(|address| address.to_string()),
            duration_seconds: evidence.map(|service| service.phases.total().as_secs_f64()),
            phase_duration_seconds: phases.collect(),
            http_status_code: attempt.status,
            tls_expiry_timestamp_seconds: attempt.expires_unix_s,
            detail: attempt.detail.clone(),
            ..Figures::default()
        };
        Self::new(kind, name, mark, outcome, figures)
    }

    /// The outcome as people feel it: what answered too late is slow.
    pub(super) fn felt(&self) -> &'static str {
        match (self.outcome, self.kind, self.mark) {
            ("answered", _, Mark::Bad) => "slow",
            (outcome, ..) => outcome,
        }
    }

    /// Of what this machine could not measure.
    pub(super) fn not_measured(kind: Kind, name: &str, limitation: Limitation) -> Self {
        let figures = Figures {
            detail: limitation.problem.to_string(),
            ..Figures::default()
        };
        Self {
            limitation: Some(limitation),
            ..Self::new(kind, name, Mark::Neither, "not_measured", figures)
        }
    }
}
