//! Our own messages, as the uplink sends them on one stream.

use anyhow::ensure;
use dawnwatch_proto::columns::{Lane, Rounds};
use dawnwatch_proto::stream::{Encoder, Measured};
use dawnwatch_proto::wire;
use prost::Message as _;

use crate::trace::Trace;

/// Before each gRPC message: whether it is compressed, and its length.
const GRPC_FRAME: usize = 5;

/// Every so many messages an acknowledgement is asked for.
const ASK_EVERY: usize = 5;

/// Bytes of the coded samples, and of the whole messages.
pub(crate) fn bytes(trace: &Trace, per_message: usize) -> anyhow::Result<(usize, usize)> {
    let series: Vec<_> = trace.series.iter().map(definition).collect();
    let mut stream = Encoder::default();
    let (mut coded, mut messages) = (0, 0);
    for (number, scrapes) in trace.scrapes.chunks(per_message).enumerate() {
        let mut rounds = Rounds::default();
        for scrape in scrapes {
            let mut samples = Vec::new();
            for (column, value) in &scrape.values {
                samples.push((u32::try_from(*column)?, *value));
            }
            rounds.push(scrape.time_unix_ms, samples)?;
        }
        let series = series.clone();
        let encoded = stream.encode(Measured { series, rounds }, Lane::Live);
        ensure!(encoded.left_out == 0, "more series than one agent may have");
        let time = scrapes.last().map_or(0, |scrape| scrape.time_unix_ms);
        coded += encoded.samples.len();
        let batch = wire::Batch {
            instance: if number == 0 { u64::MAX } else { 0 },
            sequence: number as u64 + 1,
            clock: Some(wire::Clock {
                wall_unix_ms: time,
                // An uptime of some weeks.
                monotonic_ms: time.unsigned_abs() % 3_000_000_000,
            }),
            series: encoded.series,
            samples: encoded.samples,
            lane: wire::Lane::Live.into(),
            wants_ack: number.is_multiple_of(ASK_EVERY),
            dropped_samples: 0,
            recorded: None,
        };
        let message = wire::FromAgent {
            kind: Some(wire::from_agent::Kind::Batch(batch)),
        };
        messages += GRPC_FRAME + message.encoded_len();
    }
    Ok((coded, messages))
}

fn definition(series: &crate::trace::Series) -> wire::Series {
    let label = |(name, value): &(String, String)| wire::Label {
        name: name.clone(),
        value: value.clone(),
    };
    wire::Series {
        id: 0,
        metric: series.name.clone(),
        labels: series.labels.iter().map(label).collect(),
        device: String::new(),
    }
}
