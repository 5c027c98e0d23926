//! Where packets begin to be lost, over minutes.
//!
//! A burst of a minute or three is weather. Loss counts when it lasts: in most of five minutes, of fifteen when it is
//! little, of thirty when it comes and goes. What is lost at a stretch is lost behind it too; loss at one that is absent
//! behind it is that router's thrift, so that each stretch counts with the least loss at or behind it.

use super::baseline::{Baseline, Loss, quantile};
use super::finding::Finding;
use super::scene::{Scene, Witness};
use super::sight::{Count, Sight, Stretch};
use crate::sentence::incident::{Because, Figure};
use crate::{Fault, Segment};

/// Lost echoes of a minute.
type Minute = Count;

/// How many minutes are looked at, how many of them must lose, how much more than usual is lost in all.
const WINDOWS: [(usize, usize, f64); 4] =
    [(4, 4, 0.1), (5, 4, 0.02), (15, 10, 0.012), (30, 13, 0.015)];

/// Where several machines lose packets at once it is nothing that passes by one of them.
const AT_ONCE: (usize, usize, f64) = (2, 2, 0.15);

/// So many minutes may be weather, in any window.
const WEATHER: usize = 3;

/// A line that is sent at once when something was lost is half of the truth for so long, seconds: then the minute it
/// belongs to has come.
const MINUTE: f64 = 60.0;

/// What Wi-Fi may lose day for day, until it is known what it does lose.
const CHRONIC: Loss = Loss {
    mean: 0.05,
    bad: 0.1,
};

/// So many times what counts on a cable counts in the air.
const AIR: f64 = 2.0;

/// From so many sights on it is known.
const KNOWN: usize = 120;

/// How long a machine is held back while others begin to lose packets too, seconds.
const HELD_BACK: f64 = 480.0;

/// Loss that lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Lasting {
    loss: f64,
    sent: u32,
    since: f64,
}

/// The least loss at or behind a stretch, minute by minute, the newest first.
fn minutes(scene: &Scene, who: &[Witness], stretch: Stretch) -> Vec<Minute> {
    let ways: Vec<Stretch> = Stretch::ALL
        .into_iter()
        .filter(|way| *way >= stretch)
        .collect();
    let longest = 30;
    let mut all = vec![[Count::default(); 5]; longest];
    for one in who {
        let measured = one.agent.between(scene.at - 1_800.0, scene.at);
        let there = |sight: &&Sight| {
            [Stretch::Line, stretch]
                .iter()
                .all(|way| !sight.is_cut_off(*way))
        };
        let is_whole = whole(one, scene.at);
        for sight in measured.filter(there).filter(|sight| is_whole(sight)) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 30"
            )]
            let minute = ((scene.at - sight.t) / 60.0) as usize;
            let Some(counts) = all.get_mut(minute) else {
                continue;
            };
            let [.., collector] = counts;
            collector.add(sight.collector);
            for (way, count) in ways.iter().zip(counts.iter_mut()) {
                count.add(sight.way(*way));
            }
        }
    }
    let totals = (0..5).map(|which| {
        let each = all.iter().filter_map(|counts| counts.get(which));
        each.fold(Count::default(), |mut total, count| {
            total.add(*count);
            total
        })
    });
    // The stretch that loses least over all minutes; dead ones are not lossy.
    let best = totals
        .enumerate()
        .filter(|(_, total)| total.sent >= 20 && total.answers())
        .min_by(|(_, one), (_, other)| one.loss().total_cmp(&other.loss()))
        .map(|(which, _)| which);
    let Some(best) = best else { return Vec::new() };
    all.iter()
        .filter_map(|counts| counts.get(best).copied())
        .collect()
}

/// Which lines of a machine tell all that was sent until then. One that says at once that something was lost, and leaves
/// the packets beside it to its minute, would by itself always look worse than it is.
fn whole(one: &Witness, at: f64) -> impl Fn(&Sight) -> bool {
    let sent = |sight: &Sight| sight.way(Stretch::Gateway).sent.max(sight.collector.sent);
    let recent = || one.agent.between(at - 1_800.0, at);
    let fullest = recent().map(sent).max().unwrap_or_default();
    let is_full = move |sight: &Sight| sent(sight) * 2 >= fullest;
    let full = recent().rev().find(|sight| is_full(sight));
    let until = full.map_or(f64::NEG_INFINITY, |sight| sight.t);
    move |sight| sight.t <= until || at - sight.t >= MINUTE
}

