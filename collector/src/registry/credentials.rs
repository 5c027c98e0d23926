//! Credentials: kept sealed, opened where the plan of a scout is made and where they are listed without
//! their secrets.

use std::path::Path;

use jiff::Timestamp;
use proto::ids::CentreId;
use proto::plan::Snmp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, named_params};

use super::error::Failure;
use super::sealing::{Key, SealingError};
use super::{Registry, RegistryError, centre_exists, convert, milliseconds, time};

/// Devices that are named where a credential is in use.
const LISTED: usize = 5;

/// A way to be let in by devices, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// What devices refer to.
    pub name: String,
    /// The one centre that may use it; none for all.
    pub centre: Option<CentreId>,
    /// When it was set last.
    pub set_at: Timestamp,
    sealed: Vec<u8>,
}

/// All credentials, and what opens them.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// By name.
    pub all: Vec<SealedCredential>,
    key: Result<Key, SealingError>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            key: Err(SealingError::missing(Path::new("."))),
        }
    }
}

/// What to do about a key that is missing, or none any more, although something is sealed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostKey {
    /// It may be restored.
    Refuse,
    /// It is lost for good: what was sealed with it has to be set again.
    Replace,
}

impl SealedCredential {
    /// Whether devices of this centre may be asked with it.
    #[must_use]
    pub fn is_for(&self, centre: &CentreId) -> bool {
        self.centre.as_ref().is_none_or(|only| only == centre)
    }
}

impl Credentials {
    /// Whether these are the same, and opened by the same.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let is_same_key = match (&self.key, &other.key) {
            (Ok(one), Ok(other)) => one == other,
            (Err(one), Err(other)) => one.to_string() == other.to_string(),
            _ => false,
        };
        self.all == other.all && is_same_key
    }

    /// Whether there are some, and nothing opens them.
    #[must_use]
    pub fn are_locked(&self) -> bool {
        !self.all.is_empty() && self.key.is_err()
    }

    /// The credential of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&SealedCredential> {
        self.all.iter().find(|credential| credential.name == name)
    }

    /// How to ask with it.
    ///
    /// # Errors
    /// When the key is missing, cannot be read, or is another.
    pub fn open(&self, credential: &SealedCredential) -> Result<Snmp, SealingError> {
        let key = self.key.as_ref().map_err(Clone::clone)?;
        let owner = owner(&credential.name, credential.centre.as_ref());
        let opened = key.open(&owner, &credential.sealed);
        opened
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| SealingError::Foreign {
                name: credential.name.clone(),
                path: key.path().to_owned(),
            })
    }
}

impl Registry {
    /// All credentials, by name, and what opens them.
    ///
    /// # Errors
    /// When the registry cannot be read. A key that cannot is no error here: it keeps credentials from
    /// being opened, and nothing else from being read.
    pub async fn credentials(&self) -> Result<Credentials, RegistryError> {
        let path = self.shared.path.clone();
        let read = move |connection: &mut Connection| {
            let all = all(connection)?;
            let key = Key::load(&path).and_then(|key| key.ok_or(SealingError::missing(&path)));
            Ok(Credentials { all, key })
        };
        self.call("list the credentials", read).await
    }

