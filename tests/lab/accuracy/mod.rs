//! The agent's figures are those of the packets it sent: held against what the links really did to these,
//! and beside `fping` and `ping`, which run on the same PC at the same time and are judged alike.
//!
//! One run measures near, middle and far at once: each is behind one more impaired link. Since every
//! program is judged by the truth of its own packets, nothing here depends on luck or on a quiet machine;
//! what a busy one adds to single round trips does not move a median of a hundred.

mod bursts;
mod others;
pub mod truth;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::centre::{Centre, SOON, Shown, anchor, shown};
use crate::emulator::{GilbertElliott, Impairment};
use crate::harness::eventually;
use crate::harness::skip::program;
use crate::network::{ANCHORS, PCS, PORTALS};
use crate::{Lab, ms, needs};
use others::{FPING, PING, Pinged};
use truth::{Trip, jitter, lost, mean, median, of_rounds, times, trips};

/// Echoes of one round to each target.
const ROUND: usize = 100;

/// Echoes that are judged at least.
const ENOUGH: usize = 1_000;

/// For as many, at a round each two seconds, and some rounds missed on a busy machine.
const MEASURED: Duration = Duration::from_secs(50);

const PLAN: &str = "[plan]\nlink_interval = \"2s\"\nlink_echoes = 100\nreport_interval = \"1s\"\n\
    path_interval = \"1h\"\nservice_interval = \"1h\"\nhost_interval = \"5s\"\n";

/// Of the routers addresses that nobody else probes; the far sides of their links.
const TARGETS: [(&str, Ipv4Addr); 3] = [
    ("near", Ipv4Addr::new(203, 0, 113, 1)),
    ("middle", Ipv4Addr::new(198, 51, 100, 1)),
    ("far", PORTALS[2]),
];

/// The promise is one percentage point. Every packet is known, so there is no reason for a larger
/// difference than a round that a stop of the whole machine spoils; `fping` and `ping` get the whole point.
const LOSS: f64 = 0.002;
const LOSS_OF_OTHERS: f64 = 0.01;

/// A round trip within a millisecond or two percent.
fn is_near(seen: f64, truth: f64) -> bool {
    (seen - truth).abs() <= f64::max(0.001, truth * 0.02)
}

/// Jitter within ten percent.
fn is_like(seen: f64, truth: f64) -> bool {
    (seen - truth).abs() <= truth * 0.1
}

/// What was shown after each round, by target.
type Rounds = BTreeMap<&'static str, Vec<Shown>>;

#[tokio::test]
async fn loss_round_trips_and_jitter_are_those_of_the_packets() {
    needs!(program("fping"));
    needs!(program("ping"));
    let lab = Arc::new(needs!(Lab::new()));
    // 1 %, about 5 % and about 20 % on the whole way; 5, 40 and 200 ms.
    let each_way = |delay, deviation, loss| {
        let way = Impairment::none().delay(delay).jitter(deviation);
        way.loss(loss)
    };
    lab.line()
        .both(each_way(Duration::from_micros(2_500), ms(1), 0.005));
    lab.isp()
        .both(each_way(Duration::from_micros(17_500), ms(3), 0.02));
    lab.core().both(each_way(ms(80), ms(8), 0.08));
    // The first anchor is what paths are traced to, so that nothing but rounds goes to the others.
    let mut settings = PLAN.to_owned() + &anchor("first", ANCHORS[1]);
    for (name, address) in TARGETS {
        settings += &anchor(name, address);
    }
    let centre = Centre::of(&lab, &settings).await;
    let others = others::beside(&lab);
    let random = rounds(&centre, None).await;
    judge_agent(&lab, &random, [0; 3]);
    judge_others(&lab, others.await);

    // Loss that comes in bursts, four packets each, and each way.
    let in_bursts = GilbertElliott::in_bursts(0.05, 4.0);
    let way = each_way(Duration::from_micros(17_500), ms(3), 0.0);
    lab.isp().both(way.loss_as(in_bursts));
    let after = rounds(&centre, Some(&random)).await;
    let before = TARGETS.map(|(name, _)| count(last(&random, name).sent));
    judge_agent(&lab, &after, before);
}

