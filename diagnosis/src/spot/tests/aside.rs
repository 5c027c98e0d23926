//! What stands beside a verdict: how single things are shown, what is worth a look, and other networks.

use super::super::Standing;
use super::broken::beyond_gateway;
use super::centre::{fails, late, link, lossy, resolver, services, silent_from, well};
use super::judge;
use crate::Fault;
use crate::evidence::{Clock, DnsOutcome, Evidence, Link, Place, ServiceOutcome};

#[test]
fn a_good_verdict_mentions_what_is_worth_a_look() {
    let check = |expected: &str, change: fn(&mut Evidence)| {
        let mut evidence = well();
        change(&mut evidence);
        let verdict = judge(&evidence);
        assert_eq!(verdict.fault, None, "{expected}");
        let said = &verdict.sentence;
        assert!(said.en.contains(expected), "{said:?}");
        let mentions = !expected.starts_with("All is well:");
        assert_eq!(said.vi.contains("nhưng"), mentions, "{said:?}");
    };
    check("All is well: from", |_| {});
    check("but the clock of this PC is 30 seconds fast", |evidence| {
        evidence.host.clock = Some(Clock {
            ahead: 30.0,
            witnesses: 2,
        });
    });
    check("but the DNS server 192.168.1.2 fails", |evidence| {
        evidence.dns.push(resolver("192.168.1.2", true));
        evidence.dns[2].outcome = DnsOutcome::Timeout;
    });
    check("but large packets to one get lost", |evidence| {
        evidence.mtu[0].ok = false;
    });
    check("All is well: from", |evidence| {
        evidence.dns[1].outcome = DnsOutcome::Timeout;
    });
}

#[test]
fn what_was_hardly_measured_is_hardly_certain() {
    let mut evidence = well();
    for link in &mut evidence.links {
        (link.sent, link.received) = (1, 1);
    }
    let verdict = judge(&evidence);
    assert_eq!(verdict.fault, None);
    assert!(verdict.confidence <= 0.7, "{}", verdict.confidence);
    assert!(judge(&well()).confidence > 0.9);
}

#[test]
fn large_packets_are_missed_where_certificates_are() {
    let mut evidence = well();
    evidence.mtu[0].ok = false;
    assert_eq!(Standing::of_large_packets(&evidence), Standing::Odd);
    fails(&mut evidence.services[0], ServiceOutcome::Timeout);
    let verdict = judge(&evidence);
    assert_eq!(verdict.fault, Some(Fault::MtuBlackhole));
    assert!(verdict.confidence < 0.9);
    services(&mut evidence, ServiceOutcome::Timeout);
    assert!(judge(&evidence).confidence >= 0.9);
    assert_eq!(Standing::of_large_packets(&evidence), Standing::Bad);
}

#[test]
fn links_are_shown_as_they_are_judged() {
    let check = |change: fn(&mut Evidence), expected: [Standing; 6]| {
        let mut evidence = well();
        change(&mut evidence);
        let links = evidence.links.iter();
        let shown: Vec<Standing> = links
            .map(|link| Standing::of_link(link, &evidence))
            .collect();
        assert_eq!(shown, expected);
    };
    use Standing::{Bad, Good, Odd};
    check(|_| {}, [Good; 6]);
    // A router that answers seldom and forwards.
    check(
        |evidence| lossy(evidence, 20, |place| place == Place::Gateway),
        [Odd, Good, Good, Good, Good, Good],
    );
    check(
        |evidence| lossy(evidence, 20, |place| place != Place::Gateway),
        [Good, Bad, Bad, Bad, Bad, Bad],
    );
    check(
        |evidence| evidence.links[3].received = 30,
        [Good, Good, Good, Odd, Good, Good],
    );
}

#[test]
fn late_links_are_shown_as_they_are_judged() {
    let shown = |evidence: &Evidence| -> Vec<bool> {
        let links = evidence.links.iter();
        let standings = links.map(|link| Standing::of_delay(link, evidence));
        standings.map(|one| one == Standing::Bad).collect()
    };
    let mut evidence = well();
    assert_eq!(shown(&evidence), [false; 6]);
    late(&mut evidence, 400, beyond_gateway);
    assert_eq!(judge(&evidence).fault, Some(Fault::LineSlow));
    assert_eq!(shown(&evidence), [false, true, true, true, true, true]);
}

