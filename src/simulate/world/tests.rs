//! The province as those who judge with it need it: the same each time, physical, and with everything in it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{HashMap, HashSet};

use diagnosis::record::{Kind, LinkRound, Measured, Place, Record, What};

use super::World;
use super::class::{Class, Shown};
use super::fault::Fault;
use super::people::is_on;
use crate::simulate::parameters::{Parameters, Set};
use crate::simulate::scenario::Scenario;
use crate::simulate::truth::Truth;

fn scenario() -> Scenario {
    Scenario {
        centres: 6,
        days: 2,
        faults: 0.0,
        wide: Some(0.0),
        ..Scenario::default()
    }
}

/// A world in which one fault of that kind happens to the first centre that may have it.
fn world_with(class: Class, change: impl Fn(&mut Fault)) -> (World, Fault) {
    for seed in 1.. {
        let scenario = Scenario {
            seed,
            centres: 4,
            days: 3,
            faults: 8.0,
            wide: Some(14.0),
            ..Scenario::default()
        };
        let mut world = World::new(&scenario);
        let found = world.faults.iter().find(|fault| fault.class == class);
        let Some(mut fault) = found.map(|fault| Fault::clone(fault)) else {
            continue;
        };
        fault.rhythm = None;
        change(&mut fault);
        let shared = std::sync::Arc::new(fault.clone());
        for (centre, town) in world.towns.iter_mut().enumerate() {
            town.faults.clear();
            if fault.centres.contains(&centre) {
                town.faults.push(shared.clone());
            }
        }
        return (world, fault);
    }
    unreachable!("seeds do not end");
}

fn measured<'a>(
    records: &'a [Record],
    centre: &'a str,
) -> impl Iterator<Item = (f64, &'a What, &'a Measured)> {
    records.iter().filter_map(move |record| {
        let what = record.what.as_ref().filter(|what| what.centre == centre)?;
        match &what.kind {
            Kind::Measured(measured) => Some((record.arrived, what, &**measured)),
            _ => None,
        }
    })
}

/// The share lost on links, of lines measured within a time.
fn loss(
    records: &[Record],
    centre: &str,
    fault: &Fault,
    wanted: impl Fn(&LinkRound) -> bool,
) -> f64 {
    let (mut sent, mut received) = (0.0, 0.0);
    for (_, what, measured) in measured(records, centre) {
        if what.t > fault.start + 60.0 && what.t < fault.end {
            for link in measured.links.iter().filter(|link| wanted(link)) {
                sent += f64::from(link.sent);
                received += f64::from(link.received);
            }
        }
    }
    assert!(sent > 100.0, "only {sent} echoes");
    1.0 - received / sent
}

#[test]
fn the_same_seed_gives_the_same_province() {
    let scenario = Scenario {
        centres: 3,
        days: 1,
        faults: 7.0,
        ..Scenario::default()
    };
    let all = |scenario: &Scenario| World::new(scenario).collect::<Vec<Record>>();
    let (first, again) = (all(&scenario), all(&scenario));
    assert!(first.len() > 5_000, "{}", first.len());
    assert_eq!(first, again);
    assert_eq!(
        World::new(&scenario).labels(),
        World::new(&scenario).labels()
    );
    assert_ne!(
        first,
        all(&Scenario {
            seed: 2,
            ..scenario
        })
    );
}

#[test]
fn evidence_comes_in_the_order_of_arrival_and_no_two_records_are_the_same() {
    let mut seen = HashSet::new();
    let mut last = 0.0;
    for record in World::new(&Scenario {
        faults: 14.0,
        ..scenario()
    }) {
        assert!(record.arrived >= last);
        last = record.arrived;
        let Some(what) = record.what else { continue };
        assert!(what.t <= record.arrived, "{what:?}");
        let kind = std::mem::discriminant(&what.kind);
        let printer = match &what.kind {
            Kind::Printer(printer) => printer.device.clone(),
            _ => String::new(),
        };
        let identity = (what.centre, what.agent, what.t.to_bits(), kind, printer);
        assert!(seen.insert(identity.clone()), "{identity:?} twice");
    }
    assert!(seen.len() > 10_000);
}

