//! What happened to machines and devices: found, approved, moved, another serial number where it used to be
//! this one. The newest of each are kept.

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use rusqlite::{Connection, Row, named_params};

use super::error::Failure;
use super::{Registry, RegistryError, centre_exists, id, milliseconds, time};

/// Events that are kept of one device.
pub(super) const EVENTS_PER_DEVICE: u32 = 200;

/// Something that happened to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it is.
    pub centre: CentreId,
    /// Its name then.
    pub device: DeviceId,
    /// When it was noted.
    pub at: Timestamp,
    /// `found`, `added`, `approved`, `ignored`, `removed`; or what of it changed: `name`, `kind`,
    /// `credential`, `ipp`, `address`, `mac`, `vendor`, `model`, `serial`, `os`, `firmware`.
    pub what: String,
    /// What it was before. Empty for nothing.
    pub before: String,
    /// What it is now. Empty for nothing.
    pub after: String,
}

impl Registry {
    /// What happened in a centre, or to one device of it, the newest first.
    ///
    /// # Errors
    /// When the centre is unknown, or the file cannot be read.
    pub async fn events(
        &self,
        centre: CentreId,
        device: Option<DeviceId>,
    ) -> Result<Vec<Event>, RegistryError> {
        let read = move |connection: &mut Connection| {
            match centre_exists(connection, &centre) {
                Ok(()) => {}
                Err(Failure::Refused(error)) => return Ok(Err(error)),
                Err(Failure::Query(error)) => return Err(error),
            }
            let device = device.as_ref().map(DeviceId::as_str);
            let events = connection
                .prepare_cached(
                    "SELECT * FROM events
                     WHERE centre = :centre AND (:device IS NULL OR device = :device)
                     ORDER BY id DESC",
                )?
                .query_map(
                    named_params! { ":centre": centre.as_str(), ":device": device },
                    from_row,
                )?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Ok(events))
        };
        self.call("list what happened", read).await?
    }
}

/// Where something happened, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) centre: &'a CentreId,
    pub(super) device: &'a str,
    pub(super) at: Timestamp,
}

/// Notes what happened, and forgets the oldest of the device.
pub(super) fn note(
    connection: &Connection,
    place: Place<'_>,
    what: &str,
    before: &str,
    after: &str,
) -> rusqlite::Result<()> {
    let (centre, device) = (place.centre.as_str(), place.device);
    connection
        .prepare_cached(
            "INSERT INTO events (centre, device, at, what, before, after)
             VALUES (:centre, :device, :at, :what, :before, :after)",
        )?
        .execute(named_params! {
            ":centre": centre,
            ":device": device,
            ":at": milliseconds(place.at),
            ":what": what,
            ":before": before,
            ":after": after,
        })?;
    connection
        .prepare_cached(
            "DELETE FROM events WHERE centre = :centre AND device = :device AND id <=
                 (SELECT id FROM events WHERE centre = :centre AND device = :device
                  ORDER BY id DESC LIMIT 1 OFFSET :most)",
        )?
        .execute(named_params! {
            ":centre": centre,
            ":device": device,
            ":most": EVENTS_PER_DEVICE,
        })?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        centre: id(row, "centre")?,
        device: id(row, "device")?,
        at: time(row, "at")?,
        what: row.get("what")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
