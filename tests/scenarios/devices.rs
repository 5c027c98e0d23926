//! Devices that are really there, asked by a scout: what is shown of them is what they are now.
//!
//! Debian's snmpd counts what the kernel counts; CUPS' printer has in it what its web form says.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::harness::collector::ONE_CENTRE;
use crate::harness::ippeveprinter::IppPrinter;
use crate::harness::scrape::{Page, Wanted};
use crate::harness::snmpd::{self, Snmpd};
use crate::harness::snmpsim::{self, Recording, Snmpsim};
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// Agents start, and the first scout is chosen; or what snmpd remembers of its interfaces gets old.
const FIRST: Duration = Duration::from_secs(60);

/// Between two polls, with time for both.
const SOON: Duration = Duration::from_secs(30);

async fn collector() -> Collector {
    let settings = "[plan]\ndevice_interval = \"2s\"\nreport_interval = \"1s\"\n";
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(settings);
    setup.start().await
}

/// The scout of a centre.
async fn scout(collector: &Collector) -> Agent {
    let mut agent = Agent::enrolled_at(collector, "cong-son").await;
    agent.run();
    agent
}

fn of(device: &str, name: &str) -> Wanted {
    metric(&format!("dawnwatch_{name}")).label("device", device)
}

#[tokio::test]
async fn what_snmpd_tells_by_v2c_is_what_the_kernel_counts() {
    let how = ["--version", "2c"];
    what_snmpd_tells_is_what_the_kernel_counts(&how, snmpd::COMMUNITY).await;
}

#[tokio::test]
async fn what_snmpd_tells_by_v3_in_secret_is_what_the_kernel_counts() {
    let user = ["--version", "3", "--user", snmpd::USER];
    let how = [&user[..], &["--auth", "sha256", "--privacy", "aes128"]].concat();
    what_snmpd_tells_is_what_the_kernel_counts(&how, snmpd::PASSWORDS).await;
}

async fn what_snmpd_tells_is_what_the_kernel_counts(how: &[&str], secrets: &str) {
    let before = interfaces();
    let began = unix_seconds();
    let snmpd = needs!(Snmpd::started().await);
    let collector = collector().await;
    let port = snmpd.port().to_string();
    let how = [how, &["--port", &port]].concat();
    collector.credential("snmpd", &how, secrets).await;
    let address = snmpd.address().to_string();
    let at = ["--address", &address, "--snmp", "snmpd"];
    collector.device("cong-son", "gate", "router", &at).await;
    let _scout = scout(&collector).await;

    let page = eventually("interfaces are told", FIRST, async || {
        let page = collector.metrics().await?;
        let told = of("gate", "interface_receive_bytes_total").label("interface", "lo");
        told.found_in(&page).map(|_| page)
    })
    .await;
    counts_as_the_kernel_does(&page, &before).unwrap();
    let started = of("gate", "boot_time_seconds").in_(&page);
    let ready = unix_seconds();
    assert!(
        began - 2.0 <= started && started <= ready,
        "{began} {started} {ready}"
    );
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let size = meminfo.split_whitespace().nth(1).unwrap();
    let size: f64 = size.parse().unwrap();
    assert_eq!(of("gate", "memory_size_bytes").in_(&page), size * 1024.0);

    // What comes later is counted too, and no more than that.
    traffic();
    let later = interfaces();
    assert!(later["lo"][0] >= before["lo"][0] + 100_000.0);
    eventually("the traffic is counted", FIRST, async || {
        let page = collector.metrics().await?;
        counts_as_the_kernel_does(&page, &later)
    })
    .await;
}

/// Some hundred packets to nobody.
fn traffic() {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    for _ in 0..100 {
        // Sometimes refused, since nobody listens.
        let _ = socket.send_to(&[0; 1_200], nobody);
    }
}

