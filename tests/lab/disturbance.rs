//! Probes measure the line and not each other: on a slow one, with all there is to probe, an echo waits
//! behind hardly any other packet of ours. And what hangs keeps nobody else waiting.
//!
//! The measure is the time that each echo waited on the line beyond what it takes alone, as the line
//! itself tells. How busy the machine is, is told by the links behind it: they are to take no time at all.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::accuracy::truth::trips_over;
use crate::centre::{Centre, SOON, Shown, anchor, shown};
use crate::emulator::{Impairment, Link};
use crate::harness::metric;
use crate::harness::scrape::Page;
use crate::network::{ANCHORS, ISP_RESOLVER, PCS};
use crate::servers::PORTALS;
use crate::servers::portal::Answer;
use crate::{Lab, ms, needs};

/// As many as settings may name; with gateway, resolver, collector and hops they make 21 links.
const TARGETS: u8 = 16;

/// Of the line, in bits per second each way.
const RATE: f64 = 1e6;

/// Of the line, each way.
const DELAY: Duration = ms(10);

/// What an echo takes on it alone: 84 bytes, and the delay.
const ALONE: Duration = Duration::from_micros(672 + 10_000);

/// Echoes of one round.
const ROUND: f64 = 20.0;

/// For three of them.
const MEASURED: Duration = Duration::from_secs(60);

/// Everything as often as links are measured, and paths and bursts far more often than usual.
const BUSY: &str = "[plan]\nlink_interval = \"15s\"\nlink_echoes = 20\nservice_interval = \"15s\"\n\
    host_interval = \"15s\"\nreport_interval = \"15s\"\npath_interval = \"1m\"\n";

const QUICK: &str = "[plan]\nlink_interval = \"1s\"\nlink_echoes = 5\nservice_interval = \"3s\"\n\
    host_interval = \"5s\"\nreport_interval = \"1s\"\npath_interval = \"1h\"\n";

/// All services, and two resolvers beside the machine's own.
fn services_and_resolvers() -> String {
    let service = |name: &str| {
        let url = format!("https://{name}/");
        format!("[[service]]\nname = \"{name}\"\nurl = \"{url}\"\n")
    };
    let resolver = |address: Ipv4Addr| {
        format!("[[resolver]]\nname = \"{address}\"\naddress = \"{address}\"\n")
    };
    PORTALS.map(service).concat() + &ANCHORS.map(resolver).concat()
}

fn target(number: u8) -> (String, Ipv4Addr) {
    (
        format!("target-{number}"),
        Ipv4Addr::new(192, 0, 2, 100 + number),
    )
}

#[tokio::test]
async fn on_a_slow_line_probes_hardly_wait_for_each_other() {
    let lab = needs!(Lab::new());
    let mut settings = BUSY.to_owned() + &services_and_resolvers();
    for (name, address) in (0..TARGETS).map(target) {
        let world = &lab.network().world;
        world
            .ip(&format!("address add {address}/32 dev lo"))
            .unwrap();
        settings += &anchor(&name, address);
    }
    lab.line().both(Impairment::none().rate(RATE).delay(DELAY));
    let centre = Centre::of(&lab, &settings).await;
    let sent = |page: &Page, echoes: f64| {
        let shown = |(name, _): (String, _)| shown(page, "core", &name);
        let shown: Vec<Shown> = (0..TARGETS)
            .map(target)
            .map(shown)
            .collect::<Result<_, _>>()?;
        match shown.iter().all(|link| link.sent >= echoes) {
            true => Ok((shown, page_of(page))),
            false => Err(format!("{:?}", shown.first())),
        }
    };
    // All sources begin at once when the agent starts, so that a person soon sees something; then each
    // has its own moment.
    let first = |page: &Page| sent(page, ROUND);
    centre.shows("the first round", SOON, first).await;
    lab.forget();
    // A burst counts as much as a round.
    let enough = |page: &Page| sent(page, 4.0 * ROUND);
    let (links, page) = centre
        .shows("at least two more rounds", MEASURED, enough)
        .await;
    all_answered(&page, &PORTALS).unwrap();
    for truth in [lab.line().truth_up(), lab.line().truth_down()] {
        assert_eq!((truth.queue_full, truth.lost), (0, 0));
    }
    let waited = beyond(2 * ALONE, &[lab.line()]);
    let machine = beyond(Duration::ZERO, &[lab.isp(), lab.core()]);
    let told = format!(
        "{} echoes: half of them waited no more than {:?}, 95 % than {:?}; of this the machine's own {:?}, {:?}",
        waited.len(),
        share(&waited, 50),
        share(&waited, 95),
        share(&machine, 50),
        share(&machine, 95)
    );
    eprintln!("{told}");
    assert!(share(&waited, 50) < ms(1) + share(&machine, 50), "{told}");
    assert!(share(&waited, 95) < ms(2) + share(&machine, 95), "{told}");
    // What the agent says of it: the middle link is as slow as alone, but for a millisecond.
    let mut medians: Vec<f64> = links.iter().filter_map(|link| link.median).collect();
    medians.sort_by(f64::total_cmp);
    let alone = (2 * ALONE).as_secs_f64();
    let middle = medians[medians.len() / 2];
    assert!((alone..alone + 0.001).contains(&middle), "{medians:?}");
    assert!(
        links.iter().all(|link| link.sent == link.received),
        "{links:?}"
    );
}

