//! Readings → batches: what was measured since the last report, as one self-contained message.
//!
//! Self-contained, because it may wait on disk and leave on another stream, or in another process;
//! the uplink leaves out what its stream already knows. One batch has one relation of the two clocks:
//! where the wall clock is set, another batch begins, so that the collector can correct each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use proto::limits::{ROUNDS_PER_BATCH, SAMPLES_PER_BATCH, SERIES_PER_BATCH};
use proto::stream::{Measured, Series};
use proto::wire;

use crate::clock::{self, is_step, lead_ms};
use crate::sources::Reading;

/// A batch is closed before the names in it grow beyond this: a quarter of what a message, or a
/// dictionary, may have.
const NAMES_BYTES: usize = 256 << 10;

/// Times are told to this: a source runs within a few milliseconds of its due time, and those would
/// cost a byte at every run and say nothing.
pub const TIME_STEP: Duration = Duration::from_millis(10);

/// Gathers readings until they are taken as batches: one, nearly always.
#[derive(Debug, Default)]
pub struct Recorder {
    full: Vec<Open>,
    open: Open,
}

/// A batch that is being filled.
#[derive(Debug, Default)]
struct Open {
    /// The clocks at its beginning.
    clock: Option<wire::Clock>,
    ids: HashMap<Arc<Series>, u32>,
    measured: Measured,
    /// Not less than its names will have when they are encoded.
    names_bytes: usize,
}

/// A batch on its way to the spool.
#[derive(Debug, PartialEq)]
pub struct Recorded {
    /// A [`wire::Batch`] without what it gets when it is sent.
    pub bytes: Vec<u8>,
    /// When its first sample was taken, by the monotonic clock of this boot.
    pub oldest_monotonic_ms: i64,
    /// How many samples it has.
    pub samples: u32,
}

impl Recorder {
    /// Adds what one source read at one moment. Says whether a batch is full and should be taken.
    pub fn add(&mut self, clock: wire::Clock, readings: &[Reading]) -> bool {
        if self.open.clock.is_some_and(|begun| is_step(begun, clock)) {
            self.close();
        }
        let mut rest = readings;
        while !rest.is_empty() {
            let added = self.open.add(clock, rest);
            rest = rest.get(added..).unwrap_or_default();
            if !rest.is_empty() || self.open.is_full() {
                self.close();
            }
        }
        !self.full.is_empty()
    }

    fn close(&mut self) {
        self.full.push(std::mem::take(&mut self.open));
    }

    /// How many samples were added and not taken yet.
    #[must_use]
    pub fn samples(&self) -> usize {
        let all = self.full.iter().chain([&self.open]);
        all.map(|batch| batch.measured.rounds.samples()).sum()
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
    fn add(&mut self, clock: wire::Clock, readings: &[Reading]) -> usize {
        self.clock.get_or_insert(clock);
        let room = SAMPLES_PER_BATCH.saturating_sub(self.measured.rounds.samples());
        let mut samples = Vec::with_capacity(readings.len());
        for Reading { series, value } in readings.iter().take(room) {
            let Some(id) = self.id(series) else { break };
            samples.push((id, *value));
        }
        let added = samples.len();
        if added == 0 {
            return 0;
        }
        // All bounds were looked at before.
        let step_ms = i64::try_from(TIME_STEP.as_millis()).unwrap_or(1);
        let time_unix_ms = clock.wall_unix_ms - clock.wall_unix_ms.rem_euclid(step_ms);
        match self.measured.rounds.push(time_unix_ms, samples) {
            Ok(()) => added,
            Err(_) => 0,
        }
    }

    fn is_full(&self) -> bool {
        self.measured.rounds.len() >= ROUNDS_PER_BATCH
    }

    /// The id of a series within this batch, if there is room for it.
    fn id(&mut self, series: &Arc<Series>) -> Option<u32> {
        if let Some(id) = self.ids.get(series) {
            return Some(*id);
        }
        let names_bytes = self.names_bytes + definition_bytes(series);
        if self.ids.len() >= SERIES_PER_BATCH || (names_bytes > NAMES_BYTES && !self.ids.is_empty())
        {
            return None;
        }
        self.names_bytes = names_bytes;
        let id = u32::try_from(self.ids.len()).ok()?;
        self.measured.series.push(wire::Series::from(&**series));
        self.ids.insert(Arc::clone(series), id);
        Some(id)
    }

    fn close(self, instance: u64) -> Option<Recorded> {
        let clock = self.clock?;
        let times = self.measured.rounds.iter().map(|round| round.time_unix_ms);
        let oldest_unix_ms = times.min()?;
        let recorded = wire::Recorded {
            boot_id: clock::boot_id().to_owned(),
            clock: Some(clock),
        };
        Some(Recorded {
            bytes: self.measured.pack(instance, recorded).encode_to_vec(),
            oldest_monotonic_ms: oldest_unix_ms.saturating_sub(lead_ms(clock)),
            samples: u32::try_from(self.measured.rounds.samples()).unwrap_or(u32::MAX),
        })
    }
}

/// What it costs at most to define a series, before it is deflated.
fn definition_bytes(series: &Series) -> usize {
    let labels = series.labels.iter();
    let labels = labels.map(|(name, value)| LABEL_BYTES + name.len() + value.len());
    SERIES_BYTES + series.metric.name.len() + labels.sum::<usize>()
}

/// A series without its texts.
const SERIES_BYTES: usize = 32;
/// A label without its texts.
const LABEL_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proto::limits::MESSAGE_BYTES;
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

