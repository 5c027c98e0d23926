//! `prtMarkerLifeCount` (RFC 3805): how many pages a printer has made.
//!
//! The first marker that counts impressions or sheets, or does not say what it counts; not their sum, since
//! one page passes several markers of a colour printer. Deliberately absent: pages since it was started.

use super::super::snmp::{Oid, oid};
use super::super::table::Table;

const UNIT: Oid = oid!("1.3.6.1.2.1.43.10.2.1.3");
const COUNT: Oid = oid!("1.3.6.1.2.1.43.10.2.1.4");
pub(super) const COLUMNS: [Oid; 2] = [COUNT, UNIT];

/// `PrtMarkerCounterUnitTC`, what is no page: lengths, characters, lines, dots, hours.
const NO_PAGES: [i64; 8] = [3, 4, 5, 6, 9, 11, 16, 17];

/// Pages it has made. `None` where it does not count them.
pub(super) fn total(table: &Table) -> Option<u64> {
    let counts_pages = |unit: Option<i64>| unit.is_none_or(|unit| !NO_PAGES.contains(&unit));
    let mut markers = table.rows().filter(|row| counts_pages(row.i64(&UNIT)));
    markers.find_map(|row| row.u64(&COUNT))
}
