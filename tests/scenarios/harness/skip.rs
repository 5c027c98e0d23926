//! A test that needs what this machine lacks says so and passes; where `CI` is set, it fails instead.

use std::path::PathBuf;

/// Says why a test is skipped.
///
/// # Panics
/// Where `CI` is set: everything a test needs is to be there.
#[track_caller]
pub fn skip(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "needed, because CI is set: {reason}"
    );
    eprintln!("skipped, because {reason}");
}

/// Ends the test, with the reason, unless the condition holds: `needs!(program("promtool"))`.
#[macro_export]
macro_rules! needs {
    ($condition:expr) => {
        match $condition {
            Ok(part) => part,
            Err(reason) => {
                $crate::harness::skip::skip(&reason);
                return;
            }
        }
    };
}

/// Where a program is installed.
pub fn program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps `ip` and `nft` out of the path of ordinary users.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| format!("{name} is not installed"))
}
