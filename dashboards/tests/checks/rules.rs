//! The rules, with Prometheus' own tool: they load, each alert fires, and each stays silent.

use std::path::Path;
use std::process::Command;

use dawnwatch_dashboards::rules;

#[test]
fn prometheus_loads_the_rules() {
    promtool(&["check", "rules", "rules/dawnwatch.yaml"]);
}

#[test]
fn each_alert_fires_and_stays_silent() {
    promtool(&["test", "rules", "tests/rules_test.yaml"]);
}

/// The file above is written by hand: nobody is to forget it when adding an alert.
#[test]
fn each_alert_is_tested_both_ways() {
    let tests = include_str!("../rules_test.yaml");
    let cases: Vec<&str> = tests.split("- expr: ").skip(1).collect();
    for alert in rules::all() {
        let name = format!("{:?}", alert.name);
        let (silent, fires): (Vec<&str>, Vec<&str>) = cases
            .iter()
            .filter(|case| case.contains(&name))
            .partition(|case| case.contains("exp_samples: []"));
        assert!(!silent.is_empty(), "{name} is never silent");
        assert!(!fires.is_empty(), "{name} never fires");
    }
}

pub(crate) fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output();
    match output {
        Ok(output) => assert!(
            output.status.success(),
            "promtool {arguments:?}:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) if std::env::var_os("CI").is_some() => {
            panic!("promtool is not installed (apt-get install prometheus): {error}")
        }
        Err(_) => {
            eprintln!("skipped, because promtool is not installed (apt-get install prometheus)")
        }
    }
}
