//! `prtMarkerSuppliesTable` (RFC 3805): what a printer uses up, and receptacles that fill.
//!
//! Read by row, whatever gaps there are between the indexes. Two rows for one toner stay two, with the
//! name the printer gives both. Deliberately absent: the unit of the level, since only its share counts.

use super::super::said::Supply;
use super::super::snmp::{Oid, oid};
use super::super::table::{Row, Table};
use super::colours;
use super::level::Told;

const COLORANT: Oid = oid!("1.3.6.1.2.1.43.11.1.1.3");
const CLASS: Oid = oid!("1.3.6.1.2.1.43.11.1.1.4");
const TYPE: Oid = oid!("1.3.6.1.2.1.43.11.1.1.5");
const DESCRIPTION: Oid = oid!("1.3.6.1.2.1.43.11.1.1.6");
const MAX: Oid = oid!("1.3.6.1.2.1.43.11.1.1.8");
const LEVEL: Oid = oid!("1.3.6.1.2.1.43.11.1.1.9");
/// What matters most first: a device may be gone in the midst of it.
pub(super) const COLUMNS: [Oid; 6] = [LEVEL, MAX, DESCRIPTION, TYPE, CLASS, COLORANT];

/// What most have, if any: `prtMarkerSuppliesLevel.1.1`.
pub(super) const FIRST: Oid = oid!("1.3.6.1.2.1.43.11.1.1.9.1.1");

/// `prtMarkerColorantValue`.
pub(super) const COLORANT_VALUE: Oid = oid!("1.3.6.1.2.1.43.12.1.1.4");

/// `PrtMarkerSuppliesClassTC`: `receptacleThatIsFilled`.
const RECEPTACLE: i64 = 4;

/// `PrtMarkerSuppliesTypeTC` from 1 on.
const TYPES: [&str; 34] = [
    "other",
    "unknown",
    "toner",
    "wasteToner",
    "ink",
    "inkCartridge",
    "inkRibbon",
    "wasteInk",
    "opc",
    "developer",
    "fuserOil",
    "solidWax",
    "ribbonWax",
    "wasteWax",
    "fuser",
    "coronaWire",
    "fuserOilWick",
    "cleanerUnit",
    "fuserCleaningPad",
    "transferUnit",
    "tonerCartridge",
    "fuserOiler",
    "water",
    "wasteWater",
    "glueWaterAdditive",
    "wastePaper",
    "bindingSupply",
    "bandingSupply",
    "stitchingWire",
    "shrinkWrap",
    "paperWrap",
    "staples",
    "inserts",
    "covers",
];

/// All of them, in the order of their indexes, and what is wrong with some.
pub(super) fn supplies(table: &Table, colorants: &Table) -> (Vec<Supply>, Vec<String>) {
    let is_supply = |row: &Row<'_>| row.get(&LEVEL).is_some() || row.get(&DESCRIPTION).is_some();
    let rows = table.rows().filter(is_supply);
    let mut problems = Vec::new();
    let supplies = rows.map(|row| {
        let (supply, problem) = supply(row, colorants);
        problems.extend(problem.map(|problem| format!("{}: {problem}", supply.description)));
        supply
    });
    (supplies.collect(), problems)
}

fn supply(row: Row<'_>, colorants: &Table) -> (Supply, Option<String>) {
    let told = Told::read(row, &LEVEL, &MAX);
    let description = row.text(&DESCRIPTION);
    let colour = match (colorant(row, colorants), &description) {
        (Some(colour), _) => colour,
        (None, Some(description)) => colours::in_description(description),
        (None, None) => "",
    };
    let kind = kind(row);
    let supply = Supply {
        description: description.unwrap_or_else(|| format!("supply {}", number(row))),
        kind: kind.to_owned(),
        colour: colour.to_owned(),
        receptacle: row.i64(&CLASS) == Some(RECEPTACLE) || kind.starts_with("waste"),
        level: told.meaning(),
    };
    (supply, told.problem())
}

/// Its colour by `prtMarkerColorantTable`, where that says one.
fn colorant(row: Row<'_>, colorants: &Table) -> Option<&'static str> {
    let (device, _) = row.index.split_first()?;
    let index = u32::try_from(row.i64(&COLORANT)?).ok()?;
    let value = colorants.row(&[*device, index])?.text(&COLORANT_VALUE)?;
    let colour = colours::of_colorant(&value);
    (!colour.is_empty()).then_some(colour)
}

fn kind(row: Row<'_>) -> &'static str {
    let number = row
        .i64(&TYPE)
        .and_then(|number| usize::try_from(number).ok());
    let known = number.and_then(|number| TYPES.get(number.checked_sub(1)?));
    known.copied().unwrap_or_default()
}

/// The last of its index, which is what people count by.
pub(super) fn number(row: Row<'_>) -> u32 {
    row.index.last().copied().unwrap_or_default()
}
