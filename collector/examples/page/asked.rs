//! Printers, routers and UPS of the made-up province: each trouble at a device of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dawnwatch_collector::latest::{DeviceKey, Latest, Polled, Source, lock};
use dawnwatch_collector::metrics::exposition::Asking;
use dawnwatch_collector::registry::{
    Asked, Centre, Described, Inventory, NewDevice, Registry, Status,
};
use jiff::{Timestamp, ToSpan as _};
use proto::ids::CentreId;
use proto::metrics as catalogue;
use proto::plan::Kind;
use proto::stream::Series;

/// Name, kind, make, model, serial number, firmware, and whether somebody decided about it.
type Known = (
    &'static str,
    Kind,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Status,
);

const DEVICES: [Known; 12] = [
    (
        "may-in-1",
        Kind::Printer,
        "HP",
        "HP LaserJet Pro M404dn",
        "PHBLL12345",
        "20241120",
        Status::Approved,
    ),
    (
        "may-in-2",
        Kind::Printer,
        "Brother",
        "HL-L5200DW",
        "U64178K7N",
        "1.55",
        Status::Approved,
    ),
    (
        "may-in-mau",
        Kind::Printer,
        "Canon",
        "iR-ADV C3520",
        "2TK04711",
        "69.02",
        Status::Approved,
    ),
    (
        "may-in-cu",
        Kind::Printer,
        "Epson",
        "WF-C5290",
        "X3B8",
        "",
        Status::Approved,
    ),
    (
        "router",
        Kind::Router,
        "MikroTik",
        "RB750Gr3",
        "CC210BD2",
        "6.49.10",
        Status::Approved,
    ),
    (
        "switch",
        Kind::Switch,
        "D-Link",
        "DGS-1210-28",
        "R3X1",
        "6.20",
        Status::Approved,
    ),
    (
        "luu-dien",
        Kind::Ups,
        "APC",
        "Smart-UPS 1500",
        "AS1143",
        "UPS 09.3",
        Status::Approved,
    ),
    (
        "luu-dien-2",
        Kind::Ups,
        "Santak",
        "TG500",
        "",
        "",
        Status::Approved,
    ),
    (
        "wifi",
        Kind::AccessPoint,
        "Ubiquiti",
        "UAP-AC-LR",
        "F09FC2",
        "6.6.55",
        Status::Approved,
    ),
    ("camera", Kind::Other, "", "", "", "", Status::Approved),
    (
        "ricoh-1",
        Kind::Printer,
        "RICOH",
        "MP 2555",
        "C728M",
        "",
        Status::Found,
    ),
    ("printer-3", Kind::Printer, "", "", "", "", Status::Found),
];

/// All devices of two centres, and one of a third.
pub(crate) fn devices(centres: &[Centre]) -> anyhow::Result<Vec<Asked>> {
    let mut all = Vec::new();
    for (number, centre) in centres.iter().enumerate() {
        let count = match number {
            0 | 5 => DEVICES.len(),
            6 => 1,
            _ => 0,
        };
        for (place, known) in DEVICES.iter().take(count).enumerate() {
            all.push(asked(centre, known, 40 + place)?);
        }
    }
    Ok(all)
}

fn asked(centre: &Centre, known: &Known, host: usize) -> anyhow::Result<Asked> {
    let (device, kind, vendor, model, serial, firmware, status) = *known;
    let now = Timestamp::now();
    Ok(Asked {
        centre: centre.id.clone(),
        device: device.parse()?,
        kind,
        status,
        address: format!("192.168.1.{host}").parse()?,
        credential: (device != "printer-3").then(|| "public".to_owned()),
        ipp: None,
        serial: None,
        mac: format!("001ba90102{host:02}").parse().ok(),
        name: None,
        found_at: now - 300.hours(),
        approved_at: Some(now - 290.hours()),
        last_seen: Some(now - 12.minutes()),
        inventory: Inventory {
            vendor: vendor.into(),
            model: model.into(),
            serial: serial.into(),
            os: String::new(),
            firmware: firmware.into(),
        },
    })
}

fn key(device: &Asked) -> DeviceKey {
    DeviceKey {
        centre: device.centre.clone(),
        device: device.device.clone(),
    }
}

fn approved(devices: &[Asked]) -> impl Iterator<Item = &Asked> {
    devices
        .iter()
        .filter(|device| device.status == Status::Approved)
}

