//! What an agent costs the machine it runs on and the line it reports over, measured on the real
//! programs:
//!
//! ```text
//! cargo build --release -p dawnwatch-collector
//! cargo build --profile small -p dawnwatch-agent
//! unshare --net --mount tests/own_network.sh cargo bench -p dawnwatch --bench footprint -- --seconds 400
//! ```
//!
//! A collector and an agent run on loopback in a folder of their own; the agent enrols as any other.
//! Beside what this machine tells of itself the agent has 43 probes, each 15 s: 19 links (gateway,
//! collector, the system's resolver, and as many anchors as a plan may have), 20 connections to open, a
//! page, two resolvers to ask, and the path and its largest packet. `--links` 16 anchors, `--connections` 20
//! with page and resolver, or none of them. A link gets `--echoes` 5 a time, the usual number; with 1 a
//! probe is one packet, as it is for agents that this one is compared with. `DAWNWATCH_COLLECTOR` and
//! `DAWNWATCH_AGENT` name other programs. The figures stand beside the targets; nothing here fails for
//! being slow.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use answering::Answering;
use arguments::Arguments;

#[allow(unreachable_pub, reason = "a module of a program of one file")]
mod answering;
mod arguments;

/// What happens once, at the start, is not part of the figures.
const WARM_UP: Duration = Duration::from_secs(15);

/// How long a program may take to start, or the agent to be heard.
const START: Duration = Duration::from_secs(30);

/// Ticks per second in `/proc/PID/stat`: the same on every Linux this is built for.
const TICKS: f64 = 100.0;

/// Header bytes of one segment: IPv4 and TCP with timestamps.
const HEADERS: f64 = 20.0 + 32.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Some(arguments) = Arguments::of_bench() else {
        return Ok(());
    };
    let seconds = arguments.number("--seconds", 120)?;
    let links = arguments.number("--links", 16)?;
    let connections = arguments.number("--connections", 20)?;
    let echoes: u32 = arguments.number("--echoes", 5)?;
    let answering = Answering::start().await?;
    let mut measured =
        format!("[plan]\nusual = false\nservice_interval = \"15s\"\nlink_echoes = {echoes}\n");
    if connections > 0 {
        measured += &answering.settings(connections);
    }
    for link in 1..=links {
        let address = format!("127.0.1.{link}");
        measured += &format!("[[anchor]]\nname = \"anchor-{link}\"\naddress = {address:?}\n");
    }
    let programs = Programs::find()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (collector, page, agents) = programs.collector(folder.path(), &measured).await?;
    programs.enrol(folder.path(), agents).await?;
    let (agent, first_sample) = programs.agent(folder.path(), page).await?;
    let process = agent.id().context("the agent ended")?;
    sleep(WARM_UP).await;
    let before = Reading::take(process, page, agents).await?;
    sleep(Duration::from_secs(seconds)).await;
    let after = Reading::take(process, page, agents).await?;
    let binary = std::fs::metadata(&programs.agent)?.len();
    report(&before, &after, binary, first_sample);
    drop((agent, collector));
    Ok(())
}

/// The programs that are measured.
struct Programs {
    collector: PathBuf,
    agent: PathBuf,
}

impl Programs {
    fn find() -> anyhow::Result<Self> {
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
    async fn collector(
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

    async fn ask_collector(&self, folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.collector);
        command
            .args(arguments)
            .arg("--config")
            .arg(folder.join("collector.toml"));
        succeeded(command).await
    }

    async fn enrol(&self, folder: &Path, agents: SocketAddr) -> anyhow::Result<()> {
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
    async fn agent(&self, folder: &Path, page: SocketAddr) -> anyhow::Result<(Child, Duration)> {
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

/// Everything at one moment.
struct Reading {
    at: Instant,
    cpu_seconds: f64,
    /// KiB by field of `smaps_rollup`.
    memory: String,
    page: String,
    /// Segments of the agent's connection, both ways; `None` without the program `ss`.
    segments: Option<f64>,
}

impl Reading {
    async fn take(process: u32, page: SocketAddr, agents: SocketAddr) -> anyhow::Result<Self> {
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

    fn memory_mib(&self, field: &str) -> f64 {
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
    fn series(&self) -> usize {
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

async fn metrics(page: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(page).await?;
    stream
        .write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

fn value(page: &str, name: &str) -> f64 {
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

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn report(before: &Reading, after: &Reading, binary: u64, first_sample: Duration) {
    let elapsed = after.at.duration_since(before.at).as_secs_f64();
    let grown = |name: &str| value(&after.page, name) - value(&before.page, name);
    let samples = grown("dawnwatch_collector_samples_total");
    let received = grown("dawnwatch_collector_received_bytes_total");
    let sent = grown("dawnwatch_collector_sent_bytes_total");
    let per_hour = (after.cpu_seconds - before.cpu_seconds) / elapsed * 3_600.0;
    let per_minute = |count: f64| format!("{:.0}", count / elapsed * 60.0);
    let mib = |field: &str| format!("{:.2}", after.memory_mib(field));
    let line = |what: &str, figure: &str, reach: &str, aim: &str| {
        println!("{what:44}{figure:>10}{reach:>10}{aim:>8}");
    };
    println!("\none agent, {elapsed:.0} s");
    line("", "", "reach", "aim");
    #[allow(clippy::cast_precision_loss, reason = "a size of megabytes")]
    let megabytes = binary as f64 / 1e6;
    line("program, MB", &format!("{megabytes:.2}"), "4", "2.5");
    line("RSS, MiB", &mib("Rss"), "8", "6");
    line("PSS, MiB", &mib("Pss"), "", "");
    line("private (anonymous), MiB", &mib("Anonymous"), "3", "1.5");
    line("processor, s/h", &format!("{per_hour:.2}"), "1.5", "0.8");
    line(
        "  give or take, by the clock of /proc",
        &format!("{:.2}", 36.0 / elapsed),
        "",
        "",
    );
    let first = first_sample.as_secs_f64() * 1e3;
    line(
        "start to first sample, ms",
        &format!("{first:.0}"),
        "30",
        "10",
    );
    line(
        "lines of its device on /metrics",
        &after.series().to_string(),
        "",
        "",
    );
    line("samples a minute", &per_minute(samples), "", "");
    line(
        "bytes to the collector, a minute, with TLS",
        &per_minute(received),
        "",
        "",
    );
    line(
        "bytes from the collector, a minute, with TLS",
        &per_minute(sent),
        "",
        "",
    );
    line(
        "bytes a sample, both ways, with TLS",
        &format!("{:.1}", (received + sent) / samples),
        "",
        "",
    );
    if let (Some(first), Some(last)) = (before.segments, after.segments) {
        let day = (received + sent + (last - first) * HEADERS) / elapsed * 86.4;
        line(
            "segments a minute, both ways",
            &per_minute(last - first),
            "",
            "",
        );
        line(
            "kB a day with IP and TCP headers",
            &format!("{day:.0}"),
            "900",
            "450",
        );
    }
}