    fn at(wall_unix_ms: i64) -> wire::Clock {
        wire::Clock {
            wall_unix_ms,
            monotonic_ms: u64::try_from(wall_unix_ms + 5_000).unwrap(),
        }
    }

    fn unpack(recorded: &Recorded) -> (wire::Batch, Measured) {
        let batch = wire::Batch::decode(&recorded.bytes[..]).unwrap();
        let measured = Measured::unpack(&batch).unwrap();
        (batch, measured)
    }

    #[test]
    fn a_series_is_defined_once_and_batches_are_self_contained() {
        let mut recorder = Recorder::default();
        for _ in 0..2 {
            assert!(!recorder.add(at(2_000), &readings(&[("eth0", 1.0), ("eth1", 0.0)])));
            assert!(!recorder.add(at(1_000), &readings(&[("eth1", 1.0)])));
            let recorded = recorder.take(7).next().unwrap();
            let (batch, measured) = unpack(&recorded);
            let used: Vec<_> = measured
                .rounds
                .iter()
                .flat_map(|round| round.series.to_vec())
                .collect();
            assert_eq!((measured.series.len(), used), (2, vec![0, 1, 1]));
            let expected = (7, 6_000, 3);
            let found = (
                batch.instance,
                recorded.oldest_monotonic_ms,
                recorded.samples,
            );
            assert_eq!(found, expected);
            let recorded = batch.recorded.unwrap();
            assert_eq!(recorded.boot_id, clock::boot_id());
            assert_eq!(lead_ms(recorded.clock.unwrap()), -5_000);
        }
    }

    #[test]
    fn a_clock_that_is_set_begins_another_batch() {
        const YEARS: i64 = 10 * 365 * 86_400_000;
        let mut recorder = Recorder::default();
        let clock = |wall_unix_ms, monotonic_ms| wire::Clock {
            wall_unix_ms,
            monotonic_ms,
        };
        let moments = [
            clock(1_000, 1_000),
            clock(2_400, 2_000),
            clock(YEARS, 3_000),
            clock(YEARS + 1_000, 4_000),
            clock(-YEARS, 5_000),
        ];
        for moment in moments {
            recorder.add(moment, &readings(&[("eth0", 1.0)]));
        }
        let all: Vec<_> = recorder.take(7).collect();
        let samples: Vec<_> = all.iter().map(|recorded| recorded.samples).collect();
        assert_eq!(samples, [2, 2, 1]);
        let oldest: Vec<_> = all.iter().map(|one| one.oldest_monotonic_ms).collect();
        assert_eq!(
            oldest,
            [1_000, 3_000, 5_000],
            "whatever the wall clock says"
        );
    }

    #[test]
    fn times_are_hundredths_of_a_second_that_have_passed() {
        let mut recorder = Recorder::default();
        let moments = [19, 1_700_000_000_000, 1_700_000_000_009, -1];
        for wall_unix_ms in moments {
            let clock = wire::Clock {
                wall_unix_ms,
                monotonic_ms: 0,
            };
            recorder.add(clock, &readings(&[("eth0", 1.0)]));
        }
        let all = recorder.take(7).map(|recorded| unpack(&recorded).1.rounds);
        let times: Vec<_> = all
            .flat_map(|rounds| {
                rounds
                    .iter()
                    .map(|one| one.time_unix_ms)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(times, [10, 1_700_000_000_000, 1_700_000_000_000, -10]);
    }

    #[test]
    fn nothing_measured_is_no_batch() {
        let mut recorder = Recorder::default();
        recorder.add(at(1), &[]);
        assert_eq!(recorder.take(7).next(), None);
    }

    #[test]
    fn a_full_batch_says_so() {
        let mut recorder = Recorder::default();
        let full = (0..)
            .take_while(|_| !recorder.add(at(0), &readings(&[("eth0", 1.0)])))
            .count();
        assert_eq!(full + 1, ROUNDS_PER_BATCH);
    }

    #[test]
    fn no_batch_is_larger_than_a_message_and_nothing_is_left_out() {
        let mut recorder = Recorder::default();
        let names: Vec<String> = (0..5_000).map(|n| format!("{n:0>120}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 1.5)).collect();
        let few = many.get(..1_000).unwrap();
        assert!(recorder.add(at(1_000), &readings(&many)));
        for second in 2..60 {
            assert!(recorder.add(at(second * 1_000), &readings(few)));
        }
        let all: Vec<_> = recorder.take(u64::MAX).collect();
        let samples: u32 = all.iter().map(|recorded| recorded.samples).sum();
        assert_eq!(samples, 5_000 + 58 * 1_000);
        for recorded in &all {
            assert!(recorded.bytes.len() < MESSAGE_BYTES / 2);
            let (_, measured) = unpack(recorded);
            assert_eq!(measured.rounds.samples(), recorded.samples as usize);
        }
        assert_eq!(recorder.take(7).next(), None);
    }
}
