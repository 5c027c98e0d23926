//! Devices without an agent, and what is known of them, on real files.

use proto::limits::DEVICES_PER_PLAN;
use proto::plan::{Kind, Secret, Security, Snmp};

use super::*;
use crate::registry::events::EVENTS_PER_DEVICE;

pub(super) fn v2c(community: &str) -> Snmp {
    let security = Security::V2c {
        community: Secret(community.into()),
    };
    Snmp {
        port: 161,
        security,
    }
}

pub(super) fn printer(name: &str) -> NewDevice {
    NewDevice {
        centre: "cong-son".parse().unwrap(),
        device: name.parse().unwrap(),
        kind: Kind::Printer,
        address: "10.0.0.9".parse().unwrap(),
        credential: None,
        ipp: Some("631/ipp/print".parse().unwrap()),
        serial: None,
        mac: None,
    }
}

fn found(wanted: &str, address: &str) -> NewFound {
    NewFound {
        wanted: wanted.into(),
        kind: Kind::Printer,
        address: address.parse().unwrap(),
        credential: Some("printers".into()),
        ipp: None,
        mac: None,
        name: None,
        inventory: Inventory {
            model: "HL-1".into(),
            serial: format!("S-{address}"),
            ..Inventory::default()
        },
    }
}

fn cong_son() -> CentreId {
    "cong-son".parse().unwrap()
}

fn named(name: &str) -> DeviceId {
    name.parse().unwrap()
}

impl Fixture {
    pub(super) async fn set(
        &self,
        name: &str,
        centre: Option<&str>,
        snmp: Snmp,
    ) -> Result<(), RegistryError> {
        let centre = centre.map(|centre| centre.parse().unwrap());
        let refuse = LostKey::Refuse;
        let set = self
            .registry
            .set_credential(name.into(), centre, snmp, self.now, refuse);
        set.await
    }

    pub(super) async fn add(&self, device: NewDevice) -> Result<(), RegistryError> {
        self.registry.add_device(device, self.now).await
    }

    pub(super) async fn approve(
        &self,
        name: &str,
        approval: Approval,
    ) -> Result<Asked, RegistryError> {
        let approve = self
            .registry
            .approve(cong_son(), named(name), approval, self.now);
        approve.await
    }

    pub(super) async fn look(&self, new: Vec<NewFound>, seen: Vec<Seen>) -> Noted {
        self.look_at(self.now, new, seen).await
    }

    pub(super) async fn look_at(
        &self,
        at: Timestamp,
        new: Vec<NewFound>,
        seen: Vec<Seen>,
    ) -> Noted {
        let centre = cong_son();
        let look = Look {
            centre,
            at,
            new,
            seen,
        };
        self.registry.looked(look).await.unwrap()
    }

    pub(super) async fn describe(&self, name: &str, inventory: Inventory) {
        let described = Described {
            centre: cong_son(),
            device: named(name),
            inventory,
        };
        let noted = self.registry.described(vec![described], self.now);
        noted.await.unwrap();
    }

    pub(super) async fn device(&self, name: &str) -> Asked {
        let devices = self.registry.devices().await.unwrap();
        let mut devices = devices.into_iter();
        devices.find(|one| one.device.as_str() == name).unwrap()
    }

    /// What happened to a device, the newest first.
    pub(super) async fn events(&self, name: &str) -> Vec<(String, String, String)> {
        let events = self.registry.events(cong_son(), Some(named(name))).await;
        let events = events.unwrap().into_iter();
        events
            .map(|one| (one.what, one.before, one.after))
            .collect()
    }
}

fn event(what: &str, before: &str, after: &str) -> (String, String, String) {
    (what.into(), before.into(), after.into())
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, RegistryError>, told: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(told), "{error}");
}

