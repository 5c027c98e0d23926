//! What is told of things that devices said.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod interfaces;

use std::time::Duration;

use proto::metrics::{self, Metric};

use super::*;
use crate::sources::Reading;
use crate::sources::device::said::{Condition, Interface, Level, Origin, Status, Supply, Tray};

const NOON: f64 = 1_700_000_000.0;
const INTERVAL: Duration = Duration::from_mins(1);

/// A device that is asked once a minute.
struct Device {
    memory: Memory,
    before: Vec<Reading>,
    moment: Moment,
    /// When it said things, where that is not the moment.
    moments: Moments,
}

impl Device {
    fn new() -> Self {
        Self {
            memory: Memory::default(),
            before: Vec::new(),
            moment: Moment {
                unix_seconds: NOON,
                at: Instant::now(),
            },
            moments: Moments::default(),
        }
    }

    /// What is told when it says this.
    fn tells(&mut self, said: &Said) -> Told {
        let mut readings = Readings::again(&self.before);
        readings.device = "mfp-1".parse().ok();
        super::said(
            said,
            &self.moments,
            self.moment,
            &mut self.memory,
            &mut readings,
        );
        self.moment.unix_seconds += INTERVAL.as_secs_f64();
        self.moment.at += INTERVAL;
        self.before.clone_from(&readings.taken);
        Told(readings.taken)
    }
}

struct Told(Vec<Reading>);

impl Told {
    /// The value of the series with these labels.
    fn value(&self, metric: &'static Metric, labels: &[&str]) -> Option<f64> {
        let is_it = |reading: &&Reading| {
            let has = reading
                .series
                .labels
                .iter()
                .map(|(_, value)| value.as_str());
            reading.series.metric == metric && has.eq(labels.iter().copied())
        };
        let mut found = self.0.iter().filter(is_it).map(|reading| reading.value);
        let value = found.next();
        assert_eq!(
            found.next(),
            None,
            "{} {labels:?} is told twice",
            metric.name
        );
        value
    }

    /// Everything told of a metric, as labels and value.
    fn all(&self, metric: &'static Metric) -> Vec<(Vec<&str>, f64)> {
        let told = self.0.iter().filter(|one| one.series.metric == metric);
        told.map(|one| {
            let labels = one.series.labels.iter().map(|(_, value)| value.as_str());
            (labels.collect(), one.value)
        })
        .collect()
    }
}

fn supply(description: &str, level: Level) -> Supply {
    Supply {
        description: description.to_owned(),
        kind: "toner".to_owned(),
        colour: "black".to_owned(),
        receptacle: false,
        level,
    }
}

fn port(name: &str) -> Interface {
    Interface {
        name: name.to_owned(),
        if_type: Some(6),
        up: Some(true),
        enabled: Some(true),
        speed_bits_per_second: Some(100_000_000),
        full_duplex: Some(true),
        receive_bytes_total: Some(1_000),
        transmit_bytes_total: Some(2_000),
        counter_bits: Some(32),
        receive_errors_total: Some(0),
        transmit_errors_total: Some(0),
        receive_drops_total: Some(0),
        transmit_drops_total: Some(0),
        ..Interface::default()
    }
}

fn interfaces(interfaces: &[Interface]) -> Said {
    Said {
        interfaces: interfaces.to_vec(),
        ..Said::default()
    }
}

fn printer() -> Said {
    Said {
        vendor: Some("Brother".to_owned()),
        model: Some("HL-5370DW".to_owned()),
        serial: Some("D9J123456".to_owned()),
        firmware: Some("1.01".to_owned()),
        uptime_seconds: Some(3_600.0),
        status: Some(Status::Idle),
        conditions: Some(vec![Condition::PaperLow]),
        pages_total: Some(21_743),
        queued_jobs: Some(0),
        supplies: vec![supply("Black Toner", Level::Measured(0.4))],
        trays: vec![Tray {
            name: "Tray 1".to_owned(),
            level: Level::SomeRemaining,
        }],
        origins: [
            ("supplies", Origin::Snmp),
            ("status", Origin::Ipp),
            ("name", Origin::Snmp),
        ]
        .into(),
        interfaces: vec![port("eth0")],
        ..Said::default()
    }
}

