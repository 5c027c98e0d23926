//! Batches ↔ samples: the dictionary of one stream, and all validation of what an agent sends.
//!
//! Series are defined once per stream and then named by a small id; what was measured goes through
//! [`crate::columns`]. A batch whose bytes cannot be read ends its stream ([`Malformed`]): what comes
//! behind it could not be read either. Apart from that the receiving side refuses what is out of
//! bounds series by series and sample by sample, counts it by [`Reject`], and goes on: one bad
//! sensor must not cost a centre its other measurements.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;

use crate::columns::{self, Lane, Rounds};
use crate::ids::DeviceId;
use crate::limits::{
    DICTIONARY_BYTES, LABEL_BYTES, LABELS_PER_SERIES, SAMPLE_AGE, SAMPLE_FUTURE, SERIES_PER_AGENT,
};
use crate::metrics::{self, Metric, Origin, Part};
use crate::wire;

/// What one time series is, without `centre`, `device` and `kind`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Of the centre, what it is about; `None` for the machine of the agent itself.
    pub device: Option<DeviceId>,
    /// The catalogue's entry.
    pub metric: &'static Metric,
    /// Which part of it.
    pub part: Part,
    /// In the catalogue's order; a bucket's `le` comes last.
    pub labels: Vec<(&'static str, String)>,
}

impl std::hash::Hash for Series {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.device, self.metric.name, self.part, &self.labels).hash(state);
    }
}

/// Why a sample, or the definition of a series, was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "`code` and the docs of `Decoder` say it")]
pub enum Reject {
    UnknownMetric,
    UnknownLabel,
    DuplicateLabel,
    LabelTooLong,
    TooManyLabels,
    TooManySeries,
    RedefinedSeries,
    UndefinedSeries,
    NotFinite,
    TooOld,
    InFuture,
    InvalidBucket,
    /// Of a device that the centre has not.
    UnknownDevice,
    /// Of a device that another agent was to ask then.
    NotScout,
}

impl Reject {
    /// Every reason there is, so that each can be exported from 0.
    pub const ALL: [Self; 14] = [
        Self::UnknownMetric,
        Self::UnknownLabel,
        Self::DuplicateLabel,
        Self::LabelTooLong,
        Self::TooManyLabels,
        Self::TooManySeries,
        Self::RedefinedSeries,
        Self::UndefinedSeries,
        Self::NotFinite,
        Self::TooOld,
        Self::InFuture,
        Self::InvalidBucket,
        Self::UnknownDevice,
        Self::NotScout,
    ];

    /// A stable word for a label.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownMetric => "unknown_metric",
            Self::UnknownLabel => "unknown_label",
            Self::DuplicateLabel => "duplicate_label",
            Self::LabelTooLong => "label_too_long",
            Self::TooManyLabels => "too_many_labels",
            Self::TooManySeries => "too_many_series",
            Self::RedefinedSeries => "redefined_series",
            Self::UndefinedSeries => "undefined_series",
            Self::NotFinite => "not_finite",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::InvalidBucket => "invalid_bucket",
            Self::UnknownDevice => "unknown_device",
            Self::NotScout => "not_scout",
        }
    }
}

/// Why the bytes of a batch cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The dictionary does not inflate, or to more than [`DICTIONARY_BYTES`].
    #[error("the dictionary does not inflate to at most {DICTIONARY_BYTES} bytes")]
    Deflate,
    /// What was deflated is no dictionary.
    #[error("the dictionary cannot be decoded")]
    Dictionary(#[from] prost::DecodeError),
    /// The samples are not what the codec writes.
    #[error("the samples cannot be decoded")]
    Samples(#[from] columns::Malformed),
}

/// What was measured in a stretch of time, by itself: every series used is defined.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Without ids: rounds name them by their place here.
    pub series: Vec<wire::Series>,
    /// The samples.
    pub rounds: Rounds,
}

impl Measured {
    /// What waits in a spool: needs no stream to be understood.
    #[must_use]
    pub fn pack(&self, instance: u64, recorded: wire::Recorded) -> wire::Batch {
        wire::Batch {
            instance,
            series: pack(&self.series),
            samples: columns::Encoder::default().encode(Lane::Live, &self.rounds),
            recorded: Some(recorded),
            ..wire::Batch::default()
        }
    }

    /// Reads what [`Measured::pack`] wrote.
    ///
    /// # Errors
    /// When it was damaged, or written by another version.
    pub fn unpack(batch: &wire::Batch) -> Result<Self, Malformed> {
        let mut rounds = Rounds::default();
        columns::Decoder::default().decode(Lane::Live, &batch.samples, &mut rounds)?;
        Ok(Self {
            series: unpack(&batch.series)?,
            rounds,
        })
    }
}

