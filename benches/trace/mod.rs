//! A recorded host as an agent would measure it: each column a series of the catalogue.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench uses what it needs of it"
)]

use std::path::Path;

use anyhow::Context as _;
use proto::columns::Rounds;
use proto::limits::LABEL_BYTES;
use proto::stream::Measured;
use proto::wire;

use super::harness::recording::{self, Scrape};

/// Rows of values, in the order of their columns.
#[derive(Debug, Clone)]
pub struct Trace {
    series: Vec<wire::Series>,
    rows: Vec<Vec<f64>>,
}

impl Trace {
    /// Reads a recording that has a value in each cell.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let trace = recording::parse(&text).with_context(|| file.to_string())?;
        let series: Vec<_> = trace.series.iter().map(series).collect();
        let values = |scrape: Scrape| scrape.values.into_iter().map(|(_, value)| value);
        let rows = trace.scrapes.into_iter().map(values);
        let rows: Vec<Vec<f64>> = rows.map(Iterator::collect).collect();
        let is_full = rows.iter().all(|row| row.len() == series.len());
        anyhow::ensure!(is_full, "{file}: a cell is empty");
        Ok(Self { series, rows })
    }

    /// How many series.
    pub fn series(&self) -> usize {
        self.series.len()
    }

    /// A row with the columns' names; behind the last comes the first.
    pub fn row(&self, number: usize) -> impl Iterator<Item = (&str, f64)> {
        let row = self.rows.get(number % self.rows.len());
        let names = self.series.iter().map(|series| {
            let label = series.labels.first();
            label.map_or("", |label| &label.value)
        });
        names.zip(row.into_iter().flatten().copied())
    }

    /// Rows by number, each at a moment; behind the last row comes the first.
    pub fn measured(&self, moments: impl IntoIterator<Item = (i64, usize)>) -> Measured {
        let mut rounds = Rounds::default();
        for (time_unix_ms, row) in moments {
            let row = self
                .rows
                .get(row % self.rows.len())
                .map_or(&[][..], Vec::as_slice);
            let samples = (0..).zip(row.iter().copied());
            rounds
                .push(time_unix_ms, samples)
                .expect("a trace has fewer series than an agent may");
        }
        Measured {
            series: self.series.clone(),
            rounds,
        }
    }
}

/// The catalogue does not know other exporters' names; how long they are is what counts.
fn series(recorded: &recording::Series) -> wire::Series {
    let labels = recorded.labels.iter();
    let labels: Vec<_> = labels
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    let mut value = format!("{}{{{}}}", recorded.name, labels.join(","));
    value.truncate(LABEL_BYTES);
    wire::Series {
        id: 0,
        metric: "dawnwatch_temperature_celsius".into(),
        labels: vec![wire::Label {
            name: "sensor".into(),
            value,
        }],
        device: String::new(),
    }
}
