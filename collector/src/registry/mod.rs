//! What the collector knows for good: centres, agents, tokens, devices and who asks them. Only here lives
//! SQL.
//!
//! One SQLite file, opened by `serve` and, beside it, by each run of the other commands. In reading
//! order: the types and the [`Registry`] handle here, `migrate` (the file and its schema), then
//! `centres`, `tokens`, `enrol` and `agents` with their queries; `devices` (what cannot run an agent),
//! `credentials` (how to ask it), `found` (what scouts see), `inventory` and `events` (what is known of it,
//! and when that changed), `scouts` (who asked when), `incidents` (what the diagnosis said), `openings` (what was said before doors opened). Secrets are kept as hashes where that will do, and
//! otherwise as `sealing` says.

mod agents;
mod centres;
mod credentials;
mod devices;
mod enrol;
mod error;
mod events;
#[cfg(test)]
pub(crate) mod fixture;
mod found;
mod incidents;
mod inventory;
mod migrate;
mod openings;
mod scouts;
mod sealing;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diagnosis::record::Goodbye;
use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

pub use centres::Imported;
pub use credentials::{Credentials, LostKey, SealedCredential};
pub use devices::{Approval, Asked, NewDevice, Status};
pub use enrol::{AGENTS_PER_CENTRE, EnrolError, NewAgent};
pub use error::RegistryError;
pub use events::Event;
pub use found::{FOUND_PER_CENTRE, Look, NewFound, Noted, Seen};
pub use incidents::{IncidentFilter, KeptIncident};
pub use inventory::{Described, Inventory};
pub use openings::{KeptOpening, OpeningFilter, Scores};
pub use scouts::{Change, Term};
pub use sealing::{Key, SealingError};
pub use tokens::{InvalidTokenId, KeptToken, NewToken, TokenHash, TokenId};

use self::error::Failure;

/// The file in the data folder.
pub const FILE: &str = "registry.sqlite";

/// A service centre, as `centre import` read it.
#[derive(Debug, Clone, PartialEq)]
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

impl Centre {
    /// A centre of which nothing else is known.
    #[must_use]
    pub fn named(id: CentreId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            area: None,
            isp: None,
            latitude: None,
            longitude: None,
            hours: None,
            notes: None,
        }
    }
}

/// SHA-256 of a public key (SubjectPublicKeyInfo, DER): what an agent is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

/// What a machine says of itself, checked against the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// As people know the machine. May be empty.
    pub hostname: String,
    /// "linux", "windows".
    pub os: String,
    /// "x86_64", "aarch64".
    pub arch: String,
    /// Of the agent.
    pub version: String,
    /// The `kind` label: "pc", "router". A slug.
    pub kind: String,
}

/// One enrolment of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Why it would be silent, if its last word was a goodbye.
    pub goodbye: Option<Goodbye>,
}

/// A state of the registry; differs from another one when centres, agents, tokens, devices or credentials
/// changed between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    others: i64,
    own: i64,
}

/// The handle. Clones share one connection, used off the async threads by one query at a time.
#[derive(Debug, Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Changes made through this handle, which SQLite's own counter leaves out.
    changes: AtomicI64,
}

impl Registry {
    /// Makes the file, and its folder, for the owner alone; opens it when it is there already.
    ///
    /// # Errors
    /// When it cannot be made, or was written by a newer version.
    pub fn create(path: &Path) -> Result<Self, RegistryError> {
        migrate::create(path)?;
        let registry = Self::open(path)?;
        registry.prepare_key()?;
        Ok(registry)
    }

    /// Opens the file and brings its schema up to date.
    ///
    /// # Errors
    /// When it is missing, no registry, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        Ok(Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                connection: Mutex::new(migrate::open(path)?),
                changes: AtomicI64::new(0),
            }),
        })
    }

    /// Tells whether anything changed since, by this process or by another, apart from when agents and
    /// devices were seen, what agents said of themselves, and who is scout.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn version(&self) -> Result<Version, RegistryError> {
        let read = |connection: &mut Connection| {
            connection.pragma_query_value(None, "data_version", |row| row.get(0))
        };
        Ok(Version {
            others: self.call("tell its version", read).await?,
            own: self.shared.changes.load(Ordering::Acquire),
        })
    }

    /// Reads, or writes what is no change of version.
    async fn call<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.run(operation, work, |_| false).await
    }

    /// Changes everything that `work` changes, or nothing where it refuses.
    async fn change<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let change = move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            match work(&transaction) {
                Ok(done) => transaction.commit().map(|()| Ok(done)),
                Err(Failure::Refused(error)) => Ok(Err(error)),
                Err(Failure::Query(error)) => Err(error),
            }
        };
        self.run(operation, change, Result::is_ok).await?
    }

    /// The one way to the database. `changed` tells by its result whether the work, which committed,
    /// made another version. That is counted where the work is done: whoever asked for it may be gone
    /// by then, a caller that hung up for example.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
        changed: fn(&T) -> bool,
    ) -> Result<T, RegistryError> {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            // A panic inside a transaction rolled it back, so the connection is as good as before.
            let mut connection = shared
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let result = work(&mut connection).map_err(|source| RegistryError::Query {
                path: shared.path.clone(),
                operation,
                source,
            })?;
            if changed(&result) {
                shared.changes.fetch_add(1, Ordering::AcqRel);
            }
            Ok(result)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| RegistryError::Stopping)?
    }
}

/// Refuses what is about a centre that is not known.
fn centre_exists(connection: &Connection, centre: &CentreId) -> Result<(), Failure> {
    let known = connection
        .prepare_cached("SELECT 1 FROM centres WHERE id = ?")?
        .query_row([centre.as_str()], |_| Ok(()))
        .optional()?;
    known.ok_or_else(|| {
        let centre = centre.clone();
        RegistryError::UnknownCentre { centre }.into()
    })
}

/// How a time is stored.
fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// Reads what is stored as text or number and must make sense as `T`.
fn convert<S: rusqlite::types::FromSql, T, E: std::error::Error + Send + Sync + 'static>(
    row: &rusqlite::Row<'_>,
    column: &'static str,
    make: impl FnOnce(S) -> Result<T, E>,
) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    let stored: S = row.get(index)?;
    make(stored).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(index, kind, Box::new(error))
    })
}

/// A time that is there.
fn time(row: &rusqlite::Row<'_>, column: &'static str) -> rusqlite::Result<Timestamp> {
    convert(row, column, Timestamp::from_millisecond)
}

/// A time that may be absent.
fn optional_time(
    row: &rusqlite::Row<'_>,
    column: &'static str,
) -> rusqlite::Result<Option<Timestamp>> {
    let make = |stored: Option<i64>| stored.map(Timestamp::from_millisecond).transpose();
    convert(row, column, make)
}

/// An id.
fn id<T>(row: &rusqlite::Row<'_>, column: &'static str) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    convert(row, column, |text: String| text.parse())
}

#[cfg(test)]
mod tests;