#[tokio::test]
async fn a_device_is_added_changed_ignored_and_removed() {
    let f = fixture().await;
    f.add(printer("printer")).await.unwrap();
    let added = f.device("printer").await;
    assert_eq!(
        (added.status, added.kind),
        (Status::Approved, Kind::Printer)
    );
    f.set("printers", None, v2c("public")).await.unwrap();
    let change = Approval {
        name: Some(named("counter-1")),
        address: Some("10.0.0.10".parse().unwrap()),
        credential: Some("printers".into()),
        ..Approval::default()
    };
    let approved = f.approve("printer", change).await.unwrap();
    assert_eq!(approved, f.device("counter-1").await);
    assert_eq!(approved.ipp, added.ipp, "what is not said stays");
    let ignore = || f.registry.ignore(cong_son(), named("counter-1"), f.now);
    ignore().await.unwrap();
    ignore().await.unwrap();
    let ignored = f.device("counter-1").await;
    assert_eq!(
        (ignored.status, ignored.approved_at),
        (Status::Ignored, None)
    );
    let remove = || {
        f.registry
            .remove_device(cong_son(), named("counter-1"), f.now)
    };
    remove().await.unwrap();
    refused(remove().await, "device list --centre cong-son");
    assert_eq!(f.registry.devices().await.unwrap(), []);
    let expected = [
        event("removed", "10.0.0.10", ""),
        event("ignored", "", ""),
        event("credential", "", "printers"),
        event("address", "10.0.0.9", "10.0.0.10"),
        event("name", "printer", "counter-1"),
        event("added", "", "10.0.0.9"),
    ];
    assert_eq!(f.events("counter-1").await, expected);
}

#[tokio::test]
async fn no_device_has_the_name_of_another_or_of_an_agent() {
    let f = fixture().await;
    let agent = f.enrol(f.shared_token().await, 1, "pc-03").await.unwrap();
    refused(f.add(printer("pc-03")).await, "named pc-03 already");
    f.add(printer("printer")).await.unwrap();
    refused(f.add(printer("printer")).await, "named printer already");
    let taken = Approval {
        name: Some(named("pc-03")),
        ..Approval::default()
    };
    refused(f.approve("printer", taken).await, "named pc-03 already");
    // Nor the other way round.
    let token = f.shared_token_again().await;
    assert_eq!(f.device_of(token, 2, "printer").await, "printer-2");
    let named = |token: &mut NewToken| token.device = Some("printer".parse().unwrap());
    let token = f.token(3, named).await;
    let refused = f.enrol(token, 3, "x").await.unwrap_err();
    assert!(matches!(refused, EnrolError::NameTaken { .. }), "{refused}");
    // In another centre, and after the agent is revoked, it is free.
    let elsewhere = NewDevice {
        centre: "binh-gia".parse().unwrap(),
        ..printer("pc-03")
    };
    f.add(elsewhere).await.unwrap();
    f.registry.revoke(agent.id, f.now).await.unwrap();
    f.add(printer("pc-03")).await.unwrap();
}

#[tokio::test]
async fn a_device_that_cannot_be_asked_is_refused_and_so_is_one_too_many() {
    let f = fixture().await;
    let unasked = NewDevice {
        ipp: None,
        ..printer("printer")
    };
    refused(
        f.add(unasked.clone()).await,
        "--snmp CREDENTIAL, --ipp 631/ipp/print",
    );
    let with = |credential: &str| NewDevice {
        credential: Some(credential.into()),
        ..unasked.clone()
    };
    refused(f.add(with("printers")).await, "credential set printers");
    f.set("printers", Some("binh-gia"), v2c("public"))
        .await
        .unwrap();
    refused(f.add(with("printers")).await, "not for cong-son");
    let nowhere = NewDevice {
        centre: "nowhere".parse().unwrap(),
        ..printer("printer")
    };
    refused(f.add(nowhere).await, "there is no centre nowhere");
    for number in 0..DEVICES_PER_PLAN {
        f.add(printer(&format!("printer-{number}"))).await.unwrap();
    }
    refused(f.add(printer("more")).await, "64 approved devices");
    f.look(vec![found("other", "10.0.0.1")], vec![]).await;
    let askable = Approval {
        ipp: printer("x").ipp,
        ..Approval::default()
    };
    refused(f.approve("other", askable).await, "64 approved devices");
    assert_eq!(f.device("other").await.status, Status::Found);
}

#[tokio::test]
async fn what_was_found_waits_under_a_name_of_its_own() {
    let f = fixture().await;
    f.enrol(f.shared_token().await, 1, "hl-1").await.unwrap();
    let new = vec![found("hl-1", "10.0.0.1"), found("hl-1", "10.0.0.2")];
    let noted = f.look(new, vec![]).await;
    assert_eq!(noted.found, [named("hl-1-2"), named("hl-1-3")]);
    let waiting = f.device("hl-1-2").await;
    assert_eq!(waiting.status, Status::Found);
    assert_eq!(waiting.serial.as_deref(), Some("S-10.0.0.1"));
    assert_eq!(waiting.inventory.model, "HL-1");
    assert_eq!(waiting.credential, None, "the credential is not known here");
    assert_eq!(f.events("hl-1-2").await, [event("found", "", "10.0.0.1")]);
    refused(f.approve("hl-1-2", Approval::default()).await, "add --snmp");
    f.set("printers", None, v2c("public")).await.unwrap();
    let answers = Seen {
        credential: Some("printers".into()),
        ..Seen::again(named("hl-1-2"))
    };
    f.look(vec![], vec![answers]).await;
    let approved = f.approve("hl-1-2", Approval::default()).await.unwrap();
    assert_eq!(approved.credential.as_deref(), Some("printers"));
}

