//! What machines and devices are made of, as they said last: of agents' machines too. A change is an event.

use std::collections::HashMap;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use rusqlite::{
    Connection, OptionalExtension as _, Row, TransactionBehavior, named_params, params,
};

use super::events::{self, Place};
use super::{Registry, RegistryError, devices, id, milliseconds};

/// What something says it is: short printable texts, empty where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Inventory {
    pub vendor: String,
    pub model: String,
    pub serial: String,
    pub os: String,
    pub firmware: String,
}

/// What a machine or device of a centre says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Where it is.
    pub centre: CentreId,
    /// Its name there.
    pub device: DeviceId,
    /// What it says.
    pub inventory: Inventory,
}

impl Inventory {
    /// Its parts, as events call them.
    fn parts(&self) -> [(&'static str, &String); 5] {
        [
            ("vendor", &self.vendor),
            ("model", &self.model),
            ("serial", &self.serial),
            ("os", &self.os),
            ("firmware", &self.firmware),
        ]
    }

    /// Whether anything of it is new.
    #[must_use]
    pub fn says_more_than(&self, before: &Self) -> bool {
        self.clone().over(before) != *before
    }

    /// What is said now, and where nothing is, what was said before: a device that answers in part did not
    /// become another one.
    fn over(self, before: &Self) -> Self {
        let newest = |now: String, before: &String| {
            if now.is_empty() { before.clone() } else { now }
        };
        Self {
            vendor: newest(self.vendor, &before.vendor),
            model: newest(self.model, &before.model),
            serial: newest(self.serial, &before.serial),
            os: newest(self.os, &before.os),
            firmware: newest(self.firmware, &before.firmware),
        }
    }
}

impl Registry {
    /// What is known of each machine and device of a centre.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn inventory(
        &self,
        centre: CentreId,
    ) -> Result<HashMap<DeviceId, Inventory>, RegistryError> {
        self.call("tell the inventory", move |connection| {
            connection
                .prepare_cached("SELECT * FROM inventory WHERE centre = ?")?
                .query_map([centre.as_str()], |row| {
                    Ok((id(row, "device")?, from_row(row)?))
                })?
                .collect()
        })
        .await
    }

    /// Notes what machines and devices said, and what of it is new. A device that is recognised by nothing
    /// so far is recognised by its serial number from now on. Of names that nobody has, nothing is noted.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn described(
        &self,
        described: Vec<Described>,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        let note = move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut is_device = false;
            for one in described {
                let place = Place {
                    centre: &one.centre,
                    device: one.device.as_str(),
                    at,
                };
                if !is_known(&transaction, place)? {
                    continue;
                }
                if note(&transaction, place, one.inventory)? {
                    is_device |= learn_serial(&transaction, place, &one.device)?;
                }
            }
            transaction.commit()?;
            Ok(is_device)
        };
        // What agents' machines are made of changes nothing for whoever follows the registry.
        let noted = self.run("note the inventory", note, |is_device| *is_device);
        noted.await.map(drop)
    }
}

fn is_known(connection: &Connection, place: Place<'_>) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM agents WHERE centre = ?1 AND device = ?2 AND revoked_at IS NULL
             UNION SELECT 1 FROM devices WHERE centre = ?1 AND device = ?2",
        )?
        .exists(params![place.centre.as_str(), place.device])
}

/// Forgets what one was that had the name before.
pub(super) fn forget(
    connection: &Connection,
    centre: &CentreId,
    device: &DeviceId,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("DELETE FROM inventory WHERE centre = ? AND device = ?")?
        .execute(params![centre.as_str(), device.as_str()])
}

/// Notes what one said; whether anything of it was new.
pub(super) fn note(
    connection: &Connection,
    place: Place<'_>,
    said: Inventory,
) -> rusqlite::Result<bool> {
    let (centre, device) = (place.centre.as_str(), place.device);
    let before = connection
        .prepare_cached("SELECT * FROM inventory WHERE centre = ? AND device = ?")?
        .query_row(params![centre, device], from_row)
        .optional()?;
    let known = before.clone().unwrap_or_default();
    let now = said.over(&known);
    if before.is_some() && known == now {
        return Ok(false);
    }
    // What is heard for the first time is no change.
    let changes = known.parts().into_iter().zip(now.parts());
    for ((what, before), (_, after)) in changes.filter(|((_, before), (_, after))| before != after)
    {
        if !before.is_empty() {
            events::note(connection, place, what, before, after)?;
        }
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO inventory
                 (centre, device, vendor, model, serial, os, firmware, noted_at)
             VALUES (:centre, :device, :vendor, :model, :serial, :os, :firmware, :at)",
        )?
        .execute(named_params! {
            ":centre": centre,
            ":device": device,
            ":vendor": now.vendor,
            ":model": now.model,
            ":serial": now.serial,
            ":os": now.os,
            ":firmware": now.firmware,
            ":at": milliseconds(place.at),
        })?;
    Ok(true)
}

/// Whether it is a device without an agent.
fn learn_serial(
    connection: &Connection,
    place: Place<'_>,
    device_id: &DeviceId,
) -> rusqlite::Result<bool> {
    let (centre, device) = (place.centre.as_str(), place.device);
    connection
        .prepare_cached(
            "UPDATE devices SET serial = (SELECT nullif(serial, '') FROM inventory
                                          WHERE centre = ?1 AND device = ?2)
             WHERE centre = ?1 AND device = ?2 AND serial IS NULL AND status = 'approved'",
        )?
        .execute(params![centre, device])?;
    devices::is_known(connection, place.centre, device_id)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Inventory> {
    Ok(Inventory {
        vendor: row.get("vendor")?,
        model: row.get("model")?,
        serial: row.get("serial")?,
        os: row.get("os")?,
        firmware: row.get("firmware")?,
    })
}
