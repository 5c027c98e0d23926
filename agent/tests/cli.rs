//! What the program says to people: help, mistakes, exit codes.

use std::path::Path;
use std::process::{Command, Output};

fn agent(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dawnwatch-agent"));
    command.args(arguments).output().expect("the agent starts")
}

/// Runs it and checks its exit code; what it said on standard error.
fn fails(arguments: &[&str], code: i32) -> String {
    let output = agent(arguments);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn help_names_every_command_and_is_no_failure() {
    let output = agent(&["--help"]);
    assert!(output.status.success(), "{output:?}");
    let help = String::from_utf8(output.stdout).expect("text");
    for word in [
        "enroll", "run", "check", "ask", "status", "--config", "--data",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn help_of_ask_names_every_way_to_be_let_in() {
    let output = agent(&["ask", "--help"]);
    assert!(output.status.success(), "{output:?}");
    let help = String::from_utf8(output.stdout).expect("text");
    for word in [
        "snmp://[community@]HOST[:PORT]",
        "ipp://HOST[:PORT]/PATH",
        "--snmp-version <1|2c|3>",
        "--snmp-user <NAME>",
        "sha256",
        "aes128",
        "DAWNWATCH_SNMP_AUTH_PASSWORD",
        "DAWNWATCH_SNMP_PRIVACY_PASSWORD",
        "--snmp-auth-password-file <FILE>",
        "--snmp-context <NAME>",
        "--timeout <TIME>",
        "--json",
        "--lang <vi|en>",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn what_ask_cannot_understand_is_bad_usage_and_says_what_would_be_right() {
    let error = fails(&["ask", "http://printer/"], 64);
    assert!(error.contains("snmp://"), "{error}");
    let error = fails(&["ask", "snmp://printer", "--snmp-auth", "rot13"], 64);
    assert!(error.contains("sha256"), "{error}");
    let error = fails(&["ask", "snmp://printer", "--snmp-version", "3"], 64);
    assert!(error.contains("--snmp-user"), "{error}");
    let user = ["ask", "snmp://printer", "--snmp-user", "monitor"];
    let error = fails(&[&user[..], &["--snmp-auth", "sha1"]].concat(), 64);
    assert!(error.contains("DAWNWATCH_SNMP_AUTH_PASSWORD"), "{error}");
    fails(&["ask"], 64);
}

#[test]
fn bad_usage_is_64() {
    fails(&[], 64);
    fails(&["measure"], 64);
    fails(&["run", "--colour"], 64);
    fails(&["check", "--lang", "fr"], 64);
    let error = fails(&["enroll", "--collector", "collector", "--token", "x"], 64);
    assert!(error.contains("https://HOST:PORT"), "{error}");
    let error = fails(&["enroll", "--collector", "https://c", "--token", "x"], 64);
    assert!(error.contains("dw1-"), "{error}");
}

#[test]
fn a_mistyped_token_is_never_repeated() {
    let secret = "0123456789abcdef";
    let mistyped = format!("dw1-{}-{secret}", "0".repeat(64));
    let cut_off = secret.to_owned();
    let enroll = ["enroll", "--collector", "https://localhost:1"];
    for (arguments, says) in [
        ([&enroll[..], &["--token", &mistyped]].concat(), "cut off"),
        ([&enroll[..], &["--token", &cut_off]].concat(), "dw1-"),
        ([&enroll[..], &[&mistyped]].concat(), "dw1-…"),
        (vec!["enroll", "--collector", &mistyped], "dw1-…"),
    ] {
        let error = fails(&arguments, 64);
        assert!(error.contains(says), "{error}");
        assert!(!error.contains(secret), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_it_makes_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a plain name");
    let token = format!("dw1-{}-{}", "0".repeat(64), "0".repeat(32));
    let enroll = ["enroll", "--collector", "https://127.0.0.1:1"];
    let error = fails(
        &[&enroll[..], &["--token", &token, "--data", data]].concat(),
        1,
    );
    assert!(error.contains("127.0.0.1:1"), "{error}");
    let mode = |path: &str| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(data), 0o700);
}

#[test]
fn every_mistake_of_a_settings_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("agent.toml");
    std::fs::write(&file, "colector = \"x\"\n[limits]\nspool_age = 3\n").expect("written");
    let file = file.to_str().expect("a plain name");
    let error = fails(&["run", "--config", file], 64);
    assert!(
        error.contains("agent.toml:1: unknown key \"colector\""),
        "{error}"
    );
    assert!(error.contains("agent.toml:3: "), "{error}");
    let error = fails(&["run", "--config", "/nonexistent.toml"], 64);
    assert!(error.contains("/nonexistent.toml"), "{error}");
}

#[test]
fn who_is_not_enrolled_is_told_how() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().to_str().expect("a plain name");
    for command in ["run", "status"] {
        let error = fails(&[command, "--data", data], 1);
        assert!(error.contains("dawnwatch-agent enroll"), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let token = format!("dw1-{}-{}", "0".repeat(64), "0".repeat(32));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml/data");
    let data = file.to_str().expect("a plain name");
    let error = fails(
        &[
            "enroll",
            "--collector",
            "https://localhost:1",
            "--token",
            &token,
            "--data",
            data,
        ],
        1,
    );
    assert!(error.contains(data), "{error}");
    assert!(!error.contains(&token), "the token is a secret: {error}");
}
