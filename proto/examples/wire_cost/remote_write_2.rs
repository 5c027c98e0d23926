//! Prometheus remote write 2.0: names and labels as references into a table that every message
//! carries, metadata beside each series, snappy.
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>

use std::collections::HashMap;

use prost::Message;

use crate::remote_write::{Sample, compressed, samples};
use crate::trace::{Scrape, Series};

#[derive(Message)]
struct Request {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Message)]
struct TimeSeries {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<Metadata>,
}

#[derive(Message)]
struct Metadata {
    #[prost(uint32, tag = "1")]
    kind: u32,
}

const COUNTER: u32 = 1;
const GAUGE: u32 = 2;

/// The table of strings; the first is empty.
struct Symbols {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Symbols {
    fn number(&mut self, text: &str) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(text.to_owned()).or_insert_with(|| {
            self.texts.push(text.to_owned());
            next
        })
    }
}

pub(crate) fn bytes(series: &[Series], scrapes: &[Scrape]) -> anyhow::Result<usize> {
    let mut symbols = Symbols {
        texts: vec![String::new()],
        numbers: HashMap::from([(String::new(), 0)]),
    };
    let mut timeseries = Vec::new();
    for (column, series) in series.iter().enumerate() {
        let samples = samples(scrapes, column);
        if samples.is_empty() {
            continue;
        }
        let mut labels_refs = vec![symbols.number("__name__"), symbols.number(&series.name)];
        for (name, value) in &series.labels {
            labels_refs.extend([symbols.number(name), symbols.number(value)]);
        }
        let kind = if series.is_counter { COUNTER } else { GAUGE };
        timeseries.push(TimeSeries {
            labels_refs,
            samples,
            metadata: Some(Metadata { kind }),
        });
    }
    compressed(&Request {
        symbols: symbols.texts,
        timeseries,
    })
}