/// Watches the rounds go by until each target has had enough echoes, without those of another watch.
async fn rounds(centre: &Centre<'_>, before: Option<&Rounds>) -> Rounds {
    let mut rounds = Rounds::new();
    // A round that began before a change of the links has ended after it: the truth knows.
    let first = |name| before.map_or(0.0, |rounds| last(rounds, name).sent);
    let enough = eventually("all rounds were made", MEASURED + SOON, async || {
        let page = centre.collector.metrics().await?;
        let mut missing = Vec::new();
        for (name, _) in TARGETS {
            let now = match shown(&page, "core", name) {
                Ok(now) => now,
                Err(error) => {
                    missing.push(error);
                    continue;
                }
            };
            let seen = rounds.entry(name).or_default();
            let known = seen.last().map_or(first(name), |last| last.sent);
            if now.sent > known {
                seen.push(now);
            }
            if count(now.sent - first(name)) < ENOUGH {
                missing.push(format!("{name}: {now:?}"));
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(missing.join("\n")),
        }
    });
    enough.await;
    rounds
}

fn last(rounds: &Rounds, name: &str) -> Shown {
    *rounds[name].last().expect("it was seen")
}

/// All figures of the agent against the truth of its own echoes; those before this number are not judged.
fn judge_agent(lab: &Lab, rounds: &Rounds, before: [usize; 3]) {
    let mut told = String::new();
    let mut is_good = true;
    for ((name, address), before) in TARGETS.into_iter().zip(before) {
        let own = trips(lab, PCS[0], address);
        let seen = &rounds[name];
        is_good &= judge_loss(name, seen, &own, before, &mut told);
        let own = of_rounds(&own);
        // Of the round that was over when this was shown; a burst in between counts less than half of one.
        let pairs: Vec<(&Shown, &[Trip])> = seen
            .iter()
            .filter_map(|shown| {
                let end = (count(shown.sent) + ROUND / 2) / ROUND * ROUND;
                Some((shown, own.get(end.checked_sub(ROUND)?..end)?))
            })
            .collect();
        assert!(pairs.len() >= 5, "{name}: {} rounds were seen", pairs.len());
        is_good &= judge_times(name, &pairs, &mut told);
    }
    assert!(is_good, "the agent:\n{told}");
    eprintln!("the agent:\n{told}");
}

fn judge_loss(name: &str, seen: &[Shown], own: &[Trip], before: usize, told: &mut String) -> bool {
    let newest = *seen.last().expect("it was seen");
    let sent = count(newest.sent);
    let judged = &own[before.min(own.len())..sent.min(own.len())];
    let unjudged = &own[..before.min(own.len())];
    let received = count(newest.received) + lost(unjudged);
    // What was received before counts as the truth has it.
    let seen = ratio(sent - received.min(sent), judged.len());
    let truth = ratio(lost(judged), judged.len());
    *told += &format!(
        "{name}: loss {seen:.4}, truly {truth:.4}, of {} echoes\n",
        judged.len()
    );
    judged.len() >= ENOUGH && (seen - truth).abs() <= LOSS
}

/// Medians and jitter of rounds. One in ten rounds may have met a moment when the machine was busy.
fn judge_times(name: &str, pairs: &[(&Shown, &[Trip])], told: &mut String) -> bool {
    let mut apart = 0;
    let mut jitters: [Vec<f64>; 2] = Default::default();
    let mut medians: [Vec<f64>; 2] = Default::default();
    for (shown, truth) in pairs {
        let times = times(truth);
        let (Some(seen), Some(true_median)) = (shown.median, median(times.clone())) else {
            continue;
        };
        apart += usize::from(!is_near(seen, true_median));
        medians[0].push(seen);
        medians[1].push(true_median);
        if let (Some(seen), Some(true_jitter)) = (shown.jitter, jitter(&times)) {
            jitters[0].push(seen);
            jitters[1].push(true_jitter);
        }
    }
    let [seen, truth] = medians.map(|medians| median(medians).unwrap_or(f64::NAN));
    *told += &format!(
        "{name}: median {seen:.6}, truly {truth:.6}; {apart} of {} rounds are off\n",
        pairs.len()
    );
    let is_near = is_near(seen, truth) && apart * 10 <= pairs.len();
    let [seen, truth] = jitters.map(|jitters| mean(&jitters).unwrap_or(f64::NAN));
    *told += &format!("{name}: jitter {seen:.6}, truly {truth:.6}\n");
    // A link without jitter shows that of the machine.
    is_near && is_like(seen, truth)
}

/// What `fping` and `ping` said, against the truth of theirs.
fn judge_others(lab: &Lab, others: Vec<Pinged>) {
    let mut told = String::new();
    let mut is_good = true;
    for other in others {
        let from = if other.program == "ping" { PING } else { FPING };
        let own = trips(lab, from, other.asked);
        let seen = ratio(
            other.times.iter().filter(|time| time.is_none()).count(),
            own.len(),
        );
        let truth = ratio(lost(&own), own.len());
        let seen_times: Vec<f64> = other.times.iter().flatten().copied().collect();
        let medians = [seen_times.clone(), times(&own)].map(|times| median(times).unwrap());
        let jitters = [seen_times, times(&own)].map(|times| jitter(&times).unwrap());
        told += &format!(
            "{} {}: loss {seen:.4}, truly {truth:.4}; median and jitter {:.6} {:.6}, truly {:.6} {:.6}\n",
            other.program, other.asked, medians[0], jitters[0], medians[1], jitters[1]
        );
        is_good &= own.len() >= ENOUGH && (seen - truth).abs() <= LOSS_OF_OTHERS;
        is_good &= is_near(medians[0], medians[1]) && is_like(jitters[0], jitters[1]);
    }
    assert!(is_good, "the others:\n{told}");
    eprintln!("the others:\n{told}");
}

#[expect(clippy::cast_precision_loss, reason = "few packets")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are whole and small"
)]
fn count(value: f64) -> usize {
    value.max(0.0) as usize
}