    /// Seals and keeps a credential, in place of the one of that name. The key is made when nothing was
    /// sealed yet.
    ///
    /// # Errors
    /// When its centre is unknown, or a device of another centre uses the name, when the key is missing or
    /// unusable, or a file cannot be written.
    pub async fn set_credential(
        &self,
        name: String,
        centre: Option<CentreId>,
        snmp: Snmp,
        at: Timestamp,
        lost: LostKey,
    ) -> Result<(), RegistryError> {
        let path = self.shared.path.clone();
        let set = move |transaction: &Transaction<'_>| {
            if let Some(centre) = &centre {
                centre_exists(transaction, centre)?;
                refuse_others(transaction, &name, centre)?;
            }
            let is_needed = all(transaction)?.iter().any(|other| other.name != name);
            // Within the transaction, so that no two processes make one each.
            let key = match Key::load(&path) {
                Ok(Some(key)) => key,
                Ok(None) if is_needed && lost == LostKey::Refuse => {
                    return Err(SealingError::missing(&path).into());
                }
                Err(SealingError::Damaged { .. }) if lost == LostKey::Replace => {
                    Key::create(&path)?
                }
                Ok(None) => Key::create(&path)?,
                Err(error) => return Err(error.into()),
            };
            let json = serde_json::to_vec(&snmp).unwrap_or_default();
            let sealed = key.seal(&owner(&name, centre.as_ref()), &json)?;
            transaction.execute(
                "INSERT INTO credentials (name, centre, sealed, set_at)
                 VALUES (:name, :centre, :sealed, :set_at)
                 ON CONFLICT (name) DO UPDATE SET
                     centre = :centre, sealed = :sealed, set_at = :set_at",
                named_params! {
                    ":name": name,
                    ":centre": centre.as_ref().map(CentreId::as_str),
                    ":sealed": sealed,
                    ":set_at": milliseconds(at),
                },
            )?;
            Ok(())
        };
        self.change("keep a credential", set).await
    }

    /// Forgets a credential.
    ///
    /// # Errors
    /// When there is none of that name, devices use it, or the file cannot be written.
    pub async fn remove_credential(&self, name: String) -> Result<(), RegistryError> {
        let remove = move |transaction: &Transaction<'_>| {
            let users = users(transaction, &name)?;
            if !users.is_empty() {
                let devices = listed(users.iter());
                return Err(RegistryError::CredentialInUse { name, devices }.into());
            }
            let removed = transaction.execute("DELETE FROM credentials WHERE name = ?", [&name])?;
            if removed == 0 {
                return Err(RegistryError::UnknownCredential { name }.into());
            }
            Ok(())
        };
        self.change("forget a credential", remove).await
    }

    /// Makes the key of a registry in which nothing is sealed yet, so that it is in the first backup.
    pub(super) fn prepare_key(&self) -> Result<(), RegistryError> {
        let connection = self.shared.connection.lock();
        let connection = connection.unwrap_or_else(std::sync::PoisonError::into_inner);
        let path = &self.shared.path;
        let any = all(&connection).map_err(|source| RegistryError::Query {
            path: path.clone(),
            operation: "list the credentials",
            source,
        })?;
        if any.is_empty() && matches!(Key::load(path), Ok(None)) {
            Key::create(path)?;
        }
        Ok(())
    }
}

/// What sealed bytes are bound to: neither another name nor another centre opens them.
fn owner(name: &str, centre: Option<&CentreId>) -> String {
    // No name has control characters.
    format!(
        "credential\n{name}\n{}",
        centre.map_or("", CentreId::as_str)
    )
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<SealedCredential>> {
    connection
        .prepare_cached("SELECT * FROM credentials ORDER BY name")?
        .query_map([], from_row)?
        .collect()
}

/// Whether devices of a centre may be asked with a credential.
pub(super) fn may_use(
    connection: &Connection,
    name: &str,
    centre: &CentreId,
) -> Result<(), Failure> {
    let credential = connection
        .prepare_cached("SELECT * FROM credentials WHERE name = ?")?
        .query_row([name], from_row)
        .optional()?;
    let name = name.to_owned();
    match credential {
        None => Err(RegistryError::UnknownCredential { name }.into()),
        Some(credential) if !credential.is_for(centre) => {
            let centre = centre.clone();
            Err(RegistryError::ForeignCredential { name, centre }.into())
        }
        Some(_) => Ok(()),
    }
}

/// A credential that becomes one centre's alone must not be used by others.
fn refuse_others(connection: &Connection, name: &str, centre: &CentreId) -> Result<(), Failure> {
    let users = users(connection, name)?;
    let devices = listed(
        users
            .iter()
            .filter(|(used_in, _)| used_in != centre.as_str()),
    );
    if devices.is_empty() {
        return Ok(());
    }
    let name = name.to_owned();
    Err(RegistryError::CredentialInUse { name, devices }.into())
}

/// The first few of them.
fn listed<'a>(users: impl Iterator<Item = &'a (String, String)> + Clone) -> String {
    let count = users.clone().count();
    let first = users
        .take(LISTED)
        .map(|(centre, device)| format!("{centre} {device}"));
    let mut listed = first.collect::<Vec<_>>().join(", ");
    if count > LISTED {
        listed.push_str(&format!(" and {} more", count - LISTED));
    }
    listed
}

fn users(connection: &Connection, name: &str) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare_cached(
            "SELECT centre, device FROM devices WHERE credential = ? ORDER BY centre, device",
        )?
        .query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<SealedCredential> {
    let centre = |centre: Option<String>| centre.map(|centre| centre.parse()).transpose();
    Ok(SealedCredential {
        name: row.get("name")?,
        centre: convert(row, "centre", centre)?,
        set_at: time(row, "set_at")?,
        sealed: row.get("sealed")?,
    })
}
