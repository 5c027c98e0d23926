//! One cause in many centres: one incident, one message, whoever shows it first.

use super::town::{NINE, centre, delayed, gateway_is_dead, line_is_dead, minutes, replay, silence};
use super::{MINUTE, check, morning, with_goodbyes};
use crate::record::{DnsWord, Place, Record, ServiceWord};

const END: f64 = NINE + 12.0 * MINUTE;

/// Whatever these towns measured meanwhile comes when it is over.
fn buffered(all: &mut [Record], which: &[&str]) {
    for town in which {
        delayed(all, town, NINE, END, END + 30.0);
    }
}

/// Two towns of one ISP in different areas behind one router, which is dead; the third has another.
#[test]
fn who_shares_a_router_is_learned_from_its_address() {
    let behind = ["an-lac", "cam-son"];
    let mut all = morning(|town, _, t, measured| {
        for link in &mut measured.links {
            if link.segment == Place::Hop {
                let side = if behind.contains(&town) { "one" } else { town };
                link.target = format!("{side}-{:?}", link.hop);
            }
        }
        if behind.contains(&town) && (NINE..END).contains(&t) {
            line_is_dead(measured);
        }
    });
    buffered(&mut all, &behind);
    check(with_goodbyes(all), "isp", "isp_area_down", &behind, None);
}

#[test]
fn a_centre_that_shows_it_first_is_no_message_of_its_own() {
    let vnpt = ["an-lac", "cam-son", "dong-hoa"];
    let mut all = morning(|town, _, t, measured| {
        let from = if town == "cam-son" { NINE } else { NINE + 45.0 };
        if vnpt.contains(&town) && (from..END).contains(&t) {
            line_is_dead(measured);
        }
    });
    buffered(&mut all, &vnpt);
    check(with_goodbyes(all), "isp", "isp_down", &vnpt, Some("VNPT"));
}

#[test]
fn a_collector_that_nobody_reaches_is_the_collector() {
    let everybody = ["an-lac", "binh-an", "cam-son", "dong-hoa"];
    let mut all = morning(|_, _, t, measured| {
        if (NINE..END).contains(&t) {
            silence(measured, &[(Place::Collector, None)]);
        }
    });
    buffered(&mut all, &everybody);
    check(
        with_goodbyes(all),
        "core",
        "collector_down",
        &everybody,
        None,
    );
}

/// Where names are not resolved the collector is not found either.
#[test]
fn who_falls_silent_after_names_failed_has_no_other_trouble() {
    let vnpt = ["an-lac", "cam-son", "dong-hoa"];
    let mut all = morning(|town, _, t, measured| {
        if vnpt.contains(&town) && (NINE..END).contains(&t) {
            for asked in &mut measured.dns {
                if asked.resolver == "isp" {
                    asked.outcome = DnsWord::Timeout;
                    asked.ms = None;
                }
            }
            for service in &mut measured.services {
                service.outcome = ServiceWord::DnsFailed;
                service.failed = service.attempts;
                service.total_ms = None;
            }
        }
    });
    for town in vnpt {
        delayed(&mut all, town, NINE + 2.0 * MINUTE, END, END + 30.0);
    }
    check(
        with_goodbyes(all),
        "dns",
        "dns_isp_down",
        &vnpt,
        Some("VNPT"),
    );
}

/// Two routers that die at the same time are two routers.
#[test]
fn what_was_measured_inside_is_not_the_isps() {
    let towns = [
        centre("an-lac", "north", "VNPT"),
        centre("cam-son", "south", "VNPT"),
    ];
    let mut all: Vec<Record> = Vec::new();
    for town in &towns {
        let from = NINE - 60.0 * MINUTE;
        all.extend(minutes(
            &town.id,
            5,
            from,
            NINE + 60.0 * MINUTE,
            |_, t, measured| {
                if (NINE..END).contains(&t) {
                    gateway_is_dead(measured);
                }
            },
        ));
    }
    buffered(&mut all, &["an-lac", "cam-son"]);
    let (_, incidents) = replay(&towns, with_goodbyes(all));
    let dead = incidents
        .iter()
        .filter(|one| one.fault == "gateway_down" && one.scope.len() == 1);
    assert_eq!(dead.count(), 2, "{incidents:#?}");
    assert!(incidents.iter().all(|one| one.fault != "isp_down"));
}
