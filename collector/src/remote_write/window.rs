//! What is sent together: the records of a moment, sorted into shards and requests.
//!
//! A device's samples all go to one shard, which sends one request after the other, so that each
//! series arrives in the order of time however many shards there are. Late samples are in requests of
//! their own, ahead of the live ones: a store that refuses them for their age refuses no live one with
//! them. So are those of devices that a store refused of late, behind all others. Two samples of one
//! series at one moment cannot both be true, and stores refuse the second with all that came with it:
//! the newer is kept, the other counted.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use proto::ids::{CentreId, DeviceId};
use proto::stream::Series;

use crate::journal::Measured;

/// Samples of one request: what stores are used to, and little enough to be taken apart when one of
/// them is refused.
const SAMPLES: usize = 5_000;

/// Whose samples these are.
pub(super) type Device = (CentreId, DeviceId);

/// One value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// Corrected, Unix milliseconds.
    pub(super) time_unix_ms: i64,
    pub(super) value: f64,
}

/// Samples of one series, as a part of [`Window::samples`], sorted by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Who measured it: a place in [`Window::measured`].
    measured: usize,
    /// What: a place in that one's series.
    series: usize,
    samples: Range<usize>,
}

/// What goes into one request.
pub(super) type Request = Vec<Line>;

/// What goes through one shard.
#[derive(Default)]
struct Shard {
    late: Vec<Line>,
    live: Vec<Line>,
    /// Of devices that are kept apart.
    apart: Vec<Request>,
}

/// A share of the queue, ready to be sent.
#[derive(Debug)]
pub(super) struct Window {
    measured: Vec<Measured>,
    samples: Vec<Sample>,
    /// The requests of each shard, in the order of sending: late ones, live ones, those of devices that are
    /// kept apart.
    pub(super) shards: Vec<[Vec<Request>; 3]>,
    /// Samples left out because there was another of that moment.
    pub(super) repeated: u64,
}

impl Window {
    /// Sorts what was measured into so many shards. Some devices get requests of their own.
    pub(super) fn of(measured: Vec<Measured>, shards: usize, apart: &[Device]) -> Self {
        let mut groups: HashMap<(&CentreId, &DeviceId), Vec<usize>> = HashMap::new();
        for (position, part) in measured.iter().enumerate() {
            let device = (&part.centre, &part.device);
            groups.entry(device).or_default().push(position);
        }
        let apart: HashSet<_> = apart.iter().map(|(centre, name)| (centre, name)).collect();
        let (mut samples, mut repeated) = (Vec::new(), 0);
        let mut sorted: Vec<Shard> = Vec::new();
        sorted.resize_with(shards.max(1), Shard::default);
        for (device, positions) in groups {
            let mut hasher = DefaultHasher::new();
            device.hash(&mut hasher);
            let Some(shard) = shard_of(&mut sorted, hasher.finish()) else {
                continue;
            };
            let [late, live] = [true, false].map(|is_late| {
                let (mut gathered, mut lines) = (Gathered::new(&measured), Vec::new());
                for position in &positions {
                    gathered.add(*position, is_late);
                }
                repeated += gathered.finish(&mut samples, &mut lines);
                lines
            });
            if apart.contains(&device) {
                shard
                    .apart
                    .extend([cut(late), cut(live)].into_iter().flatten());
            } else {
                shard.late.extend(late);
                shard.live.extend(live);
            }
        }
        let requests = |shard: Shard| [cut(shard.late), cut(shard.live), shard.apart];
        let shards = sorted.into_iter().map(requests).collect();
        Self {
            measured,
            samples,
            shards,
            repeated,
        }
    }

    /// The samples of a line, by time.
    pub(super) fn samples(&self, line: &Line) -> &[Sample] {
        self.samples.get(line.samples.clone()).unwrap_or_default()
    }

    /// Who measured a line, and what.
    pub(super) fn source(&self, line: &Line) -> Option<(&Measured, &Series)> {
        let measured = self.measured.get(line.measured)?;
        Some((measured, measured.series.get(line.series)?))
    }

    /// Whose a request is, when all of it is one device's.
    pub(super) fn only_device(&self, request: &[Line]) -> Option<Device> {
        let (centre, name) = self.device(request.first()?)?;
        let is_only = self.borders(request).is_empty();
        is_only.then(|| (centre.clone(), name.clone()))
    }

    /// Two parts of a request that have no device in common, with as many devices each.
    pub(super) fn between_devices(&self, request: &[Line]) -> Option<[Request; 2]> {
        let borders = self.borders(request);
        let (some, others) = request.split_at(*borders.get(borders.len() / 2)?);
        Some([some.to_vec(), others.to_vec()])
    }

    /// Where in a request another device begins: each has its lines beside each other.
    fn borders(&self, request: &[Line]) -> Vec<usize> {
        let pairs = request.array_windows().zip(1..);
        pairs
            .filter(|([line, next], _)| self.device(line) != self.device(next))
            .map(|(_, place)| place)
            .collect()
    }

    fn device(&self, line: &Line) -> Option<(&CentreId, &DeviceId)> {
        let measured = self.measured.get(line.measured)?;
        Some((&measured.centre, &measured.device))
    }

