//! Whatever Grafana or Prometheus would only complain about at the user's is refused here. Generated
//! files: [`committed`] · the dashboard model: [`lint`] · PromQL against the catalogue: [`queries`] ·
//! the rules and the tiles, with Prometheus' own tool: [`rules`], [`tiles`].
//!
//! That queries also find something is shown where a collector runs: the scenarios of the root package.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod alertmanager;
mod committed;
mod lint;
mod queries;
mod rules;
mod tiles;

use serde_json::Value;

/// The generated dashboards, by path.
fn dashboards() -> Vec<(&'static str, Value)> {
    dawnwatch_dashboards::files()
        .into_iter()
        .filter(|file| file.path.ends_with(".json"))
        .map(|file| (file.path, serde_json::from_str(&file.content).unwrap()))
        .collect()
}

/// The panels of a dashboard, rows included.
fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}
