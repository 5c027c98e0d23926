//! The values on `/metrics` are those of the kernel of this machine.

use std::collections::HashMap;
use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::scrape::Page;
use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually, metric};

const SOON: Duration = Duration::from_secs(20);

/// A collector with an agent that measures this machine every second.
async fn watched() -> (Collector, Agent) {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    eventually("the processor is measured", FIRST_VALUES, async || {
        metric("dawnwatch_cpu_usage_ratio").found_in(&collector.metrics().await?)
    })
    .await;
    (collector, agent)
}

#[tokio::test]
async fn memory_is_that_of_meminfo() {
    let (collector, _agent) = watched().await;
    let value = |page: &Page, name: &str| metric(name).in_(page);
    let page = collector.metrics().await.unwrap();
    let size = value(&page, "dawnwatch_memory_size_bytes");
    assert_eq!(size, meminfo("MemTotal"));
    assert_eq!(
        value(&page, "dawnwatch_swap_size_bytes"),
        meminfo("SwapTotal")
    );
    // It changes all the time; other tests run beside this one.
    eventually("the available memory agrees", SOON, async || {
        let page = collector.metrics().await?;
        let shown = metric("dawnwatch_memory_available_bytes").found_in(&page)?;
        let kernel = meminfo("MemAvailable");
        close("available", shown / size, kernel / size, 0.02)
    })
    .await;
}

#[tokio::test]
async fn processor_use_is_that_of_stat() {
    let (collector, _agent) = watched().await;
    // Both as means over the same seconds: one second alone is mostly chance.
    eventually("the mean use agrees", 3 * SOON, async || {
        let (busy, total) = processor_time();
        let mut shown = Vec::new();
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        seconds.tick().await;
        for _ in 0..8 {
            seconds.tick().await;
            let page = collector.metrics().await?;
            shown.push(metric("dawnwatch_cpu_usage_ratio").found_in(&page)?);
        }
        let (busy_now, total_now) = processor_time();
        let kernel = (busy_now - busy) / (total_now - total);
        let mean = shown.iter().sum::<f64>() / 8.0;
        close("use", mean, kernel, 0.1)
    })
    .await;
}

#[tokio::test]
async fn file_systems_are_those_of_df() {
    let (collector, _agent) = watched().await;
    let df = || {
        let output = Command::new("df")
            .args(["-B1", "--output=size,avail", "/"])
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let numbers = text.lines().nth(1).unwrap().split_whitespace();
        let [size, available] = numbers.map(|n| n.parse().unwrap()).collect::<Vec<f64>>()[..]
        else {
            panic!("two numbers of df: {text}")
        };
        (size, available)
    };
    eventually("the root file system agrees", SOON, async || {
        let page = collector.metrics().await?;
        let of_root = |what: &str| {
            let name = format!("dawnwatch_filesystem_{what}_bytes");
            metric(&name).label("mountpoint", "/").found_in(&page)
        };
        let (size, available) = df();
        close("size", of_root("size")?, size, 0.0)?;
        close(
            "available",
            of_root("available")? / size,
            available / size,
            0.01,
        )
    })
    .await;
}