/// Definitions as they travel; empty for none.
#[must_use]
pub fn pack(series: &[wire::Series]) -> Vec<u8> {
    if series.is_empty() {
        return Vec::new();
    }
    let dictionary = wire::Dictionary {
        series: series.to_vec(),
    };
    miniz_oxide::deflate::compress_to_vec(&dictionary.encode_to_vec(), DEFLATE_LEVEL)
}

/// The usual one: half the size of the fastest, on names that are nearly the same.
const DEFLATE_LEVEL: u8 = 6;

/// Definitions as they were packed.
///
/// # Errors
/// When they are damaged, or inflate to more than anybody needs.
pub fn unpack(packed: &[u8]) -> Result<Vec<wire::Series>, Malformed> {
    if packed.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, DICTIONARY_BYTES)
        .map_err(|_| Malformed::Deflate)?;
    Ok(wire::Dictionary::decode(&*bytes)?.series)
}

/// The sending side of one stream: which series it already knows, and what was sent last.
#[derive(Debug, Default)]
pub struct Encoder {
    ids: HashMap<wire::Series, u32>,
    columns: columns::Encoder,
}

/// What [`Encoder::encode`] made of a batch.
#[derive(Debug, PartialEq)]
pub struct Encoded {
    /// For [`wire::Batch::series`].
    pub series: Vec<u8>,
    /// For [`wire::Batch::samples`].
    pub samples: Vec<u8>,
    /// Samples beyond the limit of series.
    pub left_out: usize,
}

impl Encoder {
    /// Whether nothing was sent yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the stream may still define each of these that it does not know yet.
    #[must_use]
    pub fn has_room_for(&self, series: &[wire::Series]) -> bool {
        let room = SERIES_PER_AGENT.saturating_sub(self.ids.len());
        // Mostly there is room for all: then nothing need be looked up.
        series.len() <= room
            || series
                .iter()
                .filter(|series| !self.ids.contains_key(*series))
                .count()
                <= room
    }

    /// Writes a batch for this stream. It must be sent, and in this order: what follows builds on it.
    pub fn encode(&mut self, measured: Measured, lane: Lane) -> Encoded {
        let mut fresh = Vec::new();
        let ids: Vec<Option<u32>> = measured
            .series
            .into_iter()
            .map(|series| self.id_of(series, &mut fresh))
            .collect();
        let stream_id = |own: u32| ids.get(usize::try_from(own).ok()?).copied().flatten();
        let mut rounds = Rounds::default();
        for round in measured.rounds.iter() {
            let values = round.series.iter().zip(round.values);
            let values = values.filter_map(|(own, value)| Some((stream_id(*own)?, *value)));
            // A part of what fits does; if it did not, it would be counted as left out.
            let _ = rounds.push(round.time_unix_ms, values);
        }
        Encoded {
            series: pack(&fresh),
            samples: self.columns.encode(lane, &rounds),
            left_out: measured.rounds.samples() - rounds.samples(),
        }
    }

    fn id_of(&mut self, series: wire::Series, fresh: &mut Vec<wire::Series>) -> Option<u32> {
        if let Some(known) = self.ids.get(&series) {
            return Some(*known);
        }
        if self.ids.len() >= SERIES_PER_AGENT {
            return None;
        }
        let id = u32::try_from(self.ids.len()).ok()?;
        fresh.push(wire::Series {
            id,
            ..series.clone()
        });
        self.ids.insert(series, id);
        Some(id)
    }
}

/// The receiving side of one stream, and the guard of the collector.
#[derive(Debug, Default)]
pub struct Decoder {
    /// By wire id: the index of the accepted series, or why it was refused.
    entries: Vec<Option<Result<u16, Reject>>>,
    accepted: u16,
    /// What a dictionary of all accepted series would take, at most [`DICTIONARY_BYTES`]: whoever keeps
    /// them can pack them together, however many batches they came with.
    bytes: usize,
    columns: columns::Decoder,
}

impl Decoder {
    /// Takes a batch's definitions and returns the series that are new, in the order of the indices
    /// that [`Decoder::resolve`] will give, starting from the number accepted before.
    ///
    /// # Errors
    /// When they cannot be read: the stream is given up.
    pub fn define(
        &mut self,
        packed: &[u8],
        mut rejected: impl FnMut(Reject),
    ) -> Result<Vec<Series>, Malformed> {
        let mut fresh = Vec::new();
        for definition in unpack(packed)? {
            let place = usize::try_from(definition.id).unwrap_or(usize::MAX);
            if place >= SERIES_PER_AGENT {
                rejected(Reject::TooManySeries);
                continue;
            }
            if self.entries.len() <= place {
                self.entries.resize(place + 1, None);
            }
            let Some(entry @ None) = self.entries.get_mut(place) else {
                rejected(Reject::RedefinedSeries);
                continue;
            };
            let bytes = self.bytes + dictionary_bytes(&definition);
            let series = Series::try_from(definition);
            *entry = Some(match series {
                Ok(_) if bytes > DICTIONARY_BYTES => Err(Reject::TooManySeries),
                Ok(series) => {
                    fresh.push(series);
                    self.bytes = bytes;
                    self.accepted += 1;
                    Ok(self.accepted - 1)
                }
                Err(reason) => Err(reason),
            });
            if let Some(Err(reason)) = entry {
                rejected(*reason);
            }
        }
        Ok(fresh)
    }

