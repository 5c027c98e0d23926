//! Reads records: batch by batch, what was measured of each device.

use prost::Message as _;
use proto::columns::{self, Lane, Rounds};
use proto::ids::{CentreId, DeviceId};
use proto::limits::SERIES_PER_AGENT;
use proto::stream::{self, Series};

use super::{Kept, RecordError, id, parts};

/// What was measured of one device, of one batch.
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
    /// What the ids of the rounds are places in. All are about the device itself.
    pub series: Vec<Series>,
    /// The samples, at their true times.
    pub rounds: Rounds,
}

/// What could be read of a record.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Batch by batch in the order of arrival, device by device, live apart from late.
    pub measured: Vec<Measured>,
    /// How many samples that are.
    pub samples: u64,
    /// Why some could not be read; the first reason of several.
    pub error: Option<RecordError>,
}

/// Everything in a record that can be read.
///
/// # Errors
/// When nothing can: it is no record, or one of a newer version.
pub fn decode(record: &[u8]) -> Result<Decoded, RecordError> {
    let mut decoded = Decoded::default();
    for kept in parts(record)? {
        if let Err(error) = decoded.add(&kept) {
            decoded.error.get_or_insert(error);
        }
    }
    let samples = decoded
        .measured
        .iter()
        .map(|one| one.rounds.samples() as u64);
    decoded.samples = samples.sum();
    Ok(decoded)
}

impl Decoded {
    fn add(&mut self, kept: &[u8]) -> Result<(), RecordError> {
        let kept = Kept::decode(kept)?;
        let centre: CentreId = id(kept.centre)?;
        let own = Whose::new(id(kept.device)?, kept.kind);
        let others = kept.others.into_iter();
        let others = others.map(|other| Ok(Whose::new(id(other.device)?, other.kind)));
        let all: Result<Vec<_>, RecordError> = std::iter::once(Ok(own)).chain(others).collect();
        let mut all = all?;
        let places = sort_series(&kept.definitions, &mut all)?;
        let mut all_known = true;
        for (late, coded) in [(false, kept.live), (true, kept.late)] {
            if coded.is_empty() {
                continue;
            }
            let mut rounds = Rounds::default();
            columns::Decoder::default().decode(Lane::Live, &coded, &mut rounds)?;
            let mut known = 0;
            let apart = apart(&rounds, kept.correction_ms, &places, all.len());
            for (whose, rounds) in all.iter().zip(apart) {
                if rounds.is_empty() {
                    continue;
                }
                known += rounds.samples();
                self.measured.push(Measured {
                    centre: centre.clone(),
                    device: whose.device.clone(),
                    kind: whose.kind.clone(),
                    late,
                    correction_ms: kept.correction_ms,
                    rounds,
                    series: whose.series.clone(),
                });
            }
            all_known &= known == rounds.samples();
        }
        all_known.then_some(()).ok_or(RecordError::UnknownSeries)
    }
}

/// A device, and the series about it.
struct Whose {
    device: DeviceId,
    kind: String,
    series: Vec<Series>,
}

impl Whose {
    fn new(device: DeviceId, kind: String) -> Self {
        let series = Vec::new();
        Self {
            device,
            kind,
            series,
        }
    }
}

/// Where a series is: of which device, and the place among its series.
type Place = (usize, u32);

/// Gives each the series about it, the first those about no other, and says where the series of each id is.
/// Those that this version does not know, or of a device that has no samples, are nowhere.
fn sort_series(packed: &[Vec<u8>], all: &mut [Whose]) -> Result<Vec<Option<Place>>, RecordError> {
    let mut places = Vec::new();
    for packed in packed {
        let definitions = stream::unpack(packed)?;
        if places.len() + definitions.len() > SERIES_PER_AGENT {
            return Err(RecordError::TooManySeries);
        }
        for definition in definitions {
            // They were good when they were written: a catalogue of another version, or damage.
            let known = Series::try_from(definition).ok();
            places.push(known.and_then(|series| sort_one(series, all)));
        }
    }
    Ok(places)
}

fn sort_one(mut series: Series, all: &mut [Whose]) -> Option<Place> {
    let number = match series.device.take() {
        None => 0,
        Some(device) => 1 + all.iter().skip(1).position(|one| one.device == device)?,
    };
    let whose = all.get_mut(number)?;
    whose.series.push(series);
    Some((number, u32::try_from(whose.series.len() - 1).ok()?))
}

/// The rounds of each device with their true times, without samples of series that are not known.
fn apart(
    coded: &Rounds,
    correction_ms: i64,
    places: &[Option<Place>],
    devices: usize,
) -> Vec<Rounds> {
    let place = |id: u32| places.get(usize::try_from(id).ok()?).copied().flatten();
    let mut apart = vec![(Rounds::default(), Vec::new()); devices];
    for round in coded.iter() {
        for (id, value) in round.samples() {
            if let Some((device, id)) = place(id)
                && let Some((_, samples)) = apart.get_mut(device)
            {
                samples.push((id, value));
            }
        }
        let time_unix_ms = round.time_unix_ms.saturating_add(correction_ms);
        for (rounds, samples) in &mut apart {
            if !samples.is_empty() {
                // What came out of one fits into another.
                let _ = rounds.push(time_unix_ms, samples.drain(..));
            }
        }
    }
    apart.into_iter().map(|(rounds, _)| rounds).collect()
}
