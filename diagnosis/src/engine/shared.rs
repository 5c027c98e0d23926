//! Centres that were cut off together: what do they share, and does everybody who shares it suffer?
//!
//! Each thing that centres share, a router on the way, an area, an ISP, the collector, is weighed by likelihood: for
//! it each centre that was cut off with the others, against it each that has it too and was heard meanwhile. Who could
//! not be heard anyway says nothing. The best explanation takes its centres, and the rest is asked again.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::{Cause, Judged, joined, observed, split};
use super::centre::Watched;
use crate::Fault;
use crate::sentence::incident::Group;

/// A centre that measured how it was cut off, at the same time as another, is hardly there by chance.
const MEASURED: f64 = 5.0;

/// One that is merely silent may be: people go home.
const SILENT: f64 = 2.5;

/// A centre that shares the culprit and is well.
const WELL: f64 = 3.0;

/// Things that many share break less often than what one has alone.
const RARE: f64 = 4.0;

/// Whoever is heard so long after others were cut off is well, seconds.
const AFTER: f64 = 25.0;

/// By then everybody who is well was heard again, seconds.
const LONG: f64 = 90.0;

/// What centres may share.
struct Shared<'a> {
    what: Kind,
    members: BTreeSet<&'a str>,
}

#[derive(Clone)]
enum Kind {
    Collector,
    Isp(String),
    Power(String),
    /// A router on the way, or an area of an ISP: its name, and the area's where there is one.
    Aggregation(String, Option<String>),
}

/// What was cut off together has these causes.
pub(super) fn cut(
    mut all: Vec<Judged>,
    centres: &BTreeMap<String, Watched>,
    began: f64,
) -> Vec<Cause> {
    let inside = |one: &Judged| {
        one.is_direct
            && matches!(
                one.cause.fault,
                Fault::LanDown | Fault::GatewayDown | Fault::LanPartial
            )
    };
    let alone = split(&mut all, inside);
    let mut causes: Vec<Cause> = alone.into_iter().map(|one| one.cause).collect();
    let well: BTreeSet<&str> = well(centres, began);
    while all.len() >= 2 {
        let Some(best) = best(&all, centres, &well, began) else {
            break;
        };
        let of = observed(centres, began, |one| {
            best.members.contains(one.centre.id.as_str())
        })
        .count();
        let kind = best.what.clone();
        let members = best.members;
        let those = split(&mut all, |one| {
            members.contains(one.id()) && explains(&kind, one)
        });
        causes.extend(one_cause(those, &kind, of));
    }
    causes.extend(all.into_iter().map(|one| one.cause));
    causes
}

/// Who was heard after others had been cut off.
fn well(centres: &BTreeMap<String, Watched>, began: f64) -> BTreeSet<&str> {
    let heard = centres.iter().filter(|(_, one)| {
        one.history.has_witness(began - 400.0, began)
            && one.history.has_witness(began + AFTER, began + 300.0)
    });
    heard.map(|(id, _)| id.as_str()).collect()
}

fn is_dark(one: &Judged) -> bool {
    one.is_direct && one.cause.fault == Fault::PowerOutage
}

/// Whether what was measured there can come of it.
fn explains(kind: &Kind, one: &Judged) -> bool {
    let fault = one.cause.fault;
    match kind {
        Kind::Collector => !one.is_direct || fault == Fault::CollectorPathDown,
        Kind::Power(_) => !one.is_direct || fault == Fault::PowerOutage,
        Kind::Isp(_) | Kind::Aggregation(..) => !is_dark(one),
    }
}