/// Whether loss lasts, beyond what is usual, by so many times what would count on a cable. A burst of some minutes
/// among them is weather: without the worst three, and the worst fifth, it has to be lossy still.
fn lasting(minutes: &[Minute], usual: Loss, times: f64, at: f64) -> Option<Lasting> {
    let mut windows = WINDOWS.iter();
    windows.find_map(|window| lasts(minutes, *window, usual, times, at))
}

/// Whether it lasts in one window.
fn lasts(
    minutes: &[Minute],
    (window, bad, more): (usize, usize, f64),
    usual: Loss,
    times: f64,
    at: f64,
) -> Option<Lasting> {
    let Loss {
        mean: usual,
        bad: worst,
    } = usual;
    let some = minutes.get(..window)?;
    let more = more * times;
    let total = |some: &[Minute]| {
        some.iter().fold(Count::default(), |mut total, one| {
            total.add(*one);
            total
        })
    };
    let all = total(some);
    let floor = usual + more / 2.0;
    let losing = some
        .iter()
        .filter(|one| one.lost() > 0 && one.loss() >= floor)
        .count();
    let (sent, lost) = (f64::from(all.sent), f64::from(all.lost()));
    let chance = (sent * (usual + 0.003)).sqrt();
    let sure = lost - usual * sent > 5.0 * chance + 2.0;
    let newest = some.iter().take(3).any(|one| one.lost() > 0);
    let weather = if window < WEATHER { 0 } else { WEATHER };
    let mut kinder = some.to_vec();
    kinder.sort_by(|one, other| one.loss().total_cmp(&other.loss()));
    kinder.truncate(window - (window / 5).max(weather));
    let lasts = total(&kinder).loss() >= usual * 1.3 + more * 0.6;
    if losing < bad
        || all.loss() < (usual * 1.6).max(worst * 1.25) + more
        || !sure
        || !newest
        || !lasts
    {
        return None;
    }
    let oldest = minutes
        .iter()
        .rposition(|one| one.sent > 0 && one.loss() >= floor)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 30")]
    let since = at - (oldest.min(window + 10) as f64 + 1.0) * 60.0;
    Some(Lasting {
        loss: all.loss(),
        sent: all.sent,
        since,
    })
}

/// What loses packets.
pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let wired: Vec<Witness> = scene
        .witnesses
        .iter()
        .filter(|one| !one.is_wifi())
        .copied()
        .collect();
    if let Some(together) = together(scene, &wired) {
        return vec![together];
    }
    let (lossy, well) = one_by_one(scene);
    if let Some(shared) = shared(scene, &well, &lossy) {
        return vec![shared];
    }
    let machines = lossy
        .iter()
        .filter(|(one, lasting)| is_alone(scene, one, lasting))
        .map(|(one, lasting)| of_machine(one, *lasting, well.len()));
    machines.chain(outside(scene, &well)).collect()
}

/// Whether the others do not begin to lose packets too: then it is too early to say that it is this machine.
fn is_alone(scene: &Scene, one: &Witness, lasting: &Lasting) -> bool {
    if scene.at - lasting.since > HELD_BACK {
        return true;
    }
    let others = scene
        .witnesses
        .iter()
        .filter(|other| other.name != one.name);
    let rising = others.filter(|other| {
        let newest = sum(minutes(scene, &[**other], Stretch::Gateway), 3);
        let usual = usual(scene, other, |usual| usual.gateway_loss).bad;
        newest.sent >= 10 && newest.loss() > usual + lasting.loss / 3.0
    });
    rising.count() * 3 < scene.witnesses.len().saturating_sub(1).max(1)
}

