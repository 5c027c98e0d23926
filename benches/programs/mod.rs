//! The real programs, as benches run them: a collector on loopback in a folder of its own, and an agent
//! that enrols as any other.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench uses what it needs of it"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::reading::{metrics, value};

/// How long a program may take to start, or the agent to be heard.
const START: Duration = Duration::from_secs(30);

/// The programs that are measured.
pub struct Programs {
    pub collector: PathBuf,
    pub agent: PathBuf,
}

impl Programs {
    pub fn find() -> anyhow::Result<Self> {
        let here = std::env::current_exe()?;
        let target = here
            .ancestors()
            .nth(3)
            .context("benches lie in target/PROFILE/deps")?;
        let program = |variable: &str, profile: &str, name: &str, build: &str| {
            let path = std::env::var_os(variable)
                .map_or_else(|| target.join(profile).join(name), PathBuf::from);
            anyhow::ensure!(
                path.is_file(),
                "{} is missing: run `{build}`",
                path.display()
            );
            Ok(path)
        };
        Ok(Self {
            collector: program(
                "DAWNWATCH_COLLECTOR",
                "release",
                "dawnwatch-collector",
                "cargo build --release -p dawnwatch-collector",
            )?,
            agent: program(
                "DAWNWATCH_AGENT",
                "small",
                "dawnwatch-agent",
                "cargo build --profile small -p dawnwatch-agent",
            )?,
        })
    }

    /// A collector with one centre whose agents measure this; where its page is, and where agents call.
    pub async fn collector(
        &self,
        folder: &Path,
        measured: &str,
    ) -> anyhow::Result<(Child, SocketAddr, SocketAddr)> {
        let settings = folder.join("collector.toml");
        let text = format!(
            "data = {:?}\n{measured}[http]\nlisten = \"127.0.0.1:0\"\n[grpc]\nlisten = \"127.0.0.1:0\"\n",
            folder.join("collector")
        );
        std::fs::write(&settings, text)?;
        let centres = folder.join("centres.csv");
        std::fs::write(&centres, "id,name\nhere,Here\n")?;
        let centres = centres.to_string_lossy().into_owned();
        self.ask_collector(folder, &["init"]).await?;
        self.ask_collector(folder, &["centre", "import", &centres])
            .await?;

        let log = std::fs::File::create(folder.join("collector.log"))?;
        let mut child = Command::new(&self.collector)
            .args(["serve", "--config"])
            .arg(&settings)
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("its output is a pipe")?;
        let mut lines = BufReader::new(output).lines();
        let (mut page, mut agents) = (None, None);
        while let (None, _) | (_, None) = (page, agents) {
            let line = tokio::time::timeout(START, lines.next_line()).await??;
            let line = line.context("the collector ended: its log may say why")?;
            let address = |scheme: &str| {
                line.split_once(scheme)?
                    .1
                    .trim_end_matches('/')
                    .parse()
                    .ok()
            };
            page = page.or_else(|| address("http://"));
            agents = agents.or_else(|| address("https://"));
        }
        // Read on, so that it can go on writing.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (page, agents) = (page.context("just seen")?, agents.context("just seen")?);
        Ok((child, page, agents))
    }

    pub async fn ask_collector(&self, folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.collector);
        command
            .args(arguments)
            .arg("--config")
            .arg(folder.join("collector.toml"));
        succeeded(command).await
    }

    pub async fn enrol(&self, folder: &Path, agents: SocketAddr) -> anyhow::Result<()> {
        let printed = self
            .ask_collector(folder, &["token", "create", "--centre", "here"])
            .await?;
        let token = printed
            .split_whitespace()
            .find(|word| word.starts_with("dw1-"));
        let token = token.with_context(|| format!("no token in {printed}"))?;
        let mut command = Command::new(&self.agent);
        command
            .args(["enroll", "--collector", &format!("https://{agents}")])
            .args(["--token", token, "--data"])
            .arg(folder.join("agent"));
        succeeded(command).await.map(drop)
    }

    /// A running agent, and how long after its start the collector had its first sample.
    pub async fn agent(
        &self,
        folder: &Path,
        page: SocketAddr,
    ) -> anyhow::Result<(Child, Duration)> {
        let log = std::fs::File::create(folder.join("agent.log"))?;
        let begin = Instant::now();
        let child = Command::new(&self.agent)
            .args(["run", "--data"])
            .arg(folder.join("agent"))
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        while begin.elapsed() < START {
            if value(&metrics(page).await?, "dawnwatch_collector_samples_total") > 0.0 {
                return Ok((child, begin.elapsed()));
            }
            sleep(Duration::from_millis(2)).await;
        }
        let log = std::fs::read_to_string(folder.join("agent.log")).unwrap_or_default();
        anyhow::bail!("the collector did not hear the agent, which says:\n{log}")
    }
}

async fn succeeded(mut command: Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().await?;
    let error = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "{command:?}: {}\n{error}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
