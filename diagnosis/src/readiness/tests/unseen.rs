//! Centres where nobody is, what came of verdicts, and the words of both.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

#[test]
fn where_somebody_always_is_and_the_router_always_answers_darkness_is_bad_news() {
    let mut morning = Morning::new();
    let ping = |received| Kind::ReversePing(ReversePing { sent: 5, received });
    for days in (1..20).rev() {
        let opening = OPENING - f64::from(days) * DAY;
        morning.take(&record(opening - 1300.0, "a", "", ping(5)));
        morning.take(&record(opening - 1000.0, "a", "", ping(5)));
        morning.measure(opening - 990.0, opening - 600.0, &["pc-1"], &good());
    }
    for minutes in [15.0, 12.0] {
        morning.take(&record(OPENING - minutes * 60.0, "a", "", ping(0)));
    }
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last(), (State::NotReady, "dark".to_owned()));
    // At T-60 nobody ever was there.
    assert!(
        morning
            .of_a()
            .iter()
            .all(|(check, state, _)| check != "T-60" || *state == State::Unknown)
    );
}

#[test]
fn a_router_that_goes_silent_in_the_morning_is_bad_news() {
    let ping = |received| Kind::ReversePing(ReversePing { sent: 5, received });
    let check = |answered: f64, expected: (State, &str)| {
        let mut morning = Morning::new();
        morning.take(&record(OPENING - answered * 3600.0, "a", "", ping(5)));
        for minutes in [20.0, 18.0, 16.0, 14.0, 12.0] {
            morning.take(&record(OPENING - minutes * 60.0, "a", "", ping(0)));
        }
        morning.pass(OPENING - 600.0);
        let (state, code) = morning.last();
        assert_eq!((state, code.as_str()), expected, "{answered}");
    };
    check(2.0, (State::NotReady, "dark"));
    // The mains may be cut at night.
    check(9.0, (State::Unknown, "no_witness"));
}

#[test]
fn an_isp_that_is_down_is_down_where_nobody_is_heard() {
    let mut of_isp = centre("a");
    of_isp.isp = "VNPT".into();
    let mut morning = Morning::new();
    morning.readiness = Readiness::new(vec![of_isp, centre("b")]);
    let mut down = incident("isp_down", OPENING - 2000.0, &["x", "y"]);
    down.culprit = Some("VNPT".into());
    morning.incidents.push(down);
    morning.pass(OPENING - 4000.0);
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last(), (State::NotReady, "isp_down".to_owned()));
    let of_b = morning
        .verdicts
        .iter()
        .rfind(|verdict| verdict.centre == "b")
        .unwrap();
    assert_eq!(of_b.state, State::Unknown);
    let look = morning
        .readiness
        .look("a", OPENING - 500.0, &morning.incidents)
        .unwrap();
    assert_eq!((look.state, look.reason.not_ours), (State::NotReady, true));
    // Who is heard is judged by what it says.
    morning.measure(OPENING - 500.0, OPENING - 30.0, &["pc-1"], &good());
    morning.pass(OPENING);
    let of_a = morning
        .verdicts
        .iter()
        .rfind(|verdict| verdict.centre == "a")
        .unwrap();
    assert_eq!(of_a.state, State::Ready);
}

#[test]
fn what_fails_everywhere_needs_no_witness() {
    let mut morning = Morning::new();
    let mut useless = good();
    useless.services = vec![service("portal", 1), service("login", 1)];
    let mut t = OPENING - 2000.0;
    while t < OPENING - 610.0 {
        for centre in ["b", "c", "d"] {
            morning.take(&record(
                t,
                centre,
                "pc",
                Kind::Measured(Box::new(useless.clone())),
            ));
        }
        t += 60.0;
    }
    morning.pass(OPENING - 600.0);
    let verdict = morning
        .verdicts
        .iter()
        .rfind(|verdict| verdict.centre == "a")
        .unwrap();
    assert_eq!(
        (verdict.state, verdict.reason.not_ours),
        (State::NotReady, true)
    );
    let verdict = morning
        .verdicts
        .iter()
        .rfind(|verdict| verdict.centre == "b")
        .unwrap();
    assert_eq!(
        (verdict.state, verdict.reason.not_ours),
        (State::NotReady, true)
    );
}