#[tokio::test]
async fn so_many_wait_at_most_and_not_for_ever() {
    let f = fixture().await;
    let many = |from: u32| {
        let all = from..from + FOUND_PER_CENTRE;
        all.map(|n| found("hl", &std::net::Ipv4Addr::from(n).to_string()))
            .collect()
    };
    assert_eq!(f.look(many(1), vec![]).await.refused, 0);
    let more = f.look(many(1000), vec![]).await;
    assert_eq!(
        (more.refused, more.found.len()),
        (FOUND_PER_CENTRE as usize, 0)
    );
    let seen = vec![Seen::again(named("hl-9"))];
    f.look_at(f.now + 29 * DAY, vec![], seen).await;
    let later = f.look_at(f.now + 31 * DAY, many(2000), vec![]).await;
    assert_eq!((later.refused, later.found.len()), (1, 255));
    f.device("hl-9").await;
}

#[tokio::test]
async fn a_known_device_is_moved_and_its_being_seen_is_no_news() {
    let f = fixture().await;
    f.add(printer("printer")).await.unwrap();
    let version = || async { f.registry.version().await.unwrap() };
    let before = version().await;
    let later = f.now + DAY;
    let seen = vec![Seen::again(named("printer")), Seen::again(named("gone"))];
    f.look_at(later, vec![], seen).await;
    assert_eq!(version().await, before);
    assert_eq!(f.device("printer").await.last_seen, Some(later));
    let moved = Seen {
        address: Some("10.0.0.77".parse().unwrap()),
        mac: Some("001ba9000001".parse().unwrap()),
        ..Seen::again(named("printer"))
    };
    let noted = f.look(vec![], vec![moved]).await;
    assert_eq!(
        noted.moved,
        [(named("printer"), "10.0.0.77".parse().unwrap())]
    );
    assert_ne!(version().await, before);
    let now = f.device("printer").await;
    assert_eq!(now.address.to_string(), "10.0.0.77");
    assert_eq!(now.mac.unwrap().to_string(), "001ba9000001");
    let newest = f.events("printer").await.swap_remove(0);
    assert_eq!(newest, event("address", "10.0.0.9", "10.0.0.77"));
}

#[tokio::test]
async fn what_changes_in_the_inventory_is_an_event() {
    let f = fixture().await;
    f.enrol(f.shared_token().await, 1, "pc").await.unwrap();
    f.add(printer("printer")).await.unwrap();
    let says = |model: &str, serial: &str, firmware: &str| Inventory {
        model: model.into(),
        serial: serial.into(),
        firmware: firmware.into(),
        ..Inventory::default()
    };
    for device in ["pc", "printer", "nobody"] {
        f.describe(device, says("HL-1", "S1", "1.0")).await;
        // Nothing is said of what is not read this time.
        f.describe(device, says("HL-1", "", "1.1")).await;
        f.describe(device, says("HL-1", "S2", "1.1")).await;
    }
    let changes = [event("serial", "S1", "S2"), event("firmware", "1.0", "1.1")];
    assert_eq!(f.events("pc").await, changes);
    assert_eq!(f.events("printer").await[..2], changes);
    assert_eq!(f.events("nobody").await, []);
    let inventory = f.registry.inventory(cong_son()).await.unwrap();
    assert_eq!(inventory.len(), 2);
    assert_eq!(inventory[&named("pc")], says("HL-1", "S2", "1.1"));
    let printer = f.device("printer").await;
    assert_eq!(printer.inventory, says("HL-1", "S2", "1.1"));
    assert_eq!(
        printer.serial.as_deref(),
        Some("S1"),
        "learnt once: a device stays itself"
    );
}

