//! What is dead, by those who are behind it: the outermost stretch that still answers says where.
//!
//! A machine that was cut off measured on and told later; whoever it was cut off from is judged by its own words at the
//! time. What one machine alone misses is that machine's.

use super::finding::Finding;
use super::scene::{Scene, Witness};
use super::sight::Stretch;
use crate::Fault;
use crate::sentence::incident::{Because, Target};

/// How far one machine gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Its card has no link.
    NoLink,
    /// Neither router nor neighbours answer.
    Nothing,
    /// Neighbours answer, the router does not, nor anything behind it.
    Lan,
    /// As far as the router.
    Gateway,
    /// As far as the far end of the line.
    Line,
    /// Everywhere but to the collector.
    AllButCollector,
    /// Everywhere.
    All,
}

fn reach(witness: &Witness) -> Reach {
    let sight = witness.last;
    // Whoever is answered has a link, whatever its card says.
    let is_unlinked = witness.agent.told.up.at(sight.t) == Some(false);
    if is_unlinked && !sight.lan.answers() && !sight.reaches(Stretch::Gateway) {
        return Reach::NoLink;
    }
    if sight.way(Stretch::Gateway).is_dead() && !sight.reaches(Stretch::Gateway) {
        return if sight.peers_there > 0 {
            Reach::Lan
        } else {
            Reach::Nothing
        };
    }
    if sight.asked(Stretch::Line) && !sight.reaches(Stretch::Line) {
        return Reach::Gateway;
    }
    let beyond = [Stretch::Isp, Stretch::Far].map(|way| sight.way(way));
    if beyond.iter().any(|way| way.is_dead()) && !sight.reaches(Stretch::Isp) {
        return Reach::Line;
    }
    if sight.collector.is_dead() && sight.reaches(Stretch::Far) && sight.way(Stretch::Far).answers()
    {
        return Reach::AllButCollector;
    }
    Reach::All
}

/// What is cut off. While a centre starts, its routers are not up yet: that is no news, unless the power was cut in
/// opening hours; then it is how the cut ends.
pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let findings = cut_off(scene);
    let cuts = |one: &Finding| one.cuts_off() && one.fault != Fault::PowerOutage;
    if !findings.iter().any(cuts) {
        return findings;
    }
    let power = scene.power_is_back();
    let runs = scene.runs_by_now();
    if power.is_none() && (runs || !scene.just_started()) {
        return findings;
    }
    let finding = power.filter(|_| runs).map(|since| {
        Finding::new(Fault::PowerOutage, 0.93, since + 1.0)
            .or(Fault::GatewayDown, 0.05)
            .because(Because::PowerIsBack)
    });
    finding.into_iter().collect()
}

fn cut_off(scene: &Scene) -> Vec<Finding> {
    let reached: Vec<(&Witness, Reach)> = scene
        .witnesses
        .iter()
        .map(|one| (one, reach(one)))
        .collect();
    let all = reached.len();
    let within = |least: Reach, most: Reach| {
        reached
            .iter()
            .filter(move |(_, reach)| (least..=most).contains(reach))
    };
    let inside = within(Reach::NoLink, Reach::Lan).count();
    if inside == 0 {
        return beyond(scene, &reached);
    }
    if inside == all {
        return everybody(scene, &reached).into_iter().collect();
    }
    let mut findings = some(&reached);
    findings.extend(beyond(scene, &reached));
    findings
}

/// Whether so many witnesses are enough: several, or one for a while.
fn is_seen(scene: &Scene, who: &[&Witness], same: impl Fn(&Witness) -> bool) -> bool {
    who.len() >= 2
        || who
            .iter()
            .any(|one| scene.before(one).is_some_and(|earlier| same(&earlier)))
}

fn since<'a>(who: impl Iterator<Item = &'a Witness<'a>>, bad: impl Fn(&Witness) -> bool) -> f64 {
    who.map(|one| one.since(&bad)).fold(f64::INFINITY, f64::min)
}

/// Nobody reaches the router.
fn everybody(scene: &Scene, reached: &[(&Witness, Reach)]) -> Option<Finding> {
    let who: Vec<&Witness> = reached.iter().map(|(one, _)| *one).collect();
    let began = since(who.iter().copied(), |one| reach(one) <= Reach::Lan);
    let count = |wanted: Reach| reached.iter().filter(|(_, reach)| *reach == wanted).count();
    if !scene.should_run(began) {
        return None;
    }
    let on_battery = who.iter().filter(|one| one.lost_mains(began)).count();
    let on_mains = who.iter().filter(|one| one.has_mains(began)).count();
    let of = who.len();
    // Who runs on battery, and nobody on mains is heard: that the mains are cut explains both.
    let all_on_battery =
        scene.runs_by_now() && !who.is_empty() && who.iter().all(|one| one.is_on_battery());
    let new = |fault, confidence| Finding::new(fault, confidence, began);
    if on_battery > on_mains || all_on_battery || (on_mains == 0 && scene.power_was_lost(began)) {
        let finding = new(Fault::PowerOutage, 0.93)
            .or(Fault::LanDown, 0.05)
            .because(Because::OnBattery {
                agents: on_battery.max(usize::from(all_on_battery) * of) as u64,
            });
        return Some(finding);
    }
    if count(Reach::Lan) > 0 {
        let finding = new(Fault::GatewayDown, 0.95)
            .or(Fault::LanPartial, 0.03)
            .because(Because::Fails {
                target: Target::Gateway,
                received: 0,
                sent: asked(&who, Stretch::Gateway),
            })
            .because(Because::Answers {
                target: Target::Lan,
                received: lan(&who),
                sent: lan(&who),
            });
        return Some(finding);
    }
    let unlinked = count(Reach::NoLink);
    if of == 1 && unlinked == 1 && !scene.others_fell_silent(began) {
        let culprit = who.first().map_or("", |one| one.name);
        let finding = new(Fault::PcLinkDown, 0.8)
            .or(Fault::LanDown, 0.15)
            .of(culprit)
            .because(Because::NicDown { agents: 1, of: 1 });
        return Some(finding);
    }
    let confidence = if of >= 2 || unlinked > 0 { 0.93 } else { 0.7 };
    let mut finding = new(Fault::LanDown, confidence).or(Fault::GatewayDown, 0.05);
    if who.iter().all(|one| one.last.lan.sent == 0) && unlinked == 0 {
        // Nobody asked a neighbour: the router alone may be dead.
        finding = new(Fault::GatewayDown, 0.7).or(Fault::LanDown, 0.25);
    }
    if unlinked > 0 {
        finding = finding.because(Because::NicDown {
            agents: unlinked as u64,
            of: of as u64,
        });
    }
    Some(finding.because(Because::Fails {
        target: Target::Gateway,
        received: 0,
        sent: asked(&who, Stretch::Gateway),
    }))
}

