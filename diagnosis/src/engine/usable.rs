//! The way is good, and still people cannot work: names are not resolved, large packets vanish, a login page answers,
//! a service fails.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::scene::{NOW, Scene, Witness};
use super::sight::{Attempt, Count, Sight, Stretch};
use crate::Fault;
use crate::record::{DnsWord, ServiceWord};
use crate::sentence::incident::{Because, Target};

/// How long back attempts count, seconds.
const RECENT: f64 = 150.0;

/// A way that loses less is none that makes services fail.
const GOOD: f64 = 0.2;

/// A service that takes so much longer than usual is slow, milliseconds.
const LATE: f32 = 900.0;

/// What a centre says of one service.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) how: How,
    pub(super) word: ServiceWord,
    pub(super) failed: u32,
    pub(super) attempts: u32,
    pub(super) ms: Option<f64>,
    pub(super) since: f64,
}

/// How a service is, seen from one centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    Well,
    Slow,
    Partly,
    Down,
}

/// Machines whose way to the far end is proven.
fn connected<'a>(scene: &Scene<'a>) -> Vec<Witness<'a>> {
    let connected = |one: &&Witness| {
        let far = one.last.way(Stretch::Far);
        let isp = one.last.way(Stretch::Isp);
        if far.sent + isp.sent > 0 {
            far.answers() || isp.answers()
        } else {
            one.last.reaches(Stretch::Line)
        }
    };
    scene.witnesses.iter().filter(connected).copied().collect()
}

/// Whether echoes reached the far end, where any were sent.
fn echoes_pass(sight: &Sight) -> bool {
    let far = sight.way(Stretch::Far);
    far.sent < 2 || far.loss() < 0.5
}

/// Names, large packets and login pages.
pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let who = connected(scene);
    [names(scene, &who), captive(scene), large(scene, &who)]
        .into_iter()
        .flatten()
        .collect()
}

/// The machines of which something holds if they are most, and it held the time before where they are few.
fn most<'a>(
    scene: &Scene<'a>,
    who: &[Witness<'a>],
    knows: impl Fn(&Witness) -> bool,
    bad: impl Fn(&Witness) -> bool,
) -> Option<Vec<Witness<'a>>> {
    // Not every round asks: the newest that did tells, and the one that did before.
    let asking = |one: &Witness<'a>, before: f64| {
        let known = one.agent.between(before - NOW, before).rev();
        let mut known = known.map(|last| Witness { last, ..*one });
        known.find(|one| knows(one))
    };
    let newest: Vec<Witness> = who.iter().filter_map(|one| asking(one, scene.at)).collect();
    let asked = newest.len();
    let hit: Vec<Witness> = newest.into_iter().filter(&bad).collect();
    let again = hit.len() >= 3
        || hit
            .iter()
            .any(|one| asking(one, one.last.t - 0.001).is_some_and(|earlier| bad(&earlier)));
    (!hit.is_empty() && hit.len() * 5 >= asked * 3 && again).then_some(hit)
}

/// Since when: rounds in which nothing was asked say nothing.
fn began(hit: &[Witness], knows: impl Fn(&Witness) -> bool, bad: impl Fn(&Witness) -> bool) -> f64 {
    let bad = |one: &Witness| !knows(one) || bad(one);
    hit.iter()
        .map(|one| one.since(&bad))
        .fold(f64::INFINITY, f64::min)
}

