//! Batches ↔ samples: the dictionary of one stream, and all validation of what an agent sends.
//!
//! Series are defined once per stream and then named by a small id. The receiving side refuses what
//! is out of bounds sample by sample, counts it by [`Reject`], and goes on: one bad sensor must not
//! cost a centre its other measurements.

use std::collections::HashMap;
use std::time::Duration;

use crate::limits::{
    LABEL_BYTES, LABELS_PER_SERIES, ROUNDS_PER_BATCH, SAMPLE_AGE, SAMPLE_FUTURE, SERIES_PER_AGENT,
};
use crate::metrics::{self, Metric, Origin, Part};
use crate::wire;

/// What one time series is, without `centre`, `device` and `kind`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The catalogue's entry.
    pub metric: &'static Metric,
    /// Which part of it.
    pub part: Part,
    /// In the catalogue's order; a bucket's `le` comes last.
    pub labels: Vec<(&'static str, String)>,
}

impl std::hash::Hash for Series {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.metric.name, self.part, &self.labels).hash(state);
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
    TooManyRounds,
    UnequalLengths,
    InvalidBucket,
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
        Self::TooManyRounds,
        Self::UnequalLengths,
        Self::InvalidBucket,
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
            Self::TooManyRounds => "too_many_rounds",
            Self::UnequalLengths => "unequal_lengths",
            Self::InvalidBucket => "invalid_bucket",
        }
    }
}

/// The sending side's half of the dictionary: which series this stream already knows.
#[derive(Debug, Default)]
pub struct Encoder {
    ids: HashMap<wire::Series, u32>,
}

impl Encoder {
    /// Whether nothing was sent yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the stream may still define every series of a batch that it does not know yet.
    #[must_use]
    pub fn has_room_for(&self, batch: &wire::Batch) -> bool {
        let room = SERIES_PER_AGENT.saturating_sub(self.ids.len());
        // Mostly there is room for all: then nothing need be looked up.
        batch.series.len() <= room
            || batch
                .series
                .iter()
                .filter(|series| !self.knows(series))
                .count()
                <= room
    }

    fn knows(&self, series: &wire::Series) -> bool {
        let named = wire::Series {
            id: 0,
            ..series.clone()
        };
        self.ids.contains_key(&named)
    }

    /// Turns a self-contained batch, in which every series used is defined, into one for this
    /// stream: ids become the stream's, and what the stream knows is not defined again. Samples
    /// beyond the limit of series are left out; their number is returned.
    pub fn shorten(&mut self, batch: &mut wire::Batch) -> usize {
        let mut stream_ids = HashMap::new();
        let mut unknown = Vec::new();
        for mut series in batch.series.drain(..) {
            let own_id = std::mem::take(&mut series.id);
            let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
            if let Some(known) = self.ids.get(&series) {
                stream_ids.insert(own_id, *known);
            } else if self.ids.len() < SERIES_PER_AGENT {
                self.ids.insert(series.clone(), next);
                stream_ids.insert(own_id, next);
                series.id = next;
                unknown.push(series);
            }
        }
        batch.series = unknown;
        let mut left_out = 0;
        for round in &mut batch.rounds {
            let before = round.series.len();
            let (series, values) = std::mem::take(&mut round.series)
                .into_iter()
                .zip(std::mem::take(&mut round.values))
                .filter_map(|(id, value)| Some((*stream_ids.get(&id)?, value)))
                .unzip();
            round.series = series;
            round.values = values;
            left_out += before - round.series.len();
        }
        left_out
    }
}

/// One sample of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Index into the series that [`Decoder::define`] accepted on this stream.
    pub series: usize,
    /// As the agent's clock had it, Unix milliseconds.
    pub time_unix_ms: i64,
    /// Always finite.
    pub value: f64,
}

/// The receiving side's half of the dictionary, and the guard of the collector.
#[derive(Debug, Default)]
pub struct Decoder {
    /// By wire id: the index of the accepted series, or why it was refused.
    entries: HashMap<u32, Result<usize, Reject>>,
    accepted: usize,
}