#[test]
fn clocks_and_resolvers_are_shown_as_they_are_judged() {
    assert_eq!(Standing::of_clock(-4.0), Standing::Good);
    assert_eq!(Standing::of_clock(30.0), Standing::Odd);
    assert_eq!(Standing::of_clock(-119.0), Standing::Odd);
    assert_eq!(Standing::of_clock(121.0), Standing::Bad);
    let mut evidence = well();
    let shown =
        |evidence: &Evidence, number: usize| Standing::of_resolver(&evidence.dns[number], evidence);
    evidence.dns[1].outcome = DnsOutcome::Timeout;
    assert_eq!(shown(&evidence, 1), Standing::Odd);
    evidence.dns[0].outcome = DnsOutcome::Timeout;
    assert_eq!(shown(&evidence, 0), Standing::Bad);
    evidence.dns.push(resolver("192.168.1.2", true));
    assert_eq!(shown(&evidence, 0), Standing::Odd);
}

#[test]
fn only_an_error_has_a_number() {
    let mut evidence = well();
    evidence.services[0].outcome = ServiceOutcome::Unexpected;
    let verdict = judge(&evidence);
    assert_eq!(verdict.fault, Some(Fault::ServiceError));
    assert!(
        !verdict.sentence.en.contains("200"),
        "{:?}",
        verdict.sentence
    );
    evidence.services[0].outcome = ServiceOutcome::HttpError;
    evidence.services[0].status = Some(503);
    assert!(judge(&evidence).sentence.en.contains("503"));
}

#[test]
fn a_router_nobody_saw_is_not_said_to_work() {
    let mut evidence = well();
    silent_from(&mut evidence, |place| place != Place::Gateway);
    assert!(judge(&evidence).sentence.en.contains("router works"));
    evidence.links.remove(0);
    let verdict = judge(&evidence);
    assert_eq!(verdict.fault, Some(Fault::LineDown));
    assert!(!verdict.sentence.en.contains("router"), "{verdict:?}");
    assert!(!verdict.sentence.vi.contains("định tuyến"), "{verdict:?}");
}

/// A second network with an anchor and a service of its own.
fn with_state_network() -> Evidence {
    let mut evidence = well();
    let network = || Some("state".to_owned());
    evidence.links.push(Link {
        network: network(),
        ..link(Place::Anchor, "hub", 9)
    });
    let mut portal = evidence.services[0].clone();
    (portal.service, portal.network) = ("register".into(), network());
    evidence.services.push(portal);
    evidence
}

#[test]
fn networks_are_judged_each_by_itself() {
    let mut evidence = with_state_network();
    assert_eq!(judge(&evidence).fault, None);
    // The state network answers, and says nothing of the line.
    silent_from(&mut evidence, |place| place != Place::Gateway);
    let of_state = |evidence: &mut Evidence| {
        let fine = with_state_network();
        evidence.links.retain(|link| link.network.is_none());
        evidence.services.retain(|one| one.network.is_none());
        let links = fine.links.into_iter();
        evidence
            .links
            .extend(links.filter(|link| link.network.is_some()));
        let services = fine.services.into_iter();
        evidence
            .services
            .extend(services.filter(|one| one.network.is_some()));
    };
    of_state(&mut evidence);
    assert_eq!(judge(&evidence).fault, Some(Fault::LineDown));
    // The other way round.
    let mut evidence = with_state_network();
    for link in evidence
        .links
        .iter_mut()
        .filter(|link| link.network.is_some())
    {
        (link.received, link.rtt) = (0, None);
    }
    fails(&mut evidence.services[3], ServiceOutcome::Timeout);
    let verdict = judge(&evidence);
    assert_eq!(verdict.fault, Some(Fault::LineDown), "{verdict:#?}");
    assert!(verdict.sentence.en.starts_with("Network “state”: "));
    assert!(verdict.sentence.vi.starts_with("Mạng “state”: "));
}

#[test]
fn a_failing_service_of_a_network_hardly_measured_is_not_well() {
    let mut evidence = with_state_network();
    evidence.links.retain(|link| link.network.is_none());
    fails(&mut evidence.services[3], ServiceOutcome::Timeout);
    let verdict = judge(&evidence);
    assert_eq!(verdict.fault, Some(Fault::Unknown), "{verdict:#?}");
}
