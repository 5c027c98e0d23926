//! Centres where somebody is there to say how it is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

#[test]
fn a_centre_with_a_witness_is_ready_and_one_without_is_unknown() {
    let mut morning = Morning::new();
    morning.measure(OPENING - 4000.0, OPENING + 60.0, &["pc-1", "pc-2"], &good());
    let states: Vec<_> = morning.of_a();
    let expected = ["T-60", "T-30", "T-10", "T-0"]
        .map(|check| (check.to_owned(), State::Ready, "well".to_owned()));
    assert_eq!(states, expected);
    let of_b: Vec<_> = morning
        .verdicts
        .iter()
        .filter(|verdict| verdict.centre == "b")
        .collect();
    assert_eq!(of_b.len(), 4);
    assert!(
        of_b.iter()
            .all(|verdict| verdict.state == State::Unknown && verdict.reason.code == "no_witness")
    );
}

#[test]
fn incidents_decide_by_what_they_take() {
    let ago = OPENING - 1000.0;
    let ends = |mut incident: Incident| {
        incident.until = Some(ago + 100.0);
        incident
    };
    for (incident, expected) in [
        (
            incident("dns_down", ago, &["a"]),
            (State::NotReady, "dns_down"),
        ),
        (
            incident("captive_portal", ago, &["a"]),
            (State::NotReady, "captive_portal"),
        ),
        (
            incident("line_lossy", ago, &["a"]),
            (State::AtRisk, "line_lossy"),
        ),
        (
            incident("service_down", ago, &["a", "b"]),
            (State::AtRisk, "service_down"),
        ),
        (
            incident("pc_link_down", ago, &["a"]),
            (State::AtRisk, "pc_link_down"),
        ),
        (
            incident("printer_fault", ago, &["a"]),
            (State::AtRisk, "printer_fault"),
        ),
        // It was cut off long ago, and is heard.
        (
            incident("line_down", ago, &["a"]),
            (State::AtRisk, "line_down"),
        ),
        (
            incident("collector_down", ago, &["a", "b"]),
            (State::Ready, "well"),
        ),
        (incident("dns_down", ago, &["b"]), (State::Ready, "well")),
        (
            ends(incident("dns_down", ago, &["a"])),
            (State::Ready, "well"),
        ),
    ] {
        let fault = incident.fault.clone();
        let (state, code) = at_ten(&["pc-1", "pc-2"], &good(), vec![incident]);
        assert_eq!((state, code.as_str()), expected, "{fault}");
    }
}

#[test]
fn an_open_incident_without_witness_is_not_ready_unless_the_router_answers() {
    let check = |fault: &str, received: u32, expected: (State, &str)| {
        let mut morning = Morning::new();
        morning
            .incidents
            .push(incident(fault, OPENING - 15.0 * 3600.0, &["a"]));
        for minutes in [20.0, 15.0, 12.0] {
            let ping = Kind::ReversePing(ReversePing { sent: 5, received });
            morning.take(&record(OPENING - minutes * 60.0, "a", "", ping));
        }
        morning.pass(OPENING - 600.0);
        let (state, code) = morning.last();
        assert_eq!((state, code.as_str()), expected, "{fault} {received}");
    };
    check("line_down", 0, (State::NotReady, "line_down"));
    check("line_down", 5, (State::Unknown, "line_proven_no_pc"));
    check("power_outage", 5, (State::Unknown, "line_proven_no_pc"));
    check("lan_down", 5, (State::NotReady, "lan_down"));
    check("collector_down", 0, (State::Unknown, "collector_down"));
    check("isp_degraded", 0, (State::AtRisk, "isp_degraded"));
    check("pc_overloaded", 5, (State::Unknown, "line_proven_no_pc"));
    check("pc_overloaded", 0, (State::Unknown, "no_witness"));
}

#[test]
fn what_people_need_must_work() {
    let mut nameless = good();
    nameless.dns[0].outcome = DnsWord::Timeout;
    let expect = |state, code: &str| (state, code.to_owned());
    let nothing = expect(State::NotReady, "dns_down");
    assert_eq!(at_ten(&["pc-1", "pc-2"], &nameless, Vec::new()), nothing);
    // Names that do not exist are answers.
    nameless.dns[0].outcome = DnsWord::Nxdomain;
    assert_eq!(at_ten(&["pc-1"], &nameless, Vec::new()).0, State::Ready);

    let mut useless = good();
    useless.services = vec![service("portal", 1), service("login", 1)];
    let nothing = expect(State::NotReady, "service_down");
    assert_eq!(at_ten(&["pc-1", "pc-2"], &useless, Vec::new()), nothing);
    let one_machine = expect(State::AtRisk, "service_down");
    assert_eq!(at_ten(&["pc-1"], &useless, Vec::new()), one_machine);
    useless.services[1] = service("login", 0);
    assert_eq!(at_ten(&["pc-1", "pc-2"], &useless, Vec::new()), one_machine);
}

#[test]
fn a_service_that_just_failed_for_many_has_to_be_proven_here() {
    let of_many = |since| {
        let mut incident = incident("service_error", since, &["b", "c", "d"]);
        incident.culprit = Some("portal".to_owned());
        vec![incident]
    };
    let fails = (State::AtRisk, "service_error".to_owned());
    let last_round = OPENING - 640.0;
    assert_eq!(at_ten(&["pc-1"], &good(), of_many(last_round + 1.0)), fails);
    assert_eq!(
        at_ten(&["pc-1"], &good(), of_many(last_round)).0,
        State::Ready
    );
    let mut other = good();
    other.services = vec![service("login", 0)];
    assert_eq!(
        at_ten(&["pc-1"], &other, of_many(last_round + 1.0)).0,
        State::Ready
    );
    let mut of_two = of_many(last_round + 1.0);
    of_two[0].scope.pop();
    assert_eq!(at_ten(&["pc-1"], &good(), of_two).0, State::Ready);
}

