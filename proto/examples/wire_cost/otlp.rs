//! OTLP metrics: one metric a name, one data point a sample with its attributes, gzip.
//! <https://github.com/open-telemetry/opentelemetry-proto>

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec;
use prost::Message;

use crate::trace::{Scrape, Series};

#[derive(Message)]
struct ExportMetricsServiceRequest {
    #[prost(message, repeated, tag = "1")]
    resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Message)]
struct ResourceMetrics {
    #[prost(message, repeated, tag = "2")]
    scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Message)]
struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<Metric>,
}

#[derive(Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "5")]
    gauge: Option<Gauge>,
    #[prost(message, optional, tag = "7")]
    sum: Option<Sum>,
}

#[derive(Message)]
struct Gauge {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<NumberDataPoint>,
}

#[derive(Message)]
struct Sum {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<NumberDataPoint>,
    #[prost(int32, tag = "2")]
    aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    is_monotonic: bool,
}

#[derive(Message)]
struct NumberDataPoint {
    #[prost(fixed64, tag = "3")]
    time_unix_nano: u64,
    #[prost(double, tag = "4")]
    as_double: f64,
    #[prost(message, repeated, tag = "7")]
    attributes: Vec<KeyValue>,
}

#[derive(Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Message)]
struct AnyValue {
    #[prost(string, tag = "1")]
    string_value: String,
}

const CUMULATIVE: i32 = 2;

/// Of a gzip file, beside what is deflated.
const GZIP_FRAME: usize = 18;

const GZIP_LEVEL: u8 = 6;

pub(crate) fn bytes(series: &[Series], scrapes: &[Scrape]) -> anyhow::Result<usize> {
    let mut points: BTreeMap<(&str, bool), Vec<NumberDataPoint>> = BTreeMap::new();
    for scrape in scrapes {
        for (column, value) in &scrape.values {
            let Some(series) = series.get(*column) else {
                continue;
            };
            let points = points.entry((&series.name, series.is_counter)).or_default();
            points.push(point(series, scrape.time_unix_ms, *value));
        }
    }
    let metrics = points.into_iter().map(|((name, is_counter), data_points)| {
        let (gauge, sum) = if is_counter {
            let sum = Sum {
                data_points,
                aggregation_temporality: CUMULATIVE,
                is_monotonic: true,
            };
            (None, Some(sum))
        } else {
            (Some(Gauge { data_points }), None)
        };
        Metric {
            name: name.to_owned(),
            gauge,
            sum,
        }
    });
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: metrics.collect(),
            }],
        }],
    };
    Ok(GZIP_FRAME + compress_to_vec(&request.encode_to_vec(), GZIP_LEVEL).len())
}

fn point(series: &Series, time_unix_ms: i64, value: f64) -> NumberDataPoint {
    let attribute = |(key, value): &(String, String)| KeyValue {
        key: key.clone(),
        value: Some(AnyValue {
            string_value: value.clone(),
        }),
    };
    NumberDataPoint {
        time_unix_nano: time_unix_ms.unsigned_abs().saturating_mul(1_000_000),
        as_double: value,
        attributes: series.labels.iter().map(attribute).collect(),
    }
}
