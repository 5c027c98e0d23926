//! The accounts of all agents, and their file.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::ids::AgentId;
use tracing::error;

use super::Account;
use super::snapshot::{self, SnapshotError};
use crate::private;

/// The file in the data folder.
pub const FILE: &str = "seen";

/// Up to where a snapshot has the batches of a queue's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// Whose queue.
    pub target: String,
    /// Of the queue's folder.
    pub instance: u64,
    /// The last record.
    pub through: u64,
}

/// The accounts of all agents.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    /// By the snapshot that was read at the start.
    covered: Vec<Covered>,
    accounts: Mutex<HashMap<AgentId, Arc<Account>>>,
    /// What was saved last.
    saved: Mutex<Vec<u8>>,
}

impl Ledger {
    /// Reads the last snapshot of a data folder. A damaged one is set aside: batches whose
    /// acknowledgement was lost will be counted twice, and everything else goes on.
    ///
    /// # Errors
    /// When the file cannot be read, or was written by a newer version.
    pub fn open(data: &Path) -> Result<Self, SnapshotError> {
        let path = data.join(FILE);
        let (covered, accounts) = match snapshot::read(&path) {
            Ok(read) => read,
            Err(SnapshotError::Damaged { path: damaged }) => {
                let aside = damaged.with_extension("damaged");
                error!(
                    path = %damaged.display(), aside = %aside.display(),
                    "What was taken of each agent cannot be read and is set aside: a few batches may be counted twice."
                );
                std::fs::rename(&damaged, aside).map_err(|source| SnapshotError::Read {
                    path: damaged,
                    source,
                })?;
                (Vec::new(), Vec::new())
            }
            Err(error) => return Err(error),
        };
        let shared = |(agent, account)| (agent, Arc::new(account));
        Ok(Self {
            path,
            covered,
            accounts: Mutex::new(accounts.into_iter().map(shared).collect()),
            saved: Mutex::default(),
        })
    }

    /// The last record of a queue that the snapshot of the start covers; 0 when it says nothing of that
    /// queue, which may be new, or another one by this name.
    #[must_use]
    pub fn covered(&self, target: &str, instance: u64) -> u64 {
        let same = |one: &&Covered| (&*one.target, one.instance) == (target, instance);
        self.covered.iter().find(same).map_or(0, |one| one.through)
    }

    /// The account of an agent, made when it is its first.
    pub fn account(&self, agent: &AgentId) -> Arc<Account> {
        let mut accounts = self.lock();
        if let Some(known) = accounts.get(agent) {
            return Arc::clone(known);
        }
        Arc::clone(accounts.entry(agent.clone()).or_default())
    }

    /// Forgets agents that are not enrolled any more. For the start: a stream holds on to its account.
    pub fn keep(&self, enrolled: &HashSet<AgentId>) {
        self.lock().retain(|agent, _| enrolled.contains(agent));
    }

    /// Makes what was taken until now durable, and says how many bytes had to be written. All batches of
    /// these records are among it. Blocks on the disk, holds up no agent for longer than its own account
    /// is copied.
    ///
    /// # Errors
    /// When the disk does not take it; the snapshot before is still there.
    pub fn save(&self, covered: &[Covered]) -> Result<usize, SnapshotError> {
        // One at a time, from the first account to the disk: an older one never replaces a newer one.
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let accounts: Vec<_> = {
            let accounts = self.lock();
            let shared =
                |(agent, account): (&AgentId, &Arc<Account>)| (agent.clone(), Arc::clone(account));
            accounts.iter().map(shared).collect()
        };
        let bytes = snapshot::encode(covered, &accounts);
        if *saved == bytes {
            return Ok(0);
        }
        private::write(&self.path, &bytes).map_err(|source| SnapshotError::Write {
            path: self.path.clone(),
            source,
        })?;
        *saved = bytes;
        Ok(saved.len())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AgentId, Arc<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
