//! What one machine alone suffers from, what passes by itself, and that less evidence makes nobody surer.

use super::*;
use crate::record::Place;

/// One machine's own programs refuse what its neighbours reach.
fn refuses(measured: &mut Measured) {
    for tried in &mut measured.services {
        tried.outcome = ServiceWord::Refused;
        tried.failed = tried.attempts;
        tried.total_ms = None;
    }
}

fn loses(measured: &mut Measured, share: f64) {
    for link in &mut measured.links {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let lost = (f64::from(link.sent) * share) as u32;
        link.received = link.received.saturating_sub(lost);
    }
}

#[test]
fn services_that_one_machine_alone_does_not_reach_are_kept_from_it_by_itself() {
    let all = morning(|town, agent, t, measured| {
        if town == "an-lac" && agent == "pc-03" && during(t) {
            refuses(measured);
        }
    });
    let all = all.into_iter().chain(goodbyes()).collect();
    check(all, "device", "pc_blocked", &["an-lac"], Some("pc-03"));
}

#[test]
fn a_burst_of_two_minutes_is_nobodys_fault_and_ten_minutes_are() {
    let for_minutes = |many: f64| {
        let all = morning(|town, agent, t, measured| {
            let there = town == "an-lac" && agent == "pc-03";
            if there && (NINE..NINE + many * MINUTE).contains(&t) {
                loses(measured, 0.5);
            }
        });
        let all = all.into_iter().chain(goodbyes()).collect();
        replay(&towns(), all).0
    };
    assert_eq!(opened(&for_minutes(2.0)).len(), 0);
    let events = for_minutes(10.0);
    let told = opened(&events);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].incident.culprit.as_deref(), Some("pc-03"));
}

#[test]
fn less_evidence_never_makes_a_verdict_surer() {
    type Breaks = fn(&str, &mut Measured);
    let broken: [(&str, Breaks); 4] = [
        ("line_down", |_, measured| line_is_dead(measured)),
        ("gateway_down", |_, measured| gateway_is_dead(measured)),
        ("line_lossy", |_, measured| {
            for link in &mut measured.links {
                let inside = matches!(link.segment, Place::Lan | Place::Gateway);
                link.received -= if inside { 0 } else { link.received / 4 };
            }
        }),
        ("pc_blocked", |agent, measured| {
            if agent == "pc-03" {
                refuses(measured);
            }
        }),
    ];
    for (fault, breaks) in broken {
        let sure = |missing: &dyn Fn(&str, f64) -> bool| {
            let all = morning(|town, agent, t, measured| {
                if town == "an-lac" && during(t) {
                    breaks(agent, measured);
                }
            });
            let known = |record: &Record| {
                let what = record.what.as_ref();
                !what.is_some_and(|one| one.centre == "an-lac" && missing(&one.agent, one.t))
            };
            let all = all.into_iter().chain(goodbyes()).filter(known).collect();
            let (_, incidents) = replay(&towns(), all);
            let those = incidents.iter().filter(|one| one.fault == fault);
            those.map(|one| one.confidence).fold(0.0, f64::max)
        };
        let all = sure(&|_, _| false);
        assert!(all >= 0.75, "{fault}: {all}");
        for machine in ["pc-00", "pc-01", "pc-02", "pc-03", "pc-04"] {
            let without = sure(&|agent, _| agent == machine);
            assert!(
                without <= all + 0.005,
                "{fault} without {machine}: {without} > {all}"
            );
            let minute = sure(&|agent, t| agent == machine && (NINE..NINE + 240.0).contains(&t));
            assert!(
                minute <= all + 0.005,
                "{fault} without minutes of {machine}: {minute} > {all}"
            );
        }
    }
}
