//! What can go wrong with the registry, and what to do then.

use std::path::PathBuf;

use proto::ids::{AgentId, CentreId, DeviceId};
use proto::limits::DEVICES_PER_PLAN;

use super::{SealingError, TokenId};

/// What could not be done with the registry.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RegistryError {
    #[error("{path} is missing: run `dawnwatch-collector init`, or restore it from a backup", path = path.display())]
    Missing { path: PathBuf },
    #[error(
        "{path} was written by a newer version (schema {found}, this one knows {known}): update dawnwatch-collector",
        path = path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: usize,
    },
    #[error("cannot open the registry {path}", path = path.display())]
    Open {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("cannot make {path}: choose a folder you may write with --data DIR", path = path.display())]
    Create {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot bring the registry {path} up to date", path = path.display())]
    Migrate {
        path: PathBuf,
        source: rusqlite_migration::Error,
    },
    #[error("the registry {path} could not {operation}", path = path.display())]
    Query {
        path: PathBuf,
        operation: &'static str,
        source: rusqlite::Error,
    },
    #[error("there is no centre {centre}: `dawnwatch-collector centre list` shows them")]
    UnknownCentre { centre: CentreId },
    #[error("there is no agent {agent}: `dawnwatch-collector agent list` shows them")]
    UnknownAgent { agent: AgentId },
    #[error("there is no token {token}: `dawnwatch-collector token list` shows them")]
    UnknownToken { token: TokenId },
    #[error(
        "{centre} has no device {device}: `dawnwatch-collector device list --centre {centre}` shows them"
    )]
    UnknownDevice { centre: CentreId, device: DeviceId },
    #[error(
        "{centre} has a device or an agent named {device} already: choose another name, or see \
         `dawnwatch-collector device list` and `agent list`"
    )]
    NameTaken { centre: CentreId, device: DeviceId },
    #[error(
        "nobody knows how to ask {device}: add --snmp CREDENTIAL, --ipp 631/ipp/print, or both"
    )]
    Unaskable { device: DeviceId },
    #[error(
        "{centre} has {DEVICES_PER_PLAN} approved devices, as many as one agent asks: remove or ignore some"
    )]
    TooManyDevices { centre: CentreId },
    #[error(
        "there is no credential {name}: `dawnwatch-collector credential set {name}` makes it, \
         `credential list` shows the others"
    )]
    UnknownCredential { name: String },
    #[error(
        "the credential {name} is not for {centre}: choose another, or set it again without --centre"
    )]
    ForeignCredential { name: String, centre: CentreId },
    #[error(
        "the credential {name} is used by {devices}: give them another first, with \
         `dawnwatch-collector device approve CENTRE DEVICE --snmp OTHER`, or remove them"
    )]
    CredentialInUse { name: String, devices: String },
    #[error(transparent)]
    Sealing(#[from] SealingError),
    #[error("the program is stopping")]
    Stopping,
}

/// Why a transaction is rolled back.
pub(super) enum Failure {
    Refused(RegistryError),
    Query(rusqlite::Error),
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Refused(error)
    }
}

impl From<SealingError> for Failure {
    fn from(error: SealingError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Query(error)
    }
}