    /// The samples of a batch, as they are: whether each may be taken, [`Decoder::resolve`] and
    /// [`timely`] say.
    ///
    /// # Errors
    /// When they cannot be read: the stream is given up.
    pub fn decode(
        &mut self,
        lane: Lane,
        samples: &[u8],
        rounds: &mut Rounds,
    ) -> Result<(), Malformed> {
        Ok(self.columns.decode(lane, samples, rounds)?)
    }

    /// Which accepted series this is a value of.
    ///
    /// # Errors
    /// Why the value is refused.
    pub fn resolve(&self, id: u32, value: f64) -> Result<usize, Reject> {
        let entry = usize::try_from(id).ok().and_then(|id| self.entries.get(id));
        let series = entry.copied().flatten();
        let series = series.unwrap_or(Err(Reject::UndefinedSeries))?;
        if value.is_finite() {
            Ok(series.into())
        } else {
            Err(Reject::NotFinite)
        }
    }
}

/// What a definition takes in a dictionary, before it is deflated.
fn dictionary_bytes(definition: &wire::Series) -> usize {
    let length = definition.encoded_len();
    // Its tag is one byte.
    1 + prost::length_delimiter_len(length) + length
}

/// Whether a sample of this (corrected) time is still of use, and not of the future.
///
/// # Errors
/// Why it is refused.
pub fn timely(time_unix_ms: i64, now_unix_ms: i64) -> Result<(), Reject> {
    let milliseconds = |limit: Duration| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    if time_unix_ms > now_unix_ms.saturating_add(milliseconds(SAMPLE_FUTURE)) {
        Err(Reject::InFuture)
    } else if time_unix_ms < now_unix_ms.saturating_sub(milliseconds(SAMPLE_AGE)) {
        Err(Reject::TooOld)
    } else {
        Ok(())
    }
}

impl From<&Series> for wire::Series {
    /// With id 0: whoever sends it chooses one.
    fn from(series: &Series) -> Self {
        let label = |(name, value): &(&'static str, String)| wire::Label {
            name: (*name).to_owned(),
            value: value.clone(),
        };
        Self {
            id: 0,
            metric: format!("{}{}", series.metric.name, series.part.suffix()),
            labels: series.labels.iter().map(label).collect(),
            device: series
                .device
                .as_ref()
                .map(DeviceId::to_string)
                .unwrap_or_default(),
        }
    }
}

impl TryFrom<wire::Series> for Series {
    type Error = Reject;