/// For the live view.
pub(crate) fn sources(devices: &[Asked]) -> impl Iterator<Item = (DeviceKey, Source)> {
    approved(devices).map(|device| (key(device), Polled { kind: device.kind }.into()))
}

/// For the page.
pub(crate) fn by_centre(devices: Vec<Asked>) -> BTreeMap<CentreId, Vec<Asked>> {
    let mut centres: BTreeMap<CentreId, Vec<Asked>> = BTreeMap::new();
    for device in devices {
        let of_centre = centres.entry(device.centre.clone()).or_default();
        of_centre.push(device);
    }
    centres
}

/// Every centre has a scout.
pub(crate) fn asking(devices: &[Asked]) -> anyhow::Result<HashMap<CentreId, Asking>> {
    let scout = |device: &Asked| {
        let scout = Some("pc-01".parse()?);
        Ok((device.centre.clone(), Asking { scout, found: 2 }))
    };
    devices.iter().map(scout).collect()
}

/// What changed lately.
pub(crate) async fn register(
    registry: &Registry,
    centres: &[Centre],
    devices: &[Asked],
) -> anyhow::Result<()> {
    registry.import_centres(centres.to_vec()).await?;
    let now = Timestamp::now();
    for device in approved(devices) {
        let new = NewDevice {
            centre: device.centre.clone(),
            device: device.device.clone(),
            kind: device.kind,
            address: device.address,
            credential: None,
            ipp: Some("631/ipp/print".parse()?),
            serial: None,
            mac: device.mac,
        };
        registry.add_device(new, now - 290.hours()).await?;
        for (firmware, hours) in [("old", 200), (&*device.inventory.firmware, 30)] {
            let described = Described {
                centre: device.centre.clone(),
                device: device.device.clone(),
                inventory: Inventory {
                    firmware: firmware.to_owned(),
                    ..device.inventory.clone()
                },
            };
            registry
                .described(vec![described], now - hours.hours())
                .await?;
        }
    }
    Ok(())
}

/// What each said when it was asked last.
pub(crate) fn report(latest: &Arc<Latest>, devices: &[Asked]) {
    for device in approved(devices) {
        let Some(place) = latest.device(&key(device)) else {
            continue;
        };
        let mut place = lock(&place);
        let at = Timestamp::now() - 40.seconds();
        place.heard_of(at);
        let mut put = |metric: &str, labels: &[&str], value: f64| {
            let Some((metric, part)) = catalogue::find(metric) else {
                return;
            };
            let labels = metric.labels.iter().copied().zip(labels.iter());
            let labels = labels.map(|(name, value)| (name, (*value).to_owned()));
            let series = Series {
                device: None,
                metric,
                part,
                labels: labels.collect(),
            };
            let slot = place.slot(&series).expect("a place");
            place.receiving().update(slot, at.as_millisecond(), value);
        };
        match device.device.as_str() {
            "may-in-1" => laser(&mut put, &["jam"], 0.07),
            "may-in-2" => laser(&mut put, &[], 0.62),
            "may-in-mau" => colour(&mut put),
            "may-in-cu" => return_of("timeout", &mut put),
            "router" => router(&mut put),
            "switch" => switch(&mut put),
            "luu-dien" => ups(&mut put, 1.0, 720.0),
            "luu-dien-2" => ups(&mut put, 0.0, 2_700.0),
            "wifi" => return_of("unauthorized", &mut put),
            _ => {}
        }
    }
}

type Put<'a> = dyn FnMut(&str, &[&str], f64) + 'a;

fn return_of(outcome: &str, put: &mut Put<'_>) {
    put("dawnwatch_device_poll_outcome", &["snmp", outcome], 1.0);
}

fn supply(put: &mut Put<'_>, name: &str, kind: &str, colour: &str, ratio: Option<f64>) {
    let waste = if kind.starts_with("waste") {
        "true"
    } else {
        "false"
    };
    put("dawnwatch_printer_supply_info", &[name, kind, waste], 1.0);
    let state = if ratio.is_some() {
        "measured"
    } else {
        "some_remaining"
    };
    put("dawnwatch_printer_supply_state", &[name, state], 1.0);
    if let Some(ratio) = ratio {
        put("dawnwatch_printer_supply_ratio", &[name, colour], ratio);
    }
}

