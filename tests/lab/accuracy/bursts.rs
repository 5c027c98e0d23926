//! Answers that come twice and answers that overtake each other are counted as the links made them, in
//! bursts of echoes.
//!
//! Behind one link everything comes twice, so that the right count is no matter of chance; before it
//! nothing does. Which answers were overtaken is told by the time that each spent on the links.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::count;
use super::truth::{Trip, of_rounds, trips};
use crate::centre::{Centre, SOON, anchor, shown};
use crate::emulator::Impairment;
use crate::harness::{eventually, metric};
use crate::network::{ANCHORS, PCS, PORTALS};
use crate::{Lab, ms, needs};

/// Bursts whenever there is room for them, and rounds that are told from them by their size.
const PLAN: &str = "[plan]\nlink_interval = \"5s\"\nlink_echoes = 15\nreport_interval = \"1s\"\n\
    path_interval = \"2s\"\nservice_interval = \"1h\"\nhost_interval = \"5s\"\n";

/// Echoes of one round, as above, and of one burst.
const ROUND: usize = 15;
const BURST: usize = 20;

/// Between two echoes of a burst.
const SPACING: Duration = ms(20);

/// An answer that is held back so long is overtaken by the next, with time to spare to the one after.
const HELD_BACK: Duration = ms(30);

/// Of the link on which things happen, the near side and what is behind.
const NEAR: (&str, Ipv4Addr) = ("near", Ipv4Addr::new(203, 0, 113, 1));
const FAR: [(&str, Ipv4Addr); 2] = [
    ("middle", Ipv4Addr::new(198, 51, 100, 1)),
    ("far", PORTALS[2]),
];

/// Bursts to each of both that are waited for.
const ENOUGH: usize = 3;

/// For as many, of which one a second finds room, for six links.
const MEASURED: Duration = Duration::from_secs(80);

/// What was counted of one link.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    sent: usize,
    bursts: usize,
    duplicates: usize,
    reordered: usize,
}

#[tokio::test]
async fn duplicates_and_overtaken_answers_are_counted_as_they_came() {
    let lab = needs!(Lab::new());
    lab.line().both(Impairment::none().delay(ms(5)));
    let twice = Impairment::none().delay(ms(10)).duplicates(1.0);
    lab.isp().down(twice.holds_back(0.15, HELD_BACK));
    let mut settings = PLAN.to_owned() + &anchor("first", ANCHORS[1]);
    for (name, address) in FAR.into_iter().chain([NEAR]) {
        settings += &anchor(name, address);
    }
    let centre = Centre::of(&lab, &settings).await;
    let counted = counted(&centre).await;
    let mut told = String::new();
    let mut is_good = true;
    for ((name, address), counted) in FAR.into_iter().zip(counted) {
        let all = trips(&lab, PCS[0], address);
        let overtaken = overtaken(&all);
        let [least, most] = bounds(&overtaken, counted.bursts);
        // Times differ from the truth by what a busy machine adds; rarely that changes an order.
        let slack = most / 20 + 1;
        let is_right = counted.duplicates == counted.bursts * BURST
            && (least..=most + slack).contains(&(counted.reordered + slack))
            && most > 0;
        is_good &= is_right;
        told += &format!(
            "{name}: {counted:?}; truly {least} to {most} overtaken, of bursts {overtaken:?}\n"
        );
    }
    assert!(is_good, "{told}");
    let near = count_of(&centre, NEAR.0).await.expect("it is shown");
    assert_eq!((near.duplicates, near.reordered), (0, 0), "{near:?}");
    eprintln!("{told}");
}

/// Waits for bursts to both.
async fn counted(centre: &Centre<'_>) -> [Counted; 2] {
    let mut counted = [Counted::default(); 2];
    eventually("bursts were sent", MEASURED + SOON, async || {
        for ((name, _), counted) in FAR.into_iter().zip(&mut counted) {
            let now = count_of(centre, name).await?;
            // A run has one round and at most one burst; none is missed, looked at this often.
            let more = (now.sent - counted.sent).saturating_sub(ROUND);
            let bursts = counted.bursts + more.div_ceil(BURST);
            *counted = Counted { bursts, ..now };
        }
        match counted.iter().all(|one| one.bursts >= ENOUGH) {
            true => Ok(()),
            false => Err(format!("{counted:?}")),
        }
    })
    .await;
    counted
}

/// What is shown of a link, but for its bursts.
async fn count_of(centre: &Centre<'_>, target: &str) -> Result<Counted, String> {
    let page = centre.collector.metrics().await?;
    let value = |name: &str| {
        let wanted = metric(name).label("segment", "core");
        wanted.label("target", target).found_in(&page).map(count)
    };
    Ok(Counted {
        sent: count(shown(&page, "core", target)?.sent),
        bursts: 0,
        // Absent before the first burst.
        duplicates: value("dawnwatch_link_duplicates_total").unwrap_or_default(),
        reordered: value("dawnwatch_link_reordered_total")?,
    })
}

/// Of each whole burst, how many answers came after that of a later echo.
fn overtaken(trips: &[Trip]) -> Vec<usize> {
    let rounds = of_rounds(trips)[0].identifier;
    let bursts: Vec<Trip> = trips
        .iter()
        .filter(|trip| trip.identifier != rounds)
        .copied()
        .collect();
    let together = |one: &Trip, next: &Trip| {
        one.identifier == next.identifier && one.sequence.wrapping_add(1) == next.sequence
    };
    // One that was given up at the end of its run may directly precede a whole one.
    let whole = bursts
        .chunk_by(together)
        .flat_map(|run| run.rchunks_exact(BURST));
    whole.map(overtaken_in).collect()
}

fn overtaken_in(burst: &[Trip]) -> usize {
    let sent = (0..).map(|number| SPACING * number);
    let arrivals: Vec<Option<Duration>> = sent
        .zip(burst)
        .map(|(sent, trip)| Some(sent + trip.time?))
        .collect();
    let is_overtaken = |(index, arrival): (usize, &Option<Duration>)| {
        let later = arrivals[index + 1..].iter().flatten();
        arrival.is_some_and(|arrival| later.min().is_some_and(|later| *later < arrival))
    };
    let all = arrivals.iter().enumerate();
    all.filter(|one| is_overtaken(*one)).count()
}

/// Of so many of these bursts, whichever they were.
fn bounds(overtaken: &[usize], bursts: usize) -> [usize; 2] {
    let mut sorted = overtaken.to_vec();
    sorted.sort_unstable();
    let least = sorted.iter().take(bursts).sum();
    let most = sorted.iter().rev().take(bursts).sum();
    [least, most]
}
