//! File descriptors: each connection takes one, and a system gives a program few unless it asks.
//!
//! Shells and service managers start programs with a soft limit of 1,024 for the sake of old ones that
//! use `select`. This one does not, and asks for all that it may have.

use tracing::warn;

/// Kept for what is no agent's connection: the page, the registry, listeners.
const RESERVED: u64 = 256;

/// Fewer are worth a warning: a province has some 1,300 agents and grows.
const PLENTY: u64 = 4096;

/// Raises this program's limit as far as it may, and warns when that is not far. To be called once, by
/// the program: a library does not change its process by itself.
pub fn raise() {
    if let Err(error) = raise_limit() {
        warn!(%error, "Cannot raise the limit of open files.");
    }
    if let Some(limit) = limit().filter(|limit| *limit < PLENTY) {
        let agents = limit.saturating_sub(RESERVED);
        warn!(
            limit,
            agents,
            "Few open files are allowed, and each agent takes one: raise the hard limit \
             (LimitNOFILE= of systemd, ulimit -Hn)."
        );
    }
}

/// Connections of agents that leave enough for everything else.
pub(super) fn for_agents() -> usize {
    limit().map_or(usize::MAX, |limit| {
        usize::try_from(limit.saturating_sub(RESERVED)).unwrap_or(usize::MAX)
    })
}

#[cfg(unix)]
fn raise_limit() -> std::io::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limits = getrlimit(Resource::Nofile);
    if limits.current == limits.maximum {
        return Ok(());
    }
    limits.current = limits.maximum;
    setrlimit(Resource::Nofile, limits)?;
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn raise_limit() -> std::io::Result<()> {
    Ok(())
}

/// How many this program may have, when there is a limit.
#[cfg(unix)]
fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}
