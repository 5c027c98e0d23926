//! Which of the devices that a look saw are known, and which are new. Pure.
//!
//! A device is recognised by its serial number or its MAC address, whichever both sides know, and by both
//! where both know both: two that show one serial number and different MAC addresses are two. Its address
//! is only where it was last. Where several seem to be one, nothing is moved: a wrong address would have the
//! wrong device asked. Nor is what still answers where it is asked: no look goes beyond the scout's own
//! networks, and a router has addresses in several.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use proto::plan::{Kind, essence};

use super::sight::Sight;
use crate::registry::{Asked, Inventory, NewFound, Seen, Status};

/// How old the note that a device is still there may become.
const REFRESH: Duration = Duration::from_hours(1);

/// What a look was made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Recognised {
    pub(super) new: Vec<NewFound>,
    pub(super) seen: Vec<Seen>,
}

/// How a device that is seen relates to one that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Same,
    /// They have nothing in common that could tell.
    Unclear,
    Other,
}

/// Which are known, and which are new.
pub(super) fn recognise(
    known: &[Asked],
    look: Vec<Sight>,
    answers: impl Fn(&Asked) -> bool,
    now: Timestamp,
) -> Recognised {
    let matches = matches(known, &look, answers);
    let mut recognised = Recognised::default();
    let mut new: Vec<Sight> = Vec::new();
    for (sight, found) in look.into_iter().zip(matches) {
        match found {
            Match::Known(known) => recognised.seen.extend(news(known, &sight, now)),
            // One device at two addresses is one.
            Match::New if new.iter().any(|other| is_one(other, &sight)) => {}
            Match::New => new.push(sight),
            Match::Nobody => {}
        }
    }
    recognised.new = new.into_iter().map(Sight::into_new).collect();
    recognised
}

enum Match<'a> {
    Known(&'a Asked),
    New,
    /// It may be one of several, or is a second address of one.
    Nobody,
}

fn matches<'a>(
    known: &'a [Asked],
    look: &[Sight],
    answers: impl Fn(&Asked) -> bool,
) -> Vec<Match<'a>> {
    let at_home = |one: &Asked, relation: Relation| {
        let there = look.iter().find(|sight| sight.address == one.address);
        there.is_some_and(|sight| relate(one, sight) == relation)
    };
    let mut taken: HashSet<&str> = HashSet::new();
    let mut matched = Vec::new();
    for sight in look {
        let same = || {
            known
                .iter()
                .filter(|one| relate(one, sight) == Relation::Same)
        };
        let mut here = known.iter().filter(|one| one.address == sight.address);
        let elsewhere: Vec<&Asked> = same().filter(|one| one.address != sight.address).collect();
        let absent: Vec<&Asked> = elsewhere
            .iter()
            .copied()
            .filter(|one| !at_home(one, Relation::Same))
            .collect();
        let is_alone = |one: &Asked| {
            let alike = look
                .iter()
                .filter(|other| relate(one, other) == Relation::Same);
            alike.count() == 1
        };
        let found = if let Some(one) = same().find(|one| one.address == sight.address) {
            Match::Known(one)
        } else if let [one] = absent.as_slice()
            && is_alone(one)
            && !answers(one)
        {
            Match::Known(one)
        } else if !absent.is_empty() || elsewhere.iter().any(|one| has_mac_of(one, sight)) {
            Match::Nobody
        } else if let Some(one) = here.find(|one| is_likely(one, sight)) {
            Match::Known(one)
        } else {
            Match::New
        };
        matched.push(match found {
            Match::Known(one) if !taken.insert(one.device.as_str()) => Match::Nobody,
            found => found,
        });
    }
    matched
}

fn relate(known: &Asked, sight: &Sight) -> Relation {
    let serials = essential(known.serial.as_deref()).zip(essential(sight.serial()));
    let serials = serials.map(|(known, seen)| known == seen);
    let macs = known.mac.zip(sight.mac).map(|(known, seen)| known == seen);
    match (serials, macs) {
        (Some(false), _) | (_, Some(false)) => Relation::Other,
        (None, None) => Relation::Unclear,
        _ => Relation::Same,
    }
}

/// Whether it is the device that is known at its address: nothing tells, or something is the same. A printer
/// may be on another of its interfaces, and tell other numbers by other protocols.
fn is_likely(known: &Asked, sight: &Sight) -> bool {
    let serial = essential(known.serial.as_deref());
    relate(known, sight) == Relation::Unclear
        || has_mac_of(known, sight)
        || (serial.is_some() && serial == essential(sight.serial()))
}

fn has_mac_of(known: &Asked, sight: &Sight) -> bool {
    known.mac.is_some() && known.mac == sight.mac
}

fn is_one(one: &Sight, other: &Sight) -> bool {
    one.address == other.address
        || (one.mac.is_some()
            && one.mac == other.mac
            && essential(one.serial()) == essential(other.serial()))
}