#[tokio::test]
async fn a_device_that_was_exchanged_is_recognised_by_what_it_has_now() {
    let f = fixture().await;
    let before = NewDevice {
        serial: Some("S1".into()),
        mac: Some("001ba9000001".parse().unwrap()),
        ..printer("printer")
    };
    f.add(before.clone()).await.unwrap();
    let other = Approval {
        serial: Some("S2".into()),
        ..Approval::default()
    };
    f.approve("printer", other).await.unwrap();
    let now = f.device("printer").await;
    assert_eq!((now.serial.as_deref(), now.mac), (Some("S2"), before.mac));
    assert_eq!(f.events("printer").await[0], event("serial", "S1", "S2"));
    let other = Approval {
        mac: Some("001ba9000002".parse().unwrap()),
        ..Approval::default()
    };
    let approved = f.approve("printer", other.clone()).await.unwrap();
    assert_eq!((approved.serial, approved.mac), (now.serial, other.mac));
}

#[tokio::test]
async fn a_device_is_not_what_a_revoked_machine_of_its_name_was() {
    let f = fixture().await;
    let said = Inventory {
        model: "OptiPlex".into(),
        serial: "PC-1".into(),
        ..Inventory::default()
    };
    for (key, name) in [(1, "router"), (2, "other-s-1")] {
        let token = f.token(key, |token| token.reusable = true).await;
        let agent = f.enrol(token, key, name).await.unwrap();
        f.describe(name, said.clone()).await;
        f.registry.revoke(agent.id, f.now).await.unwrap();
    }
    f.add(printer("router")).await.unwrap();
    let firmware = Inventory {
        firmware: "7.1".into(),
        ..Inventory::default()
    };
    f.describe("router", firmware.clone()).await;
    let router = f.device("router").await;
    assert_eq!((router.inventory, router.serial), (firmware.clone(), None));
    let new = NewFound {
        inventory: firmware.clone(),
        ..found("other-s-1", "10.0.0.1")
    };
    f.look(vec![new], vec![]).await;
    assert_eq!(f.device("other-s-1").await.inventory, firmware);
}

#[tokio::test]
async fn what_machines_are_made_of_changes_nothing_for_those_who_follow() {
    let f = fixture().await;
    f.enrol(f.shared_token().await, 1, "pc").await.unwrap();
    let before = f.registry.version().await.unwrap();
    let inventory = Inventory {
        model: "OptiPlex".into(),
        ..Inventory::default()
    };
    f.describe("pc", inventory).await;
    assert_eq!(f.registry.version().await.unwrap(), before);
}

#[tokio::test]
async fn of_each_device_the_newest_events_are_kept() {
    let f = fixture().await;
    f.add(printer("a")).await.unwrap();
    f.add(printer("b")).await.unwrap();
    for number in 0..EVENTS_PER_DEVICE + 5 {
        let firmware = number.to_string();
        let said = Inventory {
            firmware,
            ..Inventory::default()
        };
        f.describe("a", said).await;
    }
    let events = f.events("a").await;
    assert_eq!(events.len(), EVENTS_PER_DEVICE as usize);
    assert_eq!(events[0], event("firmware", "203", "204"));
    assert_eq!(f.events("b").await.len(), 1);
    let all = f.registry.events(cong_son(), None).await.unwrap();
    assert_eq!(all.len(), EVENTS_PER_DEVICE as usize + 1);
    let nowhere = f.registry.events("nowhere".parse().unwrap(), None).await;
    refused(nowhere, "there is no centre nowhere");
}

#[tokio::test]
async fn terms_of_scouts_are_kept_while_their_samples_may_come() {
    let f = fixture().await;
    let token = f.shared_token().await;
    let mut agents = Vec::new();
    for key in 1..=2 {
        agents.push(f.enrol(token, key, "pc").await.unwrap().id);
    }
    let change = |agent: Option<usize>, days: u32| Change {
        centre: cong_son(),
        agent: agent.map(|agent| agents[agent].clone()),
        at: f.now + days * DAY,
    };
    let changes = vec![change(Some(0), 0), change(Some(1), 1), change(Some(0), 9)];
    f.registry.scouts_changed(changes).await.unwrap();
    let terms = f.registry.terms().await.unwrap();
    let kept: Vec<_> = terms
        .iter()
        .map(|term| (&term.agent, term.until.is_some()))
        .collect();
    assert_eq!(kept, [(&agents[1], true), (&agents[0], false)]);
    f.registry
        .scouts_changed(vec![change(None, 10)])
        .await
        .unwrap();
    let terms = f.registry.terms().await.unwrap();
    assert!(terms.iter().all(|term| term.until.is_some()), "{terms:?}");
}
