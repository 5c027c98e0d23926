//! `check` where there is little or no network: it says so, soon, and never hangs. Each runs in a network
//! namespace of its own without a way out, so that no probe is ever seen by the machine's own network.
//! Where something answers, the lab's scenarios look.
#![cfg(target_os = "linux")]
#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests, which say what they skip"
)]

use std::process::{Command, Output};

use serde_json::Value;

/// A card with a link to a switch where nobody is.
const CARD: &str = "mount -t sysfs sysfs /sys
    ip link add eth0 type veth peer name eth1
    ip link set eth0 up";

/// Runs `check` after these commands; nothing where namespaces are not allowed.
fn check_after(commands: &str, arguments: &[&str]) -> Option<Output> {
    let agent = env!("CARGO_BIN_EXE_dawnwatch-agent");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = format!("set -e\n{commands}\nexec timeout 40 \"$@\"");
    let output = Command::new("unshare")
        .args([
            "--net", "--mount", "sh", "-c", &script, "sh", agent, "check",
        ])
        .arg("--data")
        .arg(folder.path())
        .args(arguments)
        .env_remove("DAWNWATCH_LOG")
        .output();
    match output {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("unshare failed") => {
            Some(output)
        }
        refused => {
            assert!(
                std::env::var_os("CI").is_none(),
                "a skip fails here: {refused:?}"
            );
            eprintln!("skipped, because network namespaces are not allowed: {refused:?}");
            None
        }
    }
}

/// The verdict it must come to, and the outcome of its last step.
fn finds(commands: &str, segment: &str, fault: &str, last: &str) {
    let Some(output) = check_after(commands, &["--json"]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let verdict = &told["verdict"];
    assert_eq!(verdict["fault"], fault, "{told:#}");
    assert_eq!(verdict["segment"], segment, "{told:#}");
    for language in ["vi", "en"] {
        for text in ["sentence", "action"] {
            assert!(verdict[text][language].is_string(), "{told:#}");
        }
    }
    let steps = told["steps"].as_array().expect("steps");
    let step = steps.last().expect("a step");
    assert_eq!(step["outcome"], last, "{told:#}");
}

#[test]
fn a_machine_without_any_network_is_told_at_once() {
    finds("true", "device", "pc_link_down", "absent");
    finds("ip link set lo up", "device", "pc_link_down", "absent");
}

#[test]
fn a_card_without_a_link_is_the_end_of_the_walk() {
    let commands = format!(
        "{CARD}
        ip address add 10.213.0.2/24 dev eth0
        ip route add default via 10.213.0.1 dev eth0"
    );
    finds(&commands, "device", "pc_link_down", "down");
}

#[test]
fn a_router_that_is_not_there_is_found() {
    let commands = format!(
        "{CARD}
        ip link set eth1 up
        ip address add 10.213.0.2/24 dev eth0
        ip route add default via 10.213.0.1"
    );
    finds(&commands, "gateway", "gateway_down", "silent");
}

#[test]
fn a_router_that_is_not_there_is_found_over_ipv6_alone() {
    let commands = format!(
        "{CARD}
        ip link set eth1 up
        ip -6 address add fd00::2/64 dev eth0 nodad
        ip -6 route add default via fd00::1"
    );
    finds(&commands, "gateway", "gateway_down", "silent");
}

#[test]
fn people_are_told_in_their_language() {
    for (arguments, sentence) in [
        (["--lang", "vi"], "Máy này không có card mạng nào đang bật."),
        (
            ["--lang", "en"],
            "This PC has no network card that is switched on.",
        ),
    ] {
        let Some(output) = check_after("true", &arguments) else {
            return;
        };
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.starts_with('✗'), "{text}");
        assert!(text.contains(sentence), "{text}");
        assert!(text.contains("\n→ "), "{text}");
        assert!(
            !text.contains('\x1b'),
            "no terminal, no commands for one: {text}"
        );
    }
}
