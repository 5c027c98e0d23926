//! For whoever works on the page: serves it over a live view that is filled with made-up values, on
//! a free port of the loopback. No part of the product; nothing else calls it.
//!
//! `cargo run -p dawnwatch-collector --example page -- centres.csv`

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dawnwatch_collector::centres;
use dawnwatch_collector::latest::{
    Device, DeviceKey, Enrolled, HISTORY_MINUTES, Latest, Patience, lock,
};
use dawnwatch_collector::web::{Web, router};
use jiff::{Timestamp, ToSpan as _};
use proto::metrics as catalogue;
use proto::stream::Series;
use tokio::net::TcpListener;
use tokio::sync::watch;

const GB: f64 = 1_073_741_824.0;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "says where the page is")]
async fn main() -> anyhow::Result<()> {
    let centres = match std::env::args_os().nth(1) {
        Some(path) => centres::read(path.as_ref())?,
        None => Vec::new(),
    };
    // So long that nothing falls silent while somebody looks.
    let latest = Arc::new(Latest::new(Patience {
        reports: Duration::from_hours(24),
        samples: Duration::from_hours(24),
    }));
    let mut enrolled = Vec::new();
    for (number, centre) in centres.iter().enumerate() {
        // The third has no agent yet.
        let count = if number == 2 { 0 } else { 2 + number % 5 };
        for device in 0..count {
            let key = DeviceKey {
                centre: centre.id.clone(),
                device: format!("pc-{:02}", device + 1).parse()?,
            };
            enrolled.push((key, enrolment(number, device)?));
        }
    }
    latest.follow(enrolled.clone());
    for (key, enrolment) in &enrolled {
        let number = centres.iter().position(|centre| centre.id == key.centre);
        let device = latest.device(key).context("enrolled above")?;
        if enrolment.last_report.is_none() && !enrolment.agent.as_str().ends_with("never") {
            report(&mut lock(&device), number.unwrap_or(0));
        }
    }
    let web = Web {
        latest,
        centres: watch::channel(Arc::new(centres)).1,
        province: "Lạng Sơn".into(),
        utc_offset: jiff::tz::Offset::constant(7),
        now: Timestamp::now,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, router(web)).await?)
}

/// Some centres are silent, some shut down, one was never heard.
fn enrolment(centre: usize, device: usize) -> anyhow::Result<Enrolled> {
    let now = Timestamp::now();
    let (last_report, goodbye) = match (centre, device) {
        (7 | 31, _) => (Some(now - 24.minutes()), false),
        (12 | 40, 1) => (Some(now - 3.hours()), false),
        (20..=22, _) | (50, 0) => (Some(now - 14.hours()), true),
        _ => (None, false),
    };
    let end = if centre == 3 { "never" } else { "agent" };
    Ok(Enrolled {
        agent: format!("c{centre}-d{device}-{end}").parse()?,
        kind: "pc".into(),
        version: "0.1.0".into(),
        os: if device == 0 { "linux" } else { "windows" }.into(),
        arch: "x86_64".into(),
        certificate_until: Some(now + 1_400.hours()),
        last_report,
        goodbye,
    })
}

