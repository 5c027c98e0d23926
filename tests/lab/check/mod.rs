//! `dawnwatch-agent check` names what is wrong, for whoever runs it, says what to do, and sees nothing where
//! nothing is.
//!
//! [`who`] runs it · [`verdict`] reads it · this file: what can be broken between a PC and the portals ·
//! [`odd`]: PCs, settings and loads that take more to set up.

mod download;
mod odd;
mod verdict;
mod who;

use std::time::Duration;

use self::verdict::{NONE, Saw};
use self::who::Who;
use crate::emulator::Impairment;
use crate::network::{Namespace, PCS, PORTALS};
use crate::servers::Door;
use crate::servers::authority::Certificate;
use crate::servers::portal::{Answer, Portal};
use crate::servers::resolver::Manner;
use crate::{Lab, ms, needs};

/// When nothing is wrong a check is over so soon.
const QUICK: Duration = Duration::from_secs(10);

/// Longer than any packet.
const LONG_PAGE: usize = 20_000;

/// What is wrong, how it comes about, and what a check has to say of it.
struct Ill {
    what: &'static str,
    begins: fn(&Lab),
    saw: Saw,
}

const fn ill(what: &'static str, begins: fn(&Lab), saw: Saw) -> Ill {
    Ill { what, begins, saw }
}

const NEAR: &[Ill] = &[
    ill("the cables are out", cables_out, ("device", "pc_link_down")),
    ill(
        "the router is dead",
        Lab::gateway_dies,
        ("gateway", "gateway_down"),
    ),
    ill(
        "the router answers no echoes",
        |lab| ignores_echoes(&lab.network().gateway),
        NONE,
    ),
    ill(
        "a login page is in the way",
        captive,
        ("route", "captive_portal"),
    ),
];

const BEYOND: &[Ill] = &[
    ill(
        "the line is dead",
        |lab| lab.line().cut(),
        ("line", "line_down"),
    ),
    ill(
        "the line loses 12 %",
        |lab| lab.line().up(loss(0.12)),
        ("line", "line_lossy"),
    ),
    ill(
        "the line loses 20 %",
        |lab| lab.line().down(loss(0.2)),
        ("line", "line_lossy"),
    ),
    ill(
        "the line is slow",
        |lab| lab.line().both(delay(120)),
        ("line", "line_slow"),
    ),
    ill(
        "the ISP is dead",
        |lab| lab.isp().cut(),
        ("isp", "isp_down"),
    ),
    ill(
        "the ISP loses 20 %",
        |lab| lab.isp().up(loss(0.2)),
        ("isp", "isp_degraded"),
    ),
    ill(
        "large packets vanish",
        black_hole,
        ("route", "mtu_blackhole"),
    ),
    ill(
        "a router hides",
        |lab| lab.hides(&lab.network().isp_1),
        NONE,
    ),
    ill("a router shows itself once a second", thrifty, NONE),
    ill(
        "a router answers no echoes",
        |lab| ignores_echoes(&lab.network().isp_1),
        NONE,
    ),
];

const NAMES: &[Ill] = &[
    ill(
        "the resolver is silent",
        |lab| lab.resolver().is_silent(),
        ("dns", "dns_down"),
    ),
    ill(
        "the resolver fails",
        |lab| lab.resolver().answers(Manner::ServFail),
        ("dns", "dns_down"),
    ),
    ill(
        "the resolver lies",
        |lab| lab.resolver().lies(PORTALS[2]),
        ("dns", "dns_down"),
    ),
];

const SERVICES: &[Ill] = &[
    ill(
        "a portal refuses",
        |lab| door(lab.portal(), Door::Closed),
        ("service", "service_down"),
    ),
    ill(
        "a portal is silent",
        |lab| door(lab.portal(), Door::Gone),
        ("service", "service_down"),
    ),
    ill(
        "a portal is slow",
        |lab| lab.portal().is_slow(ms(3_500)),
        ("service", "service_slow"),
    ),
    ill(
        "a portal fails",
        |lab| lab.portal().answers(Answer::Status(503)),
        ("service", "service_error"),
    ),
    ill(
        "a certificate has expired",
        expired,
        ("service", "certificate_expired"),
    ),
    ill(
        "all portals refuse",
        |lab| all_doors(lab, Door::Closed),
        ("route", "route_blocked"),
    ),
    ill(
        "no portal answers",
        |lab| all_doors(lab, Door::Gone),
        ("route", "route_blocked"),
    ),
];

fn loss(share: f64) -> Impairment {
    Impairment::none().loss(share)
}

fn delay(milliseconds: u64) -> Impairment {
    Impairment::none().delay(ms(milliseconds))
}

fn cables_out(lab: &Lab) {
    lab.cable_out();
    lab.network().switch.ip("link set port-2 down").unwrap();
}

