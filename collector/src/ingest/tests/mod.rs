//! Durable intake against real queues, a real ledger and a real registry, all on disk.
//!
//! The line itself, TLS and whole programs being killed are in `tests/scenarios/`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod disk;
mod others;
mod stream;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::columns::Rounds;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::commit::{self, Entry, Keeper};
use super::recover::recover;
use super::settle::Settler;
use crate::config::Config;
use crate::journal::{self, Definitions};
use crate::metrics::own::Own;
use crate::registry::fixture;
use crate::remote_write::Queue;
use crate::seen::{Account, Claimed, Ledger, Run};

/// How long anything may take that does happen.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a collector keeps on disk, with these targets, and the task that writes it.
struct Durable {
    queues: Vec<Queue>,
    ledger: Arc<Ledger>,
    keeper: Keeper,
    settler: Settler,
    own: Arc<Own>,
    stop: CancellationToken,
    committer: JoinHandle<()>,
}

impl Durable {
    /// As at a start.
    fn open(data: &Path, targets: &[&str]) -> Self {
        let ledger = Arc::new(Ledger::open(data).unwrap());
        let queues: Vec<_> = targets.iter().map(|name| queue(data, name)).collect();
        recover(&queues, &ledger).unwrap();
        let own = Arc::new(Own::new(Timestamp::now()).unwrap());
        let (keeper, committer) = commit::to(queues.clone(), Arc::clone(&own));
        let settler = Settler::new(Arc::clone(&ledger), keeper.clone(), Arc::clone(&own));
        let stop = CancellationToken::new();
        let committer = tokio::spawn(committer.run(stop.clone()));
        Self {
            queues,
            ledger,
            keeper,
            settler,
            own,
            stop,
            committer,
        }
    }

    /// As a kill does: nothing is written any more.
    async fn kill(self) {
        self.committer.abort();
        let _ = self.committer.await;
    }

    fn account(&self, agent: &str) -> Arc<Account> {
        self.ledger.account(&agent.parse().unwrap())
    }

    /// A batch arrives. Whether it is kept, or will be.
    async fn arrives(&self, agent: &str, sequence: u64) -> bool {
        let Claimed::New(claim) = self.account(agent).claim(1, sequence) else {
            panic!("{sequence} of {agent} is not new");
        };
        let entry = Entry {
            claim,
            part: part(agent, sequence),
            samples: 1,
            urgent: true,
        };
        self.keeper.keep(entry).await
    }

    /// Whether nothing of an agent is being written any more, which must come true.
    async fn written(&self, agent: &str) {
        let account = self.account(agent);
        let written = async {
            loop {
                let settled = account.settled();
                if account.pending() == 0 {
                    return;
                }
                settled.await;
            }
        };
        let written = tokio::time::timeout(DEADLINE, written).await;
        assert!(written.is_ok(), "{} are unwritten", account.pending());
    }

    fn taken(&self, agent: &str) -> Vec<(u64, u64)> {
        let all = Run {
            instance: 1,
            first: 0,
            last: u64::MAX,
        };
        let taken = self.account(agent).taken(all);
        taken.iter().map(|run| (run.first, run.last)).collect()
    }
}

fn queue(data: &Path, name: &str) -> Queue {
    let text = format!("[[remote_write]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:9/write\"");
    let config = Config::parse("", &text).unwrap();
    Queue::open(&data.join(format!("queue-{name}")), &config.remote_write[0]).unwrap()
}

fn part(id: &str, sequence: u64) -> Vec<u8> {
    let mut live = Rounds::default();
    live.push(1, [(0, 0.5)]).unwrap();
    let mut definitions = Definitions::default();
    definitions.add(&[proto::stream::Series {
        device: None,
        metric: &proto::metrics::DEVICE_CPU_USAGE,
        part: proto::metrics::Part::Value,
        labels: Vec::new(),
    }]);
    journal::encode(&journal::Batch {
        agent: &fixture::pc(id),
        instance: 1,
        sequence,
        correction_ms: 0,
        definitions: &definitions,
        others: &[],
        live: &live,
        late: &Rounds::default(),
    })
}

/// The batches that wait in a queue, in order.
fn waiting(queue: &Queue) -> Vec<u64> {
    let mut sequences = Vec::new();
    queue
        .scan_after(0, |record| {
            let names = journal::batches(&record.bytes).unwrap();
            sequences.extend(names.into_iter().map(|(_, _, sequence)| sequence));
        })
        .unwrap();
    sequences
}
