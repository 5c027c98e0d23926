//! What is usual for one machine over the last day, so that a chronic weakness is no news every morning: medians of how
//! long things take, and what is lost on the whole and in its bad half hours.
//!
//! Looked up by the hour: it is a function of what was measured before that hour, whatever came when. Late records make
//! it anew.

use std::collections::BTreeMap;

use super::history::Agent;
use super::sight::{Count, Sight, Stretch};

/// How far back it looks, seconds.
const BACK: f64 = 24.0 * 3_600.0;

/// What is newer may already be the fault.
const FRESH: f64 = 15.0 * 60.0;

/// Fewer sights say nothing.
const FEWEST: usize = 8;

/// At most so many are looked at.
const SAMPLES: usize = 240;

/// Loss is looked at over so long, seconds: few echoes of a minute say nothing.
const BLOCK: f64 = 1_800.0;

/// Echoes that a block has to have.
const ECHOES: u32 = 20;

/// Of fewer blocks nothing is usual: of a new centre they may all be one fault.
const BLOCKS: usize = 3;

/// The share of packets that is usually lost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Loss {
    /// Without the worst tenth of all half hours: what a fault of an hour did yesterday is not usual.
    pub(super) mean: f64,
    /// In the bad ones that are nothing special: a seventh is worse.
    pub(super) bad: f64,
}

impl Loss {
    /// The higher of two, each by itself.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            mean: self.mean.max(other.mean),
            bad: self.bad.max(other.bad),
        }
    }
}

/// What is usual.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Baseline {
    /// Over how many sights: what is usual of few is not known well.
    pub(super) sights: usize,
    /// Share of the echoes to the router that are lost.
    pub(super) gateway_loss: Loss,
    /// Share of those to anything beyond.
    pub(super) far_loss: Loss,
    /// Median round trip of each stretch, milliseconds.
    pub(super) rtt: [Option<f32>; 4],
    /// Median round trip of the collector, milliseconds.
    pub(super) collector: Option<f32>,
    /// How long each service takes.
    pub(super) services: BTreeMap<String, f32>,
    /// Bits per second, of the busiest of twenty minutes.
    pub(super) bps: Option<f32>,
}

impl Baseline {
    /// Of a machine at a time.
    pub(super) fn of(agent: &Agent, at: f64) -> Self {
        let all: Vec<_> = agent.between(at - BACK, at - FRESH).collect();
        if all.len() < FEWEST {
            return Self::default();
        }
        let step = all.len().div_ceil(SAMPLES);
        let some = || all.iter().step_by(step);
        let mut services: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        for sight in some() {
            for attempt in sight.attempts.iter().filter(|one| one.failed == 0) {
                let Some(ms) = attempt.total_ms else { continue };
                match services.get_mut(&attempt.service) {
                    Some(times) => times.push(ms),
                    None => drop(services.insert(attempt.service.clone(), vec![ms])),
                }
            }
        }
        let loss = |stretches: &[Stretch]| {
            let each = stretches.iter().filter_map(|way| usually_lost(&all, *way));
            each.min_by(|one, other| one.mean.total_cmp(&other.mean))
                .unwrap_or_default()
        };
        Self {
            sights: all.len(),
            gateway_loss: loss(&Stretch::ALL),
            far_loss: loss(&[Stretch::Line, Stretch::Isp, Stretch::Far]),
            rtt: Stretch::ALL
                .map(|way| quantile(some().filter_map(|sight| sight.way(way).rtt).collect(), 0.5)),
            collector: quantile(some().filter_map(|one| one.collector.rtt).collect(), 0.5),
            services: services
                .into_iter()
                .filter_map(|(service, times)| Some((service, quantile(times, 0.5)?)))
                .collect(),
            bps: quantile(some().filter_map(|sight| sight.bps).collect(), 0.95),
        }
    }

    pub(super) fn rtt(&self, stretch: Stretch) -> Option<f32> {
        let [gateway, line, isp, far] = self.rtt;
        match stretch {
            Stretch::Gateway => gateway,
            Stretch::Line => line,
            Stretch::Isp => isp,
            Stretch::Far => far,
        }
    }
}

/// What is usually lost on the way to and through a stretch; nothing where it was hardly measured or never answers.
fn usually_lost(all: &[&Sight], stretch: Stretch) -> Option<Loss> {
    let mut blocks: Vec<Count> = Vec::new();
    let mut current = f64::NEG_INFINITY;
    for sight in all {
        let way = sight.way(stretch);
        if way.sent == 0 || !way.answers() {
            continue;
        }
        let block = (sight.t / BLOCK).floor();
        if block > current || blocks.is_empty() {
            current = block;
            blocks.push(Count::default());
        }
        if let Some(last) = blocks.last_mut() {
            last.add(way);
        }
    }
    blocks.retain(|block| block.sent >= ECHOES);
    if blocks.len() < BLOCKS {
        return None;
    }
    blocks.sort_by(|one, other| one.loss().total_cmp(&other.loss()));
    let bad = blocks.get(blocks.len() - 1 - blocks.len() / 7)?.loss();
    blocks.truncate(blocks.len() - blocks.len() / 10);
    let mut sum = Count::default();
    blocks.iter().for_each(|block| sum.add(*block));
    Some(Loss {
        mean: sum.loss(),
        bad,
    })
}

/// The value below which this share of all is.
pub(super) fn quantile(mut values: Vec<f32>, share: f64) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied()
}
