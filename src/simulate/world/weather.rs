//! What happens all the time and is no fault: short bursts of loss and of full queues, busy processors, empty paper trays.

use rand::rngs::StdRng;

use super::chance::{between, float, happens, index, wait};
use super::people::DAY;
use super::places::Place;
use crate::simulate::scenario::Scenario;

/// No burst lasts longer, seconds.
const LONGEST: f64 = 300.0;

/// What a burst is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// The line loses so much.
    Loss(f64),
    /// The line's queue adds so many milliseconds.
    Queue(f64),
    /// The processors of one machine are in use.
    Busy(usize),
    /// One printer has no paper.
    NoPaper(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Burst {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) kind: Kind,
}

/// The bursts of one centre, in order.
#[derive(Debug, Default)]
pub(crate) struct Weather(Vec<Burst>);

impl Weather {
    /// Draws what will happen.
    pub(crate) fn draw(scenario: &Scenario, place: &Place, rng: &mut StdRng) -> Self {
        let end = scenario.start + f64::from(scenario.days) * DAY;
        let often = scenario.weather.bursts;
        let mut all = Vec::new();
        let mut add = |times: f64, rng: &mut StdRng, make: &dyn Fn(&mut StdRng) -> (f64, Kind)| {
            let mut t = scenario.start + wait(rng, times, DAY);
            while t < end {
                let (length, kind) = make(rng);
                // Queues, processors and trays are used by people: fewer at night.
                let is_quiet_hour = !(0.28..0.72).contains(&((t - scenario.start) / DAY).fract());
                if matches!(kind, Kind::Loss(_)) || !is_quiet_hour || happens(rng, 0.1) {
                    all.push(Burst {
                        from: t,
                        to: t + length.min(LONGEST),
                        kind,
                    });
                }
                t += length + wait(rng, times, DAY);
            }
        };
        add(place.restlessness * often, rng, &|rng| {
            (
                between(rng, 60.0, 180.0),
                Kind::Loss(between(rng, 0.01, 0.10)),
            )
        });
        add(9.0 * often, rng, &|rng| {
            (
                between(rng, 15.0, 90.0),
                Kind::Queue(between(rng, 60.0, 400.0)),
            )
        });
        let machines = place.machines.len();
        add(float(machines) * 4.0 * often, rng, &|rng| {
            (between(rng, 30.0, 240.0), Kind::Busy(index(rng, machines)))
        });
        let printers = place.printers.len();
        add(float(printers) * often, rng, &|rng| {
            (
                between(rng, 60.0, 180.0),
                Kind::NoPaper(index(rng, printers)),
            )
        });
        all.sort_by(|a, b| a.from.total_cmp(&b.from));
        Self(all)
    }

    /// What there is now.
    pub(crate) fn at(&self, t: f64) -> impl Iterator<Item = Kind> {
        let begun = self.0.partition_point(|burst| burst.from <= t);
        let begun = self.0.get(..begun).unwrap_or_default();
        let recent = begun
            .iter()
            .rev()
            .take_while(move |burst| burst.from > t - LONGEST);
        recent
            .filter(move |burst| t < burst.to)
            .map(|burst| burst.kind)
    }
}
