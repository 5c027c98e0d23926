//! Prometheus remote write 1.0: every series with all its labels in every message, snappy.
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>

use prost::Message;

use crate::trace::{Scrape, Series};

#[derive(Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Message)]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

pub(crate) fn bytes(series: &[Series], scrapes: &[Scrape]) -> anyhow::Result<usize> {
    let label = |name: &str, value: &str| Label {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let timeseries = series.iter().enumerate().map(|(column, series)| {
        let name = std::iter::once(label("__name__", &series.name));
        let own = series.labels.iter().map(|(name, value)| label(name, value));
        TimeSeries {
            labels: name.chain(own).collect(),
            samples: samples(scrapes, column),
        }
    });
    let request = WriteRequest {
        timeseries: timeseries
            .filter(|series| !series.samples.is_empty())
            .collect(),
    };
    compressed(&request)
}

/// What was measured of one series.
pub(crate) fn samples(scrapes: &[Scrape], column: usize) -> Vec<Sample> {
    let of_column = |scrape: &Scrape| {
        let (_, value) = scrape.values.iter().find(|(of, _)| *of == column)?;
        Some(Sample {
            value: *value,
            timestamp: scrape.time_unix_ms,
        })
    };
    scrapes.iter().filter_map(of_column).collect()
}

/// Bytes of a message in snappy's block format.
pub(crate) fn compressed(message: &impl Message) -> anyhow::Result<usize> {
    let mut encoder = snap::raw::Encoder::new();
    Ok(encoder.compress_vec(&message.encode_to_vec())?.len())
}
