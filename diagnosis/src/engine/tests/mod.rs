//! Small towns with one thing wrong: what is said live, and what stands in the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod dark;
mod nonsense;
mod order;
mod quality;
mod restart;
mod town;
mod wide;

use self::town::{NINE, centre, delayed, gateway_is_dead, line_is_dead, minutes, replay};
use crate::calendar::Centre;
use crate::event::{Event, Happened};
use crate::record::{Measured, Record, ServiceWord};

const MINUTE: f64 = 60.0;

fn towns() -> Vec<Centre> {
    vec![
        centre("an-lac", "north", "VNPT"),
        centre("binh-an", "north", "Viettel"),
        centre("cam-son", "south", "VNPT"),
        centre("dong-hoa", "south", "VNPT"),
    ]
}

/// Two hours of all towns from nine o'clock on, with this wrong.
fn morning(breaks: impl Fn(&str, &str, f64, &mut Measured)) -> Vec<Record> {
    let towns = towns();
    let each = towns.iter().flat_map(|town| {
        minutes(
            &town.id,
            5,
            NINE - 60.0 * MINUTE,
            NINE + 60.0 * MINUTE,
            |agent, t, measured| {
                breaks(&town.id, agent, t, measured);
            },
        )
    });
    each.collect()
}

fn opened(events: &[Event]) -> Vec<&Event> {
    events
        .iter()
        .filter(|event| event.event == Happened::Open)
        .collect()
}

/// One incident, notified once, that ends as this.
fn check(all: Vec<Record>, segment: &str, fault: &str, scope: &[&str], culprit: Option<&str>) {
    let (events, incidents) = replay(&towns(), all);
    let notified = events.iter().filter(|event| event.notify).count();
    let story: Vec<_> = events
        .iter()
        .map(|one| {
            (
                one.at - NINE,
                one.event,
                one.incident.fault.as_str(),
                one.incident.confidence,
                one.incident.scope.len(),
            )
        })
        .collect();
    assert_eq!(notified, 1, "{story:#?}");
    assert_eq!(incidents.len(), 1, "{story:#?}");
    let last = &incidents[0];
    assert_eq!(last.fault, fault, "{story:#?} {last:#?}");
    assert_eq!(last.segment.as_deref(), Some(segment), "{last:#?}");
    assert_eq!(last.scope, scope, "{last:#?}");
    if culprit.is_some() {
        assert_eq!(last.culprit.as_deref(), culprit, "{last:#?}");
    }
    assert!(last.until.is_some(), "{last:#?}");
    assert!(last.confidence >= 0.8, "{last:#?}");
}

fn during(t: f64) -> bool {
    (NINE..NINE + 12.0 * MINUTE).contains(&t)
}

#[test]
fn where_all_is_well_nothing_is_said() {
    let (events, incidents) = replay(
        &towns(),
        morning(|_, _, _, _| {})
            .into_iter()
            .chain(goodbyes())
            .collect(),
    );
    assert!(events.is_empty(), "{events:#?}");
    assert!(incidents.is_empty());
}

/// Everybody goes home in the end, orderly.
fn goodbyes() -> Vec<Record> {
    let mut all = Vec::new();
    for town in towns() {
        for agent in 0..5 {
            let t = NINE + 60.0 * MINUTE + 1.0;
            let bye = crate::record::Kind::Goodbye(crate::record::Goodbye::Shutdown);
            all.push(town::said(
                &town.id,
                &format!("pc-{agent:02}"),
                t,
                t + 1.0,
                bye,
            ));
        }
    }
    all
}

fn with_goodbyes(mut all: Vec<Record>) -> Vec<Record> {
    all.extend(goodbyes());
    all
}