/// Of each echo to a target, its time on these links beyond one, there and back; sorted.
fn beyond(alone: Duration, links: &[&Link]) -> Vec<Duration> {
    let targets = (0..TARGETS).map(target);
    let trips = targets.flat_map(|(_, address)| trips_over(links, PCS[0], address));
    let times = trips.filter_map(|trip| trip.time);
    let mut waited: Vec<Duration> = times.map(|time| time.saturating_sub(alone)).collect();
    waited.sort();
    waited
}

fn share(sorted: &[Duration], percent: usize) -> Duration {
    sorted[sorted.len() * percent / 100]
}

/// Whether the last attempts at these services were.
fn all_answered(page: &Page, services: &[&str]) -> Result<(), String> {
    services.iter().try_for_each(|service| {
        let success = metric("dawnwatch_probe_success").label("service", service);
        success.is(1.0).found_in(page).map(drop)
    })
}

#[tokio::test]
async fn what_hangs_keeps_nobody_else_waiting() {
    let lab = needs!(Lab::new());
    lab.line().both(Impairment::none().delay(DELAY));
    let settings = QUICK.to_owned() + &services_and_resolvers() + &anchor("far", ANCHORS[1]);
    let centre = Centre::of(&lab, &settings).await;
    let well = |page: &Page| all_answered(page, &PORTALS);
    centre.shows("all is well", SOON, well).await;

    // Not the machine's own, without which nobody has a name.
    lab.public_resolvers()[0].is_silent();
    lab.portal().answers(Answer::HalfOpen);
    let hang = |page: &Page| {
        let portal = metric("dawnwatch_probe_outcome").label("service", PORTALS[0]);
        portal.label("outcome", "timeout").is(1.0).found_in(page)?;
        outcome(page, &ANCHORS[0].to_string(), "timeout")?;
        shown(page, "core", "far")
    };
    let before = centre.shows("two of them hang", SOON, hang).await;
    let goes_on = |page: &Page| {
        hang(page)?;
        let far = shown(page, "core", "far")?;
        match far.sent - before.sent {
            // Six rounds.
            sent if sent >= 30.0 => Ok((far, page_of(page))),
            sent => Err(format!("{sent} echoes")),
        }
    };
    // Twice as long as that takes.
    let limit = Duration::from_secs(12);
    let (far, page) = centre
        .shows("the links are still measured", limit, goes_on)
        .await;
    assert_eq!(far.lost_since(&before), 0.0, "{far:?}");
    let alone = (2 * DELAY).as_secs_f64();
    let median = far.median.expect("it answered");
    assert!((alone..alone + 0.005).contains(&median), "{far:?}");
    for resolver in [ANCHORS[1], ISP_RESOLVER] {
        outcome(&page, &resolver.to_string(), "answered").unwrap();
    }
    for source in ["icmp", "dns", "service", "path", "mtu", "cpu"] {
        let success = metric("dawnwatch_agent_source_success").label("source", source);
        assert_eq!(success.in_(&page), 1.0, "{source}");
    }
    all_answered(&page, &PORTALS[1..]).unwrap();
}

fn outcome(page: &Page, resolver: &str, outcome: &str) -> Result<(), String> {
    let outcome = metric("dawnwatch_dns_outcome").label("outcome", outcome);
    let outcome = outcome.label("resolver", resolver).is(1.0);
    outcome.found_in(page).map(drop)
}

fn page_of(page: &Page) -> Page {
    Page {
        samples: page.samples.clone(),
    }
}
