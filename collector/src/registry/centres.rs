//! Centres: imported whole, listed in order of their ids, never deleted (agents belong to them).

use proto::ids::CentreId;
use rusqlite::{Connection, Row, TransactionBehavior, named_params};

use super::{Centre, Registry, RegistryError, convert, id};
use crate::calendar::Hours;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Not known before.
    pub added: Vec<CentreId>,
    /// Known, and different now.
    pub changed: Vec<CentreId>,
    /// Known, and the same.
    pub unchanged: Vec<CentreId>,
}

impl Registry {
    /// All centres, by id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn centres(&self) -> Result<Vec<Centre>, RegistryError> {
        self.call("list the centres", |connection| all(connection))
            .await
    }

    /// Adds or replaces centres by id, all or none. Others stay as they are.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn import_centres(&self, centres: Vec<Centre>) -> Result<Imported, RegistryError> {
        let import = move |connection: &mut Connection| import(connection, &centres);
        let changed =
            |imported: &Imported| !imported.added.is_empty() || !imported.changed.is_empty();
        self.run("import centres", import, changed).await
    }
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Centre>> {
    connection
        .prepare_cached("SELECT * FROM centres ORDER BY id")?
        .query_map([], from_row)?
        .collect()
}

fn import(connection: &mut Connection, centres: &[Centre]) -> rusqlite::Result<Imported> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = all(&transaction)?;
    let mut imported = Imported::default();
    for centre in centres {
        let list = match known.iter().find(|known| known.id == centre.id) {
            None => &mut imported.added,
            Some(known) if known == centre => &mut imported.unchanged,
            Some(_) => &mut imported.changed,
        };
        list.push(centre.id.clone());
        upsert(&transaction, centre)?;
    }
    transaction.commit()?;
    Ok(imported)
}

fn upsert(connection: &Connection, centre: &Centre) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT INTO centres (id, name, area, isp, latitude, longitude, hours, days, notes)
             VALUES (:id, :name, :area, :isp, :latitude, :longitude, :hours, :days, :notes)
             ON CONFLICT (id) DO UPDATE SET
                 name = :name, area = :area, isp = :isp, latitude = :latitude,
                 longitude = :longitude, hours = :hours, days = :days, notes = :notes",
        )?
        .execute(named_params! {
            ":id": centre.id.as_str(),
            ":name": centre.name,
            ":area": centre.area,
            ":isp": centre.isp,
            ":latitude": centre.latitude,
            ":longitude": centre.longitude,
            ":hours": centre.hours.as_ref().map(Hours::hours),
            ":days": centre.hours.as_ref().map(Hours::days),
            ":notes": centre.notes,
        })
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Centre> {
    let days: Option<String> = row.get("days")?;
    let hours = |hours: Option<String>| match (hours, days) {
        (Some(hours), Some(days)) => Hours::parse(&hours, &days).map(Some),
        _ => Ok(None),
    };
    Ok(Centre {
        id: id(row, "id")?,
        name: row.get("name")?,
        area: row.get("area")?,
        isp: row.get("isp")?,
        latitude: row.get("latitude")?,
        longitude: row.get("longitude")?,
        hours: convert(row, "hours", hours)?,
        notes: row.get("notes")?,
    })
}