#[test]
fn late_records_say_nothing_of_now_but_prove_the_line() {
    let mut morning = Morning::new();
    let mut bad = good();
    bad.dns[0].outcome = DnsWord::Timeout;
    for minute in 0..60 {
        let t = OPENING - 30_000.0 + f64::from(minute) * 60.0;
        let mut late = record(t, "a", "pc-1", Kind::Measured(Box::new(bad.clone())));
        late.arrived = OPENING - 630.0;
        morning.take(&late);
    }
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last(), (State::Ready, "well".to_owned()));
}

#[test]
fn verdicts_are_compared_with_the_first_quarter_of_an_hour() {
    let mut morning = Morning::new();
    let mut dead = good();
    dead.services = vec![service("portal", 1), service("login", 1)];
    morning.measure(OPENING - 4000.0, OPENING - 20.0, &["pc-1"], &good());
    morning.measure(OPENING + 30.0, OPENING + 1000.0, &["pc-1"], &dead);
    morning.pass(OPENING + 3600.0);
    let opening = morning
        .readiness
        .openings()
        .into_iter()
        .find(|opening| opening.centre == "a")
        .unwrap();
    assert_eq!((opening.at, opening.truth), (OPENING, Some(Truth::Bad)));
    assert_eq!(opening.verdicts, [Some(State::Ready); 4]);
    let tally = morning.readiness.tally("a").unwrap();
    assert_eq!(tally.scored(Step::TenMinutes, Score::TooBright), 1);
    assert_eq!(tally.count(Step::TenMinutes, State::Ready, Truth::Bad), 1);
    assert_eq!(morning.readiness.tally("b").unwrap().unseen, 1);
    assert_eq!(morning.readiness.openings(), Vec::new());
}

#[test]
fn a_restart_forgets_nothing_that_took_weeks() {
    let mut morning = Morning::new();
    for days in (1..20).rev() {
        let opening = OPENING - f64::from(days) * DAY;
        morning.measure(opening - 1200.0, opening + 1000.0, &["pc-1"], &good());
    }
    morning.pass(OPENING - 4000.0);
    let text = serde_json::to_string(&morning.readiness.save()).unwrap();
    let mut again = Morning::new();
    again
        .readiness
        .restore(serde_json::from_str(&text).unwrap());
    assert_eq!(again.readiness.save(), morning.readiness.save());
    again.pass(OPENING - 4000.0);
    again.pass(OPENING);
    let of_a = again
        .verdicts
        .iter()
        .rfind(|verdict| verdict.centre == "a")
        .unwrap();
    assert!(of_a.reason.sentence.en.contains("usually"), "{of_a:?}");
}

#[test]
fn every_reason_has_words_in_both_languages() {
    let codes = [
        Finding::Well { witnesses: 1 },
        Finding::Well { witnesses: 3 },
        Finding::LineProven,
        Finding::NoWitness { usual: true },
        Finding::NoWitness { usual: false },
        Finding::Dark,
        Finding::WentDark,
        Finding::NoNames,
        Finding::NoServices { everywhere: true },
        Finding::NoServices { everywhere: false },
        Finding::ServiceFails {
            service: "portal".into(),
            everywhere: true,
        },
        Finding::ServiceFails {
            service: "portal".into(),
            everywhere: false,
        },
        Finding::Loses {
            inside: true,
            ratio: 0.1,
        },
        Finding::Loses {
            inside: false,
            ratio: 0.1,
        },
        Finding::Slow {
            inside: true,
            milliseconds: 800.0,
        },
        Finding::Slow {
            inside: false,
            milliseconds: 800.0,
        },
        Finding::OnBattery,
        Finding::Clocks,
        Finding::Printer {
            printer: "mfp".into(),
            condition: "jam".into(),
        },
        Finding::Told(Weakness::DiskFull {
            device: "pc".into(),
        }),
        Finding::Told(Weakness::DiskFailing {
            device: "pc".into(),
        }),
        Finding::Told(Weakness::CertificateEnds {
            service: "portal".into(),
            days: 3,
        }),
        Finding::Told(Weakness::SupplyLow {
            printer: "mfp".into(),
        }),
        Finding::Told(Weakness::UpsWeak {
            device: "ups".into(),
        }),
    ];
    let mut sentences = std::collections::HashSet::new();
    for finding in codes {
        let reason = finding.clone().reason();
        for text in [
            &reason.sentence.vi,
            &reason.sentence.en,
            &reason.action.vi,
            &reason.action.en,
        ] {
            assert!(text.ends_with('.'), "{finding:?}: {text:?}");
        }
        assert!(
            sentences.insert(reason.sentence.vi.clone()),
            "{}",
            reason.sentence.vi
        );
        assert!(!reason.code.is_empty());
    }
}
