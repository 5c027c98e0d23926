//! A real Prometheus, as the system packages it: one that scrapes every second and has our rules, or
//! one that takes what is written to it, as `docs/remote_write.md` sets it up.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::{Folder, Process};
use super::scrape::fetch;
use super::skip::program;
use super::wait::{eventually, poll};

const START: Duration = Duration::from_secs(30);

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    arguments: Vec<String>,
    /// While it runs.
    process: Option<Process>,
    folder: Folder,
}

/// One element of an instant vector.
pub type Element = (BTreeMap<String, String>, f64);

/// One series with its samples as they were stored: Unix milliseconds and value.
pub type Raw = (BTreeMap<String, String>, Vec<(i64, f64)>);

/// What makes it take samples of any order that are not older than this.
const OUT_OF_ORDER: &str = "storage: { tsdb: { out_of_order_time_window: 4d } }\n";

impl Prometheus {
    /// One that scrapes a target. An error where none is installed.
    pub async fn scraping(target: SocketAddr) -> Result<Self, String> {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/rules/dawnwatch.yaml");
        let settings = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [{rules:?}]\n\
             scrape_configs:\n  - job_name: dawnwatch\n    static_configs: [{{ targets: [\"{target}\"] }}]\n"
        );
        Self::started(&settings, &[]).await
    }

    /// One that takes what is written to [`Prometheus::write_url`], in any order.
    pub async fn receiving() -> Result<Self, String> {
        Self::started(OUT_OF_ORDER, &["--web.enable-remote-write-receiver"]).await
    }

    /// One with these settings and arguments.
    pub async fn started(settings: &str, arguments: &[&str]) -> Result<Self, String> {
        program("prometheus")?;
        let folder = Folder::new("prometheus");
        folder.write("prometheus.yaml", settings);
        let arguments = arguments.iter().copied().map(str::to_owned).collect();
        // It cannot be asked which port the system chose, so one is chosen for it; another program may
        // be faster.
        let mut prometheus = Self {
            address: free_port(),
            arguments,
            process: None,
            folder,
        };
        for _ in 0..5 {
            if prometheus.begin().await {
                return Ok(prometheus);
            }
            prometheus.address = free_port();
        }
        panic!("prometheus does not start");
    }

    /// Whether it could.
    async fn begin(&mut self) -> bool {
        let mut command = command(self.address, &self.folder);
        command.args(&self.arguments);
        let process = Process::start("prometheus", &mut command, &self.folder);
        let ready = format!("http://{}/-/ready", self.address);
        is_ready(self.process.insert(process), &ready).await
    }

    /// Asks it to end, and waits until it has.
    #[allow(dead_code, reason = "the collector's own tests use it")]
    pub async fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        process.terminate().await.succeeded();
    }

    /// Starts it after [`Prometheus::stop`], where it was, with what it had.
    #[allow(dead_code, reason = "the collector's own tests use it")]
    pub async fn restart(&mut self) {
        assert!(self.begin().await, "prometheus does not start again");
    }

    /// Where to write to.
    pub fn write_url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Waits until it has scraped the target.
    pub async fn has_scraped(&self) {
        eventually("prometheus scrapes", START, async || {
            match self.query("up").await?.first() {
                Some((_, 1.0)) => Ok(()),
                other => Err(format!("up: {other:?}")),
            }
        })
        .await;
    }

    /// Evaluates an expression now.
    pub async fn query(&self, expression: &str) -> Result<Vec<Element>, String> {
        let data = self.get("query", &[("query", expression)]).await?;
        let result = &data["result"];
        if data["resultType"] == "scalar" {
            return Ok(vec![(BTreeMap::new(), number(&result[1])?)]);
        }
        let elements = result
            .as_array()
            .ok_or_else(|| format!("no vector: {data}"))?;
        elements
            .iter()
            .map(|element| Ok((labels(&element["metric"]), number(&element["value"][1])?)))
            .collect()
    }

    /// The samples of the series with this name that were taken within the last of these: `2h`.
    pub async fn raw(&self, name: &str, range: &str) -> Result<Vec<Raw>, String> {
        let data = self
            .get("query", &[("query", &format!("{name}[{range}]"))])
            .await?;
        let series = data["result"].as_array();
        let series = series.ok_or_else(|| format!("no matrix: {data}"))?;
        series
            .iter()
            .map(|series| {
                let samples = series["values"].as_array().into_iter().flatten();
                let samples =
                    samples.map(|sample| Ok((milliseconds(&sample[0])?, number(&sample[1])?)));
                Ok((
                    labels(&series["metric"]),
                    samples.collect::<Result<_, String>>()?,
                ))
            })
            .collect()
    }

    /// The rules it has loaded: name, health, last error.
    pub async fn rules(&self) -> Result<Vec<(String, String, String)>, String> {
        let data = self.get("rules", &[]).await?;
        let text = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let groups = data["groups"].as_array().into_iter().flatten();
        Ok(groups
            .flat_map(|group| group["rules"].as_array().into_iter().flatten())
            .map(|rule| {
                (
                    text(rule, "name"),
                    text(rule, "health"),
                    text(rule, "lastError"),
                )
            })
            .collect())
    }

    async fn get(&self, what: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/{what}", self.address))
            .map_err(|error| error.to_string())?;
        url.query_pairs_mut().extend_pairs(parameters);
        let text = fetch(url.as_str()).await?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(answer["data"].clone())
    }
}

fn command(address: SocketAddr, folder: &Folder) -> Command {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", path("prometheus.yaml")))
        .arg(format!("--storage.tsdb.path={}", path("data")))
        .arg(format!("--web.listen-address={address}"));
    command
}

/// Waits until a program answers here; false when it ends instead.
pub async fn is_ready(process: &mut Process, url: &str) -> bool {
    let ready = poll(START, async || match process.ended() {
        Some(_) => Ok(false),
        None => fetch(url).await.map(|_| true),
    });
    ready.await.unwrap_or(false)
}

/// One that nothing listened on a moment ago.
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound port")
}

fn labels(metric: &Value) -> BTreeMap<String, String> {
    let pairs = metric.as_object().into_iter().flatten();
    pairs
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// Times are seconds with three decimals.
#[allow(
    clippy::cast_possible_truncation,
    reason = "times are whole milliseconds"
)]
fn milliseconds(seconds: &Value) -> Result<i64, String> {
    let seconds = seconds.as_f64();
    let seconds = seconds.ok_or_else(|| "no time".to_owned())?;
    Ok((seconds * 1000.0).round() as i64)
}

fn number(value: &Value) -> Result<f64, String> {
    let text = value.as_str().unwrap_or_default();
    text.parse().map_err(|_| format!("no number: {value}"))
}
