//! Real printers, routers and UPS, as they were recorded, are shown as they are: simulator, scout, collector,
//! `/metrics`, in every version of SNMP.
//!
//! The recordings and what is expected of them are not part of the project; its own ([`captures`]) are, one
//! for each rule.

mod captures;
mod truth;
mod values;

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use self::truth::expected;
use self::values::{Values, shown};
use crate::harness::snmpsim::{COMMUNITY, PASSWORD, Recording, Snmpsim, USER};
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// The simulator is no faster.
const INTERVAL: Duration = Duration::from_secs(30);

/// Every device was asked twice, one request after the other.
const ALL_ASKED: Duration = Duration::from_secs(180);

/// Series of the devices of one centre: one agent tells them all.
const PER_CENTRE: usize = 1_000;

/// A recording, a series, and why it is shown otherwise than must be.
type Otherwise = (&'static str, &'static str, &'static str);

/// Than the truth has it.
const OTHERWISE: &[Otherwise] = &[(
    "draytek_vigor2962",
    "memory_used_percent",
    "it tells a share of memory, and not of how much",
)];

/// A version of SNMP: how it is kept, with what secrets, and whether it has numbers of 64 bits.
struct Version {
    arguments: &'static [&'static str],
    secrets: &'static str,
    has_wide_numbers: bool,
}

const V1: Version = Version {
    arguments: &["--version", "1"],
    secrets: COMMUNITY,
    has_wide_numbers: false,
};

const V2C: Version = Version {
    arguments: &["--version", "2c"],
    secrets: COMMUNITY,
    has_wide_numbers: true,
};

const V3: Version = Version {
    arguments: &["--version", "3", "--user", USER, "--auth", "sha1"],
    secrets: PASSWORD,
    has_wide_numbers: true,
};

#[tokio::test]
async fn every_recorded_device_is_shown_as_it_is_by_snmp_v1() {
    every_recording_by(V1).await;
}

#[tokio::test]
async fn every_recorded_device_is_shown_as_it_is_by_snmp_v2c() {
    every_recording_by(V2C).await;
}

#[tokio::test]
async fn every_recorded_device_is_shown_as_it_is_by_snmp_v3() {
    every_recording_by(V3).await;
}

/// A recording, where it is asked, and what must be shown of it.
struct Device {
    recording: Recording,
    kind: &'static str,
    centre: String,
    /// How long it runs, in seconds. `None` where nothing is known of that.
    uptime: Option<Option<f64>>,
    expected: Values,
}

async fn every_recording_by(version: Version) {
    let devices = match recorded(&version) {
        Ok(devices) => devices,
        Err(reason) => {
            // Not part of the project: its absence is no failure, wherever the tests run.
            eprintln!("skipped, because {reason}");
            return;
        }
    };
    assert_eq!(devices.len(), 37, "29 recordings and 8 of our own making");
    let recordings: Vec<_> = devices.iter().map(|one| one.recording.clone()).collect();
    let simulator = needs!(Snmpsim::of(&recordings).await);
    all_are_shown(&devices, &version, &simulator, OTHERWISE).await;
}

/// Has them asked by scouts, until all is shown that must be, and nothing else.
async fn all_are_shown(
    devices: &[Device],
    version: &Version,
    simulator: &Snmpsim,
    otherwise: &[Otherwise],
) {
    let (collector, _agents) = watched(devices, version, simulator).await;
    let began = unix_seconds();
    eventually("all is as it must be", ALL_ASKED, async || {
        let page = collector.metrics().await?;
        let differing = devices.iter().flat_map(|device| {
            let name = &device.recording.name;
            let told = shown(&page, &device.centre, &slug(name));
            let mut differences = device.expected.differences(&told);
            differences.extend(uptime_differs(device, &page, began));
            let of_it = |difference| format!("{name}: {difference}");
            differences.into_iter().map(of_it).collect::<Vec<_>>()
        });
        judge(differing.collect(), otherwise)
    })
    .await;
}

