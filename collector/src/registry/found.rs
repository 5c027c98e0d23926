//! What a scout's look at its network found, noted in one go: new devices, and what is new of known ones.
//! Which is which was decided before (`crate::found`).

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::plan::{Ipp, Kind, Mac};
use rusqlite::{Connection, Transaction, named_params, params};

use super::devices::{self, Asked, Status};
use super::error::Failure;
use super::events::{self, Place};
use super::inventory::{self, Inventory};
use super::{Registry, RegistryError, enrol, milliseconds};

/// Devices of one centre that may wait to be approved.
pub const FOUND_PER_CENTRE: u32 = 256;

/// What nobody decided about and no look found again for longer is forgotten.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// A device that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFound {
    /// What to call it, unless that is taken.
    pub wanted: String,
    /// What it seems to be.
    pub kind: Kind,
    /// Where it answered.
    pub address: IpAddr,
    /// What it answered to.
    pub credential: Option<String>,
    /// Where it answered IPP.
    pub ipp: Option<Ipp>,
    /// What it is recognised by.
    pub mac: Option<Mac>,
    /// As its owner called it.
    pub name: Option<String>,
    /// What it says it is; its serial number is what it is recognised by, too.
    pub inventory: Inventory,
}

/// A device that is known, found again. `None` is what there is nothing new of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub device: DeviceId,
    /// Where it answers now.
    pub address: Option<IpAddr>,
    /// Not known so far.
    pub serial: Option<String>,
    /// Not known so far.
    pub mac: Option<Mac>,
    /// What it seems to be now.
    pub kind: Option<Kind>,
    /// What it answers to now.
    pub credential: Option<String>,
    /// Where it answers IPP now.
    pub ipp: Option<Ipp>,
    /// As its owner calls it now.
    pub name: Option<String>,
    /// What it says it is.
    pub inventory: Option<Inventory>,
}

impl Seen {
    /// With nothing new.
    #[must_use]
    pub fn again(device: DeviceId) -> Self {
        Self {
            device,
            address: None,
            serial: None,
            mac: None,
            kind: None,
            credential: None,
            ipp: None,
            name: None,
            inventory: None,
        }
    }
}

/// What one look found in a centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Where.
    pub centre: CentreId,
    /// When.
    pub at: Timestamp,
    /// What is not known.
    pub new: Vec<NewFound>,
    /// What is.
    pub seen: Vec<Seen>,
}

/// What was made of a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    /// New devices, with the names they got.
    pub found: Vec<DeviceId>,
    /// Devices with their address before and now.
    pub moved: Vec<(DeviceId, IpAddr)>,
    /// New devices for which the centre has no room.
    pub refused: usize,
    /// Whether devices are others than before.
    changed: bool,
}

impl Registry {
    /// Notes what a look found. That a device was seen is no change of version.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn looked(&self, look: Look) -> Result<Noted, RegistryError> {
        let note = move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let mut noted = Noted::default();
            for seen in &look.seen {
                again(&transaction, &look, seen, &mut noted)?;
            }
            noted.changed |= forget_gone(&transaction, &look)? > 0;
            for new in &look.new {
                add(&transaction, &look, new, &mut noted)?;
            }
            transaction.commit()?;
            Ok(noted)
        };
        self.run("note what was found", note, |noted| noted.changed)
            .await
    }
}

