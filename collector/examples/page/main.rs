//! For whoever works on the page: serves it over a live view that is filled with made-up values, on
//! a free port of the loopback. No part of the product; nothing else calls it.
//!
//! `cargo run -p dawnwatch-collector --example page -- centres.csv`

mod asked;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dawnwatch_collector::centres;
use dawnwatch_collector::latest::{
    Device, DeviceKey, Enrolled, HISTORY_MINUTES, Latest, Patience, Source, lock,
};
use dawnwatch_collector::registry::Registry;
use dawnwatch_collector::web::{Web, router};
use diagnosis::record::Goodbye;
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
    let things = asked::devices(&centres)?;
    let agents = enrolled.iter().cloned().map(|(key, it)| (key, it.into()));
    let sources = agents.chain(asked::sources(&things));
    latest.follow::<Source>(sources);
    for (key, enrolment) in &enrolled {
        let number = centres.iter().position(|centre| centre.id == key.centre);
        let device = latest.device(key).context("enrolled above")?;
        if enrolment.last_report.is_none() && !enrolment.agent.as_str().ends_with("never") {
            report(&mut lock(&device), number.unwrap_or(0));
        }
    }
    asked::report(&latest, &things);
    let folder = tempfile::tempdir()?;
    let registry = Registry::create(&folder.path().join("registry.sqlite"))?;
    asked::register(&registry, &centres, &things).await?;
    let asking = asked::asking(&things)?;
    let web = Web {
        latest,
        centres: watch::channel(Arc::new(centres)).1,
        devices: watch::channel(Arc::new(asked::by_centre(things))).1,
        asking: watch::channel(Arc::new(asking)).1,
        registry,
        reverse: None,
        province: "Lạng Sơn".into(),
        utc_offset: jiff::tz::Offset::constant(7),
        calendars: std::sync::Arc::default(),
        faults: dawnwatch_collector::watch::Events::default(),
        alerts: None,
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
        (7 | 31, _) => (Some(now - 24.minutes()), None),
        (12 | 40, 1) => (Some(now - 3.hours()), None),
        (20..=22, _) | (50, 0) => (Some(now - 14.hours()), Some(Goodbye::Shutdown)),
        _ => (None, None),
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
            device: None,
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
                device.receiving().update(slot, time, value(minute));
            }
        }
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
    cards(&mut put, centre);
    links(&mut put, centre, &wave);
    ways(&mut put, centre);
    names_and_services(&mut put, centre);
}

/// Takes a metric, its labels, and its value minute by minute.
type Put<'a> = dyn FnMut(&str, &[&str], &dyn Fn(usize) -> f64) + 'a;

/// The network card: in one centre half duplex, in another by radio.
fn cards(put: &mut Put<'_>, centre: usize) {
    let radio = centre == 14;
    for (interface, up) in [("enp3s0", !radio), ("wlp2s0", radio)] {
        put("dawnwatch_interface_up", &[interface], &|_| {
            f64::from(u8::from(up))
        });
    }
    if radio {
        put("dawnwatch_wifi_signal_dbm", &["wlp2s0"], &|_| -81.0);
        return;
    }
    let (speed, full, changes) = match centre {
        13 => (1e7, 0.0, 214.0),
        _ => (1e9, 1.0, 1.0),
    };
    let card = ["enp3s0"];
    put("dawnwatch_interface_speed_bits_per_second", &card, &|_| {
        speed
    });
    put("dawnwatch_interface_full_duplex", &card, &|_| full);
    put("dawnwatch_interface_carrier_changes_total", &card, &|_| {
        changes
    });
}

/// Delays and losses on the way: some lines are lossy or slow, one gateway is, one network is, and one
/// router of an ISP answers when it likes.
fn links(put: &mut Put<'_>, centre: usize, wave: &dyn Fn(usize) -> f64) {
    let (loss, delay) = match centre {
        5 => (0.18, 0.210),
        16 => (0.045, 0.090),
        33 => (0.0, 0.420),
        _ => (0.0, 0.018),
    };
    let gateway = if centre == 17 { 0.220 } else { 0.0011 };
    let lan = if centre == 19 { 0.12 } else { 0.0 };
    let hop_loss = if centre == 15 { 0.6 } else { loss };
    let method = match centre {
        16 => "tcp_connect",
        _ => "icmp_datagram",
    };
    for (segment, target, address, delay, loss) in [
        ("lan", "pc-02", "192.168.1.22", 0.0006, lan),
        ("gateway", "gateway", "192.168.1.1", gateway, 0.0),
        ("line", "10.244.0.1", "10.244.0.1", delay * 0.4, hop_loss),
        ("isp", "113.171.5.9", "113.171.5.9", delay * 0.7, loss),
        ("core", "collector", "10.20.0.5", delay, loss),
        ("core", "cloudflare", "1.1.1.1", delay * 1.6, loss),
        ("core", "google", "8.8.8.8", delay * 1.8, loss),
        ("dns", "192.168.1.1", "192.168.1.1", gateway, 0.0),
    ] {
        let link = [segment, target];
        let info = [segment, target, address, method];
        put("dawnwatch_link_method_info", &info, &|_| 1.0);
        put("dawnwatch_link_rtt_min_seconds", &link, &|_| delay * 0.8);
        put("dawnwatch_link_rtt_median_seconds", &link, &|m| {
            delay * (1.0 + 0.3 * wave(m))
        });
        put("dawnwatch_link_rtt_max_seconds", &link, &|_| delay * 1.9);
        put("dawnwatch_link_jitter_seconds", &link, &|_| delay * 0.1);
        put("dawnwatch_link_rtt_spread_seconds", &link, &|_| delay * 0.4);
        put("dawnwatch_link_loss_ratio", &link, &|m| {
            if m % 3 == 0 {
                f64::min(1.0, loss * 2.0)
            } else {
                loss / 2.0
            }
        });
        put("dawnwatch_link_sent_total", &link, &|_| 1_200.0);
        put("dawnwatch_link_received_total", &link, &|_| {
            1_200.0 * (1.0 - loss)
        });
        put("dawnwatch_link_duplicates_total", &link, &|_| 0.0);
        put("dawnwatch_link_reordered_total", &link, &|_| loss * 100.0);
    }
}

