//! The example for Alertmanager, with its own tool: it loads, and everybody gets what is theirs.

use std::path::Path;
use std::process::{Command, Output};

const FILE: &str = "alerts/alertmanager.yml";

#[test]
fn alertmanager_loads_the_example() {
    if let Some(output) = amtool(&["check-config", FILE]) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("SUCCESS"), "{said}");
        assert!(said.contains("1 templates"), "{said}");
    }
}

/// Which receivers alerts with such labels have; whether one of them is silent for the time is not asked.
#[test]
fn alerts_go_to_those_who_are_to_be_told() {
    let check = |labels: &[&str], expected: &str| {
        let arguments = ["config", "routes", "test", "--config.file", FILE];
        let arguments: Vec<&str> = arguments.iter().chain(labels).copied().collect();
        let Some(output) = amtool(&arguments) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.trim(), expected, "{labels:?}");
    };
    check(&["alertname=Watchdog", "severity=none"], "dead-man");
    check(&["alertname=DawnwatchDigest", "severity=info"], "digest");
    check(&["alertname=LineDown", "severity=info"], "webhook");
    check(&["alertname=LineLossy", "severity=warning"], "mail");
    check(
        &["alertname=LineLossy", "severity=warning", "area=Cao Lộc"],
        "cao-loc",
    );
    check(
        &["alertname=LineDown", "severity=critical"],
        "webhook,on-call-weekend,on-call",
    );
}

fn amtool(arguments: &[&str]) -> Option<Output> {
    let output = Command::new("amtool")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output();
    match output {
        Ok(output) => {
            assert!(
                output.status.success(),
                "amtool {arguments:?}:\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            Some(output)
        }
        Err(error) if std::env::var_os("CI").is_some() => {
            panic!("amtool is not installed (apt-get install prometheus-alertmanager): {error}")
        }
        Err(_) => {
            eprintln!(
                "skipped, because amtool is not installed (apt-get install prometheus-alertmanager)"
            );
            None
        }
    }
}