/// The resolver of the centre fails.
fn names(scene: &Scene, who: &[Witness]) -> Option<Finding> {
    let own = |one: &Witness| {
        one.last
            .questions
            .iter()
            .filter(|asked| asked.resolver != "public")
            .count()
            > 0
    };
    let fails = |one: &Witness| {
        let mut own = one
            .last
            .questions
            .iter()
            .filter(|asked| asked.resolver != "public")
            .peekable();
        own.peek().is_some() && own.all(|asked| asked.word != DnsWord::Answered)
    };
    if let Some(hit) = most(scene, who, own, fails).filter(|hit| no_chance(scene, hit)) {
        let first = hit
            .first()?
            .last
            .questions
            .iter()
            .find(|asked| asked.word != DnsWord::Answered)?;
        let (name, outcome) = (first.resolver.clone(), first.word);
        let others = hit.iter().any(|one| {
            one.last
                .questions
                .iter()
                .any(|asked| asked.word == DnsWord::Answered)
        });
        let finding = Finding::new(Fault::DnsDown, 0.94, began(&hit, own, fails))
            .or(Fault::DnsIspDown, 0.05)
            .because(Because::Resolver { name, outcome })
            .because(Because::Answers {
                target: Target::Anchors,
                received: 1,
                sent: 1,
            });
        return Some(if others {
            finding.because(Because::OtherResolverWorks)
        } else {
            finding
        });
    }
    let slow = |one: &Witness| {
        let own = one
            .last
            .questions
            .iter()
            .filter(|asked| asked.resolver != "public");
        let mut answered = own.filter_map(|asked| asked.ms).peekable();
        answered.peek().is_some() && answered.all(|ms| ms > 900.0)
    };
    let hit = most(scene, who, own, slow)?;
    let since = began(&hit, own, slow);
    (scene.at - since > 200.0).then(|| {
        Finding::new(Fault::DnsDown, 0.8, since)
            .or(Fault::IspDegraded, 0.1)
            .because(Because::Resolver {
                name: "isp".to_owned(),
                outcome: DnsWord::Timeout,
            })
    })
}

/// Whether questions that were lost on a bad way are no explanation: with this loss so many would hardly fail in a row.
fn no_chance(scene: &Scene, hit: &[Witness]) -> bool {
    let mut way = Count::default();
    let mut row = 0;
    for one in hit {
        let recent = || one.agent.between(scene.at - RECENT, scene.at).rev();
        recent().for_each(|sight| way.add(sight.way(Stretch::Far)));
        let asked = recent().flat_map(|sight| &sight.questions);
        let own = asked.filter(|asked| asked.resolver != "public");
        row += own
            .take_while(|asked| asked.word != DnsWord::Answered)
            .count();
    }
    // A question needs both ways, and is repeated once at most.
    let each = (2.0 * way.loss() + 0.03).min(0.95);
    each.powi(i32::try_from(row).unwrap_or(i32::MAX)) < 1e-3
}

/// A login page answers. Where the resolver told a wrong address, whoever answers there says nothing of the way.
fn captive(scene: &Scene) -> Option<Finding> {
    let is_misled = |one: &Witness| {
        let mut asked = one.last.questions.iter();
        asked.any(|asked| asked.word == DnsWord::Wrong)
    };
    let bad = |one: &Witness| {
        if is_misled(one) {
            return false;
        }
        one.last
            .attempts
            .iter()
            .any(|one| one.word == ServiceWord::Captive)
    };
    let tries = |one: &Witness| one.last.tried();
    // Who is answered by a login page got that far, whatever became of echoes.
    let hit = most(scene, &scene.witnesses, tries, bad)?;
    let service = hit
        .first()?
        .last
        .attempts
        .iter()
        .find(|one| one.word == ServiceWord::Captive)?;
    Some(
        Finding::new(Fault::CaptivePortal, 0.96, began(&hit, tries, bad))
            .or(Fault::RouteBlocked, 0.03)
            .because(Because::LoginPage {
                service: service.service.clone(),
            }),
    )
}

/// Large packets vanish.
fn large(scene: &Scene, who: &[Witness]) -> Option<Finding> {
    let bad = |one: &Witness| {
        let known = one.agent.between(one.last.t - 400.0, one.last.t).rev();
        let mut known = known.filter(|sight| sight.large_pass + sight.large_vanish > 0);
        known
            .next()
            .is_some_and(|sight| sight.large_vanish > 0 && sight.large_pass == 0)
    };
    let knows = |one: &Witness| {
        let mut known = one.agent.between(one.last.t - 400.0, one.last.t);
        known.any(|sight| sight.large_pass + sight.large_vanish > 0)
    };
    let hit = most(scene, who, knows, bad)?;
    let since = began(&hit, knows, bad);
    Some(
        Finding::new(Fault::MtuBlackhole, 0.94, since)
            .or(Fault::RouteBlocked, 0.04)
            .because(Because::LargePacketsVanish { targets: 1 })
            .because(Because::SmallPacketsPass),
    )
}