    fn try_from(wire: wire::Series) -> Result<Self, Reject> {
        let (metric, part) = metrics::find(&wire.metric)
            .filter(|(metric, part)| {
                metric.origin == Origin::Agent && metric.parts().contains(part)
            })
            .ok_or(Reject::UnknownMetric)?;
        // What has no agent has nothing to say of one.
        if !wire.device.is_empty() && metric.name.starts_with("dawnwatch_agent_") {
            return Err(Reject::UnknownMetric);
        }
        if wire.labels.len() > LABELS_PER_SERIES {
            return Err(Reject::TooManyLabels);
        }
        let allowed = || {
            metric
                .labels
                .iter()
                .chain((part == Part::Bucket).then_some(&"le"))
        };
        let mut labels = Vec::with_capacity(wire.labels.len());
        for name in allowed() {
            let mut values = wire.labels.iter().filter(|label| label.name == *name);
            let Some(label) = values.next() else { continue };
            if values.next().is_some() {
                return Err(Reject::DuplicateLabel);
            }
            if label.value.len() > LABEL_BYTES {
                return Err(Reject::LabelTooLong);
            }
            // An empty value is the same as no label, in the exposition format and here.
            if !label.value.is_empty() {
                labels.push((*name, label.value.clone()));
            }
        }
        if wire
            .labels
            .iter()
            .any(|label| !allowed().any(|name| label.name == *name))
        {
            return Err(Reject::UnknownLabel);
        }
        // One page is for everybody: a bucket without a bound would make it unreadable.
        let bound = labels
            .last()
            .filter(|(name, _)| *name == "le")
            .map(|(_, bound)| bound);
        let is_bound = |bound: &String| bound.parse::<f64>().is_ok_and(|bound| !bound.is_nan());
        if part == Part::Bucket && !bound.is_some_and(is_bound) {
            return Err(Reject::InvalidBucket);
        }
        let device = match wire.device.as_str() {
            "" => None,
            device => Some(device.parse().map_err(|_| Reject::UnknownDevice)?),
        };
        Ok(Self {
            device,
            metric,
            part,
            labels,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::ops::Range;

    use super::*;
    use crate::limits::SERIES_PER_BATCH;

    /// One value of each of these interfaces.
    fn measured(interfaces: Range<u32>) -> Measured {
        let mut measured = Measured::default();
        let values = (0..).zip(interfaces.clone()).map(|(id, _)| (id, 1.0));
        measured.rounds.push(0, values).unwrap();
        let series = |interface: u32| wire::Series {
            id: 0,
            metric: "dawnwatch_interface_up".into(),
            labels: vec![wire::Label {
                name: "interface".into(),
                value: format!("eth{interface}"),
            }],
            device: String::new(),
        };
        measured.series = interfaces.map(series).collect();
        measured
    }

    #[test]
    fn a_series_takes_its_place_once() {
        let mut encoder = Encoder::default();
        for round in 0..100 {
            let measured = measured(0..1_500);
            assert!(encoder.has_room_for(&measured.series), "round {round}");
            let encoded = encoder.encode(measured, Lane::Live);
            assert_eq!(encoded.left_out, 0);
            assert_eq!(encoded.series.is_empty(), round > 0, "round {round}");
        }
        assert!(encoder.has_room_for(&measured(500..4_000).series));
        assert!(!encoder.has_room_for(&measured(500..4_001).series));
        assert_eq!(encoder.encode(measured(500..4_001), Lane::Live).left_out, 1);
    }

    #[test]
    fn beside_what_is_live_there_is_room_for_what_waited() {
        let mut encoder = Encoder::default();
        let most = u32::try_from(SERIES_PER_BATCH).unwrap();
        encoder.encode(measured(0..most), Lane::Live);
        assert!(encoder.has_room_for(&measured(most..2 * most).series));
    }

    #[test]
    fn what_a_stream_defines_batch_by_batch_fits_into_one_dictionary() {
        let label = |name: &str, number: usize| wire::Label {
            name: name.into(),
            value: format!("{name}{number:0>120}"),
        };
        let mut decoder = Decoder::default();
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for number in 0..SERIES_PER_AGENT {
            let names = metrics::DEVICE_OS_INFO.labels;
            let series = wire::Series {
                id: u32::try_from(number).unwrap(),
                metric: metrics::DEVICE_OS_INFO.name.into(),
                labels: names.iter().map(|name| label(name, number)).collect(),
                device: String::new(),
            };
            let fresh = decoder.define(&pack(&[series]), |reason| refused.push(reason));
            accepted.extend(fresh.unwrap().iter().map(wire::Series::from));
        }
        assert_eq!(unpack(&pack(&accepted)).unwrap(), accepted);
        assert!(accepted.len() > 1_500, "{}", accepted.len());
        assert_eq!(refused.len(), SERIES_PER_AGENT - accepted.len());
        assert!(!refused.is_empty());
        assert!(refused.iter().all(|one| *one == Reject::TooManySeries));
        // The samples of what was refused are refused, those of the others are not.
        assert_eq!(decoder.resolve(0, 1.0), Ok(0));
        let last = u32::try_from(SERIES_PER_AGENT - 1).unwrap();
        assert_eq!(decoder.resolve(last, 1.0), Err(Reject::TooManySeries));
    }

    #[test]
    fn nothing_of_an_agent_is_said_of_a_device_without_one() {
        let check = |metric: &Metric, device: &str, expected: Option<Reject>| {
            let series = wire::Series {
                metric: metric.name.into(),
                device: device.into(),
                ..wire::Series::default()
            };
            assert_eq!(Series::try_from(series).err(), expected, "{device}");
        };
        check(&metrics::AGENT_SPOOL_BYTES, "", None);
        let refused = Some(Reject::UnknownMetric);
        check(&metrics::AGENT_SPOOL_BYTES, "printer-1", refused);
        check(&metrics::PRINTER_PAGES, "printer-1", None);
        let refused = Some(Reject::UnknownDevice);
        check(&metrics::PRINTER_PAGES, "Printer 1!", refused);
    }

    #[test]
    fn a_bomb_does_not_inflate() {
        let dictionary = vec![0; DICTIONARY_BYTES + 1];
        let bomb = miniz_oxide::deflate::compress_to_vec(&dictionary, 9);
        assert!(bomb.len() < 2_000);
        assert!(matches!(unpack(&bomb), Err(Malformed::Deflate)));
    }
}