/// Routers on the way, what fits through, and a transfer: one way swallows large packets, one line has
/// a long queue, one way changes.
fn ways(put: &mut Put<'_>, centre: usize) {
    let hops = [
        ("1", "192.168.1.1", 0.0011),
        ("2", "10.244.0.1", 0.007),
        ("3", "113.171.5.9", 0.012),
        ("6", "27.68.229.1", 0.016),
    ];
    for target in ["collector", "cloudflare"] {
        for (hop, address, delay) in hops {
            put("dawnwatch_path_hop_info", &[target, hop, address], &|_| 1.0);
            put("dawnwatch_path_hop_rtt_seconds", &[target, hop], &|_| delay);
        }
        put("dawnwatch_path_hops", &[target], &|_| 8.0);
        let changes = if centre == 16 { 23.0 } else { 0.0 };
        put("dawnwatch_path_changes_total", &[target], &|_| changes);
        let (mtu, hole) = match centre {
            10 => (1_412.0, 1.0),
            _ if target == "cloudflare" => (1_492.0, 0.0),
            _ => (1_500.0, 0.0),
        };
        put("dawnwatch_path_mtu_bytes", &[target], &|_| mtu);
        put("dawnwatch_path_mtu_blackhole", &[target], &|_| hole);
    }
    let loaded = if centre == 33 { 1.9 } else { 0.031 };
    for (direction, rate) in [("download", 38e6), ("upload", 17e6)] {
        let labels = [direction];
        put("dawnwatch_throughput_bits_per_second", &labels, &|_| rate);
        put("dawnwatch_throughput_loaded_rtt_seconds", &labels, &|_| {
            loaded
        });
    }
}

/// Each trouble with names and services in a centre of its own; one portal is down for all.
fn names_and_services(put: &mut Put<'_>, centre: usize) {
    for (resolver, outcome, took) in [
        (
            "system",
            if centre == 4 { "timeout" } else { "answered" },
            0.014,
        ),
        (
            "vnpt",
            if centre == 4 { "timeout" } else { "answered" },
            0.019,
        ),
        (
            "viettel",
            if centre == 6 { "wrong" } else { "answered" },
            0.022,
        ),
    ] {
        put("dawnwatch_dns_outcome", &[resolver, outcome], &|_| 1.0);
        if outcome != "timeout" {
            put("dawnwatch_dns_duration_seconds", &[resolver], &|_| took);
        }
    }
    for service in ["motcua-langson", "national-portal", "vneid"] {
        let (outcome, status, first_byte) = match (centre, service) {
            (_, "motcua-langson") => ("http_error", 503.0, Some(0.09)),
            (4, _) => ("dns_failed", 0.0, None),
            (8, _) => ("captive", 302.0, Some(0.03)),
            (9, _) => ("clock_wrong", 0.0, None),
            (11, "national-portal") => ("answered", 200.0, Some(4.1)),
            (18, "vneid") => ("certificate_expired", 0.0, None),
            (24, "vneid") => ("timeout", 0.0, None),
            _ => ("answered", 200.0, Some(0.24)),
        };
        put("dawnwatch_probe_outcome", &[service, outcome], &|_| 1.0);
        let answered = f64::from(u8::from(outcome == "answered"));
        put("dawnwatch_probe_success", &[service], &|_| answered);
        let phases = [
            ("dns", Some(0.014)),
            ("connect", Some(0.031)),
            ("tls", Some(0.068)),
            ("first_byte", first_byte),
            ("transfer", first_byte.map(|_| 0.045)),
        ];
        for (phase, took) in phases {
            if let (Some(took), true) = (took, outcome != "dns_failed") {
                let labels = [service, phase];
                put("dawnwatch_probe_phase_duration_seconds", &labels, &|_| took);
            }
        }
        if status > 0.0 {
            put("dawnwatch_probe_http_status_code", &[service], &|_| status);
        }
        put(
            "dawnwatch_probe_tls_expiry_timestamp_seconds",
            &[service],
            &|_| 1_814_400_000.0,
        );
    }
}