/// Each machine by itself: those that lose packets on the way to the router, and those that do not.
fn one_by_one<'a>(scene: &Scene<'a>) -> (Vec<(Witness<'a>, Lasting)>, Vec<Witness<'a>>) {
    let (mut lossy, mut well) = (Vec::new(), Vec::new());
    for one in &scene.witnesses {
        // Echoes that also take far longer than usual have been repeated in the air: two signs of one thing.
        let times = match one.is_wifi() {
            true if is_repeated(scene, one) => AIR / 2.0,
            true => AIR,
            false => 1.0,
        };
        let to_gateway = minutes(scene, &[*one], Stretch::Gateway);
        match lasting(
            &to_gateway,
            usual(scene, one, |usual| usual.gateway_loss),
            times,
            scene.at,
        ) {
            Some(lasting) => lossy.push((*one, lasting)),
            None => well.push(*one),
        }
    }
    (lossy, well)
}

/// Whether the router answers one machine far later than usual, in most of the last minutes.
fn is_repeated(scene: &Scene, one: &Witness) -> bool {
    let usual = scene
        .usual(one.name)
        .and_then(|usual| usual.rtt(Stretch::Gateway));
    let recent = one.agent.between(scene.at - 300.0, scene.at);
    let recent: Vec<f32> = recent
        .filter_map(|sight| sight.way(Stretch::Gateway).rtt)
        .collect();
    let enough = recent.len() >= 4;
    let most_of = quantile(recent, 0.2);
    usual
        .zip(most_of)
        .is_some_and(|(usual, now)| enough && now > (usual * 2.0).max(usual + 4.0))
}

/// What a machine usually loses.
fn usual(scene: &Scene, one: &Witness, of: impl Fn(&Baseline) -> Loss) -> Loss {
    match scene.usual(one.name) {
        Some(usual) if !one.is_wifi() || usual.sights >= KNOWN => of(usual),
        _ if one.is_wifi() => CHRONIC,
        _ => Loss::default(),
    }
}

/// Wired machines that lose packets on the way to the router, none of them enough to be sure of it alone.
fn together(scene: &Scene, wired: &[Witness]) -> Option<Finding> {
    if wired.len() < 2 {
        return None;
    }
    let most = wired
        .iter()
        .map(|one| usual(scene, one, |usual| usual.gateway_loss))
        .fold(Loss::default(), Loss::max);
    let all = minutes(scene, wired, Stretch::Gateway);
    let at_once = lasts(&all, AT_ONCE, most, 1.0, scene.at);
    let newest = if at_once.is_some() { AT_ONCE.0 } else { 10 };
    let lasting = at_once.or_else(|| lasting(&all, most, 1.0, scene.at))?;
    let losses = wired.iter().map(|one| {
        let all = sum(minutes(scene, &[*one], Stretch::Gateway), newest);
        (
            *one,
            Lasting {
                loss: all.loss(),
                sent: all.sent,
                since: lasting.since,
            },
        )
    });
    let (lossy, well): (Vec<_>, Vec<_>) =
        losses.partition(|(_, one)| one.loss >= lasting.loss / 3.0);
    let well: Vec<Witness> = well.into_iter().map(|(one, _)| one).collect();
    shared(scene, &well, &lossy)
}

/// The newest minutes together.
fn sum(minutes: Vec<Minute>, newest: usize) -> Count {
    minutes
        .into_iter()
        .take(newest)
        .fold(Count::default(), |mut all, minute| {
            all.add(minute);
            all
        })
}

/// Most machines lose packets on the way to the router.
fn shared(scene: &Scene, well: &[Witness], lossy: &[(Witness, Lasting)]) -> Option<Finding> {
    let wired = |one: &Witness| !one.is_wifi();
    let wired_well = well.iter().filter(|one| wired(one)).count();
    let wired_lossy = lossy.iter().filter(|(one, _)| wired(one)).count();
    if lossy.len() < 2
        || lossy.len() < well.len()
        || (wired_lossy == 0 && wired_well > 0)
        || wired_lossy < wired_well
    {
        return None;
    }
    let (sent, since) = lossy
        .iter()
        .fold((0, f64::INFINITY), |(sent, since), (_, one)| {
            (sent + one.sent, since.min(one.since))
        });
    let loss = lossy
        .iter()
        .map(|(_, one)| one.loss)
        .fold(f64::INFINITY, f64::min);
    let peers = lossy
        .iter()
        .flat_map(|(one, _)| one.agent.between(scene.at - 300.0, scene.at));
    let lan = peers.fold(Count::default(), |mut all, sight| {
        if sight.peers_gone == 0 {
            all.add(sight.lan);
        }
        all
    });
    let new = |fault, other| {
        Finding::new(fault, 0.85, since)
            .or(other, 0.1)
            .figure(Figure::Loss(loss))
            .because(Because::LossBegins {
                segment: Segment::Gateway,
                ratio: loss,
                sent: u64::from(sent),
            })
    };
    let finding = if lan.sent >= 40 && lan.loss() < loss / 4.0 {
        new(Fault::GatewayOverloaded, Fault::LanLossy).because(Because::Clean {
            segment: Segment::Lan,
            sent: u64::from(lan.sent),
        })
    } else {
        new(Fault::LanLossy, Fault::GatewayOverloaded)
    };
    Some(finding)
}

/// One machine alone loses packets on the way to the router.
fn of_machine(one: &Witness, lasting: Lasting, well: usize) -> Finding {
    let errors: f32 = one
        .agent
        .between(one.last.t - 600.0, one.last.t)
        .map(|sight| sight.errors)
        .sum();
    let fault = if one.is_wifi() {
        Fault::PcWifiLossy
    } else {
        Fault::PcNicErrors
    };
    let sure = if well > 0 { 0.88 } else { 0.55 };
    let finding = Finding::new(fault, sure, lasting.since)
        .of(one.name)
        .or(Fault::LanLossy, if well > 0 { 0.06 } else { 0.3 })
        .figure(Figure::Loss(lasting.loss))
        .because(Because::LossBegins {
            segment: Segment::Gateway,
            ratio: lasting.loss,
            sent: u64::from(lasting.sent),
        })
        .because(Because::SiblingsWell { n: well as u64 });
    if one.is_wifi() {
        finding.because(Because::Wifi)
    } else if errors > 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let n = errors as u64;
        finding.because(Because::NicErrors { n })
    } else {
        finding
    }
}