#[test]
fn one_sick_machine_is_not_its_centre() {
    let mut sick = good();
    sick.dns[0].outcome = DnsWord::Timeout;
    sick.services = vec![service("portal", 1), service("login", 1)];
    for link in &mut sick.links {
        link.received = 10;
    }
    let mut morning = Morning::new();
    let mut t = OPENING - 4000.0;
    while t < OPENING - 610.0 {
        for (agent, measured) in [("pc-1", &good()), ("pc-2", &good()), ("pc-3", &sick)] {
            morning.take(&record(
                t,
                "a",
                agent,
                Kind::Measured(Box::new(measured.clone())),
            ));
        }
        t += 60.0;
    }
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last(), (State::Ready, "well".to_owned()));
}

#[test]
fn a_line_is_compared_with_its_own_weeks() {
    let mut lossy = good();
    for link in &mut lossy.links[1..] {
        link.received = 19;
    }
    let fresh = at_ten(&["pc-1", "pc-2"], &lossy, Vec::new());
    assert_eq!(fresh, (State::AtRisk, "line_lossy".to_owned()));
    let mut morning = Morning::new();
    // Seven weekdays like that, and it is no news.
    for days in (1..10).rev() {
        let from = OPENING - f64::from(days) * DAY;
        morning.measure(from, from + 1800.0, &["pc-1", "pc-2"], &lossy);
    }
    morning.measure(OPENING - 4000.0, OPENING - 620.0, &["pc-1", "pc-2"], &lossy);
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last(), (State::Ready, "well".to_owned()));
    let mut slow = lossy.clone();
    for link in &mut slow.links {
        link.rtt_ms = Some(180.0);
    }
    morning.measure(OPENING - 590.0, OPENING - 20.0, &["pc-1", "pc-2"], &slow);
    morning.pass(OPENING);
    assert_eq!(
        morning.last(),
        (State::AtRisk, "gateway_overloaded".to_owned())
    );
}

#[test]
fn parts_are_named_when_all_else_is_well() {
    let printer = |t: f64, condition: &str| {
        let printer = Printer {
            device: "mfp-1".into(),
            reachable: true,
            conditions: vec![condition.into()],
        };
        record(t, "a", "pc-1", Kind::Printer(printer))
    };
    let mut morning = Morning::new();
    morning.measure(OPENING - 2000.0, OPENING - 1700.0, &["pc-1"], &good());
    for minutes in [25.0, 24.0, 23.0, 20.0, 15.0, 11.0] {
        morning.take(&printer(OPENING - minutes * 60.0, "paper_low"));
    }
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last().0, State::Ready, "low is enough for now");
    for minutes in [9.0, 6.0, 3.0, 1.0] {
        morning.take(&printer(OPENING - minutes * 60.0, "jam"));
    }
    morning.pass(OPENING);
    assert_eq!(morning.last(), (State::AtRisk, "printer_fault".to_owned()));
    let sentence = &morning.verdicts.last().unwrap();
    assert!(
        morning
            .verdicts
            .iter()
            .any(|verdict| verdict.reason.sentence.en.contains("mfp-1")),
        "{sentence:?}"
    );

    let mut off = good();
    off.host = Some(HostState {
        clock_offset_s: Some(-3600.0),
        ..HostState::default()
    });
    assert_eq!(
        at_ten(&["pc-1"], &off, Vec::new()),
        (State::AtRisk, "pc_clock_wrong".to_owned())
    );
    off.host = Some(HostState {
        on_battery: Some(true),
        ..HostState::default()
    });
    assert_eq!(
        at_ten(&["pc-1", "pc-2"], &off, Vec::new()),
        (State::AtRisk, "on_battery".to_owned())
    );
    assert_eq!(
        at_ten(&["pc-1"], &off, Vec::new()).0,
        State::Ready,
        "one laptop that is not plugged in"
    );
}

#[test]
fn what_is_known_otherwise_counts_until_it_is_mended() {
    let mut morning = Morning::new();
    let full = Weakness::DiskFull {
        device: "pc-1".into(),
    };
    morning.readiness.know("a", vec![full]);
    morning.measure(OPENING - 2000.0, OPENING - 620.0, &["pc-1"], &good());
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last(), (State::AtRisk, "disk_full".to_owned()));
    morning.readiness.know("a", Vec::new());
    morning.measure(OPENING - 590.0, OPENING - 20.0, &["pc-1"], &good());
    morning.pass(OPENING);
    assert_eq!(morning.last().0, State::Ready);
}

#[test]
fn a_goodbye_takes_the_witness_away_and_a_hello_brings_one() {
    let mut morning = Morning::new();
    morning.measure(OPENING - 4000.0, OPENING - 650.0, &["pc-1"], &good());
    morning.take(&record(
        OPENING - 630.0,
        "a",
        "pc-1",
        Kind::Goodbye(Goodbye::Sleep),
    ));
    morning.pass(OPENING - 600.0);
    assert_eq!(morning.last().0, State::Unknown);
    // A hello tells when the machine started; it is heard when it arrives.
    let mut hello = record(OPENING - 400.0, "a", "pc-1", Kind::Hello(Hello::Wake));
    hello.arrived = OPENING - 10.0;
    morning.take(&hello);
    morning.pass(OPENING);
    assert_eq!(morning.last(), (State::Ready, "well".to_owned()));
    assert_eq!(morning.readiness.witnesses("a", OPENING), (1, 1));
}
