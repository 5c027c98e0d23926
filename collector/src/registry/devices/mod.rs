//! What cannot run an agent: printers, routers, switches, UPS. Added by hand, or found by a scout and then
//! approved or ignored. Only approved ones are asked. Their rows are in `rows`.

mod rows;

use std::net::IpAddr;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::limits::DEVICES_PER_PLAN;
use proto::plan::{Ipp, Kind, Mac};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

pub(super) use self::rows::{delete, is_known, store, taken};
use self::rows::{from_row, rename};

use super::error::Failure;
use super::events::{self, Place};
use super::inventory::{self, Inventory};
use super::{Registry, RegistryError, centre_exists, credentials};

/// What has been decided about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A scout found it; nobody has decided yet.
    Found,
    /// It is asked.
    Approved,
    /// It was found, and is of no interest.
    Ignored,
}

/// A device that is asked, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where it is.
    pub centre: CentreId,
    /// Its name there: no other device's, and no agent's.
    pub device: DeviceId,
    /// What it is asked for.
    pub kind: Kind,
    /// Whether it is.
    pub status: Status,
    /// Where it answers.
    pub address: IpAddr,
    /// The name of the credential to ask it with by SNMP.
    pub credential: Option<String>,
    /// Where it answers IPP.
    pub ipp: Option<Ipp>,
    /// What it is recognised by.
    pub serial: Option<String>,
    /// What it is recognised by.
    pub mac: Option<Mac>,
    /// As its owner called it.
    pub name: Option<String>,
    /// When it was found, or added.
    pub found_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// When a look found it, within the hour or so.
    pub last_seen: Option<Timestamp>,
    /// What it says it is.
    pub inventory: Inventory,
}

/// A device that somebody adds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as of a device")]
pub struct NewDevice {
    pub centre: CentreId,
    pub device: DeviceId,
    pub kind: Kind,
    pub address: IpAddr,
    pub credential: Option<String>,
    pub ipp: Option<Ipp>,
    pub serial: Option<String>,
    pub mac: Option<Mac>,
}

/// What to change of a device where it is approved; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as of a device")]
pub struct Approval {
    pub name: Option<DeviceId>,
    pub kind: Option<Kind>,
    pub address: Option<IpAddr>,
    pub credential: Option<String>,
    pub ipp: Option<Ipp>,
    pub serial: Option<String>,
    pub mac: Option<Mac>,
}

impl Status {
    /// The word it is kept as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Approved => "approved",
            Self::Ignored => "ignored",
        }
    }

    /// The status of this word. One of a newer version is nothing to act upon.
    fn of(word: &str) -> Self {
        match word {
            "found" => Self::Found,
            "approved" => Self::Approved,
            _ => Self::Ignored,
        }
    }
}

impl Registry {
    /// All devices without an agent, by centre and name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn devices(&self) -> Result<Vec<Asked>, RegistryError> {
        self.call("list the devices", |connection| {
            connection
                .prepare_cached(
                    "SELECT devices.*, inventory.vendor, inventory.model, inventory.os,
                            inventory.firmware, inventory.serial AS told_serial
                     FROM devices LEFT JOIN inventory USING (centre, device)
                     ORDER BY centre, device",
                )?
                .query_map([], from_row)?
                .collect()
        })
        .await
    }

    /// The devices of one centre without an agent, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn devices_of(&self, centre: CentreId) -> Result<Vec<Asked>, RegistryError> {
        self.call("list the devices of a centre", move |connection| {
            connection
                .prepare_cached(
                    "SELECT devices.*, inventory.vendor, inventory.model, inventory.os,
                            inventory.firmware, inventory.serial AS told_serial
                     FROM devices LEFT JOIN inventory USING (centre, device)
                     WHERE centre = ? ORDER BY device",
                )?
                .query_map([centre.as_str()], from_row)?
                .collect()
        })
        .await
    }

    /// Adds a device, approved.
    ///
    /// # Errors
    /// When the centre or the credential is unknown, the name taken, the centre full, the device not to be
    /// asked at all, or the file cannot be written.
    pub async fn add_device(&self, device: NewDevice, at: Timestamp) -> Result<(), RegistryError> {
        let add = move |transaction: &Transaction<'_>| {
            centre_exists(transaction, &device.centre)?;
            refuse_taken(transaction, &device.centre, &device.device)?;
            refuse_full(transaction, &device.centre)?;
            let row = Asked {
                centre: device.centre,
                device: device.device,
                kind: device.kind,
                status: Status::Approved,
                address: device.address,
                credential: device.credential,
                ipp: device.ipp,
                serial: device.serial,
                mac: device.mac,
                name: None,
                found_at: at,
                approved_at: Some(at),
                last_seen: None,
                inventory: Inventory::default(),
            };
            refuse_unaskable(transaction, &row)?;
            // A machine that was revoked may have had its name.
            inventory::forget(transaction, &row.centre, &row.device)?;
            store(transaction, &row)?;
            note(transaction, &row, at, "added", "", &row.address.to_string())
        };
        self.change("add a device", add).await
    }

    /// Approves a device that was found or ignored, or changes one. Returns it as it is then.
    ///
    /// # Errors
    /// As [`Registry::add_device`], and when there is no such device.
    pub async fn approve(
        &self,
        centre: CentreId,
        device: DeviceId,
        approval: Approval,
        at: Timestamp,
    ) -> Result<Asked, RegistryError> {
        let approve = move |transaction: &Transaction<'_>| {
            let before = find(transaction, &centre, &device)?;
            let mut now = before.clone();
            now.kind = approval.kind.unwrap_or(now.kind);
            now.address = approval.address.unwrap_or(now.address);
            now.credential = approval.credential.or(now.credential);
            now.ipp = approval.ipp.or(now.ipp);
            now.serial = approval.serial.or(now.serial);
            now.mac = approval.mac.or(now.mac);
            refuse_unaskable(transaction, &now)?;
            if before.status != Status::Approved {
                refuse_full(transaction, &centre)?;
                now.status = Status::Approved;
                now.approved_at = Some(at);
            }
            if let Some(name) = approval.name.filter(|name| *name != device) {
                refuse_taken(transaction, &centre, &name)?;
                rename(transaction, &centre, &device, &name)?;
                now.device = name;
                let (before, after) = (device.as_str(), now.device.as_str());
                note(transaction, &now, at, "name", before, after)?;
            }
            store(transaction, &now)?;
            if before.status != now.status {
                note(transaction, &now, at, "approved", "", "")?;
            }
            note_changes(transaction, &before, &now, at)?;
            Ok(now)
        };
        self.change("approve a device", approve).await
    }

    /// Decides that a device is of no interest: it is neither asked nor offered again.
    ///
    /// # Errors
    /// When there is no such device, or the file cannot be written.
    pub async fn ignore(
        &self,
        centre: CentreId,
        device: DeviceId,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        let ignore = move |transaction: &Transaction<'_>| {
            let mut device = find(transaction, &centre, &device)?;
            if device.status == Status::Ignored {
                return Ok(());
            }
            device.status = Status::Ignored;
            device.approved_at = None;
            store(transaction, &device)?;
            note(transaction, &device, at, "ignored", "", "")
        };
        self.change("ignore a device", ignore).await
    }

    /// Forgets a device. One that is still there may be found again.
    ///
    /// # Errors
    /// When there is no such device, or the file cannot be written.
    pub async fn remove_device(
        &self,
        centre: CentreId,
        device: DeviceId,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        let remove = move |transaction: &Transaction<'_>| {
            let device = find(transaction, &centre, &device)?;
            delete(transaction, &centre, &device.device)?;
            note(
                transaction,
                &device,
                at,
                "removed",
                &device.address.to_string(),
                "",
            )
        };
        self.change("forget a device", remove).await
    }
}

