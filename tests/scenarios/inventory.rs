//! What a device is, is noted: another firmware is something that happened to it.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::asked::CENTRE;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::settable::Settable;
use crate::harness::snmpsim::COMMUNITY;
use crate::harness::{Collector, eventually, metric};
use crate::needs;

const PLAN: &str = "[plan]\ndevice_interval = \"5s\"\nreport_interval = \"1s\"\n";

/// Until what is told is noted.
const NOTED: Duration = Duration::from_secs(30);

/// `sysDescr`, in which this maker says it.
const DESCRIPTION: &str = "1.3.6.1.2.1.1.1.0";

#[tokio::test]
async fn another_firmware_is_something_that_happened() {
    let router = needs!(Settable::captured("system/chassis.snmprec", &[DESCRIPTION]).await);
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(PLAN);
    let collector = setup.start().await;
    collector
        .asks("modem", "router", router.address(), COMMUNITY)
        .await;
    let _agent = collector.machine("pc-1").await;
    has_firmware("15.1(4)M", &collector).await;
    eventually("what it is, is noted", NOTED, async || {
        let listed = collector.command(&["device", "list"]).await.succeeded();
        match listed.contains("C1000/K9") {
            true => Ok(()),
            false => Err(listed),
        }
    })
    .await;
    assert_eq!(changes(&collector).await, Vec::<String>::new());
    let mut told = Vec::new();
    for (before, firmware) in [("15.1(4)M", "16.0"), ("16.0", "16.1"), ("16.1", "16.0")] {
        let description =
            format!("Cisco IOS Software, C1000 Software, Version {firmware}, RELEASE");
        router.set(&[[DESCRIPTION, "s", &description]]).await;
        has_firmware(firmware, &collector).await;
        // The newest first.
        told.insert(0, format!("{before} to {firmware}"));
        eventually("it is an event", NOTED, async || {
            match changes(&collector).await {
                events if events == told => Ok(()),
                events => Err(format!("{events:?}")),
            }
        })
        .await;
    }
    let path = format!("/api/v1/events?centre={CENTRE}&device=modem");
    let events = collector.api(&path).await.unwrap();
    let newest = &events[0];
    let told = ["device", "what", "before", "after"].map(|name| &newest[name]);
    assert_eq!(told, ["modem", "firmware", "16.1", "16.0"], "{events}");
    let path = format!("/centres/{CENTRE}/devices/modem");
    let page = collector.page(&path).await.unwrap();
    assert!(page.contains("16.1"), "only an event tells of it: {page}");
}

/// Waits until it is told, and nothing of before beside it.
async fn has_firmware(firmware: &str, collector: &Collector) {
    eventually("it is told", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        let info = metric("dawnwatch_device_info").label("device", "modem");
        let serial = info.clone().label("serial", "FOC1234X0AB");
        serial.label("firmware", firmware).is(1.0).found_in(&page)?;
        match info.all_in(&page).len() {
            1 => Ok(()),
            several => Err(format!("{several} at once")),
        }
    })
    .await;
}

/// Of its firmware, as `device events` lists them: what it was, and what it is.
async fn changes(collector: &Collector) -> Vec<String> {
    let events = ["device", "events", CENTRE, "modem"];
    let listed = collector.command(&events).await.succeeded();
    let of_firmware = listed.lines().filter(|line| line.contains("firmware"));
    let values = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words[words.len() - 2..].join(" to ")
    };
    of_firmware.map(values).collect()
}
