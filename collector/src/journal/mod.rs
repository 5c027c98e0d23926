//! What a record of the queues holds: the batches that arrived within a moment, each by itself, so
//! that it needs nothing but the record to be understood.
//!
//! The ingest side writes it ([`encode`], [`record`]), the sender of each remote-write target reads
//! it ([`decode`]), and a start looks which batches wait ([`batches`]). Times are kept as the agent
//! had them, with the correction beside them. Definitions are packed once per stream and reused
//! ([`Definitions`]): nearly every batch of a stream has the same. A scout's batch has samples of the
//! devices it asks among its own; they come out apart, as if each had been measured by the device itself,
//! so that a store never learns who asked.
//!
//! A record has batches of many agents, so each is read by itself: one that is damaged costs the others
//! nothing, and neither does a series that the catalogue of this version does not have.
//!
//! Deliberately absent: files, checksums and numbers of records, which are the queue's business.

mod decode;

use prost::Message;
use proto::columns::{self, Lane, Rounds};
use proto::ids::{AgentId, DeviceId};
use proto::plan::Kind;
use proto::stream::{self, Series};
use proto::wire;

pub use self::decode::{Decoded, Measured, decode};
use crate::registry::Agent;

/// The form of the records this program writes; it reads those before as well. In form 1 all samples of a
/// batch are the agent's own.
const FORMAT: u32 = 2;

/// The oldest that is read.
const OLDEST: u32 = 1;

/// Why a record, or a part of one, cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RecordError {
    #[error("a record or a batch in it is damaged")]
    Damaged(#[from] prost::DecodeError),
    #[error("this is no record")]
    NoRecord,
    #[error(
        "what waits was written by a newer version (form {found}, this one knows {FORMAT}): update dawnwatch-collector"
    )]
    Newer { found: u32 },
    #[error("the record has a batch of {name:?}, which is no id")]
    Id {
        name: String,
        source: proto::ids::InvalidId,
    },
    #[error("the samples or definitions of a batch are damaged")]
    Batch(#[from] stream::Malformed),
    #[error("a batch defines more series than one may")]
    TooManySeries,
    #[error(
        "a batch has samples of series that this version does not know: was another one in use before?"
    )]
    UnknownSeries,
}

impl From<columns::Malformed> for RecordError {
    fn from(error: columns::Malformed) -> Self {
        Self::Batch(error.into())
    }
}

#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(uint32, tag = "1")]
    format: u32,
    /// [`Kept`], each for itself.
    #[prost(bytes = "vec", repeated, tag = "2")]
    batches: Vec<Vec<u8>>,
}

/// One batch.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(string, tag = "1")]
    agent: String,
    #[prost(fixed64, tag = "2")]
    instance: u64,
    #[prost(uint64, tag = "3")]
    sequence: u64,
    #[prost(string, tag = "4")]
    centre: String,
    #[prost(string, tag = "5")]
    device: String,
    #[prost(string, tag = "6")]
    kind: String,
    /// To be added to all times.
    #[prost(sint64, tag = "7")]
    correction_ms: i64,
    /// Dictionaries, one after the other: a series' id is its place.
    #[prost(bytes = "vec", repeated, tag = "8")]
    definitions: Vec<Vec<u8>>,
    /// Samples that were live on arrival, by the codec of `proto::columns` from a fresh state.
    #[prost(bytes = "vec", tag = "9")]
    live: Vec<u8>,
    /// Those that were late.
    #[prost(bytes = "vec", tag = "10")]
    late: Vec<u8>,
    /// The other devices that have samples here.
    #[prost(message, repeated, tag = "11")]
    others: Vec<KeptOther>,
}

/// A device without an agent.
#[derive(Clone, PartialEq, Message)]
struct KeptOther {
    #[prost(string, tag = "1")]
    device: String,
    #[prost(string, tag = "2")]
    kind: String,
}

/// [`Kept`] as [`batches`] reads it: the rest is skipped, not decoded.
#[derive(Clone, PartialEq, Message)]
struct KeptName {
    #[prost(string, tag = "1")]
    agent: String,
    #[prost(fixed64, tag = "2")]
    instance: u64,
    #[prost(uint64, tag = "3")]
    sequence: u64,
}

