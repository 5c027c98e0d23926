//! The file of the ledger: all of it, replaced as a whole.
//!
//! ```text
//! magic: 8 bytes, version: u32, a length-delimited message about the queues, then one per agent, then
//! the CRC-32 of all this
//! ```
//!
//! One file instead of a table, because nearly every account changes every minute: about 100 bytes an
//! agent, 200 of one that is started every day, written in one go cost the disk less than a tree of pages
//! of which all are touched.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use proto::ids::AgentId;

use super::{Account, Covered, Run, Seen};
use crate::clocks::{Boot, Clocks};

const MAGIC: &[u8; 8] = b"DWseen\r\n";

/// The format this program reads and writes.
const VERSION: u32 = 2;

/// Why what was taken cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SnapshotError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: is the disk full, or may it not be written?", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is damaged", path.display())]
    Damaged { path: PathBuf },
    #[error(
        "{} was written by a newer version (format {found}, this one knows {VERSION}): update dawnwatch-collector",
        path.display()
    )]
    Newer { path: PathBuf, found: u32 },
}

#[derive(Clone, PartialEq, Message)]
struct KeptQueues {
    #[prost(message, repeated, tag = "1")]
    queues: Vec<KeptQueue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeptQueue {
    #[prost(string, tag = "1")]
    target: String,
    #[prost(fixed64, tag = "2")]
    instance: u64,
    #[prost(uint64, tag = "3")]
    through: u64,
}

#[derive(Clone, PartialEq, Message)]
struct KeptAgent {
    #[prost(string, tag = "1")]
    agent: String,
    #[prost(message, repeated, tag = "2")]
    instances: Vec<KeptInstance>,
    #[prost(message, repeated, tag = "3")]
    boots: Vec<KeptBoot>,
}

#[derive(Clone, PartialEq, Message)]
struct KeptInstance {
    #[prost(fixed64, tag = "1")]
    instance: u64,
    /// First and last of each run in turn, each as the distance from the number before.
    #[prost(uint64, repeated, tag = "2")]
    distances: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct KeptBoot {
    #[prost(fixed64, tag = "1")]
    boot: u64,
    #[prost(sint64, tag = "2")]
    began_unix_ms: i64,
}

pub(super) fn encode(covered: &[Covered], accounts: &[(AgentId, Arc<Account>)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(accounts.len() * 128);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let queues = KeptQueues {
        queues: covered.iter().map(KeptQueue::from).collect(),
    };
    // A `Vec` has room for everything.
    let _ = queues.encode_length_delimited(&mut bytes);
    for (agent, account) in accounts {
        let kept = {
            let state = account.lock();
            KeptAgent {
                agent: agent.as_str().to_owned(),
                instances: state.seen.instances().map(KeptInstance::of).collect(),
                boots: state.clocks.known().map(KeptBoot::from).collect(),
            }
        };
        let _ = kept.encode_length_delimited(&mut bytes);
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What is in a file.
type Read = (Vec<Covered>, Vec<(AgentId, Account)>);

/// The records that a file covers, and its accounts; nothing when there is no file yet.
pub(super) fn read(path: &Path) -> Result<Read, SnapshotError> {
    match std::fs::read(path) {
        Ok(bytes) => decode(path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Read::default()),
        Err(source) => Err(SnapshotError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Read, SnapshotError> {
    let damaged = || SnapshotError::Damaged {
        path: path.to_owned(),
    };
    let (body, checksum) = bytes.split_last_chunk().ok_or_else(damaged)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
        return Err(damaged());
    }
    let body = body.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (version, mut body) = body.split_first_chunk().ok_or_else(damaged)?;
    let found = u32::from_le_bytes(*version);
    if found > VERSION {
        let path = path.to_owned();
        return Err(SnapshotError::Newer { path, found });
    }
    if found < VERSION {
        return Err(damaged());
    }
    let queues = KeptQueues::decode_length_delimited(&mut body).map_err(|_| damaged())?;
    let mut accounts = Vec::new();
    while !body.is_empty() {
        let kept = KeptAgent::decode_length_delimited(&mut body).map_err(|_| damaged())?;
        let agent = kept.agent.parse().map_err(|_| damaged())?;
        let mut seen = Seen::default();
        for instance in &kept.instances {
            instance.runs().for_each(|run| seen.insert(run));
        }
        let boots = kept.boots.iter();
        let clocks = Clocks::restore(boots.map(|kept| (Boot(kept.boot), kept.began_unix_ms)));
        accounts.push((agent, Account::restored(seen, clocks)));
    }
    let covered = queues.queues.into_iter().map(Covered::from);
    Ok((covered.collect(), accounts))
}

impl From<&Covered> for KeptQueue {
    fn from(covered: &Covered) -> Self {
        Self {
            target: covered.target.clone(),
            instance: covered.instance,
            through: covered.through,
        }
    }
}

impl From<KeptQueue> for Covered {
    fn from(kept: KeptQueue) -> Self {
        Self {
            target: kept.target,
            instance: kept.instance,
            through: kept.through,
        }
    }
}

impl KeptInstance {
    fn of((instance, runs): (u64, impl Iterator<Item = (u64, u64)>)) -> Self {
        let mut before = 0;
        let numbers = runs.flat_map(|(first, last)| [first, last]);
        let distances = numbers.map(|number| number - std::mem::replace(&mut before, number));
        Self {
            instance,
            distances: distances.collect(),
        }
    }

    fn runs(&self) -> impl Iterator<Item = Run> {
        let mut number = 0_u64;
        let mut numbers = self.distances.iter().map(move |distance| {
            number = number.saturating_add(*distance);
            number
        });
        std::iter::from_fn(move || {
            Some(Run {
                instance: self.instance,
                first: numbers.next()?,
                last: numbers.next()?,
            })
        })
    }
}

impl From<(Boot, i64)> for KeptBoot {
    fn from((boot, began_unix_ms): (Boot, i64)) -> Self {
        Self {
            boot: boot.0,
            began_unix_ms,
        }
    }
}
