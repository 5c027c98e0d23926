//! A real Prometheus on loopback: `promtool` makes blocks of what was scraped, `prometheus` answers over them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// How often it is asked whether it has started.
const TRIES: u32 = 300;
const BETWEEN: Duration = Duration::from_millis(100);

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// One series of a range: labels, and when it had a value.
pub(super) type Points = (Vec<(String, String)>, Vec<f64>);

/// Whether it can be run here; otherwise why not.
pub(super) fn missing() -> Option<String> {
    ["prometheus", "promtool"].into_iter().find_map(|program| {
        let started = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        started
            .is_err()
            .then(|| format!("{program} is not installed"))
    })
}

/// Adds two hours of samples to a store.
pub(super) fn add_block(folder: &Path, text: &str) -> anyhow::Result<()> {
    let file = folder.join("block.om");
    std::fs::write(&file, text).context("cannot write samples for Prometheus")?;
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "-q"])
        .arg(&file)
        .arg(folder.join("store"))
        .output()
        .context("cannot run promtool")?;
    if !output.status.success() {
        bail!(
            "promtool: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// A running Prometheus; it ends with its owner.
#[derive(Debug)]
pub(super) struct Prometheus {
    process: Child,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts one over a store.
    pub(super) fn start(folder: &Path) -> anyhow::Result<Self> {
        let settings = folder.join("prometheus.yaml");
        std::fs::write(&settings, "global: {}\n").context("cannot write Prometheus' settings")?;
        // It cannot be asked which port the system chose, so one is chosen for it.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = std::fs::File::create(folder.join("prometheus.log"))?;
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("store").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            // What is simulated may be years ago.
            .args([
                "--storage.tsdb.retention.time=100y",
                "--query.lookback-delta=90s",
                "--query.timeout=2m",
            ])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot run prometheus")?;
        let mut prometheus = Self { process, address };
        for _ in 0..TRIES {
            if prometheus.get("/-/ready").is_ok() {
                return Ok(prometheus);
            }
            if let Some(status) = prometheus.process.try_wait()? {
                let log =
                    std::fs::read_to_string(folder.join("prometheus.log")).unwrap_or_default();
                bail!(
                    "prometheus ended ({status}): {}",
                    log.lines().last().unwrap_or_default()
                );
            }
            pause();
        }
        bail!("prometheus does not get ready")
    }

    /// When an expression was true, series by series.
    pub(super) fn range(
        &self,
        expression: &str,
        from: f64,
        to: f64,
        step: f64,
    ) -> anyhow::Result<Vec<Points>> {
        let path = format!(
            "/api/v1/query_range?query={}&start={from}&end={to}&step={step}",
            encoded(expression)
        );
        let body = self.get(&path)?;
        let answer: Value = serde_json::from_str(&body).context("prometheus answers no JSON")?;
        let series = answer.pointer("/data/result").and_then(Value::as_array);
        let series = series.with_context(|| format!("prometheus answers {body}"))?;
        Ok(series.iter().map(points).collect())
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // 1.0: the answer ends with the connection, in one piece.
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n",
            self.address
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .context("prometheus answers no HTTP")?;
        let is_good = head
            .lines()
            .next()
            .is_some_and(|line| line.contains(" 200 "));
        if !is_good {
            bail!("prometheus answers {}", body.trim());
        }
        Ok(body.to_owned())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for a state, with a deadline, in a program without a runtime"
)]
fn pause() {
    std::thread::sleep(BETWEEN);
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn points(series: &Value) -> Points {
    let labels = series
        .get("metric")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let labels = labels
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let values = series
        .get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let times = values
        .filter_map(|value| value.get(0).and_then(Value::as_f64))
        .collect();
    (labels, times)
}

/// As part of a URL.
fn encoded(text: &str) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}
