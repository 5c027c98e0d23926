//! What an agent costs at one moment, as the system and its collector know it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench uses what it needs of it"
)]

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::Instant;

/// Ticks per second in `/proc/PID/stat`: the same on every Linux this is built for.
const TICKS: f64 = 100.0;

/// Header bytes of one segment: IPv4 and TCP with timestamps.
pub const HEADERS: f64 = 20.0 + 32.0;

/// Everything at one moment.
pub struct Reading {
    pub at: Instant,
    pub cpu_seconds: f64,
    /// KiB by field of `smaps_rollup`.
    pub memory: String,
    pub page: String,
    /// Segments of the agent's connection, both ways; `None` without the program `ss`.
    pub segments: Option<f64>,
}

impl Reading {
    pub async fn take(process: u32, page: SocketAddr, agents: SocketAddr) -> anyhow::Result<Self> {
        let proc = |file: &str| {
            std::fs::read_to_string(format!("/proc/{process}/{file}")).context("the agent ended")
        };
        Ok(Self {
            at: Instant::now(),
            cpu_seconds: cpu_seconds(&proc("stat")?).context("an unknown /proc/PID/stat")?,
            memory: proc("smaps_rollup")?,
            page: metrics(page).await?,
            segments: segments(agents).await,
        })
    }

    pub fn memory_mib(&self, field: &str) -> f64 {
        let line = self
            .memory
            .lines()
            .find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
        kib.and_then(|kib| kib.parse::<f64>().ok())
            .unwrap_or(f64::NAN)
            / 1024.0
    }

    /// Series that the agent sent, and that are live.
    pub fn series(&self) -> usize {
        let lines = self.page.lines().filter(|line| line.contains("device=\""));
        lines.count()
    }
}

/// User and system time, from after the name, which may contain anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

pub async fn metrics(page: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(page).await?;
    stream
        .write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

pub fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().parse().ok())
        .unwrap_or(f64::NAN)
}

/// Segments that the agent's end of its connection sent and received.
async fn segments(agents: SocketAddr) -> Option<f64> {
    let port = format!(":{}", agents.port());
    let output = Command::new("ss")
        .args(["-tinH", "dport", "=", &port])
        .output()
        .await
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = |name: &str| {
        text.split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.parse::<f64>().ok())
    };
    Some(count("segs_out:")? + count("segs_in:")?)
}
