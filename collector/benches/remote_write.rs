//! What writing to a store costs one core, without disk and network: from a queue's record to the
//! bodies of requests, and the bytes on the wire.
//!
//! `cargo bench -p dawnwatch-collector --bench remote_write`
//!
//! 88 series a device, as a PC has them, four moments a batch, as a minute's message holds them.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Duration;

use dawnwatch_collector as collector;

use collector::config::Protocol;
use collector::journal::Measured;
use collector::remote_write;
use proto::columns::Rounds;
use proto::metrics;
use proto::stream::Series;
use tokio::time::Instant;

const DEVICES: u32 = 300;
const SERIES: u32 = 88;
const MOMENTS: i64 = 4;
const REPEATS: u32 = 20;

fn main() {
    let measured: Vec<Measured> = (0..DEVICES).map(device).collect();
    let samples = f64::from(DEVICES * SERIES) * f64::from(i32::try_from(MOMENTS).unwrap());
    println!("{samples} samples of {DEVICES} devices, best of {REPEATS}");
    for protocol in [Protocol::V1, Protocol::V2] {
        let mut spent = Duration::MAX;
        let mut bytes = 0;
        for _ in 0..REPEATS {
            let measured = measured.clone();
            let start = Instant::now();
            let bodies = black_box(remote_write::bodies(protocol, measured));
            spent = spent.min(start.elapsed());
            bytes = bodies.iter().map(Vec::len).sum();
        }
        let rate = samples / spent.as_secs_f64() / 1e6;
        let bytes = f64::from(u32::try_from(bytes).unwrap()) / samples;
        let protocol = protocol.as_str();
        println!(
            "remote write {protocol}: {rate:.1} million samples/s/core, {bytes:.1} bytes/sample"
        );
    }
}

/// One batch of a device, whose values move as measurements do.
fn device(number: u32) -> Measured {
    let (metric, part) = metrics::find("dawnwatch_interface_receive_bytes_total").unwrap();
    let series = |id: u32| Series {
        device: None,
        metric,
        part,
        labels: vec![("interface", format!("eth{id}"))],
    };
    let mut rounds = Rounds::default();
    for moment in 0..MOMENTS {
        let time = 1_770_000_000_000 + moment * 15_000 + i64::from(number);
        let value = |id: u32| {
            let value = f64::from(id) * 1.3e6 + f64::from(number) * 7.1;
            value.round() + f64::from(i32::try_from(moment).unwrap() * 4321)
        };
        rounds
            .push(time, (0..SERIES).map(|id| (id, value(id))))
            .unwrap();
    }
    Measured {
        centre: format!("xa-{}", number / 20).parse().unwrap(),
        device: format!("pc-{}", number % 20).parse().unwrap(),
        kind: "pc".into(),
        late: false,
        correction_ms: 0,
        series: (0..SERIES).map(series).collect(),
        rounds,
    }
}
