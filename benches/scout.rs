//! What asking devices costs an agent, on the real programs and Debian's SNMP simulator:
//!
//! ```text
//! cargo build --release -p dawnwatch-collector
//! cargo build --profile small -p dawnwatch-agent
//! unshare --net --mount tests/own_network.sh cargo bench -p dawnwatch --bench scout -- --seconds 300
//! ```
//!
//! Two agents with the same probes run beside each other, each with a collector of its own; one of them
//! asks `--devices` 30, each every minute: 20 printers, 5 routers and 5 UPS put together from our own
//! captures, or those of `--recordings FOLDER`, which has `printers`, `routers` and `ups` in it. `--snmp 3`
//! has them asked by SNMPv3 with signatures instead of by v2c. `--links` and `--connections` as in
//! `footprint`. `DAWNWATCH_COLLECTOR` and `DAWNWATCH_AGENT` name other programs. Nothing here fails for
//! being slow.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Child;
use tokio::time::sleep;

use answering::Answering;
use arguments::Arguments;
use office::Office;
use programs::Programs;
use reading::{HEADERS, Reading, value};
use scenarios::harness;

mod answering;
mod arguments;
mod office;
mod programs;
mod reading;
mod scenarios;

/// Until every device was asked at its own time, and its series have their names.
const WARM_UP: Duration = Duration::from_secs(135);

/// One agent and its collector.
struct Pair {
    agent: Child,
    _collector: Child,
    page: SocketAddr,
    agents: SocketAddr,
    _folder: tempfile::TempDir,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Some(arguments) = Arguments::of_bench() else {
        return Ok(());
    };
    let seconds = arguments.number("--seconds", 300)?;
    let links: u32 = arguments.number("--links", 16)?;
    let connections = arguments.number("--connections", 20)?;
    let devices: usize = arguments.number("--devices", 30)?;
    let is_v3 = arguments.number("--snmp", 2)? == 3;
    let office = Office::of(devices, arguments.text("--recordings").map(Path::new)).await?;
    let answering = Answering::start().await?;
    let mut measured = "[plan]\nusual = false\nservice_interval = \"15s\"\n".to_owned();
    if connections > 0 {
        measured += &answering.settings(connections);
    }
    for link in 1..=links {
        let address = format!("127.0.1.{link}");
        measured += &format!("[[anchor]]\nname = \"anchor-{link}\"\naddress = {address:?}\n");
    }
    let programs = Programs::find()?;
    let alone = Pair::start(&programs, &measured, None).await?;
    let scout = Pair::start(&programs, &measured, Some((&office, is_v3))).await?;
    sleep(WARM_UP).await;
    let before = [alone.reading().await?, scout.reading().await?];
    let asked_before = datagrams()? - 2.0 * f64::from(answering.questions());
    sleep(Duration::from_secs(seconds)).await;
    let after = [alone.reading().await?, scout.reading().await?];
    let asked = datagrams()? - 2.0 * f64::from(answering.questions()) - asked_before;
    report(&before, &after);
    polls(&office, &before, &after, asked / 2.0);
    Ok(())
}

impl Pair {
    async fn start(
        programs: &Programs,
        measured: &str,
        office: Option<(&Office, bool)>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let (collector, page, agents) = programs.collector(folder.path(), measured).await?;
        if let Some((office, is_v3)) = office {
            add(programs, folder.path(), office, is_v3).await?;
        }
        programs.enrol(folder.path(), agents).await?;
        let (agent, _) = programs.agent(folder.path(), page).await?;
        Ok(Self {
            agent,
            _collector: collector,
            page,
            agents,
            _folder: folder,
        })
    }

    async fn reading(&self) -> anyhow::Result<Reading> {
        let process = self.agent.id().context("the agent ended")?;
        Reading::take(process, self.page, self.agents).await
    }
}

