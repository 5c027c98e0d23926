//! What a scout says that it saw: checked and cut to size before anything is made of it.

use std::net::IpAddr;

use proto::ids::slug;
use proto::limits::ID_BYTES;
use proto::plan::{Ipp, Kind, Mac, is_label};
use proto::wire::FoundDevice;

use crate::registry::{Inventory, NewFound};

/// Characters of a serial number or MAC address that tell devices of one model apart.
const TAIL: usize = 4;

/// A device that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) address: IpAddr,
    pub(super) mac: Option<Mac>,
    pub(super) kind: Kind,
    pub(super) credential: Option<String>,
    pub(super) ipp: Option<Ipp>,
    pub(super) name: Option<String>,
    /// Its serial number included.
    pub(super) inventory: Inventory,
}

impl Sight {
    /// `None` when it has no address at which a device of a centre's own network can be. Other parts that make no sense are left out.
    pub(super) fn of(found: FoundDevice) -> Option<Self> {
        let address: IpAddr = found.address.parse().ok()?;
        let address = address.to_canonical();
        let is_private = match address {
            IpAddr::V4(address) => address.is_private(),
            IpAddr::V6(address) => address.is_unique_local(),
        };
        // Nothing else is looked at. A machine of the Internet would be told how the device is asked.
        if !is_private {
            return None;
        }
        let text = |text: String| {
            let text = text.trim();
            if is_label(text) {
                text.to_owned()
            } else {
                String::new()
            }
        };
        let some = |text: String| (!text.is_empty()).then_some(text);
        Some(Self {
            address,
            mac: found.mac.parse().ok().filter(is_of_one),
            kind: Kind::of(&found.kind),
            credential: some(text(found.credential)),
            ipp: found.ipp.parse().ok().filter(Ipp::is_usual),
            name: some(text(found.name)),
            inventory: Inventory {
                vendor: text(found.vendor),
                model: text(found.model),
                serial: text(found.serial),
                os: String::new(),
                firmware: text(found.firmware),
            },
        })
    }

    pub(super) fn serial(&self) -> Option<&str> {
        Some(self.inventory.serial.as_str()).filter(|serial| !serial.is_empty())
    }

    pub(super) fn into_new(self) -> NewFound {
        NewFound {
            wanted: self.id(),
            kind: self.kind,
            address: self.address,
            credential: self.credential,
            ipp: self.ipp,
            mac: self.mac,
            name: self.name,
            inventory: self.inventory,
        }
    }

    /// Its model, and what tells it from others of that model: `hl-l2360dn-4f21`.
    fn id(&self) -> String {
        let kind = self.kind.as_str();
        let name = self.name.as_deref().unwrap_or(kind);
        let mut words = [self.inventory.model.as_str(), name, kind].into_iter();
        let base = words.find_map(slug).unwrap_or_default();
        let serial = self.serial().and_then(slug);
        let mac = || self.mac.map(|mac| mac.to_string());
        let own = serial.or_else(mac);
        let own = own.unwrap_or_else(|| slug(&self.address.to_string()).unwrap_or_default());
        let digits: Vec<char> = own.chars().filter(|c| *c != '-').collect();
        let tail: String = digits
            .iter()
            .skip(digits.len().saturating_sub(TAIL))
            .collect();
        let room = ID_BYTES - TAIL - 1;
        let base: String = base.chars().take(room).collect();
        format!("{}-{tail}", base.trim_end_matches('-'))
    }
}

/// Neither nobody's nor everybody's.
fn is_of_one(mac: &Mac) -> bool {
    let [first, ..] = mac.0;
    mac.0 != [0; 6] && first & 1 == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn found(change: impl FnOnce(&mut FoundDevice)) -> Option<Sight> {
        let mut found = FoundDevice {
            address: "10.0.0.9".into(),
            mac: "001ba9123456".into(),
            serial: "E78-094F21".into(),
            kind: "printer".into(),
            model: "HL-L2360DN series".into(),
            ..FoundDevice::default()
        };
        change(&mut found);
        Sight::of(found)
    }

    fn id(change: impl FnOnce(&mut FoundDevice)) -> String {
        let id = found(change).unwrap().id();
        assert!(id.parse::<proto::ids::DeviceId>().is_ok(), "{id}");
        id
    }

    #[test]
    fn a_device_is_named_after_its_model_and_what_is_its_own() {
        assert_eq!(id(|_| {}), "hl-l2360dn-series-4f21");
        assert_eq!(id(|one| one.serial.clear()), "hl-l2360dn-series-3456");
        let unnamed = |one: &mut FoundDevice| {
            one.serial.clear();
            one.mac.clear();
            one.model = "打印机".into();
        };
        assert_eq!(id(unnamed), "printer-0009");
        assert_eq!(id(|one| one.model = "x".repeat(100)).len(), ID_BYTES);
        assert_eq!(
            id(|one| {
                one.model.clear();
                one.name = "Máy in quầy 3".into();
            }),
            "may-in-quay-3-4f21"
        );
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_what_has_no_address_altogether() {
        for nowhere in [
            "",
            "printer.local",
            "0.0.0.0",
            "224.0.0.251",
            "127.0.0.1",
            "169.254.1.1",
            "203.0.113.9",
            "8.8.8.8",
            "::1",
            "fe80::1",
            "2001:db8::9",
            "10.0.0.9:161",
        ] {
            assert_eq!(found(|one| one.address = nowhere.into()), None, "{nowhere}");
        }
        let odd = found(|one| {
            one.address = "::ffff:10.0.0.9".into();
            one.mac = "ffffffffffff".into();
            one.serial = "a\u{7}b".into();
            one.name = "x".repeat(200);
            one.kind = "fridge".into();
            one.ipp = "print".into();
            one.vendor = "  Brother ".into();
        });
        let odd = odd.unwrap();
        assert_eq!(odd.address.to_string(), "10.0.0.9");
        assert_eq!(
            (odd.mac, odd.serial(), &odd.name, &odd.ipp),
            (None, None, &None, &None)
        );
        assert_eq!(
            (odd.kind, odd.inventory.vendor.as_str()),
            (Kind::Other, "Brother")
        );
    }
}