/// Services that one machine alone does not reach, twice in a row, over a way that is good, while its neighbours do: its
/// own antivirus, firewall or proxy is in between.
pub(super) fn alone(scene: &Scene) -> Vec<Finding> {
    if !is_any_telling(scene) {
        return Vec::new();
    }
    let way = |one: &Witness| {
        let mut recent = one.agent.between(scene.at - RECENT, scene.at);
        recent.all(|sight| sight.way(Stretch::Far).loss() < GOOD && sight.large_vanish == 0)
    };
    let mut each: Vec<(Witness, Vec<&Sight>)> = Vec::new();
    for one in connected(scene) {
        let recent = one.agent.between(scene.at - RECENT, scene.at).rev();
        each.push((one, recent.filter(|sight| sight.tried()).collect()));
    }
    each.retain(|(_, tried)| !tried.is_empty());
    let all = each.len();
    // Most of the others, when they tried last, and not before this one began to fail.
    let works = |service: &str, name: &str, since: f64| {
        let others = each.iter().filter(|(other, _)| other.name != name);
        let newest = others.filter_map(|(_, tried)| tried.first());
        let well = |one: &&&Sight| one.t > since && one.answers(service);
        let (of, well) = newest.fold((0, 0), |(of, all), one| {
            (of + 1, all + usize::from(well(&one)))
        });
        well > 0 && well * 3 >= of * 2
    };
    let refused: Vec<_> = each
        .iter()
        .filter(|(one, tried)| {
            way(one)
                && tried.get(1).is_some_and(|before| {
                    let works = |service: &str| works(service, one.name, before.t);
                    tried.iter().take(2).all(|one| is_refused(one, works))
                })
        })
        .collect();
    if refused.len() * 3 > all {
        return Vec::new();
    }
    let well = all - refused.len();
    let sure = if well >= 3 { 0.88 } else { 0.75 };
    let of = |(one, tried): &(Witness, Vec<&Sight>)| {
        let since = tried.last().map_or(scene.at, |sight| sight.t - 60.0);
        let fails = tried.first()?.attempts.iter().find(|one| one.failed > 0)?;
        let finding = Finding::new(Fault::PcBlocked, sure, since)
            .of(one.name)
            .or(Fault::RouteBlocked, 0.95 - sure)
            .because(Because::ServiceFails {
                service: fails.service.clone(),
                word: fails.word,
                failed: u64::from(fails.failed),
                attempts: u64::from(fails.attempts),
                centres: 1,
            })
            .because(Because::SiblingsWell { n: well as u64 });
        Some(finding)
    };
    refused.into_iter().filter_map(of).collect()
}

/// Whether most services, and more than one, fail here altogether that work elsewhere in the centre.
fn is_refused(sight: &Sight, works: impl Fn(&str) -> bool) -> bool {
    use ServiceWord::{Refused, Timeout, TlsFailed, Unreachable};
    let fails = |one: &&Attempt| {
        one.failed == one.attempts
            && matches!(one.word, Refused | Timeout | TlsFailed | Unreachable)
            && works(&one.service)
    };
    let failing = sight.attempts.iter().filter(fails).count();
    failing >= 2 && failing * 5 >= sight.attempts.len() * 3
}

/// What one machine tried at one service, and when.
type Tried<'a> = (Witness<'a>, Vec<(f64, &'a Attempt)>);

/// Whether an attempt says that something may be wrong with its service: all but a few do not, and cost nothing.
fn is_telling(attempt: &Attempt) -> bool {
    attempt.failed > 0 || attempt.total_ms.is_some_and(|ms| ms > LATE)
}

/// Whether any attempt does of late.
fn is_any_telling(scene: &Scene) -> bool {
    let recent = |one: &Witness| {
        one.agent
            .between(scene.at - RECENT, scene.at)
            .any(has_telling)
    };
    scene.witnesses.iter().any(recent)
}

fn has_telling(sight: &Sight) -> bool {
    sight.attempts.iter().any(is_telling)
}

/// How each service is, seen from here but for some; nothing where all of them are well.
pub(super) fn services<'a>(scene: &Scene<'a>, apart: &[&str]) -> BTreeMap<&'a str, Standing> {
    let recent = |one: &Witness<'a>| one.agent.between(scene.at - RECENT, scene.at);
    if !is_any_telling(scene) {
        return BTreeMap::new();
    }
    let mut who = connected(scene);
    who.retain(|one| !apart.contains(&one.name));
    let mut all: BTreeMap<&str, Vec<Tried>> = BTreeMap::new();
    for one in &who {
        let mut mine: BTreeMap<&str, Vec<(f64, &Attempt)>> = BTreeMap::new();
        // Names that were not resolved a moment ago explain attempts that ended there.
        let around = one.agent.between(scene.at - 2.0 * RECENT, scene.at);
        let named = around
            .flat_map(|sight| &sight.questions)
            .all(|asked| asked.resolver == "public" || asked.word == DnsWord::Answered);
        let good = |sight: &&Sight| !sight.is_cut_off(Stretch::Far) && echoes_pass(sight);
        for sight in recent(one).filter(good) {
            // Names that are not resolved and login pages are no fault of a service.
            let own = |one: &&Attempt| match one.word {
                ServiceWord::Captive => false,
                ServiceWord::DnsFailed => named,
                _ => true,
            };
            for attempt in sight.attempts.iter().filter(own) {
                mine.entry(&attempt.service)
                    .or_default()
                    .push((sight.t, attempt));
            }
        }
        for (service, attempts) in mine {
            all.entry(service).or_default().push((*one, attempts));
        }
    }
    all.into_iter()
        .filter_map(|(service, seen)| Some((service, standing(scene, service, &seen)?)))
        .collect()
}

