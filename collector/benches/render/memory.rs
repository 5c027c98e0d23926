//! What a device takes up in the live view, in a process of its own: by how much more the system
//! says it has, with a page made or not.

use std::process::Command;

use anyhow::Context as _;
use jiff::Timestamp;
use proto::metrics::{self as catalogue};
use proto::stream::Series;

use super::{DEVICES_PER_CENTRE, Fleet, SERIES_PER_DEVICE};

/// Starts the measurement.
pub(super) const ARGUMENT: &str = "--memory";

const DEVICES: usize = 20_000;

/// Measures in a new process.
pub(super) fn report() -> anyhow::Result<()> {
    let status = Command::new(std::env::current_exe()?)
        .args(["--bench", ARGUMENT])
        .status()?;
    anyhow::ensure!(status.success(), "the measurement of memory failed");
    Ok(())
}

/// Measures this process and says so.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(super) fn measure() -> anyhow::Result<()> {
    let before = resident_bytes()?;
    let fleet = Fleet::new(DEVICES, realistic_series)?;
    fleet.update(0)?;
    let filled = resident_bytes()?;
    for piece in fleet.exposition.page(Timestamp::now(), &fleet.spare) {
        drop(piece);
    }
    let shown = resident_bytes()?;
    println!("\n{DEVICES} devices of {SERIES_PER_DEVICE} realistic series: resident bytes");
    println!("{:34}{:>10}{:>12}", "", "a device", "a series");
    for (what, bytes) in [
        ("live view", filled - before),
        ("with a page made", shown - before),
    ] {
        let device = bytes / DEVICES;
        println!("{what:34}{device:>10}{:>12}", device / SERIES_PER_DEVICE);
    }
    Ok(())
}

fn resident_bytes() -> anyhow::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")
        .context("memory is measured on Linux alone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.context("VmRSS is there")?.parse::<usize>()? * 1_024)
}

/// What an agent on a PC measures: its sources, the machine, its disks and interfaces, three links.
/// Most of it is called the same everywhere; what is not is the host, the serial number, the kernel
/// now and then, and the address of the gateway.
fn realistic_series(device: usize) -> anyhow::Result<Vec<Series>> {
    let sources = [
        "cpu",
        "memory",
        "swap",
        "load",
        "filesystems",
        "disks",
        "temperature",
    ];
    let sources: Vec<_> = sources
        .iter()
        .chain(&["interfaces", "os", "link"])
        .copied()
        .collect();
    let links = [
        ("gateway", "gateway"),
        ("dns", "resolver-1"),
        ("line", "collector"),
    ];
    let mut series = Vec::new();
    let mut add = |name: &str, values: &[&str]| -> anyhow::Result<()> {
        let (metric, part) = catalogue::find(name).with_context(|| format!("no metric {name}"))?;
        let values = values.iter().map(|value| (*value).to_owned());
        series.push(Series {
            device: None,
            metric,
            part,
            labels: metric.labels.iter().copied().zip(values).collect(),
        });
        Ok(())
    };
    for name in [
        "agent_spool_bytes",
        "boot_time_seconds",
        "cpus",
        "cpu_usage_ratio",
        "memory_size_bytes",
        "memory_available_bytes",
        "swap_size_bytes",
        "swap_used_bytes",
    ] {
        add(&format!("dawnwatch_{name}"), &[])?;
    }
    for source in sources {
        add("dawnwatch_agent_source_success", &[source])?;
        add("dawnwatch_agent_source_duration_seconds", &[source])?;
    }
    for minutes in ["1", "5", "15"] {
        add("dawnwatch_load_average", &[minutes])?;
    }
    for mountpoint in ["C:", "D:", "E:"] {
        add("dawnwatch_filesystem_size_bytes", &[mountpoint])?;
        add("dawnwatch_filesystem_available_bytes", &[mountpoint])?;
    }
    for disk in ["sda", "sdb"] {
        add("dawnwatch_disk_read_bytes_total", &[disk])?;
        add("dawnwatch_disk_written_bytes_total", &[disk])?;
    }
    for sensor in [
        "coretemp Core 0",
        "coretemp Core 1",
        "acpitz",
        "nvme",
        "gpu",
    ] {
        add("dawnwatch_temperature_celsius", &[sensor])?;
    }
    for interface in ["eth0", "wlan0"] {
        add("dawnwatch_interface_up", &[interface])?;
        add("dawnwatch_interface_speed_bits_per_second", &[interface])?;
        for direction in ["receive", "transmit"] {
            for what in ["bytes", "errors", "drops"] {
                let name = format!("dawnwatch_interface_{direction}_{what}_total");
                add(&name, &[interface])?;
            }
        }
    }
    for (segment, target) in links {
        for what in [
            "rtt_min_seconds",
            "rtt_median_seconds",
            "rtt_max_seconds",
            "jitter_seconds",
            "sent_total",
            "received_total",
            "loss_ratio",
        ] {
            add(&format!("dawnwatch_link_{what}"), &[segment, target])?;
        }
        let centre = device / DEVICES_PER_CENTRE;
        let address = format!("10.{}.{}.1", centre / 250, centre % 250);
        let labels = [segment, target, &address, "icmp_raw"];
        add("dawnwatch_link_method_info", &labels)?;
    }
    let (kernel, host) = (
        format!("10.0.{}", device % 50),
        format!("DESKTOP-{device:07X}"),
    );
    add("dawnwatch_os_info", &["Windows", "10", &kernel, &host])?;
    let labels = [
        "Dell",
        "OptiPlex 3050",
        &format!("5CD{device:07}"),
        "Windows 10",
    ];
    add("dawnwatch_device_info", &labels)?;
    anyhow::ensure!(series.len() == SERIES_PER_DEVICE, "{} series", series.len());
    Ok(series)
}
