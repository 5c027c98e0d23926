//! Faults as one machine sees them, each with the verdict it must get.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod aside;
mod broken;
mod centre;
mod chance;
mod outwards;

use std::collections::BTreeSet;

use self::broken::{BROKEN, beyond_gateway, of};
use self::centre::{fails, late, lossy, resolver, services, silent_from, well};
use super::{LIKELY, judge};
use crate::Fault;
use crate::evidence::{Clock, DnsOutcome, Evidence, Mtu, Place, ServiceOutcome};

#[test]
fn every_fault_is_named() {
    for broken in BROKEN {
        let (name, fault, _) = broken;
        let verdict = judge(&of(broken));
        assert_eq!(verdict.fault, Some(*fault), "{name}: {verdict:#?}");
        if *fault == Fault::Unknown {
            assert!(verdict.confidence < LIKELY, "{name}");
        } else {
            assert_eq!(verdict.segment, fault.segment(), "{name}");
            assert!(verdict.confidence >= LIKELY, "{name}");
            assert!(!verdict.because.is_empty(), "{name} has reasons");
        }
        let total: f64 = verdict.alternatives.iter().map(|one| one.p).sum();
        let unknown = *fault == Fault::Unknown;
        let total = if unknown {
            total
        } else {
            total + verdict.confidence
        };
        assert!(total <= 1.000_001, "{name}: {total}");
    }
}

#[test]
fn all_that_one_machine_can_tell_is_in_the_table() {
    // What takes more than one machine, or longer than a moment.
    let elsewhere = BTreeSet::from([
        Fault::PcBlocked,
        Fault::LanPartial,
        Fault::LineDegrading,
        Fault::IspAreaDown,
        Fault::CollectorPathDown,
        Fault::DnsIspDown,
        Fault::PowerOutage,
        Fault::PrinterFault,
    ]);
    let named: BTreeSet<Fault> = BROKEN.iter().map(|(_, fault, _)| *fault).collect();
    let all: BTreeSet<Fault> = Fault::ALL.iter().copied().collect();
    assert_eq!(named, &all - &elsewhere);
}

#[test]
fn every_sentence_is_its_own_in_both_languages() {
    let mut seen = BTreeSet::new();
    for broken in BROKEN {
        let verdict = judge(&of(broken));
        assert_ne!(verdict.sentence.vi, verdict.sentence.en, "{}", broken.0);
        assert_ne!(verdict.action.vi, verdict.action.en, "{}", broken.0);
        assert!(verdict.action.en.ends_with('.') && verdict.action.vi.ends_with('.'));
        seen.insert((verdict.fault, verdict.sentence.vi));
    }
    assert!(seen.len() > 30, "{}", seen.len());
}

#[test]
fn when_all_is_well_nothing_is_found() {
    let check = |name: &str, change: fn(&mut Evidence)| {
        let mut evidence = well();
        change(&mut evidence);
        let verdict = judge(&evidence);
        assert_eq!(
            (verdict.fault, verdict.segment),
            (None, None),
            "{name}: {verdict:#?}"
        );
        assert!(verdict.confidence >= LIKELY, "{name}");
    };
    check("everything measured", |_| {});
    check("a router that answers no echoes but forwards", |evidence| {
        lossy(evidence, 50, |place| place == Place::Gateway);
        evidence.links[0].rtt = None;
    });
    check("a router that answers few echoes", |evidence| {
        lossy(evidence, 30, |place| place == Place::Gateway);
    });
    check("a hop that answers late and seldom", |evidence| {
        lossy(evidence, 40, |place| place == Place::Hop(1));
        late(evidence, 500, |place| place == Place::Hop(1));
    });
    check("echoes are blocked everywhere, services work", |evidence| {
        for link in &mut evidence.links {
            (link.received, link.rtt) = (0, None);
        }
        evidence.links.retain(|link| link.place != Place::Collector);
    });
    check("one anchor is gone", |evidence| {
        (evidence.links[3].received, evidence.links[3].rtt) = (0, None);
    });
    check("one anchor is lossy", |evidence| {
        evidence.links[3].received = 30
    });
    check("3 of 50 lost", |evidence| {
        lossy(evidence, 3, beyond_gateway)
    });
    check("1 of 10 lost", |evidence| {
        for link in &mut evidence.links {
            (link.sent, link.received) = (10, 9);
        }
    });
    check("the second resolver is dead, nobody notices", |evidence| {
        evidence.dns.push(resolver("192.168.1.2", true));
        evidence.dns[2].outcome = DnsOutcome::Timeout;
    });
    check("a resolver that is not ours is dead", |evidence| {
        evidence.dns[1].outcome = DnsOutcome::Timeout;
    });
    check("a clock half a minute off", |evidence| {
        evidence.host.clock = Some(Clock {
            ahead: 30.0,
            witnesses: 2,
        });
    });
    check("nothing but services was measured", |evidence| {
        *evidence = Evidence {
            services: evidence.services.clone(),
            ..Evidence::default()
        };
    });
    check("a busy processor that does not delay anybody", |evidence| {
        evidence.host.cpu = Some(1.0);
    });
}

#[test]
fn a_fault_further_out_waits_for_what_is_nearer() {
    let check = |name: &str, expected, change: fn(&mut Evidence)| {
        let mut evidence = well();
        change(&mut evidence);
        assert_eq!(judge(&evidence).fault, Some(expected), "{name}");
    };
    check(
        "a lossy line explains slow pages",
        Fault::LineLossy,
        |evidence| {
            lossy(evidence, 15, beyond_gateway);
            fails(&mut evidence.services[1], ServiceOutcome::Timeout);
            evidence.dns[0].outcome = DnsOutcome::Timeout;
        },
    );
    check(
        "a dead line explains a resolver that cannot find out",
        Fault::LineDown,
        |evidence| {
            silent_from(evidence, beyond_gateway);
            evidence.dns[0].outcome = DnsOutcome::ServFail;
        },
    );
    check(
        "a dead resolver explains services",
        Fault::DnsDown,
        |evidence| {
            evidence.dns[0].outcome = DnsOutcome::Timeout;
            services(evidence, ServiceOutcome::DnsFailed);
            fails(
                &mut evidence.services[2],
                ServiceOutcome::CertificateExpired,
            );
        },
    );
    check(
        "an expired certificate alone is the service's",
        Fault::CertificateExpired,
        |evidence| {
            fails(
                &mut evidence.services[0],
                ServiceOutcome::CertificateExpired,
            );
            evidence.mtu.push(Mtu {
                target: "two".into(),
                ok: true,
                network: None,
            });
        },
    );
}
