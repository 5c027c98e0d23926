//! What taking measurements costs the collector, on the real program over mutual TLS and gRPC:
//! memory per connected agent, and samples per second of one processor.
//!
//! ```text
//! cargo build --release -p dawnwatch-collector
//! cargo bench -p dawnwatch --bench ingest -- --agents 400 --batches 80 [--trace host_15s.csv]
//! ```
//!
//! Every agent has an identity of its own, 88 series, and sends batches of four rounds, as a minute's
//! message holds. Everything is on: validation, live view, durable queue, remote write (1.0) to a
//! server in this process that says yes to all. The collector's processor time is what counts, not
//! the clock on the wall: senders share the machine with it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use proto::columns::Lane;
use proto::stream::Encoder;
use proto::wire;
use proto::wire::{from_agent, from_collector};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use arguments::Arguments;
use harness::collector::Collector;
use harness::stranger::{Stranger, Stream};
use harness::{eventually, metric};
use scenarios::harness;
use trace::Trace;

mod arguments;
mod province;
mod scenarios;
mod trace;

/// What one message of a minute holds.
const ROUNDS: usize = 4;

/// How long the store may take to have it all.
const DELIVERED: Duration = Duration::from_secs(120);

/// Ticks per second in `/proc/PID/stat`: the same on every Linux this is built for.
const TICKS: f64 = 100.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(arguments) = Arguments::of_bench() else {
        return Ok(());
    };
    let agents = arguments.number("--agents", 400)?;
    let batches = arguments.number("--batches", 80)?;
    let trace = match arguments.text("--trace") {
        Some(path) => Trace::read(Path::new(path))?,
        None => Trace::read(Path::new("../shared/traces/host_15s.csv"))
            .context("name a recorded host with --trace FILE.csv")?,
    };
    let store = TcpListener::bind("127.0.0.1:0").await?;
    let settings = format!(
        "[[remote_write]]\nurl = \"http://{}/api/v1/write\"\n",
        store.local_addr()?
    );
    tokio::spawn(accept_everything(store));
    let collector = Collector::with_centres(&province::file())
        .with_settings(&settings)
        .start()
        .await;
    let process = collector.process().id();
    let mut fleet = Vec::new();
    for token in province::tokens(&collector, agents).await {
        fleet.push(Stranger::enrolled_with(&collector, &token).await);
    }
    let before = memory_kib(process)?;
    let mut streams = Vec::new();
    for stranger in &fleet {
        let mut sender = Sender::new(stranger.welcomed().await);
        sender.send(&trace, 0, true).await;
        streams.push(sender);
    }
    sleep(Duration::from_secs(2)).await;
    let after = memory_kib(process)?;

    let begin = (Instant::now(), cpu_seconds(process)?);
    let mut sending = JoinSet::new();
    for mut sender in streams {
        let trace = trace.clone();
        sending.spawn(async move {
            for batch in 1..=batches {
                sender
                    .send(&trace, batch, batch % 8 == 0 || batch == batches)
                    .await;
            }
        });
    }
    sending.join_all().await;
    delivered(&collector, agents * (batches + 1) * ROUNDS * trace.series()).await;
    let end = (Instant::now(), cpu_seconds(process)?);
    report(
        trace.series(),
        (agents, batches),
        (before, after),
        (end.0 - begin.0, end.1 - begin.1),
    );
    Ok(())
}

/// Waits until the store has all of it: writing is part of the work.
async fn delivered(collector: &Collector, samples: usize) {
    eventually("everything is written", DELIVERED, async || {
        let page = collector.metrics().await?;
        let written = metric("dawnwatch_collector_remote_write_samples_total")
            .label("outcome", "delivered")
            .found_in(&page)?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
        match written >= samples as f64 {
            true => Ok(()),
            false => Err(format!("{written} of {samples} samples are written")),
        }
    })
    .await;
}

/// One agent's stream.
struct Sender {
    stream: Stream,
    encoder: Encoder,
}

impl Sender {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            encoder: Encoder::default(),
        }
    }

    /// Sends the batch of this number, and waits until it is safe when it asks for that.
    async fn send(&mut self, trace: &Trace, number: usize, wants_ack: bool) {
        let clock = agent::clock::now();
        let rows = (number * ROUNDS..).take(ROUNDS);
        let rounds = rows.map(|row| {
            // A millisecond apart, so that all are live.
            (clock.wall_unix_ms + i64::try_from(row).unwrap_or(0), row)
        });
        let measured = trace.measured(rounds);
        let encoded = self.encoder.encode(measured, Lane::Live);
        let batch = wire::Batch {
            instance: 7,
            sequence: u64::try_from(number).unwrap_or(0) + 1,
            clock: Some(clock),
            series: encoded.series,
            samples: encoded.samples,
            wants_ack,
            ..wire::Batch::default()
        };
        self.stream.say(from_agent::Kind::Batch(batch)).await;
        if wants_ack {
            self.acknowledged().await;
        }
    }

    async fn acknowledged(&mut self) {
        loop {
            let answer = self.stream.answer().await.expect("the stream is open");
            if let Some(from_collector::Kind::Ack(ack)) = answer {
                assert_eq!(ack.rejected_samples, 0, "all are good");
                return;
            }
        }
    }
}

/// A store that keeps nothing.
async fn accept_everything(listener: TcpListener) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(async move {
            let _ = say_yes(connection).await;
        });
    }
}

async fn say_yes(mut connection: TcpStream) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if connection.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        while bytes.len() < head + length {
            if connection.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
        bytes.drain(..head + length);
        connection
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await?;
    }
}

fn memory_kib(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.context("an unknown /proc/PID/status")
}

/// User and system time, from after the name, which may contain anything.
fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = stat.rsplit_once(')').and_then(|(_, rest)| {
        let mut fields = rest.split_whitespace().skip(11);
        let user: f64 = fields.next()?.parse().ok()?;
        Some(user + fields.next()?.parse::<f64>().ok()?)
    });
    Ok(ticks.context("an unknown /proc/PID/stat")? / TICKS)
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn report(
    series: usize,
    (agents, batches): (usize, usize),
    (before, after): (f64, f64),
    (elapsed, cpu): (Duration, f64),
) {
    let samples = (agents * batches * ROUNDS * series) as f64;
    println!("\n{agents} agents of {series} series, {batches} batches of {ROUNDS} rounds each");
    let line = |what: &str, figure: f64, reach: &str, aim: &str| {
        println!("{what:52}{figure:>12.2}{reach:>8}{aim:>8}");
    };
    println!("{:52}{:>12}{:>8}{:>8}", "", "", "reach", "aim");
    line(
        "memory per connected agent, KiB",
        (after - before) / agents as f64,
        "96",
        "48",
    );
    line(
        "samples a second of one processor, millions",
        samples / cpu / 1e6,
        "1",
        "1.4",
    );
    line("nanoseconds a sample", cpu / samples * 1e9, "1000", "");
    line("samples, millions", samples / 1e6, "", "");
    line("processor time, s", cpu, "", "");
    line(
        "time on the wall, senders on the same machine, s",
        elapsed.as_secs_f64(),
        "",
        "",
    );
}
