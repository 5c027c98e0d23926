//! What a record of the queues holds: the batches that arrived within a moment, each by itself, so
//! that it needs nothing but the record to be understood.
//!
//! The ingest side writes it ([`encode`], [`record`]), the sender of each remote-write target reads
//! it ([`decode`]), and a start looks which batches wait ([`batches`]). Times are kept as the agent
//! had them, with the correction beside them. Definitions are packed once per stream and reused
//! ([`Definitions`]): nearly every batch of a stream has the same.
//!
//! Deliberately absent: files, checksums and numbers of records, which are the queue's business.

use prost::Message;
use proto::columns::{self, Lane, Rounds};
use proto::ids::{AgentId, CentreId, DeviceId};
use proto::limits::SERIES_PER_AGENT;
use proto::stream::{self, Series};
use proto::wire;

use crate::registry::Agent;

/// The form of the records this program reads and writes.
const FORMAT: u32 = 1;

/// Why a record cannot be read. It is counted and left out; the others go on.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RecordError {
    #[error("the record is damaged")]
    Damaged(#[from] prost::DecodeError),
    #[error("the record has form {found}, this version reads {FORMAT}: update dawnwatch-collector")]
    OtherForm { found: u32 },
    #[error("the record has a batch of {name:?}, which is no id")]
    Id {
        name: String,
        source: proto::ids::InvalidId,
    },
    #[error("the samples or definitions of a batch are damaged")]
    Batch(#[from] stream::Malformed),
    #[error("a batch has samples of a series that it does not define, or more series than one may")]
    Series,
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
    #[prost(message, repeated, tag = "2")]
    batches: Vec<Kept>,
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
}

/// [`Record`] as [`batches`] reads it: the rest is skipped, not decoded.
#[derive(Clone, PartialEq, Message)]
struct RecordNames {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(message, repeated, tag = "2")]
    batches: Vec<KeptName>,
}

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
        while let Some((_, before)) = self.packed.pop_if(|(count, _)| *count < 2 * fresh.len()) {
            // We packed it ourselves.
            let mut joined = stream::unpack(&before).unwrap_or_default();
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
    };
    let part = Record {
        format: 0,
        batches: vec![kept],
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

/// What one device measured, of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Where the device stands.
    pub centre: CentreId,
    /// Its name there.
    pub device: DeviceId,
    /// The `kind` label.
    pub kind: String,
    /// Whether the samples were late on arrival.
    pub late: bool,
    /// What was added to the times: the agent had them without it.
    pub correction_ms: i64,
    /// What the ids of the rounds are places in.
    pub series: Vec<Series>,
    /// The samples, at their true times.
    pub rounds: Rounds,
}

/// Everything in a record, batch by batch in the order of arrival, live apart from late.
///
/// # Errors
/// When it is damaged or of another version.
pub fn decode(record: &[u8]) -> Result<Vec<Measured>, RecordError> {
    let record = Record::decode(record)?;
    check_format(record.format)?;
    let mut measured = Vec::new();
    for kept in record.batches {
        measured_of(kept, &mut measured)?;
    }
    Ok(measured)
}

/// Which batches are in a record: whose, instance and sequence.
///
/// # Errors
/// When it is damaged or of another version.
pub fn batches(record: &[u8]) -> Result<Vec<(AgentId, u64, u64)>, RecordError> {
    let record = RecordNames::decode(record)?;
    check_format(record.format)?;
    let names = record.batches.into_iter();
    names
        .map(|kept| Ok((id(kept.agent)?, kept.instance, kept.sequence)))
        .collect()
}

fn check_format(found: u32) -> Result<(), RecordError> {
    if found == FORMAT {
        Ok(())
    } else {
        Err(RecordError::OtherForm { found })
    }
}

fn id<T: std::str::FromStr<Err = proto::ids::InvalidId>>(name: String) -> Result<T, RecordError> {
    name.parse()
        .map_err(|source| RecordError::Id { name, source })
}

fn measured_of(kept: Kept, measured: &mut Vec<Measured>) -> Result<(), RecordError> {
    let series = series_of(&kept.definitions)?;
    let (centre, device): (CentreId, DeviceId) = (id(kept.centre)?, id(kept.device)?);
    for (late, coded) in [(false, kept.live), (true, kept.late)] {
        if coded.is_empty() {
            continue;
        }
        measured.push(Measured {
            centre: centre.clone(),
            device: device.clone(),
            kind: kept.kind.clone(),
            late,
            correction_ms: kept.correction_ms,
            rounds: corrected(&coded, kept.correction_ms, series.len())?,
            series: series.clone(),
        });
    }
    Ok(())
}

fn series_of(packed: &[Vec<u8>]) -> Result<Vec<Series>, RecordError> {
    let mut series = Vec::new();
    for packed in packed {
        let definitions = stream::unpack(packed)?;
        if series.len() + definitions.len() > SERIES_PER_AGENT {
            return Err(RecordError::Series);
        }
        for definition in definitions {
            // They were good when they were written: a catalogue of another version, or damage.
            series.push(Series::try_from(definition).map_err(|_| RecordError::Series)?);
        }
    }
    Ok(series)
}

/// The rounds, with their true times.
fn corrected(coded: &[u8], correction_ms: i64, series: usize) -> Result<Rounds, RecordError> {
    let mut kept = Rounds::default();
    columns::Decoder::default().decode(Lane::Live, coded, &mut kept)?;
    let mut rounds = Rounds::default();
    for round in kept.iter() {
        let known = |id: &u32| usize::try_from(*id).is_ok_and(|id| id < series);
        if !round.series.iter().all(known) {
            return Err(RecordError::Series);
        }
        let time_unix_ms = round.time_unix_ms.saturating_add(correction_ms);
        // What came out of one fits into another.
        let _ = rounds.push(time_unix_ms, round.samples());
    }
    Ok(rounds)
}

#[cfg(test)]
mod tests;
