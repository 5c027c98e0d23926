//! The plan: what a collector may ask of an agent, checked by whoever receives it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::{INTERVAL, LABEL_BYTES, TARGETS_PER_PLAN};
use crate::wire;

/// What an agent measures and how often. Serialisable, because the agent keeps it on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// 0 for the plan that is compiled in.
    pub version: u64,
    /// How often the host measures itself.
    pub host_interval: Duration,
    /// How often each link is probed.
    pub link_interval: Duration,
    /// How often measurements are sent.
    pub report_interval: Duration,
    /// Probed beside gateways, resolvers and the collector.
    pub targets: Vec<Target>,
}

/// An address to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The `target` label.
    pub name: String,
    /// IP address or host name.
    pub address: String,
    /// What the target is behind.
    pub segment: Segment,
}

/// The stretch of the path a target is behind; a subset of the segments of the diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the words are those of the design")]
pub enum Segment {
    Lan,
    Gateway,
    Line,
    Isp,
    Core,
    Dns,
    Service,
}

impl Segment {
    /// The `segment` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Gateway => "gateway",
            Self::Line => "line",
            Self::Isp => "isp",
            Self::Core => "core",
            Self::Dns => "dns",
            Self::Service => "service",
        }
    }
}

/// Why a plan is refused, whole: half a plan would measure something nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidPlan {
    #[error("interval of {interval:?} is outside {:?} to {:?}", INTERVAL.start(), INTERVAL.end())]
    Interval { interval: Duration },
    #[error("{count} targets, at most {TARGETS_PER_PLAN} are allowed")]
    TooManyTargets { count: usize },
    #[error(
        "target {name:?} needs a name and an address of at most {LABEL_BYTES} bytes without control characters"
    )]
    Text { name: String },
    #[error("two targets are named {name:?}")]
    DuplicateTarget { name: String },
    #[error("target {name:?} is in a segment this agent does not know: update the agent")]
    UnknownSegment { name: String },
}

impl Default for Plan {
    /// What an agent does before any collector has told it more.
    fn default() -> Self {
        Self {
            version: 0,
            host_interval: Duration::from_secs(15),
            link_interval: Duration::from_secs(15),
            report_interval: Duration::from_mins(1),
            targets: Vec::new(),
        }
    }
}

impl Plan {
    /// Checks every bound. Whoever makes a `Plan` by hand calls this before using it.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn validate(&self) -> Result<(), InvalidPlan> {
        for interval in [self.host_interval, self.link_interval, self.report_interval] {
            if !INTERVAL.contains(&interval) {
                return Err(InvalidPlan::Interval { interval });
            }
        }
        if self.targets.len() > TARGETS_PER_PLAN {
            return Err(InvalidPlan::TooManyTargets {
                count: self.targets.len(),
            });
        }
        for (position, target) in self.targets.iter().enumerate() {
            let name = || target.name.chars().take(LABEL_BYTES).collect::<String>();
            if !is_label(&target.name) || !is_label(&target.address) {
                return Err(InvalidPlan::Text { name: name() });
            }
            if self
                .targets
                .iter()
                .take(position)
                .any(|other| other.name == target.name)
            {
                return Err(InvalidPlan::DuplicateTarget { name: name() });
            }
        }
        Ok(())
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= LABEL_BYTES && !text.chars().any(char::is_control)
}

impl TryFrom<wire::Plan> for Plan {
    type Error = InvalidPlan;

    fn try_from(plan: wire::Plan) -> Result<Self, InvalidPlan> {
        let targets = plan
            .targets
            .into_iter()
            .map(Target::try_from)
            .collect::<Result<_, _>>()?;
        let milliseconds = |ms: u32| Duration::from_millis(ms.into());
        let plan = Self {
            version: plan.version,
            host_interval: milliseconds(plan.host_interval_ms),
            link_interval: milliseconds(plan.link_interval_ms),
            report_interval: milliseconds(plan.report_interval_ms),
            targets,
        };
        plan.validate()?;
        Ok(plan)
    }
}

impl TryFrom<wire::Target> for Target {
    type Error = InvalidPlan;

    fn try_from(target: wire::Target) -> Result<Self, InvalidPlan> {
        let segment = match target.segment() {
            wire::Segment::Lan => Segment::Lan,
            wire::Segment::Gateway => Segment::Gateway,
            wire::Segment::Line => Segment::Line,
            wire::Segment::Isp => Segment::Isp,
            wire::Segment::Core => Segment::Core,
            wire::Segment::Dns => Segment::Dns,
            wire::Segment::Service => Segment::Service,
            wire::Segment::Unspecified => {
                return Err(InvalidPlan::UnknownSegment { name: target.name });
            }
        };
        Ok(Self {
            name: target.name,
            address: target.address,
            segment,
        })
    }
}

impl From<&Plan> for wire::Plan {
    fn from(plan: &Plan) -> Self {
        let milliseconds =
            |interval: Duration| u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
        Self {
            version: plan.version,
            host_interval_ms: milliseconds(plan.host_interval),
            link_interval_ms: milliseconds(plan.link_interval),
            report_interval_ms: milliseconds(plan.report_interval),
            targets: plan.targets.iter().map(wire::Target::from).collect(),
        }
    }
}

impl From<&Target> for wire::Target {
    fn from(target: &Target) -> Self {
        let segment = match target.segment {
            Segment::Lan => wire::Segment::Lan,
            Segment::Gateway => wire::Segment::Gateway,
            Segment::Line => wire::Segment::Line,
            Segment::Isp => wire::Segment::Isp,
            Segment::Core => wire::Segment::Core,
            Segment::Dns => wire::Segment::Dns,
            Segment::Service => wire::Segment::Service,
        };
        Self {
            name: target.name.clone(),
            address: target.address.clone(),
            segment: segment.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(name: &str) -> Target {
        Target {
            name: name.into(),
            address: "203.0.113.1".into(),
            segment: Segment::Core,
        }
    }

    #[test]
    fn a_plan_survives_the_wire() {
        let plan = Plan {
            version: 7,
            targets: vec![anchor("a"), anchor("b")],
            ..Plan::default()
        };
        assert_eq!(Plan::try_from(wire::Plan::from(&plan)), Ok(plan));
    }

    #[test]
    fn a_plan_outside_the_limits_is_refused_whole() {
        let check = |change: fn(&mut wire::Plan), expected: &str| {
            let mut plan = wire::Plan::from(&Plan {
                targets: vec![anchor("a")],
                ..Plan::default()
            });
            change(&mut plan);
            let error = Plan::try_from(plan).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(|p| p.host_interval_ms = 999, "interval");
        check(|p| p.link_interval_ms = 0, "interval");
        check(|p| p.report_interval_ms = u32::MAX, "interval");
        check(
            |p| p.targets = vec![wire::Target::from(&anchor("a")); 65],
            "65 targets",
        );
        check(
            |p| p.targets.push(wire::Target::from(&anchor("a"))),
            "two targets",
        );
        check(
            |p| p.targets.push(wire::Target::from(&anchor("a\n"))),
            "control characters",
        );
        check(
            |p| {
                p.targets.push(wire::Target {
                    segment: 99,
                    name: "x".into(),
                    address: "y".into(),
                })
            },
            "update",
        );
        check(
            |p| {
                p.targets
                    .push(wire::Target::from(&anchor(&"x".repeat(129))))
            },
            "128 bytes",
        );
    }
}
