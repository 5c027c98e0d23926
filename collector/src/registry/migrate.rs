//! The registry's file: made, opened, and brought to the schema of this version.
//!
//! A released migration is never edited; a change is a new file with the next number. There is no
//! way down: a database written by a newer version is refused.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::RegistryError;
use crate::private;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_centres_agents_tokens.sql")),
    M::up(include_str!(
        "migrations/0002_devices_credentials_scouts.sql"
    )),
    M::up(include_str!("migrations/0003_incidents.sql")),
    M::up(include_str!("migrations/0004_readiness.sql")),
];

pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// Makes the file. SQLite gives its journal files the same rights.
pub(super) fn create(path: &Path) -> Result<(), RegistryError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private::create_folder(folder)
        .and_then(|()| private::create_file(path))
        .map(drop)
        .map_err(|source| RegistryError::Create {
            path: path.to_owned(),
            source,
        })
}

/// Opens the file, which must be there.
pub(super) fn open(path: &Path) -> Result<Connection, RegistryError> {
    // When even that cannot be told, SQLite's own error says why.
    if !path.try_exists().unwrap_or(true) {
        return Err(RegistryError::Missing {
            path: path.to_owned(),
        });
    }
    let opening = |source| RegistryError::Open {
        path: path.to_owned(),
        source,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(opening)?;
    refuse_newer(path, &connection)?;
    set_pragmas(&connection).map_err(opening)?;
    MIGRATIONS
        .to_latest(&mut connection)
        .map_err(|source| RegistryError::Migrate {
            path: path.to_owned(),
            source,
        })?;
    Ok(connection)
}

fn refuse_newer(path: &Path, connection: &Connection) -> Result<(), RegistryError> {
    let known = STEPS.len();
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| RegistryError::Open {
            path: path.to_owned(),
            source,
        })?;
    if usize::try_from(found).is_ok_and(|found| found > known) {
        return Err(RegistryError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

fn set_pragmas(connection: &Connection) -> rusqlite::Result<()> {
    // `serve` reads while a command writes, and the other way round.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A revocation or a used token must survive a power cut. Writes are rare enough to afford it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Longer than any write of another process takes.
    connection.busy_timeout(std::time::Duration::from_secs(5))
}
