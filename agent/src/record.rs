//! Readings → batches: what was measured since the last report, as one self-contained message.
//!
//! Self-contained, because it may wait on disk and leave on another stream, or in another process;
//! the uplink leaves out what its stream already knows.

use std::collections::HashMap;

use prost::Message as _;
use proto::limits::{MESSAGE_BYTES, ROUNDS_PER_BATCH};
use proto::stream::Series;
use proto::wire;

use crate::sources::Reading;

/// A batch is closed before it grows beyond this: a quarter of what a message may have.
const BATCH_BYTES: usize = MESSAGE_BYTES / 4;

/// Gathers readings until they are taken as batches: one, nearly always.
#[derive(Debug, Default)]
pub struct Recorder {
    full: Vec<Open>,
    open: Open,
}

/// A batch that is being filled.
#[derive(Debug, Default)]
struct Open {
    ids: HashMap<Series, u32>,
    series: Vec<wire::Series>,
    rounds: Vec<wire::Round>,
    samples: u32,
    /// Not less than it will have when it is encoded.
    bytes: usize,
}

/// A batch on its way to the spool.
#[derive(Debug, PartialEq)]
pub struct Recorded {
    /// A [`wire::Batch`] without sequence and clock, which it gets when it is sent.
    pub bytes: Vec<u8>,
    /// When its first sample was taken.
    pub oldest_unix_ms: i64,
    /// How many samples it has.
    pub samples: u32,
}

impl Recorder {
    /// Adds what one source read at one moment. Says whether a batch is full and should be taken.
    pub fn add(&mut self, time_unix_ms: i64, readings: &[Reading]) -> bool {
        let mut rest = readings;
        while !rest.is_empty() {
            let added = self.open.add(time_unix_ms, rest);
            rest = rest.get(added..).unwrap_or_default();
            if !rest.is_empty() || self.open.rounds.len() >= ROUNDS_PER_BATCH {
                self.full.push(std::mem::take(&mut self.open));
            }
        }
        !self.full.is_empty()
    }

    /// What was added since this was last called, oldest first.
    pub fn take(&mut self, instance: u64) -> impl Iterator<Item = Recorded> + use<> {
        let Self { full, open } = std::mem::take(self);
        let all = full.into_iter().chain([open]);
        all.filter_map(move |batch| batch.close(instance))
    }
}

impl Open {
    /// Adds as many of these as there is room for, and says how many; to an empty batch at least one.
    fn add(&mut self, time_unix_ms: i64, readings: &[Reading]) -> usize {
        let is_empty = self.rounds.is_empty();
        let mut round = wire::Round {
            time_unix_ms,
            ..wire::Round::default()
        };
        self.bytes += ROUND_BYTES;
        for Reading { series, value } in readings {
            let bytes = self.bytes + VALUE_BYTES + self.definition_bytes(series);
            let is_first = is_empty && round.values.is_empty();
            if bytes > BATCH_BYTES && !is_first {
                break;
            }
            self.bytes = bytes;
            round.series.push(self.id(series));
            round.values.push(*value);
        }
        let added = round.values.len();
        if added > 0 {
            self.rounds.push(round);
        }
        self.samples += u32::try_from(added).unwrap_or(u32::MAX);
        added
    }

    /// What it costs to define this series, if it is not defined yet.
    fn definition_bytes(&self, series: &Series) -> usize {
        if self.ids.contains_key(series) {
            return 0;
        }
        let labels = series.labels.iter();
        let labels = labels.map(|(name, value)| LABEL_BYTES + name.len() + value.len());
        SERIES_BYTES + series.metric.name.len() + labels.sum::<usize>()
    }

    fn id(&mut self, series: &Series) -> u32 {
        if let Some(id) = self.ids.get(series) {
            return *id;
        }
        let id = u32::try_from(self.series.len()).unwrap_or(u32::MAX);
        self.series.push(wire::Series {
            id,
            ..wire::Series::from(series)
        });
        self.ids.insert(series.clone(), id);
        id
    }

