//! What every device says of itself, whatever it is: who made it, which one it is, since when it runs.
//!
//! The system group of SNMPv2-MIB (RFC 3418), and by [`makes`] what makers keep elsewhere. Model and
//! serial number come from the maker's own place, then from Printer-MIB or UPS-MIB, then from the
//! chassis of ENTITY-MIB. What a device is comes from its make; where that does not say, from what it
//! has. Deliberately absent: `sysLocation` and `sysContact`, which the registry knows better.

mod chassis;
mod makes;
mod uptime;

use proto::plan::Kind;

use self::makes::{Make, Place};
pub(crate) use self::uptime::WRAP as UPTIME_WRAP;
use super::said::Said;
use super::snmp::{Binding, Oid, Session, Trouble, Value, oid};

const SYS_DESCR: Oid = oid!("1.3.6.1.2.1.1.1.0");
pub(super) const SYS_OBJECT_ID: Oid = oid!("1.3.6.1.2.1.1.2.0");
const SYS_UP_TIME: Oid = oid!("1.3.6.1.2.1.1.3.0");
const SYS_NAME: Oid = oid!("1.3.6.1.2.1.1.5.0");
const SNMP_ENGINE_TIME: Oid = oid!("1.3.6.1.6.3.10.2.1.3.0");
const HR_SYSTEM_UPTIME: Oid = oid!("1.3.6.1.2.1.25.1.1.0");

/// Of the first device of Host-Resources-MIB, which is the printer where there is one.
const HR_DEVICE_TYPE: Oid = oid!("1.3.6.1.2.1.25.3.2.1.2.1");
const HR_DEVICE_DESCR: Oid = oid!("1.3.6.1.2.1.25.3.2.1.3.1");
const HR_DEVICE_PRINTER: Oid = oid!("1.3.6.1.2.1.25.3.1.5");
const PRT_GENERAL_SERIAL_NUMBER: Oid = oid!("1.3.6.1.2.1.43.5.1.1.17.1");

const UPS_IDENT_MANUFACTURER: Oid = oid!("1.3.6.1.2.1.33.1.1.1.0");
const UPS_IDENT_MODEL: Oid = oid!("1.3.6.1.2.1.33.1.1.2.0");
const UPS_IDENT_UPS_SOFTWARE_VERSION: Oid = oid!("1.3.6.1.2.1.33.1.1.3.0");
const UPS_BATTERY_STATUS: Oid = oid!("1.3.6.1.2.1.33.1.2.1.0");

const IP_FORWARDING: Oid = oid!("1.3.6.1.2.1.4.1.0");
const DOT1D_BASE_NUM_PORTS: Oid = oid!("1.3.6.1.2.1.17.1.2.0");

/// Reads it. With an error the device did not even say who it is.
pub(crate) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    let first = session
        .get(&[SYS_DESCR, SYS_OBJECT_ID, SYS_UP_TIME, SYS_NAME])
        .await?;
    let mut told = Told(first);
    let description = told.text(&SYS_DESCR);
    let make = match told.value(&SYS_OBJECT_ID) {
        Some(Value::Oid(object)) => makes::of(object, description.as_deref().unwrap_or_default()),
        _ => None,
    };
    said.name = told.text(&SYS_NAME);
    said.vendor = make.map(|make| make.vendor.to_owned());
    said.kind = make.and_then(|make| make.kind);

    // It said who it is: trouble from here on is told as a problem, and by whoever reads on.
    let rest = match session.get(&further(make, said.kind)).await {
        Ok(further) => {
            told.0.extend(further);
            Ok(())
        }
        Err(trouble) => Err(trouble),
    };
    said.uptime_seconds = uptime::seconds(
        told.value(&SYS_UP_TIME),
        told.value(&SNMP_ENGINE_TIME),
        told.value(&HR_SYSTEM_UPTIME),
    );
    said.kind = said.kind.or_else(|| kind_by_what_it_has(&told));
    identify(said, make, description.as_deref(), &told);
    let is_known = said.model.is_some() && said.serial.is_some() && said.firmware.is_some();
    let rest = match said.kind {
        Some(Kind::Printer | Kind::Ups) => rest,
        _ if is_known || rest.is_err() => rest,
        _ => chassis::read(session, said).await,
    };
    if let Err(trouble) = rest {
        let problem = format!("of what it is not all could be read: {trouble}");
        said.problems.push(problem);
    }
    Ok(())
}