/// The series of one stream, packed for its records.
#[derive(Debug, Default)]
pub struct Definitions {
    /// Number of series and their dictionary. Each is at least twice as long as the next, so that a
    /// stream that defines its series one by one costs no more than a few times one that does at once.
    packed: Vec<(usize, Box<[u8]>)>,
}

impl Definitions {
    /// Adds series; their ids follow those before.
    pub fn add(&mut self, series: &[Series]) {
        if series.is_empty() {
            return;
        }
        let mut fresh: Vec<wire::Series> = series.iter().map(wire::Series::from).collect();
        while let Some((count, before)) = self.packed.pop_if(|(count, _)| *count < 2 * fresh.len())
        {
            let Ok(mut joined) = stream::unpack(&before) else {
                // It was packed here, and all of a stream fit into one dictionary: this cannot be. If it
                // were, it stays as it is.
                self.packed.push((count, before));
                break;
            };
            joined.append(&mut fresh);
            fresh = joined;
        }
        let packed = stream::pack(&fresh).into_boxed_slice();
        self.packed.push((fresh.len(), packed));
    }
}

/// A batch that is to be kept.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Whose.
    pub agent: &'a Agent,
    /// Of the agent's spool.
    pub instance: u64,
    /// Of the batch.
    pub sequence: u64,
    /// What to add to its times.
    pub correction_ms: i64,
    /// The series that the rounds' ids are places in.
    pub definitions: &'a Definitions,
    /// The other devices that have samples here, with the kinds they are now.
    pub others: &'a [(&'a DeviceId, Kind)],
    /// Samples that were live on arrival, as the agent had their times.
    pub live: &'a Rounds,
    /// Those that were late, likewise.
    pub late: &'a Rounds,
}

/// One batch as a part of a record.
#[must_use]
pub fn encode(batch: &Batch<'_>) -> Vec<u8> {
    let coded = |rounds: &Rounds| {
        if rounds.is_empty() {
            return Vec::new();
        }
        columns::Encoder::default().encode(Lane::Live, rounds)
    };
    let packed = batch.definitions.packed.iter();
    let others = batch.others.iter().map(|(device, kind)| KeptOther {
        device: device.as_str().to_owned(),
        kind: kind.as_str().to_owned(),
    });
    let kept = Kept {
        agent: batch.agent.id.as_str().to_owned(),
        instance: batch.instance,
        sequence: batch.sequence,
        centre: batch.agent.centre.as_str().to_owned(),
        device: batch.agent.device.as_str().to_owned(),
        kind: batch.agent.kind.clone(),
        correction_ms: batch.correction_ms,
        definitions: packed.map(|(_, packed)| packed.to_vec()).collect(),
        live: coded(batch.live),
        late: coded(batch.late),
        others: others.collect(),
    };
    let part = Record {
        format: 0,
        batches: vec![kept.encode_to_vec()],
    };
    part.encode_to_vec()
}

/// A whole record of parts that [`encode`] made. Messages that stand behind each other are one.
#[must_use]
pub fn record<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let empty = Record {
        format: FORMAT,
        batches: Vec::new(),
    };
    let mut bytes = empty.encode_to_vec();
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Which batches are in a record: whose, instance and sequence. Damaged ones are left out.
///
/// # Errors
/// When it is no record, or one of a newer version.
pub fn batches(record: &[u8]) -> Result<Vec<(AgentId, u64, u64)>, RecordError> {
    let name = |kept: Vec<u8>| {
        let kept = KeptName::decode(&*kept).ok()?;
        Some((kept.agent.parse().ok()?, kept.instance, kept.sequence))
    };
    Ok(parts(record)?.into_iter().filter_map(name).collect())
}

/// The batches of a record, undecoded.
fn parts(record: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
    let record = Record::decode(record)?;
    match record.format {
        OLDEST..=FORMAT => Ok(record.batches),
        found if found > FORMAT => Err(RecordError::Newer { found }),
        _ => Err(RecordError::NoRecord),
    }
}

fn id<T: std::str::FromStr<Err = proto::ids::InvalidId>>(name: String) -> Result<T, RecordError> {
    name.parse()
        .map_err(|source| RecordError::Id { name, source })
}

#[cfg(test)]
mod tests;
