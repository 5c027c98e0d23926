//! What many centres share: trouble that begins in several at once has one cause, at what they have in common.
//!
//! A function of the spells of all centres. Only centres that could be observed then count: one in which everybody had
//! gone home neither fails nor is well.

use std::collections::{BTreeMap, BTreeSet};

use super::centre::Watched;
use super::spell::{Family, Spell};
use crate::sentence::incident::{Because, Figure, Group};
use crate::{Fault, Segment};

/// What has one cause begins within this, seconds.
const TOGETHER: f64 = 240.0;

/// What takes minutes to be sure of is found in one centre earlier than in another, seconds.
const GRADUAL: f64 = 900.0;

/// So long after a cut its packets are still among those that loss is judged by, seconds.
const WINDOW: f64 = 1_900.0;

/// An attempt at a service that has ended cannot have begun longer ago, seconds.
const ATTEMPT: f64 = 75.0;

/// One cause and all that follows from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cause {
    pub(super) family: Family,
    pub(super) fault: Fault,
    pub(super) culprit: Option<String>,
    pub(super) scope: BTreeSet<String>,
    pub(super) since: f64,
    /// When it was last found.
    pub(super) last: f64,
    pub(super) confidence: f64,
    pub(super) others: Vec<(Fault, f64)>,
    pub(super) silent: bool,
    pub(super) figure: Figure,
    pub(super) supports: Vec<Because>,
    pub(super) against: Vec<Because>,
}

/// One spell and what it is, by all that was found.
pub(super) struct Judged<'a> {
    pub(super) centre: &'a Watched,
    spell: &'a Spell,
    pub(super) cause: Cause,
    /// Whether somebody there measured it, so that it is more than a silence.
    pub(super) is_direct: bool,
}

/// A service has to fail altogether for so long before it is refused on the way, seconds.
const REFUSED: f64 = 100.0;

impl Judged<'_> {
    pub(super) fn id(&self) -> &str {
        &self.centre.centre.id
    }

    pub(super) fn isp(&self) -> &str {
        &self.centre.centre.isp
    }

    pub(super) fn area(&self) -> &str {
        &self.centre.centre.area
    }

    /// Whether a service failed for everybody here, and not only for a moment.
    fn fails_altogether(&self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "steps of a day")]
        let lasted = self.spell.certain as f64 * super::centre::STEP;
        lasted >= REFUSED && self.spell.certain * 2 >= self.spell.steps
    }
}

/// All causes.
pub(super) fn causes(centres: &BTreeMap<String, Watched>) -> Vec<Cause> {
    let mut groups: BTreeMap<Family, Vec<Judged>> = BTreeMap::new();
    let mut causes = Vec::new();
    for (id, centre) in centres {
        let spells = centre.spells();
        for spell in spells {
            if follows(spell, spells) {
                continue;
            }
            let Some(judged) = judged(id, centre, spell) else {
                continue;
            };
            match judged.spell.family {
                Family::One(Segment::Device | Segment::Printer, _)
                | Family::Soft(Segment::Lan | Segment::Gateway) => {
                    causes.push(judged.cause);
                }
                // A line and its ISP may be in trouble for one reason.
                Family::Soft(Segment::Line | Segment::Isp) => {
                    groups
                        .entry(Family::Soft(Segment::Isp))
                        .or_default()
                        .push(judged);
                }
                _ => groups
                    .entry(judged.spell.family.clone())
                    .or_default()
                    .push(judged),
            }
        }
    }
    for (family, mut all) in groups {
        all.sort_by(|one, other| one.spell.since.total_cmp(&other.spell.since));
        while !all.is_empty() {
            let began = all.first().map_or(0.0, |one| one.spell.since);
            let rest = later(&family, &mut all, began);
            causes.extend(shared(&family, all, centres, began));
            all = rest;
        }
    }
    refused_together(causes)
}

