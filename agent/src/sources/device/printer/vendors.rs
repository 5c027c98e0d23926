//! What vendors' own MIBs add where the Printer-MIB gives nothing: pages, levels, a context to ask in.
//!
//! A vendor is a row in each table that it has something for. What a printer says in the standard's own terms is never replaced, except a level
//! that is no number by one that is. Deliberately absent: serial numbers and firmware, which are not
//! printers' alone.

use super::super::said::{Level, Supply};
use super::super::snmp::{Oid, oid};

/// By what a `sysObjectID` begins with, the context that has the supplies when the usual one has none: older
/// JetDirect cards of HP.
static CONTEXTS: [(Oid, &str); 1] = [(oid!("1.3.6.1.4.1.11.2.3.9"), "Jetdirect")];

/// Pages made, where `prtMarkerLifeCount` is not there: HP, Canon (counter 101), Ricoh and who sells its
/// machines, Konica Minolta, Kyocera, Xerox, and Fuji Xerox with the same MIB.
static PAGES: [(Oid, Oid); 7] = [
    (
        oid!("1.3.6.1.4.1.11.2.3.9"),
        oid!("1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.2.5.0"),
    ),
    (
        oid!("1.3.6.1.4.1.1602"),
        oid!("1.3.6.1.4.1.1602.1.11.1.3.1.4.101"),
    ),
    (
        oid!("1.3.6.1.4.1.367"),
        oid!("1.3.6.1.4.1.367.3.2.1.2.19.1.0"),
    ),
    (
        oid!("1.3.6.1.4.1.18334"),
        oid!("1.3.6.1.4.1.18334.1.1.1.5.7.2.1.1.0"),
    ),
    (
        oid!("1.3.6.1.4.1.1347"),
        oid!("1.3.6.1.4.1.1347.43.10.1.1.12.1.1"),
    ),
    (
        oid!("1.3.6.1.4.1.253"),
        oid!("1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.1"),
    ),
    (
        oid!("1.3.6.1.4.1.297"),
        oid!("1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.1"),
    ),
];

/// Records of what is left: Brother's `brInfoMaintenance`.
static MAINTENANCE: [(Oid, Oid); 1] = [(
    oid!("1.3.6.1.4.1.2435"),
    oid!("1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.8.0"),
)];

/// Where else supplies may be.
pub(super) fn context(object: Option<&Oid>) -> Option<&'static str> {
    of(&CONTEXTS, object).copied()
}

/// Where else pages may be.
pub(super) fn pages(object: Option<&Oid>) -> Option<&'static Oid> {
    of(&PAGES, object)
}

/// Where records for [`add_maintenance`] are.
pub(super) fn maintenance(object: Option<&Oid>) -> Option<&'static Oid> {
    of(&MAINTENANCE, object)
}

fn of<T>(table: &'static [(Oid, T)], object: Option<&Oid>) -> Option<&'static T> {
    let object = object?;
    let mut table = table.iter();
    table
        .find(|(tree, _)| object.starts_with(tree))
        .map(|(_, known)| known)
}

/// `brInfoMaintenance`: records of an id, 1, the length of a number, and the number, up to an id of 255.
/// These ids are shares in hundredths of a percent.
const SHARES: [(u8, Part, &str); 9] = [
    (0x6f, Part::Toner, "black"),
    (0x70, Part::Toner, "cyan"),
    (0x71, Part::Toner, "magenta"),
    (0x72, Part::Toner, "yellow"),
    (0x41, Part::Drum, ""),
    (0x80, Part::Drum, "black"),
    (0x79, Part::Drum, "cyan"),
    (0x7a, Part::Drum, "magenta"),
    (0x7b, Part::Drum, "yellow"),
];

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Toner,
    Drum,
}

impl Part {
    fn is(self, supply: &Supply) -> bool {
        match self {
            Self::Toner => matches!(
                &*supply.kind,
                "toner" | "tonerCartridge" | "ink" | "inkCartridge"
            ),
            Self::Drum => supply.kind == "opc",
        }
    }
}

