//! Where answers begin to take long, beside what is usual there: in most of so many minutes that one download is none.
//! What nobody can work with is told earlier than what is a nuisance.

use super::baseline::quantile;
use super::finding::Finding;
use super::scene::{Scene, Witness};
use super::sight::Stretch;
use crate::sentence::incident::{Because, Figure};
use crate::{Fault, Segment};

/// How long answers have to be late, seconds.
const LASTS: f64 = 300.0;

/// How long they have to be when they are no more than a nuisance on the line, seconds, and up to which excess, milliseconds.
const NUISANCE: (f64, f64) = (540.0, 250.0);

/// By how much an answer of a stretch is late for one machine in most of the last minutes, milliseconds.
fn excess(scene: &Scene, one: &Witness, stretch: Stretch, lasts: f64) -> Option<(f64, f64)> {
    let usual = f64::from(scene.usual(one.name)?.rtt(stretch)?);
    let recent: Vec<f32> = one
        .agent
        .between(scene.at - lasts, scene.at)
        .filter_map(|sight| sight.way(stretch).rtt)
        .collect();
    if recent.len() < 4 {
        return None;
    }
    // All but the best fifth are at least so late.
    let now = f64::from(quantile(recent, 0.2)?);
    Some((now - usual, usual))
}

/// The middle of several machines' excess.
fn middle(scene: &Scene, who: &[Witness], stretch: Stretch, lasts: f64) -> Option<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = who
        .iter()
        .filter_map(|one| excess(scene, one, stretch, lasts))
        .collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all.get(all.len().saturating_sub(1) / 2).copied()
}

/// What is late.
pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let wired: Vec<Witness> = scene
        .witnesses
        .iter()
        .filter(|one| !one.is_wifi())
        .copied()
        .collect();
    let who = if wired.is_empty() {
        &scene.witnesses
    } else {
        &wired
    };
    let at = |stretch| middle(scene, who, stretch, LASTS);
    let since = scene.at - LASTS;
    let [gateway, line, isp, far] = Stretch::ALL.map(at);
    let is_late = |(excess, usual): (f64, f64), floor: f64| excess > floor.max(usual * 0.8);
    let by = gateway.map_or(0.0, |(excess, _)| excess.max(0.0));
    if let Some((excess, usual)) = gateway.filter(|late| is_late(*late, 12.0)) {
        let (ms, usual_ms) = (excess + usual, usual);
        let finding = Finding::new(Fault::GatewayOverloaded, 0.86, since)
            .or(Fault::LanLossy, 0.1)
            .figure(Figure::Delay { ms, usual_ms })
            .because(Because::Delay {
                segment: Segment::Gateway,
                ms,
                usual_ms,
            });
        return vec![finding];
    }
    let beyond = |late: Option<(f64, f64)>| {
        late.map(|(excess, usual)| (excess - by, usual))
            .filter(|late| is_late(*late, 30.0))
    };
    // A router may answer late for itself: what is behind it has to be late too.
    let behind = [isp, far]
        .into_iter()
        .flatten()
        .map(|(excess, _)| excess - by);
    let behind = behind.fold(f64::INFINITY, f64::min);
    if let Some((excess, usual)) = beyond(line).filter(|(excess, _)| behind > excess * 0.5) {
        let (lasts, much) = NUISANCE;
        let still = excess > much || {
            let line = middle(scene, who, Stretch::Line, lasts);
            line.is_some_and(|(excess, usual)| is_late((excess - by, usual), 30.0))
        };
        if !still {
            return Vec::new();
        }
        return vec![line_is_late(scene, excess.min(behind), usual, since)];
    }
    // Deep inside the ISP its first routers are not late; then all that is far away has to be, not one anchor.
    let deep = beyond(far).filter(|_| collector_is_late(scene, who, by));
    let late = beyond(far).or(beyond(isp)).filter(|_| behind > 25.0);
    let Some((excess, usual)) = late.or(deep) else {
        return Vec::new();
    };
    let (ms, usual_ms) = (excess + usual, usual);
    if line.is_none() {
        return vec![line_is_late(scene, excess, usual, since).or(Fault::IspDegraded, 0.3)];
    }
    let finding = Finding::new(Fault::IspDegraded, 0.85, since)
        .or(Fault::LineSlow, 0.1)
        .figure(Figure::Delay { ms, usual_ms })
        .because(Because::Delay {
            segment: Segment::Isp,
            ms,
            usual_ms,
        });
    vec![finding]
}

/// Whether the collector too answers late to most, beyond what the router is late by.
fn collector_is_late(scene: &Scene, who: &[Witness], by: f64) -> bool {
    let late = |one: &Witness| {
        let usual = f64::from(scene.usual(one.name)?.collector?);
        let recent = one.agent.between(scene.at - LASTS, scene.at);
        let recent: Vec<f32> = recent.filter_map(|sight| sight.collector.rtt).collect();
        (recent.len() >= 4).then_some(())?;
        Some(f64::from(quantile(recent, 0.2)?) - usual - by > 25.0_f64.max(usual * 0.5))
    };
    let late: Vec<bool> = who.iter().filter_map(late).collect();
    !late.is_empty() && late.iter().filter(|late| **late).count() * 2 > late.len()
}

/// Full, or merely slow: by what the machines transfer.
fn line_is_late(scene: &Scene, excess: f64, usual_ms: f64, since: f64) -> Finding {
    let now: f32 = scene.witnesses.iter().filter_map(|one| one.last.bps).sum();
    let usual = scene
        .witnesses
        .iter()
        .filter_map(|one| scene.usual(one.name)?.bps);
    let busiest = usual.fold(0.0_f32, f32::max);
    let ms = excess + usual_ms;
    let is_full = now > 2_000_000.0 && now > busiest * 0.7;
    let (fault, other, why) = if is_full {
        (
            Fault::LineSaturated,
            Fault::LineSlow,
            Because::TrafficHigh {
                bps: f64::from(now),
            },
        )
    } else {
        (
            Fault::LineSlow,
            Fault::LineSaturated,
            Because::TrafficLow {
                bps: f64::from(now),
            },
        )
    };
    Finding::new(fault, 0.87, since)
        .or(other, 0.08)
        .figure(Figure::Delay { ms, usual_ms })
        .because(Because::Delay {
            segment: Segment::Line,
            ms,
            usual_ms,
        })
        .because(why)
}
