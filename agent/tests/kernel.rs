//! What the host sources report agrees with what the kernel says: each value lies between what the
//! kernel said before and after. Linux only.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests, which say what they skip"
)]

use std::fs::read_to_string;
use std::process::Command;

use dawnwatch_agent::sources::{Readings, Source, host};
use proto::limits::LABEL_BYTES;
use proto::metrics::{self, Metric};

async fn run(name: &str) -> Readings {
    let mut source = source(name);
    sample(&mut source).await
}

fn source(name: &str) -> Box<dyn Source> {
    let found = host::all().into_iter().find(|one| one.name() == name);
    found.unwrap_or_else(|| panic!("there is no source {name}"))
}

async fn sample(source: &mut Box<dyn Source>) -> Readings {
    let mut readings = Readings::default();
    source.sample(&mut readings).await.unwrap();
    readings
}

/// The value of a series; the label is the only one, or empty.
fn value(readings: &Readings, metric: &'static Metric, label: &str) -> Option<f64> {
    let found = readings.taken.iter().find(|reading| {
        let labels = &reading.series.labels;
        reading.series.metric == metric && labels.first().map_or("", |(_, text)| text) == label
    });
    Some(found?.value)
}

/// All values of the only label of a metric.
fn labels(readings: &Readings, metric: &'static Metric) -> Vec<String> {
    let of_metric = readings.taken.iter().map(|reading| &reading.series);
    let of_metric = of_metric.filter(|series| series.metric == metric);
    of_metric.map(|series| series.labels[0].1.clone()).collect()
}

fn assert_between(what: &str, value: f64, one: f64, other: f64) {
    let (low, high) = (one.min(other), one.max(other));
    assert!(
        (low..=high).contains(&value),
        "{what}: {value} is not between {low} and {high}"
    );
}

/// Words of the line of a table that has this name as its n-th word.
fn words(table: &str, position: usize, name: &str) -> Option<Vec<String>> {
    table
        .lines()
        .map(|line| line.replace(':', ": "))
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .find(|words: &Vec<String>| words.get(position).is_some_and(|word| word == name))
}

fn bytes_of_meminfo(name: &str) -> f64 {
    let meminfo = read_to_string("/proc/meminfo").unwrap();
    let words = words(&meminfo, 0, &format!("{name}:")).unwrap();
    words[1].parse::<f64>().unwrap() * 1024.0
}

#[tokio::test]
async fn memory_agrees_with_meminfo() {
    // Free memory goes up and down between two looks: other programs run.
    let play = 64.0 * 1024.0 * 1024.0;
    let before = bytes_of_meminfo("MemAvailable");
    let readings = run("memory").await;
    let after = bytes_of_meminfo("MemAvailable");
    let value = |metric| value(&readings, metric, "").unwrap();
    assert_eq!(
        value(&metrics::DEVICE_MEMORY_SIZE),
        bytes_of_meminfo("MemTotal")
    );
    let available = value(&metrics::DEVICE_MEMORY_AVAILABLE);
    let (low, high) = (before.min(after) - play, before.max(after) + play);
    assert_between("available", available, low, high);
    assert_eq!(
        value(&metrics::DEVICE_SWAP_SIZE),
        bytes_of_meminfo("SwapTotal")
    );
    assert!(value(&metrics::DEVICE_SWAP_USED) <= bytes_of_meminfo("SwapTotal"));
}

#[tokio::test]
async fn traffic_agrees_with_proc_net_dev() {
    let before = read_to_string("/proc/net/dev").unwrap();
    let readings = run("network").await;
    let after = read_to_string("/proc/net/dev").unwrap();
    let interfaces = labels(&readings, &metrics::DEVICE_INTERFACE_RECEIVE_BYTES);
    assert!(!interfaces.contains(&"lo".to_owned()));
    for interface in &interfaces {
        let column = |table: &str, index: usize| -> f64 {
            let words = words(table, 0, &format!("{interface}:")).unwrap();
            words[index].parse().unwrap()
        };
        for (metric, index) in [
            (&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, 1),
            (&metrics::DEVICE_INTERFACE_RECEIVE_ERRORS, 3),
            (&metrics::DEVICE_INTERFACE_RECEIVE_DROPS, 4),
            (&metrics::DEVICE_INTERFACE_TRANSMIT_BYTES, 9),
            (&metrics::DEVICE_INTERFACE_TRANSMIT_ERRORS, 11),
            (&metrics::DEVICE_INTERFACE_TRANSMIT_DROPS, 12),
        ] {
            let value = value(&readings, metric, interface).unwrap();
            let (before, after) = (column(&before, index), column(&after, index));
            assert_between(metric.name, value, before, after);
        }
    }
    if interfaces.is_empty() {
        skip("this machine has no network interface but loopback");
    }
}

#[tokio::test]
async fn disk_totals_agree_with_diskstats() {
    let before = read_to_string("/proc/diskstats").unwrap();
    let readings = run("disk_io").await;
    let after = read_to_string("/proc/diskstats").unwrap();
    let disks = labels(&readings, &metrics::DEVICE_DISK_READ);
    for disk in &disks {
        assert!(!disk.starts_with("loop") && !disk.starts_with("ram"));
        let bytes = |table: &str, index: usize| {
            let words = words(table, 2, disk).unwrap();
            words[index].parse::<f64>().unwrap() * 512.0
        };
        for (metric, index) in [
            (&metrics::DEVICE_DISK_READ, 5),
            (&metrics::DEVICE_DISK_WRITTEN, 9),
        ] {
            let value = value(&readings, metric, disk).unwrap();
            assert_between(
                metric.name,
                value,
                bytes(&before, index),
                bytes(&after, index),
            );
        }
    }
    if disks.is_empty() {
        skip("this machine has no physical disk");
    }
}

