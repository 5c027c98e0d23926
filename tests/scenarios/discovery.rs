//! What is in a centre's network is looked for where somebody wants that, waits for somebody to approve it, and is
//! known again wherever it moves.
//!
//! The network is a switch with a PC, a gateway, and devices with a card each, in namespaces of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::asked::CENTRE;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::ippeveprinter::IppPrinter;
use crate::harness::netns::{GATEWAY, Network, PC, Place};
use crate::harness::odd_devices::{Manner, OddDevice};
use crate::harness::process::Folder;
use crate::harness::scrape::Wanted;
use crate::harness::snmpd::Snmpd;
use crate::harness::snmpsim::{COMMUNITY, Recording, Snmpsim};
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// A look comes every minute, the first within seconds; it takes half a minute, more on a busy machine.
const LOOKED: Duration = Duration::from_secs(150);

const ASKED: &str = "[plan]\ndevice_interval = \"5s\"\nreport_interval = \"1s\"\n";
const LOOKED_FOR: &str = "discovery_interval = \"1m\"\n";

const SNMPD: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 11);
const TWINS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 77, 0, 12), Ipv4Addr::new(10, 77, 0, 13)];
const IPP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 14);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 77);

/// Of the recording that they all come from.
const SERIAL: &str = "PL100-0001";
const PAGES: f64 = 4711.0;

/// A device at the switch that answers SNMP as a recording says.
struct Recorded {
    place: Place,
    _simulator: Snmpsim,
    _relay: OddDevice,
    _folder: Folder,
}

impl Recorded {
    /// With a serial number and a number of pages.
    async fn at(
        network: &Network,
        address: Ipv4Addr,
        serial: &str,
        pages: f64,
    ) -> Result<Self, String> {
        let captures =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/tests/captures");
        let records = std::fs::read_to_string(captures.join("printer/healthy.snmprec"));
        let records = records.expect("a capture").replace(SERIAL, serial);
        let records = records.replace("|65|4711", &format!("|65|{pages}"));
        let folder = Folder::new("recorded");
        let file = folder.write("recorded.snmprec", records);
        let place = network.settle(address, &mac(address))?;
        let there = place.enter()?;
        let simulator = Snmpsim::of(&[Recording::at(&file)]).await?;
        let device = SocketAddr::new(simulator.address(0), simulator.port());
        let relay = relay(device);
        drop(there);
        Ok(Self {
            place,
            _simulator: simulator,
            _relay: relay,
            _folder: folder,
        })
    }
}

/// Where a device of this machine answers the switch: at the usual port.
fn relay(device: SocketAddr) -> OddDevice {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 161));
    OddDevice::at_port(device, everywhere, Manner::Well)
}

fn mac(address: Ipv4Addr) -> String {
    let [.., last] = address.octets();
    format!("02:77:00:00:00:{last:02x}")
}

async fn collector(plan: &str) -> Collector {
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(plan);
    let collector = setup.listening_on(GATEWAY.into()).start().await;
    let usual = ["--version", "2c"];
    collector.credential("usual", &usual, COMMUNITY).await;
    collector
}

async fn agent(collector: &Collector, network: &Network) -> Agent {
    let mut agent = Agent::installed_within(&network.on_the_pc());
    let token = collector.token_with(CENTRE, &["--device", "pc-1"]).await;
    agent.enrol(collector, &token, &[]).await.succeeded();
    agent.run();
    agent
}

/// A network in which devices can be.
fn network() -> Result<Network, String> {
    Network::new()?.with_another_pc()
}

#[tokio::test]
async fn nobody_looks_where_nobody_asked_for_it() {
    let network = needs!(network());
    let _there = needs!(network.at_the_gateway());
    let known = needs!(Recorded::at(&network, TWINS[0], SERIAL, PAGES).await);
    let unknown = needs!(network.settle(TWINS[1], &mac(TWINS[1])));
    for place in [&known.place, &unknown] {
        place.counts(PC).unwrap();
    }
    let collector = collector(ASKED).await;
    add(&collector, &[]).await;
    let _agent = agent(&collector, &network).await;
    // While one is asked again and again, the other gets no packet.
    let mut packets = 0;
    for _ in 0..5 {
        packets = eventually(
            "the known one is asked again",
            FIRST_VALUES,
            async || match known.place.counted()? {
                now if now > packets => Ok(now),
                now => Err(format!("{now} packets")),
            },
        )
        .await;
    }
    assert_eq!(unknown.counted(), Ok(0));
    let listed = collector.command(&["device", "list", "--found"]).await;
    assert!(!listed.succeeded().contains(CENTRE));
}