/// Packets are lost behind the router, by those who reach it well.
fn outside(scene: &Scene, well: &[Witness]) -> Option<Finding> {
    let wired: Vec<Witness> = well.iter().filter(|one| !one.is_wifi()).copied().collect();
    let (who, times) = if wired.is_empty() {
        (well, AIR)
    } else {
        (wired.as_slice(), 1.0)
    };
    let known = who
        .iter()
        .map(|one| usual(scene, one, |usual| usual.far_loss));
    let usual = known.fold(Loss::default(), Loss::max);
    let of = |stretch| {
        let all = minutes(scene, who, stretch);
        Some((lasting(&all, usual, times, scene.at)?, sum(all, 5).loss()))
    };
    let near = |stretch| sum(minutes(scene, who, stretch), 5).loss();
    if let Some((line, now)) = of(Stretch::Line) {
        // What is lost on the way to the router is not the line's.
        return (near(Stretch::Gateway) <= now * 0.4).then(|| line_loses(who, line));
    }
    // It may begin deep inside the ISP: then the first of its routers answer well, and nothing far away does.
    let (isp, now) = of(Stretch::Isp).or_else(|| of(Stretch::Far))?;
    if near(Stretch::Line) > now * 0.5 {
        // It begins at the line, of which it is not certain yet.
        return None;
    }
    let finding = Finding::new(Fault::IspDegraded, 0.88, isp.since)
        .or(Fault::LineLossy, 0.07)
        .figure(Figure::Loss(isp.loss))
        .because(Because::LossBegins {
            segment: Segment::Isp,
            ratio: isp.loss,
            sent: u64::from(isp.sent),
        })
        .because(Because::Clean {
            segment: Segment::Line,
            sent: u64::from(isp.sent),
        });
    Some(finding)
}

fn line_loses(who: &[Witness], line: Lasting) -> Finding {
    let knows_line = who.iter().any(|one| one.last.way(Stretch::Line).sent > 0);
    let (sure, other) = if knows_line { (0.9, 0.06) } else { (0.7, 0.25) };
    Finding::new(Fault::LineLossy, sure, line.since)
        .or(Fault::IspDegraded, other)
        .figure(Figure::Loss(line.loss))
        .because(Because::LossBegins {
            segment: Segment::Line,
            ratio: line.loss,
            sent: u64::from(line.sent),
        })
        .because(Because::Clean {
            segment: Segment::Gateway,
            sent: u64::from(line.sent),
        })
}