#[test]
fn a_dead_line_is_silence_first_and_the_truth_when_its_buffer_arrives() {
    let mut all = morning(|town, _, t, measured| {
        if town == "an-lac" && during(t) {
            line_is_dead(measured);
        }
    });
    delayed(
        &mut all,
        "an-lac",
        NINE,
        NINE + 12.0 * MINUTE,
        NINE + 12.5 * MINUTE,
    );
    let all = with_goodbyes(all);
    let (events, _) = replay(&towns(), all.clone());
    let first = opened(&events)[0];
    assert!(first.at - NINE < 150.0, "{first:#?}");
    let named: Vec<&str> = std::iter::once(first.incident.fault.as_str())
        .chain(
            first
                .incident
                .alternatives
                .iter()
                .map(|one| one.fault.as_str()),
        )
        .collect();
    assert!(named[..2].contains(&"line_down"), "{named:?}");
    check(all, "line", "line_down", &["an-lac"], None);
}

#[test]
fn a_dead_gateway_is_found_when_its_buffer_arrives() {
    let mut all = morning(|town, _, t, measured| {
        if town == "an-lac" && during(t) {
            gateway_is_dead(measured);
        }
    });
    delayed(
        &mut all,
        "an-lac",
        NINE,
        NINE + 12.0 * MINUTE,
        NINE + 12.5 * MINUTE,
    );
    check(
        with_goodbyes(all),
        "gateway",
        "gateway_down",
        &["an-lac"],
        None,
    );
}

#[test]
fn a_dead_portal_is_one_incident_of_all_centres() {
    let all = morning(|_, _, t, measured| {
        if during(t) {
            let portal = &mut measured.services[0];
            portal.outcome = ServiceWord::Refused;
            portal.failed = portal.attempts;
        }
    });
    let everybody = ["an-lac", "binh-an", "cam-son", "dong-hoa"];
    check(
        with_goodbyes(all),
        "service",
        "service_down",
        &everybody,
        Some("portal"),
    );
}

#[test]
fn an_isp_that_is_dead_is_one_incident_of_its_centres() {
    let vnpt = ["an-lac", "cam-son", "dong-hoa"];
    let mut all = morning(|town, _, t, measured| {
        if vnpt.contains(&town) && during(t) {
            line_is_dead(measured);
        }
    });
    for town in vnpt {
        delayed(
            &mut all,
            town,
            NINE,
            NINE + 12.0 * MINUTE,
            NINE + 12.5 * MINUTE,
        );
    }
    check(with_goodbyes(all), "isp", "isp_down", &vnpt, Some("VNPT"));
}

#[test]
fn a_cable_that_is_out_is_that_machine_alone() {
    let cut = |agent: &str, t| agent == "pc-03" && during(t);
    let mut all = morning(|town, agent, t, measured| {
        if town == "an-lac" && cut(agent, t) {
            gateway_is_dead(measured);
            town::silence(measured, &[(crate::record::Place::Lan, None)]);
            measured.nic.as_mut().unwrap().up = Some(false);
        }
    });
    for record in &mut all {
        let what = record.what.as_ref().unwrap();
        if what.centre == "an-lac" && cut(&what.agent, what.t) {
            record.arrived = NINE + 12.5 * MINUTE;
        }
    }
    check(
        with_goodbyes(all),
        "device",
        "pc_link_down",
        &["an-lac"],
        Some("pc-03"),
    );
}

#[test]
fn a_lossy_line_is_found_in_minutes_and_a_burst_is_weather() {
    let lossy = |from: f64, to: f64| {
        with_goodbyes(morning(move |town, _, t, measured| {
            if town == "an-lac" && (from..to).contains(&t) {
                for link in measured.links.iter_mut().skip(2) {
                    link.received = 23;
                }
            }
        }))
    };
    check(
        lossy(NINE, NINE + 20.0 * MINUTE),
        "line",
        "line_lossy",
        &["an-lac"],
        None,
    );
    let (events, _) = replay(&towns(), lossy(NINE, NINE + 2.0 * MINUTE));
    assert!(events.is_empty(), "{events:#?}");
}
