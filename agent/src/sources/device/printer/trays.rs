//! `prtInputTable` (RFC 3805): where a printer takes paper from.
//!
//! Manual feeds and trays that do not exist ("AUTO", "Auto Select") are told as the printer tells them.
//! Deliberately absent: sizes and kinds of paper.

use super::super::said::Tray;
use super::super::snmp::{Oid, oid};
use super::super::table::Table;
use super::level::Told;
use super::supplies::number;

const MAX: Oid = oid!("1.3.6.1.2.1.43.8.2.1.9");
const LEVEL: Oid = oid!("1.3.6.1.2.1.43.8.2.1.10");
const NAME: Oid = oid!("1.3.6.1.2.1.43.8.2.1.13");
const DESCRIPTION: Oid = oid!("1.3.6.1.2.1.43.8.2.1.18");
pub(super) const COLUMNS: [Oid; 4] = [LEVEL, MAX, NAME, DESCRIPTION];

/// All of them, in the order of their indexes, and what is wrong with some.
pub(super) fn trays(table: &Table) -> (Vec<Tray>, Vec<String>) {
    let mut problems = Vec::new();
    let trays = table.rows().map(|row| {
        let told = Told::read(row, &LEVEL, &MAX);
        let name = row.text(&NAME).or_else(|| row.text(&DESCRIPTION));
        let name = name.unwrap_or_else(|| format!("tray {}", number(row)));
        problems.extend(told.problem().map(|problem| format!("{name}: {problem}")));
        Tray {
            name,
            level: told.meaning(),
        }
    });
    (trays.collect(), problems)
}
