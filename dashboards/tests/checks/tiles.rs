//! The tiles of the centres: which state wins, evaluated by Prometheus' own tool.
//!
//! Silence must not hide behind old loss, nor loss and one silent device behind a centre that reports.

use std::fmt::Write as _;
use std::path::Path;

use dawnwatch_dashboards::queries::{centres, state};

use crate::rules::promtool;

const SILENT: (u8, u8) = (0, 0);
const OFF: (u8, u8) = (0, 1);
const REPORTS: (u8, u8) = (1, 0);

/// What the tile of a centre says, given whether each device is up and said goodbye, and how many of
/// each minute's 20 echoes its gateway answers.
fn check(name: &str, devices: &[(u8, u8)], answered: u32, expected: i32) {
    let mut series = String::new();
    let mut add = |metric: &str, labels: &str, values: &str| {
        let line = format!("dawnwatch_{metric}{{centre=\"cong-son\", {labels}}}");
        let _ = writeln!(series, "      - {{ series: '{line}', values: '{values}' }}");
    };
    add("centre_info", "name=\"Công Sơn\"", "1x20");
    for (number, (up, goodbye)) in devices.iter().enumerate() {
        let device = format!("device=\"pc-{number}\"");
        add("agent_up", &device, &format!("{up}x20"));
        add("agent_goodbye", &device, &format!("{goodbye}x20"));
        let link = format!("{device}, segment=\"gateway\"");
        add("link_sent_total", &link, "0+20x20");
        add("link_received_total", &link, &format!("0+{answered}x20"));
    }
    let query = serde_json::Value::from(centres());
    let test = format!(
        "evaluation_interval: 1m\n\
         tests:\n  - interval: 1m\n    input_series:\n{series}    promql_expr_test:\n      - expr: {query}\n        \
         eval_time: 20m\n        exp_samples:\n          - \
         {{ labels: '{{centre=\"cong-son\", name=\"Công Sơn\"}}', value: {expected} }}\n"
    );
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiles.yaml");
    std::fs::write(&file, test).unwrap();
    eprintln!("{name}: {expected}");
    promtool(&["test", "rules", file.to_str().unwrap()]);
}

#[test]
fn a_tile_says_the_worst_that_is_known() {
    check("nobody enrolled", &[], 20, state::NONE);
    check("all is well", &[REPORTS, REPORTS], 20, state::REPORTING);
    check("one is off", &[REPORTS, OFF], 20, state::REPORTING);
    check(
        "one is silent",
        &[REPORTS, SILENT],
        20,
        state::PARTLY_SILENT,
    );
    check("loss", &[REPORTS, SILENT], 18, state::GATEWAY_LOSES);
    check("cut while it lost", &[SILENT, SILENT], 18, state::SILENT);
    check("evening", &[OFF, OFF], 18, state::OFF);
    check("off, after one fell silent", &[OFF, SILENT], 20, state::OFF);
}