    /// Two parts of a device's request, the older half first. Samples of one moment are told apart by
    /// their series; a single one cannot be taken apart.
    pub(super) fn within_device(&self, request: &[Line]) -> Option<[Request; 2]> {
        let mut times: Vec<i64> = request
            .iter()
            .flat_map(|line| self.samples(line))
            .map(|sample| sample.time_unix_ms)
            .collect();
        times.sort_unstable();
        let (first, middle) = (times.first()?, times.get(times.len() / 2)?);
        // The later half begins with the first time above the earliest that is near the middle.
        let split = times.iter().find(|time| *time > first && *time >= middle);
        let Some(split) = split.copied() else {
            let (older, newer) = request.split_at(request.len() / 2);
            return (!older.is_empty()).then(|| [older.to_vec(), newer.to_vec()]);
        };
        let (mut older, mut newer) = (Vec::new(), Vec::new());
        for line in request {
            let before = self
                .samples(line)
                .partition_point(|sample| sample.time_unix_ms < split);
            let middle = line.samples.start + before;
            for (half, samples) in [
                (&mut older, line.samples.start..middle),
                (&mut newer, middle..line.samples.end),
            ] {
                if !samples.is_empty() {
                    half.push(Line {
                        samples,
                        ..line.clone()
                    });
                }
            }
        }
        Some([older, newer])
    }
}

/// How many samples a request has.
pub(super) fn count(request: &[Line]) -> u64 {
    request.iter().map(|line| line.samples.len() as u64).sum()
}

fn shard_of<T>(shards: &mut [T], hash: u64) -> Option<&mut T> {
    let count = u64::try_from(shards.len()).ok()?;
    shards.get_mut(usize::try_from(hash.checked_rem(count)?).ok()?)
}

/// Cuts lines into requests, and a long line into several.
fn cut(lines: Vec<Line>) -> Vec<Request> {
    let mut requests = Vec::new();
    let (mut request, mut room) = (Request::new(), SAMPLES);
    for mut line in lines {
        while !line.samples.is_empty() {
            let start = line.samples.start;
            let end = line.samples.end.min(start + room);
            room -= end - start;
            line.samples.start = end;
            request.push(Line {
                samples: start..end,
                ..line
            });
            if room == 0 {
                requests.push(std::mem::take(&mut request));
                room = SAMPLES;
            }
        }
    }
    if !request.is_empty() {
        requests.push(request);
    }
    requests
}

/// The samples of one device on their way into lines.
struct Gathered<'a> {
    measured: &'a [Measured],
    /// Of each series: the first place it was seen in, and its number of samples.
    series: Vec<(usize, usize, usize)>,
    numbers: HashMap<&'a Series, usize>,
    /// Number of the series beside each sample.
    samples: Vec<(usize, Sample)>,
}

impl<'a> Gathered<'a> {
    fn new(measured: &'a [Measured]) -> Self {
        Self {
            measured,
            series: Vec::new(),
            numbers: HashMap::new(),
            samples: Vec::new(),
        }
    }

    fn add(&mut self, position: usize, is_late: bool) {
        let Some(part) = self.measured.get(position).filter(|m| m.late == is_late) else {
            return;
        };
        // Looked up when a sample needs it: a stream has more series than one message.
        let mut numbers: Vec<Option<usize>> = vec![None; part.series.len()];
        for round in part.rounds.iter() {
            for (id, value) in round.samples() {
                let id = id as usize;
                let (Some(number), Some(series)) = (numbers.get_mut(id), part.series.get(id))
                else {
                    continue;
                };
                let number = *number.get_or_insert_with(|| {
                    *self.numbers.entry(series).or_insert_with(|| {
                        self.series.push((position, id, 0));
                        self.series.len() - 1
                    })
                });
                if let Some((_, _, count)) = self.series.get_mut(number) {
                    *count += 1;
                }
                let time_unix_ms = round.time_unix_ms;
                self.samples.push((
                    number,
                    Sample {
                        time_unix_ms,
                        value,
                    },
                ));
            }
        }
    }

    /// Puts series beside series, each by time. Returns how many were one too many.
    fn finish(self, samples: &mut Vec<Sample>, lines: &mut Vec<Line>) -> u64 {
        let start = samples.len();
        let zero = Sample {
            time_unix_ms: 0,
            value: 0.0,
        };
        let mut sorted = vec![zero; self.samples.len()];
        let mut next = 0;
        let mut places: Vec<usize> = Vec::with_capacity(self.series.len());
        for (_, _, count) in &self.series {
            places.push(next);
            next += count;
        }
        for (number, sample) in self.samples {
            if let Some(place) = places.get_mut(number)
                && let Some(slot) = sorted.get_mut(*place)
            {
                *slot = sample;
                *place += 1;
            }
        }
        let mut rest = sorted.as_mut_slice();
        for (measured, series, count) in self.series {
            let Some((own, after)) = rest.split_at_mut_checked(count) else {
                break;
            };
            rest = after;
            let start = samples.len();
            own.sort_by_key(|sample| sample.time_unix_ms);
            for sample in own {
                match samples.get_mut(start..).and_then(<[Sample]>::last_mut) {
                    // The sort is stable: what came later is later.
                    Some(last) if last.time_unix_ms == sample.time_unix_ms => *last = *sample,
                    _ => samples.push(*sample),
                }
            }
            lines.push(Line {
                measured,
                series,
                samples: start..samples.len(),
            });
        }
        (sorted.len() - (samples.len() - start)) as u64
    }
}