    fn close(self, instance: u64) -> Option<Recorded> {
        let oldest_unix_ms = self.rounds.iter().map(|round| round.time_unix_ms).min()?;
        let batch = wire::Batch {
            instance,
            series: self.series,
            rounds: self.rounds,
            ..wire::Batch::default()
        };
        Some(Recorded {
            bytes: batch.encode_to_vec(),
            oldest_unix_ms,
            samples: self.samples,
        })
    }
}

/// At most, in protocol buffers: an id and a double.
const VALUE_BYTES: usize = 5 + 8;
/// A round without its values.
const ROUND_BYTES: usize = 32;
/// A series without its texts.
const SERIES_BYTES: usize = 32;
/// A label without its texts.
const LABEL_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use proto::metrics;

    use super::*;
    use crate::sources::Readings;

    fn readings(values: &[(&str, f64)]) -> Vec<Reading> {
        let mut readings = Readings::default();
        for (interface, value) in values {
            readings.push(&metrics::DEVICE_INTERFACE_UP, &[interface], *value);
        }
        readings.taken
    }

    #[test]
    fn a_series_is_defined_once_and_batches_are_self_contained() {
        let mut recorder = Recorder::default();
        assert!(!recorder.add(2_000, &readings(&[("eth0", 1.0), ("eth1", 0.0)])));
        assert!(!recorder.add(1_000, &readings(&[("eth1", 1.0)])));
        for _ in 0..2 {
            let recorded = recorder.take(7).next().expect("something was recorded");
            let batch = wire::Batch::decode(&recorded.bytes[..]).expect("it decodes");
            let defined: Vec<_> = batch.series.iter().map(|series| series.id).collect();
            let used: Vec<_> = batch
                .rounds
                .iter()
                .flat_map(|round| &round.series)
                .collect();
            assert_eq!((defined, used), (vec![0, 1], vec![&0, &1, &1]));
            assert_eq!(
                (batch.instance, recorded.oldest_unix_ms, recorded.samples),
                (7, 1_000, 3)
            );
            recorder.add(2_000, &readings(&[("eth0", 1.0), ("eth1", 0.0)]));
            recorder.add(1_000, &readings(&[("eth1", 1.0)]));
        }
    }

    #[test]
    fn nothing_measured_is_no_batch() {
        let mut recorder = Recorder::default();
        recorder.add(1, &[]);
        assert_eq!(recorder.take(7).next(), None);
    }

    #[test]
    fn a_full_batch_says_so() {
        let mut recorder = Recorder::default();
        let full = (0..)
            .take_while(|_| !recorder.add(0, &readings(&[("eth0", 1.0)])))
            .count();
        assert_eq!(full + 1, ROUNDS_PER_BATCH);
    }

    #[test]
    fn no_batch_is_larger_than_a_message_and_nothing_is_left_out() {
        let mut recorder = Recorder::default();
        let names: Vec<String> = (0..5_000).map(|n| format!("{n:0>120}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 1.5)).collect();
        assert!(recorder.add(1_000, &readings(&many)));
        assert!(recorder.add(2_000, &readings(&many)));
        let all: Vec<_> = recorder.take(u64::MAX).collect();
        let largest = all.iter().map(|recorded| recorded.bytes.len()).max();
        assert!(largest <= Some(BATCH_BYTES + 16), "{largest:?}");
        let samples: u32 = all.iter().map(|recorded| recorded.samples).sum();
        assert_eq!(samples, 10_000);
        for recorded in &all {
            let batch = wire::Batch::decode(&recorded.bytes[..]).expect("it decodes");
            let values = batch.rounds.iter().map(|round| round.values.len());
            assert_eq!(values.sum::<usize>(), recorded.samples as usize);
        }
        assert_eq!(recorder.take(7).next(), None);
    }
}
