//! The last plan, on disk: after a restart without a collector the agent measures what it measured
//! before.
//!
//! A scout's plan has the passwords of its devices: its file is for the agent's user alone, as the private
//! key beside it is, and what is wrong with it is logged without a word of what is in it.

use std::path::{Path, PathBuf};

use proto::plan::Plan;
use tokio::sync::watch;
use tracing::warn;

use crate::storage::{self, StorageError};

const PLAN_FILE: &str = "plan.json";

/// The last plan, or the one that is compiled in. A damaged file is no reason not to measure, and
/// what is on disk is checked like what comes over the wire.
#[must_use]
pub fn load(folder: &Path) -> Plan {
    let Ok(text) = std::fs::read(folder.join(PLAN_FILE)) else {
        return Plan::default();
    };
    let plan = serde_json::from_slice::<Plan>(&text).map_err(|error| place(&error));
    match plan.and_then(|plan| {
        plan.validate()
            .map(|()| plan)
            .map_err(|error| error.to_string())
    }) {
        Ok(plan) => plan,
        Err(error) => {
            warn!(
                error,
                "The plan on disk cannot be used; the collector will send another."
            );
            Plan::default()
        }
    }
}

/// Where a file is wrong. What serde says of it may quote a password.
fn place(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("no plan of this version, at line {line}, column {column}")
}

/// Keeps every new plan, for as long as the agent runs.
pub async fn keep(folder: PathBuf, mut planned: watch::Receiver<Plan>) {
    while planned.changed().await.is_ok() {
        let plan = planned.borrow_and_update().clone();
        let folder = folder.clone();
        let saved = tokio::task::spawn_blocking(move || save(&folder, &plan)).await;
        if let Ok(Err(error)) = saved {
            warn!(
                error = crate::chain(&error),
                "The new plan will be forgotten at the next start."
            );
        }
    }
}

/// Keeps a plan.
///
/// # Errors
/// When the folder is not writable.
pub fn save(folder: &Path, plan: &Plan) -> Result<(), StorageError> {
    let text = serde_json::to_vec_pretty(plan).unwrap_or_default();
    storage::replace(&folder.join(PLAN_FILE), &text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_plan_is_kept_and_a_damaged_one_is_not_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(load(folder.path()), Plan::default());
        let plan = Plan {
            version: 3,
            host_interval: Duration::from_secs(60),
            ..Plan::default()
        };
        save(folder.path(), &plan).expect("saved");
        assert_eq!(load(folder.path()), plan);
        let hostile = Plan {
            host_interval: Duration::ZERO,
            ..plan
        };
        save(folder.path(), &hostile).expect("saved");
        assert_eq!(load(folder.path()), Plan::default());
        std::fs::write(folder.path().join(PLAN_FILE), "{").expect("written");
        assert_eq!(load(folder.path()), Plan::default());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_passwords_of_a_plan() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(PLAN_FILE);
        std::fs::write(&path, "{}").expect("written");
        let everybody = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, everybody).expect("set");
        save(folder.path(), &Plan::default()).expect("saved");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "that of an older version was not");
    }

    #[test]
    fn what_is_wrong_with_a_plan_is_said_without_its_passwords() {
        let text = r#"{ "devices": [{ "name": "mfp-1", "snmp": "letmein99" }] }"#;
        let error = serde_json::from_str::<Plan>(text).expect_err("no plan");
        assert!(error.to_string().contains("letmein99"), "{error}");
        let said = place(&error);
        assert!(said.contains("line 1, column "), "{said}");
        assert!(!said.contains("letmein99"), "{said}");
    }
}
