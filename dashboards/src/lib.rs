//! What Grafana and Prometheus need to show and to alert, in reading order: [`proto::thresholds`] (numbers
//! that mean worry) → [`queries`] (PromQL out of the metric catalogue) → [`grafana`] (the JSON model)
//! → [`province`] (the dashboard) and [`rules`] (the alerts) → [`metrics_page`] (`docs/metrics.md`).
//!
//! Everything is generated and the output is committed; `tests/checks` refuses a stale copy and
//! whatever Grafana or Prometheus would only complain about at the user's. Names of metrics come from
//! [`proto::metrics`] alone. Deliberately absent: a Grafana client. Files are provisioned.

pub mod grafana;
pub mod metrics_page;
pub mod province;
pub mod queries;
pub mod rules;

/// A file that is generated.
#[derive(Debug)]
pub struct File {
    /// Below the folder `dashboards`.
    pub path: &'static str,
    /// All of it.
    pub content: String,
}

/// Every file an operator installs beside Grafana and Prometheus.
#[must_use]
pub fn files() -> Vec<File> {
    let file = |path, content: String| File { path, content };
    vec![
        file("generated/province.json", province::dashboard().to_json()),
        file("rules/dawnwatch.yaml", rules::to_yaml(&rules::all())),
        file(
            "provisioning/dashboards/dawnwatch.yaml",
            include_str!("../provisioning/dashboards/dawnwatch.yaml").to_owned(),
        ),
        file(
            "provisioning/datasources/dawnwatch.yaml",
            include_str!("../provisioning/datasources/dawnwatch.yaml").to_owned(),
        ),
    ]
}