/// Splits off those that did not begin together with the first. A service that still fails elsewhere fails for the same
/// reason, whoever asks it later; and where nobody was awake to see it, a cut began before it was seen.
fn later<'a>(family: &Family, all: &mut Vec<Judged<'a>>, began: f64) -> Vec<Judged<'a>> {
    let mut until = began
        + if matches!(family, Family::Soft(_)) {
            GRADUAL
        } else {
            TOGETHER
        };
    let mut last = began;
    let (with, rest) = std::mem::take(all).into_iter().partition(|one| {
        let unseen = || {
            one.spell.since <= last
                && !one
                    .centre
                    .history
                    .has_witness(began + TOGETHER, one.spell.since - 1.0)
        };
        let with = one.spell.since <= until || (*family == Family::Cut && unseen());
        if with {
            last = last.max(one.spell.last);
            if matches!(family, Family::One(Segment::Service, _)) {
                until = until.max(one.spell.last);
            }
        }
        with
    });
    *all = with;
    rest
}

/// Whether a spell is but what another leaves behind, or how it began.
fn follows(spell: &Spell, all: &[Spell]) -> bool {
    let own = matches!(spell.family, Family::Cut | Family::One(Segment::Printer, _));
    !own && all.iter().any(|other| is_behind(spell, other))
}

/// Whether one spell explains another.
fn is_behind(spell: &Spell, other: &Spell) -> bool {
    use Segment::{Device, Dns, Gateway, Isp, Lan, Route, Service};
    let within = |after: f64| {
        let span = other.since - 180.0..other.last + after;
        (span.contains(&spell.since) || span.contains(&spell.found))
            && spell.last < other.last + after.max(900.0) + 600.0
    };
    match (&other.family, &spell.family) {
        // A service that failed before is not cut off with the rest: its attempts take this long at most.
        (Family::Cut, Family::One(Service, _)) if spell.since < other.since - ATTEMPT => false,
        // What was measured before a silence is not explained by it.
        (Family::Cut, _) if !other.is_direct && spell.found < other.since - 60.0 => false,
        // The windows over which loss is judged look back so far.
        (Family::Cut, Family::Soft(Lan | Gateway | Isp) | Family::One(Device, _)) => within(WINDOW),
        // Names and login pages are judged by the last minutes: what still is so later was not left behind.
        (Family::Cut, Family::Soft(Dns | Route)) if spell.last > other.last + 300.0 => false,
        (Family::Cut, _) => within(300.0),
        (Family::Soft(Lan | Gateway), Family::Soft(Lan | Gateway)) => false,
        (Family::Soft(Lan | Gateway), _) => within(1_500.0),
        // Attempts fail on a bad way. Those that ended for want of a name are no evidence on the service anyway.
        (Family::Soft(Route | Isp), Family::One(Service, _)) => within(300.0),
        _ => false,
    }
}

/// Services that are refused at the same time in the same centres are refused by one thing.
fn refused_together(causes: Vec<Cause>) -> Vec<Cause> {
    let mut kept: Vec<Cause> = Vec::new();
    for cause in causes {
        let is_refused = cause.fault == Fault::RouteBlocked;
        let same = kept.iter_mut().filter(|_| is_refused).find(|other| {
            other.fault == Fault::RouteBlocked
                && (other.since - cause.since).abs() <= TOGETHER
                && !other.scope.is_disjoint(&cause.scope)
        });
        let Some(other) = same else {
            kept.push(cause);
            continue;
        };
        if other.culprit != cause.culprit {
            other.culprit = None;
            other.family = Family::Soft(Segment::Route);
        }
        other.scope.extend(cause.scope);
        other.since = other.since.min(cause.since);
        other.last = other.last.max(cause.last);
    }
    kept
}

