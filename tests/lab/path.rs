//! Where on the way something is wrong, and which way packets take, is told hop by hop.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::centre::{Centre, SOON, Shown, shown};
use crate::emulator::{Impairment, Link};
use crate::harness::metric;
use crate::harness::scrape::Page;
use crate::network::{COLLECTOR, DETOUR, GATEWAY, ISP_1, ISP_2, Route};
use crate::{Lab, ms, needs};

/// Paths are traced as often as routers go along with: those of Linux say once a second, and six times at
/// once, that something expired. What is not sent any more vanishes from the page after ten seconds.
const PLAN: &str = "[plan]\nlink_interval = \"1s\"\nlink_echoes = 5\nreport_interval = \"1s\"\n\
    path_interval = \"3s\"\nservice_interval = \"1h\"\nhost_interval = \"2s\"\n";

/// For a change of the way, which two traces have to see, until values that are gone have vanished.
const NOTICED: Duration = Duration::from_secs(60);

/// For echoes that are enough to judge a link by, 25 each.
const JUDGED: Duration = Duration::from_secs(60);
const ENOUGH: f64 = 25.0;

/// Added to the delay, and lost each way: of 25 echoes each way 30 % are lost for none in 5 billion.
const SLOWER: Duration = ms(30);
const LOSS: f64 = 0.3;

/// A link that is measured: its segment and its target.
type Measured = (&'static str, String);

/// From near to far, on the usual way.
fn links() -> [Measured; 4] {
    [
        ("gateway", GATEWAY.to_string()),
        ("line", ISP_1.to_string()),
        ("isp", ISP_2.to_string()),
        ("core", "collector".to_owned()),
    ]
}

/// What is shown of these links.
fn all(links: &[Measured], page: &Page) -> Result<Vec<Shown>, String> {
    let shown = |(segment, target): &Measured| shown(page, segment, target);
    links.iter().map(shown).collect()
}

/// The routers on the way to the collector, by their distance.
fn hops(page: &Page) -> BTreeMap<String, String> {
    let hops = metric("dawnwatch_path_hop_info").label("target", "collector");
    let hops = hops.all_in(page).into_iter();
    hops.map(|hop| (hop.labels["hop"].clone(), hop.labels["address"].clone()))
        .collect()
}

/// Whether these are all hops, with `None` for silent ones.
fn are_hops(page: &Page, expected: &[Option<Ipv4Addr>]) -> Result<(), String> {
    let expected: BTreeMap<String, String> = (1..)
        .zip(expected)
        .filter_map(|(hop, address): (u8, _)| Some((hop.to_string(), (*address)?.to_string())))
        .collect();
    let seen = hops(page);
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{seen:?}, not {expected:?}")),
    }
}

/// The one link that counts as the line.
fn line(page: &Page) -> Vec<String> {
    let links = metric("dawnwatch_link_sent_total").label("segment", "line");
    let links = links.all_in(page).into_iter();
    links.map(|link| link.labels["target"].clone()).collect()
}

fn changes(page: &Page) -> Result<f64, String> {
    let changes = metric("dawnwatch_path_changes_total").label("target", "collector");
    changes.found_in(page)
}

impl Centre<'_> {
    /// What these links have done by the time each has sent enough echoes, from now on.
    async fn judged(&self, links: &[Measured]) -> Vec<(Shown, f64)> {
        let first = |page: &Page| all(links, page);
        let before = self.shows("the links are there", SOON, first).await;
        let enough = async |page: &Page| {
            let now = all(links, page)?;
            let mut pairs = now.iter().zip(&before);
            match pairs.all(|(now, before)| now.sent >= before.sent + ENOUGH) {
                true => Ok(now),
                false => Err(format!("{now:?} after {before:?}")),
            }
        };
        let look = async || enough(&self.collector.metrics().await?).await;
        let now = crate::harness::eventually("echoes were sent", JUDGED, look).await;
        let lost = |(now, before): (Shown, &Shown)| (now, now.lost_since(before));
        now.into_iter().zip(&before).map(lost).collect()
    }
}

