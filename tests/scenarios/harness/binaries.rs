//! Where the programs under test are: beside the folder of the test's own executable.

use std::path::PathBuf;
use std::process::Command;

/// The central program.
pub fn collector() -> Command {
    Command::new(path("dawnwatch-collector"))
}

/// The program on a PC.
pub fn agent() -> Command {
    Command::new(path("dawnwatch-agent"))
}

/// Everything on one machine.
pub fn dawnwatch() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dawnwatch"))
}

/// `examples/counting_agent.rs`: an agent whose every sample can be found again.
pub fn counting_agent() -> Command {
    Command::new(path("examples/counting_agent"))
}

/// `cargo test --workspace` builds the programs of other packages as well, because those packages have
/// tests that run them.
fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own executable");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --workspace` or test the whole workspace",
        path.display()
    );
    path
}
