//! Devices as rows: their names, read, written, renamed and deleted.

use proto::ids::{CentreId, DeviceId};
use proto::plan::Kind;
use rusqlite::{Connection, Row, named_params, params};

use super::{Asked, Status};
use crate::registry::inventory::{self, Inventory};
use crate::registry::{convert, id, milliseconds, optional_time, time};

/// The names of a centre that are somebody's: devices' and agents'.
pub(in crate::registry) fn taken(
    connection: &Connection,
    centre: &CentreId,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT device FROM agents WHERE centre = ?1 AND revoked_at IS NULL
             UNION SELECT device FROM devices WHERE centre = ?1",
        )?
        .query_map([centre.as_str()], |row| row.get(0))?
        .collect()
}

/// Whether a name is that of a device without an agent.
pub(in crate::registry) fn is_known(
    connection: &Connection,
    centre: &CentreId,
    device: &DeviceId,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM devices WHERE centre = ? AND device = ?")?
        .exists(params![centre.as_str(), device.as_str()])
}

pub(super) fn rename(
    connection: &Connection,
    centre: &CentreId,
    before: &DeviceId,
    after: &DeviceId,
) -> rusqlite::Result<()> {
    inventory::forget(connection, centre, after)?;
    let names = params![after.as_str(), centre.as_str(), before.as_str()];
    for statement in [
        "UPDATE devices SET device = ?1 WHERE centre = ?2 AND device = ?3",
        "UPDATE inventory SET device = ?1 WHERE centre = ?2 AND device = ?3",
        "UPDATE events SET device = ?1 WHERE centre = ?2 AND device = ?3",
    ] {
        connection.prepare_cached(statement)?.execute(names)?;
    }
    Ok(())
}

/// Forgets a device and what it was, but not what happened to it.
pub(in crate::registry) fn delete(
    connection: &Connection,
    centre: &CentreId,
    device: &DeviceId,
) -> rusqlite::Result<()> {
    let names = params![centre.as_str(), device.as_str()];
    connection.execute("DELETE FROM devices WHERE centre = ? AND device = ?", names)?;
    inventory::forget(connection, centre, device)?;
    Ok(())
}

/// A new row, or the same one with other contents.
pub(in crate::registry) fn store(
    connection: &Connection,
    device: &Asked,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO devices
                 (centre, device, kind, status, address, credential, ipp, serial, mac, name,
                  found_at, approved_at, last_seen)
             VALUES (:centre, :device, :kind, :status, :address, :credential, :ipp, :serial, :mac,
                     :name, :found_at, :approved_at, :last_seen)",
        )?
        .execute(named_params! {
            ":centre": device.centre.as_str(),
            ":device": device.device.as_str(),
            ":kind": device.kind.as_str(),
            ":status": device.status.as_str(),
            ":address": device.address.to_string(),
            ":credential": device.credential,
            ":ipp": device.ipp.as_ref().map(ToString::to_string),
            ":serial": device.serial,
            ":mac": device.mac.map(|mac| mac.to_string()),
            ":name": device.name,
            ":found_at": milliseconds(device.found_at),
            ":approved_at": device.approved_at.map(milliseconds),
            ":last_seen": device.last_seen.map(milliseconds),
        })
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Asked> {
    let ipp = |ipp: Option<String>| ipp.map(|ipp| ipp.parse()).transpose();
    let mac = |mac: Option<String>| mac.map(|mac| mac.parse()).transpose();
    let kind: String = row.get("kind")?;
    let status: String = row.get("status")?;
    let told = |column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default())
    };
    Ok(Asked {
        centre: id(row, "centre")?,
        device: id(row, "device")?,
        kind: Kind::of(&kind),
        status: Status::of(&status),
        address: id(row, "address")?,
        credential: row.get("credential")?,
        ipp: convert(row, "ipp", ipp)?,
        serial: row.get("serial")?,
        mac: convert(row, "mac", mac)?,
        name: row.get("name")?,
        found_at: time(row, "found_at")?,
        approved_at: optional_time(row, "approved_at")?,
        last_seen: optional_time(row, "last_seen")?,
        inventory: Inventory {
            vendor: told("vendor")?,
            model: told("model")?,
            serial: told("told_serial")?,
            os: told("os")?,
            firmware: told("firmware")?,
        },
    })
}