/// What `df` says: size and available bytes.
fn df(mountpoint: &str) -> (f64, f64) {
    let output = Command::new("df")
        .args(["--block-size=1", "--output=size,avail", mountpoint])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text.lines().nth(1).unwrap().split_whitespace();
    let mut next = || numbers.next().unwrap().parse::<f64>().unwrap();
    (next(), next())
}

#[tokio::test]
async fn file_systems_agree_with_df() {
    let found = labels(&run("filesystem").await, &metrics::DEVICE_FILESYSTEM_SIZE);
    let before: Vec<_> = found.iter().map(|mountpoint| df(mountpoint)).collect();
    let readings = run("filesystem").await;
    let after: Vec<_> = found.iter().map(|mountpoint| df(mountpoint)).collect();
    // Other programs write and delete meanwhile.
    let play = 256.0 * 1024.0 * 1024.0;
    for ((mountpoint, before), after) in found.iter().zip(before).zip(after) {
        let value = |metric| value(&readings, metric, mountpoint).unwrap();
        assert_eq!(value(&metrics::DEVICE_FILESYSTEM_SIZE), before.0);
        let available = value(&metrics::DEVICE_FILESYSTEM_AVAILABLE);
        let (low, high) = (before.1.min(after.1) - play, before.1.max(after.1) + play);
        assert_between(mountpoint, available, low, high);
    }
    if found.is_empty() {
        skip("this machine has no file system on a disk");
    }
}

#[tokio::test]
async fn load_and_boot_time_agree_with_proc() {
    let load_average = || -> f64 {
        let text = read_to_string("/proc/loadavg").unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    };
    let before = load_average();
    let readings = run("load").await;
    let after = load_average();
    let load = value(&readings, &metrics::DEVICE_LOAD_AVERAGE, "1").unwrap();
    // Told in tenths.
    assert_between(
        "load",
        load,
        before.min(after) - 0.05,
        before.max(after) + 0.05,
    );
    assert!(value(&readings, &metrics::DEVICE_LOAD_AVERAGE, "15").is_some());

    let readings = run("boot").await;
    let stat = read_to_string("/proc/stat").unwrap();
    let booted: f64 = words(&stat, 0, "btime").unwrap()[1].parse().unwrap();
    let value = value(&readings, &metrics::DEVICE_BOOT_TIME, "").unwrap();
    assert_between("boot", value, booted - 1.0, booted + 1.0);
}

/// Busy and all time of all processors, in ticks.
fn ticks() -> (f64, f64) {
    let stat = read_to_string("/proc/stat").unwrap();
    let words = words(&stat, 0, "cpu").unwrap();
    let ticks: Vec<f64> = words[1..9]
        .iter()
        .map(|word| word.parse().unwrap())
        .collect();
    let all: f64 = ticks.iter().sum();
    (all - ticks[3] - ticks[4], all)
}

#[tokio::test]
async fn processor_usage_comes_at_once_and_agrees_with_proc_stat() {
    let mut source = source("cpu");
    let first = sample(&mut source).await;
    let at_once = value(&first, &metrics::DEVICE_CPU_USAGE, "").unwrap();
    assert_between("usage at once", at_once, 0.0, 1.0);
    let stat = read_to_string("/proc/stat").unwrap();
    let is_one = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    let processors = u32::try_from(stat.lines().filter(is_one).count()).unwrap();
    assert_eq!(
        value(&first, &metrics::DEVICE_CPUS, ""),
        Some(f64::from(processors))
    );

    // Work until the kernel has counted half a second of each processor.
    let before = ticks();
    while ticks().1 < before.1 + 50.0 * f64::from(processors) {
        std::hint::spin_loop();
    }
    let second = sample(&mut source).await;
    let after = ticks();
    let usage = value(&second, &metrics::DEVICE_CPU_USAGE, "").unwrap();
    let expected = (after.0 - before.0) / (after.1 - before.1);
    assert_between("usage", usage, expected - 0.1, expected + 0.1);
}

#[tokio::test]
async fn this_machine_is_named() {
    let readings = run("os_info").await;
    let labels = &readings.taken[0].series.labels;
    let label = |name: &str| {
        let found = labels.iter().find(|(label, _)| *label == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let kernel = |file: &str| {
        let text = read_to_string(format!("/proc/sys/kernel/{file}")).unwrap();
        text.trim().to_owned()
    };
    assert_eq!(label("kernel"), kernel("osrelease"));
    assert_eq!(label("hostname"), kernel("hostname"));
    assert_eq!(run("hardware").await.taken.len(), 1);
}

#[tokio::test]
async fn every_source_runs_and_every_reading_can_be_sent() {
    for mut source in host::all() {
        let readings = sample(&mut source).await;
        for reading in &readings.taken {
            assert!(reading.value.is_finite(), "{reading:?}");
            let fits = |(_, value): &(&str, String)| value.len() <= LABEL_BYTES;
            assert!(reading.series.labels.iter().all(fits), "{reading:?}");
        }
        let mut series: Vec<_> = readings.taken.iter().map(|one| &one.series).collect();
        series.sort_by_key(|series| format!("{series:?}"));
        series.dedup();
        assert_eq!(series.len(), readings.taken.len(), "{}", source.name());
    }
}

fn skip(why: &str) {
    assert!(std::env::var("CI").is_err(), "a skip fails here: {why}");
    println!("skipped, because {why}");
}
