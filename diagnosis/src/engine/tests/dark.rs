//! A centre that was dark: how it begins to speak again, and mornings on which it does not.

use super::town::{NINE, minutes, replay, said, silence, town_is_pinged};
use super::{MINUTE, towns};
use crate::record::{Goodbye, Hello, Kind, Place, Record};

const DAY: f64 = 86_400.0;

/// Mornings of one town from 07:00 until 10:00, so many days before this one.
fn mornings(days: u32) -> Vec<Record> {
    let each = (1..=days).flat_map(|day| {
        let from = NINE - f64::from(day) * DAY;
        minutes(
            "an-lac",
            4,
            from - 120.0 * MINUTE,
            from + 60.0 * MINUTE,
            |_, _, _| {},
        )
    });
    let mut all: Vec<Record> = each.collect();
    for day in 1..=days {
        let t = NINE - f64::from(day) * DAY + 60.0 * MINUTE;
        all.extend((0..4).map(|agent| {
            let bye = Kind::Goodbye(Goodbye::Shutdown);
            said("an-lac", &format!("pc-{agent:02}"), t, t + 1.0, bye)
        }));
    }
    all
}

#[test]
fn where_nobody_came_this_is_said_unless_the_router_answers() {
    // After a weekend, too: nothing of Friday but that is remembered then.
    let of = |days| (days, [(Some(false), 1), (Some(true), 0), (None, 1)]);
    let cases = [of(4), of(1)].map(|(days, cases)| cases.map(|(pings, told)| (days, pings, told)));
    for (days, pings, told) in cases.into_iter().flatten() {
        let mut all = mornings(days);
        if days == 4 {
            // Yesterday, a Monday, was a holiday.
            all.retain(|record| record.arrived < NINE - 2.0 * DAY);
        }
        if let Some(answers) = pings {
            all.extend(town_is_pinged(
                "an-lac",
                NINE - 120.0 * MINUTE,
                NINE + 180.0 * MINUTE,
                answers,
            ));
        }
        let clock = (0..180_u32).map(|minute| Record {
            arrived: NINE + (f64::from(minute) - 120.0) * MINUTE,
            what: None,
        });
        all.extend(clock);
        let (events, _) = replay(&towns(), all);
        let today = events
            .iter()
            .filter(|event| event.notify && event.at > NINE - 120.0 * MINUTE);
        let today: Vec<_> = today.collect();
        assert_eq!(today.len(), told, "{pings:?} {today:#?}");
        if let Some(first) = today.first() {
            let opening = NINE - 90.0 * MINUTE;
            let after = first.at - opening;
            assert!((1_200.0..1_300.0).contains(&after), "{after}");
            assert_eq!(first.incident.fault, "line_down");
            assert_eq!(first.incident.alternatives[0].fault, "power_outage");
        }
    }
}

#[test]
fn machines_that_start_before_their_router_do_so_because_the_power_is_back() {
    // All is dark from nine until ten past; then the machines start, and the router two minutes after them.
    let back = NINE + 10.0 * MINUTE;
    let mut all: Vec<Record> = minutes(
        "an-lac",
        4,
        NINE - 60.0 * MINUTE,
        NINE + 60.0 * MINUTE,
        |_, t, measured| {
            if (back..back + 2.0 * MINUTE).contains(&t) {
                super::town::line_is_dead(measured);
                silence(measured, &[(Place::Gateway, None)]);
            }
        },
    );
    all.retain(|record| {
        let t = record.what.as_ref().unwrap().t;
        t < NINE || t > back
    });
    for record in &mut all {
        // Nothing gets out before the router is up.
        if (back..back + 2.0 * MINUTE).contains(&record.arrived) {
            record.arrived = back + 2.5 * MINUTE;
        }
    }
    for agent in 0..4 {
        let hello = Kind::Hello(Hello::PowerLossBoot);
        let agent = format!("pc-{agent:02}");
        all.push(said("an-lac", &agent, back, back + 2.5 * MINUTE, hello));
    }
    all.extend(super::goodbyes());
    let (events, incidents) = replay(&towns(), all);
    assert_eq!(events.iter().filter(|event| event.notify).count(), 1);
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0].fault, "power_outage");
    assert!(incidents[0].since < NINE + 30.0);
}
