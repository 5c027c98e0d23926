//! A real Alertmanager, as the system packages it, and the receiver that it tells: `examples/webhook.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::{Folder, Process};
use super::prometheus::{free_port, is_ready};
use super::scrape::fetch;
use super::skip::program;

const START: Duration = Duration::from_secs(20);

/// What Debian calls it.
const PROGRAM: &str = "prometheus-alertmanager";

/// Groups as `dashboards/alerts/alertmanager.yml` does, but faster; leaves the watchdog aside.
const SETTINGS: &str = "\
route:
  receiver: people
  group_by: [alertname, incident, day, part]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - { matchers: [alertname = Watchdog], receiver: nobody }
receivers:
  - name: nobody
  - name: people
    webhook_configs: [{ url: \"URL\", send_resolved: true }]
";

/// An Alertmanager that may run, and its receiver, which does.
#[derive(Debug)]
pub struct Alertmanager {
    address: SocketAddr,
    process: Option<Process>,
    receiver: Process,
    folder: Folder,
}

/// What people were told of: its status, and the `incident` label of each alert in it.
pub type Told = (String, Vec<String>);

impl Alertmanager {
    /// One that does not run yet. An error where none is installed.
    pub async fn installed() -> Result<Self, String> {
        program(PROGRAM)?;
        let folder = Folder::new("alertmanager");
        let mut command = Command::new(webhook());
        command.arg("127.0.0.1:0");
        let mut receiver = Process::start("webhook", &mut command, &folder);
        let line = receiver.line("http://", START).await?;
        let url = line.rsplit(' ').next().unwrap_or_default();
        folder.write("alertmanager.yml", SETTINGS.replace("URL", url));
        Ok(Self {
            address: free_port(),
            process: None,
            receiver,
            folder,
        })
    }

    /// One that runs.
    pub async fn started() -> Result<Self, String> {
        let mut alertmanager = Self::installed().await?;
        alertmanager.start().await;
        Ok(alertmanager)
    }

    /// Starts it, where it always is and with what it had.
    pub async fn start(&mut self) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut command = Command::new(PROGRAM);
        command
            .arg(format!("--config.file={}", path("alertmanager.yml")))
            .arg(format!("--storage.path={}", path("data")))
            .arg(format!("--web.listen-address={}", self.address))
            .arg("--cluster.listen-address=");
        let process = Process::start("alertmanager", &mut command, &self.folder);
        let ready = format!("http://{}/-/ready", self.address);
        assert!(
            is_ready(self.process.insert(process), &ready).await,
            "alertmanager does not start"
        );
    }

    /// Asks it to end, and waits until it has; it then writes what it told whom.
    pub async fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        process.terminate().await.succeeded();
    }

    /// Its root.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The alerts that it knows, as its API tells them.
    pub async fn alerts(&self) -> Result<Vec<Value>, String> {
        let text = fetch(&format!("{}/api/v2/alerts", self.url())).await?;
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    /// Everything that people were told so far, in its order.
    pub fn told(&self) -> Vec<Told> {
        let output = self.receiver.stdout();
        let notifications = output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        notifications
            .map(|notification| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let alerts = notification["alerts"].as_array().into_iter().flatten();
                let incidents = alerts.map(|alert| text(&alert["labels"]["incident"]));
                (text(&notification["status"]), incidents.collect())
            })
            .collect()
    }

    /// The last notification as it came.
    pub fn last(&self) -> Option<Value> {
        let output = self.receiver.stdout();
        let line = output.lines().last()?;
        serde_json::from_str(line).ok()
    }
}

/// `examples/webhook.rs`, which `cargo test` builds beside the tests.
fn webhook() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own executable");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests lie in target/PROFILE/deps");
    let path = profile.join("examples/webhook");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --examples` or test the whole workspace",
        path.display()
    );
    path
}