fn ignores_echoes(router: &Namespace) {
    router.set("net.ipv4.icmp_echo_ignore_all", "1").unwrap();
}

fn captive(lab: &Lab) {
    lab.captive_portal().takes_all().unwrap();
}

fn black_hole(lab: &Lab) {
    lab.isp().both(Impairment::none().swallows_above(1_400));
    for portal in lab.portals() {
        portal.answers(Answer::Text("công ".repeat(LONG_PAGE / 6)));
    }
}

fn thrifty(lab: &Lab) {
    lab.hides_above(&lab.network().isp_1, 1);
}

fn door(portal: &Portal, door: Door) {
    portal.door(door).unwrap();
}

fn all_doors(lab: &Lab, how: Door) {
    lab.portals().iter().for_each(|portal| door(portal, how));
}

fn expired(lab: &Lab) {
    lab.portal().shows(Certificate::Expired);
}

/// Everything is well again.
fn heal(lab: &Lab) {
    let network = lab.network();
    lab.cable_in();
    network.switch.ip("link set port-2 up").unwrap();
    lab.gateway_lives();
    for link in [lab.line(), lab.isp(), lab.core()] {
        link.heal();
    }
    for resolver in [lab.resolver()].into_iter().chain(lab.public_resolvers()) {
        resolver.answers(Manner::Answers);
    }
    for portal in lab.portals() {
        portal.answers(Answer::Fine);
        portal.shows(Certificate::Fine);
    }
    all_doors(lab, Door::Open);
    lab.captive_portal().lets_go().unwrap();
    for router in [&network.gateway, &network.isp_1] {
        lab.shows(router);
        router.set("net.ipv4.icmp_echo_ignore_all", "0").unwrap();
    }
}

/// Root on PC 1, somebody without rights on PC 2 and a reader look at the same time. What they see otherwise
/// than expected is returned: one run tells all of it.
async fn mistakes(lab: &Lab, ill: &Ill, language: &str) -> Vec<String> {
    eprintln!("===== {}", ill.what);
    (ill.begins)(lab);
    let (root, somebody, reader) = (Who::root(lab, 1), Who::somebody(lab, 2), Who::root(lab, 1));
    let (of_root, of_somebody, read) = tokio::join!(
        root.gets_json(&[]),
        somebody.gets_json(&[]),
        reader.reads(language)
    );
    heal(lab);
    let mut mistakes = of_root.mistakes(ill.saw);
    mistakes.extend(of_somebody.mistakes(ill.saw));
    mistakes.extend(read.says_what_to_do(&of_root, language));
    if ill.saw == NONE && of_root.took > QUICK {
        mistakes.push(format!("took {:?}", of_root.took));
    }
    let said = mistakes.iter().map(|one| format!("{}: {one}", ill.what));
    said.collect()
}

async fn each_is_found(ills: &[Ill]) {
    let lab = needs!(Lab::new());
    lab.everybody_may_ping();
    let mut found = Vec::new();
    for (ill, language) in ills.iter().zip(["vi", "en"].into_iter().cycle()) {
        found.extend(mistakes(&lab, ill, language).await);
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn what_fails_inside_the_centre_is_found() {
    each_is_found(NEAR).await;
}

#[tokio::test]
async fn what_fails_on_the_way_is_found_and_shy_routers_are_no_fault() {
    each_is_found(BEYOND).await;
}

#[tokio::test]
async fn what_fails_with_names_is_found() {
    each_is_found(NAMES).await;
}

#[tokio::test]
async fn what_fails_at_the_services_is_found() {
    each_is_found(SERVICES).await;
}

/// On a line as usual, which loses some packet at times. Then a look takes longer than at an ideal one.
#[tokio::test]
async fn ten_checks_of_a_healthy_centre_find_nothing() {
    let lab = needs!(Lab::new());
    lab.everybody_may_ping();
    let usual = Impairment::none().delay(ms(6)).jitter(ms(2)).loss(0.002);
    lab.line().both(usual);
    // Neighbours that know each other, as they do after a day's work.
    assert!(lab.ping(1, PCS[1], "-c 1 -W 5").all());
    for language in ["vi", "en", "vi", "en", "vi"] {
        let (root, somebody) = (Who::root(&lab, 1), Who::somebody(&lab, 2));
        let reader = Who::somebody(&lab, 2);
        let (of_root, of_somebody, read) = tokio::join!(
            root.gets_json(&[]),
            somebody.gets_json(&[]),
            reader.reads(language)
        );
        let mut mistakes = of_root.mistakes(NONE);
        mistakes.extend(of_somebody.mistakes(NONE));
        mistakes.extend(read.says_what_to_do(&of_root, language));
        mistakes.extend(read.came_bit_by_bit());
        assert!(mistakes.is_empty(), "{mistakes:#?}");
        assert_eq!(of_root.limitations(), Vec::<String>::new());
    }
}