#[tokio::test]
async fn an_impairment_begins_at_its_segment_and_not_before() {
    let lab = needs!(Lab::new());
    let centre = Centre::of(&lab, PLAN).await;
    let usual = [Some(GATEWAY), Some(ISP_1), Some(ISP_2), Some(COLLECTOR)];
    let found = |page: &Page| {
        are_hops(page, &usual)?;
        match line(page) {
            line if line == [ISP_1.to_string()] => Ok(()),
            other => Err(format!("{other:?} is the line")),
        }
    };
    centre.shows("the hops are named", NOTICED, found).await;
    let segments: [(&str, &Link); 3] = [
        ("line", lab.line()),
        ("isp", lab.isp()),
        ("core", lab.core()),
    ];
    for (segment, link) in segments {
        link.both(Impairment::none().delay(SLOWER).loss(LOSS));
        // The round that is under way has seen both.
        a_round_is_over(&centre).await;
        let judged = centre.judged(&links()).await;
        link.heal();
        a_round_is_over(&centre).await;
        let first = links().iter().position(|(name, _)| *name == segment);
        let first = first.expect("it is one of them");
        for (index, ((name, target), (now, lost))) in links().iter().zip(&judged).enumerate() {
            let told = format!("{segment} is ill; {name} {target}: {lost} lost, {now:?}");
            let median = now.median.unwrap_or(f64::INFINITY);
            if index < first {
                assert!(*lost == 0.0 && median < 0.02, "{told}");
            } else {
                assert!(*lost > 0.0 && median > 0.06, "{told}");
            }
        }
    }
}

/// Two rounds later, whatever was asked for before is over.
async fn a_round_is_over(centre: &Centre<'_>) {
    let sent = |page: &Page| shown(page, "core", "collector").map(|link| link.sent);
    let before = centre.shows("a link is there", SOON, sent).await;
    let more = |page: &Page| match sent(page)? {
        now if now >= before + 10.0 => Ok(()),
        now => Err(format!("{now} echoes after {before}")),
    };
    centre.shows("two more rounds", JUDGED, more).await;
}

#[tokio::test]
async fn routes_that_change_are_noticed_and_those_that_are_shared_do_not_flap() {
    let lab = needs!(Lab::new());
    let centre = Centre::of(&lab, PLAN).await;
    let by = |middle| [Some(GATEWAY), Some(ISP_1), Some(middle), Some(COLLECTOR)];
    let is_by = |middle, times: f64| {
        move |page: &Page| {
            are_hops(page, &by(middle))?;
            match changes(page)? {
                seen if seen == times => shown(page, "isp", &middle.to_string()),
                seen => Err(format!("{seen} changes, not {times}")),
            }
        }
    };
    centre.shows("the way", NOTICED, is_by(ISP_2, 0.0)).await;
    lab.route(Route::Detour);
    centre
        .shows("the detour", NOTICED, is_by(DETOUR, 1.0))
        .await;

    // The flow of the agent is sent either way and keeps it: at most one more change, and then no more.
    lab.route(Route::Balanced);
    let settled = centre.traced_again(3).await;
    let first = changes(&settled).expect("it is traced");
    let later = centre.traced_again(3).await;
    let last = changes(&later).expect("it is traced");
    assert!(first <= 2.0 && last == first, "{first} and {last} changes");
}

impl Centre<'_> {
    /// The page after so many more traces.
    async fn traced_again(&self, traces: u64) -> Page {
        let lab = self.lab;
        // Nothing but traces expires there: the line's link is asked by echoes.
        let said = || expired_at_isp_1(lab);
        let before = said();
        let enough = async || {
            let page = self.collector.metrics().await?;
            match said() - before {
                // Each hop is asked twice, and once more when it said nothing.
                packets if packets >= traces * 2 => Ok(page),
                packets => Err(format!("{packets} packets expired")),
            }
        };
        crate::harness::eventually("ways are traced again", NOTICED, enough).await
    }
}

