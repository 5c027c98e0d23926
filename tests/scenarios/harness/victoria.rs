//! A real VictoriaMetrics, as the system packages it, set up as `docs/remote_write.md` says: what is
//! written to it twice counts once.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use super::process::{Folder, Process};
use super::prometheus::{Raw, free_port, is_ready};
use super::scrape::fetch;
use super::skip::program;

/// A VictoriaMetrics that runs, or did.
#[derive(Debug)]
pub struct Victoria {
    address: SocketAddr,
    /// While it runs.
    process: Option<Process>,
    folder: Folder,
}

impl Victoria {
    /// One that takes what is written to [`Victoria::write_url`]. An error where none is installed.
    pub async fn receiving() -> Result<Self, String> {
        program("victoria-metrics")?;
        let mut victoria = Self {
            address: free_port(),
            process: None,
            folder: Folder::new("victoria"),
        };
        for _ in 0..5 {
            if victoria.begin().await {
                return Ok(victoria);
            }
            victoria.address = free_port();
        }
        panic!("victoria-metrics does not start");
    }

    /// Whether it could.
    async fn begin(&mut self) -> bool {
        let mut command = Command::new("victoria-metrics");
        let data = self.folder.path().join("data");
        command
            .arg(format!("-httpListenAddr={}", self.address))
            .arg(format!("-storageDataPath={}", data.display()))
            .args(["-retentionPeriod=1y", "-dedup.minScrapeInterval=1ms"])
            .arg("-memory.allowedBytes=256MB");
        let process = Process::start("victoria", &mut command, &self.folder);
        let ready = format!("http://{}/health", self.address);
        is_ready(self.process.insert(process), &ready).await
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        process.terminate().await.succeeded();
    }

    /// Starts it after [`Victoria::stop`], where it was, with what it had.
    pub async fn restart(&mut self) {
        assert!(self.begin().await, "victoria-metrics does not start again");
    }

    /// Where to write to.
    pub fn write_url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// All samples of the series that a selector matches.
    pub async fn raw(&self, selector: &str) -> Result<Vec<Raw>, String> {
        // What has just come can be asked for a second later, unless it is asked to hurry.
        fetch(&format!("http://{}/internal/force_flush", self.address)).await?;
        let url = format!("http://{}/api/v1/export", self.address);
        let mut url = reqwest::Url::parse(&url).map_err(|error| error.to_string())?;
        // Without an end, it leaves out what is dated ahead of its own clock.
        url.query_pairs_mut()
            .append_pair("match[]", selector)
            .append_pair("start", "0");
        fetch(url.as_str()).await?.lines().map(series).collect()
    }
}

/// One line of an export.
fn series(line: &str) -> Result<Raw, String> {
    let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let labels = line["metric"].as_object().into_iter().flatten();
    let labels =
        labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let values = line["values"].as_array().into_iter().flatten();
    let times = line["timestamps"].as_array().into_iter().flatten();
    let sample = |(time, value): (&Value, &Value)| Some((time.as_i64()?, value.as_f64()?));
    let samples: Option<_> = times.zip(values).map(sample).collect();
    Ok((
        labels.collect(),
        samples.ok_or_else(|| format!("no samples: {line}"))?,
    ))
}