#[test]
fn all_that_a_printer_says_is_told_as_its_own() {
    let told = Device::new().tells(&printer());
    for reading in &told.0 {
        let device = reading.series.device.as_ref().unwrap();
        assert_eq!(device.as_str(), "mfp-1", "{reading:?}");
    }
    let check = |metric, labels: &[&str], value| {
        assert_eq!(told.value(metric, labels), Some(value), "{labels:?}");
    };
    let facts = ["Brother", "HL-5370DW", "D9J123456", "1.01"];
    check(&metrics::DEVICE_INFO, &facts, 1.0);
    check(&metrics::DEVICE_BOOT_TIME, &[], NOON - 3_600.0);
    check(&metrics::PRINTER_STATUS, &["idle"], 1.0);
    check(&metrics::PRINTER_CONDITION, &["paper_low"], 1.0);
    check(&metrics::PRINTER_PAGES, &[], 21_743.0);
    check(&metrics::PRINTER_JOBS, &[], 0.0);
    let toner = "Black Toner";
    check(&metrics::PRINTER_SUPPLY_RATIO, &[toner, "black"], 0.4);
    check(&metrics::PRINTER_SUPPLY_STATE, &[toner, "measured"], 1.0);
    check(
        &metrics::PRINTER_SUPPLY_INFO,
        &[toner, "toner", "false"],
        1.0,
    );
    assert_eq!(told.all(&metrics::PRINTER_TRAY_LEVEL), []);
    check(
        &metrics::PRINTER_TRAY_STATE,
        &["Tray 1", "some_remaining"],
        1.0,
    );
    check(&metrics::DEVICE_READING_INFO, &["supplies", "snmp"], 1.0);
    check(&metrics::DEVICE_READING_INFO, &["status", "ipp"], 1.0);
    assert_eq!(told.all(&metrics::DEVICE_READING_INFO).len(), 2);
    check(&metrics::DEVICE_INTERFACE_FULL_DUPLEX, &["eth0"], 1.0);
    check(
        &metrics::DEVICE_INTERFACE_TRANSMIT_BYTES,
        &["eth0"],
        2_000.0,
    );
}

#[test]
fn what_a_device_does_not_say_has_no_series() {
    let nothing = Device::new().tells(&Said::default());
    assert_eq!(nothing.0, []);
    let bare = Interface {
        name: "eth0".to_owned(),
        speed_bits_per_second: Some(0),
        ..Interface::default()
    };
    let mut said = interfaces(&[bare]);
    said.ups = Some(Ups {
        battery_ratio: Some(f64::NAN),
        ..Ups::default()
    });
    assert_eq!(Device::new().tells(&said).0, []);
}

#[test]
fn all_that_a_ups_says_is_told() {
    let said = Said {
        ups: Some(Ups {
            on_battery: Some(true),
            battery_ratio: Some(0.97),
            runtime_seconds: Some(1_260.0),
            load_ratio: Some(0.2),
            battery_low: Some(false),
            battery_replace: Some(false),
        }),
        cpu_usage_ratio: Some(0.25),
        memory_size_bytes: Some(64 << 20),
        memory_available_bytes: Some(12_345),
        ..Said::default()
    };
    let told = Device::new().tells(&said);
    let all: Vec<_> = told
        .0
        .iter()
        .map(|one| (one.series.metric.name, one.value))
        .collect();
    let expected = [
        ("dawnwatch_ups_on_battery", 1.0),
        ("dawnwatch_ups_battery_ratio", 0.97),
        ("dawnwatch_ups_runtime_seconds", 1_260.0),
        ("dawnwatch_ups_load_ratio", 0.2),
        ("dawnwatch_ups_battery_low", 0.0),
        ("dawnwatch_ups_battery_replace", 0.0),
        ("dawnwatch_cpu_usage_ratio", 0.25),
        ("dawnwatch_memory_size_bytes", 67_108_864.0),
        ("dawnwatch_memory_available_bytes", 12_345.0),
    ];
    assert_eq!(all, expected);
}

#[test]
fn no_series_changes_its_name_from_one_poll_to_the_next() {
    let mut device = Device::new();
    let mut said = printer();
    said.supplies.push(supply("Black Toner", Level::Unknown));
    said.interfaces.push(port("eth1"));
    let names = |told: &Told| {
        let series = told.0.iter().map(|one| std::sync::Arc::clone(&one.series));
        series.collect::<Vec<_>>()
    };
    let first = names(&device.tells(&said));
    // Another firmware was told before, and this answer was lost.
    said.firmware = None;
    said.vendor = None;
    // The other interface is used more now.
    said.interfaces[0].up = Some(false);
    said.uptime_seconds = Some(3_660.0);
    said.pages_total = Some(21_744);
    assert_eq!(names(&device.tells(&said)), first);
}

