//! What the collector knows for good: centres, agents, tokens. Only here lives SQL.

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};

/// A service centre, as `centre import` read it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Centre {
    /// Slug, chosen by the province.
    pub id: CentreId,
    /// As people call it.
    pub name: String,
    /// A free grouping, such as the former district.
    pub area: Option<String>,
    /// Who runs the line.
    pub isp: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// When it is open.
    pub hours: Option<crate::calendar::Hours>,
    /// Anything else.
    pub notes: Option<String>,
}

/// SHA-256 of a public key (SubjectPublicKeyInfo, DER): what an agent is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

/// One enrolment of one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// What is revoked.
    pub id: AgentId,
    /// Where it belongs.
    pub centre: CentreId,
    /// Its name there.
    pub device: DeviceId,
    /// The `kind` label: "pc", "router".
    pub kind: String,
    /// As the machine last said.
    pub hostname: String,
    /// As the machine last said.
    pub os: String,
    /// As the machine last said.
    pub arch: String,
    /// As the agent last said.
    pub version: String,
    /// The key it enrolled with.
    pub key: KeyHash,
    /// When it enrolled.
    pub enrolled_at: Timestamp,
    /// Expiry of its newest certificate.
    pub certificate_until: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When its stream was last known to be open.
    pub last_seen: Option<Timestamp>,
    /// Whether its last word was a goodbye.
    pub goodbye: bool,
}