fn laser(put: &mut Put<'_>, conditions: &[&str], toner: f64) {
    return_of("answered", put);
    put("dawnwatch_device_poll_outcome", &["ipp", "answered"], 1.0);
    put(
        "dawnwatch_device_reading_info",
        &["conditions", "snmp"],
        1.0,
    );
    for condition in conditions {
        put("dawnwatch_printer_condition", &[condition], 1.0);
    }
    let status = if conditions.is_empty() {
        "idle"
    } else {
        "stopped"
    };
    put("dawnwatch_printer_status", &[status], 1.0);
    put("dawnwatch_printer_pages_total", &[], 48_211.0);
    put("dawnwatch_boot_time_seconds", &[], 1_760_000_000.0);
    supply(
        put,
        "Black Cartridge HP CF259A",
        "tonerCartridge",
        "black",
        Some(toner),
    );
    supply(put, "Maintenance Kit 220V", "fuser", "", Some(0.81));
    for (tray, level) in [("Tray 1", None), ("Tray 2", Some(0.4))] {
        let state = if level.is_some() {
            "measured"
        } else {
            "some_remaining"
        };
        put("dawnwatch_printer_tray_state", &[tray, state], 1.0);
        if let Some(level) = level {
            put("dawnwatch_printer_tray_level_ratio", &[tray], level);
        }
    }
}

fn colour(put: &mut Put<'_>) {
    return_of("answered", put);
    put(
        "dawnwatch_device_reading_info",
        &["conditions", "snmp"],
        1.0,
    );
    put("dawnwatch_printer_condition", &["toner_low"], 1.0);
    put("dawnwatch_printer_status", &["standby"], 1.0);
    put("dawnwatch_printer_pages_total", &[], 312_004.0);
    for (colour, ratio) in [
        ("black", Some(0.55)),
        ("cyan", Some(0.09)),
        ("magenta", Some(0.31)),
        ("yellow", None),
    ] {
        supply(
            put,
            &format!("Canon C-EXV 49 {colour} Toner"),
            "toner",
            colour,
            ratio,
        );
    }
    supply(put, "Waste Toner Container", "wasteToner", "", Some(0.05));
    supply(put, "Drum Unit (Bk)", "opc", "black", Some(0.74));
}

fn router(put: &mut Put<'_>) {
    return_of("answered", put);
    put("dawnwatch_cpu_usage_ratio", &[], 0.23);
    put("dawnwatch_memory_size_bytes", &[], 268_435_456.0);
    put("dawnwatch_memory_available_bytes", &[], 190_000_000.0);
    put("dawnwatch_boot_time_seconds", &[], 1_770_000_000.0);
    for (name, up) in [
        ("ether1", 1.0),
        ("ether2", 1.0),
        ("ether3", 1.0),
        ("ether4", 0.0),
        ("bridge", 1.0),
    ] {
        interface(put, name, up);
    }
    for (direction, rate) in [("receive", 86e6), ("transmit", 4.1e6)] {
        put(
            "dawnwatch_wan_bits_per_second",
            &["ether1", direction],
            rate,
        );
        put(
            "dawnwatch_wan_usage_ratio",
            &["ether1", direction],
            rate / 1e8,
        );
    }
}

fn interface(put: &mut Put<'_>, name: &str, up: f64) {
    let name = [name];
    put("dawnwatch_interface_up", &name, up);
    put("dawnwatch_interface_speed_bits_per_second", &name, 1e9);
    put("dawnwatch_interface_receive_bytes_total", &name, 4.1e11);
    put("dawnwatch_interface_transmit_bytes_total", &name, 3.8e10);
    put("dawnwatch_interface_receive_errors_total", &name, 12.0);
    put("dawnwatch_interface_receive_drops_total", &name, 3.0);
}

fn switch(put: &mut Put<'_>) {
    return_of("answered", put);
    for port in 1..=28 {
        let up = f64::from(u8::from(port % 3 != 0));
        interface(put, &format!("Slot0/{port}"), up);
    }
}

fn ups(put: &mut Put<'_>, on_battery: f64, runtime: f64) {
    return_of("answered", put);
    put("dawnwatch_ups_on_battery", &[], on_battery);
    put("dawnwatch_ups_battery_ratio", &[], 0.83);
    put("dawnwatch_ups_runtime_seconds", &[], runtime);
    put("dawnwatch_ups_load_ratio", &[], 0.37);
    put("dawnwatch_ups_battery_replace", &[], on_battery);
}