/// Gives levels that are no numbers the numbers of a Brother's `brInfoMaintenance`, where it is plain which
/// supply is meant.
pub(super) fn add_maintenance(records: &[u8], supplies: &mut [Supply]) {
    for (id, value) in records_of(records) {
        let known = SHARES.iter().find(|(known, _, _)| *known == id);
        let (Some((_, part, colour)), 0..=10_000) = (known, value) else {
            continue;
        };
        let mut meant = supplies
            .iter_mut()
            .filter(|supply| part.is(supply) && (colour.is_empty() || supply.colour == *colour));
        if let (Some(supply), None) = (meant.next(), meant.next())
            && supply.level.ratio().is_none()
        {
            supply.level = Level::Measured(f64::from(value) / 10_000.0);
        }
    }
}

fn records_of(bytes: &[u8]) -> Vec<(u8, u32)> {
    const END: u8 = 0xff;
    const PADDING: [u8; 3] = [END; 3];
    let mut rest = Vec::with_capacity(bytes.len());
    let mut from = bytes;
    while let [first, after @ ..] = from {
        // Some firmware breaks records, and numbers, with three octets of padding.
        from = from.strip_prefix(&PADDING).unwrap_or_else(|| {
            rest.push(*first);
            after
        });
    }
    let mut records = Vec::new();
    let mut rest = rest.as_slice();
    while let [id, 1, length @ 1..=4, after @ ..] = rest {
        let Some((number, after)) = after.split_at_checked(usize::from(*length)) else {
            break;
        };
        if *id == END {
            break;
        }
        let number = number
            .iter()
            .fold(0, |sum, octet| sum << 8 | u32::from(*octet));
        records.push((*id, number));
        rest = after;
    }
    records
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn supply(kind: &str, colour: &str, level: Level) -> Supply {
        Supply {
            description: String::new(),
            kind: kind.to_owned(),
            colour: colour.to_owned(),
            receptacle: false,
            level,
        }
    }

    const RECORDS: [u8; 22] = [
        0x63, 1, 4, 0, 0, 0, 1, 0x41, 1, 4, 0, 0, 0x22, 0xc4, 0x6f, 1, 4, 0, 0, 0x19, 0, 0xff,
    ];

    #[test]
    fn records_end_where_they_say_or_where_they_are_cut() {
        let all = vec![(0x63, 1), (0x41, 8900), (0x6f, 6400)];
        assert_eq!(records_of(&RECORDS), all);
        assert_eq!(records_of(&RECORDS[..20]), all[..2]);
        assert_eq!(records_of(&RECORDS[..3]), []);
        assert_eq!(records_of(&[0x6f, 1, 200, 0, 0]), []);
        assert_eq!(records_of(&[]), []);
    }

    #[test]
    fn padding_within_a_number_is_no_part_of_it() {
        let octets = [
            0xff, 0xff, 0xff, 0x6f, 1, 4, 0, 0, 0x0f, 0xff, 0xff, 0xff, 0xa0, 0xff, 0xff, 0xff,
            0xff,
        ];
        assert_eq!(records_of(&octets), [(0x6f, 4000)]);
    }

    #[test]
    fn a_level_that_is_no_number_becomes_one() {
        let mut supplies = [
            supply("toner", "black", Level::SomeRemaining),
            supply("opc", "", Level::Measured(0.5)),
        ];
        add_maintenance(&RECORDS, &mut supplies);
        assert_eq!(supplies[0].level, Level::Measured(0.64));
        assert_eq!(supplies[1].level, Level::Measured(0.5));
    }

    #[test]
    fn nothing_is_guessed_between_two_supplies_alike() {
        let toner = supply("toner", "black", Level::SomeRemaining);
        let mut supplies = [toner.clone(), toner];
        add_maintenance(&RECORDS, &mut supplies);
        assert!(
            supplies
                .iter()
                .all(|supply| supply.level == Level::SomeRemaining)
        );
    }

    #[test]
    fn a_vendor_is_known_by_the_root_of_its_object_identifier() {
        assert_eq!(
            context(Some(&oid!("1.3.6.1.4.1.11.2.3.9.1"))),
            Some("Jetdirect")
        );
        assert_eq!(context(Some(&oid!("1.3.6.1.4.1.11.2.3.7.11"))), None);
        assert!(pages(Some(&oid!("1.3.6.1.4.1.367.1.1"))).is_some());
        assert!(maintenance(Some(&oid!("1.3.6.1.4.1.2435.2.3.9.1"))).is_some());
        assert_eq!(maintenance(None), None);
    }
}