/// That each interface of that moment is shown, between the counts of then and now.
fn counts_as_the_kernel_does(
    page: &Page,
    before: &HashMap<String, Vec<f64>>,
) -> Result<(), String> {
    let after = interfaces();
    // Others come and go with tests beside this one.
    let lasting = before
        .iter()
        .filter_map(|(name, before)| Some((name, before, after.get(name)?)));
    for (name, before, after) in lasting {
        for (direction, column) in [("receive", 0), ("transmit", 8)] {
            for (what, offset) in [("bytes", 0), ("errors", 2), ("drops", 3)] {
                let metric = format!("interface_{direction}_{what}_total");
                let told = of("gate", &metric)
                    .label("interface", name)
                    .found_in(page)?;
                let (before, after) = (before[column + offset], after[column + offset]);
                if told < before || told > after {
                    return Err(format!(
                        "{metric} of {name}: {told}, by the kernel {before} to {after}"
                    ));
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_in_an_ipp_printer_is_shown_and_its_trouble_comes_and_goes() {
    let printer = needs!(IppPrinter::switched_on("Desk").await);
    printer.supplies(&[60, 75]).await;
    printer.paper([125, 25]).await;
    let collector = collector().await;
    let (address, ipp) = (printer.address().to_string(), printer.ipp());
    let at = ["--address", &address, "--ipp", &ipp];
    collector.device("cong-son", "desk", "printer", &at).await;
    let _scout = scout(&collector).await;
    let shows = async |what: &str, within, wanted: &[Wanted]| {
        eventually(what, within, async || {
            let page = collector.metrics().await?;
            wanted
                .iter()
                .try_for_each(|one| one.found_in(&page).map(|_| ()))
        })
        .await;
    };
    let supply = |name, ratio| {
        of("desk", "printer_supply_ratio")
            .label("supply", name)
            .is(ratio)
    };
    let tray = |name, ratio| {
        of("desk", "printer_tray_level_ratio")
            .label("tray", name)
            .is(ratio)
    };
    let condition = |name, is| {
        of("desk", "printer_condition")
            .label("condition", name)
            .is(is)
    };
    let idle = || of("desk", "printer_status").label("status", "idle").is(1.0);
    let told_by = |reading| {
        let info = of("desk", "device_reading_info").label("reading", reading);
        info.label("origin", "ipp").is(1.0)
    };
    let told = [
        of("desk", "device_up").is(1.0),
        idle(),
        supply("Black Toner", 0.75),
        supply("Toner Waste Tank", 0.6),
        tray("main", 0.5),
        told_by("supplies"),
        told_by("conditions"),
    ];
    shows("what is in it", FIRST, &told).await;
    let page = collector.metrics().await.unwrap();
    of("desk", "printer_condition")
        .is(1.0)
        .absent_from(&page)
        .unwrap();

    printer.supplies(&[60, 4]).await;
    let told = [supply("Black Toner", 0.04), condition("toner_low", 1.0)];
    shows("toner runs low", SOON, &told).await;
    printer.supplies(&[60, 0]).await;
    let told = [condition("toner_empty", 1.0), condition("toner_low", 0.0)];
    shows("toner is empty", SOON, &told).await;
    printer.supplies(&[60, 100]).await;
    printer.paper([0, 25]).await;
    let told = [
        supply("Black Toner", 1.0),
        condition("toner_empty", 0.0),
        tray("main", 0.0),
        condition("paper_empty", 1.0),
    ];
    shows("toner is new, a tray is empty", SOON, &told).await;
    printer.paper([250, 25]).await;
    let told = [tray("main", 1.0), condition("paper_empty", 0.0), idle()];
    shows("nothing is the matter", SOON, &told).await;
    let page = collector.metrics().await.unwrap();
    of("desk", "printer_condition")
        .is(1.0)
        .absent_from(&page)
        .unwrap();
}

#[tokio::test]
async fn a_printer_that_speaks_snmp_and_ipp_is_one_and_says_which_told_what() {
    let printer = needs!(IppPrinter::switched_on("Desk").await);
    printer.supplies(&[60, 0]).await;
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/tests/captures");
    let healthy = Recording::at(&captures.join("printer/healthy.snmprec"));
    let simulator = needs!(Snmpsim::of(&[healthy]).await);
    assert_eq!(
        simulator.address(0),
        printer.address(),
        "both at one address"
    );
    let collector = collector().await;
    let port = simulator.port().to_string();
    let how = ["--version", "2c", "--port", &port];
    collector
        .credential("printers", &how, snmpsim::COMMUNITY)
        .await;
    let (address, ipp) = (printer.address().to_string(), printer.ipp());
    let at = ["--address", &address, "--snmp", "printers", "--ipp", &ipp];
    collector.device("cong-son", "desk", "printer", &at).await;
    let _scout = scout(&collector).await;
    let told_by = |reading, origin| {
        let info = of("desk", "device_reading_info").label("reading", reading);
        info.label("origin", origin)
    };
    let page = eventually("both have told", FIRST, async || {
        let page = collector.metrics().await?;
        let attempt = of("desk", "device_poll_outcome")
            .label("outcome", "answered")
            .is(1.0);
        for protocol in ["snmp", "ipp"] {
            attempt
                .clone()
                .label("protocol", protocol)
                .found_in(&page)?;
        }
        told_by("queued_jobs", "ipp").found_in(&page).map(|_| page)
    })
    .await;
    // SNMP tells what it has; IPP what SNMP has not, and what is the matter.
    for (reading, origin) in [
        ("supplies", "snmp"),
        ("pages_total", "snmp"),
        ("serial", "snmp"),
    ] {
        told_by(reading, origin).in_(&page);
    }
    let pages = of("desk", "printer_pages_total");
    assert_eq!(pages.all_in(&page).len(), 1);
    assert_eq!(pages.in_(&page), 4711.0);
    let supplies = of("desk", "printer_supply_ratio").all_in(&page);
    let names: Vec<&str> = supplies.iter().map(|one| &*one.labels["supply"]).collect();
    assert_eq!(names, ["Cartridge 100X", "Waste box"], "one list, not two");
    of("desk", "printer_condition")
        .label("condition", "toner_empty")
        .is(1.0)
        .in_(&page);
    told_by("conditions", "ipp").in_(&page);
    assert_eq!(
        metric("dawnwatch_device_up")
            .label("kind", "printer")
            .all_in(&page)
            .len(),
        1
    );
}

/// Columns of `/proc/net/dev` by interface.
fn interfaces() -> HashMap<String, Vec<f64>> {
    let text = std::fs::read_to_string("/proc/net/dev").unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let columns = |text: &str| {
        text.split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect()
    };
    lines
        .map(|(name, text)| (name.trim().to_owned(), columns(text)))
        .collect()
}

fn unix_seconds() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("after 1970").as_secs_f64()
}
