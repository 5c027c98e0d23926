//! What a measurement costs on the wire, on any recorded trace, beside Prometheus remote write and
//! OTLP: `cargo run --release -p dawnwatch-proto --example wire_cost -- TRACE.csv`.
//!
//! Bytes a sample at 1, 4 and 20 scrapes a message: the coded samples alone, and the bodies of the
//! messages: ours with its gRPC frame and the dictionary of its stream, the others compressed as they
//! specify. Beneath, what HTTP, TLS and TCP add is left out for all.

use std::path::PathBuf;

use anyhow::Context as _;

mod otlp;
mod ours;
mod remote_write;
mod remote_write_2;
mod trace;

use trace::{Scrape, Series, Trace};

const SCRAPES_A_MESSAGE: [usize; 3] = [1, 4, 20];

/// Bytes of a message for some scrapes of these series.
type Peer = fn(&[Series], &[Scrape]) -> anyhow::Result<usize>;

const PEERS: [(&str, Peer); 3] = [
    ("remote write 1.0, snappy", remote_write::bytes),
    ("remote write 2.0, snappy", remote_write_2::bytes),
    ("OTLP, gzip", otlp::bytes),
];

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(path), None) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        anyhow::bail!("give the path of one trace: a CSV file whose first column is timestamp_ms");
    };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let trace = trace::parse(&text).with_context(|| format!("{} is no trace", path.display()))?;
    let samples = trace.samples();
    println!(
        "{} series, {} scrapes, {samples} samples",
        trace.series.len(),
        trace.scrapes.len()
    );
    println!(
        "{:32}{:>8}{:>8}{:>8}",
        "bytes a sample, scrapes a message", 1, 4, 20
    );
    let row = |what: &str, bytes: [usize; 3]| {
        #[expect(clippy::cast_precision_loss, reason = "far from 2^53")]
        let [one, four, twenty] = bytes.map(|bytes| bytes as f64 / samples as f64);
        println!("{what:33}{one:>8.3}{four:>8.3}{twenty:>8.3}");
    };

    let mut coded = [0; 3];
    let mut messages = [0; 3];
    for ((per_message, coded), messages) in SCRAPES_A_MESSAGE
        .into_iter()
        .zip(&mut coded)
        .zip(&mut messages)
    {
        (*coded, *messages) = ours::bytes(&trace, per_message)?;
    }
    row("Dawnwatch, coded samples", coded);
    row("Dawnwatch, gRPC message", messages);
    for (name, peer) in PEERS {
        let mut bytes = [0; 3];
        for (per_message, bytes) in SCRAPES_A_MESSAGE.into_iter().zip(&mut bytes) {
            *bytes = cost(&trace, per_message, peer)?;
        }
        row(name, bytes);
    }
    Ok(())
}

/// Bytes of all messages.
fn cost(trace: &Trace, per_message: usize, peer: Peer) -> anyhow::Result<usize> {
    trace
        .scrapes
        .chunks(per_message)
        .map(|scrapes| peer(&trace.series, scrapes))
        .sum()
}
