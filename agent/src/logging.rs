//! Logs go to standard error; `DAWNWATCH_LOG` says how much, such as `debug` or
//! `dawnwatch_agent::uplink=debug`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging at `level` unless the environment says otherwise. A second call changes nothing.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_env("DAWNWATCH_LOG").unwrap_or_else(|_| level.into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
