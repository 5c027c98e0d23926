//! Every way in which a portal, a resolver or a line can fail is told by its own word on `/metrics`, and
//! is over when it is over.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::centre::{Centre, SOON};
use crate::emulator::Impairment;
use crate::harness::faketime::{Error, FakeClock};
use crate::harness::metric;
use crate::harness::scrape::Page;
use crate::servers::Door;
use crate::servers::authority::{Certificate, FINE_DAYS};
use crate::servers::portal::{Answer, TEXT};
use crate::servers::resolver::Manner;
use crate::{Lab, ms, needs, watch};

/// There and back over the line.
const RTT: Duration = ms(40);

/// What computing may add to a phase, on a busy machine: the best of some attempts counts.
const BUSY: Duration = ms(35);

const ALL_WELL: [(&str, &str); 4] = [
    ("portal", "answered"),
    ("login", "answered"),
    ("vneid", "answered"),
    ("plain", "answered"),
];

/// One service of each portal by HTTPS, and one of the first by HTTP. Of the third no text is expected.
fn services() -> String {
    let service = |name: &str, url: &str, expect: &str| {
        format!("[[service]]\nname = \"{name}\"\nurl = \"{url}\"\n{expect}")
    };
    let expect = format!("expect = \"{TEXT}\"\n");
    service("portal", "https://dichvucong.gov.vn/", &expect)
        + &service("login", "https://xacthuc.dichvucong.gov.vn/", &expect)
        + &service("vneid", "https://vneid.gov.vn/", "")
        + &service("plain", "http://dichvucong.gov.vn/", &expect)
}

/// What is wrong with a portal.
enum Ill {
    Shows(Certificate),
    Answers(Answer),
    Door(Door),
}

#[tokio::test]
async fn each_ill_of_a_portal_has_its_word_and_its_end() {
    let lab = needs!(Lab::new());
    lab.line().both(Impairment::none().delay(RTT / 2));
    let centre = watch::over(&lab, &services()).await;
    centre.services_end(&ALL_WELL).await;
    phases_are_those_of_the_line(&centre).await;

    let maintenance = || Answer::Text("Bảo trì hệ thống".to_owned());
    let elsewhere = || Answer::Redirect("https://login.example.org/".to_owned());
    for (ills, words) in [
        (
            [
                Ill::Shows(Certificate::Expired),
                Ill::Shows(Certificate::NotYetValid),
                Ill::Shows(Certificate::OtherName),
            ],
            [
                "certificate_expired",
                "certificate_not_yet_valid",
                "certificate_name",
                "answered",
            ],
        ),
        (
            [
                Ill::Answers(maintenance()),
                Ill::Shows(Certificate::SelfSigned),
                Ill::Answers(Answer::Status(500)),
            ],
            [
                "unexpected",
                "certificate_untrusted",
                "http_error",
                "unexpected",
            ],
        ),
        (
            [
                Ill::Door(Door::Closed),
                Ill::Answers(Answer::EndlessBody),
                Ill::Answers(Answer::EndlessHeaders),
            ],
            ["refused", "unexpected", "too_large", "refused"],
        ),
        (
            [
                Ill::Answers(Answer::HalfOpen),
                Ill::Door(Door::Gone),
                Ill::Answers(elsewhere()),
            ],
            // Who shows a good certificate may send people wherever it likes.
            ["timeout", "timeout", "answered", "timeout"],
        ),
    ] {
        for (portal, ill) in centre.lab.portals().iter().zip(ills) {
            match ill {
                Ill::Shows(certificate) => portal.shows(certificate),
                Ill::Answers(answer) => portal.answers(answer),
                Ill::Door(door) => portal.door(door).unwrap(),
            }
        }
        let outcomes: Vec<_> = ALL_WELL.iter().map(|(name, _)| *name).zip(words).collect();
        centre.services_end(&outcomes).await;
        if words[1] == "timeout" {
            hung_in_its_phase(&centre).await;
        }
        for portal in centre.lab.portals() {
            portal.shows(Certificate::Fine);
            portal.answers(Answer::Fine);
            portal.door(Door::Open).unwrap();
        }
        centre.services_end(&ALL_WELL).await;
    }
    slowness_is_in_the_first_byte_alone(&centre).await;
    a_captive_network_is_told(&centre).await;
}