impl Decoder {
    /// Takes a batch's definitions and returns the series that are new, in the order of the indices
    /// that samples will name them by, starting from the number accepted before.
    pub fn define(
        &mut self,
        definitions: Vec<wire::Series>,
        mut rejected: impl FnMut(Reject),
    ) -> Vec<Series> {
        let mut fresh = Vec::new();
        for definition in definitions {
            let id = definition.id;
            if self.entries.contains_key(&id) {
                rejected(Reject::RedefinedSeries);
                continue;
            }
            if self.entries.len() >= SERIES_PER_AGENT {
                rejected(Reject::TooManySeries);
                continue;
            }
            let entry = Series::try_from(definition).map(|series| {
                fresh.push(series);
                self.accepted += 1;
                self.accepted - 1
            });
            if let Err(reason) = entry {
                rejected(reason);
            }
            self.entries.insert(id, entry);
        }
        fresh
    }

    /// The samples of a batch that was sent at `sent_unix_ms` by the agent's own clock. Ages are
    /// judged by that clock alone, so that a wrong one does not cost the agent its data.
    pub fn samples(
        &self,
        rounds: &[wire::Round],
        sent_unix_ms: i64,
        mut accepted: impl FnMut(Sample),
        mut rejected: impl FnMut(Reject, usize),
    ) {
        for (position, round) in rounds.iter().enumerate() {
            let count = round.series.len().max(round.values.len());
            if position >= ROUNDS_PER_BATCH {
                rejected(Reject::TooManyRounds, count);
            } else if round.series.len() != round.values.len() {
                rejected(Reject::UnequalLengths, count);
            } else if let Err(reason) = timely(round.time_unix_ms, sent_unix_ms) {
                rejected(reason, count);
            } else {
                for (id, value) in round.series.iter().zip(&round.values) {
                    match self.resolve(*id, *value) {
                        Ok(series) => accepted(Sample {
                            series,
                            time_unix_ms: round.time_unix_ms,
                            value: *value,
                        }),
                        Err(reason) => rejected(reason, 1),
                    }
                }
            }
        }
    }

    fn resolve(&self, id: u32, value: f64) -> Result<usize, Reject> {
        let series = self
            .entries
            .get(&id)
            .copied()
            .unwrap_or(Err(Reject::UndefinedSeries))?;
        if value.is_finite() {
            Ok(series)
        } else {
            Err(Reject::NotFinite)
        }
    }
}

fn timely(time_unix_ms: i64, sent_unix_ms: i64) -> Result<(), Reject> {
    let milliseconds = |limit: Duration| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    if time_unix_ms > sent_unix_ms.saturating_add(milliseconds(SAMPLE_FUTURE)) {
        Err(Reject::InFuture)
    } else if time_unix_ms < sent_unix_ms.saturating_sub(milliseconds(SAMPLE_AGE)) {
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
        Ok(Self {
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

    /// A self-contained batch with one value of each of these interfaces.
    fn batch(interfaces: Range<u32>) -> wire::Batch {
        let series = |(id, interface): (u32, u32)| wire::Series {
            id,
            metric: "dawnwatch_interface_up".into(),
            labels: vec![wire::Label {
                name: "interface".into(),
                value: format!("eth{interface}"),
            }],
        };
        let ids = 0..u32::try_from(interfaces.len()).unwrap();
        wire::Batch {
            series: ids.clone().zip(interfaces).map(series).collect(),
            rounds: vec![wire::Round {
                time_unix_ms: 0,
                values: vec![1.0; ids.len()],
                series: ids.collect(),
            }],
            ..wire::Batch::default()
        }
    }

    #[test]
    fn a_series_takes_its_place_once() {
        let mut encoder = Encoder::default();
        for round in 0..100 {
            let mut batch = batch(0..1_500);
            assert!(encoder.has_room_for(&batch), "round {round}");
            assert_eq!(encoder.shorten(&mut batch), 0);
            let defined = if round == 0 { 1_500 } else { 0 };
            assert_eq!(batch.series.len(), defined, "round {round}");
        }
        assert!(encoder.has_room_for(&batch(500..2_000)));
        assert!(!encoder.has_room_for(&batch(500..2_001)));
    }
}