/// What to ask for once it is known who made it.
fn further(make: Option<&Make>, kind: Option<Kind>) -> Vec<Oid> {
    let mut asked = vec![SNMP_ENGINE_TIME, HR_SYSTEM_UPTIME];
    if matches!(kind, None | Some(Kind::Printer)) {
        asked.extend([HR_DEVICE_TYPE, HR_DEVICE_DESCR, PRT_GENERAL_SERIAL_NUMBER]);
    }
    if matches!(kind, None | Some(Kind::Ups)) {
        asked.extend([
            UPS_IDENT_MANUFACTURER,
            UPS_IDENT_MODEL,
            UPS_IDENT_UPS_SOFTWARE_VERSION,
        ]);
    }
    if kind.is_none() {
        asked.extend([UPS_BATTERY_STATUS, IP_FORWARDING, DOT1D_BASE_NUM_PORTS]);
    }
    let places = make.map(|make| {
        [make.model, make.serial, make.firmware]
            .into_iter()
            .flatten()
    });
    let instances = places.into_iter().flatten().flat_map(Place::instances);
    asked.extend(instances.cloned());
    asked
}

/// What it is where its make does not say.
fn kind_by_what_it_has(told: &Told) -> Option<Kind> {
    let is_printer = told.value(&HR_DEVICE_TYPE) == Some(&Value::Oid(HR_DEVICE_PRINTER))
        || told.value(&PRT_GENERAL_SERIAL_NUMBER).is_some();
    let number = |oid: &Oid| told.value(oid).and_then(Value::as_i64);
    // ipForwarding: forwarding(1), notForwarding(2).
    let is_router = number(&IP_FORWARDING) == Some(1);
    let is_bridge = number(&DOT1D_BASE_NUM_PORTS).is_some_and(|ports| ports > 1);
    if is_printer {
        Some(Kind::Printer)
    } else if told.value(&UPS_BATTERY_STATUS).is_some() {
        Some(Kind::Ups)
    } else if is_router {
        Some(Kind::Router)
    } else if is_bridge {
        Some(Kind::Switch)
    } else {
        (!told.0.is_empty()).then_some(Kind::Other)
    }
}

/// Fills vendor, model, serial number and firmware from what was told.
fn identify(said: &mut Said, make: Option<&Make>, description: Option<&str>, told: &Told) {
    let of = |places: &[Place]| {
        let mut places = places.iter();
        places.find_map(|place| place.read(description, |oid| told.text(oid)))
    };
    let (model, serial, firmware) = make.map_or((None, None, None), |make| {
        (of(make.model), of(make.serial), of(make.firmware))
    });
    let is_ups = said.kind == Some(Kind::Ups);
    let of_ups = |oid: &Oid| is_ups.then(|| told.text(oid)).flatten();
    // Where the first device is no printer, it is a processor or a disk. Some printers say no type.
    let first = told.value(&HR_DEVICE_TYPE);
    let is_printer = said.kind == Some(Kind::Printer)
        && first.is_none_or(|first| *first == Value::Oid(HR_DEVICE_PRINTER));
    let of_printer = is_printer.then(|| told.text(&HR_DEVICE_DESCR)).flatten();
    said.model = of_printer.or(model).or_else(|| of_ups(&UPS_IDENT_MODEL));
    said.serial = serial.or_else(|| told.text(&PRT_GENERAL_SERIAL_NUMBER));
    said.firmware = firmware.or_else(|| of_ups(&UPS_IDENT_UPS_SOFTWARE_VERSION));
    said.vendor = (said.vendor.take()).or_else(|| of_ups(&UPS_IDENT_MANUFACTURER));
}

/// What a device answered.
struct Told(Vec<Binding>);

impl Told {
    fn value(&self, oid: &Oid) -> Option<&Value> {
        let binding = self.0.iter().find(|binding| binding.oid == *oid)?;
        Some(&binding.value)
    }

    fn text(&self, oid: &Oid) -> Option<String> {
        self.value(oid)?.as_text()
    }
}

#[cfg(test)]
mod tests;