/// What one spell is, by the votes of its steps.
fn judged<'a>(id: &str, centre: &'a Watched, spell: &'a Spell) -> Option<Judged<'a>> {
    let ranked = spell.ranked();
    let (fault, share, vote) = *ranked.first()?;
    let newest = ranked.iter().filter_map(|(.., vote)| vote.newest).max();
    let best = centre.finding(vote.newest.or(newest)?)?;
    let others = ranked.iter().skip(1).take(2);
    let cause = Cause {
        family: spell.family.clone(),
        fault,
        culprit: best.culprit.clone().filter(|_| best.fault == fault),
        scope: [id.to_owned()].into(),
        since: spell.since,
        last: spell.last,
        confidence: share.min(vote.sure.max(0.05)),
        others: others
            .map(|(fault, p, _)| (*fault, *p))
            .filter(|(_, p)| *p >= 0.02)
            .collect(),
        silent: spell.is_silent,
        figure: best.figure.clone(),
        supports: best.supports.clone(),
        against: best.against.clone(),
    };
    Some(Judged {
        centre,
        spell,
        cause,
        is_direct: spell.is_direct,
    })
}

/// What several spells that began together have as their cause, or causes.
fn shared(
    family: &Family,
    all: Vec<Judged>,
    centres: &BTreeMap<String, Watched>,
    began: f64,
) -> Vec<Cause> {
    match family {
        Family::Cut => super::shared::cut(all, centres, began),
        Family::One(Segment::Service, service) => of_service(service, all, centres, began),
        Family::Soft(Segment::Dns) => by_isp(all, centres, began, Fault::DnsIspDown, 2),
        Family::Soft(Segment::Isp) => by_isp(all, centres, began, Fault::IspDegraded, 3),
        _ => all.into_iter().map(|one| one.cause).collect(),
    }
}

/// Centres that were heard shortly before.
pub(super) fn observed(
    centres: &BTreeMap<String, Watched>,
    began: f64,
    of: impl Fn(&Watched) -> bool,
) -> impl Iterator<Item = &String> {
    let heard = centres.iter().filter(move |(_, centre)| {
        of(centre) && centre.history.has_witness(began - 400.0, began + 60.0)
    });
    heard.map(|(id, _)| id)
}

/// One cause out of several spells.
pub(super) fn joined(
    all: Vec<Judged>,
    fault: Fault,
    culprit: Option<String>,
    of: usize,
    what: Group,
) -> Option<Cause> {
    let failing = all.len();
    let mut each = all.into_iter().map(|one| one.cause);
    let mut cause = each.next()?;
    for other in each {
        cause.scope.extend(other.scope);
        cause.since = cause.since.min(other.since);
        cause.last = cause.last.max(other.last);
        cause.silent &= other.silent;
    }
    let was = cause.fault;
    cause.fault = fault;
    cause.culprit = culprit;
    cause.confidence = if failing >= 3 { 0.94 } else { 0.85 };
    cause.others = if was == fault {
        Vec::new()
    } else {
        vec![(was, 1.0 - cause.confidence)]
    };
    cause.supports.insert(
        0,
        Because::OtherCentres {
            failing: failing as u64,
            of: of as u64,
            what,
        },
    );
    Some(cause)
}

/// Splits off those of which something holds.
pub(super) fn split<'a>(
    all: &mut Vec<Judged<'a>>,
    holds: impl Fn(&Judged) -> bool,
) -> Vec<Judged<'a>> {
    let (those, rest) = std::mem::take(all).into_iter().partition(|one| holds(one));
    *all = rest;
    those
}

/// What most centres of an ISP share.
fn by_isp(
    mut all: Vec<Judged>,
    centres: &BTreeMap<String, Watched>,
    began: f64,
    fault: Fault,
    fewest: usize,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let isps: BTreeSet<String> = all
        .iter()
        .map(|one| one.centre.centre.isp.clone())
        .collect();
    for isp in isps.iter().filter(|isp| !isp.is_empty()) {
        let of = observed(centres, began, |centre| centre.centre.isp == *isp).count();
        let is_hit = |one: &Judged| one.centre.centre.isp == *isp;
        let hit = all.iter().filter(|one| is_hit(one)).count();
        if hit >= fewest.min(of) && hit >= 2 && hit * 2 >= of {
            let those = split(&mut all, is_hit);
            causes.extend(joined(
                those,
                fault,
                Some(isp.clone()),
                of,
                Group::Isp(isp.clone()),
            ));
        }
    }
    causes.extend(all.into_iter().map(|one| one.cause));
    causes
}