#[test]
fn what_is_over_is_0_and_what_never_was_is_nothing() {
    let mut device = Device::new();
    let mut said = printer();
    device.tells(&said);
    said.conditions = Some(vec![]);
    said.status = Some(Status::Printing);
    said.supplies[0].level = Level::SomeRemaining;
    let told = device.tells(&said);
    assert_eq!(
        told.all(&metrics::PRINTER_CONDITION),
        [(vec!["paper_low"], 0.0)]
    );
    assert_eq!(
        told.all(&metrics::PRINTER_STATUS),
        [(vec!["idle"], 0.0), (vec!["printing"], 1.0)]
    );
    assert_eq!(told.all(&metrics::PRINTER_SUPPLY_RATIO), []);
    let states = told.all(&metrics::PRINTER_SUPPLY_STATE);
    let expected = [
        (vec!["Black Toner", "measured"], 0.0),
        (vec!["Black Toner", "some_remaining"], 1.0),
    ];
    assert_eq!(states, expected);
    // It does not say what is the matter: nothing is told of that.
    said.conditions = None;
    assert_eq!(device.tells(&said).all(&metrics::PRINTER_CONDITION), []);
}

#[test]
fn supplies_of_one_name_and_of_none_are_told_apart() {
    let mut said = printer();
    said.supplies = ["Black", "Black", "\u{0}", ""]
        .map(|name| supply(name, Level::Measured(0.5)))
        .to_vec();
    let told = Device::new().tells(&said);
    let names: Vec<_> = told
        .all(&metrics::PRINTER_SUPPLY_RATIO)
        .iter()
        .map(|(labels, _)| labels[0].to_owned())
        .collect();
    assert_eq!(names, ["Black", "Black (2)", "toner", "toner (2)"]);
}

#[test]
fn a_flood_of_things_is_bounded() {
    let mut said = printer();
    said.interfaces = (0..1_000).map(|n| port(&format!("eth{n}"))).collect();
    said.supplies = vec![supply("Toner", Level::Unknown); 1_000];
    said.trays = vec![said.trays[0].clone(); 1_000];
    let mut device = Device::new();
    for round in 0..3 {
        for interface in &mut said.interfaces {
            interface.name = format!("{}{round}", interface.name);
        }
        let told = device.tells(&said);
        assert_eq!(told.all(&metrics::DEVICE_INTERFACE_UP).len(), 64);
        assert_eq!(told.all(&metrics::PRINTER_SUPPLY_INFO).len(), 32);
        assert_eq!(told.all(&metrics::PRINTER_TRAY_STATE).len(), 32);
        assert!(device.memory.interfaces.len() <= 64);
        assert!(device.memory.supplies.len() <= 32);
    }
}

#[test]
fn how_asking_went_is_told_small() {
    let mut memory = Memory::default();
    let mut tell = |outcome, took| {
        let mut readings = Readings::default();
        let attempt = Attempt {
            protocol: Origin::Snmp,
            outcome,
            took: Duration::from_millis(took),
            problem: None,
        };
        attempts(&[attempt], &mut memory, &mut readings);
        let told = Told(readings.taken);
        let owned = |all: Vec<(Vec<&str>, f64)>| {
            let text = |(labels, value): (Vec<&str>, f64)| format!("{} {value}", labels.join(" "));
            all.into_iter().map(text).collect::<Vec<_>>()
        };
        let mut all = owned(told.all(&metrics::DEVICE_POLL_OUTCOME));
        all.extend(owned(told.all(&metrics::DEVICE_POLL_DURATION)));
        all
    };
    assert_eq!(tell("answered", 100), ["snmp answered 1", "snmp 0.1"]);
    assert_eq!(tell("answered", 150), ["snmp answered 1", "snmp 0.1"]);
    assert_eq!(
        tell("timeout", 5_000),
        ["snmp answered 0", "snmp timeout 1"]
    );
    assert_eq!(
        tell("answered", 450),
        ["snmp answered 1", "snmp timeout 0", "snmp 0.45"]
    );
}
