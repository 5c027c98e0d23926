//! What cannot run an agent and is asked instead: where it is, and how to talk to it.
//!
//! Credentials are [`Secret`]: they travel to scouts alone, and are not shown where anything is logged.

mod wire;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::wire::UnknownSecurity;
use super::InvalidPlan;
use super::check::{is_label, shown};
use crate::ids::DeviceId;

/// A device that the scout of its centre asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name in the centre: the `device` label of its series.
    pub name: DeviceId,
    /// What it is asked for.
    pub kind: Kind,
    /// Where it is now.
    pub address: IpAddr,
    /// How to ask it by SNMP, if it is to be.
    pub snmp: Option<Snmp>,
    /// How to ask it by IPP, if it is to be.
    pub ipp: Option<Ipp>,
    /// Its serial number, if known. Whoever answers with another one is another device.
    pub serial: Option<String>,
    /// Its MAC address, if known.
    pub mac: Option<Mac>,
}

/// The `kind` label of a device without an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Printer,
    Router,
    Switch,
    Ups,
    AccessPoint,
    /// Whatever else answers SNMP, or a kind of a newer version.
    Other,
}

/// How to ask by SNMP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snmp {
    /// UDP.
    pub port: u16,
    /// Version and credentials.
    pub security: Security,
}

/// A version of SNMP and what it takes to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the words of RFC 3414")]
pub enum Security {
    V1 {
        community: Secret,
    },
    V2c {
        community: Secret,
    },
    V3 {
        user: String,
        authentication: Option<(Authentication, Secret)>,
        /// Only with authentication.
        privacy: Option<(Privacy, Secret)>,
    },
}

/// How messages of SNMPv3 are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the algorithms")]
pub enum Authentication {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// How messages of SNMPv3 are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the algorithms")]
pub enum Privacy {
    Des,
    Aes128,
    Aes192,
    Aes256,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

/// Where a printer answers IPP: `631/ipp/print`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ipp {
    /// TCP.
    pub port: u16,
    /// Begins with a slash.
    pub path: String,
}

/// A MAC address: twelve lower-case hexadecimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

/// A slow look at every address of the networks an agent is in, for devices that answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// Between two looks.
    pub interval: Duration,
    /// Those of SNMPv3 are tried first, then the others, each in this order, until one is answered. So
    /// whoever is asked, and is no device, is shown the communities: they should be good for reading alone,
    /// and for nothing else.
    pub credentials: Vec<Credential>,
}

/// A way to be let in that many devices may share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// What whoever found a device calls it.
    pub name: String,
    /// How to ask.
    pub snmp: Snmp,
}

/// A serial number as people would compare two: some MIBs pad it, and IPP has it in another case. Empty where
/// it says nothing.
#[must_use]
pub fn essence(serial: &str) -> String {
    let essential = serial.chars().filter(|c| c.is_alphanumeric());
    essential.flat_map(char::to_uppercase).collect()
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 6] = [
        Self::Printer,
        Self::Router,
        Self::Switch,
        Self::Ups,
        Self::AccessPoint,
        Self::Other,
    ];

    /// The `kind` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Printer => "printer",
            Self::Router => "router",
            Self::Switch => "switch",
            Self::Ups => "ups",
            Self::AccessPoint => "access-point",
            Self::Other => "other",
        }
    }

    /// The kind of this label. A word of a newer version is [`Kind::Other`].
    #[must_use]
    pub fn of(label: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == label)
            .unwrap_or(Self::Other)
    }
}

impl Ipp {
    /// Whether the path is one of IPP: `/ipp…` (RFC 8010, section 4) or, as CUPS has it, `/printers/…`. Who only
    /// claims to be a printer may have nothing else posted to; a person may say any path.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        // Nothing that a server takes for another path, or for more than a path.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.+:@".contains(c);
        (self.path.starts_with("/ipp") || self.path.starts_with("/printers/"))
            && self.path.chars().all(is_plain)
            && self.path.split('/').all(|part| part != "..")
    }
}

impl Snmp {
    /// The port of RFC 3417.
    pub const PORT: u16 = 161;

    /// Whether it can be used at all.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        // RFC 3414, section 11.2.
        let is_password = |secret: &Secret| is_label(&secret.0) && secret.0.len() >= 8;
        self.port != 0
            && match &self.security {
                Security::V1 { community } | Security::V2c { community } => is_label(&community.0),
                Security::V3 {
                    user,
                    authentication,
                    privacy,
                } => {
                    let signed = authentication.as_ref().map(|(_, secret)| secret);
                    let encrypted = privacy.as_ref().map(|(_, secret)| secret);
                    // RFC 3414, section 2.1: a user name is of at most 32 octets.
                    is_label(user)
                        && user.len() <= 32
                        && signed.is_none_or(is_password)
                        && encrypted.is_none_or(is_password)
                        && (signed.is_some() || encrypted.is_none())
                }
            }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for Ipp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.port, self.path)
    }
}

impl From<Ipp> for String {
    fn from(ipp: Ipp) -> Self {
        ipp.to_string()
    }
}

impl FromStr for Ipp {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let refused = || InvalidPlan::Ipp { ipp: shown(text) };
        let (port, path) = text.split_at(text.find('/').ok_or_else(refused)?);
        let is_path = is_label(path) && path.bytes().all(|byte| byte.is_ascii_graphic());
        match port.parse() {
            Ok(port) if port != 0 && is_path => Ok(Self {
                port,
                path: path.to_owned(),
            }),
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for Ipp {
    type Error = InvalidPlan;

    fn try_from(text: String) -> Result<Self, InvalidPlan> {
        text.parse()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

impl FromStr for Mac {
    type Err = InvalidPlan;

    /// Of twelve hexadecimal digits, with or without `:` or `-` between the octets.
    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let refused = || InvalidPlan::Mac { mac: shown(text) };
        let is_sign = |c: char| c == ':' || c == '-';
        let digits: String = text.chars().filter(|c| !is_sign(*c)).collect();
        let is_hex = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(&digits, 16).map_err(|_| refused())?;
        let [_, _, octets @ ..] = number.to_be_bytes();
        is_hex.then_some(Self(octets)).ok_or_else(refused)
    }
}

impl TryFrom<String> for Mac {
    type Error = InvalidPlan;

    fn try_from(text: String) -> Result<Self, InvalidPlan> {
        text.parse()
    }
}