/// Notes what is new of a device that is known. One that somebody removed meanwhile is found next time.
fn again(
    transaction: &Transaction<'_>,
    look: &Look,
    seen: &Seen,
    noted: &mut Noted,
) -> rusqlite::Result<()> {
    let names = params![look.centre.as_str(), seen.device.as_str()];
    let before: Option<String> = transaction
        .prepare_cached("SELECT address FROM devices WHERE centre = ? AND device = ?")?
        .query_map(names, |row| row.get(0))?
        .next()
        .transpose()?;
    let Some(before) = before else {
        return Ok(());
    };
    let place = Place {
        centre: &look.centre,
        device: seen.device.as_str(),
        at: look.at,
    };
    let address = seen.address.map(|address| address.to_string());
    let address = address.filter(|address| *address != before);
    if let Some(address) = &address {
        events::note(transaction, place, "address", &before, address)?;
    }
    if let (Some(_), Some(to)) = (&address, seen.address) {
        noted.moved.push((seen.device.clone(), to));
    }
    let mac = seen.mac.map(|mac| mac.to_string());
    noted.changed |= *seen != Seen::again(seen.device.clone());
    transaction
        .prepare_cached(
            "UPDATE devices SET
                 address = coalesce(:address, address), serial = coalesce(:serial, serial),
                 mac = coalesce(:mac, mac), kind = coalesce(:kind, kind),
                 credential = coalesce(:credential, credential), ipp = coalesce(:ipp, ipp),
                 name = coalesce(:name, name), last_seen = :at
             WHERE centre = :centre AND device = :device",
        )?
        .execute(named_params! {
            ":address": address,
            ":serial": seen.serial,
            ":mac": mac,
            ":kind": seen.kind.map(Kind::as_str),
            ":credential": known_credential(transaction, seen.credential.as_deref(), look)?,
            ":ipp": seen.ipp.as_ref().map(ToString::to_string),
            ":name": seen.name,
            ":at": milliseconds(look.at),
            ":centre": place.centre.as_str(),
            ":device": place.device,
        })?;
    if let Some(said) = &seen.inventory {
        noted.changed |= inventory::note(transaction, place, said.clone())?;
    }
    Ok(())
}

/// How many there were.
fn forget_gone(transaction: &Transaction<'_>, look: &Look) -> rusqlite::Result<usize> {
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let gone: Vec<DeviceId> = transaction
        .prepare_cached(
            "SELECT device FROM devices
             WHERE centre = ? AND status = 'found' AND coalesce(last_seen, found_at) < ?",
        )?
        .query_map(
            params![
                look.centre.as_str(),
                milliseconds(look.at).saturating_sub(kept)
            ],
            |row| super::id(row, "device"),
        )?
        .collect::<rusqlite::Result<_>>()?;
    for device in &gone {
        devices::delete(transaction, &look.centre, device)?;
        transaction.execute(
            "DELETE FROM events WHERE centre = ? AND device = ?",
            params![look.centre.as_str(), device.as_str()],
        )?;
    }
    Ok(gone.len())
}

/// Adds what is not known, if there is room for it.
fn add(
    transaction: &Transaction<'_>,
    look: &Look,
    new: &NewFound,
    noted: &mut Noted,
) -> rusqlite::Result<()> {
    let waiting: u32 = transaction
        .prepare_cached("SELECT count(*) FROM devices WHERE centre = ? AND status = 'found'")?
        .query_row([look.centre.as_str()], |row| row.get(0))?;
    let taken = devices::taken(transaction, &look.centre)?;
    let free = enrol::free_name(&new.wanted, &taken);
    let (true, Some(device)) = (waiting < FOUND_PER_CENTRE, free) else {
        noted.refused += 1;
        return Ok(());
    };
    let serial = &new.inventory.serial;
    let row = Asked {
        centre: look.centre.clone(),
        device: device.clone(),
        kind: new.kind,
        status: Status::Found,
        address: new.address,
        // One that was removed meanwhile does not keep the device from being found.
        credential: known_credential(transaction, new.credential.as_deref(), look)?,
        ipp: new.ipp.clone(),
        serial: (!serial.is_empty()).then(|| serial.clone()),
        mac: new.mac,
        name: new.name.clone(),
        found_at: look.at,
        approved_at: None,
        last_seen: Some(look.at),
        inventory: Inventory::default(),
    };
    inventory::forget(transaction, &row.centre, &row.device)?;
    devices::store(transaction, &row)?;
    let place = Place {
        centre: &look.centre,
        device: device.as_str(),
        at: look.at,
    };
    inventory::note(transaction, place, new.inventory.clone())?;
    events::note(transaction, place, "found", "", &new.address.to_string())?;
    noted.found.push(device);
    noted.changed = true;
    Ok(())
}

fn known_credential(
    transaction: &Transaction<'_>,
    name: Option<&str>,
    look: &Look,
) -> rusqlite::Result<Option<String>> {
    let Some(name) = name else {
        return Ok(None);
    };
    match super::credentials::may_use(transaction, name, &look.centre) {
        Ok(()) => Ok(Some(name.to_owned())),
        Err(Failure::Refused(_)) => Ok(None),
        Err(Failure::Query(error)) => Err(error),
    }
}