#[test]
fn every_kind_happens_and_some_only_where_nobody_tunes() {
    let kinds = |set| -> HashSet<Class> {
        let scenario = Scenario {
            centres: 40,
            days: 28,
            faults: 3.0,
            parameters: Parameters::of(set),
            ..Scenario::default()
        };
        let world = World::new(&scenario);
        assert!(world.faults.len() > 400, "{}", world.faults.len());
        world.faults.iter().map(|fault| fault.class).collect()
    };
    let (tuning, held_out) = (kinds(Set::Tuning), kinds(Set::HeldOut));
    for class in Class::ALL {
        assert!(held_out.contains(class), "{class:?} never happens");
        assert_eq!(
            tuning.contains(class),
            class.shown() != Shown::HeldOut,
            "{class:?}"
        );
    }
}

#[test]
fn faults_of_a_centre_stand_apart_and_hit_somebody() {
    let world = World::new(&Scenario {
        days: 14,
        faults: 3.0,
        ..Scenario::default()
    });
    for town in &world.towns {
        for pair in town.faults.windows(2) {
            assert!(pair[0].end < pair[1].start, "{pair:?}");
        }
        for fault in &town.faults {
            assert!(fault.end - fault.start >= 300.0, "{fault:?}");
            for machine in &fault.machines {
                let is_on = is_on(&town.sessions[*machine], (fault.start + fault.end) / 2.0);
                assert!(is_on || fault.machines.len() > 1, "{fault:?}");
            }
        }
    }
}

#[test]
fn a_lossy_line_loses_from_the_first_hop_on_and_not_before() {
    let (mut world, fault) = world_with(Class::LineLossy, |fault| fault.strength = 0.25);
    let place = &mut world.towns[fault.centres[0]].place;
    (
        place.gateway_answers,
        place.first_hop_answers,
        place.second_hop_limit,
    ) = (true, true, 0.0);
    for machine in &mut place.machines {
        machine.chronic_loss = 0.0;
    }
    let centre = place.id.clone();
    world.agents = (world.towns.iter().enumerate())
        .map(|(number, town)| super::agent::agents(number, town))
        .collect();
    let records: Vec<Record> = world.collect();
    let of = |wanted: fn(&LinkRound) -> bool| loss(&records, &centre, &fault, wanted);
    assert!(of(|link| link.segment == Place::Gateway) < 0.01);
    for behind in [
        of(|link| link.hop == Some(1)),
        of(|link| link.hop == Some(2)),
        of(|link| link.segment == Place::Collector),
        of(|link| link.segment == Place::Anchor),
    ] {
        assert!((0.19..0.33).contains(&behind), "{behind}");
    }
}

#[test]
fn a_dead_line_is_silent_and_its_buffer_comes_when_it_is_back_the_newest_first() {
    let (world, fault) = world_with(Class::LineDown, |_| {});
    let centre = world.towns[fault.centres[0]].place.id.clone();
    let records: Vec<Record> = world.collect();
    let mut of_agent: HashMap<String, Vec<(f64, f64)>> = HashMap::new();
    for (arrived, what, measured) in measured(&records, &centre) {
        let is_silent = arrived < fault.start + 10.0 || arrived > fault.end;
        assert!(is_silent, "arrived at {arrived} during {fault:?}");
        // The buffer of those who are switched off meanwhile comes another day.
        if what.t > fault.start + 60.0 && what.t < fault.end {
            let collector = measured
                .links
                .iter()
                .find(|link| link.segment == Place::Collector)
                .unwrap();
            assert_eq!(collector.received, 0);
            of_agent
                .entry(what.agent.clone())
                .or_default()
                .push((arrived, what.t));
        }
    }
    assert!(!of_agent.is_empty());
    for (agent, late) in of_agent {
        let is_newest_first = late.windows(2).all(|pair| pair[0].1 > pair[1].1);
        assert!(is_newest_first, "{agent}: {late:?}");
        assert!(late.len() > 3, "{agent}: {late:?}");
    }
}

