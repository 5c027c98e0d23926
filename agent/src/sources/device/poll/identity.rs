//! Whether who answers at an address is who the plan means: addresses wander, serial numbers do not. Pure.
//!
//! What is not known on either side cannot differ. Nor does who answers under the known MAC address, whatever
//! addresses it tells of itself: virtual routers, repeaters and some network cards have others on the wire.

use std::net::IpAddr;

pub(super) use proto::plan::essence;
use proto::plan::{Device, Mac};

use crate::sources::device::said::Said;

/// Why it is another device; `None` when it is the one, as far as it tells. `on_wire` is whose an address is on
/// the local network, where that is known.
pub(super) fn differs(
    device: &Device,
    said: &Said,
    on_wire: impl FnOnce(IpAddr) -> Option<Mac>,
) -> Option<String> {
    let known = device.serial.as_deref().map(essence).unwrap_or_default();
    let found = said.serial.as_deref().map(essence).unwrap_or_default();
    if !known.is_empty() && !found.is_empty() {
        // A serial number decides: a device has one, and as many MAC addresses as interfaces.
        return (known != found).then(|| {
            let address = device.address;
            format!("at {address} answers another device, with another serial number")
        });
    }
    let known = device.mac?;
    let is_other = !said.macs.is_empty() && !said.macs.contains(&known);
    if !is_other || on_wire(device.address) == Some(known) {
        return None;
    }
    let (address, found) = (device.address, said.macs.first().map(Mac::to_string));
    let found = found.unwrap_or_default();
    Some(format!(
        "at {address} answers another device, with the MAC address {found}"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proto::plan::Kind;

    use super::*;

    const MAC: &str = "001ba9123456";
    const OTHER: &str = "001ba9ffffff";

    fn check(known: (&str, &str), found: (&str, &[&str]), is_it: bool) {
        check_on_wire(known, found, None, is_it);
    }

    #[track_caller]
    fn check_on_wire(
        known: (&str, &str),
        found: (&str, &[&str]),
        on_wire: Option<&str>,
        is_it: bool,
    ) {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let device = Device {
            name: "mfp".parse().unwrap(),
            kind: Kind::Printer,
            address: [192, 0, 2, 7].into(),
            snmp: None,
            ipp: None,
            serial: text(known.0),
            mac: text(known.1).map(|mac| mac.parse().unwrap()),
        };
        let said = Said {
            serial: text(found.0),
            macs: found.1.iter().map(|mac| mac.parse().unwrap()).collect(),
            ..Said::default()
        };
        let differs = differs(&device, &said, |address| {
            assert_eq!(address, device.address);
            on_wire.map(|mac| mac.parse().unwrap())
        });
        assert_eq!(differs.is_none(), is_it, "{known:?} {found:?}: {differs:?}");
    }

    #[test]
    fn the_serial_number_decides_where_both_have_one() {
        check(("VNB3K01234", ""), ("VNB3K01234", &[]), true);
        check(("VNB3K01234", ""), (" vnb3k-01234", &[]), true);
        check(("VNB3K01234", ""), ("VNB3K01235", &[]), false);
        check(("VNB3K01234", MAC), ("VNB3K01235", &[MAC]), false);
        check(("VNB3K01234", MAC), ("VNB3K01234", &[OTHER]), true);
    }

    #[test]
    fn the_mac_address_decides_where_one_has_no_serial_number() {
        check(("", MAC), ("VNB3K01234", &[OTHER, MAC]), true);
        check(("", MAC), ("VNB3K01234", &[OTHER]), false);
        check(("VNB3K01234", MAC), ("", &[OTHER]), false);
        check(("VNB3K01234", MAC), ("--", &[OTHER]), false);
    }

    #[test]
    fn who_answers_under_the_known_mac_address_is_the_device_whatever_it_tells() {
        check_on_wire(("", MAC), ("", &[OTHER]), Some(MAC), true);
        check_on_wire(("", MAC), ("", &[OTHER]), Some(OTHER), false);
        // A repeater answers with its own for all that is behind it.
        check_on_wire(("A1", MAC), ("B2", &[OTHER]), Some(MAC), false);
    }

    #[test]
    fn what_is_not_told_cannot_differ() {
        check(("", ""), ("VNB3K01234", &[MAC]), true);
        check(("VNB3K01234", MAC), ("", &[]), true);
        check(("VNB3K01234", ""), ("", &[OTHER]), true);
    }
}