fn standing(scene: &Scene, service: &str, seen: &[Tried]) -> Option<Standing> {
    let newest =
        |attempts: &[(f64, &Attempt)]| attempts.last().map_or(0.0, |(_, one)| one.failing());
    let all = || seen.iter().flat_map(|(_, attempts)| attempts);
    let attempts: u32 = all().map(|(_, one)| one.attempts).sum();
    let failed: u32 = all().map(|(_, one)| one.failed).sum();
    let last = seen
        .iter()
        .filter_map(|(_, attempts)| attempts.last())
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    let failing: Vec<&(f64, &Attempt)> = all().filter(|(_, one)| one.failed > 0).collect();
    let word = failing.last().map_or(last.1.word, |(_, one)| one.word);
    let first = failing
        .iter()
        .map(|(t, _)| *t)
        .fold(f64::INFINITY, f64::min);
    let down = seen
        .iter()
        .filter(|(_, attempts)| newest(attempts) >= 0.8)
        .count();
    let down_twice = seen.iter().any(|(_, attempts)| {
        attempts.len() >= 2
            && attempts
                .iter()
                .rev()
                .take(2)
                .all(|(_, one)| one.failing() >= 0.8)
    });
    let late: Vec<bool> = seen
        .iter()
        .filter_map(|(one, attempts)| {
            let usual = scene.usual(one.name)?.services.get(service)?;
            let times: Vec<f32> = attempts
                .iter()
                .filter_map(|(_, one)| one.total_ms)
                .collect();
            (times.len() >= 2).then(|| times.iter().all(|ms| *ms > (usual * 2.5).max(usual + LATE)))
        })
        .collect();
    let how = if down * 5 >= seen.len() * 3 && (down >= 3 || down_twice) {
        How::Down
    } else if failed >= 3 && f64::from(failed) >= 0.2 * f64::from(attempts) {
        How::Partly
    } else if !late.is_empty() && late.iter().filter(|late| **late).count() * 5 >= late.len() * 3 {
        How::Slow
    } else {
        How::Well
    };
    let since = if first.is_finite() {
        first
    } else {
        scene.at - RECENT
    };
    let ms = last.1.total_ms.map(f64::from);
    Some(Standing {
        how,
        word,
        failed,
        attempts,
        ms,
        since,
    })
}

/// The fault of a service that is so.
pub(super) fn fault(standing: &Standing) -> Fault {
    match (standing.how, standing.word) {
        (_, ServiceWord::CertificateExpired) => Fault::CertificateExpired,
        (How::Slow, _) | (How::Partly, ServiceWord::Timeout) => Fault::ServiceSlow,
        (_, ServiceWord::HttpError) => Fault::ServiceError,
        _ => Fault::ServiceDown,
    }
}

/// Most services fail here, over a way that is good.
pub(super) fn blocked(standing: &Standing) -> Finding {
    Finding::new(Fault::RouteBlocked, 0.85, standing.since)
        .or(Fault::ServiceDown, 0.1)
        .because(Because::Answers {
            target: Target::Anchors,
            received: 1,
            sent: 1,
        })
        .because(Because::Fails {
            target: Target::Services,
            received: u64::from(standing.attempts - standing.failed),
            sent: u64::from(standing.attempts),
        })
}