/// That nothing differs but what has a reason to, and that has.
fn judge(mut differences: Vec<String>, otherwise: &[Otherwise]) -> Result<(), String> {
    let known = otherwise
        .iter()
        .map(|(name, series, _)| format!("{name}: {series}"));
    let known: Vec<String> = known.collect();
    if let Some(one) = known
        .iter()
        .find(|it| !differences.iter().any(|one| one.starts_with(*it)))
    {
        return Err(format!("{one} is as the truth has it"));
    }
    differences.retain(|one| !known.iter().any(|it| one.starts_with(it)));
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{} differ:\n{}",
            differences.len(),
            differences.join("\n")
        )),
    }
}

/// A collector with centres enough, and a scout in each.
async fn watched(
    devices: &[Device],
    version: &Version,
    simulator: &Snmpsim,
) -> (Collector, Vec<Agent>) {
    let mut centres: Vec<&str> = devices.iter().map(|device| &*device.centre).collect();
    centres.dedup();
    let csv = centres.iter().map(|centre| format!("{centre},{centre}\n"));
    let csv = format!("id,name\n{}", csv.collect::<String>());
    let seconds = INTERVAL.as_secs();
    let collector = Collector::with_centres(&csv)
        .with_settings(&format!(
            "[plan]\ndevice_interval = \"{seconds}s\"\nreport_interval = \"1s\"\n"
        ))
        .start()
        .await;
    let port = simulator.port().to_string();
    let arguments = [version.arguments, &["--port", &port]].concat();
    collector
        .credential("all", &arguments, version.secrets)
        .await;
    for (number, device) in devices.iter().enumerate() {
        let address = simulator.address(number).to_string();
        let name = slug(&device.recording.name);
        let how = ["--address", &address, "--snmp", "all"];
        collector
            .device(&device.centre, &name, device.kind, &how)
            .await;
    }
    let mut agents = Vec::new();
    for centre in centres {
        let mut agent = Agent::enrolled_at(&collector, centre).await;
        agent.run();
        agents.push(agent);
    }
    (collector, agents)
}

/// Every recording that has a truth.
fn recorded(version: &Version) -> Result<Vec<Device>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/devices/snmp");
    let mut devices = Vec::new();
    let (mut centre, mut room) = (0, PER_CENTRE);
    for (file, folder_of) in [
        ("truth.json", None),
        ("truth_overlay.json", Some("overlay")),
    ] {
        let file = folder.join(file);
        let text = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let truth: Json = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        for (name, truth) in truth["recordings"].as_object().unwrap() {
            let kinds = truth["kind"].as_str();
            let file = folder
                .join(folder_of.or(kinds).unwrap())
                .join(format!("{name}.snmprec"));
            let mut expected = expected(truth, version.has_wide_numbers);
            // It counts faults in 64 bits too.
            if !version.has_wide_numbers && name == "ciscosb_c1200-8t-e-2g" {
                expected.without(|series| {
                    series.contains("_errors_total") || series.contains("_drops_total")
                });
            }
            let needed = 50 + expected.len();
            if needed > room {
                (centre, room) = (centre + 1, PER_CENTRE);
            }
            room -= needed;
            devices.push(Device {
                recording: Recording::at(&file),
                kind: match kinds {
                    Some("routers") => "router",
                    Some("ups") => "ups",
                    _ => "printer",
                },
                centre: format!("centre-{centre}"),
                uptime: truth.get("uptime").map(|it| it["seconds"].as_f64()),
                expected,
            });
        }
    }
    Ok(devices)
}

/// The simulator's devices run as long as they ran then, at whatever moment they are asked.
fn uptime_differs(
    device: &Device,
    page: &crate::harness::scrape::Page,
    began: f64,
) -> Option<String> {
    let name = slug(&device.recording.name);
    let of_it = metric("dawnwatch_boot_time_seconds").label("device", &name);
    let told = of_it.label("centre", &device.centre).found_in(page);
    match (device.uptime?, told) {
        (Some(uptime), Ok(boot)) => {
            let asked = boot + uptime;
            let is_then = began - 1.0 <= asked && asked <= unix_seconds() + 1.0;
            (!is_then).then(|| format!("boot time: {boot}, with an uptime of {uptime}"))
        }
        (Some(_), Err(missing)) => Some(missing),
        (None, Ok(boot)) => Some(format!("boot time: {boot}, though it does not say")),
        (None, Err(_)) => None,
    }
}

fn unix_seconds() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("after 1970").as_secs_f64()
}

/// A name as devices have it.
fn slug(name: &str) -> String {
    name.replace(['_', '@'], "-")
}
