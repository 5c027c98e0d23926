//! Logs go to standard error; `DAWNWATCH_LOG` says how much, such as `debug` or
//! `info,dawnwatch_agent::uplink=debug`.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Starts logging at `level` unless the environment says otherwise. A second call changes nothing.
pub fn start(level: &str) {
    let said = std::env::var("DAWNWATCH_LOG").ok();
    let filter = said.and_then(|filter| filter.parse::<Targets>().ok());
    let filter = filter.or_else(|| level.parse().ok()).unwrap_or_default();
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init();
}