#[test]
fn without_electricity_desktops_measure_nothing_and_say_so_when_they_are_back() {
    let found = (1..).find_map(|seed| {
        let scenario = Scenario {
            seed,
            centres: 4,
            days: 2,
            faults: 8.0,
            wide: Some(0.0),
            ..Scenario::default()
        };
        let world = World::new(&scenario);
        let fault = world
            .faults
            .iter()
            .find(|fault| fault.class == Class::PowerOutage)?
            .clone();
        let town = &world.towns[fault.centres[0]];
        let was_on = |sessions: &Vec<super::people::Session>| {
            is_on(sessions, fault.start - 60.0) && is_on(sessions, fault.end + 300.0)
        };
        let desktop = town
            .sessions
            .iter()
            .zip(&town.place.machines)
            .position(|(sessions, machine)| !machine.is_laptop && was_on(sessions))?;
        Some((world, fault, desktop))
    });
    let (world, fault, desktop) = found.unwrap();
    let place = &world.towns[fault.centres[0]].place;
    let (centre, agent) = (place.id.clone(), place.machines[desktop].name.clone());
    let records: Vec<Record> = world.collect();
    let mut said_so = false;
    for what in records.iter().filter_map(|record| record.what.as_ref()) {
        if what.centre == centre
            && what.agent == agent
            && what.t > fault.start
            && what.t < fault.end + 300.0
        {
            assert!(what.t >= fault.end, "{what:?}");
            said_so |= what.kind == Kind::Hello(diagnosis::record::Hello::PowerLossBoot);
        }
    }
    assert!(said_so);
}

#[test]
fn while_the_collector_is_down_nothing_arrives_at_all() {
    let (world, fault) = world_with(Class::CollectorDown, |_| {});
    let during: Vec<Record> = world
        .filter(|record| record.arrived > fault.start + 10.0 && record.arrived < fault.end)
        .collect();
    assert_eq!(during, []);
}

#[test]
fn labels_say_silent_where_nothing_arrives_and_nowhere_else() {
    let scenario = Scenario {
        centres: 8,
        days: 5,
        faults: 6.0,
        ..Scenario::default()
    };
    let world = World::new(&scenario);
    let labels = world.labels();
    let mut live = vec![0; labels.len()];
    for record in world {
        let arrived = record.arrived;
        let Some(what) = record.what else { continue };
        if !matches!(what.kind, Kind::Measured(_)) {
            continue;
        }
        for (label, live) in labels.iter().zip(&mut live) {
            let is_culprit =
                label.segment != "device" || label.culprit.as_deref() == Some(what.agent.as_str());
            let lasts = arrived > label.start + 10.0 && arrived < label.end;
            *live += i32::from(lasts && is_culprit && label.scope.contains(&what.centre));
        }
    }
    for (label, live) in labels.iter().zip(live) {
        assert_eq!(label.silent, live == 0, "{live} lines during {label:?}");
    }
    assert!(labels.iter().filter(|label| label.silent).count() > 5);
}

#[test]
fn openings_are_bad_where_something_is_broken_and_good_on_quiet_days() {
    let quiet = World::new(&Scenario {
        days: 7,
        ..scenario()
    });
    let openings = quiet.openings();
    assert_eq!(openings.len(), 6 * 5);
    let good = openings
        .iter()
        .filter(|opening| opening.truth == Truth::Good)
        .count();
    assert!(good >= 28, "{good}");
    let world = World::new(&Scenario {
        days: 28,
        faults: 3.0,
        ..scenario()
    });
    let bad: Vec<_> = world
        .openings()
        .into_iter()
        .filter(|opening| opening.truth == Truth::Bad)
        .collect();
    assert!(!bad.is_empty());
    for opening in bad {
        let cause = opening.cause.unwrap();
        let is_there = |fault: &Fault| {
            fault.class.word() == cause
                && fault.start < opening.opening + 900.0
                && fault.end > opening.opening
        };
        assert!(
            cause == "nobody_there" || world.faults.iter().any(|fault| is_there(fault)),
            "{opening:?}"
        );
    }
}
