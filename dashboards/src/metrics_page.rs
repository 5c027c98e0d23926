//! `docs/metrics.md`: every metric of the catalogue, for people.

use std::fmt::Write as _;

use proto::metrics::{CATALOGUE, Kind, Metric, Origin, Unit};

/// The page, in the catalogue's order, one table for each subject.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         What `/metrics` of the collector shows. Generated from the catalogue in `proto/src/metrics.rs`; refresh it with\n\
         `UPDATE=1 cargo test -p dawnwatch-dashboards`. A histogram has the series `…_bucket` (with the label `le`),\n\
         `…_sum` and `…_count`. A metric is absent where there is nothing to measure it with.\n",
    );
    let mut last = "";
    for metric in CATALOGUE {
        let subject = subject(metric);
        if subject != last {
            let _ = write!(
                page,
                "\n## {subject}\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n"
            );
            last = subject;
        }
        let labels: Vec<_> = labels(metric).map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            metric.name,
            kind(metric.kind),
            unit(metric.unit),
            labels.join(" "),
            metric.help,
        );
    }
    page
}

/// The labels of a metric's series: those that follow from its origin, then its own.
pub fn labels(metric: &Metric) -> impl Iterator<Item = &'static str> {
    let implied: &[&str] = match metric.origin {
        Origin::Agent | Origin::Device => &["centre", "device", "kind"],
        Origin::Centre => &["centre"],
        Origin::Collector => &[],
    };
    implied.iter().chain(metric.labels).copied()
}

/// `dawnwatch_link_sent_total` is about a link.
fn subject(metric: &Metric) -> &'static str {
    metric.name.split('_').nth(1).unwrap_or_default()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "seconds",
        Unit::Timestamp => "Unix seconds",
        Unit::Bytes => "bytes",
        Unit::BitsPerSecond => "bits per second",
        Unit::Ratio => "0 to 1",
        Unit::DecibelMilliwatts => "dBm",
        Unit::Celsius => "°C",
        Unit::Count => "count",
        Unit::Boolean => "0 or 1",
        Unit::Info => "always 1",
    }
}
