//! Where what is known of a device comes from: its own agent, or the scouts of its centre that ask it.

use diagnosis::record::Goodbye;
use jiff::Timestamp;
use proto::ids::AgentId;
use proto::plan::Kind;

/// What the registry says of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It has an agent.
    Agent(Enrolled),
    /// It has none, and is asked.
    Polled(Polled),
}

/// What the registry says of a device with an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The enrolment.
    pub agent: AgentId,
    /// The `kind` label.
    pub kind: String,
    /// Of the agent.
    pub version: String,
    /// Of the agent.
    pub os: String,
    /// Of the agent.
    pub arch: String,
    /// Expiry of its newest certificate.
    pub certificate_until: Option<Timestamp>,
    /// When the collector last heard from it, as far as the registry knows.
    pub last_report: Option<Timestamp>,
    /// Why it would be silent, if its last word was a goodbye.
    pub goodbye: Option<Goodbye>,
}

/// What the registry says of a device without an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// The `kind` label.
    pub kind: Kind,
}

impl Source {
    /// The `kind` label.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Agent(enrolled) => &enrolled.kind,
            Self::Polled(polled) => polled.kind.as_str(),
        }
    }

    /// The kind of a device without an agent.
    pub(super) fn polled(&self) -> Option<Kind> {
        match self {
            Self::Agent(_) => None,
            Self::Polled(polled) => Some(polled.kind),
        }
    }

    /// Whether it tells of the same device, so that what is known of it still counts.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Agent(one), Self::Agent(other)) => one.agent == other.agent,
            (Self::Polled(_), Self::Polled(_)) => true,
            _ => false,
        }
    }
}

impl From<Enrolled> for Source {
    fn from(enrolled: Enrolled) -> Self {
        Self::Agent(enrolled)
    }
}

impl From<Polled> for Source {
    fn from(polled: Polled) -> Self {
        Self::Polled(polled)
    }
}