/// Notes what happened to a device.
fn note(
    connection: &Connection,
    device: &Asked,
    at: Timestamp,
    what: &str,
    before: &str,
    after: &str,
) -> Result<(), Failure> {
    let place = Place {
        centre: &device.centre,
        device: device.device.as_str(),
        at,
    };
    Ok(events::note(connection, place, what, before, after)?)
}

/// Notes what of a device is another now.
fn note_changes(
    connection: &Connection,
    before: &Asked,
    now: &Asked,
    at: Timestamp,
) -> Result<(), Failure> {
    let ipp = |device: &Asked| {
        device
            .ipp
            .as_ref()
            .map_or(String::new(), ToString::to_string)
    };
    let parts = |device: &Asked| {
        [
            ("kind", device.kind.as_str().to_owned()),
            ("address", device.address.to_string()),
            ("credential", device.credential.clone().unwrap_or_default()),
            ("ipp", ipp(device)),
            ("serial", device.serial.clone().unwrap_or_default()),
        ]
    };
    for ((what, before), (_, after)) in parts(before).into_iter().zip(parts(now)) {
        if before != after {
            note(connection, now, at, what, &before, &after)?;
        }
    }
    Ok(())
}

fn find(connection: &Connection, centre: &CentreId, device: &DeviceId) -> Result<Asked, Failure> {
    centre_exists(connection, centre)?;
    let found = connection
        .prepare_cached(
            "SELECT *, NULL AS vendor, NULL AS model, NULL AS os, NULL AS firmware,
                    NULL AS told_serial
             FROM devices WHERE centre = ? AND device = ?",
        )?
        .query_row(params![centre.as_str(), device.as_str()], from_row)
        .optional()?;
    found.ok_or_else(|| {
        let (centre, device) = (centre.clone(), device.clone());
        RegistryError::UnknownDevice { centre, device }.into()
    })
}

fn refuse_taken(
    connection: &Connection,
    centre: &CentreId,
    device: &DeviceId,
) -> Result<(), Failure> {
    let taken = taken(connection, centre)?;
    if taken.iter().all(|name| name != device.as_str()) {
        return Ok(());
    }
    let (centre, device) = (centre.clone(), device.clone());
    Err(RegistryError::NameTaken { centre, device }.into())
}

fn refuse_full(connection: &Connection, centre: &CentreId) -> Result<(), Failure> {
    let approved: u32 = connection
        .prepare_cached("SELECT count(*) FROM devices WHERE centre = ? AND status = 'approved'")?
        .query_row([centre.as_str()], |row| row.get(0))?;
    if (approved as usize) < DEVICES_PER_PLAN {
        return Ok(());
    }
    let centre = centre.clone();
    Err(RegistryError::TooManyDevices { centre }.into())
}

fn refuse_unaskable(connection: &Connection, device: &Asked) -> Result<(), Failure> {
    match &device.credential {
        Some(name) => credentials::may_use(connection, name, &device.centre),
        None if device.ipp.is_some() => Ok(()),
        None => {
            let device = device.device.clone();
            Err(RegistryError::Unaskable { device }.into())
        }
    }
}
