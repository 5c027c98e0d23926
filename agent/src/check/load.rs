//! How busy this machine is while it is checked: a machine without time measures late, and serves nobody.

use std::time::Duration;

use sysinfo::System;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How often it is looked whether a program gets its turn.
const TURN: Duration = Duration::from_millis(50);

/// More than there are in the longest check.
const TURNS: usize = 1_024;

/// Watches from its making to its end.
pub(super) struct Load {
    system: Option<System>,
    turns: JoinHandle<()>,
    late: std::sync::mpsc::Receiver<Duration>,
}

impl Load {
    /// Begins to watch.
    pub(super) fn watch() -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            system.refresh_cpu_usage();
        }
        let (tell, late) = std::sync::mpsc::sync_channel(TURNS);
        let turns = tokio::spawn(async move {
            loop {
                let began = Instant::now();
                sleep(TURN).await;
                if tell.try_send(began.elapsed().saturating_sub(TURN)).is_err() {
                    return;
                }
            }
        });
        Self {
            system,
            turns,
            late,
        }
    }

    /// The share of the processors in use, and how late nine of ten turns were at most.
    pub(super) fn end(mut self) -> (Option<f64>, Option<Duration>) {
        self.turns.abort();
        let cpu = self.system.as_mut().map(|system| {
            system.refresh_cpu_usage();
            f64::from(system.global_cpu_usage()) / 100.0
        });
        let mut late: Vec<Duration> = self.late.try_iter().collect();
        late.sort_unstable();
        let lag = late.get(late.len() * 9 / 10).copied();
        (cpu, lag)
    }
}