#[tokio::test]
async fn interfaces_count_what_the_kernel_counts() {
    let (collector, _agent) = watched().await;
    let before = interfaces();
    eventually("the counters agree", SOON, async || {
        let page = collector.metrics().await?;
        let after = interfaces();
        for (direction, column) in [("receive", 0), ("transmit", 8)] {
            for (what, offset) in [("bytes", 0), ("errors", 2), ("drops", 3)] {
                let name = format!("dawnwatch_interface_{direction}_{what}_total");
                let samples = metric(&name).all_in(&page);
                if samples.is_empty() && !physical_interfaces(&before).is_empty() {
                    return Err(format!("no {name}"));
                }
                for sample in samples {
                    let interface = &sample.labels["interface"];
                    let of = |counters: &HashMap<String, Vec<f64>>| {
                        counters
                            .get(interface)
                            .map(|columns| columns[column + offset])
                    };
                    let (Some(before), Some(after)) = (of(&before), of(&after)) else {
                        continue; // Came or went with a test beside this one.
                    };
                    between(
                        &format!("{name} of {interface}"),
                        before,
                        sample.value,
                        after,
                    )?;
                }
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn disks_count_what_the_kernel_counts() {
    let (collector, _agent) = watched().await;
    let before = disks();
    eventually("the counters agree", SOON, async || {
        let page = collector.metrics().await?;
        let after = disks();
        for (name, column) in [
            ("dawnwatch_disk_read_bytes_total", 0),
            ("dawnwatch_disk_written_bytes_total", 1),
        ] {
            let samples = metric(name).all_in(&page);
            if samples.is_empty() {
                return Err(format!("no {name}"));
            }
            for sample in samples {
                let disk = &sample.labels["disk"];
                let of =
                    |counters: &HashMap<String, [f64; 2]>| counters.get(disk).map(|c| c[column]);
                let (Some(before), Some(after)) = (of(&before), of(&after)) else {
                    return Err(format!("the kernel knows no disk {disk}"));
                };
                between(&format!("{name} of {disk}"), before, sample.value, after)?;
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_start_of_the_machine_is_that_of_stat() {
    let (collector, _agent) = watched().await;
    let stat = read_to_string("/proc/stat").unwrap();
    let start: f64 = stat
        .lines()
        .find_map(|line| line.strip_prefix("btime "))
        .unwrap()
        .parse()
        .unwrap();
    let page = collector.metrics().await.unwrap();
    let shown = metric("dawnwatch_boot_time_seconds").in_(&page);
    assert_eq!(close("start", shown, start, 2.0), Ok(()));
}

fn close(what: &str, shown: f64, kernel: f64, tolerance: f64) -> Result<(), String> {
    match (shown - kernel).abs() <= tolerance {
        true => Ok(()),
        false => Err(format!("{what}: shown {shown}, by the kernel {kernel}")),
    }
}

fn between(what: &str, before: f64, shown: f64, after: f64) -> Result<(), String> {
    match before <= shown && shown <= after {
        true => Ok(()),
        false => Err(format!(
            "{what}: shown {shown}, by the kernel {before} to {after}"
        )),
    }
}

fn meminfo(name: &str) -> f64 {
    let text = read_to_string("/proc/meminfo").unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        * 1024.0
}

/// Busy and total, in ticks. Waiting for a disk is not busy; guests are counted in user time already.
fn processor_time() -> (f64, f64) {
    let text = read_to_string("/proc/stat").unwrap();
    let ticks = text
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .skip(1)
        .take(8);
    let ticks: Vec<f64> = ticks.map(|tick| tick.parse().unwrap()).collect();
    let total: f64 = ticks.iter().sum();
    (total - ticks[3] - ticks[4], total)
}

/// Columns of `/proc/net/dev` by interface.
fn interfaces() -> HashMap<String, Vec<f64>> {
    let text = read_to_string("/proc/net/dev").unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(name, columns)| {
            let columns = columns.split_whitespace().map(|n| n.parse().unwrap());
            (name.trim().to_owned(), columns.collect())
        })
        .collect()
}

fn physical_interfaces(all: &HashMap<String, Vec<f64>>) -> Vec<&String> {
    let with_hardware =
        |name: &&String| std::path::Path::new(&format!("/sys/class/net/{name}/device")).exists();
    all.keys().filter(with_hardware).collect()
}

/// Bytes read and written by disk; `/proc/diskstats` counts sectors of 512 bytes.
fn disks() -> HashMap<String, [f64; 2]> {
    let text = read_to_string("/proc/diskstats").unwrap();
    text.lines()
        .map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let bytes = |column: usize| columns[column].parse::<f64>().unwrap() * 512.0;
            (columns[2].to_owned(), [bytes(5), bytes(9)])
        })
        .collect()
}
