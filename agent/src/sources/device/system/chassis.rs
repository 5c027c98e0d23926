//! Model, serial number and firmware of a device by ENTITY-MIB (RFC 6933): those of its chassis.
//!
//! A table of hundreds of ports and sensors, so it is read no further than where a chassis is to be
//! expected: agents list what contains others first.

use super::super::said::Said;
use super::super::snmp::{Oid, Session, Trouble, Value, oid};

const ENT_PHYSICAL_CLASS: Oid = oid!("1.3.6.1.2.1.47.1.1.1.1.5");
const ENT_PHYSICAL_NAME: Oid = oid!("1.3.6.1.2.1.47.1.1.1.1.7");
const ENT_PHYSICAL_FIRMWARE_REV: Oid = oid!("1.3.6.1.2.1.47.1.1.1.1.9");
const ENT_PHYSICAL_SOFTWARE_REV: Oid = oid!("1.3.6.1.2.1.47.1.1.1.1.10");
const ENT_PHYSICAL_SERIAL_NUM: Oid = oid!("1.3.6.1.2.1.47.1.1.1.1.11");
const ENT_PHYSICAL_MODEL_NAME: Oid = oid!("1.3.6.1.2.1.47.1.1.1.1.13");

/// `chassis` of `IANAPhysicalClass`.
const CHASSIS: i64 = 3;

/// Rows that are looked at.
const LOOKED: usize = 20;

/// Fills what is not known yet.
pub(super) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    let walked = session.walk(&ENT_PHYSICAL_CLASS, LOOKED).await;
    if let Some(trouble) = walked.trouble.filter(|trouble| trouble.is_final()) {
        return Err(trouble);
    }
    let mut rows = walked.rows.iter();
    let chassis = rows.find(|row| row.value.as_i64() == Some(CHASSIS));
    let index = match chassis.and_then(|row| row.oid.suffix(&ENT_PHYSICAL_CLASS)) {
        Some(index) => index,
        // Without classes the first row is what contains the others.
        None if walked.rows.is_empty() => &[1],
        None => return Ok(()),
    };
    let cells = [
        ENT_PHYSICAL_MODEL_NAME,
        ENT_PHYSICAL_NAME,
        ENT_PHYSICAL_SERIAL_NUM,
        ENT_PHYSICAL_SOFTWARE_REV,
        ENT_PHYSICAL_FIRMWARE_REV,
    ]
    .map(|column| column.child(index));
    let told = session.get(&cells).await?;
    let [model, name, serial, software, firmware] = cells.map(|cell| {
        let binding = told.iter().find(|binding| binding.oid == cell)?;
        Value::as_text(&binding.value)
    });
    said.model = said.model.take().or(model).or(name);
    said.serial = said.serial.take().or(serial);
    said.firmware = said.firmware.take().or(software).or(firmware);
    Ok(())
}
