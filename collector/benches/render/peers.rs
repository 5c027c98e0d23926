//! The same series from the general-purpose client libraries, as they are meant to be used: one
//! gauge per series, kept at hand, so that setting a value costs nothing to speak of.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context as _;
use prometheus::{Encoder as _, GaugeVec, Opts, TextEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;

use super::{Fleet, value};

/// Pages of each library, which take seconds.
const PAGES: usize = 3;

/// The fastest page of the crate `prometheus`, and its length.
pub(super) fn prometheus(fleet: &Fleet) -> anyhow::Result<(Duration, usize)> {
    let registry = prometheus::Registry::new();
    let mut vectors: HashMap<&str, GaugeVec> = HashMap::new();
    let mut gauges = Vec::with_capacity(fleet.keys.len() * fleet.series.len());
    for (number, key) in fleet.keys.iter().enumerate() {
        for (position, series) in fleet.series.iter().enumerate() {
            let (label, own) = series.labels.first().context("four labels")?;
            let name = series.metric.name;
            if !vectors.contains_key(name) {
                let names = ["centre", "device", "kind", label];
                let vector = GaugeVec::new(Opts::new(name, series.metric.help), &names)?;
                registry.register(Box::new(vector.clone()))?;
                vectors.insert(name, vector);
            }
            let vector = vectors.get(name).context("just inserted")?;
            let labels = [key.centre.as_str(), key.device.as_str(), "pc", own];
            let gauge = vector.with_label_values(&labels);
            gauges.push((series.metric, number, position, gauge));
        }
    }
    let (mut fastest, mut page) = (Duration::MAX, Vec::new());
    for round in 0..PAGES {
        for (metric, number, position, gauge) in &gauges {
            gauge.set(value(metric, *number, *position, round));
        }
        page.clear();
        let begin = Instant::now();
        TextEncoder::new().encode(&registry.gather(), &mut page)?;
        fastest = fastest.min(begin.elapsed());
    }
    let lines = page.iter().filter(|byte| **byte == b'\n').count();
    anyhow::ensure!(lines >= gauges.len(), "the library left series out");
    Ok((fastest, page.len()))
}

type Labels = Vec<(&'static str, String)>;
type Floating = Gauge<f64, AtomicU64>;

/// The fastest page of the crate `prometheus-client`, and its length.
pub(super) fn prometheus_client(fleet: &Fleet) -> anyhow::Result<(Duration, usize)> {
    let mut registry = prometheus_client::registry::Registry::default();
    let mut families: HashMap<&str, Family<Labels, Floating>> = HashMap::new();
    let mut gauges = Vec::with_capacity(fleet.keys.len() * fleet.series.len());
    for (number, key) in fleet.keys.iter().enumerate() {
        for (position, series) in fleet.series.iter().enumerate() {
            let name = series.metric.name;
            let family = families.entry(name).or_insert_with(|| {
                let family = Family::default();
                registry.register(name, series.metric.help, family.clone());
                family
            });
            let mut labels = vec![
                ("centre", key.centre.to_string()),
                ("device", key.device.to_string()),
                ("kind", "pc".to_owned()),
            ];
            labels.extend(series.labels.iter().cloned());
            let gauge = family.get_or_create(&labels).clone();
            gauges.push((series.metric, number, position, gauge));
        }
    }
    let (mut fastest, mut page) = (Duration::MAX, String::new());
    for round in 0..PAGES {
        for (metric, number, position, gauge) in &gauges {
            gauge.set(value(metric, *number, *position, round));
        }
        page.clear();
        let begin = Instant::now();
        prometheus_client::encoding::text::encode(&mut page, &registry)?;
        fastest = fastest.min(begin.elapsed());
    }
    anyhow::ensure!(
        page.lines().count() >= gauges.len(),
        "the library left series out"
    );
    Ok((fastest, page.len()))
}
