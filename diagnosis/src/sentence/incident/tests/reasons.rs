//! Every reason has words of its own, in both languages, with its figures.

use super::*;
use crate::record::{DnsWord, ServiceWord};

/// One of each, with figures that no other text has.
fn reasons() -> Vec<(Because, &'static [&'static str])> {
    let name = || "KC-7".to_owned();
    vec![
        (Because::Silent { agents: 11, of: 12 }, &["11", "12"]),
        (Because::SilentWithoutGoodbye { agents: 11 }, &["11"]),
        (Because::PowerIsBack, &[]),
        (Because::NobodyCame { usual: 4 }, &["4"]),
        (Because::UsersWereActive { n: 11 }, &["11"]),
        (Because::Goodbyes { n: 11 }, &["11"]),
        (Because::NearClosing, &[]),
        (
            Because::Answers {
                target: Target::Gateway,
                received: 19,
                sent: 25,
            },
            &["19", "25"],
        ),
        (
            Because::Fails {
                target: Target::Anchors,
                received: 0,
                sent: 25,
            },
            &["25"],
        ),
        (
            Because::Fails {
                target: Target::Line,
                received: 3,
                sent: 25,
            },
            &["3", "25"],
        ),
        (
            Because::LossBegins {
                segment: Segment::Line,
                ratio: 0.21,
                sent: 250,
            },
            &["21%", "250"],
        ),
        (
            Because::Clean {
                segment: Segment::Gateway,
                sent: 250,
            },
            &["250"],
        ),
        (
            Because::Delay {
                segment: Segment::Line,
                ms: 181.0,
                usual_ms: 19.0,
            },
            &["181 ms", "19 ms"],
        ),
        (Because::TrafficHigh { bps: 48.3e6 }, &["Mbit/s"]),
        (Because::TrafficLow { bps: 120e3 }, &["120 kbit/s"]),
        (Because::NicDown { agents: 11, of: 12 }, &["11", "12"]),
        (Because::NicErrors { n: 77 }, &["77"]),
        (Because::Wifi, &["Wi-Fi"]),
        (Because::OnBattery { agents: 11 }, &["11"]),
        (Because::PowerLossBoot { agents: 11 }, &["11"]),
        (Because::CleanBoots { agents: 11 }, &["11"]),
        (
            Because::ReverseAnswered {
                received: 4,
                sent: 5,
            },
            &["4", "5"],
        ),
        (Because::ReverseSilent { sent: 5 }, &["5"]),
        (
            Because::OtherCentres {
                failing: 21,
                of: 22,
                what: Group::Isp(name()),
            },
            &["21", "22", "KC-7"],
        ),
        (
            Because::OtherCentres {
                failing: 21,
                of: 22,
                what: Group::Area(name()),
            },
            &["21", "22", "KC-7"],
        ),
        (
            Because::OtherCentres {
                failing: 21,
                of: 22,
                what: Group::All,
            },
            &["21", "22"],
        ),
        (Because::OtherCentresWell { n: 64 }, &["64"]),
        (
            Because::ServiceFails {
                service: name(),
                word: ServiceWord::Timeout,
                failed: 4,
                attempts: 5,
                centres: 31,
            },
            &["KC-7", "4", "5", "31"],
        ),
        (
            Because::ServiceWorksElsewhere {
                service: name(),
                centres: 31,
            },
            &["KC-7", "31"],
        ),
        (
            Because::Resolver {
                name: name(),
                outcome: DnsWord::Servfail,
            },
            &["KC-7"],
        ),
        (Because::OtherResolverWorks, &["DNS"]),
        (Because::LargePacketsVanish { targets: 2 }, &["2"]),
        (Because::SmallPacketsPass, &[]),
        (Because::LoginPage { service: name() }, &["KC-7"]),
        (
            Because::CpuBusy {
                ratio: 0.98,
                lag_ms: 420.0,
            },
            &["98%", "420 ms"],
        ),
        (Because::ClockOff { seconds: 480.0 }, &["8"]),
        (Because::SiblingsWell { n: 9 }, &["9"]),
        (
            Because::Printer {
                conditions: vec![name(), "jam".into()],
            },
            &["KC-7"],
        ),
        (
            Because::GettingWorse {
                from: 0.01,
                to: 0.14,
                minutes: 40.0,
            },
            &["1%", "14%", "40"],
        ),
        (
            Because::GettingLater {
                from_ms: 18.0,
                to_ms: 95.0,
                minutes: 40.0,
            },
            &["18", "95 ms", "40"],
        ),
        (Because::RateLimitedHop, &["ping"]),
        (
            Because::Backlog {
                from: SINCE,
                to: SINCE + 720.0,
            },
            &["12"],
        ),
    ]
}

#[test]
fn every_reason_is_a_clause_of_its_own_with_its_figures() {
    let mut seen = HashSet::new();
    for (reason, figures) in reasons() {
        let said = because(&reason);
        assert_ne!(said.vi, said.en);
        for text in [&said.vi, &said.en] {
            is_whole(&format!("{}.", capital(text)));
            for figure in figures {
                assert!(text.contains(figure), "{figure:?} is not in {text:?}");
            }
            assert!(seen.insert(text.clone()), "twice: {text}");
        }
    }
}

#[test]
fn one_of_something_is_told_in_the_singular() {
    for (reason, expected) in [
        (Because::OnBattery { agents: 1 }, "1 PC runs on battery"),
        (
            Because::SiblingsWell { n: 1 },
            "1 other PC of the centre is well",
        ),
        (
            Because::Backlog {
                from: 0.0,
                to: 86_400.0 * 4.0,
            },
            "what the PCs recorded during 4 days of silence has arrived",
        ),
        (
            Because::UsersWereActive { n: 1 },
            "1 person was at work when it went silent",
        ),
    ] {
        assert_eq!(because(&reason).en, expected);
    }
}

#[test]
fn fractions_are_written_as_in_the_language() {
    let said = because(&Because::TrafficHigh { bps: 48.3e6 });
    assert!(
        said.vi.contains("48,3 Mbit/s") && said.en.contains("48.3 Mbit/s"),
        "{said:?}"
    );
}