/// When all is well each phase costs the round trips it is made of, and little more.
async fn phases_are_those_of_the_line(centre: &Centre<'_>) {
    let status = metric("dawnwatch_probe_http_status_code").label("service", "portal");
    let expiry = metric("dawnwatch_probe_tls_expiry_timestamp_seconds").label("service", "portal");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let expires = centre
        .shows("phases of the line's delay", SOON, |page| {
            for service in ["portal", "login", "vneid"] {
                let mut sum = Duration::ZERO;
                for phase in ["dns", "connect", "tls", "first_byte"] {
                    let took = watch::phase(page, service, phase)?;
                    between(&format!("{service} {phase}"), took, RTT, RTT + BUSY)?;
                    sum += took;
                }
                between(service, sum, 4 * RTT, 4 * RTT + 2 * BUSY)?;
                between(
                    service,
                    watch::phase(page, service, "transfer")?,
                    ms(0),
                    BUSY,
                )?;
            }
            assert_eq!(
                watch::phases(page, "plain"),
                ["connect", "dns", "first_byte", "transfer"]
            );
            status.clone().is(200.0).found_in(page)?;
            expiry.found_in(page)
        })
        .await;
    let expected = now.as_secs_f64() + f64::from(FINE_DAYS) * 86_400.0;
    assert!((expires - expected).abs() < 120.0, "{expires}, {expected}");
}

/// A half-open server connects and hangs in TLS, or in the first byte; one that is gone does not connect.
async fn hung_in_its_phase(centre: &Centre<'_>) {
    let expected: [(&str, &[&str]); 3] = [
        ("portal", &["connect", "dns"]),
        ("login", &["dns"]),
        ("plain", &["connect", "dns"]),
    ];
    let look = |page: &Page| {
        expected.iter().try_for_each(|(service, expected)| {
            let phases = watch::phases(page, service);
            match phases == *expected {
                true => Ok(()),
                false => Err(format!("{service} finished {phases:?}")),
            }
        })
    };
    centre.shows("the phase that hung", SOON, look).await;
}

async fn slowness_is_in_the_first_byte_alone(centre: &Centre<'_>) {
    let slow = ms(300);
    centre.lab.portal().is_slow(slow);
    let look = |page: &Page| {
        let first_byte = watch::phase(page, "portal", "first_byte")?;
        between("first byte", first_byte, slow + RTT, slow + RTT + BUSY)?;
        ["dns", "connect", "tls"].iter().try_for_each(|phase| {
            let took = watch::phase(page, "portal", phase)?;
            between(phase, took, RTT, RTT + BUSY)
        })
    };
    centre.shows("a slow first byte", SOON, look).await;
    centre.services_end(&ALL_WELL).await;
    centre.lab.portal().answers(Answer::Fine);
}

async fn a_captive_network_is_told(centre: &Centre<'_>) {
    let gateway = centre.lab.captive_portal();
    gateway.takes_all().unwrap();
    let all = ALL_WELL.map(|(name, _)| (name, "captive"));
    centre.services_end(&all).await;
    gateway.lets_go().unwrap();
    centre.services_end(&ALL_WELL).await;
}

#[tokio::test]
async fn each_ill_of_a_resolver_has_its_word_and_its_end() {
    let lab = needs!(Lab::new());
    let resolvers = "[[resolver]]\nname = \"isp\"\naddress = \"203.0.113.53\"\n\
        [[resolver]]\nname = \"public\"\naddress = \"1.1.1.1\"\n";
    let centre = watch::over(&lab, &(services() + resolvers)).await;
    let well = [
        ("isp", "answered"),
        ("public", "answered"),
        ("system", "answered"),
    ];
    centre.resolvers_end(&well).await;
    centre.services_end(&ALL_WELL).await;

    let isp = centre.lab.resolver();
    let vneid = centre.lab.portals()[2].address();
    for (manner, word) in [
        (Manner::Lies(vneid), "wrong"),
        (Manner::ServFail, "servfail"),
        (Manner::Lies(Ipv4Addr::new(192, 168, 1, 1)), "wrong"),
        (Manner::NxDomain, "nxdomain"),
        (Manner::Refused, "refused"),
        // Follows one that does not answer: the answers are those of TCP.
        (Manner::Truncates, "answered"),
        (Manner::Silent, "timeout"),
    ] {
        isp.answers(manner);
        centre
            .resolvers_end(&[("isp", word), ("public", "answered")])
            .await;
        match manner {
            // The portal's name leads to another's machine now.
            Manner::Lies(address) if address == vneid => {
                centre
                    .services_end(&[("portal", "certificate_name"), ("vneid", "answered")])
                    .await;
            }
            Manner::Truncates => centre.services_end(&ALL_WELL).await,
            Manner::Silent => known_addresses_are_tried_on(&centre).await,
            _ => {}
        }
    }
    isp.door(Door::Closed).unwrap();
    centre
        .resolvers_end(&[("isp", "unreachable"), ("public", "answered")])
        .await;
    isp.door(Door::Open).unwrap();
    isp.answers(Manner::Answers);
    centre.resolvers_end(&well).await;
    centre.services_end(&ALL_WELL).await;
    let page = centre.collector.metrics().await.unwrap();
    let public = metric("dawnwatch_dns_outcome").label("resolver", "public");
    assert_eq!(
        public.all_in(&page).len(),
        1,
        "it never was anything but well"
    );
}

