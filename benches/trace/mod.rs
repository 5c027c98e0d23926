//! A recorded host as an agent would measure it: each column a series of the catalogue.

use std::path::Path;

use anyhow::Context as _;
use proto::columns::Rounds;
use proto::limits::LABEL_BYTES;
use proto::stream::Measured;
use proto::wire;

/// Rows of values, in the order of their columns.
#[derive(Debug, Clone)]
pub struct Trace {
    series: Vec<wire::Series>,
    rows: Vec<Vec<f64>>,
}

impl Trace {
    /// Reads a file in the format of `host_15s.csv`: `timestamp_ms`, then a column per series.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let mut file = csv::Reader::from_path(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let series = file.headers()?.iter().skip(1).map(series).collect();
        let mut rows = Vec::new();
        for row in file.records() {
            let row = row?;
            // The second line says which columns count.
            if row.get(0) == Some("type") {
                continue;
            }
            let values = row.iter().skip(1).map(str::parse);
            let values = values.collect::<Result<_, _>>();
            rows.push(
                values.with_context(|| format!("row {} of {}", rows.len() + 1, path.display()))?,
            );
        }
        anyhow::ensure!(!rows.is_empty(), "{} has no rows", path.display());
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
fn series(column: &str) -> wire::Series {
    let mut value = column.to_owned();
    value.truncate(LABEL_BYTES);
    wire::Series {
        id: 0,
        metric: "dawnwatch_temperature_celsius".into(),
        labels: vec![wire::Label {
            name: "sensor".into(),
            value,
        }],
    }
}
