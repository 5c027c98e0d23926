//! How long coding and decoding a measurement takes, on a trace or on measurements made up:
//! `cargo bench -p dawnwatch-proto --bench columns [-- TRACE.csv]`.
//!
//! The fastest of many runs counts, since other work on the machine only adds. No timed test: it
//! prints, and fails only when what is decoded is not what was coded.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use dawnwatch_proto::columns::{Decoder, Encoder, Lane, Rounds};

#[path = "../examples/wire_cost/trace.rs"]
#[allow(dead_code, unused_imports, reason = "its tests run with the example")]
mod trace;

const RUNS: usize = 50;

/// Four scrapes of 15 s: a message a minute.
const SCRAPES_A_MESSAGE: usize = 4;

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn main() -> anyhow::Result<()> {
    // `cargo test --all-targets` starts this too, without the argument.
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    arguments.retain(|argument| argument != "--bench");
    let scrapes = match arguments.first() {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.clone())?;
            trace::parse(&text).with_context(|| path.clone())?.scrapes
        }
        None => made_up(),
    };
    let messages = messages(&scrapes)?;
    let samples: usize = messages.iter().map(Rounds::samples).sum();

    let mut coded: Vec<Vec<u8>> = Vec::new();
    let encoding = fastest(|| {
        let mut encoder = Encoder::default();
        coded.clear();
        coded.extend(
            messages
                .iter()
                .map(|rounds| encoder.encode(Lane::Live, rounds)),
        );
        Ok(())
    })?;
    let mut decoded = Rounds::default();
    let decoding = fastest(|| {
        let mut decoder = Decoder::default();
        for message in &coded {
            decoder.decode(Lane::Live, black_box(message), &mut decoded)?;
        }
        Ok(())
    })?;
    ensure!(
        messages.last() == Some(&decoded),
        "what was decoded differs"
    );

    let bytes: usize = coded.iter().map(Vec::len).sum();
    #[expect(clippy::cast_precision_loss, reason = "far from 2^53")]
    let a_sample = |figure: usize| figure as f64 / samples as f64;
    let nanoseconds = |time: Duration| a_sample(usize::try_from(time.as_nanos()).unwrap_or(0));
    println!("{samples} samples in {} messages", messages.len());
    println!("{:>8.3} bytes a sample", a_sample(bytes));
    println!("{:>8.1} ns to code one", nanoseconds(encoding));
    println!("{:>8.1} ns to decode one", nanoseconds(decoding));
    Ok(())
}

fn messages(scrapes: &[trace::Scrape]) -> anyhow::Result<Vec<Rounds>> {
    let mut messages = Vec::new();
    for scrapes in scrapes.chunks(SCRAPES_A_MESSAGE) {
        let mut rounds = Rounds::default();
        for scrape in scrapes {
            let mut samples = Vec::new();
            for (column, value) in &scrape.values {
                samples.push((u32::try_from(*column)?, *value));
            }
            rounds.push(scrape.time_unix_ms, samples)?;
        }
        messages.push(rounds);
    }
    Ok(messages)
}

/// A host of 88 series, one third of which stand still.
fn made_up() -> Vec<trace::Scrape> {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 20)
    };
    let mut values = [1_000.0_f64; 88];
    let scrape = |number: i64| {
        for (column, value) in values.iter_mut().enumerate() {
            match column % 3 {
                0 => {}
                1 => *value += noise(),
                _ => *value = noise() / 1_000.0,
            }
        }
        trace::Scrape {
            time_unix_ms: 1_795_411_251_953 + number * 15_000,
            values: values.iter().copied().enumerate().collect(),
        }
    };
    (0..400).map(scrape).collect()
}

fn fastest(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        #[expect(
            clippy::disallowed_methods,
            reason = "no runtime here whose clock could be paused"
        )]
        let start = std::time::Instant::now();
        run()?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
}