/// Without any DNS, what is known is tried all the same, phase by phase.
async fn known_addresses_are_tried_on(centre: &Centre<'_>) {
    centre.resolvers_end(&[("system", "timeout")]).await;
    let failed = ALL_WELL.map(|(name, _)| (name, "dns_failed"));
    centre.services_end(&failed).await;
    let look = |page: &Page| {
        let phases = watch::phases(page, "vneid");
        match phases == ["connect", "first_byte", "tls", "transfer"] {
            true => Ok(()),
            false => Err(format!("{phases:?}")),
        }
    };
    centre.shows("phases at the last address", SOON, look).await;
}

#[tokio::test]
async fn a_black_hole_is_told_from_a_small_line() {
    let lab = needs!(Lab::new());
    let centre = watch::over(&lab, "").await;
    let mtu = |bytes: f64, is_black_hole: f64| {
        move |page: &Page| {
            let largest = metric("dawnwatch_path_mtu_bytes").label("target", "collector");
            largest.is(bytes).found_in(page)?;
            let black_hole = metric("dawnwatch_path_mtu_blackhole").label("target", "collector");
            black_hole.is(is_black_hole).found_in(page)
        }
    };
    centre.shows("all of it", SOON, mtu(1_500.0, 0.0)).await;
    centre.lab.isp().set_mtu(1_420).unwrap();
    centre.shows("a small line", SOON, mtu(1_420.0, 0.0)).await;
    centre.lab.isp().set_mtu(1_500).unwrap();
    // On the way back, so that the agent's reports go on.
    centre
        .lab
        .isp()
        .down(Impairment::none().swallows_above(1_400));
    centre.shows("a black hole", SOON, mtu(1_400.0, 1.0)).await;
    centre.lab.isp().heal();
    centre
        .shows("all of it again", SOON, mtu(1_500.0, 0.0))
        .await;
}

#[tokio::test]
async fn a_wrong_clock_is_not_an_expired_certificate() {
    let lab = needs!(Lab::new());
    let clock = needs!(FakeClock::new());
    let ten_years = Duration::from_hours(24 * 3_652);
    clock.set(Error::Ahead(ten_years));
    lab.portals()[2].shows(Certificate::Expired);
    let within = [lab.on_pc(1), clock.before_commands()].concat();
    let centre = watch::within(&lab, &within, &services()).await;
    let wrong = |vneid| {
        [
            ("portal", "clock_wrong"),
            ("login", "clock_wrong"),
            ("vneid", vneid),
            ("plain", "answered"),
        ]
    };
    // What has expired by anybody's clock has expired.
    centre.services_end(&wrong("certificate_expired")).await;
    centre.lab.portals()[2].shows(Certificate::Fine);
    centre.services_end(&wrong("clock_wrong")).await;
    clock.set(Error::Ahead(Duration::ZERO));
    centre.services_end(&ALL_WELL).await;
    clock.set(Error::Behind(ten_years));
    centre.services_end(&wrong("clock_wrong")).await;
}

fn between(what: &str, took: Duration, least: Duration, most: Duration) -> Result<(), String> {
    // The clock of the phases and that of the line are rounded differently.
    match (least.saturating_sub(ms(1))..=most).contains(&took) {
        true => Ok(()),
        false => Err(format!("{what}: {took:?}, not {least:?} to {most:?}")),
    }
}