/// Has the devices asked.
async fn add(
    programs: &Programs,
    folder: &Path,
    office: &Office,
    is_v3: bool,
) -> anyhow::Result<()> {
    let (how, secret) = office::credential(is_v3);
    let file = folder.join("secret");
    std::fs::write(&file, secret)?;
    let file = file.to_string_lossy().into_owned();
    let port = office.simulator.port().to_string();
    let mut set = vec![
        "credential",
        "set",
        "usual",
        "--port",
        &port,
        "--from",
        &file,
    ];
    set.extend(how);
    programs.ask_collector(folder, &set).await?;
    for (number, kind) in office.kinds.iter().enumerate() {
        let name = format!("{kind}-{number}");
        let address = office.simulator.address(number).to_string();
        let device = [
            "device",
            "add",
            "--centre",
            "here",
            "--name",
            &name,
            "--kind",
            kind,
            "--address",
            &address,
            "--snmp",
            "usual",
        ];
        programs.ask_collector(folder, &device).await?;
    }
    Ok(())
}

/// Datagrams of UDP that were received by anybody here.
fn datagrams() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/net/snmp")?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let names = lines.next().context("UDP is told of")?.split(' ');
    let mut figures = names.zip(lines.next().context("and counted")?.split(' '));
    let received = figures.find(|(name, _)| *name == "InDatagrams");
    Ok(received
        .context("what was received is counted")?
        .1
        .parse()?)
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn report(before: &[Reading; 2], after: &[Reading; 2]) {
    let elapsed = seconds(&before[1], &after[1]);
    println!("\ntwo agents, {elapsed:.0} s");
    println!(
        "{:44}{:>10}{:>10}{:>10}{:>7}",
        "", "alone", "scout", "more", "ratio"
    );
    let line = |what: &str, figure: &dyn Fn(&Reading, &Reading) -> f64| {
        let ([alone, scout], [alone_now, scout_now]) = (before, after);
        let (alone, scout) = (figure(alone, alone_now), figure(scout, scout_now));
        let (more, ratio) = (scout - alone, scout / alone);
        println!("{what:44}{alone:>10.2}{scout:>10.2}{more:>10.2}{ratio:>7.2}");
    };
    let grown = |name: &'static str| {
        move |before: &Reading, after: &Reading| {
            (value(&after.page, name) - value(&before.page, name)) / seconds(before, after)
        }
    };
    let received = grown("dawnwatch_collector_received_bytes_total");
    let sent = grown("dawnwatch_collector_sent_bytes_total");
    let samples = grown("dawnwatch_collector_samples_total");
    line("RSS, MiB", &|_, after| after.memory_mib("Rss"));
    line("private (anonymous), MiB", &|_, after| {
        after.memory_mib("Anonymous")
    });
    line("processor, s/h", &|before, after| {
        (after.cpu_seconds - before.cpu_seconds) / seconds(before, after) * 3_600.0
    });
    println!(
        "  give or take {:.2}, by the clock of /proc",
        36.0 / elapsed
    );
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    line("lines of its devices on /metrics", &|_, after| {
        after.series() as f64
    });
    line("samples a minute", &|b, a| samples(b, a) * 60.0);
    line("bytes a minute, both ways, with TLS", &|b, a| {
        (received(b, a) + sent(b, a)) * 60.0
    });
    line("kB a day with IP and TCP headers", &|b, a| {
        let segments = a.segments.zip(b.segments);
        let segments = segments.map_or(f64::NAN, |(after, before)| after - before);
        (received(b, a) + sent(b, a) + segments * HEADERS / seconds(b, a)) * 86.4
    });
}

/// How the devices fared.
#[expect(clippy::print_stdout, reason = "the result")]
fn polls(office: &Office, before: &[Reading; 2], after: &[Reading; 2], requests: f64) {
    #[allow(clippy::cast_precision_loss, reason = "some dozens")]
    let polls = office.kinds.len() as f64 * seconds(&before[1], &after[1]) / 60.0;
    println!("requests a poll: {:.1}", requests / polls);
    let outcomes = after[1]
        .page
        .lines()
        .filter(|line| line.starts_with("dawnwatch_device_poll_outcome{") && line.ends_with(" 1"));
    let (answered, others): (Vec<_>, Vec<_>) =
        outcomes.partition(|line| line.contains("outcome=\"answered\""));
    println!(
        "devices that answered: {} of {}",
        answered.len(),
        office.kinds.len()
    );
    for other in others {
        println!("{other}");
    }
}

fn seconds(before: &Reading, after: &Reading) -> f64 {
    after.at.duration_since(before.at).as_secs_f64()
}
