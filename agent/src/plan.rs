//! The last plan, on disk: after a restart without a collector the agent measures what it measured
//! before.

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
    let plan = serde_json::from_slice::<Plan>(&text).map_err(|error| error.to_string());
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
}
