//! `[[witness]]`: the machine of a centre that is to be awake before its doors open.

use std::collections::HashMap;

use proto::ids::{CentreId, DeviceId};
use settings::Table;

/// Every centre of a country may have one.
const TABLES: usize = 5_000;

/// Reads all of it.
pub(super) fn witnesses(root: &Table<'_>) -> HashMap<CentreId, DeviceId> {
    let tables = root.tables("witness");
    if tables.len() > TABLES {
        let message = format!("is there too often: {TABLES} times are allowed");
        root.mistake_at("witness", &message);
    }
    let mut witnesses = HashMap::new();
    for table in tables.iter().take(TABLES) {
        table.require(&["centre", "device"]);
        let centre = table.value::<CentreId>("centre", "the id of a centre such as \"cong-son\"");
        let device = table.value::<DeviceId>("device", "the name of a machine such as \"pc-01\"");
        let (Some(centre), Some(device)) = (centre, device) else {
            continue;
        };
        if let std::collections::hash_map::Entry::Vacant(e) = witnesses.entry(centre) {
            e.insert(device);
        } else {
            table.mistake_at("centre", "has a witness already: one machine is woken");
        }
    }
    witnesses
}
