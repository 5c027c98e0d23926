//! What is wrong with single machines and printers, by their own word.

use super::finding::Finding;
use super::history::Printer;
use super::scene::{Scene, Witness};
use crate::Fault;
use crate::sentence::incident::{Because, Figure};

/// A clock so wrong that certificates and tickets are refused, seconds.
const CLOCK: f32 = 60.0;

/// How long a machine has to be busy, seconds.
const BUSY: f64 = 300.0;

/// How long a printer has to be in trouble, seconds: paper is filled up in less.
const TROUBLE: f64 = 240.0;

/// Trouble in which a printer does not print.
const STOPS: [&str; 7] = [
    "jam",
    "cover_open",
    "paper_empty",
    "toner_empty",
    "offline",
    "service",
    "other",
];

/// What is wrong with machines.
pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let machines = scene
        .witnesses
        .iter()
        .flat_map(|one| [clock(one), busy(scene, one), damaged(scene, one)]);
    let printers = scene.history.printers.iter().filter_map(|(name, seen)| {
        let end = seen.partition_point(|one| one.t <= scene.at);
        let seen: Vec<&Printer> = seen.range(..end).rev().take(400).collect();
        printer(scene, name, &seen)
    });
    machines.flatten().chain(printers).collect()
}

fn clock(one: &Witness) -> Option<Finding> {
    let offset = |sight: &super::sight::Sight| sight.clock.filter(|offset| offset.abs() > CLOCK);
    let seconds = f64::from(
        one.agent
            .known(one.last.t, |sight| sight.clock)
            .filter(|offset| offset.abs() > CLOCK)?,
    );
    let since = one
        .since(&|earlier: &Witness| earlier.last.clock.is_none() || offset(earlier.last).is_some());
    Some(
        Finding::new(Fault::PcClockWrong, 0.97, since)
            .of(one.name)
            .figure(Figure::Offset { seconds })
            .because(Because::ClockOff { seconds }),
    )
}

fn busy(scene: &Scene, one: &Witness) -> Option<Finding> {
    let recent: Vec<_> = one.agent.between(scene.at - BUSY, scene.at).collect();
    let is_busy = |sight: &&&super::sight::Sight| {
        sight.lag_ms >= 400.0 || (sight.cpu.is_some_and(|cpu| cpu >= 0.93) && sight.lag_ms >= 120.0)
    };
    if recent.len() < 4 || recent.iter().filter(is_busy).count() * 5 < recent.len() * 4 {
        return None;
    }
    let first = recent.first()?.t;
    let ratio = f64::from(one.last.cpu.unwrap_or(1.0));
    let lag_ms = f64::from(one.last.lag_ms);
    Some(
        Finding::new(Fault::PcOverloaded, 0.92, first - 60.0)
            .of(one.name)
            .or(Fault::PcNicErrors, 0.03)
            .because(Because::CpuBusy { ratio, lag_ms }),
    )
}

/// Frames are damaged again and again.
fn damaged(scene: &Scene, one: &Witness) -> Option<Finding> {
    let recent: Vec<_> = one.agent.between(scene.at - BUSY, scene.at).collect();
    let damaged = recent.iter().filter(|sight| sight.errors >= 3.0).count();
    let all: f32 = recent.iter().map(|sight| sight.errors).sum();
    if damaged < 4 || all < 40.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count"
    )]
    let n = all as u64;
    Some(
        Finding::new(Fault::PcNicErrors, 0.9, recent.first()?.t - 60.0)
            .of(one.name)
            .or(Fault::LanLossy, 0.05)
            .because(Because::NicErrors { n }),
    )
}

/// A printer, the newest of what was seen of it first.
fn printer(scene: &Scene, name: &str, seen: &[&Printer]) -> Option<Finding> {
    let newest = seen.first().filter(|one| one.t > scene.at - 600.0)?;
    if !scene.centre.calendar.is_open(scene.at) {
        return None;
    }
    let stops = |one: &Printer| {
        one.reachable
            && one
                .conditions
                .iter()
                .any(|word| STOPS.contains(&word.as_str()))
    };
    let silent = |one: &Printer| !one.reachable && !scout_is_cut_off(scene, &one.agent, one.t);
    let lasts = |bad: &dyn Fn(&Printer) -> bool| {
        let run: Vec<f64> = seen
            .iter()
            .take_while(|one| bad(one))
            .map(|one| one.t)
            .collect();
        let first = *run.last()?;
        (newest.t - first >= TROUBLE && run.len() >= 3).then_some((first, run.len()))
    };
    if let Some((first, _)) = lasts(&stops) {
        let conditions = newest.conditions.clone();
        return Some(
            Finding::new(Fault::PrinterFault, 0.96, first)
                .of(name)
                .figure(Figure::Conditions(conditions.clone()))
                .because(Because::Printer { conditions }),
        );
    }
    let (first, length) = lasts(&silent)?;
    // It was there not long ago, in these hours: a printer that is off since yesterday is nobody's fault.
    let before = seen.get(length)?;
    let was_there = before.reachable
        && scene.centre.calendar.is_open(before.t)
        && newest.t - first >= 2.0 * TROUBLE;
    was_there.then(|| {
        let conditions = vec!["offline".to_owned()];
        Finding::new(Fault::PrinterFault, 0.75, first)
            .of(name)
            .or(Fault::LanPartial, 0.15)
            .figure(Figure::Conditions(conditions.clone()))
            .because(Because::Printer { conditions })
    })
}

/// A scout that reaches nobody sees every printer as unreachable.
fn scout_is_cut_off(scene: &Scene, scout: &str, at: f64) -> bool {
    use super::sight::Stretch;
    let Some(agent) = scene.history.agents.get(scout) else {
        return false;
    };
    let sights = agent.between(at - 120.0, at + 120.0);
    let mut nobody = false;
    for sight in sights {
        nobody |= sight.up == Some(false)
            || (sight.way(Stretch::Gateway).is_dead() && !sight.reaches(Stretch::Gateway));
    }
    nobody
}
