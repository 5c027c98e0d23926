//! What no centre that is well would send: impossible times, contradictions, lies, floods, clocks that are set in the
//! middle of a fault. Nothing of it stops the engine, fills it or makes it say what is not so.

use super::town::{NINE, centre, line_is_dead, minutes, replay, said, silence, well};
use super::{MINUTE, goodbyes, morning, opened, towns, with_goodbyes};
use crate::calendar::Calendar;
use crate::engine::{Aside, Engine};
use crate::record::{Goodbye, Hello, Kind, Measured, NicState, Place, ServiceWord};

const DAY: f64 = 86_400.0;
const IN_2100: f64 = 4_102_444_800.0;

fn measured() -> Kind {
    Kind::Measured(Box::new(well()))
}

/// The portal refuses for twelve minutes.
fn refused(t: f64, measured: &mut Measured) {
    if (NINE..NINE + 12.0 * MINUTE).contains(&t)
        && let Some(portal) = measured.services.first_mut()
    {
        portal.outcome = ServiceWord::Refused;
        portal.failed = portal.attempts;
    }
}

#[test]
fn impossible_times_are_counted_and_left_aside() {
    let mut engine = Engine::new(towns());
    engine.take(&said("an-lac", "pc-00", NINE, NINE, measured()));
    let times = [
        0.0,
        -1.0,
        NINE - 3.0 * DAY,
        NINE + 302.0,
        IN_2100,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
    ];
    for t in times {
        let events = engine.take(&said("an-lac", "pc-00", t, NINE + 1.0, measured()));
        assert!(events.is_empty(), "{t}");
    }
    for arrived in [f64::NAN, f64::INFINITY, f64::MIN, 1e12] {
        let events = engine.take(&said("an-lac", "pc-00", NINE + 2.0, arrived, measured()));
        assert!(events.is_empty(), "{arrived}");
    }
    assert_eq!(engine.aside().impossible_time, 13);
    // None of them moved the time: what comes next is taken as ever.
    engine.take(&said(
        "an-lac",
        "pc-00",
        NINE + 60.0,
        NINE + 61.0,
        measured(),
    ));
    assert_eq!(engine.aside().impossible_time, 13);
}

#[test]
fn unknown_centres_and_repeated_records_are_counted_and_change_nothing() {
    let all = with_goodbyes(morning(|_, _, t, measured| refused(t, measured)));
    let (plain, _) = replay(&towns(), all.clone());
    let mut twice = all.clone();
    twice.extend(all.iter().cloned());
    twice.extend(minutes(
        "nowhere",
        3,
        NINE,
        NINE + 20.0 * MINUTE,
        |_, _, _| {},
    ));
    // The same moment told differently: what was said first stands.
    for record in &all {
        let mut other = record.clone();
        other.arrived += 1.0;
        if let Some(Kind::Measured(measured)) = other.what.as_mut().map(|what| &mut what.kind) {
            line_is_dead(measured);
            twice.push(other);
        }
    }
    let (events, _) = replay(&towns(), twice.clone());
    let told = |events: &[crate::event::Event]| {
        let each = events.iter().filter(|event| event.notify);
        each.map(|event| event.incident.fault.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&events), told(&plain));
    assert_eq!(told(&plain), ["service_down"]);

    let mut engine = Engine::new(towns());
    twice.sort_by(|one, other| one.arrived.total_cmp(&other.arrived));
    for record in &twice {
        engine.take(record);
    }
    let Aside {
        unknown_centre,
        duplicate,
        ..
    } = engine.aside();
    assert_eq!(unknown_centre, 60);
    assert!(duplicate >= 2 * all.len() as u64 - 40, "{duplicate}");
}

#[test]
fn a_card_that_says_it_has_no_link_and_is_answered_has_one() {
    let all = morning(|town, _, _, measured| {
        if town == "an-lac" {
            measured.nic = Some(NicState {
                up: Some(false),
                ..NicState::default()
            });
        }
    });
    let (events, _) = replay(&towns(), with_goodbyes(all));
    assert!(events.is_empty(), "{events:#?}");
}

#[test]
fn a_centre_without_agents_says_nothing_all_day() {
    let mut engine = Engine::new(towns());
    let mut t = NINE;
    while t < NINE + DAY {
        assert!(engine.pass(t).is_empty());
        t += 300.0;
    }
    let alone = [said(
        "an-lac",
        "pc-00",
        NINE,
        NINE,
        Kind::Goodbye(Goodbye::Shutdown),
    )];
    let (events, _) = replay(&towns(), alone.to_vec());
    assert!(events.is_empty(), "{events:#?}");
}

