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

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::sleep;

use answering::Answering;
use arguments::Arguments;
use programs::Programs;
use reading::{HEADERS, Reading, value};

mod answering;
mod arguments;
mod programs;
mod reading;

/// What happens once, at the start, is not part of the figures.
const WARM_UP: Duration = Duration::from_secs(15);

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
