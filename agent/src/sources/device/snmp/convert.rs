//! Between the library's identifiers, values and errors and ours.

use std::net::Ipv4Addr;

use async_snmp::v3::ReportStatus;
use async_snmp::{Error, ErrorStatus, VarBind};

use super::{Binding, Oid, Trouble, Value};

/// An answer that is an error, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The device says that it cannot, because of the binding with this number, from 1.
    Status(ErrorStatus, u32),
    /// Whatever else.
    Trouble(Trouble),
}

impl Refusal {
    /// As far as nothing can be done about it.
    pub(super) fn trouble(self) -> Trouble {
        match self {
            Self::Status(status, _) => Trouble::Failed(status.as_str().unwrap_or("error")),
            Self::Trouble(trouble) => trouble,
        }
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<&Oid> for async_snmp::Oid {
    fn from(oid: &Oid) -> Self {
        Self::from_slice(oid.arcs())
    }
}

/// A binding, unless it says that there is no value.
pub(super) fn binding(told: VarBind) -> Option<Binding> {
    Some(Binding {
        oid: Oid::from(told.oid.arcs().to_vec()),
        value: value(told.value)?,
    })
}

fn value(told: async_snmp::Value) -> Option<Value> {
    use async_snmp::Value as Told;
    Some(match told {
        Told::Integer(number) => Value::Integer(number),
        Told::Counter32(number) => Value::Counter32(number),
        Told::Gauge32(number) | Told::UInteger32(number) => Value::Gauge32(number),
        Told::TimeTicks(number) => Value::TimeTicks(number),
        Told::Counter64(number) => Value::Counter64(number),
        Told::OctetString(bytes) => Value::Bytes(bytes.to_vec()),
        Told::ObjectIdentifier(oid) => Value::Oid(Oid::from(oid.arcs().to_vec())),
        Told::IpAddress(address) => Value::Ip(Ipv4Addr::from(address)),
        Told::NoSuchObject | Told::NoSuchInstance | Told::EndOfMibView => return None,
        _ => Value::Other,
    })
}

/// What an error of the library says of the device. What only the wire knows is not in it.
pub(super) fn refusal(error: &Error) -> Refusal {
    Refusal::Trouble(match error.exchange_source() {
        Error::Snmp {
            status: ErrorStatus::AuthorizationError,
            ..
        }
        | Error::Auth { .. } => Trouble::Unauthorized,
        Error::Snmp { status, index, .. } => return Refusal::Status(*status, *index),
        Error::Timeout { .. } => Trouble::Timeout,
        Error::Report { status, .. } => report(status),
        Error::OutboundMessageTooLarge { .. } => {
            return Refusal::Status(ErrorStatus::TooBig, 0);
        }
        Error::Network { source, .. } => network(source.kind()),
        Error::Config(_)
        | Error::InvalidOid(_)
        | Error::InvalidMessage(_)
        | Error::Privacy(_)
        | Error::RandomSource { .. } => Trouble::Unusable,
        _ => Trouble::Unreadable,
    })
}

/// RFC 3414, section 3.2: what an engine reports instead of an answer.
fn report(status: &ReportStatus) -> Trouble {
    match status {
        ReportStatus::UnsupportedSecurityLevel { .. }
        | ReportStatus::UnknownUserName { .. }
        | ReportStatus::WrongDigest { .. }
        | ReportStatus::DecryptionError { .. } => Trouble::Unauthorized,
        ReportStatus::NotInTimeWindow { .. } => Trouble::Failed("notInTimeWindow"),
        ReportStatus::UnknownEngineId { .. } => Trouble::Failed("unknownEngineID"),
        // Among them a context that there is not.
        _ => Trouble::Failed("report"),
    }
}

/// What an error of a connected UDP socket says.
pub(super) fn network(kind: std::io::ErrorKind) -> Trouble {
    use std::io::ErrorKind;
    match kind {
        // A port unreachable, told by ICMP; as Windows calls it after.
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Trouble::Refused,
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Trouble::Unreachable,
        kind => Trouble::Here(kind),
    }
}