/// What of a serial number is compared, by agents too.
fn essential(serial: Option<&str>) -> Option<String> {
    serial.map(essence).filter(|serial| !serial.is_empty())
}

/// What is new of a device that is known; nothing when it was noted lately and is as it was.
fn news(known: &Asked, sight: &Sight, now: Timestamp) -> Option<Seen> {
    let is_lately = |at: Timestamp| now.duration_since(at).unsigned_abs() < REFRESH;
    // What is asked says itself what it is, every minute; what was found is known by looks alone.
    let is_found = known.status == Status::Found;
    let is_unknown = known.inventory == Inventory::default();
    let says_more = (is_found || is_unknown) && sight.inventory.says_more_than(&known.inventory);
    let other = |one: &Option<String>, before: &Option<String>| {
        one.clone().filter(|_| is_found && one != before)
    };
    let serial = sight.serial().map(str::to_owned);
    // A sight that does not tell the kind is no news of it.
    let kind =
        Some(sight.kind).filter(|kind| is_found && *kind != Kind::Other && *kind != known.kind);
    let seen = Seen {
        device: known.device.clone(),
        address: Some(sight.address).filter(|address| *address != known.address),
        serial: serial.filter(|_| known.serial.is_none()),
        mac: sight.mac.filter(|_| known.mac.is_none()),
        kind,
        credential: other(&sight.credential, &known.credential),
        ipp: sight
            .ipp
            .clone()
            .filter(|_| is_found && sight.ipp != known.ipp),
        name: other(&sight.name, &known.name),
        inventory: says_more.then(|| sight.inventory.clone()),
    };
    let nothing = Seen::again(known.device.clone());
    (seen != nothing || !known.last_seen.is_some_and(is_lately)).then_some(seen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proto::wire::FoundDevice;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn known(device: &str, address: &str, serial: &str, mac: &str) -> Asked {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Asked {
            centre: "cong-son".parse().unwrap(),
            device: device.parse().unwrap(),
            kind: Kind::Printer,
            status: Status::Approved,
            address: address.parse().unwrap(),
            credential: None,
            ipp: None,
            serial: some(serial),
            mac: some(mac).map(|mac| mac.parse().unwrap()),
            name: None,
            found_at: NOW,
            approved_at: None,
            last_seen: Some(NOW),
            inventory: Inventory {
                model: "M".into(),
                ..Inventory::default()
            },
        }
    }

    fn seen(address: &str, serial: &str, mac: &str) -> Sight {
        let found = FoundDevice {
            address: address.into(),
            serial: serial.into(),
            mac: mac.into(),
            kind: "printer".into(),
            model: "M".into(),
            ..FoundDevice::default()
        };
        Sight::of(found).unwrap()
    }

    const M1: &str = "001ba9000001";
    const M2: &str = "001ba9000002";

    /// What is made of a look: names with their new addresses, and the addresses of what is new.
    fn check(known: &[Asked], look: &[Sight], moved: &[(&str, &str)], new: &[&str]) {
        let recognised = recognise(known, look.to_vec(), |_| false, NOW);
        let seen = recognised.seen.iter();
        let told: Vec<_> = seen
            .filter_map(|one| Some((one.device.to_string(), one.address?.to_string())))
            .collect();
        let told: Vec<_> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(told, moved);
        let found: Vec<_> = recognised
            .new
            .iter()
            .map(|one| one.address.to_string())
            .collect();
        assert_eq!(found, new);
    }

    #[test]
    fn a_device_is_known_by_its_serial_or_its_mac_wherever_it_is() {
        let printer = [known("a", "10.0.0.1", "S", M1)];
        check(&printer, &[seen("10.0.0.1", "S", M1)], &[], &[]);
        check(
            &printer,
            &[seen("10.0.0.9", "S", M1)],
            &[("a", "10.0.0.9")],
            &[],
        );
        check(
            &printer,
            &[seen("10.0.0.9", "S", "")],
            &[("a", "10.0.0.9")],
            &[],
        );
        check(
            &printer,
            &[seen("10.0.0.9", "", M1)],
            &[("a", "10.0.0.9")],
            &[],
        );
        check(&printer, &[seen("10.0.0.9", "", "")], &[], &["10.0.0.9"]);
        // Answers in part today.
        check(&printer, &[seen("10.0.0.1", "", "")], &[], &[]);
    }

    #[test]
    fn a_serial_is_the_same_however_it_is_written_and_none_where_it_says_nothing() {
        let printer = [known("a", "10.0.0.1", "VNB3K01234", "")];
        let moved = seen("10.0.0.9", "vnb3k-01234", "");
        check(&printer, &[moved], &[("a", "10.0.0.9")], &[]);
        let nameless = [known("a", "10.0.0.1", "--", "")];
        check(&nameless, &[seen("10.0.0.1", "N/A", "")], &[], &[]);
        check(&nameless, &[seen("10.0.0.9", "--", "")], &[], &["10.0.0.9"]);
    }

    #[test]
    fn another_device_at_a_known_address_is_another_device() {
        let printer = [known("a", "10.0.0.1", "S", M1)];
        check(&printer, &[seen("10.0.0.1", "T", M2)], &[], &["10.0.0.1"]);
        check(&printer, &[seen("10.0.0.1", "T", "")], &[], &["10.0.0.1"]);
        let both = [seen("10.0.0.1", "T", M2), seen("10.0.0.2", "S", M1)];
        check(&printer, &both, &[("a", "10.0.0.2")], &["10.0.0.1"]);
    }

    #[test]
    fn a_device_at_its_address_stays_itself_when_it_is_heard_by_another_interface_or_protocol() {
        let printer = [known("a", "10.0.0.1", "S", M1)];
        check(&printer, &[seen("10.0.0.1", "S", M2)], &[], &[]);
        check(&printer, &[seen("10.0.0.1", "T", M1)], &[], &[]);
    }

    #[test]
    fn what_answers_where_it_is_asked_is_not_moved_and_not_offered_again() {
        let router = [known("a", "10.99.0.1", "S", "")];
        for (answers, moved) in [(true, None), (false, Some("10.0.0.1"))] {
            let look = vec![seen("10.0.0.1", "S", M1)];
            let recognised = recognise(&router, look, |_| answers, NOW);
            assert_eq!(recognised.new, []);
            let addresses = recognised.seen.iter().filter_map(|one| one.address);
            let addresses: Vec<_> = addresses.map(|address| address.to_string()).collect();
            assert_eq!(addresses, Vec::from_iter(moved));
        }
    }

    #[test]
    fn devices_that_share_a_serial_are_told_apart_by_their_macs() {
        let printer = [known("a", "10.0.0.1", "0000", M1)];
        check(
            &printer,
            &[seen("10.0.0.2", "0000", M2)],
            &[],
            &["10.0.0.2"],
        );
        let both = [
            known("a", "10.0.0.1", "0000", M1),
            known("b", "10.0.0.2", "0000", M2),
        ];
        let swapped = [seen("10.0.0.2", "0000", M1), seen("10.0.0.1", "0000", M2)];
        check(
            &both,
            &swapped,
            &[("a", "10.0.0.2"), ("b", "10.0.0.1")],
            &[],
        );
    }

    #[test]
    fn a_serial_at_two_addresses_moves_nothing() {
        let printer = [known("a", "10.0.0.1", "0000", "")];
        let two = [seen("10.0.0.2", "0000", ""), seen("10.0.0.3", "0000", "")];
        check(&printer, &two, &[], &[]);
        // With the known one at its place the other is another.
        let beside = [seen("10.0.0.1", "0000", ""), seen("10.0.0.3", "0000", "")];
        check(&printer, &beside, &[], &["10.0.0.3"]);
        let strangers = [seen("10.0.0.8", "0000", ""), seen("10.0.0.9", "0000", "")];
        check(&[], &strangers, &[], &["10.0.0.8", "10.0.0.9"]);
    }

    #[test]
    fn one_device_at_two_addresses_is_offered_once_and_stays_where_it_is() {
        let two = [seen("10.0.0.1", "S", M1), seen("10.0.0.2", "S", M1)];
        check(&[], &two, &[], &["10.0.0.1"]);
        check(&[known("a", "10.0.0.1", "S", M1)], &two, &[], &[]);
    }

    #[test]
    fn what_was_not_known_is_learnt_once() {
        let unnamed = [known("a", "10.0.0.1", "", "")];
        let look = vec![seen("10.0.0.1", "S", M1)];
        let learnt = recognise(&unnamed, look.clone(), |_| false, NOW);
        assert_eq!(learnt.new, []);
        assert_eq!(learnt.seen[0].serial.as_deref(), Some("S"));
        assert_eq!(learnt.seen[0].mac, Some(M1.parse().unwrap()));
        let named = [known("a", "10.0.0.1", "S", M1)];
        assert_eq!(
            recognise(&named, look.clone(), |_| false, NOW),
            Recognised::default()
        );
        let later = recognise(&named, look, |_| false, NOW + REFRESH);
        assert_eq!(later.seen, [Seen::again("a".parse().unwrap())]);
    }

    #[test]
    fn what_nobody_decided_about_follows_what_looks_say_and_what_is_asked_does_not() {
        let mut sight = seen("10.0.0.1", "S", "");
        sight.credential = Some("public".into());
        sight.inventory.firmware = "2".into();
        let approved = known("a", "10.0.0.1", "S", "");
        let found = Asked {
            status: Status::Found,
            ..approved.clone()
        };
        let news = recognise(&[found], vec![sight.clone()], |_| false, NOW).seen;
        assert_eq!(news[0].credential.as_deref(), Some("public"));
        assert_eq!(news[0].inventory.as_ref().unwrap().firmware, "2");
        assert_eq!(recognise(&[approved], vec![sight], |_| false, NOW).seen, []);
    }
}
