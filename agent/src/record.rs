//! Readings → batches: what was measured since the last report, as one self-contained message.
//!
//! Self-contained, because it may wait on disk and leave on another stream, or in another process;
//! the uplink leaves out what its stream already knows.

use std::collections::HashMap;

use prost::Message as _;
use proto::limits::ROUNDS_PER_BATCH;
use proto::stream::Series;
use proto::wire;

use crate::sources::Reading;

/// Gathers readings until they are taken as one batch.
#[derive(Debug, Default)]
pub struct Recorder {
    ids: HashMap<Series, u32>,
    series: Vec<wire::Series>,
    rounds: Vec<wire::Round>,
    samples: u32,
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
    /// Adds what one source read at one moment. Says whether the batch is full and should be taken.
    pub fn add(&mut self, time_unix_ms: i64, readings: &[Reading]) -> bool {
        if !readings.is_empty() {
            let series = readings
                .iter()
                .map(|reading| self.id(&reading.series))
                .collect();
            let values = readings.iter().map(|reading| reading.value).collect();
            self.rounds.push(wire::Round {
                time_unix_ms,
                series,
                values,
            });
            self.samples += u32::try_from(readings.len()).unwrap_or(u32::MAX);
        }
        self.rounds.len() >= ROUNDS_PER_BATCH
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

    /// The batch so far, if there is any; the next one starts empty.
    pub fn take(&mut self, instance: u64) -> Option<Recorded> {
        let Self {
            series,
            rounds,
            samples,
            ..
        } = std::mem::take(self);
        let oldest_unix_ms = rounds.iter().map(|round| round.time_unix_ms).min()?;
        let batch = wire::Batch {
            instance,
            series,
            rounds,
            ..wire::Batch::default()
        };
        Some(Recorded {
            bytes: batch.encode_to_vec(),
            oldest_unix_ms,
            samples,
        })
    }
}

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
            let recorded = recorder.take(7).expect("something was recorded");
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
        assert_eq!(recorder.take(7), None);
    }

    #[test]
    fn a_full_batch_says_so() {
        let mut recorder = Recorder::default();
        let full = (0..)
            .take_while(|_| !recorder.add(0, &readings(&[("eth0", 1.0)])))
            .count();
        assert_eq!(full + 1, ROUNDS_PER_BATCH);
    }
}