/// Packets of which isp-1 said that they expired there.
fn expired_at_isp_1(lab: &Lab) -> u64 {
    let counters = || std::fs::read_to_string("/proc/thread-self/net/snmp");
    let counters = lab.network().isp_1.inside(counters).unwrap().unwrap();
    let mut lines = counters.lines().filter(|line| line.starts_with("Icmp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut pairs = names.split(' ').zip(values.split(' '));
    let found = pairs.find(|(name, _)| *name == "OutTimeExcds");
    found.unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_router_that_says_little_is_no_loss_and_one_that_says_nothing_is_passed_over() {
    let lab = needs!(Lab::new());
    let centre = Centre::of(&lab, PLAN).await;
    let usual = [Some(GATEWAY), Some(ISP_1), Some(ISP_2), Some(COLLECTOR)];
    let found = |page: &Page| are_hops(page, &usual);
    centre.shows("the way", NOTICED, found).await;
    centre.judged(&links()).await;

    // Of the echoes and traces that it gets it answers a few: its own link alone shows that.
    let isp_1 = &lab.network().isp_1;
    let output = "type filter hook output priority 0";
    let few = "meta l4proto icmp limit rate over 2/second drop";
    isp_1.filter("few", output, &[few]).unwrap();
    let judged = centre.judged(&links()).await;
    let lost: Vec<f64> = judged.iter().map(|(_, lost)| *lost).collect();
    assert!(lost[1] > 0.0, "the limit shows: {judged:?}");
    assert_eq!([lost[0], lost[2], lost[3]], [0.0; 3], "{judged:?}");

    // It says nothing at all: the next router is where the line is known to end.
    isp_1
        .filter("few", output, &["meta l4proto icmp drop"])
        .unwrap();
    let passed_over = |page: &Page| {
        let mut hops = usual;
        hops[1] = None;
        are_hops(page, &hops)?;
        match line(page) {
            line if line == [ISP_2.to_string()] => Ok(()),
            other => Err(format!("{other:?} is the line")),
        }
    };
    let what = "the silent router is passed over";
    centre.shows(what, NOTICED, passed_over).await;
    let links = [
        ("gateway", GATEWAY.to_string()),
        ("line", ISP_2.to_string()),
        ("core", "collector".to_owned()),
    ];
    let judged = centre.judged(&links).await;
    assert!(judged.iter().all(|(_, lost)| *lost == 0.0), "{judged:?}");
    // A trace that waits for silent routers takes longer than values stay that come this often.
    let changes = centre.shows("it is traced", NOTICED, changes).await;
    assert_eq!(changes, 0.0, "silence is no other way");

    isp_1.filter("few", output, &[]).unwrap();
    let back = |page: &Page| {
        are_hops(page, &usual)?;
        shown(page, "line", &ISP_1.to_string())
    };
    centre.shows("it is back", NOTICED, back).await;
}

#[tokio::test]
async fn small_lines_and_black_holes_are_measured_and_their_end_is_seen() {
    let lab = needs!(Lab::new());
    let centre = Centre::of(&lab, PLAN).await;
    let is = |mtu: f64, is_black_hole: bool| {
        move |page: &Page| {
            let value = |name, value| metric(name).label("target", "collector").is(value);
            let black_hole = f64::from(u8::from(is_black_hole));
            value("dawnwatch_path_mtu_bytes", mtu).found_in(page)?;
            value("dawnwatch_path_mtu_blackhole", black_hole).found_in(page)
        }
    };
    centre
        .shows("all is well", NOTICED, is(1_500.0, false))
        .await;
    lab.isp().set_mtu(1_400).unwrap();
    let what = "a router says what fits";
    centre.shows(what, NOTICED, is(1_400.0, false)).await;
    lab.isp().set_mtu(1_500).unwrap();
    lab.line().both(Impairment::none().swallows_above(1_300));
    let what = "large packets vanish";
    centre.shows(what, NOTICED, is(1_300.0, true)).await;
    lab.line().heal();
    centre
        .shows("all is well again", NOTICED, is(1_500.0, false))
        .await;
}
