//! Renders the live view in the Prometheus text format.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;

use proto::stream::Series;

use crate::latest::DeviceKey;

/// `name{labels} ` of one series, with the labels of its device in front.
#[must_use]
pub fn name_of(series: &Series, key: &DeviceKey, kind: &str) -> String {
    let mut name = format!(
        "{}{}{{centre=\"{}\",device=\"{}\",kind=\"{kind}\"",
        series.metric.name,
        series.part.suffix(),
        key.centre,
        key.device,
    );
    for (label, value) in &series.labels {
        push_label(&mut name, label, value);
    }
    name.push_str("} ");
    name
}

/// Appends `,label="value"`, escaped.
fn push_label(name: &mut String, label: &str, value: &str) {
    let _ = write!(name, ",{label}=\"");
    for c in value.chars() {
        match c {
            '\\' => name.push_str("\\\\"),
            '"' => name.push_str("\\\""),
            '\n' => name.push_str("\\n"),
            c => name.push(c),
        }
    }
    name.push('"');
}
