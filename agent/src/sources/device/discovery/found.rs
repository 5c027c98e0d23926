//! What is told of a device that was found: what it is recognised by, and how it is asked. Pure.
//!
//! Of what SNMP and IPP say of the same thing, SNMP's counts: it is of the whole device. What is too long for
//! a text is cut; a serial number is not, since two cut ones could be equal.

use std::net::Ipv4Addr;

use proto::limits::TEXT_BYTES;
use proto::plan::{Ipp, Kind, Mac, is_label};
use proto::wire::FoundDevice;

use super::super::said::Said;

/// All that is known of an address after it was looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// The credential it answered to, and what it said.
    pub(super) snmp: Option<(String, Said)>,
    /// Where it answers IPP, and what it said.
    pub(super) ipp: Option<(Ipp, Said)>,
    /// What it called itself without being asked alone.
    pub(super) name: Option<String>,
}

/// `None` where nobody says anything.
pub(super) fn found(address: Ipv4Addr, mac: Option<Mac>, seen: Seen) -> Option<FoundDevice> {
    let Seen { snmp, ipp, name } = seen;
    let (credential, by_snmp) = snmp.unzip();
    let (ipp, by_ipp) = ipp.unzip();
    if by_snmp.is_none() && by_ipp.is_none() {
        return None;
    }
    let (first, second) = (by_snmp.unwrap_or_default(), by_ipp.unwrap_or_default());
    let kind = first
        .kind
        .or(second.kind)
        .filter(|kind| *kind != Kind::Other);
    let mac = mac.or_else(|| first.macs.first().copied());
    let serial = first.serial.or(second.serial);
    Some(FoundDevice {
        address: address.to_string(),
        mac: mac.map(|mac| mac.to_string()).unwrap_or_default(),
        serial: serial.filter(|serial| is_label(serial)).unwrap_or_default(),
        kind: kind.map_or("", Kind::as_str).to_owned(),
        vendor: text(first.vendor.or(second.vendor)),
        model: text(first.model.or(second.model)),
        firmware: text(first.firmware.or(second.firmware)),
        name: text(first.name.or(second.name).or(name)),
        credential: credential.unwrap_or_default(),
        ipp: ipp.map(String::from).unwrap_or_default(),
    })
}

fn text(said: Option<String>) -> String {
    let mut text = said.unwrap_or_default();
    text.retain(|c| !c.is_control());
    text.truncate(text.floor_char_boundary(TEXT_BYTES));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);

    fn said(vendor: &str, serial: Option<&str>, kind: Option<Kind>) -> Said {
        Said {
            kind,
            vendor: Some(vendor.to_owned()),
            serial: serial.map(str::to_owned),
            ..Said::default()
        }
    }

    fn ipp() -> Ipp {
        "631/ipp/print".parse().unwrap()
    }

    #[test]
    fn a_printer_is_told_once_with_both_ways_of_asking_it() {
        let seen = Seen {
            snmp: Some(("office".to_owned(), said("Brother", None, None))),
            ipp: Some((ipp(), said("BROTHER", Some("E7"), Some(Kind::Printer)))),
            name: Some("Tầng 2".to_owned()),
        };
        let mac = Mac([0, 17, 34, 51, 68, 85]);
        let expected = FoundDevice {
            address: "10.0.0.7".to_owned(),
            mac: "001122334455".to_owned(),
            serial: "E7".to_owned(),
            kind: "printer".to_owned(),
            vendor: "Brother".to_owned(),
            model: String::new(),
            firmware: String::new(),
            name: "Tầng 2".to_owned(),
            credential: "office".to_owned(),
            ipp: "631/ipp/print".to_owned(),
        };
        assert_eq!(found(ADDRESS, Some(mac), seen), Some(expected));
    }

    #[test]
    fn who_says_nothing_is_not_found() {
        let heard = Seen {
            name: Some("Laser".to_owned()),
            ..Seen::default()
        };
        assert_eq!(found(ADDRESS, Some(Mac([1; 6])), heard), None);
    }

    #[test]
    fn what_it_is_goes_unsaid_unless_it_is_known() {
        let seen = Seen {
            snmp: Some(("a".to_owned(), said("net-snmp", None, Some(Kind::Other)))),
            ..Seen::default()
        };
        let found = found(ADDRESS, None, seen).unwrap();
        assert_eq!((found.kind.as_str(), found.mac.as_str()), ("", ""));
    }

    #[test]
    fn a_text_is_cut_where_it_is_too_long_and_a_serial_number_is_none_then() {
        let long = "ậ".repeat(100);
        let said = Said {
            model: Some(format!("a\n{long}")),
            macs: vec![Mac([2; 6])],
            ..said("x", Some(&long), None)
        };
        let seen = Seen {
            snmp: Some(("a".to_owned(), said)),
            ..Seen::default()
        };
        let found = found(ADDRESS, None, seen).unwrap();
        assert_eq!(found.model, format!("a{}", "ậ".repeat(42)));
        assert_eq!(found.serial, "");
        assert_eq!(found.mac, "020202020202", "the device's own word for it");
    }
}