#[test]
fn a_centre_without_hours_is_judged_by_what_it_measures() {
    let mut town = centre("an-lac", "north", "VNPT");
    town.calendar = Calendar::weekly(None, 7 * 3_600);
    let mut all = minutes(
        "an-lac",
        4,
        NINE - 30.0 * MINUTE,
        NINE + 40.0 * MINUTE,
        |_, t, measured| refused(t, measured),
    );
    all.extend((0..4).map(|agent| {
        let t = NINE + 40.0 * MINUTE;
        let bye = Kind::Goodbye(Goodbye::Shutdown);
        said("an-lac", &format!("pc-{agent:02}"), t, t + 1.0, bye)
    }));
    let (events, _) = replay(&[town], all);
    let opened = opened(&events);
    assert_eq!(opened.len(), 1, "{events:#?}");
    assert_eq!(opened[0].incident.segment.as_deref(), Some("service"));
}

#[test]
fn of_two_sites_under_one_name_one_may_fail_without_the_other() {
    // Two of five machines are behind another line, which is dead; their records come by telephone.
    let all = morning(|town, agent, t, measured| {
        let elsewhere = agent == "pc-03" || agent == "pc-04";
        if town == "an-lac" && elsewhere && (NINE..NINE + 12.0 * MINUTE).contains(&t) {
            line_is_dead(measured);
        }
    });
    let (events, _) = replay(&towns(), with_goodbyes(all));
    let sure = events
        .iter()
        .find(|event| event.incident.fault == "line_down" && event.incident.confidence >= 0.9);
    assert!(sure.is_none(), "{sure:#?}");
}

#[test]
fn one_agent_that_claims_everything_is_dead_takes_nobody_with_it() {
    let all = morning(|town, agent, t, measured| {
        if town == "an-lac" && agent == "pc-02" && t > NINE {
            line_is_dead(measured);
            silence(measured, &[(Place::Gateway, None), (Place::Lan, None)]);
        }
    });
    let (events, _) = replay(&towns(), with_goodbyes(all));
    for event in &events {
        assert_eq!(
            event.incident.segment.as_deref(),
            Some("device"),
            "{event:#?}"
        );
        assert_eq!(
            event.incident.culprit.as_deref(),
            Some("pc-02"),
            "{event:#?}"
        );
    }
    assert!(events.iter().filter(|event| event.notify).count() <= 1);
}

#[test]
fn a_flood_of_hellos_and_of_names_is_bounded_and_says_nothing() {
    let mut engine = Engine::new(towns());
    let mut events = Vec::new();
    let hello = |agent: &str, t: f64| {
        let hello = Kind::Hello(Hello::PowerLossBoot);
        said("an-lac", agent, t, NINE + 30.0, hello)
    };
    for number in 0..30_000_u32 {
        let t = NINE - f64::from(number) * 0.5;
        events.extend(engine.take(&hello("pc-00", t)));
        events.extend(engine.take(&hello(&format!("made-up-{number}"), t)));
    }
    events.extend(engine.pass(NINE + 60.0));
    assert!(events.is_empty(), "{events:#?}");
    assert!(engine.aside().too_many > 29_000, "{:?}", engine.aside());
    let history = &engine.centres["an-lac"].history;
    assert!(history.agents.len() <= 200);
    let kept = history.agents.values().map(|agent| agent.hellos.len());
    assert!(kept.max().unwrap() <= 6_000);
}

#[test]
fn clocks_that_are_set_in_the_middle_of_a_fault_do_not_make_it_two() {
    let steps = [(4.0, -3_600.0), (8.0, 250.0)];
    for (minutes, step) in steps {
        let at = NINE + minutes * MINUTE;
        let mut all = morning(|_, _, t, measured| refused(t, measured));
        for record in &mut all {
            if let Some(what) = record.what.as_mut()
                && what.agent == "pc-01"
                && what.t > at
            {
                what.t += step;
            }
        }
        all.extend(goodbyes());
        let (events, incidents) = replay(&towns(), all);
        let notified: Vec<_> = events.iter().filter(|event| event.notify).collect();
        assert_eq!(notified.len(), 1, "{notified:#?}");
        assert_eq!(notified[0].incident.fault, "service_down");
        assert!(incidents.iter().all(|one| one.until.is_some()));
    }
}