#[tokio::test]
async fn what_is_found_waits_for_somebody_to_approve_it() {
    let network = needs!(network());
    let _there = needs!(network.at_the_gateway());
    // Two that have one serial number, as cheap ones do, and two that are real.
    let mut twins = Vec::new();
    for (address, pages) in TWINS.into_iter().zip([PAGES, 12.0]) {
        twins.push(needs!(Recorded::at(&network, address, SERIAL, pages).await));
    }
    let place = needs!(network.settle(SNMPD, &mac(SNMPD)));
    let there = needs!(place.enter());
    let snmpd = needs!(Snmpd::started().await);
    let _relay = relay(SocketAddr::new(snmpd.address(), snmpd.port()));
    drop(there);
    let place = needs!(network.settle(IPP, &mac(IPP)));
    let there = needs!(place.enter());
    let printer = needs!(IppPrinter::switched_on("may-in").await);
    let ipp = printer.ipp();
    let (port, _) = ipp.split_once('/').unwrap();
    place.redirects(631, port.parse().unwrap()).unwrap();
    drop(there);

    let collector = collector(&format!("{ASKED}{LOOKED_FOR}")).await;
    let _agent = agent(&collector, &network).await;
    let all = [SNMPD, TWINS[0], TWINS[1], IPP];
    eventually("all are found", LOOKED, async || {
        let found = found(&collector).await;
        match found.len() == all.len() && all.iter().all(|one| named(&found, *one).is_some()) {
            true => Ok(()),
            false => Err(format!("{found:?}")),
        }
    })
    .await;
    let waiting = metric("dawnwatch_centre_found_devices").label("centre", CENTRE);
    eventually("they are counted", FIRST_VALUES, async || {
        waiting
            .clone()
            .is(4.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
    // Nobody asks them.
    let page = collector.metrics().await.unwrap();
    let asked = metric("dawnwatch_device_poll_outcome");
    assert_eq!(asked.absent_from(&page), Ok(()));
    let printers = metric("dawnwatch_printer_pages_total");
    assert_eq!(printers.absent_from(&page), Ok(()));

    let found = found(&collector).await;
    for (name, address) in [("first", TWINS[0]), ("second", TWINS[1]), ("may-in", IPP)] {
        let known_as = named(&found, address).unwrap();
        let approve = ["device", "approve", CENTRE, &known_as, "--name", name];
        collector.command(&approve).await.succeeded();
    }
    for (name, pages) in [("first", PAGES), ("second", 12.0)] {
        eventually("it is asked", FIRST_VALUES, async || {
            let pages = of("dawnwatch_printer_pages_total", name).is(pages);
            pages.found_in(&collector.metrics().await?)
        })
        .await;
    }
    eventually("it is asked by IPP", FIRST_VALUES, async || {
        let up = of("dawnwatch_device_up", "may-in").is(1.0);
        up.found_in(&collector.metrics().await?)
    })
    .await;
    let page = collector.metrics().await.unwrap();
    assert!(waiting.is(1.0).in_(&page) > 0.5);
}

#[tokio::test]
async fn a_device_whose_address_another_has_now_is_found_where_it_is() {
    let network = needs!(network());
    let _there = needs!(network.at_the_gateway());
    let ours = needs!(Recorded::at(&network, TWINS[0], SERIAL, PAGES).await);
    let other = needs!(Recorded::at(&network, TWINS[1], "PL100-0002", 12.0).await);
    let collector = collector(&format!("{ASKED}{LOOKED_FOR}")).await;
    add(&collector, &["--serial", SERIAL]).await;
    let mut agent = agent(&collector, &network).await;
    let pages = || of("dawnwatch_printer_pages_total", "may-in");
    eventually("it is asked", FIRST_VALUES, async || {
        pages().is(PAGES).found_in(&collector.metrics().await?)
    })
    .await;

    // Both are known where they are.
    let looked = agent.process().line("Looked for devices.", LOOKED).await;
    looked.unwrap();
    ours.place.moves(TWINS[0], ELSEWHERE).unwrap();
    other.place.moves(TWINS[1], TWINS[0]).unwrap();
    network.hears_of_other_addresses().unwrap();
    let nothing_of_the_other = |page: &_| {
        assert_eq!(pages().is(12.0).absent_from(page), Ok(()));
    };
    eventually("it is told that another is there", LOOKED, async || {
        let page = collector.metrics().await?;
        nothing_of_the_other(&page);
        let outcome = of("dawnwatch_device_poll_outcome", "may-in");
        outcome
            .label("outcome", "other_device")
            .is(1.0)
            .found_in(&page)
    })
    .await;
    eventually("it goes on where it is", LOOKED, async || {
        let page = collector.metrics().await?;
        nothing_of_the_other(&page);
        let outcome = of("dawnwatch_device_poll_outcome", "may-in");
        outcome
            .label("outcome", "answered")
            .is(1.0)
            .found_in(&page)?;
        pages().is(PAGES).found_in(&page)
    })
    .await;
    let listed = collector.command(&["device", "list"]).await.succeeded();
    let row = listed.lines().find(|line| line.contains("may-in"));
    assert!(row.unwrap().contains(&ELSEWHERE.to_string()), "{listed}");
    let events = ["device", "events", CENTRE, "may-in"];
    let events = collector.command(&events).await.succeeded();
    let moved = |line: &str| {
        ["address", &TWINS[0].to_string(), &ELSEWHERE.to_string()]
            .iter()
            .all(|word| line.contains(word))
    };
    assert!(events.lines().any(moved), "{events}");
}

/// Has the first of the twins asked.
async fn add(collector: &Collector, more: &[&str]) {
    let address = TWINS[0].to_string();
    let how = [&["--address", &address, "--snmp", "usual"], more].concat();
    collector.device(CENTRE, "may-in", "printer", &how).await;
}

fn of(name: &str, device: &str) -> Wanted {
    metric(name)
        .label("device", device)
        .label("kind", "printer")
}

/// Rows of what was found.
async fn found(collector: &Collector) -> Vec<Vec<String>> {
    let listed = collector.command(&["device", "list", "--found"]).await;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    listed.succeeded().lines().skip(1).map(words).collect()
}

/// What the device at this address is called.
fn named(found: &[Vec<String>], address: Ipv4Addr) -> Option<String> {
    let address = address.to_string();
    let row = found.iter().find(|row| row.contains(&address))?;
    row.get(1).cloned()
}