/// An hour of one device: an ordinary one, or one with a bad line.
fn report(device: &mut Device, centre: usize) {
    let offset = if centre == 9 { -191_000.0 } else { 0.2 };
    device.reported(Timestamp::now(), offset, 0);
    let wave = |minute: usize| f64::from(u8::try_from(minute * 37 % 60).unwrap_or(0)) / 60.0;
    let mut put = |metric: &str, labels: &[&str], value: &dyn Fn(usize) -> f64| {
        let Some((metric, part)) = catalogue::find(metric) else {
            return;
        };
        let labels = metric.labels.iter().copied().zip(labels.iter());
        let labels = labels.map(|(name, value)| (name, (*value).to_owned()));
        let series = Series {
            metric,
            part,
            labels: labels.collect(),
        };
        let slot = device.slot(&series).expect("a place");
        let mut time = Timestamp::now().as_millisecond();
        time -= 60_000 * i64::try_from(HISTORY_MINUTES).unwrap_or(0);
        for minute in 0..HISTORY_MINUTES {
            time += 60_000;
            // Nothing was measured for a while.
            if !(20..26).contains(&minute) {
                device.update(slot, time, value(minute));
            }
        }
    };
    let (loss, delay) = match centre {
        5 => (0.18, 0.210),
        16 => (0.045, 0.090),
        33 => (0.0, 0.420),
        _ => (0.0, 0.018),
    };
    put("dawnwatch_cpu_usage_ratio", &[], &|m| 0.1 + 0.5 * wave(m));
    put("dawnwatch_cpu_count", &[], &|_| 4.0);
    for minutes in ["1", "5", "15"] {
        put("dawnwatch_load_average", &[minutes], &|_| 0.42);
    }
    put("dawnwatch_memory_size_bytes", &[], &|_| 8.0 * GB);
    put("dawnwatch_memory_available_bytes", &[], &|m| {
        (3.0 - wave(m)) * GB
    });
    put("dawnwatch_swap_used_bytes", &[], &|_| 0.1 * GB);
    for (mount, free) in [("/", 22.0), ("/home", 240.0)] {
        put("dawnwatch_filesystem_size_bytes", &[mount], &|_| 256.0 * GB);
        put("dawnwatch_filesystem_available_bytes", &[mount], &|_| {
            free * GB
        });
    }
    put("dawnwatch_disk_read_bytes_total", &["sda"], &|_| 12.0 * GB);
    put("dawnwatch_disk_written_bytes_total", &["sda"], &|_| {
        31.0 * GB
    });
    put(
        "dawnwatch_temperature_celsius",
        &["coretemp Package id 0"],
        &|_| 47.0,
    );
    for (interface, up) in [("enp3s0", 1.0), ("wlp2s0", 0.0)] {
        put("dawnwatch_interface_up", &[interface], &|_| up);
    }
    put(
        "dawnwatch_interface_speed_bits_per_second",
        &["enp3s0"],
        &|_| 1e9,
    );
    put(
        "dawnwatch_interface_receive_bytes_total",
        &["enp3s0"],
        &|_| 5.0 * GB,
    );
    put(
        "dawnwatch_interface_transmit_bytes_total",
        &["enp3s0"],
        &|_| GB,
    );
    put("dawnwatch_boot_time_seconds", &[], &|_| {
        f64::from(i32::try_from(Timestamp::now().as_second()).unwrap_or(0)) - 8_000.0
    });
    let system = ["Debian GNU/Linux", "12", "6.1.0-18-amd64", "may-quay-01"];
    put("dawnwatch_os_info", &system, &|_| 1.0);
    put(
        "dawnwatch_device_info",
        &["Dell Inc.", "OptiPlex 3020", "7XKQ2V1", ""],
        &|_| 1.0,
    );
    put("dawnwatch_agent_spool_bytes", &[], &|_| 0.0);
    put("dawnwatch_agent_source_success", &["icmp"], &|_| 1.0);
    if centre == 5 {
        put("dawnwatch_agent_source_success", &["temperature"], &|_| 0.0);
    }
    for (segment, target, address, near) in [
        ("gateway", "gateway", "192.168.1.1", true),
        ("dns", "192.168.1.1", "192.168.1.1", true),
        ("core", "collector", "10.20.0.5", false),
    ] {
        let base = if near { 0.0011 } else { delay };
        let lost = if near { 0.0 } else { loss };
        let method = if centre == 16 {
            "tcp_connect"
        } else {
            "icmp_datagram"
        };
        let link = [segment, target];
        put(
            "dawnwatch_link_method_info",
            &[segment, target, address, method],
            &|_| 1.0,
        );
        put("dawnwatch_link_rtt_min_seconds", &link, &|_| base * 0.8);
        put("dawnwatch_link_rtt_median_seconds", &link, &|m| {
            base * (1.0 + 0.3 * wave(m))
        });
        put("dawnwatch_link_rtt_max_seconds", &link, &|_| base * 1.9);
        put("dawnwatch_link_jitter_seconds", &link, &|_| base * 0.1);
        put("dawnwatch_link_loss_ratio", &link, &|m| {
            if m % 3 == 0 { lost * 2.0 } else { lost / 2.0 }
        });
        put("dawnwatch_link_sent_total", &link, &|_| 1_200.0);
        put("dawnwatch_link_received_total", &link, &|_| {
            1_200.0 * (1.0 - lost)
        });
    }
}