/// Some do not reach the router, others do.
fn some(reached: &[(&Witness, Reach)]) -> Vec<Finding> {
    let cut: Vec<&Witness> = reached
        .iter()
        .filter(|(_, reach)| *reach <= Reach::Lan)
        .map(|(one, _)| *one)
        .collect();
    let well: Vec<&Witness> = reached
        .iter()
        .filter(|(_, reach)| *reach > Reach::Lan)
        .map(|(one, _)| *one)
        .collect();
    let is_cut = |one: &Witness| reach(one) <= Reach::Lan;
    // Machines look one after the other: cut off apart from the others is who was so before and after others were well.
    // Twice, since what is told first of an other one is in part of the time before; and who asked nothing says nothing.
    let apart = |one: &&Witness| {
        let began = one.since(&is_cut);
        let between = |other: &&Witness| {
            let sights = other.agent.between(began, one.last.t - 0.001);
            let mut well = sights.filter(|last| last.way(Stretch::Gateway).answers());
            well.nth(1).is_some()
        };
        well.iter().any(between)
    };
    let cut: Vec<&Witness> = cut.into_iter().filter(apart).collect();
    let well = well.len();
    if cut.is_empty() {
        return Vec::new();
    }
    if cut.len() >= 2 {
        let finding = Finding::new(Fault::LanPartial, 0.88, since(cut.iter().copied(), is_cut))
            .or(Fault::PcLinkDown, 0.08)
            .because(Because::Fails {
                target: Target::Gateway,
                received: 0,
                sent: asked(&cut, Stretch::Gateway),
            })
            .because(Because::SiblingsWell { n: well as u64 });
        return vec![finding];
    }
    let one_by_one = cut.iter().map(|one| {
        let unlinked = reach(one) == Reach::NoLink;
        let finding = Finding::new(
            Fault::PcLinkDown,
            if unlinked { 0.96 } else { 0.8 },
            one.since(&is_cut),
        )
        .of(one.name)
        .or(Fault::LanPartial, 0.04)
        .because(Because::SiblingsWell { n: well as u64 });
        if unlinked {
            finding.because(Because::NicDown { agents: 1, of: 1 })
        } else {
            finding
        }
    });
    one_by_one.collect()
}

/// The router is reached: how far do those get who reach it?
fn beyond(scene: &Scene, reached: &[(&Witness, Reach)]) -> Vec<Finding> {
    let those: Vec<(&Witness, Reach)> = reached
        .iter()
        .copied()
        .filter(|(_, reach)| *reach >= Reach::Gateway)
        .collect();
    let cases = [
        (
            Reach::Gateway,
            Fault::LineDown,
            Fault::IspDown,
            Target::Line,
            Target::Gateway,
        ),
        (
            Reach::Line,
            Fault::IspDown,
            Fault::LineDown,
            Target::Isp,
            Target::Line,
        ),
        (
            Reach::AllButCollector,
            Fault::CollectorPathDown,
            Fault::CollectorDown,
            Target::Collector,
            Target::Anchors,
        ),
    ];
    for (wanted, fault, other, dead, alive) in cases {
        let who: Vec<&Witness> = those
            .iter()
            .filter(|(_, reach)| *reach == wanted)
            .map(|(one, _)| *one)
            .collect();
        let most = who.len() * 5 >= those.len() * 3;
        if who.is_empty() || !most || !is_seen(scene, &who, |one| reach(one) == wanted) {
            continue;
        }
        let began = since(who.iter().copied(), |one| reach(one) == wanted);
        let sent = who
            .iter()
            .map(|one| u64::from(one.last.collector.sent.max(one.last.way(Stretch::Far).sent)))
            .sum();
        let answered = who
            .iter()
            .map(|one| u64::from(one.last.way(Stretch::Gateway).received))
            .sum();
        let finding = Finding::new(fault, 0.95, began)
            .or(other, 0.04)
            .because(Because::Fails {
                target: dead,
                received: 0,
                sent,
            })
            .because(Because::Answers {
                target: alive,
                received: answered,
                sent: answered,
            });
        return vec![finding];
    }
    Vec::new()
}

fn asked(who: &[&Witness], stretch: Stretch) -> u64 {
    who.iter()
        .map(|one| u64::from(one.last.way(stretch).sent))
        .sum()
}

fn lan(who: &[&Witness]) -> u64 {
    who.iter().map(|one| u64::from(one.last.lan.received)).sum()
}