/// A service that fails where it is asked, or only for some.
///
/// Where it works elsewhere, only what fails here altogether and for minutes is refused on the way: a service that is
/// slow here, or fails now and then, suffers from what the way does to everything, of which echoes tell.
fn of_service(
    service: &str,
    mut all: Vec<Judged>,
    centres: &BTreeMap<String, Watched>,
    began: f64,
) -> Vec<Cause> {
    let of = observed(centres, began, |_| true).count();
    if is_everywhere(&all, centres, began) {
        let fault = most(&all);
        return joined(all, fault, Some(service.to_owned()), of, Group::All)
            .into_iter()
            .collect();
    }
    let elsewhere = of.saturating_sub(all.len()) as u64;
    if elsewhere >= 2 {
        all.retain(|one| one.fails_altogether() || one.cause.fault == Fault::CertificateExpired);
    }
    let isps: BTreeSet<String> = all
        .iter()
        .map(|one| one.centre.centre.isp.clone())
        .collect();
    let mut causes = Vec::new();
    for isp in isps.iter().filter(|isp| !isp.is_empty()) {
        let of = observed(centres, began, |centre| centre.centre.isp == *isp).count();
        let is_hit = |one: &Judged| one.centre.centre.isp == *isp;
        let hit = all.iter().filter(|one| is_hit(one)).count();
        if hit >= 2 && hit * 10 >= of * 4 {
            let those = split(&mut all, is_hit);
            causes.extend(joined(
                those,
                Fault::RouteBlocked,
                Some(service.to_owned()),
                of,
                Group::Isp(isp.clone()),
            ));
        }
    }
    causes.extend(all.into_iter().map(|one| {
        let mut cause = one.cause;
        if elsewhere >= 2 && cause.fault != Fault::CertificateExpired {
            cause.others = vec![(cause.fault, 0.12)];
            cause.fault = Fault::RouteBlocked;
            cause.confidence = 0.85;
            cause.supports.push(Because::ServiceWorksElsewhere {
                service: service.to_owned(),
                centres: elsewhere,
            });
        }
        cause
    }));
    causes
}

/// Whether a service is in trouble wherever it is asked: in many centres, and not only in those of one ISP.
fn is_everywhere(all: &[Judged], centres: &BTreeMap<String, Watched>, began: f64) -> bool {
    let mut shares: Vec<(usize, usize)> = Vec::new();
    let isps: BTreeSet<&String> = centres.values().map(|one| &one.centre.isp).collect();
    for isp in isps {
        let of = observed(centres, began, |one| one.centre.isp == *isp).count();
        let is_hit = |one: &&Judged| one.centre.centre.isp == *isp;
        if of > 0 {
            shares.push((all.iter().filter(is_hit).count(), of));
        }
    }
    let sum = |some: &[(usize, usize)]| {
        some.iter()
            .fold((0, 0), |(hit, of), one| (hit + one.0, of + one.1))
    };
    let (hit, of) = sum(&shares);
    if hit < 2 || hit * 10 < of * 4 {
        return false;
    }
    shares.sort_by_key(|(hit, _)| *hit);
    // Without the ISP that is hit most the others still say so.
    shares.pop();
    let (hit, of) = sum(&shares);
    of == 0 || (hit > 0 && hit * 10 >= of * 3)
}

fn most(all: &[Judged]) -> Fault {
    let mut votes: BTreeMap<Fault, usize> = BTreeMap::new();
    for one in all {
        *votes.entry(one.cause.fault).or_default() += 1;
    }
    let best = votes.into_iter().max_by_key(|(_, votes)| *votes);
    best.map_or(Fault::ServiceDown, |(fault, _)| fault)
}