/// The best explanation of at least two, if it is better than chance.
fn best<'a>(
    all: &[Judged],
    centres: &'a BTreeMap<String, Watched>,
    well: &BTreeSet<&str>,
    began: f64,
) -> Option<Shared<'a>> {
    let could = observed(centres, began, |_| true).count();
    let lasts = all.iter().map(|one| one.cause.last).fold(began, f64::max) - began;
    let hit: BTreeSet<&str> = all.iter().map(Judged::id).collect();
    let mut best: Option<(f64, Shared)> = None;
    for candidate in candidates(all, centres) {
        let mut number = 0;
        let mut score = -RARE;
        let mut isps = BTreeSet::new();
        let mut dark = 0;
        for one in all {
            if !candidate.members.contains(one.id()) || !explains(&candidate.what, one) {
                continue;
            }
            number += 1;
            dark += usize::from(is_dark(one));
            isps.insert(&one.centre.centre.isp);
            score += if one.is_direct { MEASURED } else { SILENT };
        }
        for member in candidate.members.iter().filter(|one| !hit.contains(**one)) {
            score -= if well.contains(member) { WELL } else { 0.0 };
        }
        let fits = match candidate.what {
            // What centres of one ISP have in common is the ISP's; and nobody reaches a collector that is down.
            Kind::Collector => {
                let most = number * 3 >= could * 2 || (lasts >= LONG && number >= well.len() * 2);
                isps.len() >= 2 && number >= 3 && most
            }
            Kind::Power(_) => isps.len() >= 2 || dark >= 2,
            Kind::Isp(_) | Kind::Aggregation(..) => true,
        };
        let better = best.as_ref().is_none_or(|(least, _)| score > *least);
        if number >= 2 && fits && score > 0.0 && better {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// What two or more of them share; what is shared by most comes first and wins where both explain as much.
fn candidates<'a>(all: &[Judged], centres: &'a BTreeMap<String, Watched>) -> Vec<Shared<'a>> {
    let members = |of: &dyn Fn(&Watched) -> bool| -> BTreeSet<&'a str> {
        let those = centres.iter().filter(|(_, one)| of(one));
        those.map(|(id, _)| id.as_str()).collect()
    };
    let mut found = vec![Shared {
        what: Kind::Collector,
        members: members(&|_| true),
    }];
    let isps: BTreeSet<&str> = all.iter().map(Judged::isp).collect();
    for isp in isps.iter().filter(|isp| !isp.is_empty()) {
        found.push(Shared {
            what: Kind::Isp((*isp).to_owned()),
            members: members(&|one| one.centre.isp == **isp),
        });
    }
    let areas: BTreeSet<&str> = all.iter().map(Judged::area).collect();
    for area in areas.iter().filter(|area| !area.is_empty()) {
        found.push(Shared {
            what: Kind::Power((*area).to_owned()),
            members: members(&|one| one.centre.area == **area),
        });
        for isp in &isps {
            found.push(Shared {
                what: Kind::Aggregation((*area).to_owned(), Some((*area).to_owned())),
                members: members(&|one| one.centre.area == **area && one.centre.isp == **isp),
            });
        }
    }
    let hops: BTreeSet<(&str, &str)> = all
        .iter()
        .flat_map(|one| one.centre.hops().map(|hop| (one.isp(), hop)))
        .collect();
    for (isp, hop) in hops {
        let members = members(&|one| one.centre.isp == isp && one.hops().any(|other| other == hop));
        let areas: BTreeSet<&str> = members
            .iter()
            .filter_map(|id| centres.get(*id))
            .map(|one| one.centre.area.as_str())
            .collect();
        let area = areas
            .first()
            .filter(|area| areas.len() == 1 && !area.is_empty());
        let area = area.map(|area| (*area).to_owned());
        if members.len() >= 2 {
            found.push(Shared {
                what: Kind::Aggregation(hop.to_owned(), area),
                members,
            });
        }
    }
    found
}

/// One cause of several, named by what those say who measured it, and by how sure they can be.
fn one_cause(those: Vec<Judged>, kind: &Kind, of: usize) -> Option<Cause> {
    let direct = those.iter().filter(|one| one.is_direct).count();
    let says = |fault: Fault| {
        those
            .iter()
            .filter(|one| one.is_direct && one.cause.fault == fault)
            .count()
    };
    // Cut off from the collector alone; or silent, and yet the public address answers.
    let answering = those
        .iter()
        .filter(|one| !one.is_direct && one.cause.fault == Fault::LanDown)
        .count();
    let path = if direct > 0 {
        says(Fault::CollectorPathDown) * 2 > direct
    } else {
        answering * 2 > those.len()
    };
    let isp = those.first().map(|one| one.isp().to_owned());
    let (fault, other, culprit, group) = match kind {
        Kind::Collector => (
            Fault::CollectorDown,
            Fault::CollectorPathDown,
            None,
            Group::All,
        ),
        Kind::Power(area) => (
            Fault::PowerOutage,
            Fault::IspAreaDown,
            Some(area.clone()),
            Group::Area(area.clone()),
        ),
        Kind::Isp(isp) if path => (
            Fault::CollectorPathDown,
            Fault::IspDown,
            Some(isp.clone()),
            Group::Isp(isp.clone()),
        ),
        Kind::Isp(isp) => (
            Fault::IspDown,
            Fault::CollectorPathDown,
            Some(isp.clone()),
            Group::Isp(isp.clone()),
        ),
        Kind::Aggregation(..) if path => (
            Fault::CollectorPathDown,
            Fault::IspAreaDown,
            isp.clone(),
            Group::Isp(isp.unwrap_or_default()),
        ),
        Kind::Aggregation(hop, area) => (
            Fault::IspAreaDown,
            Fault::PowerOutage,
            Some(area.clone().unwrap_or_else(|| hop.clone())),
            area.clone()
                .map_or_else(|| Group::Isp(isp.clone().unwrap_or_default()), Group::Area),
        ),
    };
    let number = those.len();
    let mut cause = joined(those, fault, culprit, of, group)?;
    let sure = match (direct, number) {
        (0, 2) => 0.65,
        (0, _) => 0.75,
        (_, 2) => 0.85,
        _ => 0.94,
    };
    cause.confidence = sure;
    let rest = 1.0 - sure;
    cause.others = vec![(other, rest * 0.7)];
    Some(cause)
}
